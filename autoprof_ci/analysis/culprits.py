"""Who did it: the functions whose own doing, not that of what they call, made a workload cost more or less.

Knows the call graph of both sides. A function's cost per call changes by itself, by calling others more often, and by others
getting dearer; only the first two are its own doing. With N calls, self cost s a call, r calls of each callee a call and i
instructions below one such call (b: baseline, c: candidate),

    own = N_b × ( s_c - s_b + sum over callees of (r_c - r_b) × i_c )

and the sum of all own doings is the change of the whole (the telescoping of s + Σ r·i along the graph). What is new has N_b = 0
and is booked with whoever calls it. So a regular expression that is suddenly compiled at each call is the caller's doing, and not
that of the compiler's insides, whose calls were few before. Functions that call one another in turn are one node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoprof_ci.analysis import callgraph
from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.model import Calls, Cause, Function

MINOR_PART = 0.1
"""Whoever did less than this part of what the greatest culprit did is not named."""
BIG_BROTHER = 2.0
"""A culprit's caller that is itself a culprit, so many times as great, did both: the same place was changed."""
ECHO = 5.0
"""A change so many times as great as a function's own growth, somewhere above it, explains it."""
SECOND_PART = 0.25
"""A further cause of one function did at least this part of what its first did."""
MAIN_CAUSES = 3
MAIN_PART = 0.5
SMALL_MEMBER = 0.002
"""Members with less of a sum's change are not asked for their causes."""

Node = frozenset[Function]


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """`by_edge`: callee -> instructions that come of calling it more (or less) often; `own`: those and its own self cost."""

    own: float
    by_edge: Mapping[Function, float]


Culprits = Mapping[Function, Culprit]


def find(graph: CallGraph) -> Culprits:
    """All that did something noteworthy by themselves; a cycle is represented by the function of it that was entered."""
    found: dict[Function, Culprit] = {}
    seen: set[Function] = set()
    for function in graph.calls:
        members = graph.cycle(function)
        if function in seen:
            continue
        seen |= members
        culprit = _own_doing(graph, members)
        if culprit is not None:
            found[_entrance(graph, members)] = culprit
    greatest = max((abs(culprit.own) for culprit in found.values()), default=0.0)
    return {f: culprit for f, culprit in found.items() if greatest and abs(culprit.own) >= MINOR_PART * greatest}


def causes(graph: CallGraph, culprits: Culprits, function: Function) -> tuple[Cause, ...]:
    """Whose doing it is that `function` is called more (or less) often, the greatest first; none where that is its own."""
    calls = graph.calls.get(function, callgraph.NO_CALLS)
    if not callgraph.changed(calls):
        return ()
    direction = calls.candidate - calls.baseline
    blamed: dict[Function, Calls] = {}
    weights: dict[Function, float] = {}
    for culprit, doing in culprits.items():
        if function in graph.cycle(culprit):
            continue
        leading = [c for c, part in doing.by_edge.items() if part * direction > 0 and _leads_to(graph, c, function)]
        if not leading:
            continue
        brother = _big_brother(graph, culprits, culprit)
        if brother != culprit and function not in graph.cycle(brother):
            leading = [c for c, part in culprits[brother].by_edge.items() if part * direction > 0] or leading
            culprit = brother if leading else culprit
        weights[culprit] = max(weights.get(culprit, 0.0), abs(culprits[culprit].own))
        blamed.setdefault(culprit, callgraph.summed(_between(graph, culprit, callee) for callee in leading))
    if not blamed:
        blamed, weights = _from_above(graph, culprits, function)
    least = SECOND_PART * max(weights.values(), default=0.0)
    ordered = sorted((f for f in blamed if weights[f] >= least), key=lambda f: (-weights[f], f.name))
    return tuple(Cause(subject=f.name, dso=f.dso, calls=blamed[f]) for f in ordered[:MAIN_CAUSES])


def behind(graph: CallGraph, culprits: Culprits, members: Iterable[Function]) -> tuple[Cause, ...]:
    """Whose doing at least half of the change of a sum is; of the whole workload where `members` is empty."""
    grown = {f: graph.cost(f).grown for f in members or graph.self_cost}
    whole = sum(grown.values())
    if not whole:
        return ()
    parts: dict[str, float] = {}
    named: dict[str, Cause] = {}
    for function, own in grown.items():
        if own / whole < SMALL_MEMBER:
            continue
        for cause in causes(graph, culprits, function)[:1]:
            parts[cause.subject] = parts.get(cause.subject, 0.0) + own / whole
            named.setdefault(cause.subject, cause)
    main = max(parts, key=lambda subject: parts[subject], default=None)
    return (named[main],) if main is not None and parts[main] >= MAIN_PART else ()


def _from_above(graph: CallGraph, culprits: Culprits, function: Function) -> tuple[dict[Function, Calls], dict[Function, float]]:
    """Nobody asks for `function` more often, call for call: then it is an echo (colder caches, longer searches) of a far greater
    change above it, if there is one."""
    grown = abs(graph.cost(function).grown)
    above = [
        culprit
        for culprit, doing in culprits.items()
        if abs(doing.own) >= ECHO * grown and function not in graph.cycle(culprit) and _leads_to(graph, culprit, function)
    ]
    if not above:
        return {}, {}
    greatest = max(above, key=lambda culprit: abs(culprits[culprit].own))
    asked = callgraph.summed(_between(graph, greatest, callee) for callee in culprits[greatest].by_edge)
    return {greatest: asked}, {greatest: abs(culprits[greatest].own)}


def _own_doing(graph: CallGraph, members: Node) -> Culprit | None:
    calls = _entering(graph, members)
    if calls.baseline <= 0 or calls.candidate <= 0:
        return None
    own_cost = [graph.cost(member) for member in members]
    per_call = sum(cost.candidate for cost in own_cost) / calls.candidate - sum(c.baseline for c in own_cost) / calls.baseline
    by_edge: dict[Function, float] = {}
    for member in members:
        for callee, between in graph.callees.get(member, {}).items():
            if callee in members or not between.candidate:
                below = 0.0 if callee in members else -graph.below[member, callee].baseline
            else:
                rate = between.candidate / calls.candidate - between.baseline / calls.baseline
                below = calls.baseline * rate * graph.below[member, callee].candidate / between.candidate
            if below and not _is_noise(between, calls):
                by_edge[callee] = by_edge.get(callee, 0.0) + below
    return Culprit(own=calls.baseline * per_call + sum(by_edge.values()), by_edge=by_edge)


def _is_noise(between: Calls, own: Calls) -> bool:
    """Whether a callee is called as often a call as before, to within what schedulers and seeds make."""
    rates = Calls(baseline=between.baseline / own.baseline, candidate=between.candidate / own.candidate)
    return not callgraph.changed(rates)


def _entering(graph: CallGraph, members: Node) -> Calls:
    """Calls from outside; a root of the graph is called once."""
    outside = [
        calls for member in members for caller, calls in graph.callers.get(member, {}).items() if caller not in members
    ]  # fmt: skip
    return callgraph.summed(outside) if outside else Calls(baseline=1.0, candidate=1.0)


def _entrance(graph: CallGraph, members: Node) -> Function:
    def from_outside(member: Function) -> float:
        return sum(calls.candidate for caller, calls in graph.callers.get(member, {}).items() if caller not in members)

    return max(sorted(members), key=from_outside)


def _leads_to(graph: CallGraph, start: Function, target: Function) -> bool:
    seen = {start}
    front = [start]
    while front:
        function = front.pop()
        if function == target:
            return True
        found = set(graph.callees.get(function, {})) - seen
        seen |= found
        front.extend(found)
    return False


def _big_brother(graph: CallGraph, culprits: Culprits, culprit: Function) -> Function:
    for caller in graph.callers.get(culprit, {}):
        if caller in culprits and abs(culprits[caller].own) >= BIG_BROTHER * abs(culprits[culprit].own):
            return caller
    return culprit


def _between(graph: CallGraph, culprit: Function, callee: Function) -> Calls:
    return callgraph.summed(
        graph.callees[member][callee] for member in graph.cycle(culprit) if callee in graph.callees.get(member, {})
    )
