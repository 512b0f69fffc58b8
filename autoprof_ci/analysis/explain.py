"""Why did a sum change? Groups and totals, explained by the functions in them once those are judged.

Knows findings of one workload. Judges no function itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autoprof_ci.analysis import heap
from autoprof_ci.analysis.known import step
from autoprof_ci.model import (
    Cause,
    Estimate,
    Finding,
    Function,
    Instrument,
    Reason,
    ReasonCode,
    Signal,
    Status,
    SubjectComparison,
    SubjectKind,
)

MAIN_MEMBER = 0.5
"""A member that makes at least half of its group's change is named as the cause of it."""


def explained(findings: tuple[Finding, ...], subjects: tuple[SubjectComparison, ...]) -> tuple[Finding, ...]:
    """Groups and totals that changed because of one function, or because of one caller of many, say so."""
    functions = {Function(f.subject, f.dso): f for f in findings if f.kind is SubjectKind.FUNCTION}
    return tuple(
        _with_main_part(finding, subject, functions) if finding.kind is not SubjectKind.FUNCTION else finding
        for finding, subject in zip(findings, subjects, strict=True)
    )


def _with_main_part(finding: Finding, subject: SubjectComparison, functions: Mapping[Function, Finding]) -> Finding:
    if finding.status not in (Status.REGRESSION, Status.WARNING, Status.IMPROVEMENT, Status.ACCEPTED):
        return finding
    # instructions are almost exact, so they say better than time whose step it was
    moved = [m.estimate for m in finding.measurements if m.signal in (Signal.MORE, Signal.LESS)]
    whole = max(moved, key=lambda estimate: estimate.instrument is Instrument.INSTRUCTIONS, default=None)
    if whole is None or not step(whole):
        return finding
    if whole.metric in heap.OF_THE_WHOLE:
        return finding  # who has most of it is told already, also where that function is not tested
    members = [f for f in (subject.members or tuple(functions)) if f in functions]
    parts = {f: _step_of(functions[f], whole) / step(whole) for f in members}
    largest = max(parts, key=lambda f: parts[f], default=None)
    shifted = sum(part for f, part in parts.items() if functions[f].status is Status.COST_SHIFT)
    limit = next(m.max_regression for m in finding.measurements if m.estimate is whole)
    if finding.status is Status.REGRESSION and (1 - shifted) * step(whole) <= limit * (whole.baseline or 0.0):
        # what came into the group went from somewhere outside of it
        into = next(f for f in parts if functions[f].status is Status.COST_SHIFT)
        return replace(finding, status=Status.COST_SHIFT, reasons=(Reason(code=ReasonCode.COST_MOVED, detail=into.name),))
    if largest is not None and parts[largest] >= MAIN_MEMBER:
        reason = Reason(code=ReasonCode.MEMBER_CHANGED, detail=f"{largest.name} {parts[largest]:.2f}")
        return replace(finding, reasons=(*finding.reasons, reason), caused_by=finding.caused_by or functions[largest].caused_by)
    return replace(finding, caused_by=finding.caused_by or _main_cause(parts, functions))


def _main_cause(parts: Mapping[Function, float], functions: Mapping[Function, Finding]) -> tuple[Cause, ...]:
    """The caller behind most of the step, where the functions that changed have one in common."""
    behind: dict[Function, float] = {}
    causes: dict[Function, tuple[Cause, ...]] = {}
    for function, part in parts.items():
        caused_by = functions[function].caused_by
        if caused_by:
            first = Function(caused_by[0].subject, caused_by[0].dso)
            behind[first] = behind.get(first, 0.0) + part
            causes.setdefault(first, caused_by[:1])
    main = max(behind, key=lambda cause: behind[cause], default=None)
    return causes[main] if main is not None and behind[main] >= MAIN_MEMBER else ()


def _step_of(finding: Finding, like: Estimate) -> float:
    """By the same instrument; of memory by the same metric."""
    same = [m.estimate for m in finding.measurements if m.estimate.instrument is like.instrument]
    return sum(step(e) for e in same if e.instrument is not Instrument.MEMORY or e.metric == like.metric)
