"""Reads callgrind's profile format: one process's instructions per function, and who called whom.

Knows the grammar (valgrind manual, chapter "Callgrind Format Specification"; tried with 3.19 and 3.24) and nothing of where the
file came from, of programs, or of what its numbers are for. Pure: bytes in, values out.

A file, cut short::

    # callgrind format
    version: 1
    pid: 18140
    cmd:  ./rec 12
    part: 1
    positions: line                  instr line: two columns stand before the costs
    events: Ir                       Ir Dr Dw: costs in this order, zeros at the end may be left out
    summary: 137335

    ob=(5) /tmp/rec                  object; "(5)" alone afterwards. Objects, files and functions number apart
    fl=(146) /tmp/rec.c              source file; fi= and fe= go into and out of an inlined file
    fn=(542) fib                     everything below is in fib, outermost activation
    4 11                             line 4, 11 instructions of its own
    cfn=(543) fib'2                  calls fib from within fib; cob= (and cfi= or cfl=) where the object (file) is another
    calls=1 *                        once, at the same line; the next line is the call's: with everything below it
    * 4587
    +2 5                             two lines on
    jcnd=3/10 +4                     a jump, 3 of 10 taken; the next line says from where and has no cost
    *

    totals: 137335                   ends each part; without it the file is cut off
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from autoprof_ci.errors import DataError

UNREADABLE_LINES_ALLOWED = 10
"""Callgrind writes none; a few stand for a grammar newer than ours, more for a file that is something else."""

UNKNOWN_NAME = "???"
"""What callgrind calls an object, a file or a function that it cannot name."""

_COST_STARTS = frozenset("0123456789+-*")
_EVENT = "Ir"
_RECURSION = re.compile(r"'(\d{1,9})$")
_POSITION = re.compile(r"(?:\*|[+-]?(?:0x[0-9a-fA-F]+|[0-9]+))$")
_NAME = re.compile(r"\((\d{1,9})\)(?: (.*))?$")
_NEXT_STEP = "Measure again; if it repeats, run `autoprof-ci doctor` and report the versions it prints."
WINDOW_BEGINS, WINDOW_ENDS = "autoprof-window-begins", "autoprof-window-ends"
"""Words that a part ends with because somebody asked for it: what came before the first and after the second is left out::

    desc: Trigger: dump autoprof-window-begins
"""
_TRIGGER = "desc: Trigger:"
_OWN_FILES = ("fl=", "fi=", "fe=")
_OTHER_FILES = ("cfi=", "cfl=", "jfi=")
"""Where a call or a jump leads; what they number, other lines recall."""
_DESCRIPTIONS = ("#", "version:", "creator:", "target:", "part:", "thread:", "desc:", "event:", "summary:", "rcalls=")
_IGNORED = ("jfn=", *_DESCRIPTIONS)


class CallgrindFunction(NamedTuple):
    """A function as callgrind names it. `level`: 1 for outermost activations, 2 for those inside another of the same function."""

    name: str
    object: str
    level: int


class CallgrindEdge(NamedTuple):
    """Calls between two functions, by index. `inclusive`: instructions of these calls with all below them."""

    caller: int
    callee: int
    calls: int
    inclusive: int


class ProcessCosts(NamedTuple):
    """One process. `self_costs[i]`: instructions inside `functions[i]` itself; they add up to `total`. `parts`: dumps
    in the file; the counters of a process begin anew after each. `line_costs`: function (by index) and source file -> line ->
    instructions; empty where the file's positions are relative (callgrind without ``--compress-pos=no``)."""

    command: str
    pid: int | None
    functions: tuple[CallgrindFunction, ...]
    self_costs: tuple[int, ...]
    edges: tuple[CallgrindEdge, ...]
    total: int
    parts: int
    unreadable_lines: int
    line_costs: Mapping[tuple[int, str], Mapping[int, int]] = MappingProxyType({})


def read_callgrind(data: bytes, name: str) -> ProcessCosts:
    """The costs in one callgrind output file, all its parts and threads summed.

    `name` is what errors call the file. Raises `DataError` for a file that is empty, of another format, without the event Ir,
    cut off, that does not add up to its own totals, or with more than `UNREADABLE_LINES_ALLOWED` lines not in the grammar.
    """
    if not data:
        raise DataError(f"callgrind's file {name} is empty: the process ended before callgrind could write", _NEXT_STEP)
    reader = _Reader(name)
    reader.read(io.StringIO(data.decode("utf-8", errors="replace")))
    return reader.result()


class _Reader:
    """One file's state while its lines go by: the sticky object and function, the names by number, the sums so far."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.command = ""
        self.pid: int | None = None
        self.positions = 1
        self.event_column: int | None = None
        self.event_count = 0
        self.object_names: dict[str, str] = {}
        self.function_names: dict[str, str] = {}
        self.object = UNKNOWN_NAME
        self.callee_object: str | None = None
        self.file = UNKNOWN_NAME
        self.file_names: dict[str, str] = {}
        self.lines: dict[tuple[int, str], dict[str, int]] = {}
        self.callee: int | None = None
        self.indexes: dict[tuple[str, str], int] = {}
        self.self_costs: list[int] = []
        self.edges: dict[tuple[int, int], list[int]] = {}
        self.total = 0
        self.parts = 0
        self.part_open = False
        self.trigger = ""
        self.is_over = False
        self.unreadable: list[str] = []

    def read(self, lines: Iterator[str]) -> None:
        costs = self.self_costs
        current: int | None = None
        here: dict[str, int] = {}
        for line in lines:
            if line[0] in _COST_STARTS:
                # Nine lines of ten come here: the plain case first, everything else through the careful way.
                if current is not None and self.event_count == 1 and self.positions == 1:
                    try:
                        position, text = line.split()
                        cost = int(text)
                        costs[current] += cost
                        here[position] = here.get(position, 0) + cost
                        continue
                    except ValueError:
                        pass
                own_cost = self.cost_of(line)
                if own_cost is None or current is None:
                    self.unreadable.append(line)
                else:
                    costs[current] += own_cost
            elif line.startswith("fn="):
                current = self.index_of(line[3:], self.object)
                here = self.lines.setdefault((current, self.file), {})
                self.part_open = True
            elif line.startswith(_OWN_FILES):
                self.file = self.named(line[3:], self.file_names)
                if current is not None:
                    here = self.lines.setdefault((current, self.file), {})
            elif line.startswith("calls="):
                self.read_call(current, line, next(lines, ""))
            elif line.startswith("cfn="):
                self.callee = self.index_of(line[4:], self.callee_object or self.object)
                self.callee_object = None
            elif line.startswith("cob="):
                self.callee_object = self.named(line[4:], self.object_names)
            elif line.startswith("ob="):
                self.object = self.named(line[3:], self.object_names)
            elif line.startswith(_TRIGGER):
                self.trigger = line
            elif line.startswith(_OTHER_FILES):
                self.named(line[4:], self.file_names)
            elif line.startswith(("jcnd=", "jump=")):
                next(lines, None)
            elif line != "\n" and not line.startswith(_IGNORED):
                self.read_header(line)
                if self.is_over:
                    return
            if len(self.unreadable) > UNREADABLE_LINES_ALLOWED:
                raise DataError(
                    f"callgrind's file {self.name} has lines that are not in callgrind's format, such as {line.strip()[:60]!r}",
                    _NEXT_STEP,
                )

    def read_call(self, caller: int | None, line: str, cost_line: str) -> None:
        """``calls=231 +1`` and the line after it, ``* 27789``."""
        count = line[6:].split(maxsplit=1)
        inclusive = self.cost_of(cost_line)
        if not count or not count[0].isdecimal() or inclusive is None or caller is None or self.callee is None:
            self.unreadable.append(line)
            return
        calls_and_cost = self.edges.setdefault((caller, self.callee), [0, 0])
        calls_and_cost[0] += _number(count[0]) or 0
        calls_and_cost[1] += inclusive

    def read_header(self, line: str) -> None:
        """``events: Ir``, ``positions: instr line``, ``totals: 137335``, ``cmd:  ./rec 12``, ``pid: 18140``."""
        key, separator, value = line.partition(":")
        match key, value.split():
            case "events", [_, *_] as events:
                if _EVENT not in events:
                    raise DataError(f"callgrind's file {self.name} counts {' '.join(events)}, not instructions", _NEXT_STEP)
                self.event_column, self.event_count = events.index(_EVENT), len(events)
                self.part_open = True
            case "positions", [_, *_] as positions:
                self.positions = len(positions)
            case "cmd", _:
                self.command = value.strip()
            case "pid", [pid] if pid.isdecimal() and len(pid) <= 9:
                self.pid = int(pid)
            case "totals", [_, *_] as totals:
                self.end_part(totals)
            case _:
                self.unreadable.append(line if separator else line[:60])

    def end_part(self, totals: list[str]) -> None:
        expected = (
            _number(totals[self.event_column]) if self.event_column is not None and self.event_column < len(totals) else None
        )
        counted = sum(self.self_costs) - self.total
        if expected is None or counted != expected:
            raise DataError(
                f"callgrind's file {self.name} adds up to {counted} instructions where it says {' '.join(totals)[:60]}",
                _NEXT_STEP,
            )
        self.total += counted
        self.parts += 1
        self.part_open = False
        if WINDOW_BEGINS in self.trigger:
            self.forget()
        self.is_over = WINDOW_ENDS in self.trigger

    def forget(self) -> None:
        """What was counted so far; names stay, since later parts recall them."""
        self.self_costs[:] = [0] * len(self.self_costs)
        self.edges.clear()
        self.lines.clear()
        self.total = 0
        self.parts -= 1

    def cost_of(self, line: str) -> int | None:
        """The event's value in a cost line of any layout; ``None`` when it is not a cost line."""
        fields = line.split()
        if self.event_column is None or not self.positions <= len(fields) <= self.positions + self.event_count:
            return None
        if not all(_POSITION.match(field) for field in fields[: self.positions]):
            return None
        column = self.positions + self.event_column
        return _number(fields[column]) if column < len(fields) else 0

    def index_of(self, name: str, in_object: str) -> int:
        key = (self.named(name, self.function_names), in_object)
        index = self.indexes.setdefault(key, len(self.self_costs))
        if index == len(self.self_costs):
            self.self_costs.append(0)
        return index

    def named(self, text: str, names: dict[str, str]) -> str:
        """``(5) /tmp/rec`` defines, ``(5)`` recalls, ``/tmp/rec`` is itself."""
        text = text.strip()
        compressed = _NAME.match(text)
        if compressed is None:
            return text
        number, name = compressed.groups()
        if name is not None:
            names[number] = name
        elif number not in names:
            self.unreadable.append(text)
        return names.get(number, UNKNOWN_NAME)

    def result(self) -> ProcessCosts:
        if self.event_column is None:
            raise DataError(f"{self.name} is not a file of callgrind: it names no events", _NEXT_STEP)
        if self.part_open or sum(self.self_costs) != self.total:
            raise DataError(f"callgrind's file {self.name} is cut off: its last part has no totals", _NEXT_STEP)
        return ProcessCosts(
            command=self.command,
            pid=self.pid,
            functions=tuple(_function(name, in_object) for name, in_object in self.indexes),
            self_costs=tuple(self.self_costs),
            edges=tuple(CallgrindEdge(*pair, *calls_and_cost) for pair, calls_and_cost in self.edges.items()),
            total=self.total,
            parts=self.parts,
            unreadable_lines=len(self.unreadable),
            line_costs=self.line_costs(),
        )

    def line_costs(self) -> Mapping[tuple[int, str], Mapping[int, int]]:
        if not all(position.isdecimal() for costs in self.lines.values() for position in costs):
            return {}
        return {at: {int(position): cost for position, cost in costs.items()} for at, costs in self.lines.items() if costs}


def _function(name: str, in_object: str) -> CallgrindFunction:
    """``fib'2`` is fib, activated within fib."""
    recursion = _RECURSION.search(name)
    if recursion is None:
        return CallgrindFunction(name, in_object, 1)
    return CallgrindFunction(name[: recursion.start()], in_object, int(recursion[1]))


def _number(text: str) -> int | None:
    """A count, decimal or hexadecimal, of at most 18 digits: more cannot have been counted."""
    if len(text) > 20:
        return None
    try:
        value = int(text, 16) if text.startswith("0x") else int(text)
    except ValueError:
        return None
    return value if value >= 0 else None
