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
    optional_line,
)
from autoprof_ci.model import FunctionCode


class FunctionCodeRecord(Record):
    function: FunctionRow
    parts: Positive
    digest: Line | None
    size_bytes: Bytes | None
    file: Line | None
    line: Index | None
    inlined_from: tuple[Symbol, ...]


class CodeMember(Record):
    functions: tuple[FunctionCodeRecord, ...]


def member_of_code(code: tuple[FunctionCode, ...]) -> CodeMember:
    return CodeMember(functions=tuple(_record_of_code(one) for one in code))


def _record_of_code(code: FunctionCode) -> FunctionCodeRecord:
    return FunctionCodeRecord(
        function=function_rows((code.function,))[0],
        parts=code.parts,
        digest=optional_line(code.digest),
        size_bytes=code.size_bytes,
        file=optional_line(code.file),
        line=code.line,
        inlined_from=tuple(escape_line(name) for name in code.inlined_from),
    )


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
            inlined_from=record.inlined_from,
        )
        for function, record in zip(functions, member.functions, strict=True)
    )


def stacks_from_member(member: str, content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise RefusedError(f"{shown(member)} is not UTF-8 (byte {error.start})") from error
    if has_unprintable_in_prose(text):
        raise RefusedError(f"{shown(member)} has control characters in it")
    return text
