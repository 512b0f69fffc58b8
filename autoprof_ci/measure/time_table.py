"""From timed runs to the model's samples, and what the runs say about their own worth. Pure.

Knows how weights become counts and which runs are to be doubted. Knows nothing of how a run was made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from autoprof_ci.measure.runner import StartResult
from autoprof_ci.model import CaveatCode, Function, Run, WorkloadSamples

FEW_SAMPLES = 300
"""A run with fewer sees functions of 10 % with an error of 18 %."""
SHORT_RATIO = 0.5
BUSY_CPUS = 0.3
"""Processors that others kept busy: a desktop at rest has 0.02, and a third of one is felt by a program on two."""
DISAGREE_RATIO = 0.2
NANOSECOND_S = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedRun:
    """One recording. `weights`: function -> sum of its samples' periods (of the clock: nanoseconds; of cycles: cycles).

    `wall_s`, `cpu_s`: of all its starts, the latter where samples could be taken. `others_cpus`: processors that were busy with
    something else. `lost`, `throttled`, `unreadable`: events.
    """

    wall_s: float
    cpu_s: float
    weights: Mapping[Function, int]
    samples: int
    lost: int
    throttled: int
    unreadable: int
    others_cpus: float
    results: tuple[StartResult, ...]
    symbols: frozenset[tuple[str, str]] = frozenset()
    """Dso and raw name of all that was sampled in the program's own files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedRun:
    """A run and where in the schedule it was."""

    block: int
    position: int
    run: TimedRun


def clock_table(name: str, starts: int, runs: Sequence[PlacedRun], period_ns: int) -> WorkloadSamples:
    """Counts in sampling periods, for an event whose every sample stands for the same time."""
    return _table(name, starts, runs, [1 / period_ns for _ in runs])


def cycles_table(name: str, starts: int, runs: Sequence[PlacedRun]) -> WorkloadSamples:
    """Counts in seconds: a run's CPU time, shared out by the weights of its samples."""
    totals = [sum(placed.run.weights.values()) for placed in runs]
    return _table(name, starts, runs, [p.run.cpu_s / total if total else 0.0 for p, total in zip(runs, totals, strict=True)])


def _table(name: str, starts: int, runs: Sequence[PlacedRun], factors: Sequence[float]) -> WorkloadSamples:
    functions = tuple(sorted({function for placed in runs for function in placed.run.weights}, key=_by_name))
    return WorkloadSamples(
        name=name,
        starts=starts,
        functions=functions,
        runs=tuple(
            Run(
                block=placed.block,
                position=placed.position,
                wall_s=placed.run.wall_s,
                counts=tuple(round(placed.run.weights.get(function, 0) * factor, 9) for function in functions),
            )
            for placed, factor in zip(runs, factors, strict=True)
        ),
    )


def _by_name(function: Function) -> tuple[str, str]:
    return function.name, function.dso or ""


def caveats_of_runs(runs: Sequence[TimedRun], min_run_s: float) -> list[tuple[CaveatCode, str]]:
    """What weakens the runs of one workload on one program, each with its detail."""
    if not runs:
        return []
    found: list[tuple[CaveatCode, str]] = []
    lost, throttled = sum(run.lost for run in runs), sum(run.throttled for run in runs)
    unreadable = sum(run.unreadable for run in runs)
    samples = median(run.samples for run in runs)
    if lost:
        found.append((CaveatCode.LOST_SAMPLES, f"{lost} events"))
    if throttled:
        found.append((CaveatCode.THROTTLED, f"{throttled} times"))
    if unreadable:
        found.append((CaveatCode.UNREADABLE_LINES, f"{unreadable} lines"))
    if samples < FEW_SAMPLES:
        found.append((CaveatCode.COARSE_SAMPLING, f"{samples:.0f} samples a run"))
    wall_s = median(run.wall_s for run in runs)
    if wall_s < SHORT_RATIO * min_run_s:
        found.append((CaveatCode.SHORT_RUNS, f"{wall_s:.2g} s a run"))
    others = median(run.others_cpus for run in runs)
    if others > BUSY_CPUS:
        found.append((CaveatCode.BUSY_MACHINE, f"{others:.1f} processors"))
    spread = _relative_spread([run.cpu_s for run in runs])
    if spread > DISAGREE_RATIO:
        found.append((CaveatCode.RUNS_DISAGREE, f"±{100 * spread:.0f} %"))
    return found


def _relative_spread(values: Sequence[float]) -> float:
    """Standard deviation over median, the former from the median absolute deviation: one odd run does not make a spread."""
    middle = median(values)
    if middle <= 0:
        return 0.0
    return 1.4826 * median(abs(value - middle) for value in values) / middle
