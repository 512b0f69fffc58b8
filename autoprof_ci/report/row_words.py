"""What a row of the first table says: who did it, what it did, and what else came of it. Knows rows and makes phrases."""

from __future__ import annotations

from autoprof_ci.model import Finding, ReasonCode, Status, SubjectKind
from autoprof_ci.model.words import Instrument
from autoprof_ci.report import format as fmt
from autoprof_ci.report.causes import Explained, Row
from autoprof_ci.report.memory_words import is_memory
from autoprof_ci.report.phrase import Phrase, emphasis, join, listed, name, plain, say
from autoprof_ci.report.sizes import deciding
from autoprof_ci.report.wording import NAME_WIDTH, cause_of, function, place, sizes_of, subject, why

_FOLLOWERS_NAMED = 2
_WORKLOADS_NAMED = 3
_OFTEN = (ReasonCode.MORE_CALLS, ReasonCode.NEW_FUNCTION)


def runs_more(row: Row) -> bool:
    """Whether the row's function is run more often than before, or is new: its cause makes it run."""
    return row.finding.kind is SubjectKind.FUNCTION and any(reason.code in _OFTEN for reason in row.finding.reasons)


def how_often(finding: Finding) -> str:
    """``12 times as often``, ``30 % more often``, ``1,183 times instead of never``."""
    calls = finding.calls
    if calls is None:
        return "more often"
    if calls.baseline <= 0:
        return f"{fmt.count(calls.candidate)} times instead of never"
    ratio = calls.candidate / calls.baseline - 1
    if not fmt.is_factor(ratio):
        return f"{fmt.percent(ratio)} more often" if ratio > 0 else "more often"
    return "twice as often" if fmt.times(ratio) == "2" else f"{fmt.times(ratio)} times as often"


def _size(finding: Finding) -> Phrase:
    """``(123 µs → 2.24 ms)``; empty where nothing was measured."""
    shown = deciding(finding)
    return say(" ({sizes})", sizes=sizes_of(shown.estimate)) if shown is not None else ()


def _teller(row: Row, source_url: str | None) -> Phrase:
    """What the row's function has to do with the larger thing that the row shows."""
    told = function(row.finding.subject, row.finding.dso)
    size = _size(row.finding)
    if row.finding.source is not None and row.finding.source.changed_here:
        size = say("{size}, in {place}", size=size, place=place(row.finding.source, source_url))
    if row.cause is not None:
        who = cause_of(row.cause, source_url)
        calls = row.finding.calls
        if runs_more(row) and calls is not None:
            much = fmt.change_of_count(calls.baseline, calls.candidate)
            return say("{who} makes {told} run {much} times{size}", who=who, told=told, much=much, size=size)
        if runs_more(row):
            return say("{who} makes {told} run more often{size}", who=who, told=told, size=size)
        return say("because of {who}: {told}{size}", who=who, told=told, size=size)
    part = next((e.part for e in row.explains if e.finding is row.shown), None)
    much_of_it = "mostly" if part is None else "nearly all of it is" if part >= 0.95 else f"{fmt.percent(part)} of it is"
    reasons = why(row.finding, source_url)
    template = "{much} {told}{size}: {reasons}" if reasons else "{much} {told}{size}"
    return say(template, much=much_of_it, told=told, size=_size(row.finding), reasons=reasons)


def _without_reason(finding: Finding) -> Phrase:
    """What can be said of a subject that got worse when nobody knows why."""
    shown = deciding(finding)
    if finding.status is Status.WARNING and shown is not None:
        return say("no noise, but not surely above its threshold of {limit}", limit=fmt.percent(shown.max_regression))
    if finding.kind is SubjectKind.TOTAL:
        return plain("no single function explains it")
    if shown is not None and is_memory(shown.estimate):
        return plain("it asks for memory more often")
    if all(measurement.estimate.instrument is Instrument.TIME for measurement in finding.measurements):
        return plain("by time; instructions were not counted")
    return ()


def _sum(explained: Explained) -> Phrase:
    """``*Memory* (×2.5)``."""
    shown = deciding(explained.finding)
    change = fmt.change(shown.estimate.change) if shown else "changed"
    group = explained.finding.kind is SubjectKind.GROUP
    whole = emphasis(fmt.shorten(explained.finding.subject, NAME_WIDTH)) if group else subject(explained.finding)
    return say("{whole} ({change})", whole=whole, change=change)


def _with_it(row: Row) -> Phrase:
    """The functions and the groups that moved for the same cause."""
    named = [function(f.subject, f.dso) for f in row.followers[:_FOLLOWERS_NAMED]]
    left = len(row.followers) - len(named)
    if left:
        named.append(plain(fmt.plural(left, "more function")))
    sums = [_sum(e) for e in row.explains if e.finding is not row.shown]
    groups = say("the group {sums}" if len(sums) == 1 else "the groups {sums}", sums=listed(sums)) if sums else ()
    both = join((listed(named), groups), ", and " if len(named) > 1 else " and ")
    return say("with it {both}", both=both) if both else ()


def because(row: Row, source_url: str | None) -> Phrase:
    """The last cell of a row: why, and what else came of the same cause."""
    if row.shown is not row.finding:
        told = [_teller(row, source_url)]
    else:
        told = [why(row.finding, source_url) or _without_reason(row.finding)]
    told.append(_with_it(row))
    if row.elsewhere:
        also = [name(fmt.shorten(e.workload, 32)) for e in row.elsewhere[:_WORKLOADS_NAMED]]
        if len(row.elsewhere) > len(also):
            also.append(plain(f"{len(row.elsewhere) - len(also)} more"))
        told.append(say("also in {workloads}", workloads=listed(also)))
    return join(told, "; ")
