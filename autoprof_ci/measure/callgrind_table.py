"""From the processes of one start to one table of functions: self, inclusive, calls and edges under their normalised names.

Knows which processes belong to the program and how recursion is counted once. Knows nothing of callgrind's
file grammar, of how it is run, or of what the numbers are for. Pure.

Recursion: callgrind is run with ``--separate-recs=2``, so the outermost activation of ``fib`` (level 1) and those within it
(``fib'2``, level 2) are apart. What is inclusive of ``fib`` is what level 1 spent itself plus what it called: each instruction
once. With one level only, every step of a recursion would count everything below it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from statistics import median

from autoprof_ci.machine_code import Origins
from autoprof_ci.measure.callgrind_file import UNKNOWN_NAME, CallgrindFunction, ProcessCosts
from autoprof_ci.model import CallEdge, Function, InlinedCost, WorkloadInstructions, helper_row, unknown_row
from autoprof_ci.symbols import normalise_all

UNKNOWN_OBJECT = "[unknown]"
"""The dso of code that lies in no file callgrind knows: linkage stubs, code made at run time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionsRepeat:
    """One repeat, per start. `self_costs`, `inclusive`: instructions; `calls`: times entered; `edges`: (caller, callee) ->
    (calls, inclusive). `lines`: of the program's own functions, base name of a source file and line in it -> instructions."""

    self_costs: Mapping[Function, float]
    inclusive: Mapping[Function, float]
    calls: Mapping[Function, float]
    edges: Mapping[tuple[Function, Function], tuple[float, float]]
    lines: Mapping[Function, Mapping[tuple[str, int], float]] = field(default_factory=dict)


def fold(processes: Sequence[ProcessCosts], dsos: Mapping[str, str], starts: int) -> InstructionsRepeat:
    """Sum the processes of `starts` starts into one repeat.

    `dsos`: path of each file of the program, as its process sees it -> dso (``{binary}``, or the base name of an extra binary).
    A process that has none of them loaded is a helper: one row, whatever it did.
    """
    sums = _Sums(
        defaultdict(float),
        defaultdict(float),
        defaultdict(float),
        defaultdict(lambda: [0.0, 0.0]),
        defaultdict(lambda: defaultdict(float)),
    )
    for process in processes:
        functions = process.functions
        if any(function.object in dsos for function in functions):
            names = _names(functions, dsos)
            sums.add_process(process, names)
            sums.add_lines(process, names, {i for i, function in enumerate(functions) if function.object in dsos})
        else:
            sums.add_helper(process)
    total = sum(sums.self_costs.values())
    return InstructionsRepeat(
        self_costs={function: cost / starts for function, cost in sums.self_costs.items() if sums.was_there(function)},
        # Two symbols of one normalised name may hold each other through a third: what lies between counts once only.
        inclusive={function: min(cost, total) / starts for function, cost in sums.inclusive.items()},
        calls={function: count / starts for function, count in sums.calls.items()},
        edges={
            pair: (calls / starts, cost / starts) for pair, (calls, cost) in sums.edges.items() if all(map(sums.was_there, pair))
        },
        lines={f: {at: cost / starts for at, cost in lines.items()} for f, lines in sums.lines.items()},
    )


def seen_symbols(processes: Iterable[ProcessCosts], dsos: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Dso and raw name of each function of the program's own files that ran. `dsos`: as of `fold`."""
    return frozenset(
        (dsos[function.object], function.name)
        for process in processes
        for function, cost in zip(process.functions, process.self_costs, strict=True)
        if cost and function.object in dsos and not _nameless(function.name)
    )


def combine(name: str, repeats: Sequence[InstructionsRepeat]) -> WorkloadInstructions:
    """The table of one workload: self instructions of every repeat, medians of everything else. A function that a repeat did not
    enter has 0 there: callgrind sees every instruction, so absence is a count."""
    functions = tuple(sorted({function for repeat in repeats for function in repeat.self_costs}, key=_by_name))
    index = {function: position for position, function in enumerate(functions)}
    pairs = sorted({(index[caller], index[callee]) for repeat in repeats for caller, callee in repeat.edges})
    return WorkloadInstructions(
        name=name,
        functions=functions,
        repeats=tuple(tuple(repeat.self_costs.get(function, 0.0) for function in functions) for repeat in repeats),
        inclusive=tuple(median(repeat.inclusive.get(function, 0.0) for repeat in repeats) for function in functions),
        calls=tuple(median(repeat.calls.get(function, 0.0) for repeat in repeats) for function in functions),
        edges=tuple(_median_edge(pair, functions, repeats) for pair in pairs),
    )


def inlined(
    functions: Sequence[Function], repeats: Sequence[InstructionsRepeat], origins: Mapping[Function, Origins]
) -> tuple[InlinedCost, ...]:
    """Per start, what of each function's own instructions belongs to others that were inlined into it.

    `origins`: of each function, whose its lines are. A line of a library that several of them use is shared out by how much code
    each has of it.
    """
    index = {function: position for position, function in enumerate(functions)}
    sums: dict[tuple[int, str], float] = defaultdict(float)
    for repeat in repeats:
        for function, lines in repeat.lines.items():
            owners_at = origins.get(function, {})
            for at, cost in lines.items():
                owners = owners_at.get(at, {})
                whole = sum(owners.values())
                for name, code in owners.items():
                    if name:
                        sums[index[function], name] += cost * code / whole / len(repeats)
    return tuple(
        InlinedCost(function=function, name=name, cost=round(cost, 3))
        for (function, name), cost in sorted(sums.items())
        if cost >= 1
    )


def _by_name(function: Function) -> tuple[str, str]:
    return function.dso or "", function.name


def _median_edge(pair: tuple[int, int], functions: Sequence[Function], repeats: Sequence[InstructionsRepeat]) -> CallEdge:
    caller, callee = pair
    seen = [repeat.edges.get((functions[caller], functions[callee]), (0.0, 0.0)) for repeat in repeats]
    return CallEdge(
        caller=caller, callee=callee, calls=median(calls for calls, _ in seen), inclusive=median(cost for _, cost in seen)
    )


def _names(functions: Sequence[CallgrindFunction], dsos: Mapping[str, str]) -> list[Function]:
    """The normalised name of each: ``_ZN4core3fmt5write17h…E`` in ``/p/autopilot`` -> (``core::fmt::write``, ``{binary}``)."""
    names = normalise_all({function.name for function in functions if not _nameless(function.name)})
    return [_function(function, names, dsos) for function in functions]


def _function(function: CallgrindFunction, names: Mapping[str, str], dsos: Mapping[str, str]) -> Function:
    dso = dsos.get(function.object) or function.object.rpartition("/")[2]
    if dso == UNKNOWN_NAME:
        dso = UNKNOWN_OBJECT
    return unknown_row(dso) if _nameless(function.name) else Function(names[function.name], dso)


def _nameless(name: str) -> bool:
    """Callgrind names code without a symbol by its address, or not at all."""
    return name == UNKNOWN_NAME or name.startswith("0x")


@dataclass(frozen=True, slots=True)
class _Sums:
    """The table while it grows."""

    self_costs: defaultdict[Function, float]
    inclusive: defaultdict[Function, float]
    calls: defaultdict[Function, float]
    edges: defaultdict[tuple[Function, Function], list[float]]
    lines: defaultdict[Function, defaultdict[tuple[str, int], float]]

    def was_there(self, function: Function) -> bool:
        """False of what a daemon did before its window only: its file names that too."""
        return any(costs.get(function) for costs in (self.self_costs, self.inclusive, self.calls))

    def add_lines(self, process: ProcessCosts, names: Sequence[Function], own: Set[int]) -> None:
        for (position, file), costs in process.line_costs.items():
            if position in own:
                lines, base_name = self.lines[names[position]], file.rpartition("/")[2]
                for line, cost in costs.items():
                    lines[base_name, line] += cost

    def add_helper(self, process: ProcessCosts) -> None:
        row = helper_row(process.command.split(" ", 1)[0].rpartition("/")[2])
        self.self_costs[row] += process.total
        self.inclusive[row] += process.total
        self.calls[row] += 1

    def add_process(self, process: ProcessCosts, names: Sequence[Function]) -> None:
        functions = process.functions
        entered = {edge.callee for edge in process.edges}
        for position, cost in enumerate(process.self_costs):
            self.self_costs[names[position]] += cost
            if functions[position].level == 1:
                self.inclusive[names[position]] += cost
            if cost and position not in entered:
                self.calls[names[position]] += 1  # by nobody: where the process, a thread or a signal handler begins
        for edge in process.edges:
            caller, callee = functions[edge.caller], functions[edge.callee]
            self.calls[names[edge.callee]] += edge.calls
            sums = self.edges[names[edge.caller], names[edge.callee]]
            sums[0] += edge.calls
            if caller.level == 1 or callee.level == 1:
                sums[1] += edge.inclusive
            same_name_twice = names[edge.caller] == names[edge.callee] and callee.level == 1
            if caller.level == 1 and not same_name_twice:
                self.inclusive[names[edge.caller]] += edge.inclusive
