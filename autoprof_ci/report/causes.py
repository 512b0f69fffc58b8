"""From findings to rows: one row per cause.

A caller and its callee that moved together, everything that one changed caller calls more often, and the groups and totals
that such a
function explains are one story, told once. Knows the verdict's values; knows no wording and no markup.

    Compiler::c  ──caused by──┐
    Builder::…   ──caused by──┤ redact_secrets      one row: the largest of them, the others follow, [total] is explained
    [total] +31 %  ───────────┘
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from autoprof_ci.model import (
    Estimate,
    Finding,
    Measurement,
    Reason,
    ReasonCode,
    Signal,
    Status,
    SubjectKind,
    Verdict,
    WorkloadVerdict,
)
from autoprof_ci.model.words import Instrument, WorkloadState

_EXPLAINS_FROM = 0.5
_SEVERITY = {Status.REGRESSION: 0, Status.WARNING: 1}
_INSTRUMENT_ORDER = {Instrument.TIME: 0, Instrument.INSTRUCTIONS: 1, Instrument.MEMORY: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A group or a total, and which part of its growth the row's functions are (about 1 is all of it)."""

    finding: Finding
    part: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The same cause in another workload."""

    workload: str
    finding: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cause. `finding`: the subject that grew most by it. `followers`: the others that moved with it."""

    workload: str
    finding: Finding
    status: Status
    followers: tuple[Finding, ...] = ()
    explains: tuple[Explained, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()


def deciding(finding: Finding) -> Measurement | None:
    """The measurement a reader is shown: the one whose signal made the status, time before instructions before memory."""
    wanted = Signal.LESS if finding.status is Status.IMPROVEMENT else Signal.MORE
    ordered = sorted(finding.measurements, key=lambda m: _INSTRUMENT_ORDER[m.estimate.instrument])
    for accepted in ((wanted,), (Signal.MORE, Signal.LESS), (Signal.SAME,), (Signal.UNSEEN,)):
        for measurement in ordered:
            if measurement.signal in accepted:
                return measurement
    return None


def _increase(estimate: Estimate) -> float:
    return (estimate.candidate or 0.0) - (estimate.baseline or 0.0)


def impact(finding: Finding) -> float:
    """How much of its workload the subject's growth is, as a ratio; comparable between instruments. Negative when it shrank."""
    if finding.kind is SubjectKind.TOTAL:
        shown = deciding(finding)
        return (shown.estimate.change or 0.0) if shown else 0.0
    best = 0.0
    for measurement in finding.measurements:
        estimate = measurement.estimate
        if estimate.change is not None and estimate.baseline_share is not None:
            size = estimate.change * estimate.baseline_share
        elif not estimate.baseline:
            size = estimate.candidate_share or 0.0
        else:
            size = 0.0
        if abs(size) > abs(best) and measurement.signal in (Signal.MORE, Signal.LESS):
            best = size
    return best


def _key(finding: Finding) -> tuple[str, str | None]:
    return finding.subject, finding.dso


def _clusters(functions: Sequence[Finding]) -> list[list[Finding]]:
    """Union of functions that are each other's cause, or share their first cause."""
    parent: dict[tuple[str, str | None], tuple[str, str | None]] = {}

    def root(key: tuple[str, str | None]) -> tuple[str, str | None]:
        parent.setdefault(key, key)
        while parent[key] != key:
            parent[key] = parent[parent[key]]
            key = parent[key]
        return key

    for finding in functions:
        for cause in finding.caused_by[:1]:
            parent[root(_key(finding))] = root((cause.subject, cause.dso))
    groups: dict[tuple[str, str | None], list[Finding]] = {}
    for finding in functions:
        groups.setdefault(root(_key(finding)), []).append(finding)
    return list(groups.values())


def _same_measure(finding: Finding, like: Estimate) -> float:
    for measurement in finding.measurements:
        estimate = measurement.estimate
        if (estimate.instrument, estimate.metric, estimate.unit) == (like.instrument, like.metric, like.unit):
            return _increase(estimate)
    return 0.0


def main_member(reason: Reason) -> tuple[str, float | None]:
    """Name of the member that explains a sum, and its part of the sum's growth: ``Compiler::c 0.96`` in the reason's detail."""
    name, _, part = reason.detail.rpartition(" ")
    try:
        return (name, float(part)) if name else (reason.detail, None)
    except ValueError:
        return reason.detail, None


def _names_of_members(finding: Finding) -> set[str]:
    named = {main_member(reason)[0] for reason in finding.reasons if reason.code is ReasonCode.MEMBER_CHANGED}
    return named | {cause.subject for cause in finding.caused_by}


def _part_explained(sum_finding: Finding, row: Row) -> float:
    """Which part of a group's or a total's growth the functions of `row` are; 0 where they do not belong to it."""
    functions = [row.finding, *row.followers]
    if sum_finding.kind is SubjectKind.GROUP:
        members = _names_of_members(sum_finding)
        functions = [f for f in functions if f.subject in members]
        if not functions and not (members & {cause.subject for cause in row.finding.caused_by}):
            return 0.0
        functions = functions or [row.finding, *row.followers]
    shown = deciding(sum_finding)
    if shown is None or _increase(shown.estimate) <= 0:
        return 0.0
    grown = sum(_same_measure(f, shown.estimate) for f in functions if f.kind is SubjectKind.FUNCTION)
    return grown / _increase(shown.estimate)


def _rows_of(workload: WorkloadVerdict) -> list[Row]:
    concerned = [f for f in workload.findings if f.status in _SEVERITY]
    rows: list[Row] = []
    for cluster in _clusters([f for f in concerned if f.kind is SubjectKind.FUNCTION]):
        ordered = sorted(cluster, key=lambda f: (-impact(f), f.subject))
        worst = min((f.status for f in cluster), key=_SEVERITY.__getitem__)
        rows.append(Row(workload=workload.name, finding=ordered[0], status=worst, followers=tuple(ordered[1:])))
    for sum_finding in (f for f in concerned if f.kind is not SubjectKind.FUNCTION):
        parts = [_part_explained(sum_finding, row) for row in rows]
        if sum(part for part in parts if part > 0) >= _EXPLAINS_FROM:
            largest = max(range(len(rows)), key=parts.__getitem__)
            row = rows[largest]
            status = min(row.status, sum_finding.status, key=_SEVERITY.__getitem__)
            explained = Explained(finding=sum_finding, part=parts[largest])
            rows[largest] = replace(row, status=status, explains=(*row.explains, explained))
        else:
            rows.append(Row(workload=workload.name, finding=sum_finding, status=sum_finding.status))
    return rows


def _cause_key(row: Row) -> tuple[str, str | None]:
    if row.finding.kind is SubjectKind.FUNCTION and row.finding.caused_by:
        cause = row.finding.caused_by[0]
        return cause.subject, cause.dso
    return _key(row.finding)


def _merged(rows: Iterable[Row]) -> list[Row]:
    """The same cause in several workloads is one row, of the workload where it weighs most."""
    merged: dict[tuple[SubjectKind, str, str | None], Row] = {}
    for row in rows:
        key = (row.finding.kind, *_cause_key(row))
        first = merged.get(key)
        if first is None:
            merged[key] = row
            continue
        status = min(first.status, row.status, key=_SEVERITY.__getitem__)
        other = Elsewhere(workload=row.workload, finding=row.finding)
        merged[key] = replace(first, status=status, elsewhere=(*first.elsewhere, other))
    return list(merged.values())


def rows(verdict: Verdict) -> tuple[Row, ...]:
    """What got worse, one row per cause; regressions first, the heaviest first."""
    every = [row for workload in verdict.workloads for row in _rows_of(workload)]
    every.sort(key=lambda row: (_SEVERITY[row.status], -impact(row.finding), row.workload, row.finding.subject))
    merged = _merged(every)
    merged.sort(key=lambda row: (_SEVERITY[row.status], -impact(row.finding), row.workload, row.finding.subject))
    return tuple(merged)


def with_status(verdict: Verdict, *statuses: Status) -> tuple[tuple[str, Finding], ...]:
    """Workload name and finding of all with one of `statuses` in the workloads that were compared, the heaviest first."""
    compared = [w for w in verdict.workloads if w.state is WorkloadState.COMPARED]
    found = [(w.name, f) for w in compared for f in w.findings if f.status in statuses]
    return tuple(sorted(found, key=lambda pair: (-abs(impact(pair[1])), pair[0], pair[1].subject)))
