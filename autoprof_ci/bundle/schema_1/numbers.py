"""``samples.json`` and ``instructions.json``: what the gate decides from."""

from __future__ import annotations

from collections.abc import Mapping

from autoprof_ci.bundle import archive
from autoprof_ci.bundle.documents import parse_strictly
from autoprof_ci.bundle.refusal import RefusedError, escape_line
from autoprof_ci.bundle.schema_1.fields import (
    Count,
    Counts,
    FileName,
    Functions,
    Index,
    Line,
    Period,
    Positive,
    Record,
    Seconds,
    Symbol,
    check_counts,
    check_distinct,
    check_smallest,
    function_rows,
    functions_from_rows,
    line,
    plain,
    plain_number,
)
from autoprof_ci.model import CallEdge, InlinedCost, Run, Samples, WorkloadInstructions, WorkloadSamples


class RunRecord(Record):
    block: Index
    position: Index
    wall_s: Seconds
    counts: Counts


class WorkloadSamplesRecord(Record, omit_defaults=True):
    """`first_runs` came later, and is written only where there is something to say."""

    name: FileName
    starts: Positive
    functions: Functions
    runs: tuple[RunRecord, ...]
    first_runs: Positive | None = None


class SamplesMember(Record):
    event: Line
    period_s: Period | None
    workloads: tuple[WorkloadSamplesRecord, ...]


class WorkloadInstructionsRecord(Record, omit_defaults=True):
    """`inlined` came later: a record without it is read as before, and one that has nothing to say there is written as before."""

    """`edges`: ``[caller, callee, calls, inclusive]``, the first two as indexes into `functions`."""

    name: FileName
    functions: Functions
    repeats: tuple[Counts, ...]
    inclusive: Counts
    calls: Counts
    edges: tuple[tuple[Index, Index, Count, Count], ...]
    inlined: tuple[tuple[Index, Symbol, Count], ...] = ()


class InstructionsMember(Record):
    workloads: tuple[WorkloadInstructionsRecord, ...]


def member_of_samples(samples: Samples) -> SamplesMember:
    return SamplesMember(
        event=line(samples.event),
        period_s=samples.period_s,
        workloads=tuple(
            WorkloadSamplesRecord(
                name=workload.name,
                starts=workload.starts,
                functions=function_rows(workload.functions),
                runs=tuple(
                    RunRecord(block=run.block, position=run.position, wall_s=run.wall_s, counts=plain(run.counts))
                    for run in workload.runs
                ),
                first_runs=workload.first_runs,
            )
            for workload in samples.workloads
        ),
    )


def samples_from_members(members: Mapping[str, bytes]) -> Samples | None:
    if archive.SAMPLES not in members:
        return None
    member = parse_strictly(archive.SAMPLES, members[archive.SAMPLES], SamplesMember)
    check_distinct(f"{archive.SAMPLES}, workloads", [workload.name for workload in member.workloads])
    workloads = []
    for workload in member.workloads:
        where = f"{archive.SAMPLES}, workload {workload.name}"
        functions = functions_from_rows(where, workload.functions)
        for number, run in enumerate(workload.runs):
            check_counts(f"{where}, runs[{number}].counts", run.counts, functions)
        runs = tuple(Run(block=run.block, position=run.position, wall_s=run.wall_s, counts=run.counts) for run in workload.runs)
        workloads.append(
            WorkloadSamples(
                name=workload.name, starts=workload.starts, functions=functions, runs=runs, first_runs=workload.first_runs
            )
        )
    return Samples(event=member.event, period_s=member.period_s, workloads=tuple(workloads))


def member_of_instructions(workloads: tuple[WorkloadInstructions, ...]) -> InstructionsMember:
    return InstructionsMember(workloads=tuple(_record_of_instructions(workload) for workload in workloads))


def _record_of_instructions(workload: WorkloadInstructions) -> WorkloadInstructionsRecord:
    return WorkloadInstructionsRecord(
        name=workload.name,
        functions=function_rows(workload.functions),
        repeats=tuple(plain(repeat) for repeat in workload.repeats),
        inclusive=plain(workload.inclusive),
        calls=plain(workload.calls),
        edges=tuple(
            (edge.caller, edge.callee, plain_number(edge.calls), plain_number(edge.inclusive)) for edge in workload.edges
        ),
        inlined=tuple((one.function, escape_line(one.name), plain_number(one.cost)) for one in workload.inlined),
    )


def instructions_from_members(members: Mapping[str, bytes]) -> tuple[WorkloadInstructions, ...]:
    if archive.INSTRUCTIONS not in members:
        return ()
    member = parse_strictly(archive.INSTRUCTIONS, members[archive.INSTRUCTIONS], InstructionsMember)
    check_distinct(f"{archive.INSTRUCTIONS}, workloads", [workload.name for workload in member.workloads])
    workloads = []
    for workload in member.workloads:
        where = f"{archive.INSTRUCTIONS}, workload {workload.name}"
        functions = functions_from_rows(where, workload.functions)
        check_counts(f"{where}, inclusive", workload.inclusive, functions)
        check_counts(f"{where}, calls", workload.calls, functions)
        for number, repeat in enumerate(workload.repeats):
            check_counts(f"{where}, repeats[{number}]", repeat, functions)
        _check_edges(f"{where}, edges", workload.edges, len(functions))
        _check_inlined(f"{where}, inlined", workload.inlined, len(functions))
        workloads.append(
            WorkloadInstructions(
                name=workload.name,
                functions=functions,
                repeats=workload.repeats,
                inclusive=workload.inclusive,
                calls=workload.calls,
                edges=tuple(
                    CallEdge(caller=caller, callee=callee, calls=calls, inclusive=inclusive)
                    for caller, callee, calls, inclusive in workload.edges
                ),
                inlined=tuple(InlinedCost(function=f, name=name, cost=cost) for f, name, cost in workload.inlined),
            )
        )
    return tuple(workloads)


def _check_inlined(where: str, inlined: tuple[tuple[int, str, float], ...], functions: int) -> None:
    largest = max((function for function, _, _ in inlined), default=-1)
    if largest >= functions:
        raise RefusedError(f"{where}: no function {largest}, there are {functions}")
    check_smallest(where, (cost for _, _, cost in inlined))


def _check_edges(where: str, edges: tuple[tuple[int, int, float, float], ...], functions: int) -> None:
    if not edges:
        return
    # By columns and not edge by edge: there are tens of thousands of them, and this stays inside the interpreter's C code.
    callers, callees, calls, inclusive = zip(*edges, strict=True)
    largest = max(max(callers), max(callees))
    if largest >= functions:
        raise RefusedError(f"{where}: no function {largest}, there are {functions}")
    check_smallest(where, calls)
    check_smallest(where, inclusive)
