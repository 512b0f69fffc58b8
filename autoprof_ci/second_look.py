"""More runs of what the first ones left in doubt: how many fit, how they are asked for, and how they join the first. Pure.

Both programs take their turns as before, in blocks that go on where the first ended. Knows no statistics: what is in doubt, and
what all runs together say, is the analysis' business.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace

from autoprof_ci.analysis import Doubt
from autoprof_ci.measure.plan import Plan
from autoprof_ci.model import Caveat, CaveatCode, Function, Instrument, Recording, Run, Samples, WorkloadSamples

OVERHEAD = 1.6
"""What a run takes with all that lies around it, over what the program itself takes."""
LEAST_RUNS = 4
"""A side; fewer change nothing."""
REPLACED = (CaveatCode.TIME_LIMIT, CaveatCode.TIME_UNAVAILABLE, CaveatCode.FEW_RUNS)
"""Said of a look that was planned; of the second, `LOOK_CUT_SHORT` says it."""
NO_TIME = "the time limit was near"

Sides = Mapping[str, Recording]
"""Label of a program -> what was measured of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """`subjects`: workload -> what is in doubt there. `runs`: workload -> how many more, a side; 0 where none fit."""

    subjects: Mapping[str, tuple[str, ...]]
    runs: Mapping[str, int]

    def caveats(self, grown: Mapping[str, int], why: str) -> tuple[Caveat, ...]:
        """`grown`: workload -> how many more runs it got, a side. `why`: the others got none."""
        return tuple(
            Caveat(code=CaveatCode.LOOKED_AGAIN, detail=f"{name}: {', '.join(listed)}; {grown[name]} more runs a side")
            if name in grown
            else Caveat(code=CaveatCode.LOOK_CUT_SHORT, detail=f"{name}: {', '.join(listed)}; {why}")
            for name, listed in self.subjects.items()
        )


def look(found: Iterable[Doubt], first: Sides, left_s: float) -> Look:
    """As many runs as are wanted, and fit into `left_s`."""
    subjects: dict[str, tuple[str, ...]] = {}
    wanted: dict[str, int] = {}
    for doubt in found:
        subjects[doubt.workload] = (*subjects.get(doubt.workload, ()), doubt.subject)
        wanted[doubt.workload] = max(doubt.runs, wanted.get(doubt.workload, 0))
    most = _affordable(first, frozenset(wanted), left_s)
    return Look(subjects=subjects, runs={name: min(most, runs) for name, runs in wanted.items()})


def plan_of(plan: Plan, runs: Mapping[str, int], first: Recording, left_s: float) -> Plan:
    """`runs`: workload -> how many more, a side."""
    again = tuple(
        replace(workload, runs=runs[workload.name], instruments=(Instrument.TIME,))
        for workload in plan.workloads
        if workload.name in runs
    )
    settings = replace(plan.settings, instruments=(Instrument.TIME,), time_limit_s=left_s)
    starts = {workload.name: workload.starts for workload in _workloads(first) if workload.name in runs}
    return replace(plan, workloads=again, settings=settings, continues=starts)


def runs_of(recording: Recording) -> dict[str, int]:
    """Workload -> runs that it has."""
    return {workload.name: len(workload.runs) for workload in _workloads(recording)}


def joined(first: Sides, second: Sides) -> tuple[Sides, Mapping[str, int]]:
    """Each side of `first` with the runs of `second`; and workload -> how many more it got, of those that both sides could join:
    in runs of as many starts, sampled in the same way."""
    of_each = [_joinable(one, second.get(label)) for label, one in first.items()]
    names = frozenset.intersection(*(frozenset(each) for each in of_each))
    grown = {name: min(each[name] for each in of_each) for name in names}
    return {label: _joined(one, second[label], grown) if grown else one for label, one in first.items()}, grown


def _affordable(first: Sides, names: frozenset[str], left_s: float) -> int:
    """How many runs a side of all of these workloads; even, 0 where too few to change anything."""
    workloads = [workload for side in first.values() for workload in _workloads(side) if workload.name in names]
    walls_s = sum(sum(run.wall_s for run in workload.runs) / max(1, len(workload.runs)) for workload in workloads)
    runs = int(left_s / max(1e-3, OVERHEAD * walls_s)) // 2 * 2
    return runs if runs >= LEAST_RUNS else 0


def _joinable(first: Recording, second: Recording | None) -> Mapping[str, int]:
    if second is None or first.samples is None or second.samples is None or not _alike(first.samples, second.samples):
        return {}
    starts = {workload.name: workload.starts for workload in _workloads(first)}
    return {w.name: len(w.runs) for w in _workloads(second) if w.runs and starts.get(w.name) == w.starts}


def _joined(first: Recording, second: Recording, grown: Container[str]) -> Recording:
    assert first.samples is not None
    more = {workload.name: workload for workload in _workloads(second) if workload.name in grown}
    workloads = tuple(_with(each, more[each.name]) if each.name in more else each for each in first.samples.workloads)
    said = [caveat for caveat in second.caveats if caveat.code not in REPLACED]
    caveats = tuple(dict.fromkeys((*first.caveats, *said)))
    return replace(first, samples=replace(first.samples, workloads=workloads), caveats=caveats)


def _with(first: WorkloadSamples, second: WorkloadSamples) -> WorkloadSamples:
    functions = tuple(dict.fromkeys((*first.functions, *second.functions)))
    next_block = 1 + max((run.block for run in first.runs), default=-1)
    more = tuple(replace(run, block=next_block + run.block) for run in _spread(second, functions))
    return replace(first, functions=functions, runs=(*_spread(first, functions), *more), first_runs=len(first.runs))


def _spread(workload: WorkloadSamples, functions: tuple[Function, ...]) -> tuple[Run, ...]:
    """Its runs with a count for each of `functions`, zeros too."""
    of_each = [dict(zip(workload.functions, run.counts, strict=True)) for run in workload.runs]
    return tuple(
        replace(run, counts=tuple(counts.get(function, 0.0) for function in functions))
        for run, counts in zip(workload.runs, of_each, strict=True)
    )


def _workloads(recording: Recording) -> tuple[WorkloadSamples, ...]:
    return recording.samples.workloads if recording.samples else ()


def _alike(first: Samples, second: Samples) -> bool:
    return (first.event, first.period_s) == (second.event, second.period_s)
