"""From numbers to an opinion: every subject gets a status, the report an outcome.

Knows the table of ``docs/statistics.md`` ("What it is"), thresholds and accepts. Measures and tests nothing, words nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

from autoprof_ci import limits
from autoprof_ci.analysis import accepts, callgraph, culprits, explain, heap, heap_status, status, subjects, whereabouts
from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.analysis.code import Codes
from autoprof_ci.analysis.known import Known, signal
from autoprof_ci.analysis.whereabouts import Ground
from autoprof_ci.limits import Measure
from autoprof_ci.model import (
    Accept,
    Caveat,
    CaveatCode,
    Comparison,
    Diff,
    Estimate,
    Finding,
    Function,
    FunctionCode,
    Instrument,
    Measurement,
    Outcome,
    Policy,
    ReasonCode,
    Signal,
    Status,
    SubjectComparison,
    SubjectKind,
    Verdict,
    WorkloadComparison,
    WorkloadState,
    WorkloadVerdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecideContext:
    """What a verdict depends on besides numbers and policy. `caveats` come first in the verdict's."""

    today: date
    baseline_accepts: tuple[Accept, ...] = ()
    baseline_commit: str | None = None
    candidate_commit: str | None = None
    session: str | None = None
    tool_version: str = ""
    caveats: tuple[Caveat, ...] = ()
    baseline_code: Mapping[Function, FunctionCode] = field(default_factory=dict)
    candidate_code: Mapping[Function, FunctionCode] = field(default_factory=dict)
    was: Mapping[Function, Function] = field(default_factory=dict)
    """Function -> the name it had in the baseline, of those that were renamed."""
    own_files: frozenset[str] | None = None
    """Dsos that either program brought along to a session of both: others are one file for both; ``None``: not one session."""
    diff: Diff | None = None
    """What the pull request changes; ``None``: nobody knows."""


def decide(comparison: Comparison, policy: Policy, context: DecideContext) -> Verdict:
    """Hold every number against its threshold. Pure: the same arguments, the same verdict."""
    in_force = accepts.in_force(policy.accepts, context.baseline_accepts, context.today)
    workloads = tuple(_workload(workload, policy, in_force.valid, context) for workload in comparison.workloads)
    caveats = (
        *context.caveats,
        *comparison.caveats,
        *(Caveat(code=CaveatCode.ACCEPT_EXPIRED, detail=_accept_words(accept)) for accept in in_force.expired),
        *_placement_caveat(workloads),
    )
    return Verdict(
        tool_version=context.tool_version,
        outcome=_outcome(workloads, caveats),
        instruments=comparison.instruments,
        false_alarm_rate=policy.false_alarm_rate,
        baseline_commit=context.baseline_commit,
        candidate_commit=context.candidate_commit,
        session=context.session,
        workloads=workloads,
        caveats=tuple(dict.fromkeys(caveats)),
    )


def _outcome(workloads: tuple[WorkloadVerdict, ...], caveats: tuple[Caveat, ...]) -> Outcome:
    """What was found; what that means for the exit code is `Policy.fail_on`'s business.

    Where nothing was compared nothing is known, unless the programs are the same.
    """
    found = {finding.status for workload in workloads for finding in workload.findings}
    if Status.REGRESSION in found:
        return Outcome.FAIL
    states = {workload.state for workload in workloads}
    if WorkloadState.NEW in states and WorkloadState.COMPARED not in states:
        return Outcome.NO_BASELINE
    known = any(workload.state is WorkloadState.COMPARED and workload.tested_subjects for workload in workloads)
    same = any(caveat.code is CaveatCode.IDENTICAL_PROGRAMS for caveat in caveats)
    if Status.INCONCLUSIVE in found or not (known or same):
        return Outcome.INCONCLUSIVE
    return Outcome.PASS


def _workload(workload: WorkloadComparison, policy: Policy, valid: tuple[Accept, ...], context: DecideContext) -> WorkloadVerdict:
    graph = None
    if workload.baseline_instructions is not None and workload.candidate_instructions is not None:
        graph = callgraph.build(workload.baseline_instructions, workload.candidate_instructions)
    around = Known(
        graph=graph,
        culprits=culprits.find(graph) if graph is not None else {},
        codes=Codes(baseline=context.baseline_code, candidate=context.candidate_code, own_files=context.own_files),
        functions={Function(s.subject, s.dso): s for s in workload.subjects if s.kind is SubjectKind.FUNCTION},
        false_alarm_rate=policy.false_alarm_rate,
        was=context.was,
    )
    ground = whereabouts.survey(context.candidate_code, context.diff) if context.diff is not None else None
    heaps = None
    if workload.baseline_memory is not None and workload.candidate_memory is not None:
        heaps = heap.build(workload.baseline_memory, workload.candidate_memory)
    wholes = heap.wholes(workload.subjects)
    findings = []
    for subject in workload.subjects:
        if workload.state is WorkloadState.COMPARED:
            measurements = tuple(heap.relevant(m, wholes) for m in _measurements(subject, workload.name, policy))
            finding = status.judge(subject, measurements, around)
            if heaps is not None:
                finding = heap_status.judge(finding, subject, heaps, wholes, around)
        else:
            finding = _unjudged(subject, workload.name, policy)
        finding = _located(finding, graph, context.candidate_code, ground)
        findings.append(accepts.apply(finding, workload.name, valid))
    return WorkloadVerdict(
        name=workload.name,
        state=workload.state,
        tested_subjects=workload.tested_subjects,
        findings=explain.explained(tuple(findings), workload.subjects),
    )


def _unjudged(subject: SubjectComparison, workload: str, policy: Policy) -> Finding:
    """There is nothing to hold it against: the whole workload is new."""
    return Finding(
        subject=subject.subject,
        kind=subject.kind,
        dso=subject.dso,
        status=Status.ADDED,
        measurements=_measurements(subject, workload, policy),
    )


def _measurements(subject: SubjectComparison, workload: str, policy: Policy) -> tuple[Measurement, ...]:
    """With what it asked of allocators instead of the function's own instructions, where that alone is beyond the threshold."""
    found = tuple(_measurement(estimate, subject.subject, workload, policy) for estimate in subject.estimates)
    asked = _measurement(subject.with_memory, subject.subject, workload, policy) if subject.with_memory else None
    counted = next((m for m in found if m.estimate.instrument is Instrument.INSTRUCTIONS), None)
    if asked is None or counted is None or asked.signal is not Signal.MORE or counted.signal is Signal.MORE:
        return found
    return tuple(asked if measurement is counted else measurement for measurement in found)


def _measurement(estimate: Estimate, name: str, workload: str, policy: Policy) -> Measurement:
    of_heap = estimate.instrument is Instrument.MEMORY
    metric = estimate.metric if of_heap else subjects.METRICS[estimate.instrument]
    measure = Measure(workload=workload, instrument=estimate.instrument, metric=metric)
    limit = limits.threshold(policy, name, measure)
    return Measurement(
        estimate=estimate,
        signal=signal(estimate, limit.max_regression, policy.false_alarm_rate),
        max_regression=limit.max_regression,
        warn=limit.warn,
    )


def _located(finding: Finding, graph: CallGraph | None, code: Mapping[Function, FunctionCode], ground: Ground | None) -> Finding:
    """`finding` with the lines it and its causes come from, and whether anything that leads to it is changed at all."""
    diff = ground.diff if ground is not None else None
    function = Function(finding.subject, finding.dso)
    on_its_own = finding.kind is SubjectKind.FUNCTION
    source = whereabouts.source_of(code.get(function), diff) if on_its_own else None
    caused_by = tuple(
        replace(cause, source=whereabouts.source_of(code.get(Function(cause.subject, cause.dso)), diff))
        for cause in finding.caused_by
    )
    located = replace(finding, source=source, caused_by=caused_by)
    if ground is None or not on_its_own or finding.status not in (Status.REGRESSION, Status.WARNING):
        return located
    nothing = whereabouts.not_reached(function, graph, ground)
    return replace(located, reasons=(*located.reasons, nothing)) if nothing is not None else located


def _placement_caveat(workloads: Iterable[WorkloadVerdict]) -> tuple[Caveat, ...]:
    """A regression that time alone saw might be the luck of where code was put: nothing else was there to say so."""
    names = [
        workload.name
        for workload in workloads
        if any(finding.status is Status.REGRESSION and _time_alone(finding) for finding in workload.findings)
    ]
    return tuple(Caveat(code=CaveatCode.PLACEMENT_NOT_RULED_OUT, detail=name) for name in names)


def _time_alone(finding: Finding) -> bool:
    told = {m.estimate.instrument for m in finding.measurements if m.signal is Signal.MORE}
    changed = any(reason.code is ReasonCode.CODE_CHANGED for reason in finding.reasons)
    return told == {Instrument.TIME} and not changed


def _accept_words(accept: Accept) -> str:
    return f"{', '.join(accept.match)} ({accept.expires.isoformat()})"
