"""What is it, when a function executes more instructions? Moved cost, a new function, heap layout; and who asked for it.

Knows the two call graphs of a workload. Knows no time, no significance, no accepts: it is asked only about functions that have
already been found to differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from autoprof_ci import symbols
from autoprof_ci.analysis import callgraph
from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.model import Function, Reason, ReasonCode

MOVED_AT_LEAST = 0.75
"""Of what a function gained, so much must have gone from its neighbours, or nothing was moved."""
CALL_OVERHEAD = 0.3
"""An extracted function costs its calls: at most so much of (threshold x workload total) may come on top of what was moved."""
CALL_INSTRUCTIONS = 30
"""And no more than this for each call that is made and was not before: saving registers, passing a result through memory."""
MOST_OF_IT = 0.6
"""Of what a function gained: whoever's inlined body it is in is named."""
GOOD_PART = 0.25
"""Of what a function with all below it gained: a callee that is asked more often is named."""
NOTEWORTHY = 0.002
"""Relative change of a neighbour's self cost below which it neither gave nor took."""


def cost_shift(graph: CallGraph, function: Function, max_regression: float) -> Reason | None:
    """`function` grew or appeared; did its neighbours shrink by about as much, so that the sum is flat?

    Neighbours are callers, callees, and what vanished from under the same callers (a rename). The sum of all that gave and took
    may not have grown by more than `max_regression` of the cost of whoever owns them (inclusive), or than the overhead of
    extracted calls: a shift that hides a real increase hides nothing. Names the largest giver; ``None`` if nothing was moved.
    """
    shift = _shift(graph, function)
    is_new = graph.cost(function).baseline == 0
    if not shift.is_move or shift.excess > _allowed(graph, shift, function, max_regression):
        return None
    if not (is_new or shift.is_even):
        return None
    return Reason(code=ReasonCode.COST_MOVED, detail=min(shift.givers, key=lambda giver: graph.cost(giver).grown).name)


def new_is_dearer(graph: CallGraph, function: Function, max_regression: float) -> bool:
    """A new function costs more than its neighbours gave and a move may cost, and whoever calls it got dearer by that."""
    shift = _shift(graph, function)
    allowed = _allowed(graph, shift, function, max_regression)
    return shift.excess > allowed and _callers_grew(graph, function, shift.excess / 2)


def cost_given(graph: CallGraph, function: Function) -> Reason | None:
    """The other side of a move, at whatever price: what `function` did is done by a neighbour now. Names the largest taker."""
    around = graph.neighbours(function) | _siblings_new(graph, function)
    shifts = {taker: _shift(graph, taker) for taker in around}
    takers = [
        taker
        for taker, shift in shifts.items()
        if function in shift.givers and shift.is_even and (shift.is_move or not graph.cost(taker).baseline)
    ]
    if not takers:
        return None
    return Reason(code=ReasonCode.COST_MOVED, detail=max(takers, key=lambda taker: graph.cost(taker).grown).name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shift:
    """Instructions that `givers` lost and `takers`, all around them, gained."""

    givers: frozenset[Function]
    takers: frozenset[Function] = frozenset()
    given: float
    absorbed: float
    """Of what was given, by callees that the function calls no more: inlined, which saves the calls and more."""
    taken: float

    @property
    def is_move(self) -> bool:
        """Most of what was taken had been given."""
        return bool(self.givers) and self.given >= MOVED_AT_LEAST * self.taken

    @property
    def is_even(self) -> bool:
        """Or somebody improved by far more than anybody took: that is no move, and excuses nobody who grew."""
        return self.taken >= MOVED_AT_LEAST * (self.given - self.absorbed)

    @property
    def excess(self) -> float:
        return self.taken - self.given


def _shift(graph: CallGraph, function: Function) -> _Shift:
    """What was given and taken around `function`, which grew; without givers where it did not."""
    if graph.cost(function).grown <= 0:
        return _Shift(givers=frozenset(), given=0.0, absorbed=0.0, taken=0.0)
    givers = {neighbour for neighbour in graph.neighbours(function) | _siblings_gone(graph, function) if _gave(graph, neighbour)}
    # All that grew around the givers shares what they gave: no instruction is moved twice.
    takers = {
        taker
        for giver in givers
        for taker in graph.neighbours(giver) | _siblings_new(graph, giver)
        if taker not in givers and _took(graph, taker)
    } | {function}
    return _Shift(
        givers=frozenset(givers),
        takers=frozenset(takers),
        given=-sum(graph.cost(giver).grown for giver in givers),
        absorbed=-sum(graph.cost(giver).grown for giver in givers if _called_no_more(graph, function, giver)),
        taken=sum(graph.cost(taker).grown for taker in takers),
    )


def _allowed(graph: CallGraph, shift: _Shift, function: Function, max_regression: float) -> float:
    """So many instructions more are within the threshold of whoever owns the parts, or the price of calls that were not made."""
    parts = shift.givers | {function}
    owner = max(graph.inclusive.get(part, graph.cost(part)).baseline for part in parts)
    calls = callgraph.summed(graph.calls.get(part, callgraph.NO_CALLS) for part in parts | shift.takers)
    price = CALL_INSTRUCTIONS * max(0.0, calls.candidate - calls.baseline)
    return max(max_regression * owner, min(price, CALL_OVERHEAD * max_regression * graph.total.baseline))


def _called_no_more(graph: CallGraph, caller: Function, callee: Function) -> bool:
    between = graph.callees.get(caller, {}).get(callee, callgraph.NO_CALLS)
    return between.baseline > 0 and between.candidate == 0


def _gave(graph: CallGraph, function: Function) -> bool:
    cost = graph.cost(function)
    return -cost.grown > max(NOTEWORTHY * cost.baseline, 0.0)


def _took(graph: CallGraph, function: Function) -> bool:
    cost = graph.cost(function)
    return cost.grown > NOTEWORTHY * cost.baseline


def _siblings_gone(graph: CallGraph, function: Function) -> frozenset[Function]:
    """If `function` is new: what its callers do not call any more, and its callees are not called by."""
    if graph.cost(function).baseline > 0:
        return frozenset()
    return frozenset(other for other in _siblings(graph, function) if graph.cost(other).candidate == 0)


def _siblings_new(graph: CallGraph, function: Function) -> frozenset[Function]:
    if graph.cost(function).candidate > 0:
        return frozenset()
    return frozenset(other for other in _siblings(graph, function) if graph.cost(other).baseline == 0)


def _siblings(graph: CallGraph, function: Function) -> set[Function]:
    below = {sibling for caller in graph.callers.get(function, {}) for sibling in graph.callees.get(caller, {})}
    above = {sibling for callee in graph.callees.get(function, {}) for sibling in graph.callers.get(callee, {})}
    return (below | above) - {function}


def _callers_grew(graph: CallGraph, function: Function, instructions: float) -> bool:
    """Did whoever calls a new function get dearer by so many, inclusive? New callers are asked for their own callers."""
    seen: set[Function] = {function}
    front = [function]
    while front:
        found = {caller for f in front for caller in graph.callers.get(f, {})} - seen
        if not found:
            return graph.total.grown > instructions
        seen |= found
        known = [caller for caller in found if graph.inclusive.get(caller, graph.cost(caller)).baseline > 0]
        if known:
            return any(graph.inclusive.get(caller, graph.cost(caller)).grown > instructions for caller in known)
        front = list(found)
    return False


def layout_step(graph: CallGraph, members: Iterable[Function]) -> float:
    """Instructions that allocators' insides among `members` gained or lost although the same was asked of the allocator.

    Which free block fits depends on all that came before: that is heap layout, and says nothing of the program. 0 where the
    allocator was asked something else.
    """
    insides = [f for f in members if symbols.is_allocator(f.name) and not symbols.is_allocator_entry(f.name)]
    return sum(graph.cost(f).grown for f in insides) if insides and _allocator_asked_the_same(graph) else 0.0


def _allocator_asked_the_same(graph: CallGraph) -> bool:
    """As often by every caller that both sides have; what vanished callers asked, new ones may ask (a rename)."""
    asked = [
        (caller, calls)
        for entry, callers in graph.callers.items()
        if symbols.is_allocator_entry(entry.name)
        for caller, calls in callers.items()
        if not symbols.is_allocator(caller.name)
    ]
    every = callgraph.summed(calls for _, calls in asked)
    stayed = {caller for caller, _ in asked if graph.cost(caller).baseline > 0 and graph.cost(caller).candidate > 0}
    moved = sum(abs(calls.candidate - calls.baseline) for caller, calls in asked if caller in stayed)
    moved += abs(sum(calls.candidate - calls.baseline for caller, calls in asked if caller not in stayed))
    return bool(asked) and moved <= 2 * callgraph.EDGE_NOISE * max(every.baseline, every.candidate)


def calls_more(graph: CallGraph, function: Function) -> Reason | None:
    """The callee that each call of `function` asks more often at the greatest cost; ``None`` where none makes a good part of it.

    In the detail the callee and how many times as often a call asks it; the callee alone where it was never asked before.
    """
    calls = graph.calls.get(function, callgraph.NO_CALLS)
    if min(calls.baseline, calls.candidate) <= 0:
        return None
    own = calls.candidate / calls.baseline
    more: dict[Function, float] = {}
    for callee, between in graph.callees.get(function, {}).items():
        if callee != function and between.candidate > (1 + callgraph.EDGE_NOISE) * own * between.baseline:
            more[callee] = graph.below[function, callee].candidate * (1 - own * between.baseline / between.candidate)
    main = max(more, key=lambda callee: (more[callee], callee.name), default=None)
    total = graph.inclusive.get(function, graph.cost(function))
    if main is None or more[main] < GOOD_PART * (total.candidate - own * total.baseline):
        return None
    between = graph.callees[function][main]
    times = f" {between.candidate / between.baseline / own:.6g}" if between.baseline > 0 else ""
    return Reason(code=ReasonCode.CALLS_MORE, detail=f"{main.name}{times}")


def inlined_cause(graph: CallGraph, function: Function) -> Reason | None:
    """The function inlined into `function` whose body takes most of what its own instructions grew by; ``None``: its own body."""
    grown = graph.cost(function).grown
    parts = {name: cost.grown for name, cost in graph.inlined.get(function, {}).items()}
    main = max(parts, key=lambda name: (parts[name], name), default=None)
    if main is None or grown <= 0 or parts[main] < MOST_OF_IT * grown:
        return None
    # what was called before and is inlined now was there before
    before = sum(graph.cost(callee).baseline for callee in graph.callees.get(function, {}) if callee.name == main)
    return Reason(code=ReasonCode.INLINED_CODE, detail=main) if parts[main] - before > 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Why the self cost changed: how many times as often it was called, and how many times as dear each call was."""

    calls_ratio: float
    cost_ratio: float

    @property
    def is_mainly_dearer(self) -> bool:
        """Whether dearer calls make a good part of it, on the scale of ratios."""
        return math.log(self.cost_ratio) >= GOOD_PART * abs(math.log(self.calls_ratio * self.cost_ratio))

    def reasons(self, tolerance: float) -> tuple[Reason, ...]:
        """The factors that differ by more than `tolerance` from 1, the larger first."""
        factors = sorted(
            (
                (self.calls_ratio, ReasonCode.MORE_CALLS, ReasonCode.FEWER_CALLS),
                (self.cost_ratio, ReasonCode.DEARER_CALLS, ReasonCode.CHEAPER_CALLS),
            ),
            key=lambda factor: -abs(factor[0] - 1),
        )
        return tuple(
            Reason(code=more if factor > 1 else fewer, detail=f"{factor:.6g}")
            for factor, more, fewer in factors
            if abs(factor - 1) > tolerance
        )


def split(graph: CallGraph, function: Function) -> Split | None:
    """``None`` where a side was not called or cost nothing: there is no ratio."""
    calls = graph.calls.get(function, callgraph.NO_CALLS)
    cost = graph.cost(function)
    if min(calls.baseline, calls.candidate, cost.baseline, cost.candidate) <= 0:
        return None
    calls_ratio = calls.candidate / calls.baseline
    return Split(calls_ratio=calls_ratio, cost_ratio=cost.candidate / cost.baseline / calls_ratio)
