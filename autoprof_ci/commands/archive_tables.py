"""EDGE: the archive on a terminal: tables and what stands around them. Knows rich; reads no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from autoprof_ci.archive import notes, stacks
from autoprof_ci.archive.facts import Facts
from autoprof_ci.archive.names import Entry, Kind
from autoprof_ci.archive.stacks import Cost, Stacks
from autoprof_ci.archive.trends import Dated, Moved
from autoprof_ci.report import format as fmt
from autoprof_ci.report import reading
from autoprof_ci.report.phrase import clean
from autoprof_ci.report.text import inline

_NAME_WIDTH = 56
_COMMAND_WIDTH = 48
_WIDEST = 12
_BAR = 24
_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"
_ABSENT = "–"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run as far as it could be read; `problem`: why not further."""

    entry: Entry
    facts: Facts | None
    stacks: Stacks | None
    costs: tuple[Cost, ...]
    problem: str | None = None


def overview(rows: Sequence[Row]) -> None:
    table = _table("profile", "command", ">took", ">CPU", "stands out")
    for row in rows:
        facts = row.facts
        command = notes.command(facts, _COMMAND_WIDTH) if facts else row.problem or "(by another tool)"
        table.add_row(
            row.entry.identity,
            _plain(_cut(command, _COMMAND_WIDTH)),
            fmt.quantity(facts.wall_s, "s") if facts else _ABSENT,
            fmt.quantity(facts.cpu_s, "s") if facts else _ABSENT,
            _plain(_widest(row)),
        )
    _print(table)


def _widest(row: Row) -> str:
    if row.costs:
        return f"{fmt.percent(row.costs[0].self_share)} {fmt.shorten(clean(row.costs[0].name), _NAME_WIDTH - 16)}"
    if row.facts is not None and row.facts.heap is not None:
        heap = row.facts.heap
        return f"{fmt.quantity(heap.peak_bytes, 'bytes')} of heap, {fmt.count(heap.allocations)} allocations"
    return "memory" if Kind.HEAPTRACK in row.entry.files else _ABSENT


def one(folder: Path, row: Row) -> None:
    facts = row.facts
    lines: list[str | None] = [row.entry.identity]
    if facts is not None:
        lines += [notes.command(facts), notes.source(facts), notes.effort(facts), notes.sampling(facts), notes.heap(facts)]
        lines += [facts.not_recorded]
    lines += [row.problem]
    lines += [str(folder / name) for kind, name in row.entry.files.items() if kind in (Kind.FLAMEGRAPH, Kind.HEAPTRACK)]
    for line in lines:
        if line:
            _print(_plain(line))
    if not row.stacks:
        return
    table = _table("widest by itself", ">self", ">with what it calls", "")
    shown = [cost for cost in row.costs[:_WIDEST] if cost.self_share > 0]
    for cost in shown:
        bar = _bar(cost.self_share / shown[0].self_share)
        table.add_row(_name(cost.name), fmt.percent(cost.self_share), fmt.percent(cost.total_share), bar)
    _print(table)
    for part in reading.of_one(stacks.text_of(row.stacks)):
        if part.kind is not reading.Kind.WIDE:  # the table says it
            _print(_plain(f"{part.kind}:"))
            for item in part.items:
                _print(f"  {_plain(inline(item.phrase))}")


def trend(name: str, costs: Sequence[Cost], runs: Sequence[Dated]) -> None:
    _print(_plain(f"{clean(name)}, run by run (the bar is its share with what it calls)"))
    table = _table("profile", ">self", ">with what it calls", ">self, CPU time", "")
    largest = max(cost.total_share for cost in costs)
    for run, cost in zip(runs, costs, strict=True):
        seconds = fmt.quantity(cost.self_share * run.cpu_s, "s") if run.cpu_s is not None else _ABSENT
        table.add_row(
            run.identity, fmt.percent(cost.self_share), fmt.percent(cost.total_share), seconds, _bar(cost.total_share / largest)
        )
    _print(table)


def trends(found: Sequence[tuple[str, Sequence[float]]], runs: Sequence[Dated], task: str | None) -> None:
    """Each function's self share over the runs, oldest left."""
    first, last = runs[0].identity, runs[-1].identity
    _print(_plain(f"{clean(task or 'profiles')}: {fmt.plural(len(runs), 'run')}, {first} to {last}"))
    table = _table("widest by itself", ">first", ">last", "self share, each run as high as its share of the highest")
    for name, shares in found:
        recent = shares[-60:]
        highest = max(recent) or 1.0
        line = "".join(_LEVELS[round(share / highest * (len(_LEVELS) - 1))] if share else " " for share in recent)
        table.add_row(_name(name), fmt.percent(shares[0]), fmt.percent(shares[-1]), line)
    _print(table)


def moved(found: Sequence[Moved], baseline: str, candidate: str) -> None:
    if not found:
        _print(_plain(f"Between {baseline} and {candidate} no function's share moved by more than chance"))
        return
    table = _table("self share moved", f">{baseline}", f">{candidate}", ">points")
    for one in found:
        points = (one.candidate - one.baseline) * 100
        sign = "+" if points > 0 else ""
        table.add_row(_name(one.name), fmt.percent(one.baseline), fmt.percent(one.candidate), f"{sign}{fmt.number(points, 2)}")
    _print(table)


def pruned(removed: int, kept: int, is_dry: bool) -> str:  # noqa: FBT001
    would = "would be " if is_dry else ""
    return f"{fmt.plural(removed, 'profile')} {would}removed, {kept} kept; notes are never removed"


def _table(*columns: str) -> Table:
    """A leading ``>`` puts a column of numbers to the right."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left", no_wrap=True)
    return table


def _print(shown: Table | str) -> None:
    console = Console(soft_wrap=True, highlight=False)
    if not console.is_terminal:
        console = Console(soft_wrap=True, highlight=False, width=200)  # a file or a pipe has no width: nothing is cut
    console.print(shown)


def _plain(text: str) -> str:
    return escape(clean(text))


def _name(name: str) -> str:
    return escape(fmt.shorten(clean(name) or "?", _NAME_WIDTH))


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + fmt.ELLIPSIS


def _bar(part: float) -> str:
    eighths = round(part * _BAR * 8)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8].strip())
