"""Heap memory on both sides at once: who asks for more, what only moved between neighbours, and what is large enough to matter.

Knows two recordings of one workload's heap, and which quantity each metric is held against. Knows no tests and no wording: it is
asked about what was found to differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import median

from autoprof_ci.analysis.callgraph import NOTHING, Cost
from autoprof_ci.analysis.known import step
from autoprof_ci.model import (
    Estimate,
    Function,
    Instrument,
    Measurement,
    MemoryRepeat,
    Reason,
    ReasonCode,
    Signal,
    SubjectComparison,
    SubjectKind,
    WorkloadMemory,
)

ALLOCATIONS, TEMPORARY, PEAK, LEAKED = "allocations", "temporary_allocations", "peak_bytes", "leaked_bytes"
COLUMNS: Mapping[str, str] = {ALLOCATIONS: "allocations", TEMPORARY: "temporary", PEAK: "peak_bytes", LEAKED: "leaked_bytes"}
"""Metric -> the field of a `MemoryRepeat`."""
UNITS: Mapping[str, str] = {ALLOCATIONS: "allocations", TEMPORARY: "allocations", PEAK: "bytes", LEAKED: "bytes"}
OF_THE_WHOLE = (TEMPORARY, PEAK, LEAKED)
"""Tested of the whole run only; of functions they are shown."""

FLOORS: Mapping[str, float] = {TEMPORARY: 5e-4, PEAK: 1e-3, LEAKED: 1e-3}
"""Standard deviation of one run's sum that is assumed without looking, relative to it: nothing is known to vary."""
LEAST: Mapping[str, float] = {ALLOCATIONS: 0.5, TEMPORARY: 0.5, PEAK: 64.0, LEAKED: 64.0}
"""The same, in the metric's unit: one allocation more or less may be chance (a buffer that was just full enough)."""

HELD_AGAINST: Mapping[str, str] = {TEMPORARY: ALLOCATIONS, LEAKED: PEAK}
"""A change of these is large enough if it is beyond the threshold *of that*: eight temporary allocations instead of four among a
million, or a leak of 500 bytes in a program that needs 5 MB, are none."""

MOVED_AT_LEAST = 0.75
"""Of what a function asks for more, so much must have gone from its neighbours, or nothing was moved."""
MOST_OF_IT = 0.6
"""Of what a function asks for more: whoever's inlined body asks for it is named."""
NAMED_FROM = 0.3
"""Of what the whole run leaks or holds more: the function with the largest part is named if it has so much of it."""

_REASONS = {TEMPORARY: ReasonCode.MORE_TEMPORARY, PEAK: ReasonCode.MORE_AT_PEAK, LEAKED: ReasonCode.MORE_LEAKED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heaps:
    """`of`: metric -> function -> what it has of it on each side, per start. `callers`: function -> who calls it -> allocations
    made below that call; `neighbours`: who calls whom, both ways. `inlined`: of a function's allocations those asked for by what
    was inlined into it."""

    of: Mapping[str, Mapping[Function, Cost]]
    callers: Mapping[Function, Mapping[Function, Cost]]
    neighbours: Mapping[Function, frozenset[Function]]
    inlined: Mapping[Function, Mapping[str, Cost]]

    def cost(self, function: Function) -> Cost:
        return self.of[ALLOCATIONS].get(function, NOTHING)


def build(baseline: WorkloadMemory, candidate: WorkloadMemory) -> Heaps:
    sides = (baseline, candidate)
    functions = tuple(dict.fromkeys((*baseline.functions, *candidate.functions)))
    around: dict[Function, set[Function]] = defaultdict(set)
    below: dict[Function, dict[Function, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for number, side in enumerate(sides):
        for edge in side.edges:
            caller, callee = side.functions[edge.caller], side.functions[edge.callee]
            below[callee][caller][number] += edge.allocations
            around[caller].add(callee)
            around[callee].add(caller)
    inlined: dict[Function, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for number, side in enumerate(sides):
        for one in side.inlined:
            inlined[side.functions[one.function]][one.name][number] += one.cost
    of = {}
    for metric, column in COLUMNS.items():
        medians = [_medians(side, column) for side in sides]
        of[metric] = {f: Cost(medians[0].get(f, 0.0), medians[1].get(f, 0.0)) for f in functions}
    return Heaps(
        of=of,
        callers={f: {caller: Cost(*counts) for caller, counts in those.items()} for f, those in below.items()},
        neighbours={function: frozenset(those) for function, those in around.items()},
        inlined={f: {name: Cost(*counts) for name, counts in parts.items()} for f, parts in inlined.items()},
    )


def _medians(side: WorkloadMemory, column: str) -> dict[Function, float]:
    values = [_values(repeat, column) for repeat in side.repeats]
    return {function: median(each[i] for each in values) for i, function in enumerate(side.functions)} if values else {}


def _values(repeat: MemoryRepeat, column: str) -> tuple[float, ...]:
    found: tuple[float, ...] = getattr(repeat, column)
    return found


def shown(heaps: Heaps, function: Function, tested: Iterable[Estimate]) -> tuple[Estimate, ...]:
    """What a function has of the metrics that are not `tested` of it; nothing of those it has nothing of."""
    known = {estimate.metric for estimate in tested}
    costs = {metric: heaps.of[metric].get(function, NOTHING) for metric in COLUMNS if metric not in known}
    return tuple(_untested(metric, cost) for metric, cost in costs.items() if cost.baseline or cost.candidate)


def _untested(metric: str, cost: Cost) -> Estimate:
    return Estimate(
        instrument=Instrument.MEMORY,
        metric=metric,
        unit=UNITS[metric],
        baseline=cost.baseline,
        candidate=cost.candidate,
        change=cost.candidate / cost.baseline - 1 if cost.baseline else None,
    )


def relevant(measurement: Measurement, whole: Mapping[str, float]) -> Measurement:
    """`measurement`, not beyond its threshold where the step is too small for the whole run. `whole`: metric -> baseline.

    And nothing is out of sight that did not move: in a function that asks a hundred times one percent is
    one allocation."""
    estimate = measurement.estimate
    tested = estimate.metric in LEAST and estimate.p_value is not None
    if tested and measurement.signal is Signal.UNSEEN and abs(step(estimate)) <= 2 * LEAST[estimate.metric]:
        return replace(measurement, signal=Signal.SAME)
    if measurement.signal not in (Signal.MORE, Signal.LESS):
        return measurement
    against = HELD_AGAINST.get(estimate.metric) or (estimate.metric if not (estimate.baseline and estimate.candidate) else None)
    if against is None or abs(step(estimate)) > measurement.max_regression * whole.get(against, 0.0):
        return measurement
    return replace(measurement, signal=Signal.SAME)


def is_noteworthy(measurement: Measurement, whole: Mapping[str, float]) -> bool:
    """Whether a warning of it is worth a line: its step is beyond the warning for the whole run too, where it is held against
    that."""
    against = HELD_AGAINST.get(measurement.estimate.metric)
    return against is None or abs(step(measurement.estimate)) > measurement.warn * whole.get(against, 0.0)


def wholes(subjects: Iterable[SubjectComparison]) -> Mapping[str, float]:
    """Metric -> what the whole run has of it in the baseline; what a new workload has of it where there is none."""
    total = next((subject for subject in subjects if subject.kind is SubjectKind.TOTAL), None)
    estimates = total.estimates if total is not None else ()
    return {e.metric: e.baseline or 0.0 for e in estimates if e.metric in COLUMNS}


def moved(heaps: Heaps, function: Function, max_regression: float) -> Reason | None:
    """Does `function` ask for what its neighbours, or functions that are gone, asked for before? Names the largest giver."""
    grown = heaps.cost(function).grown
    givers = {f: -heaps.cost(f).grown for f in _around(heaps, function) if heaps.cost(f).grown < 0}
    return _shift(heaps, function, grown, givers, max_regression)


def given(heaps: Heaps, function: Function, max_regression: float) -> Reason | None:
    """The other side: what `function` asked for is asked for by a neighbour, or a new function, now."""
    takers = {f: heaps.cost(f).grown for f in _around(heaps, function) if heaps.cost(f).grown > 0}
    return _shift(heaps, function, -heaps.cost(function).grown, takers, max_regression)


def _around(heaps: Heaps, function: Function) -> frozenset[Function]:
    """Its neighbours; and what is gone or new: a renamed function has no edge to its old name."""
    appeared = {f for f, cost in heaps.of[ALLOCATIONS].items() if bool(cost.baseline) is not bool(cost.candidate)}
    return (heaps.neighbours.get(function, frozenset()) | appeared) - {function}


def _shift(
    heaps: Heaps, function: Function, size: float, others: Mapping[Function, float], max_regression: float
) -> Reason | None:
    enough = sum(others.values())
    if size <= 0 or enough < MOVED_AT_LEAST * size:
        return None
    owned = sum(max(heaps.cost(f)) for f in (function, *others))
    if size - enough > max_regression * owned:
        return None
    return Reason(code=ReasonCode.COST_MOVED, detail=max(others, key=lambda f: (others[f], f.name)).name)


def inlined_cause(heaps: Heaps, function: Function) -> Reason | None:
    """The function inlined into `function` that asks for most of what it asks for more."""
    grown = heaps.cost(function).grown
    parts = {name: cost.grown for name, cost in heaps.inlined.get(function, {}).items()}
    main = max(parts, key=lambda name: (parts[name], name), default=None)
    if main is None or grown <= 0 or parts[main] < MOST_OF_IT * grown:
        return None
    return Reason(code=ReasonCode.INLINED_CODE, detail=main)


def cause(heaps: Heaps, function: Function, is_changed: Callable[[Function], bool]) -> Function | None:
    """Whose doing it is that unchanged code asks for more: the function above it whose code changed and that most comes from;
    ``None`` where `function` itself changed, or nobody has most of it."""
    if is_changed(function):
        return None
    found: dict[Function, float] = defaultdict(float)
    front = {function: 1.0}
    seen: set[Function] = set()
    while front:
        nearest = max(front, key=lambda f: (front[f], f.name))
        part = front.pop(nearest)
        seen.add(nearest)
        # functions that call one another in turn have asked for the same already
        callers = ((caller, cost) for caller, cost in heaps.callers.get(nearest, {}).items() if caller not in seen)
        more = {caller: cost.grown for caller, cost in callers if cost.grown > 0}
        for caller in more:
            share = part * more[caller] / sum(more.values())
            if is_changed(caller):
                found[caller] += share
            else:
                front[caller] = front.get(caller, 0.0) + share
    main = max(found, key=lambda f: (found[f], f.name), default=None)
    traced = sum(found.values())
    return main if main is not None and traced >= NAMED_FROM and found[main] >= MOST_OF_IT * traced else None


def named(heaps: Heaps, measurement: Measurement) -> Reason | None:
    """Of a metric that is tested of the whole run: the function that has most of the step, and how much of it."""
    metric = measurement.estimate.metric
    if metric not in _REASONS:
        return None
    steps = {function: cost.grown for function, cost in heaps.of[metric].items()}
    main = max(steps, key=lambda function: (steps[function], function.name), default=None)
    if main is None or steps[main] < NAMED_FROM * step(measurement.estimate):
        return None
    return Reason(code=_REASONS[metric], detail=f"{main.name} {steps[main]:.6g}")
