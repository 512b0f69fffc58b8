"""The command in a process of its own, as a user starts it, watched for what it leaves behind. For tests that mean it no good.

What may be left nowhere: processes (the test is the reaper of orphans while it watches), files in the temporary folder, stages
in memory. `Place` is one test's own folder with its own temporary folder.
"""

from __future__ import annotations

import ctypes
import functools
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
MEMORY = Path("/dev/shm")
LIMIT_S = 120.0
PR_SET_CHILD_SUBREAPER = 36

PROGRESS = re.compile(r"autoprof-ci: \d+/\d+ [^\n]*\n")
SENTENCE = re.compile(r"autoprof-ci: [^\n]+[.\"?!\]]\n")
QUICK = "[measure]\nruns = 4\nmin_run_seconds = 0.05\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`said`: standard error without the lines of progress. `survivors`: command lines of processes that outlived it."""

    code: int
    out: str
    said: str
    survivors: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class Running:
    """A command that has been started; `answer` is there when it has ended."""

    process: subprocess.Popen[str]
    answer: Answer | None = None

    def wait_for(self, file: Path) -> None:
        """Until `file` is there."""
        for _ in range(round(LIMIT_S / 0.02)):
            if file.exists():
                return
            assert self.process.poll() is None, "it ended too early"
            time.sleep(0.02)
        raise AssertionError(f"{file} never came")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder to stand in, and the temporary folder of the command."""

    folder: Path
    temporary: Path
    memory: Path
    disks: dict[Path, str] = field(default_factory=dict)
    """Folders that are to be disks of their own, with the options of ``mount -t tmpfs``."""
    env: dict[str, str] = field(default_factory=dict)

    @classmethod
    def make(cls, folder: Path) -> Place:
        """With an ``autoprof.toml`` that only makes measuring quick."""
        place = cls(folder=folder / "here", temporary=folder / "tmp", memory=folder / "memory")
        for made in (place.folder, place.temporary, place.memory):
            made.mkdir()
        place.toml(QUICK)
        return place

    def toml(self, text: str) -> None:
        (self.folder / "autoprof.toml").write_text(text, encoding="utf-8")

    def workload(self, *lines: str, command: Sequence[str] = ("{binary}",)) -> None:
        """An ``autoprof.toml`` with one workload ``w``; `lines` are more of its keys."""
        words = ", ".join(f'"{word}"' for word in command)
        self.toml("\n".join([QUICK, "[[workload]]", 'name = "w"', f"command = [{words}]", *lines, ""]))

    def tools(self, **scripts: str) -> None:
        """Let the command find these tools (name -> shell script), and git, and no others."""
        folder = self.folder.parent / "tools"
        folder.mkdir()
        for name, script in {"git": 'exec /usr/bin/git "$@"', **scripts}.items():
            (folder / name).write_text(f"#!/bin/sh\n{script}\n")
            (folder / name).chmod(0o755)
        self.env["PATH"] = str(folder)

    def run(self, *words: str | Path) -> Answer:
        """The command from beginning to end. Fails when it leaves anything behind where nothing may be left."""
        with self.started(*words) as running:
            pass
        assert running.answer is not None
        assert (running.answer.survivors, self.left()) == ((), [])
        return running.answer

    @contextmanager
    def started(self, *words: str | Path) -> Iterator[Running]:
        """The command while it runs; after the context it has ended, and so has whatever it left running."""
        others = _children()
        with _reaper_of_orphans():
            process = self._popen(words)
            running = Running(process=process)
            try:
                yield running
                out, said = process.communicate(timeout=LIMIT_S)
            finally:
                if process.poll() is None:
                    process.kill()
                    process.wait()
                survivors = _end(others)
        assert "Traceback" not in said, said
        assert "Exception ignored" not in said, said
        running.answer = Answer(code=process.returncode, out=out, said=PROGRESS.sub("", said), survivors=survivors)

    def left(self) -> list[str]:
        """What lies in the temporary folder and in the command's own memory."""
        return sorted(str(path) for folder in (self.temporary, self.memory) for path in folder.rglob("*"))

    def _popen(self, words: Sequence[str | Path]) -> subprocess.Popen[str]:
        env: Mapping[str, str] = {**os.environ, "COLUMNS": "200", "PYTHONPATH": str(ROOT), "TMPDIR": str(self.temporary)}
        command = [sys.executable, "-m", "autoprof_ci.cli", *map(str, words)]
        if can_hide_memory():
            mounts = [["--bind", str(self.memory), str(MEMORY)]]
            mounts += [["-t", "tmpfs", "-o", options, "none", str(path)] for path, options in self.disks.items()]
            script = " && ".join(shlex.join(["/usr/bin/mount", *words]) for words in mounts)
            command = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", f'{script} && exec "$@"', "sh", *command]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env={**env, **self.env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
        )


def assert_refused(place: Place, answer: Answer, code: int, sentence: str) -> None:
    """One sentence, nothing else said, and nothing half-written: the output folder was not begun."""
    assert SENTENCE.fullmatch(answer.said), answer.said
    assert (answer.code, answer.said, answer.out) == (code, f"autoprof-ci: {sentence}\n", "")
    assert not (place.folder / "out").exists()


@contextmanager
def _reaper_of_orphans() -> Iterator[None]:
    """Processes whose parent has died become our children, so that none can hide."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


def _children() -> frozenset[int]:
    found: set[int] = set()
    for file in Path("/proc/self/task").glob("*/children"):
        found |= {int(word) for word in file.read_text(encoding="ascii").split()}
    return frozenset(found)


def _end(others: frozenset[int]) -> tuple[str, ...]:
    """Kill and reap all children but `others`, and whom they leave to us; the command lines of those that still ran."""
    names = []
    while running := _children() - others:
        for pid in sorted(running):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            if words:  # one that has ended and waits to be reaped has none
                names.append(words)
    return tuple(names)


@functools.cache
def can_hide_memory() -> bool:
    """Whether a command may get a /dev/shm of its own. Where not, what is left there is not looked at: others use it too."""
    tried = subprocess.run(
        ["/usr/bin/unshare", "--mount", "/usr/bin/mount", "--bind", "/tmp", MEMORY], capture_output=True, check=False
    )
    return tried.returncode == 0
