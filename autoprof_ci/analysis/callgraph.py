"""Who called whom how often, on both sides at once.

Knows the two instruction recordings of one workload as one graph of functions. Knows no thresholds and no verdicts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from autoprof_ci.model import Calls, Function, WorkloadInstructions

EDGE_NOISE = 0.005
"""Relative change of a number of calls that is taken for none."""


class Cost(NamedTuple):
    """Instructions of one function on both sides, per start; 0 where it was not seen. A tuple: there are tens of thousands."""

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
    cycles: dict[Function, frozenset[Function]]
    """Functions that call one another in turn, each with all of its cycle."""
    total: Cost
    inlined: dict[Function, dict[str, Cost]] = field(default_factory=dict)
    """Of a function's own instructions those that belong to others, by their names, which were inlined into it."""

    def cost(self, function: Function) -> Cost:
        return self.self_cost.get(function, NOTHING)

    def cycle(self, function: Function) -> frozenset[Function]:
        """`function` and all that it calls and is called by in turn: recursive functions are one node of the graph."""
        return self.cycles.get(function, frozenset({function}))

    def neighbours(self, function: Function) -> frozenset[Function]:
        return frozenset(self.callers.get(function, {})) | frozenset(self.callees.get(function, {}))


def _cycles(callees: dict[Function, dict[Function, Calls]]) -> dict[Function, frozenset[Function]]:
    """Strongly connected components of more than one function (Tarjan 1972), without recursion: call graphs are deep."""
    number: dict[Function, int] = {}
    low: dict[Function, int] = {}
    waiting: list[Function] = []
    is_waiting: set[Function] = set()
    found: dict[Function, frozenset[Function]] = {}
    for root in callees:
        if root in number:
            continue
        number[root] = low[root] = len(number)
        waiting.append(root)
        is_waiting.add(root)
        path = [(root, iter(callees[root]))]
        while path:
            function, rest = path[-1]
            callee = next(rest, None)
            if callee is None:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[function])
                if low[function] == number[function]:
                    start = len(waiting) - 1
                    while waiting[start] != function:
                        start -= 1
                    members = frozenset(waiting[start:])
                    del waiting[start:]
                    is_waiting -= members
                    if len(members) > 1:
                        found.update(dict.fromkeys(members, members))
            elif callee not in number:
                number[callee] = low[callee] = len(number)
                waiting.append(callee)
                is_waiting.add(callee)
                path.append((callee, iter(callees.get(callee, ()))))
            elif callee in is_waiting:
                low[function] = min(low[function], number[callee])
    return found


def build(baseline: WorkloadInstructions, candidate: WorkloadInstructions) -> CallGraph:
    sides = (baseline, candidate)
    self_costs = [dict(zip(side.functions, np.array(side.repeats).mean(axis=0).tolist(), strict=True)) for side in sides]
    inclusive = [dict(zip(side.functions, side.inclusive, strict=True)) for side in sides]
    calls = [dict(zip(side.functions, side.calls, strict=True)) for side in sides]
    callers: dict[Function, dict[Function, Calls]] = defaultdict(dict)
    callees: dict[Function, dict[Function, Calls]] = defaultdict(dict)
    below: dict[tuple[Function, Function], Cost] = {}
    functions, edges = _edges(sides)
    for (from_, to), (calls_before, below_before, calls_after, below_after) in edges.items():
        caller, callee = functions[from_], functions[to]
        below[caller, callee] = Cost(below_before, below_after)
        callers[callee][caller] = callees[caller][callee] = Calls(baseline=calls_before, candidate=calls_after)
    return CallGraph(
        self_cost=_both(self_costs),
        inclusive=_both(inclusive),
        calls={f: Calls(baseline=calls[0].get(f, 0.0), candidate=calls[1].get(f, 0.0)) for f in {**calls[0], **calls[1]}},
        callers=dict(callers),
        callees=dict(callees),
        below=below,
        cycles=_cycles(callees),
        total=Cost(baseline=sum(self_costs[0].values()), candidate=sum(self_costs[1].values())),
        inlined=_inlined(sides),
    )


def _inlined(sides: tuple[WorkloadInstructions, WorkloadInstructions]) -> dict[Function, dict[str, Cost]]:
    found: dict[Function, dict[str, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for number, side in enumerate(sides):
        for one in side.inlined:
            found[side.functions[one.function]][one.name][number] += one.cost
    return {f: {name: Cost(*costs) for name, costs in names.items()} for f, names in found.items()}


def _edges(
    sides: tuple[WorkloadInstructions, WorkloadInstructions],
) -> tuple[tuple[Function, ...], dict[tuple[int, int], list[float]]]:
    """Functions of both sides, and of each pair of their numbers: calls, inclusive instructions; the same of the candidate."""
    number: dict[Function, int] = {}
    found: dict[tuple[int, int], list[float]] = {}
    for first, side in zip((0, 2), sides, strict=True):
        place = [number.setdefault(function, len(number)) for function in side.functions]
        for edge in side.edges:
            between = place[edge.caller], place[edge.callee]
            values = found.get(between)
            if values is None:
                values = found[between] = [0.0, 0.0, 0.0, 0.0]
            values[first] += edge.calls
            values[first + 1] += edge.inclusive
    return tuple(number), found


def _both(sides: list[dict[Function, float]]) -> dict[Function, Cost]:
    return {f: Cost(sides[0].get(f, 0.0), sides[1].get(f, 0.0)) for f in {**sides[0], **sides[1]}}


def ratio(calls: Calls) -> float | None:
    """Candidate over baseline; ``None`` where the baseline has none."""
    return calls.candidate / calls.baseline if calls.baseline > 0 else None


def changed(calls: Calls) -> bool:
    """Whether a number of calls differs by more than what schedulers and seeds make."""
    return abs(calls.candidate - calls.baseline) > EDGE_NOISE * max(calls.baseline, calls.candidate)


def summed(calls: Iterable[Calls]) -> Calls:
    listed = tuple(calls)
    return Calls(baseline=sum(c.baseline for c in listed), candidate=sum(c.candidate for c in listed))
