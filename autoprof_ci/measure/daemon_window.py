"""A daemon's start: what the starter is told of its window, and what it writes down of it. Values, and their JSON.

Knows the words of both sides. Knows nothing of processes or tools.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any


class Phase(StrEnum):
    """Where a daemon was when something went wrong; ``ended`` when nothing did."""

    STARTING = "starting"
    WINDOW = "window"
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """The command that gives a daemon its work, in the daemon's working folder. `argv[0]` is a path. `of_program`: it names one
    of the program's own files, whose work is to be measured too."""

    argv: tuple[str, ...]
    env: Mapping[str, str]
    of_program: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Commands that tell a tool where the window begins and ends, in one process: ``{pid}`` stands for its number. The tool has
    hold of the processes that have a ``PID.log`` in `logs`."""

    begin: tuple[str, ...]
    end: tuple[str, ...]
    env: Mapping[str, str]
    logs: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """`ready`: a line of output or errors holds it once the daemon is ready. The window ends with the `driver`, or after
    `duration_s`; at least one of the two is there. `stop_signal`: its name."""

    ready: str
    driver: Driver | None = None
    duration_s: float | None = None
    stop_signal: str = "SIGTERM"
    marks: Marks | None = None

    def encode(self) -> dict[str, object]:
        plain = asdict(self)
        if self.marks is not None:
            plain["marks"]["logs"] = str(self.marks.logs)
        return plain


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """How a driver went. `cut`: it was still running when the window's duration had passed, which is no failure."""

    exit_code: int | None = None
    signal: int | None = None
    stderr_tail: str = ""
    timed_out: bool = False
    cut: bool = False
    error: str | None = None

    @property
    def failed(self) -> bool:
        return not self.cut and (self.timed_out or self.error is not None or self.exit_code != 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How a daemon's start went. `whole_s`, `whole_cpu_s`: with what lies before and after the window. `window_s`: when it began
    and ended, on the clock of `time.monotonic`; ``None`` when it never began. `died`: without being told to. `marking_failed`:
    why the tool could not be told of the window. `known_at_begin` ...: processes that the tool had seen by then, and those of
    them that lived and were told."""

    phase: Phase = Phase.ENDED
    whole_s: float
    whole_cpu_s: float = 0.0
    window_s: tuple[float, float] | None = None
    driver: Driven | None = None
    died: bool = False
    marking_failed: str | None = None
    known_at_begin: tuple[int, ...] = ()
    marked_at_begin: tuple[int, ...] = ()
    known_at_end: tuple[int, ...] = ()
    marked_at_end: tuple[int, ...] = ()


def decode_watched(written: Mapping[str, Any]) -> Watched:
    """What the starter wrote."""
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in written.items()}
    driver = fields.pop("driver")
    fields |= {"phase": Phase(fields["phase"]), "driver": None if driver is None else Driven(**driver)}
    return Watched(**fields)


def cut_short(watched: Sequence[Watched | None]) -> bool:
    """Whether any driver was still at work when its window's duration had passed: then it is no fixed task."""
    return any(one.driver.cut for one in watched if one is not None and one.driver is not None)
