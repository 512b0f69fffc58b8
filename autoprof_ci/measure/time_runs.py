"""EDGE: single runs of one workload on one program: a warm-up, one recording for self time, one with stacks; reading them.

Knows how the stage, the runner and perf work together for a run. Knows nothing of other runs: how many there are, in which
order, and what they mean is in `schedule`, `session` and `time_table`.
"""

from __future__ import annotations

import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TypeVar

from autoprof_ci.measure import perf_record
from autoprof_ci.measure.failures import check_results
from autoprof_ci.measure.perf_record import Perf
from autoprof_ci.measure.perf_script import SCRIPT_FIELDS, base_name, read_lines, seen_symbols, self_weights
from autoprof_ci.measure.perf_stacks import folded, read_stacks
from autoprof_ci.measure.perf_windows import WINDOW_FIELDS, inside
from autoprof_ci.measure.plan import Program, Work
from autoprof_ci.measure.runner import StartResult
from autoprof_ci.measure.schedule import affordable_starts, starts_per_run
from autoprof_ci.measure.staging import Lane, Stage
from autoprof_ci.measure.stopwatch import Step
from autoprof_ci.measure.time_table import TimedRun
from autoprof_ci.model import BINARY_DSO, Workload

QUICK_S = 0.2
"""A start that is quicker is made again in the warm-up: the first one alone says little."""
QUICK_STARTS = 5
STACKS_HZ = 997
"""Copies of stacks are large."""
STAT = Path("/proc/stat")

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """`wall_s`: of one start, once it is warm. `whole_s`: with what a daemon takes before and after its window."""

    wall_s: float
    whole_s: float
    results: tuple[StartResult, ...]

    @property
    def works_s(self) -> float:
        """What grows under a tool that slows a program down. A daemon's waiting for its own clocks does not."""
        works_s = [result.watched.whole_cpu_s for result in self.results if result.watched is not None]
        return median(works_s) if works_s else self.wall_s

    @property
    def waits_s(self) -> float:
        return max(0.0, self.whole_s - self.works_s) if self.whole_s > self.wall_s else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A recording that is not read yet: reading takes processors, so it waits until nothing is recorded."""

    file: Path
    results: tuple[StartResult, ...]
    others_cpus: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedRun:
    """`text`: folded stacks. `unreadable`: lines of perf that could not be read."""

    text: str
    unreadable: int


def dsos(stage: Stage, program: Program) -> dict[str, str]:
    """Path of each of the program's files -> the dso of its functions."""
    files = stage.files(program)
    return {str(file): BINARY_DSO if name == "binary" else base_name(str(file)) for name, file in files.items()}


def warm_up(stage: Stage, work: Work) -> WarmUp:
    """Start it without any tool; some more times when it is quick. Raises `ProgramError` when it does not end as it should."""
    results: list[StartResult] = []
    lane = stage.lanes[0]
    for count in (1, QUICK_STARTS):
        with stage.prepare(work.program, work.workload, min(count, stage.largest_batch(work.workload)), lane) as starts:
            more = stage.run(starts, log_folder=lane.logs)
        check_results(starts, more, f"{work.names}, warm-up")
        results += more
        if results[0].whole_s > QUICK_S:
            break
    warm = results[-QUICK_STARTS:]
    return WarmUp(
        wall_s=median(result.wall_s for result in warm),
        whole_s=median(result.whole_s for result in warm),
        results=tuple(results),
    )


def starts_for(stage: Stage, workload: Workload, warm_ups: list[WarmUp]) -> int:
    walls_s = [warm.wall_s for warm in warm_ups]
    min_run_s, largest = stage.plan.settings.min_run_s, stage.largest_batch(workload)
    if workload.daemon is not None:
        largest = min(largest, affordable_starts([warm.whole_s for warm in warm_ups], min_run_s))
    return starts_per_run(walls_s, min_run_s, largest)


def record_run(stage: Stage, work: Work, perf: Perf) -> Taken:
    """One recording. Raises `ProgramError` and `ToolError`."""
    lane = stage.lanes[0]
    file = _new_file(lane)
    with stage.prepare(work.program, work.workload, work.starts, lane) as starts:
        starts = tuple(replace(start, phase_s=1 / perf.frequency_hz) for start in starts)
        before = _Load.now()
        results = stage.run(starts, outer=perf_record.record_outer(perf, file), log_folder=lane.logs)
        others_cpus = before.others_cpus(_Load.now())
    check_results(starts, results, f"{work.names}, a timed run")
    return Taken(file=file, results=results, others_cpus=others_cpus)


def read_run(taken: Taken, perf: Perf, executables: Mapping[str, str]) -> TimedRun:
    """What the recording holds; its file goes. `executables`: see `dsos`. Raises `ToolError` and `DataError`."""
    recorded = _read(perf, taken.file, taken.results, read_lines)
    losses = perf_record.losses(taken.file)
    taken.file.unlink()
    results = taken.results
    return TimedRun(
        wall_s=sum(result.wall_s for result in results),
        cpu_s=sum(result.user_s + (result.system_s if perf.kernel_seen else 0.0) for result in results),
        weights=self_weights(recorded, executables),
        samples=recorded.samples,
        lost=losses.lost,
        throttled=losses.throttled,
        unreadable=recorded.unreadable,
        others_cpus=taken.others_cpus,
        results=results,
        symbols=seen_symbols(recorded, executables),
    )


def record_stacks(stage: Stage, work: Work, perf: Perf, lane: Lane) -> FoldedRun:
    """Folded stacks of one more recording, apart from those that are counted: unwinding disturbs."""
    file = _new_file(lane)
    perf = replace(perf, frequency_hz=min(STACKS_HZ, perf.frequency_hz))
    with stage.prepare(work.program, work.workload, work.starts, lane) as starts:
        starts = tuple(replace(start, phase_s=1 / perf.frequency_hz) for start in starts)
        results = stage.run(starts, outer=perf_record.stacks_outer(perf, file), log_folder=lane.logs)
    check_results(starts, results, f"{work.names}, the run with stacks")
    with stage.watch.step(Step.READING):
        perf_record.make_stacks_whole(file)
        recorded = _read(perf, file, results, read_stacks)
        file.unlink()
        text = folded(recorded.weights, dsos(stage, work.program), recorded.period)
        return FoldedRun(text=text, unreadable=recorded.unreadable)


def _read(perf: Perf, file: Path, results: Sequence[StartResult], parse: Callable[[Iterable[bytes]], _T]) -> _T:
    """What `parse` makes of a recording; of daemons, of what lies in their windows."""
    windows_s = [result.watched.window_s for result in results if result.watched and result.watched.window_s]
    if not windows_s:
        return perf_record.read(perf, file, SCRIPT_FIELDS, parse)
    fields = SCRIPT_FIELDS.replace("pid", WINDOW_FIELDS)
    return perf_record.read(perf, file, fields, lambda lines: parse(inside(lines, windows_s)))


def _new_file(lane: Lane) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="run-", suffix=".data", dir=lane.logs)
    os.close(descriptor)
    return Path(name)


@dataclass(frozen=True, slots=True)
class _Load:
    """Seconds since some moment: the clock's, all processors' at work (also for other virtual machines), our children's."""

    clock_s: float
    busy_s: float
    own_s: float

    @classmethod
    def now(cls) -> _Load:
        # cpu user nice system idle iowait irq softirq steal ...
        ticks = [int(word) for word in STAT.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        own = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return cls(
            time.monotonic(),
            (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK"),
            sum(usage.ru_utime + usage.ru_stime for usage in own),
        )

    def others_cpus(self, later: _Load) -> float:
        """How many processors others kept busy since."""
        others_s = (later.busy_s - self.busy_s) - (later.own_s - self.own_s)
        return max(0.0, others_s) / max(later.clock_s - self.clock_s, 1e-6)
