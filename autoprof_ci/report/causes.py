"""From findings to rows: one row per cause.

A caller and its callee that moved together, everything that one changed caller runs more often, and the groups and totals that
it changes are one story, told once. Knows the verdict's values; knows no wording and no markup.

    Compiler::c  ──caused by──┐
    Builder::…   ──caused by──┤ redact_secrets      one row: told by the function that says most, the others follow it
    [total] +31 %  ───────────┘
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from autoprof_ci.model import Cause, Finding, ReasonCode, Status, SubjectKind, Verdict, WorkloadVerdict
from autoprof_ci.model.words import WorkloadState
from autoprof_ci.report.bystanders import is_bystander
from autoprof_ci.report.sizes import deciding, impact, increase, main_member, same_measure

_EXPLAINS_FROM = 0.5
_TELLS_FROM = 0.1
"""Of the largest impact: a function that is called more often tells the story before a larger one that is not."""
_SEVERITY = {Status.REGRESSION: 0, Status.WARNING: 1}
_MORE_OFTEN = (ReasonCode.MORE_CALLS, ReasonCode.NEW_FUNCTION)

Key = tuple[str, str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A group or a total that moved with a row. `part`: how much of its growth the row's functions are (about 1 is all of it);
    ``None`` where only the common cause says that it belongs here."""

    finding: Finding
    part: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The same cause in another workload, and all that moved with it there."""

    workload: str
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cause. `finding`: the function that tells the story; a sum, where no function regressed with it. `followers`: the
    others that moved with it. `cause`: whose doing it is, where that is known and another function."""

    workload: str
    finding: Finding
    status: Status
    cause: Cause | None = None
    followers: tuple[Finding, ...] = ()
    explains: tuple[Explained, ...] = ()
    elsewhere: tuple[Elsewhere, ...] = ()

    @property
    def shown(self) -> Finding:
        """The subject whose size a reader cares for: the whole run where it regressed, else what tells the story."""
        totals = (e.finding for e in self.explains if e.finding.kind is SubjectKind.TOTAL)
        return next(totals, self.finding)

    @property
    def everything(self) -> tuple[Finding, ...]:
        """All findings of this row in its workload."""
        return (self.finding, *self.followers, *(e.finding for e in self.explains))


def _key(finding: Finding) -> Key:
    return finding.subject, finding.dso


class _Causes:
    """Union of functions that are each other's cause, or share their first cause."""

    def __init__(self, functions: Iterable[Finding]) -> None:
        self._parent: dict[Key, Key] = {}
        for finding in functions:
            for cause in finding.caused_by[:1]:
                self._parent[self.root(_key(finding))] = self.root((cause.subject, cause.dso))

    def root(self, key: Key) -> Key:
        self._parent.setdefault(key, key)
        while self._parent[key] != key:
            self._parent[key] = self._parent[self._parent[key]]
            key = self._parent[key]
        return key


def _tells(finding: Finding) -> bool:
    return any(reason.code in _MORE_OFTEN for reason in finding.reasons)


def _ordered(cluster: Sequence[Finding]) -> list[Finding]:
    """The function that tells the story first: no allocator where another moved too, and called more often where one was."""
    ordered = sorted(cluster, key=lambda f: (is_bystander(f.subject), -impact(f), f.subject))
    loud = [f for f in ordered if is_bystander(f.subject) == is_bystander(ordered[0].subject)]
    told = [f for f in loud if _tells(f) and impact(f) >= _TELLS_FROM * impact(loud[0])]
    if any(f.caused_by for f in told):
        told = [f for f in told if f.caused_by]
    first = (told or loud)[0]
    rest = sorted((f for f in cluster if f is not first), key=lambda f: (-impact(f), f.subject))
    return [first, *sorted(rest, key=lambda f: is_bystander(f.subject))]


def _first_cause(findings: Sequence[Finding]) -> Cause | None:
    """The cause of the first that has one, unless that is the function that tells the story."""
    for finding in findings:
        for cause in finding.caused_by[:1]:
            return cause if (cause.subject, cause.dso) != _key(findings[0]) else None
    return None


def _worst(findings: Iterable[Finding]) -> Status:
    return min((f.status for f in findings), key=_SEVERITY.__getitem__)


def _part_explained(sum_finding: Finding, row: Row) -> float:
    """Which part of a group's or a total's growth the functions of `row` are; 0 where they do not belong to it."""
    functions = [f for f in (row.finding, *row.followers) if f.kind is SubjectKind.FUNCTION]
    if sum_finding.kind is SubjectKind.GROUP:
        members = {main_member(r)[0] for r in sum_finding.reasons if r.code is ReasonCode.MEMBER_CHANGED}
        functions = [f for f in functions if f.subject in members]
    shown = deciding(sum_finding)
    if shown is None or increase(shown.estimate) <= 0:
        return 0.0
    return sum(same_measure(f, shown.estimate) for f in functions) / increase(shown.estimate)


def _home(finding: Finding, rows: Sequence[Row], causes: _Causes) -> tuple[int, float | None] | None:
    """Index of the row that a sum belongs to, and the part of it that the row's functions are, where that is known."""
    parts = [_part_explained(finding, row) for row in rows]
    for cause in finding.caused_by[:1]:
        root = causes.root((cause.subject, cause.dso))
        for index, row in enumerate(rows):
            if causes.root(_key(row.finding)) == root or (row.cause and (row.cause.subject, row.cause.dso) == root):
                return index, parts[index] if parts[index] >= _EXPLAINS_FROM else None
    if finding.caused_by:
        return None
    if rows and sum(part for part in parts if part > 0) >= _EXPLAINS_FROM:
        largest = max(range(len(rows)), key=parts.__getitem__)
        return largest, parts[largest]
    # nothing else is known of this group, and one cause explains the whole run that it is a part of
    if finding.kind is SubjectKind.GROUP:
        for index, row in enumerate(rows):
            if row.cause is not None and row.shown.kind is SubjectKind.TOTAL:
                return index, None
    return None


def _rows_of(workload: WorkloadVerdict) -> list[Row]:
    concerned = [f for f in workload.findings if f.status in _SEVERITY]
    functions = [f for f in concerned if f.kind is SubjectKind.FUNCTION]
    causes = _Causes(functions)
    clusters: dict[Key, list[Finding]] = {}
    for finding in functions:
        clusters.setdefault(causes.root(_key(finding)), []).append(finding)
    rows: list[Row] = []
    for cluster in clusters.values():
        ordered = _ordered(cluster)
        row = Row(workload=workload.name, finding=ordered[0], status=_worst(cluster), cause=_first_cause(ordered))
        rows.append(replace(row, followers=tuple(ordered[1:])))
    sums = [f for f in concerned if f.kind is not SubjectKind.FUNCTION]
    for finding in sorted(sums, key=lambda f: f.kind is not SubjectKind.TOTAL):
        home = _home(finding, rows, causes)
        if home is None:
            cause = finding.caused_by[0] if finding.caused_by else None
            rows.append(Row(workload=workload.name, finding=finding, status=finding.status, cause=cause))
            continue
        index, part = home
        explained = Explained(finding=finding, part=part)
        row = rows[index]
        rows[index] = replace(row, status=_worst((*row.everything, finding)), explains=(*row.explains, explained))
    return rows


def _cause_key(row: Row) -> tuple[str, str, str | None]:
    if row.cause is not None:
        return "cause", row.cause.subject, row.cause.dso
    kind = "cause" if row.finding.kind is SubjectKind.FUNCTION else row.finding.kind.value
    return kind, *_key(row.finding)


def _merged(rows: Iterable[Row]) -> list[Row]:
    """The same cause in several workloads is one row, of the workload where it weighs most."""
    merged: dict[tuple[str, str, str | None], Row] = {}
    for row in rows:
        key = _cause_key(row)
        first = merged.get(key)
        if first is None:
            merged[key] = row
            continue
        status = min(first.status, row.status, key=_SEVERITY.__getitem__)
        other = Elsewhere(workload=row.workload, findings=row.everything)
        merged[key] = replace(first, status=status, elsewhere=(*first.elsewhere, other))
    return list(merged.values())


def _weight(row: Row) -> tuple[int, float, str, str]:
    return _SEVERITY[row.status], -impact(row.shown), row.workload, row.finding.subject


def rows(verdict: Verdict) -> tuple[Row, ...]:
    """What got worse, one row per cause; regressions first, the heaviest first."""
    every = sorted((row for workload in verdict.workloads for row in _rows_of(workload)), key=_weight)
    return tuple(sorted(_merged(every), key=_weight))


def with_status(verdict: Verdict, *statuses: Status) -> tuple[tuple[str, Finding], ...]:
    """Workload name and finding of all with one of `statuses` in the workloads that were compared, the heaviest first."""
    compared = [w for w in verdict.workloads if w.state is WorkloadState.COMPARED]
    found = [(w.name, f) for w in compared for f in w.findings if f.status in statuses]
    return tuple(sorted(found, key=lambda pair: (-abs(impact(pair[1])), pair[0], pair[1].subject)))
