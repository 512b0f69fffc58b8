"""``code.json`` and ``stacks/WORKLOAD.folded``: what helps to explain the numbers."""

from __future__ import annotations

from collections.abc import Mapping

from autoprof_ci.bundle import archive
from autoprof_ci.bundle.documents import parse_strictly
from autoprof_ci.bundle.refusal import RefusedError, escape_line, has_unprintable_in_prose, shown
from autoprof_ci.bundle.schema_1.fields import (
    Bytes,
    FunctionRow,
    Index,
    Line,
    Positive,
    Record,
    Symbol,
    function_rows,
    functions_from_rows,
    line,
    optional_line,
)
from autoprof_ci.model import FunctionCode, InlinedCode

LinesRow = tuple[Line, Index, Index]
"""``["file", first line, last line]``"""


class FunctionCodeRecord(Record, omit_defaults=True):
    """`end_line` and `inlined_lines` came later: without them a record is read as before, and one that has nothing to say there
    is written as before. `inlined_lines` is as long as `inlined_from`, or empty."""

    function: FunctionRow
    parts: Positive
    digest: Line | None
    size_bytes: Bytes | None
    file: Line | None
    line: Index | None
    inlined_from: tuple[Symbol, ...]
    end_line: Index | None = None
    inlined_lines: tuple[LinesRow | None, ...] = ()


class CodeMember(Record):
    functions: tuple[FunctionCodeRecord, ...]


def member_of_code(code: tuple[FunctionCode, ...]) -> CodeMember:
    return CodeMember(functions=tuple(_record_of_code(one) for one in code))


def _record_of_code(code: FunctionCode) -> FunctionCodeRecord:
    lines = tuple(_lines_row(inlined) for inlined in code.inlined_from)
    return FunctionCodeRecord(
        function=function_rows((code.function,))[0],
        parts=code.parts,
        digest=optional_line(code.digest),
        size_bytes=code.size_bytes,
        file=optional_line(code.file),
        line=code.line,
        inlined_from=tuple(escape_line(inlined.name) for inlined in code.inlined_from),
        end_line=code.end_line,
        inlined_lines=lines if any(lines) else (),
    )


def _lines_row(inlined: InlinedCode) -> LinesRow | None:
    if inlined.file is None or inlined.line is None or inlined.end_line is None:
        return None
    return line(inlined.file), inlined.line, inlined.end_line


def code_from_members(members: Mapping[str, bytes]) -> tuple[FunctionCode, ...]:
    if archive.CODE not in members:
        return ()
    member = parse_strictly(archive.CODE, members[archive.CODE], CodeMember)
    functions = functions_from_rows(archive.CODE, tuple(record.function for record in member.functions))
    return tuple(
        FunctionCode(
            function=function,
            parts=record.parts,
            digest=record.digest,
            size_bytes=record.size_bytes,
            file=record.file,
            line=record.line,
            end_line=record.end_line,
            inlined_from=_inlined(record),
        )
        for function, record in zip(functions, member.functions, strict=True)
    )


def _inlined(record: FunctionCodeRecord) -> tuple[InlinedCode, ...]:
    names, rows = record.inlined_from, record.inlined_lines or (None,) * len(record.inlined_from)
    if len(rows) != len(names):
        raise RefusedError(f"{archive.CODE}: expected {len(names)} inlined_lines, one for each inlined_from, found {len(rows)}")
    return tuple(
        InlinedCode(name=name) if row is None else InlinedCode(name=name, file=row[0], line=row[1], end_line=row[2])
        for name, row in zip(names, rows, strict=True)
    )


def stacks_from_member(member: str, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{shown(member)} is not UTF-8 (byte {error.start})") from error
    if has_unprintable_in_prose(text):
        raise RefusedError(f"{shown(member)} has control characters in it")
    return text
