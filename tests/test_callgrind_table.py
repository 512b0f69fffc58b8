"""From processes to one table: recursion, helpers, forks, names that meet."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoprof_ci.measure.callgrind_file import CallgrindEdge, CallgrindFunction, ProcessCosts, read_callgrind
from autoprof_ci.measure.callgrind_table import InstructionsRepeat, combine, fold
from autoprof_ci.model import BINARY_DSO, CallEdge, Function, WorkloadInstructions
from tests import golden

CASES = sorted(folder.name for folder in (golden.GOLDEN / "callgrind").iterdir() if (folder / "1.out").exists())


def process(functions: list[tuple[str, str, int]], costs: list[int], edges: list[tuple[int, int, int, int]]) -> ProcessCosts:
    return ProcessCosts(
        command="/p/tool --fast",
        pid=1,
        functions=tuple(CallgrindFunction(*function) for function in functions),
        self_costs=tuple(costs),
        edges=tuple(CallgrindEdge(*edge) for edge in edges),
        total=sum(costs),
        parts=1,
        unreadable_lines=0,
    )


def table(repeat: InstructionsRepeat) -> str:
    """The whole of a repeat, to be read by people."""
    lines = ["self inclusive calls function"]
    for function, cost in sorted(repeat.self_costs.items(), key=lambda item: (-item[1], item[0])):
        numbers = (cost, repeat.inclusive.get(function, 0.0), repeat.calls.get(function, 0.0))
        lines.append(" ".join(f"{number:g}" for number in numbers) + f" {function.dso} {function.name}")
    lines.append("calls inclusive caller > callee")
    for (caller, callee), (calls, cost) in sorted(repeat.edges.items()):
        lines.append(f"{calls:g} {cost:g} {caller.dso} {caller.name} > {callee.dso} {callee.name}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("case", CASES)
def test_fold__recording(case: str) -> None:
    folder = golden.GOLDEN / "callgrind" / case
    processes = [read_callgrind(path.read_bytes(), path.name) for path in sorted(folder.glob("*.out"))]
    program = processes[0].command.split()[0]
    golden.check(Path("callgrind") / f"{case}.table", table(fold(processes, {program: BINARY_DSO}, 1)))


def test_fold__recursion_counts_below_itself_once() -> None:
    fib = [("main", "/p/tool", 1), ("fib", "/p/tool", 1), ("fib", "/p/tool", 2)]
    recorded = process(fib, [10, 20, 300], [(0, 1, 1, 320), (1, 2, 2, 300), (2, 2, 40, 900)])
    main, recursive = Function("main", BINARY_DSO), Function("fib", BINARY_DSO)
    assert fold([recorded], {"/p/tool": BINARY_DSO}, 1) == InstructionsRepeat(
        self_costs={main: 10, recursive: 320},
        inclusive={main: 330, recursive: 320},
        calls={main: 1, recursive: 43},
        edges={(main, recursive): (1, 320), (recursive, recursive): (42, 300)},
    )


def test_fold__two_symbols_of_one_name_are_one_function() -> None:
    hashed = "_ZN4tool4work17h{}E"
    functions = [("main", "/p/tool", 1), (hashed.format("0" * 16), "/p/tool", 1), (hashed.format("1" * 16), "/p/tool", 1)]
    recorded = process(functions, [1, 20, 300], [(0, 1, 1, 320), (1, 2, 5, 300)])
    repeat = fold([recorded], {"/p/tool": BINARY_DSO}, 1)
    work = Function("tool::work", BINARY_DSO)
    assert (repeat.self_costs[work], repeat.inclusive[work], repeat.calls[work]) == (320, 320, 6)


def test_fold__names_of_files_and_of_nothing() -> None:
    functions = [
        ("main", "/p/tool", 1),
        ("0x0000000000001150", "/p/tool", 1),
        ("0x0000000000001160", "/p/tool", 1),
        ("write", "/usr/lib/libc.so.6", 1),
        ("???", "???", 1),
        ("serve", "/p/extra", 1),
    ]
    repeat = fold([process(functions, [1, 2, 3, 4, 5, 6], [])], {"/p/tool": BINARY_DSO, "/p/extra": "extra"}, 1)
    assert repeat.self_costs == {
        Function("main", BINARY_DSO): 1,
        Function("[unknown]", BINARY_DSO): 5,
        Function("write", "libc.so.6"): 4,
        Function("[unknown]", "[unknown]"): 5,
        Function("serve", "extra"): 6,
    }


def test_fold__helper_is_one_row_and_everything_is_per_start() -> None:
    helper = process([("main", "/usr/bin/git", 1), ("work", "/usr/bin/git", 1)], [10, 50], [(0, 1, 3, 50)])
    row = Function("[helper]", "tool")
    assert fold([helper, helper], {"/p/other": BINARY_DSO}, 2) == InstructionsRepeat(
        self_costs={row: 60}, inclusive={row: 60}, calls={row: 1}, edges={}
    )


def test_combine__medians_and_zeros_for_what_a_repeat_did_not_enter() -> None:
    main, rare = Function("main", BINARY_DSO), Function("rare", BINARY_DSO)
    with_rare = InstructionsRepeat(
        self_costs={main: 10, rare: 4}, inclusive={main: 14, rare: 4}, calls={main: 1, rare: 2}, edges={(main, rare): (2, 4)}
    )
    without = InstructionsRepeat(self_costs={main: 11}, inclusive={main: 11}, calls={main: 1}, edges={})
    assert combine("work", [with_rare, without, without]) == WorkloadInstructions(
        name="work",
        functions=(main, rare),
        repeats=((10, 4), (11, 0), (11, 0)),
        inclusive=(11, 0),
        calls=(1, 0),
        edges=(CallEdge(caller=0, callee=1, calls=0, inclusive=0),),
    )
