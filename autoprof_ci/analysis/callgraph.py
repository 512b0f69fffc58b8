"""Who called whom how often, on both sides at once.

Knows the two instruction recordings of one workload as one graph of functions. Knows no thresholds and no verdicts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean

from autoprof_ci.model import Calls, Function, WorkloadInstructions

EDGE_NOISE = 0.005
"""Relative change of a number of calls that is taken for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Instructions of one function on both sides, per start; 0 where it was not seen."""

    baseline: float
    candidate: float

    @property
    def grown(self) -> float:
        return self.candidate - self.baseline


NOTHING = Cost(baseline=0.0, candidate=0.0)
NO_CALLS = Calls(baseline=0.0, candidate=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CallGraph:
    """Both sides of one workload. `callers[f]` and `callees[f]`: neighbour -> calls along that edge."""

    self_cost: dict[Function, Cost]
    inclusive: dict[Function, Cost]
    calls: dict[Function, Calls]
    callers: dict[Function, dict[Function, Calls]]
    callees: dict[Function, dict[Function, Calls]]
    below: dict[tuple[Function, Function], Cost]
    """(caller, callee) -> instructions spent below that edge, inclusive."""
    total: Cost

    def cost(self, function: Function) -> Cost:
        return self.self_cost.get(function, NOTHING)

    def cycle(self, function: Function) -> frozenset[Function]:
        """`function` and all that it calls and is called by in turn: recursive functions are one node of the graph."""
        return frozenset(_reach(self.callers, function) & _reach(self.callees, function)) | {function}

    def neighbours(self, function: Function) -> frozenset[Function]:
        return frozenset(self.callers.get(function, {})) | frozenset(self.callees.get(function, {}))


def _reach(neighbours: dict[Function, dict[Function, Calls]], start: Function) -> set[Function]:
    """All that can be reached from `start`; itself only along a cycle."""
    seen: set[Function] = set()
    front = [start]
    while front:
        found = set(neighbours.get(front.pop(), {})) - seen
        seen |= found
        front.extend(found)
    return seen


def build(baseline: WorkloadInstructions, candidate: WorkloadInstructions) -> CallGraph:
    sides = (baseline, candidate)
    self_costs = [{f: fmean(row) for f, row in zip(s.functions, zip(*s.repeats, strict=True), strict=True)} for s in sides]
    inclusive = [dict(zip(s.functions, s.inclusive, strict=True)) for s in sides]
    calls = [dict(zip(s.functions, s.calls, strict=True)) for s in sides]
    edges = [_edges(side) for side in sides]
    callers: dict[Function, dict[Function, Calls]] = defaultdict(dict)
    callees: dict[Function, dict[Function, Calls]] = defaultdict(dict)
    below: dict[tuple[Function, Function], Cost] = {}
    for caller, callee in {**edges[0], **edges[1]}:
        old, new = (side.get((caller, callee), (0.0, 0.0)) for side in edges)
        between = Calls(baseline=old[0], candidate=new[0])
        below[caller, callee] = Cost(baseline=old[1], candidate=new[1])
        callers[callee][caller] = between
        callees[caller][callee] = between
    return CallGraph(
        self_cost=_both(self_costs),
        inclusive=_both(inclusive),
        calls={f: Calls(baseline=calls[0].get(f, 0.0), candidate=calls[1].get(f, 0.0)) for f in {**calls[0], **calls[1]}},
        callers=dict(callers),
        callees=dict(callees),
        below=below,
        total=Cost(baseline=sum(self_costs[0].values()), candidate=sum(self_costs[1].values())),
    )


def _edges(side: WorkloadInstructions) -> dict[tuple[Function, Function], tuple[float, float]]:
    """Calls and inclusive instructions along each edge."""
    found: dict[tuple[Function, Function], tuple[float, float]] = {}
    for edge in side.edges:
        between = side.functions[edge.caller], side.functions[edge.callee]
        calls, inclusive = found.get(between, (0.0, 0.0))
        found[between] = calls + edge.calls, inclusive + edge.inclusive
    return found


def _both(sides: list[dict[Function, float]]) -> dict[Function, Cost]:
    return {f: Cost(baseline=sides[0].get(f, 0.0), candidate=sides[1].get(f, 0.0)) for f in {**sides[0], **sides[1]}}


def ratio(calls: Calls) -> float | None:
    """Candidate over baseline; ``None`` where the baseline has none."""
    return calls.candidate / calls.baseline if calls.baseline > 0 else None


def changed(calls: Calls) -> bool:
    """Whether a number of calls differs by more than what schedulers and seeds make."""
    return abs(calls.candidate - calls.baseline) > EDGE_NOISE * max(calls.baseline, calls.candidate)


def summed(calls: Iterable[Calls]) -> Calls:
    listed = tuple(calls)
    return Calls(baseline=sum(c.baseline for c in listed), candidate=sum(c.candidate for c in listed))
