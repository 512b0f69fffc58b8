"""``memory.json``: what was asked of the heap, by whom."""

from __future__ import annotations

from collections.abc import Mapping

from autoprof_ci.bundle import archive
from autoprof_ci.bundle.documents import parse_strictly
from autoprof_ci.bundle.refusal import escape_line
from autoprof_ci.bundle.schema_1.fields import (
    Count,
    Counts,
    FileName,
    Functions,
    Index,
    Record,
    Symbol,
    check_counts,
    check_distinct,
    check_indexes,
    check_smallest,
    function_rows,
    functions_from_rows,
    plain,
    plain_number,
)
from autoprof_ci.model import AskedEdge, Function, InlinedCost, MemoryRepeat, WorkloadMemory


class MemoryRepeatRecord(Record):
    allocations: Counts
    temporary: Counts
    peak_bytes: Counts
    leaked_bytes: Counts


class WorkloadMemoryRecord(Record):
    """`edges`: ``[caller, callee, allocations]``, `inlined`: ``[function, "name", allocations]``; functions as indexes."""

    name: FileName
    functions: Functions
    repeats: tuple[MemoryRepeatRecord, ...]
    edges: tuple[tuple[Index, Index, Count], ...]
    inlined: tuple[tuple[Index, Symbol, Count], ...]


class MemoryMember(Record):
    workloads: tuple[WorkloadMemoryRecord, ...]


def member_of_memory(workloads: tuple[WorkloadMemory, ...]) -> MemoryMember:
    return MemoryMember(workloads=tuple(_record(workload) for workload in workloads))


def memory_from_members(members: Mapping[str, bytes]) -> tuple[WorkloadMemory, ...]:
    if archive.MEMORY not in members:
        return ()
    member = parse_strictly(archive.MEMORY, members[archive.MEMORY], MemoryMember)
    check_distinct(f"{archive.MEMORY}, workloads", [workload.name for workload in member.workloads])
    return tuple(_workload(record) for record in member.workloads)


def _record(workload: WorkloadMemory) -> WorkloadMemoryRecord:
    return WorkloadMemoryRecord(
        name=workload.name,
        functions=function_rows(workload.functions),
        repeats=tuple(
            MemoryRepeatRecord(
                allocations=plain(repeat.allocations),
                temporary=plain(repeat.temporary),
                peak_bytes=plain(repeat.peak_bytes),
                leaked_bytes=plain(repeat.leaked_bytes),
            )
            for repeat in workload.repeats
        ),
        edges=tuple((edge.caller, edge.callee, plain_number(edge.allocations)) for edge in workload.edges),
        inlined=tuple((one.function, escape_line(one.name), plain_number(one.cost)) for one in workload.inlined),
    )


def _workload(record: WorkloadMemoryRecord) -> WorkloadMemory:
    where = f"{archive.MEMORY}, workload {record.name}"
    functions = functions_from_rows(where, record.functions)
    check_indexes(f"{where}, edges", (index for caller, callee, _ in record.edges for index in (caller, callee)), functions)
    check_smallest(f"{where}, edges", (count for _, _, count in record.edges))
    check_indexes(f"{where}, inlined", (index for index, _, _ in record.inlined), functions)
    check_smallest(f"{where}, inlined", (count for _, _, count in record.inlined))
    return WorkloadMemory(
        name=record.name,
        functions=functions,
        repeats=tuple(_repeat(f"{where}, repeats[{number}]", one, functions) for number, one in enumerate(record.repeats)),
        edges=tuple(AskedEdge(caller=caller, callee=callee, allocations=count) for caller, callee, count in record.edges),
        inlined=tuple(InlinedCost(function=index, name=name, cost=count) for index, name, count in record.inlined),
    )


def _repeat(where: str, record: MemoryRepeatRecord, functions: tuple[Function, ...]) -> MemoryRepeat:
    columns = {name: getattr(record, name) for name in ("allocations", "temporary", "peak_bytes", "leaked_bytes")}
    for name, counts in columns.items():
        check_counts(f"{where}.{name}", counts, functions)
    return MemoryRepeat(**columns)
