"""Where the step's own time goes: every second since its process began belongs to one stage, and one line tells them all.

Knows the names of the stages and a clock. Knows nothing of what is done in them; nothing is decided by it. What came before our
process, the pulling and starting of the image, only the runner knows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path


class Stage(StrEnum):
    START = "start"
    FETCHING = "fetching"
    PROGRAM = "program"
    BASELINE = "baseline"
    STAGING = "staging"
    MEASURING = "measuring"
    RESULTS = "results"
    JUDGING = "judging"
    REPORT = "report"
    UPLOAD = "upload"
    CHARTS = "charts"
    TELLING = "summary and comment"


def _boot_s() -> float:
    """On the one clock that the kernel also gives processes' beginnings in."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def process_began_s(stat: Path = Path("/proc/self/stat")) -> float | None:
    """When this process began, in seconds since the machine's start: field 22 of proc_pid_stat(5), in ticks.

    ``None`` where the system does not say so.
    """
    try:
        after_name = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return int(after_name[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


class Clock:
    """Starts in `Stage.START`. `inside_s`: seconds of the measuring in which a measured program ran; ``None``: not known."""

    def __init__(self, *, began_s: float | None = None, now: Callable[[], float] = _boot_s) -> None:
        self._now = now
        self._since_s = now() if began_s is None else began_s
        self._stage = Stage.START
        self.seconds: dict[Stage, float] = {}
        self.inside_s: float | None = None

    @property
    def stage(self) -> Stage:
        return self._stage

    def to(self, stage: Stage) -> None:
        """From now on it is `stage`'s time. One may be entered again: its times add up."""
        now_s = self._now()
        self.seconds[self._stage] = self.seconds.get(self._stage, 0.0) + max(0.0, now_s - self._since_s)
        self._stage, self._since_s = stage, now_s

    def line(self) -> str:
        """``time: 41.2 s, of it 33.1 s in measured programs; beside them: start 1.0, ..., report 0.7``, as of now."""
        self.to(self._stage)
        inside_s = self.inside_s or 0.0
        beside = dict(self.seconds)
        if Stage.MEASURING in beside:
            beside[Stage.MEASURING] = max(0.0, beside[Stage.MEASURING] - inside_s)
        told = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in beside.items())
        whole = f"time: {sum(self.seconds.values()):.1f} s"
        if self.inside_s is None:
            return f"{whole}: {told}"
        return f"{whole}, of it {inside_s:.1f} s in measured programs; beside them: {told}"
