"""The simple types of schema 1: what a name, a count, a function may be. One place, so that no member is laxer than another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec
from msgspec import Meta

from autoprof_ci.bundle.refusal import (
    FILE_NAME_PATTERN,
    LINE_PATTERN,
    PROSE_PATTERN,
    SHA256_PATTERN,
    TIME_PATTERN,
    RefusedError,
    escape_line,
    escape_prose,
    shown,
)
from autoprof_ci.model import Function

MAX_FUNCTIONS = 100_000
"""Of one workload. The autopilot has 20,600 symbols, a few hundred of which are ever seen."""
MAX_LINE = 4_096
MAX_SYMBOL = 100_000
"""Generics of generics make names of tens of thousands of characters, and cutting one could make two functions one."""
MAX_PROSE = 20_000

FileName = Annotated[str, Meta(pattern=FILE_NAME_PATTERN)]
Line = Annotated[str, Meta(max_length=MAX_LINE, pattern=LINE_PATTERN)]
Symbol = Annotated[str, Meta(max_length=MAX_SYMBOL, pattern=LINE_PATTERN)]
Prose = Annotated[str, Meta(max_length=MAX_PROSE, pattern=PROSE_PATTERN)]
Sha256 = Annotated[str, Meta(pattern=SHA256_PATTERN)]
Time = Annotated[str, Meta(max_length=40, pattern=TIME_PATTERN)]

SMALLEST = 1e-12
"""Of counts that are not zero: what is smaller comes from no instrument, and would vanish or overflow in divisions."""

Ratio = Annotated[float, Meta(ge=0, le=1e6)]
Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(gt=0, lt=1)]
Count = Annotated[float, Meta(ge=0, le=1e18)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]
Period = Annotated[float, Meta(ge=SMALLEST, le=3600)]
Index = Annotated[int, Meta(ge=0, le=1_000_000)]
Positive = Annotated[int, Meta(ge=1, le=1_000_000)]
Bytes = Annotated[int, Meta(ge=0, le=1 << 40)]

FunctionRow = tuple[Symbol, Symbol | None]
"""``["name", "dso"]``"""
Functions = Annotated[tuple[FunctionRow, ...], Meta(max_length=MAX_FUNCTIONS)]
Counts = Annotated[tuple[Count, ...], Meta(max_length=MAX_FUNCTIONS)]


class Record(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An object in a member: exactly these keys."""


def line(text: str) -> str:
    """`text` as a `Line`: what a log could not show escaped, and cut where it is long."""
    return _cut(escape_line(text), MAX_LINE)


def optional_line(text: str | None) -> str | None:
    """`line`, of a text that may be missing."""
    return None if text is None else line(text)


def prose(text: str) -> str:
    """`text` as `Prose`: what a log could not show escaped, and cut where it is long."""
    return _cut(escape_prose(text), MAX_PROSE)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def plain_number(number: float) -> float:
    """The same number, a whole one without ``.0``: shorter, and what a reader expects of a count."""
    return int(number) if float(number).is_integer() else number


def plain(numbers: tuple[float, ...]) -> tuple[float, ...]:
    """`plain_number` of each."""
    return tuple([plain_number(number) for number in numbers])


def function_rows(functions: Iterable[Function]) -> tuple[FunctionRow, ...]:
    return tuple((escape_line(name), None if dso is None else escape_line(dso)) for name, dso in functions)


def functions_from_rows(where: str, rows: tuple[FunctionRow, ...]) -> tuple[Function, ...]:
    functions = tuple(Function(name, dso) for name, dso in rows)
    check_distinct(f"{where}, functions", functions)
    return functions


def check_distinct(where: str, names: Iterable[str | Function]) -> None:
    seen: set[str | Function] = set()
    for name in names:
        if name in seen:
            text = name if isinstance(name, str) else f"{name.name} of {name.dso}"
            raise RefusedError(f"{where}: {shown(text)} is there twice")
        seen.add(name)


def check_counts(where: str, counts: tuple[float, ...], functions: tuple[Function, ...]) -> None:
    if len(counts) != len(functions):
        raise RefusedError(f"{where}: expected {len(functions)} numbers, one for each function, found {len(counts)}")
    check_smallest(where, counts)


def check_indexes(where: str, indexes: Iterable[int], functions: tuple[Function, ...]) -> None:
    largest = max(indexes, default=-1)
    if largest >= len(functions):
        raise RefusedError(f"{where}: no function {largest}, there are {len(functions)}")


def check_smallest(where: str, counts: Iterable[float]) -> None:
    smallest = min(filter(None, counts), default=SMALLEST)
    if smallest < SMALLEST:
        raise RefusedError(f"{where}: expected zero or at least {SMALLEST:g}, found {smallest:g}")
