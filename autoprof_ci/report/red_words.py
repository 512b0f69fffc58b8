"""The first line of a report with a regression: what got slower, by how much, and who did it.

Knows rows, and takes the heaviest for the sentence. Of each kind of row there is one sentence:

    whole run, cause known     P got 75 % slower in W: C makes F run 12 times as often, and 16 more functions with it
    whole run, one function    P got 31 % slower in W: each call of F is 5.1 % dearer
    whole run alone            P got 20 % slower in W: no single function explains it
    function, cause known      F takes 70 times as long in W: C makes it run 39 times as often
    function alone             F got 5.1 % slower in W: same calls, each call 5.1 % dearer
    sum, cause known           the group G got 12 % slower in W because of C
    by memory                  P allocates 12 % more in W: 30,210 → 33,900 allocations, 2.1 → 2.4 MB at the peak
"""

from __future__ import annotations

from collections.abc import Sequence

from autoprof_ci.model import Finding, ReasonCode, Status, SubjectKind
from autoprof_ci.model.words import Instrument
from autoprof_ci.report import format as fmt
from autoprof_ci.report import memory_words
from autoprof_ci.report.causes import Row
from autoprof_ci.report.phrase import Phrase, emphasis, join, name, plain, say
from autoprof_ci.report.row_words import how_often, runs_more
from autoprof_ci.report.sizes import deciding
from autoprof_ci.report.wording import REASONS, Told, each_call, function, per_call, verb_of

_NAME_WIDTH = 48


def _amount(finding: Finding) -> Phrase:
    """``got 31 % slower``, ``takes 2.4 times as long``."""
    shown = deciding(finding)
    if shown is not None and memory_words.is_memory(shown.estimate):
        return memory_words.amount(shown.estimate)
    if shown is None or shown.estimate.change is None:
        size = shown.estimate.candidate if shown else None
        cost = fmt.quantity(size, shown.estimate.unit) if shown is not None and size else ""
        return plain(f"is new and costs {cost}" if cost else "is new")
    ratio, instrument = shown.estimate.change, shown.estimate.instrument
    if fmt.is_factor(ratio):
        n = "twice" if fmt.times(ratio) == "2" else f"{fmt.times(ratio)} times"
        what = {Instrument.TIME: "takes {n} as long"}
        return say(what.get(instrument, "executes {n} the instructions"), n=n)
    verb = {Instrument.TIME: "got"}.get(instrument, "executes")
    return say("{verb} {n} {word}", verb=verb, n=fmt.percent(abs(ratio)), word=verb_of(instrument, ratio))


def _what(row: Row, program: str) -> Phrase:
    shown = row.shown
    if shown.kind is SubjectKind.TOTAL:
        return name(program)
    if shown.kind is SubjectKind.GROUP:
        return say("the group {group}", group=emphasis(fmt.shorten(shown.subject, _NAME_WIDTH)))
    return function(shown.subject, shown.dso, _NAME_WIDTH)


def _others(row: Row) -> str:
    """What moved with the function that is named."""
    functions = len(row.followers)
    return f", and {fmt.plural(functions, 'more function')} with it" if functions else ""


def _cause_did(row: Row, told: Phrase) -> Phrase:
    """``: C makes F run 12 times as often, and 16 more functions with it``, ``because of C``; empty where it is unknown."""
    if row.cause is None:
        return ()
    who = function(row.cause.subject, row.cause.dso, _NAME_WIDTH)
    if runs_more(row):
        often = how_often(row.finding)
        return say(": {who} makes {told} run {often}{others}", who=who, told=told, often=often, others=_others(row))
    return say(" because of {who}", who=who)


def _reason(row: Row) -> Phrase:
    """What changed about the row's function, when it is not somebody else's doing; empty where nothing is known."""
    finding = row.finding
    codes = {reason.code for reason in finding.reasons}
    told = function(finding.subject, finding.dso, _NAME_WIDTH)
    itself = row.shown is row.finding
    if ReasonCode.MORE_CALLS in codes:
        template = "it runs {often}" if itself else "{told} runs {often}"
        return say(template, told=told, often=how_often(finding))
    if ReasonCode.DEARER_CALLS in codes:
        if itself:
            return each_call(finding)
        return say("each call of {told} is {much}", told=told, much=per_call(finding))
    if ReasonCode.CODE_CHANGED in codes:
        return plain("its machine code changed") if itself else say("the machine code of {told} changed", told=told)
    return () if itself else say("{told} {amount}", told=told, amount=_amount(finding))


def _because(row: Row) -> Phrase:
    """The second half of the sentence, with what joins it to the first."""
    shown = deciding(row.shown)
    if shown is not None and memory_words.is_memory(shown.estimate):
        return _because_of_memory(row)
    if row.finding.kind is SubjectKind.FUNCTION:
        itself = row.shown is row.finding
        told = plain("it") if itself else function(row.finding.subject, row.finding.dso, _NAME_WIDTH)
        known = _cause_did(row, told)
        reason = () if known else _reason(row)
        return say(": {reason}", reason=reason) if reason else known
    if row.cause is None and row.shown.kind is SubjectKind.TOTAL:
        return plain(": no single function explains it")
    return _cause_did(row, ())


def _because_of_memory(row: Row) -> Phrase:
    """`` because of C: 30,210 → 33,900 allocations, 2.1 → 2.4 MB at the peak``, ``: ...; F allocates 50 % more``."""
    told = [memory_words.all_sizes(row.shown)]
    if row.cause is not None:
        who = function(row.cause.subject, row.cause.dso, _NAME_WIDTH)
        return say(" because of {who}: {told}", who=who, told=join(told, "; "))
    if row.shown is not row.finding:
        who = function(row.finding.subject, row.finding.dso, _NAME_WIDTH)
        told.append(say("{who} {amount}", who=who, amount=_amount(row.finding)))
    elif row.finding.kind is SubjectKind.TOTAL:
        told += [REASONS[r.code](Told(finding=row.finding, reason=r, from_where=())) for r in row.finding.reasons[:1]]
    return say(": {told}", told=join(told, "; "))


def sentence(rows: Sequence[Row], program: str) -> Phrase:
    """The first line; the heaviest regression in full, the others counted."""
    failing = [row for row in rows if row.status is Status.REGRESSION]
    if not failing:
        return say("{program} is slower", program=name(program))
    top = failing[0]
    said = say(
        "{what} {amount} in {workload}{because}",
        what=_what(top, program),
        amount=_amount(top.shown),
        workload=name(fmt.shorten(top.workload, 40)),
        because=_because(top),
    )
    beside = []
    if top.elsewhere:
        beside.append(f"also in {fmt.plural(len(top.elsewhere), 'more workload')}")
    if len(failing) > 1:
        beside.append(fmt.plural(len(failing) - 1, "more cause"))
    return say("{said} ({beside})", said=said, beside=", ".join(beside)) if beside else said
