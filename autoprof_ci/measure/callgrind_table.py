"""From the processes of one start to one table of functions: self, inclusive, calls and edges under their normalised names.

Knows which processes belong to the program, what a fork copies and how recursion is counted once. Knows nothing of callgrind's
file grammar, of how it is run, or of what the numbers are for. Pure.

Recursion: callgrind is run with ``--separate-recs=2``, so the outermost activation of ``fib`` (level 1) and those within it
(``fib'2``, level 2) are apart. What is inclusive of ``fib`` is what level 1 spent itself plus what it called: each instruction
once. With one level only, every step of a recursion would count everything below it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from autoprof_ci.measure.callgrind_file import UNKNOWN_NAME, CallgrindFunction, ProcessCosts
from autoprof_ci.model import CallEdge, Function, WorkloadInstructions, helper_row, unknown_row
from autoprof_ci.symbols import normalise_all

UNKNOWN_OBJECT = "[unknown]"
"""The dso of code that lies in no file callgrind knows: linkage stubs, code made at run time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedProcess:
    """One process of the tree. `forked_from`: the process whose costs so far it began with, since fork copies callgrind's
    counters too; ``None`` for one that was executed, or whose parent left no file."""

    costs: ProcessCosts
    forked_from: ProcessCosts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionsRepeat:
    """One repeat, per start. `self_costs`, `inclusive`: instructions; `calls`: times entered; `edges`: (caller, callee) ->
    (calls, inclusive)."""

    self_costs: Mapping[Function, float]
    inclusive: Mapping[Function, float]
    calls: Mapping[Function, float]
    edges: Mapping[tuple[Function, Function], tuple[float, float]]


def fold(processes: Sequence[CountedProcess], dsos: Mapping[str, str], starts: int) -> InstructionsRepeat:
    """Sum the processes of `starts` starts into one repeat.

    `dsos`: path of each file of the program, as its process sees it -> dso (``{binary}``, or the base name of an extra binary).
    A process that has none of them loaded is a helper: one row, whatever it did.
    """
    sums = _Sums(defaultdict(float), defaultdict(float), defaultdict(float), defaultdict(lambda: [0.0, 0.0]))
    for process in processes:
        functions = process.costs.functions
        if any(function.object in dsos for function in functions):
            sums.add_process(process, _names(functions, dsos))
        else:
            sums.add_helper(process)
    total = sum(sums.self_costs.values())
    return InstructionsRepeat(
        self_costs={function: cost / starts for function, cost in sums.self_costs.items()},
        # Two symbols of one normalised name may hold each other through a third: what lies between counts once only.
        inclusive={function: min(cost, total) / starts for function, cost in sums.inclusive.items()},
        calls={function: count / starts for function, count in sums.calls.items()},
        edges={pair: (calls / starts, cost / starts) for pair, (calls, cost) in sums.edges.items()},
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

    def add_helper(self, process: CountedProcess) -> None:
        row = helper_row(process.costs.command.split(" ", 1)[0].rpartition("/")[2])
        inherited = process.forked_from.total if process.forked_from else 0
        cost = max(process.costs.total - inherited, 0)
        self.self_costs[row] += cost
        self.inclusive[row] += cost
        self.calls[row] += 1

    def add_process(self, process: CountedProcess, names: Sequence[Function]) -> None:
        functions = process.costs.functions
        inherited_costs, inherited_edges = _inherited(process.forked_from)
        entered: set[int] = set()
        for position, cost in enumerate(process.costs.self_costs):
            own = max(cost - inherited_costs.get(functions[position], 0), 0)
            self.self_costs[names[position]] += own
            if functions[position].level == 1:
                self.inclusive[names[position]] += own
        for edge in process.costs.edges:
            caller, callee = functions[edge.caller], functions[edge.callee]
            inherited_calls, inherited_cost = inherited_edges.get((caller, callee), (0, 0))
            calls, cost = max(edge.calls - inherited_calls, 0), max(edge.inclusive - inherited_cost, 0)
            entered.add(edge.callee)
            self.calls[names[edge.callee]] += calls
            sums = self.edges[names[edge.caller], names[edge.callee]]
            sums[0] += calls
            if caller.level == 1 or callee.level == 1:
                sums[1] += cost
            same_name_twice = names[edge.caller] == names[edge.callee] and callee.level == 1
            if caller.level == 1 and not same_name_twice:
                self.inclusive[names[edge.caller]] += cost
        for position, cost in enumerate(process.costs.self_costs):
            # Entered by nobody: where the process, a thread or a signal handler begins. A forked copy begins in the middle.
            if position not in entered and cost and functions[position] not in inherited_costs:
                self.calls[names[position]] += 1


def _inherited(
    parent: ProcessCosts | None,
) -> tuple[dict[CallgrindFunction, int], dict[tuple[CallgrindFunction, CallgrindFunction], tuple[int, int]]]:
    """What a forked process began with. Its parent's counters at that moment are not known, only those at its end: what the
    parent did afterwards is taken off too much, never too little."""
    if parent is None:
        return {}, {}
    costs = dict(zip(parent.functions, parent.self_costs, strict=True))
    edges = {
        (parent.functions[edge.caller], parent.functions[edge.callee]): (edge.calls, edge.inclusive) for edge in parent.edges
    }
    return costs, edges
