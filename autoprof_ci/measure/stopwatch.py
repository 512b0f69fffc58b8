"""Where a session's time went: when each of its steps and each start of a measured program began and ended.

Knows intervals on the clock of `time.monotonic`. Knows nothing of what is measured; nothing is decided by it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from autoprof_ci.measure.runner import StartResult


class Step(StrEnum):
    TOOLS = "finding tools"
    STAGING = "staging programs"
    FOLDERS = "preparing folders"
    WARM_UP = "warm-up"
    INSTRUCTIONS = "instructions"
    TIME = "time"
    MEMORY = "memory"
    READING = "reading recordings"
    STACKS = "stacks"
    CODE = "machine code"


@dataclass(frozen=True, slots=True)
class Interval:
    begin_s: float
    end_s: float


class Stopwatch:
    """`steps`: each step's intervals; some overlap, since two may go on at once. `starts`: those of the measured programs."""

    def __init__(self) -> None:
        self.steps: dict[Step, list[Interval]] = {step: [] for step in Step}
        self.starts: list[Interval] = []

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        begin_s = time.monotonic()
        try:
            yield
        finally:
            self.steps[step].append(Interval(begin_s, time.monotonic()))

    def ran(self, results: Sequence[StartResult]) -> None:
        self.starts += [Interval(result.begun_s, result.begun_s + result.wall_s) for result in results if result.error is None]

    def inside_s(self) -> float:
        """How long at least one measured program ran."""
        return covered_s(self.starts)


def covered_s(intervals: Iterable[Interval]) -> float:
    """How long at least one of them lasted."""
    total_s, end_s = 0.0, float("-inf")
    for interval in sorted(intervals, key=lambda interval: interval.begin_s):
        total_s += max(0.0, interval.end_s - max(interval.begin_s, end_s))
        end_s = max(end_s, interval.end_s)
    return total_s
