"""The scripted agent as a program that talks with it sees it: compiled once for a test run, started with a session beside it."""

from __future__ import annotations

import functools
import json
import os
import selectors
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from autoprof_ci.workloads.agent import ensure_player

INIT = {"type": "system", "subtype": "init", "session_id": "s"}
RESULT = {"type": "result", "subtype": "success", "result": "done"}
PROMPT = {"type": "user", "message": {"role": "user", "content": "go"}, "parent_tool_use_id": None, "session_id": ""}
OPTIONS = ("--output-format", "stream-json", "--input-format", "stream-json", "--verbose", "--model", "m", "--max-turns", "7")
PATIENCE_S = 30.0


@functools.cache
def player() -> Path:
    return ensure_player(Path(tempfile.mkdtemp(prefix="autoprof-test-player-")))


def text(number: int, length: int = 5) -> dict[str, Any]:
    return {"type": "assistant", "message": {"content": [{"type": "text", "text": f"{number}:{'x' * length}"}]}}


def jsonl(*messages: dict[str, Any]) -> bytes:
    return b"".join(json.dumps(message, separators=(",", ":")).encode() + b"\n" for message in messages)


def installed(folder: Path, session: bytes, name: str = "claude") -> Path:
    """The player under `name`, with a session to play."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(player(), folder / name)
    (folder / "session.jsonl").write_bytes(session)
    return folder / name


class Talk:
    """One start of the agent. Nothing here waits longer than `PATIENCE_S`."""

    def __init__(self, program: Path, *options: str) -> None:
        self.process = subprocess.Popen(
            (program, *(options or OPTIONS)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0
        )
        self._read = b""

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        self.process.wait()

    def say(self, *messages: dict[str, Any]) -> None:
        self.write(jsonl(*messages))

    def write(self, data: bytes) -> None:
        assert self.process.stdin is not None
        view = memoryview(data)
        while view:
            view = view[self.process.stdin.write(view) :]

    def hang_up(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def line(self, patience_s: float = PATIENCE_S) -> dict[str, Any] | None:
        """The next line; ``None`` at the end. Raises `TimeoutError`."""
        while b"\n" not in self._read:
            chunk = self._chunk(patience_s)
            if not chunk:
                assert not self._read, self._read[:100]
                return None
            self._read += chunk
        line, _, self._read = self._read.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found

    def rest(self) -> bytes:
        while chunk := self._chunk(PATIENCE_S):
            self._read += chunk
        found, self._read = self._read, b""
        return found

    def end(self) -> tuple[int, bytes]:
        """Exit code, and what it said on standard error."""
        assert self.process.stderr is not None
        said = self.process.stderr.read()
        return self.process.wait(PATIENCE_S), said

    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _chunk(self, patience_s: float) -> bytes:
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(patience_s):
                raise TimeoutError
        return os.read(self.process.stdout.fileno(), 1 << 16)


def played(program: Path, *options: str) -> bytes:
    """All that it prints to somebody who gives a prompt and closes the pipe."""
    with Talk(program, *options) as talk:
        talk.say(PROMPT)
        talk.hang_up()
        said = talk.rest()
        assert talk.end() == (0, b"")
        return said


def silent_for(talk: Talk, seconds: float) -> bool:
    try:
        talk.line(seconds)
    except TimeoutError:
        return True
    return False


def now_s() -> float:
    return time.monotonic()
