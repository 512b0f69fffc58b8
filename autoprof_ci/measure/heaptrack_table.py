"""From what one process asked for to one table of functions under their normalised names.

Knows who asked: the innermost function of a stack that does not merely pass the wish on (`symbols.passes_on`), as machine code
has it, so that names do not depend on debug information, which one side may lack, and agree with those of the other instruments.
Knows nothing of heaptrack's format, of how it is run, or of what the numbers are for. Pure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from autoprof_ci.measure.heaptrack_file import HeapRecord, Place
from autoprof_ci.model import AskedEdge, Function, InlinedCost, MemoryRepeat, WorkloadMemory
from autoprof_ci.symbols import passes_on

FOR_HEAPTRACK = (
    "libheaptrack_preload.so",
    "libstdc++.so",
    "libunwind.so",
    "libgcc_s.so",
    "liblzma.so",
    "libz.so",
    "ld-linux",
    "ld-musl",
)
"""Libraries that heaptrack brings into the process, and who loads them: what they ask for by themselves is not the program's."""
LEAST_EDGE = 1e-4
"""Of all allocations: smaller edges explain nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """An instruction by name. `inlined`: the functions whose bodies were compiled into `function` there, the innermost first.
    `own_symbol`: the raw name, of a function of the program's own files."""

    function: Function
    inlined: tuple[str, ...] = ()
    own_symbol: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    allocations: float = 0.0
    temporary: float = 0.0
    peak_bytes: float = 0.0
    leaked_bytes: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapRepeat:
    """One run. `edges`: (caller, callee) -> allocations made in the callee and below it. `inlined`: function, name of a function
    inlined into it -> allocations that this one asked for."""

    asked: Mapping[Function, Asked]
    edges: Mapping[tuple[Function, Function], float]
    inlined: Mapping[tuple[Function, str], float]
    symbols: frozenset[tuple[str, str]] = frozenset()
    """Dso and raw name of all in the program's own files that asked, or was there when somebody asked."""


def fold(record: HeapRecord, name: Callable[[Place], Named]) -> HeapRepeat:
    """Book all that the process asked for. `name`: see `heaptrack_names`; asked once for each place."""
    names = {place: name(place) for place in dict.fromkeys(record.places)}
    own = _not_heaptracks(record, names)
    askers = _askers(record, names)
    sums: dict[Function, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    inlined: dict[tuple[Function, str], float] = defaultdict(float)
    columns = (record.allocations, record.temporary, record.peak_bytes, record.leaked_bytes)
    for stack, asker in enumerate(askers):
        if not own[stack] or not record.allocations[stack]:
            continue
        asking = names[record.places[asker]]
        of = sums[asking.function]
        for number, column in enumerate(columns):
            of[number] += column[stack]
        within = next((each for each in asking.inlined if not passes_on(each)), None)
        if within is not None:
            inlined[asking.function, within] += record.allocations[stack]
    return HeapRepeat(
        asked={
            function: Asked(allocations=a, temporary=t, peak_bytes=max(0, p), leaked_bytes=leaked)
            for function, (a, t, p, leaked) in sums.items()
        },
        edges=_edges(record, names, own),
        inlined=dict(inlined),
        symbols=frozenset((named.function.dso or "", named.own_symbol) for named in names.values() if named.own_symbol),
    )


def combine(name: str, repeats: Sequence[HeapRepeat]) -> WorkloadMemory:
    """The table of one workload. What a repeat did not ask for is 0 there: heaptrack sees every allocation."""
    seen = {function for repeat in repeats for function in repeat.asked}
    most = max((sum(asked.allocations for asked in repeat.asked.values()) for repeat in repeats), default=0.0)
    edges = {
        pair: median(repeat.edges.get(pair, 0.0) for repeat in repeats)
        for pair in {pair for repeat in repeats for pair in repeat.edges}
    }
    edges = {pair: count for pair, count in edges.items() if count >= LEAST_EDGE * most}
    functions = tuple(sorted(seen | {function for pair in edges for function in pair}, key=_by_name))
    index = {function: position for position, function in enumerate(functions)}
    within = {
        (function, other): sum(repeat.inlined.get((function, other), 0.0) for repeat in repeats) / len(repeats)
        for function, other in {pair for repeat in repeats for pair in repeat.inlined}
    }
    return WorkloadMemory(
        name=name,
        functions=functions,
        repeats=tuple(_repeat(repeat, functions) for repeat in repeats),
        edges=tuple(
            AskedEdge(caller=caller, callee=callee, allocations=count)
            for (caller, callee), count in sorted(((index[a], index[b]), count) for (a, b), count in edges.items())
        ),
        inlined=tuple(
            InlinedCost(function=function, name=other, cost=round(count, 3))
            for (function, other), count in sorted(((index[f], other), count) for (f, other), count in within.items())
        ),
    )


def _repeat(repeat: HeapRepeat, functions: Sequence[Function]) -> MemoryRepeat:
    asked = [repeat.asked.get(function, _NOTHING) for function in functions]
    return MemoryRepeat(
        allocations=tuple(each.allocations for each in asked),
        temporary=tuple(each.temporary for each in asked),
        peak_bytes=tuple(each.peak_bytes for each in asked),
        leaked_bytes=tuple(each.leaked_bytes for each in asked),
    )


_NOTHING = Asked()


def _by_name(function: Function) -> tuple[str, str]:
    return function.dso or "", function.name


def _not_heaptracks(record: HeapRecord, names: Mapping[Place, Named]) -> list[bool]:
    """Which stacks hold a frame of anything but what heaptrack brought along. A stack's caller comes before it."""
    own: list[bool] = []
    for place, caller in zip(record.places, record.callers, strict=True):
        dso = names[place].function.dso or ""
        own.append(not dso.startswith(FOR_HEAPTRACK) or (caller >= 0 and own[caller]))
    return own


def _askers(record: HeapRecord, names: Mapping[Place, Named]) -> list[int]:
    """Of each stack the one, itself or one that it came from, whose function asked; itself where all pass it on."""
    passing = {place: passes_on(named.function.name) for place, named in names.items()}
    askers: list[int] = []
    for stack, (place, caller) in enumerate(zip(record.places, record.callers, strict=True)):
        above = askers[caller] if caller >= 0 else -1
        known = above >= 0 and not passing[record.places[above]]
        askers.append(above if passing[place] and known else stack)
    return askers


def _edges(record: HeapRecord, names: Mapping[Place, Named], own: Sequence[bool]) -> dict[tuple[Function, Function], float]:
    """Between functions that do not merely pass on; a call through such ones counts as one of whoever called them."""
    below = list(record.allocations)
    for stack in range(len(below) - 1, -1, -1):
        if record.callers[stack] >= 0:
            below[record.callers[stack]] += below[stack]
    edges: dict[tuple[Function, Function], float] = defaultdict(float)
    nearest: list[Function | None] = []
    for stack, (place, caller) in enumerate(zip(record.places, record.callers, strict=True)):
        function = names[place].function
        above = nearest[caller] if caller >= 0 else None
        if passes_on(function.name):
            nearest.append(above)
            continue
        nearest.append(function)
        if above is not None and above != function and own[stack]:
            edges[above, function] += below[stack]
    return dict(edges)
