"""Which functions are called again and again, and how often any function is: from callgrind's counts of one workload.

Knows the counts of both sides; knows no wording and no stacks. All numbers are per start. Deterministic.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from autoprof_ci.model import BINARY_DSO, Function, WorkloadInstructions

CALLS_FROM = 100
"""Fewer are no repetition."""
SHARE_FROM = 0.02
"""Of all instructions, with what it calls."""
MOVED_RATIO = 0.1
_FOLLOWS_FROM = 0.9
_FOLLOWS_CALLS = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """`calls`: times entered; `places`: functions it is called from. `baseline_calls`: ``None`` without a baseline, 0 where that
    never called it. `share`: of all instructions, with what it calls; `each`: instructions of one call, with what it calls."""

    function: Function
    calls: float
    places: int
    baseline_calls: float | None
    share: float
    each: float

    @property
    def moved(self) -> bool:
        """Called a tenth more or less often than by the baseline."""
        before = self.baseline_calls
        return before is not None and abs(self.calls - before) > MOVED_RATIO * max(before, 1.0)

    @property
    def grew(self) -> bool:
        return self.moved and self.calls > (self.baseline_calls or 0.0)


def called(candidate: WorkloadInstructions, baseline: WorkloadInstructions | None) -> Mapping[Function, Called]:
    """Every function that was called."""
    total = sum(median(repeat[index] for repeat in candidate.repeats) for index in range(len(candidate.functions)))
    before = dict(zip(baseline.functions, baseline.calls, strict=True)) if baseline is not None else {}
    places: dict[int, set[int]] = defaultdict(set)
    for edge in candidate.edges:
        if edge.caller != edge.callee and edge.calls > 0:
            places[edge.callee].add(edge.caller)
    return {
        function: Called(
            function=function,
            calls=calls,
            places=len(places[index]),
            baseline_calls=before.get(function, 0.0) if baseline is not None else None,
            share=candidate.inclusive[index] / total if total else 0.0,
            each=candidate.inclusive[index] / calls,
        )
        for index, (function, calls) in enumerate(zip(candidate.functions, candidate.calls, strict=True))
        if calls > 0
    }


def called_again(candidate: WorkloadInstructions, baseline: WorkloadInstructions | None, most: int) -> tuple[Called, ...]:
    """The functions with the largest total cost among those called at least a hundred times, without those that one already named
    calls once each time, by itself or through others."""
    every = called(candidate, baseline)
    often = [one for one in every.values() if one.calls >= CALLS_FROM and one.share >= SHARE_FROM and one.places]
    often.sort(key=lambda one: (-one.share, one.function.name, one.function.dso or ""))
    index = {function: number for number, function in enumerate(candidate.functions)}
    by_pair = {(edge.caller, edge.callee): edge.calls for edge in candidate.edges}
    chosen: list[Called] = []
    told: list[Called] = []
    for one in often:
        callee = index[one.function]
        follows = any(
            by_pair.get((index[other.function], callee), 0.0) >= _FOLLOWS_FROM * one.calls
            and one.calls <= _FOLLOWS_CALLS * other.calls
            for other in told
        )
        told.append(one)
        if not follows and len(chosen) < most:
            chosen.append(one)
    return tuple(chosen)


def by_name(every: Mapping[Function, Called]) -> Mapping[str, Called]:
    """As stacks name functions: the program's own first where two files have one name."""
    ordered = sorted(every.values(), key=lambda one: one.function.dso == BINARY_DSO)
    return {one.function.name: one for one in ordered}
