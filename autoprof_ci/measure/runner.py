"""The one seam through which programs are executed.

Knows how to hand a list of starts to the starter, how to put a tool around it, and how to end everything it began. Knows
nothing of what the tool records or what the starts are for.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autoprof_ci.errors import ToolError
from autoprof_ci.measure.daemon_window import Watched, Window, decode_watched
from autoprof_ci.measure.disk_space import NEXT_STEP, is_full
from autoprof_ci.measure.limit import Limit, TimeIsUpError
from autoprof_ci.measure.plan import Identity

STARTER = Path(__file__).with_name("starter.py")
LEAVINGS = Path(__file__).with_name("leavings.py")
DOCTOR = "Run `autoprof-ci doctor` to see what this machine can measure."
MARGIN_S = 60.0
"""A tool may take so much longer than the starts below it before it counts as stuck."""
STOP_S = 5.0
"""Time to end in peace after the lifeline is closed."""
TOOL_ENVIRONMENT = {"LC_ALL": "C", "PATH": os.defpath + ":/usr/local/bin:/usr/sbin:/sbin", "PERF_CONFIG": "/dev/null"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One execution of a command. `argv[0]` is a path; `stdin` is a file, ``None`` is no input.

    `phase_s`: period of the clock that samples it; the command begins at a random moment of that period. `grace_s`: how long
    its children may outlive it before they count as left behind. `identity`: whom it runs as; ``None``: as ourselves. `window`:
    of a daemon; what ends by itself has none.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    stdin: Path | None = None
    timeout_s: float = 60.0
    expect_exit: int = 0
    phase_s: float = 0.0
    grace_s: float = 0.1
    identity: Identity | None = None
    window: Window | None = None

    @property
    def longest_s(self) -> float:
        """How long it may take before something is wrong with the starter itself."""
        if self.window is None:
            return self.timeout_s
        return 2 * self.timeout_s + (self.window.duration_s or self.timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartResult:
    """How a start went. Exactly one of `exit_code` and `signal` is there, unless `error` says why it never began.

    `user_s`, `system_s`: of the whole process tree. `left_children`: processes that outlived the start and were killed.
    `begun_s`: when, on the clock of `time.monotonic`. Of a daemon all times are those of its window, and its standard output is
    its driver's if it has one; `watched` says more.
    """

    exit_code: int | None
    signal: int | None
    wall_s: float
    user_s: float
    system_s: float
    stdout_sha256: str
    stdout_bytes: int
    stderr_tail: str
    timed_out: bool
    left_children: int
    error: str | None = None
    begun_s: float = 0.0
    watched: Watched | None = None

    @property
    def whole_s(self) -> float:
        """With what a daemon takes before and after its window."""
        return self.wall_s if self.watched is None else self.watched.whole_s


def run_starts(starts: Sequence[Start], *, outer: Sequence[str] = (), log_folder: Path, limit: Limit) -> tuple[StartResult, ...]:
    """Start every command, one after another; one result for each start made.

    It stops after the first start that did not end as expected, so the last result may be a failure and results may be
    missing after it. `outer` is a tool's command line up to where the measured command begins (``perf record ... --``).
    Raises `ToolError` when the tool or the starter itself fails or a start may not be who it is to be, `TimeIsUpError` when
    `limit` comes first; whatever raises, nothing is left running.
    """
    job, results = log_folder / "job.json", log_folder / "results.json"
    results.unlink(missing_ok=True)
    job.write_text(json.dumps([_encode(start) for start in starts]), encoding="utf-8")
    command = [*outer, sys.executable, "-I", "-S", str(STARTER), str(job), str(results)]
    tool = _Tool(
        command=command,
        timeout_s=sum(start.longest_s for start in starts) + MARGIN_S,
        log=log_folder / "tool.log",
        alone=frozenset(start.identity for start in starts if start.identity is not None and start.identity.is_alone),
    )
    exit_code, said = _run_tool(tool, limit)
    ended = f"{Path(command[0]).name} ended with {describe_exit(exit_code)}"
    text = results.read_text(encoding="utf-8") if results.exists() else ""
    if (exit_code != 0 or not text) and is_full(log_folder):
        raise ToolError(f"{ended}: no space left in {log_folder.parent}", NEXT_STEP)
    if not text:
        raise ToolError(f"{ended} before the measured program was started: {last_line(said)}", DOCTOR)
    decoded = _decode(json.loads(text), starts)
    if exit_code != 0 and len(decoded) == len(starts):
        raise ToolError(f"{ended}: {last_line(said)}", DOCTOR)
    return decoded


def _encode(start: Start) -> dict[str, object]:
    return {
        "argv": start.argv,
        "env": dict(start.env),
        "cwd": str(start.cwd),
        "stdin": None if start.stdin is None else str(start.stdin),
        "timeout_s": start.timeout_s,
        "expect_exit": start.expect_exit,
        "phase_s": start.phase_s,
        "grace_s": start.grace_s,
        "identity": None if start.identity is None else [start.identity.uid, start.identity.gid],
        "is_alone": start.identity is not None and start.identity.is_alone,
        "window": None if start.window is None else start.window.encode(),
    }


def _decode(written: list[dict[str, Any]] | dict[str, str], starts: Sequence[Start]) -> tuple[StartResult, ...]:
    if isinstance(written, dict):
        user = next(start.identity for start in starts if start.identity)
        raise ToolError(
            f"Measured programs cannot be run as user {user.uid} and group {user.gid}: {written['refused']}",
            "Measure as root with the capabilities SETUID, SETGID, CHOWN and KILL; Docker gives them unless told otherwise.",
        )
    return tuple(
        StartResult(**{**result, "watched": decode_watched(result["watched"]) if result.get("watched") else None})
        for result in written
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tool:
    """`alone`: users whose every process came of it."""

    command: Sequence[str]
    timeout_s: float
    log: Path
    alone: frozenset[Identity]


def _run_tool(tool: _Tool, limit: Limit) -> tuple[int, str]:
    """Exit code and what it printed. A session of its own keeps the terminal's Ctrl-C away: we end it, in order."""
    if limit.left_s() <= 0:
        raise _time_is_up(limit)
    with tool.log.open("wb") as output:
        process = subprocess.Popen(
            tool.command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=TOOL_ENVIRONMENT, start_new_session=True
        )
        try:
            ended = limit.wait_for(process, tool.timeout_s)
        finally:
            _end(process, tool.alone)
    if not ended and limit.left_s() <= 0:
        raise _time_is_up(limit)
    if not ended:
        raise ToolError(
            f"{Path(tool.command[0]).name} did not end within {tool.timeout_s:.0f} s",
            "Lower `time_limit_seconds` or the workload's size.",
        )
    return process.returncode, tool.log.read_text(encoding="utf-8", errors="replace")


def _time_is_up(limit: Limit) -> TimeIsUpError:
    return TimeIsUpError(
        f"The time limit of {limit.seconds:g} s for all measuring has passed",
        "Raise `time_limit_seconds`, or give the workloads less to do.",
    )


def _end(process: subprocess.Popen[bytes], alone: frozenset[Identity]) -> None:
    """Close the lifeline, so that the starter kills what it started; then be rude, and do that in its place."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for identity in alone:
            subprocess.run((sys.executable, "-I", "-S", LEAVINGS, str(identity.uid), str(identity.gid)), check=False)


def describe_exit(code: int) -> str:
    """``exit code 3``, or the signal's name for a negative code, as `subprocess` gives it."""
    return f"exit code {code}" if code >= 0 else f"signal {signal_name(-code)}"


def signal_name(number: int) -> str:
    """``SIGSEGV`` for 11; a number that has no name stays a number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)


def last_line(text: str) -> str:
    """The last line that says something; a tool's last words are its reason."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
