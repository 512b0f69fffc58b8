"""What functions ask of allocators, and of the C library's copying, booked with those who asked for it.

Knows the call graphs of two recordings. Knows no tests and no thresholds.

A call of `malloc` is booked at what it cost on average in the baseline, on both sides: which free block fits depends on all that
came before, and that is nobody's doing; how often somebody asks is. What a copy costs depends on its length: booked as it was.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping

from autoprof_ci import symbols
from autoprof_ci.analysis.callgraph import Cost
from autoprof_ci.model import Function, WorkloadInstructions

COPYING = re.compile(r"_*(?:mem(?:cpy|move|set)(?:_fwd_align)?|mempcpy|bcopy|bzero)")
MOVED = 0.5
"""If all askers together ask for less more than this part of what one asks for more, others ask for as much less."""


def booked(baseline: WorkloadInstructions, candidate: WorkloadInstructions) -> dict[Function, Cost]:
    """Instructions per start that each function asked for, besides its own. Where what one function asks for more is what others
    ask for less, that part is left out: it only moved."""
    price = _prices(baseline, candidate)
    asked: dict[Function, dict[Function, list[float]]] = defaultdict(lambda: defaultdict(lambda: [0.0, 0.0]))
    for number, side in enumerate((baseline, candidate)):
        for edge in side.edges:
            caller, entry = side.functions[edge.caller], side.functions[edge.callee]
            if is_memory(entry.name) and not is_memory(caller.name):
                asked[caller][entry][number] += edge.calls * price[entry] if entry in price else edge.inclusive
    grown: dict[Function, float] = defaultdict(float)
    for of in asked.values():
        for entry, costs in of.items():
            grown[entry] += costs[1] - costs[0]
    return {
        caller: Cost(
            sum(costs[0] for costs in of.values()),
            sum(costs[0] + _own(costs[1] - costs[0], grown[entry]) for entry, costs in of.items()),
        )
        for caller, of in asked.items()
    }


def is_memory(name: str) -> bool:
    return symbols.is_allocator(name) or COPYING.fullmatch(name) is not None


def _own(more: float, all_more: float) -> float:
    """Of what one asks for more (or less), what did not come from others."""
    return more if more * all_more > 0 and abs(all_more) >= MOVED * abs(more) else 0.0


def _prices(baseline: WorkloadInstructions, candidate: WorkloadInstructions) -> Mapping[Function, float]:
    """Of one call of each allocator's entry, with all below it."""
    found: dict[Function, float] = {}
    for side in (candidate, baseline):
        for function, inclusive, calls in zip(side.functions, side.inclusive, side.calls, strict=True):
            if calls > 0 and symbols.is_allocator_entry(function.name):
                found[function] = inclusive / calls
    return found
