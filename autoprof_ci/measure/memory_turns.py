"""The heap's part in a measuring session: which pairs of workload and program are watched, how often, and what a failure means.

Knows that memory is one instrument of several: what fails here costs its own numbers only, unless nothing else measures the
workload. Knows nothing of heaptrack's records.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from autoprof_ci.errors import DataError, ProgramError, ToolError
from autoprof_ci.measure import memory_runs, time_runs
from autoprof_ci.measure.heaptrack_names import Names
from autoprof_ci.measure.lanes import Task, run_tasks
from autoprof_ci.measure.limit import TimeIsUpError
from autoprof_ci.measure.memory_runs import Watcher
from autoprof_ci.measure.session_result import MAX_REPEATS, Pair
from autoprof_ci.measure.staging import Lane, Stage
from autoprof_ci.model import Workload

BEGINS_S, SLOWER = 3.0, 5.0
"""What a first run is expected to take: the reading of names, and heaptrack's factor."""


class MemoryTurns:
    """`pairs`: those whose workload wants memory measured."""

    def __init__(self, stage: Stage, pairs: Sequence[Pair]) -> None:
        self._stage, self._pairs = stage, pairs
        self._watcher: Watcher | None = None
        self._names: dict[str, Names] = {}

    @property
    def is_installed(self) -> bool:
        return self._watcher is not None

    @property
    def is_usable(self) -> bool:
        return bool(self._able())

    @property
    def steps(self) -> int:
        return MAX_REPEATS * len(self._able())

    def find(self, limit_s: float) -> str | None:
        """Look for the tool, and at the programs: why no heap can be watched and what to do about it, where that is wanted."""
        if not self._pairs:
            return None
        self._watcher = memory_runs.find_watcher(limit_s)
        if self._watcher is None:
            return memory_runs.NOT_INSTALLED
        programs = {pair.program.label: pair.program for pair in self._pairs}
        why_not = {label: memory_runs.why_not(program.binary) for label, program in programs.items()}
        self._names = {label: Names(time_runs.dsos(self._stage, program)) for label, program in programs.items()}
        for pair in self._pairs:
            of_daemon = memory_runs.NO_WINDOW if pair.workload.daemon is not None else None
            pair.unwatched = why_not[pair.program.label] or of_daemon
        return None if self._able() else next(filter(None, (pair.unwatched for pair in self._pairs)))

    def check(self, measured_otherwise: Callable[[Workload], bool]) -> None:
        """Raise `ToolError` where the judged program's heap cannot be watched and nothing else is measured of a workload."""
        for pair in self._pairs:
            if pair.program == self._stage.plan.judged and pair.unwatched and not measured_otherwise(pair.workload):
                reason, _, remedy = pair.unwatched.partition(". ")
                raise ToolError(f"Workload {pair.workload.name!r} cannot be measured: {reason}", remedy)

    def take(self, repeats: int, measured_otherwise: Callable[[Workload], bool], progress: Callable[[str], None]) -> None:
        """Until every pair has so many repeats, or time is up. Two at once, as when instructions are counted."""
        run_tasks(
            [
                Task(lane=self._lane(pair, repeat), act=partial(self._once, pair, repeat, measured_otherwise, progress))
                for repeat in range(repeats)
                for pair in self._able()
                if len(pair.watched) <= repeat
            ],
            self._stage.limit,
        )

    def _once(
        self, pair: Pair, repeat: int, measured_otherwise: Callable[[Workload], bool], progress: Callable[[str], None]
    ) -> None:
        assert self._watcher is not None and pair.warm_up is not None
        expected_s = pair.watch_s or BEGINS_S + pair.warm_up.waits_s + SLOWER * pair.warm_up.works_s
        if pair.unwatched is not None or self._stage.limit.left_s() < expected_s:
            return
        progress(f"{pair.workload.name}: memory ({pair.program.label})")
        lane: Lane = self._stage.lanes[self._lane(pair, repeat)]
        begun = time.monotonic()
        try:
            names = self._names[pair.program.label]
            pair.watched.append(memory_runs.watch_once(self._stage, pair.work, self._watcher, names, lane))
        except TimeIsUpError:
            raise
        except (ProgramError, ToolError, DataError) as error:
            if not measured_otherwise(pair.workload):
                raise
            pair.unwatched = str(error)
            pair.watched.clear()
        pair.watch_s = time.monotonic() - begun

    def _able(self) -> list[Pair]:
        if self._watcher is None:
            return []
        return [pair for pair in self._pairs if pair.failed is None and pair.unwatched is None and not pair.has_no_task]

    def _lane(self, pair: Pair, repeat: int) -> int:
        """The same repeat of both programs in the same lane, so that they see the same paths."""
        workloads = [workload.name for workload in self._stage.plan.workloads]
        return pair.lane(workloads.index(pair.workload.name) + repeat)
