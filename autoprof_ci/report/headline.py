"""The first line: the verdict in one sentence that is enough for a reader with five seconds.

Knows the verdict and the rows; the sentence of every outcome is here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoprof_ci.model import Accept, Bundle, CaveatCode, Finding, Outcome, Status, SubjectKind, Verdict, WorkloadState
from autoprof_ci.model.words import Instrument, ReasonCode
from autoprof_ci.report import caveat_words, sensitivity
from autoprof_ci.report import format as fmt
from autoprof_ci.report.causes import Row, deciding, with_status
from autoprof_ci.report.details import Details
from autoprof_ci.report.phrase import Phrase, join, listed, name, plain, say
from autoprof_ci.report.story import State
from autoprof_ci.report.wording import function, short_sha, subject, verb_of

_NAME_WIDTH = 40
_LIST_AT_MOST = 2
_BLOCKS_AN_INSTRUMENT = (
    CaveatCode.INSTRUCTIONS_UNAVAILABLE,
    CaveatCode.INSTRUCTIONS_SKIPPED,
    CaveatCode.TIME_UNAVAILABLE,
    CaveatCode.BASELINE_INCOMPATIBLE,
    CaveatCode.MACHINE_DIFFERS,
    CaveatCode.TOTALS_NOT_JUDGED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The state, the first line, and the lines that belong right under it."""

    state: State
    line: Phrase
    notes: tuple[Phrase, ...] = ()


def headline(verdict: Verdict, rows: Sequence[Row], candidate: Bundle, details: Details) -> Headline:
    """The headline of any verdict."""
    if verdict.outcome is Outcome.FAIL:
        return Headline(state=State.RED, line=_red(rows, details))
    if any(row.status is Status.REGRESSION for row in rows):
        note = say("Shown only: `fail_on` in {config} lets it pass.", config=name(details.config_name))
        return Headline(state=State.RED, line=_red(rows, details), notes=(note,))
    if verdict.outcome is Outcome.NO_BASELINE:
        note = say("This run's measurement becomes one when it is merged to {branch}.", branch=name(details.base_branch))
        return Headline(state=State.WHITE, line=plain("First run: no baseline yet."), notes=(note,))
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return _yellow(verdict)
    return _green(verdict, rows, candidate, details)


def _amount(finding: Finding) -> Phrase:
    """``got 31 % slower``, ``takes 2.4 times as long``."""
    shown = deciding(finding)
    if shown is None or shown.estimate.change is None:
        size = shown.estimate.candidate if shown else None
        cost = fmt.quantity(size, shown.estimate.unit) if shown is not None and size else ""
        return plain(f"is new and costs {cost}" if cost else "is new")
    estimate = shown.estimate
    ratio = estimate.change or 0.0
    instrument = estimate.instrument
    if fmt.is_factor(ratio):
        what = {Instrument.TIME: "takes {n} times as long", Instrument.MEMORY: "needs {n} times the memory"}
        if instrument is Instrument.TIME and fmt.times(ratio) == "2":
            return plain("takes twice as long")
        return say(what.get(instrument, "executes {n} times the instructions"), n=fmt.times(ratio))
    word = verb_of(instrument, ratio)
    verb = {Instrument.TIME: "got", Instrument.MEMORY: "needs"}.get(instrument, "executes")
    return say("{verb} {n} {word}", verb=verb, n=fmt.percent(abs(ratio)), word=word)


def _short_cause(row: Row) -> Phrase:
    """``called 39 times as often, from X`` in as few words as a headline bears; empty where nothing is known."""
    finding = row.finding
    codes = {reason.code for reason in finding.reasons}
    callers = [function(cause.subject, cause.dso, _NAME_WIDTH) for cause in finding.caused_by[:1]]
    calls = finding.calls
    if ReasonCode.MORE_CALLS in codes:
        much = "more often"
        if calls is not None and calls.baseline > 0:
            ratio = calls.candidate / calls.baseline - 1
            much = f"{fmt.times(ratio)} times as often" if fmt.is_factor(ratio) else f"{fmt.percent(ratio)} more often"
        said = say("called {much}", much=much)
        return say("{said}, from {caller}", said=said, caller=callers[0]) if callers else said
    if ReasonCode.DEARER_CALLS in codes:
        return plain("each call is dearer")
    if callers:
        new = ReasonCode.NEW_FUNCTION in codes
        return say("called from {caller}" if new else "because of {caller}", caller=callers[0])
    if ReasonCode.CODE_CHANGED in codes:
        return plain("its machine code changed")
    return ()


def _red(rows: Sequence[Row], details: Details) -> Phrase:
    failing = [row for row in rows if row.status is Status.REGRESSION]
    if not failing:
        return say("{program} is slower", program=name(details.program))
    top = failing[0]
    workload = name(fmt.shorten(top.workload, _NAME_WIDTH))
    total = next((e.finding for e in top.explains if e.finding.kind is SubjectKind.TOTAL), None)
    if total is None and top.finding.kind is SubjectKind.TOTAL:
        total = top.finding
    cause = _short_cause(top)
    more = say(" (and {left} more)", left=str(len(failing) - 1)) if len(failing) > 1 else ()
    top_name = subject(top.finding, _NAME_WIDTH)
    if total is not None:
        said = say("{program} {amount} in {workload}", program=name(details.program), amount=_amount(total), workload=workload)
        if total is top.finding:
            return say("{said}: no single function explains it{more}", said=said, more=more)
        if cause:
            template = "{said}: {function} is {cause}{more}" if _is_adjective(top) else "{said}: {function}, {cause}{more}"
            return say(template, said=said, function=top_name, cause=cause, more=more)
        return say("{said}: {function} {amount}{more}", said=said, function=top_name, amount=_amount(top.finding), more=more)
    said = say("{function} {amount} in {workload}", function=top_name, amount=_amount(top.finding), workload=workload)
    return say("{said}: {cause}{more}", said=said, cause=cause, more=more) if cause else say("{said}{more}", said=said, more=more)


def _is_adjective(row: Row) -> bool:
    return any(reason.code is ReasonCode.MORE_CALLS for reason in row.finding.reasons)


def _yellow(verdict: Verdict) -> Headline:
    lacking = [c for c in verdict.caveats if c.code in _BLOCKS_AN_INSTRUMENT]
    unsure = with_status(verdict, Status.INCONCLUSIVE)
    causes = [caveat_words.short(c) for c in lacking[:_LIST_AT_MOST]]
    if unsure:
        every = sum(1 for w in verdict.workloads for f in w.findings)
        thresholds = {m.max_regression for _, f in unsure for m in f.measurements}
        what = f"the {fmt.percent(thresholds.pop())} threshold" if len(thresholds) == 1 else "the thresholds"
        causes.append(plain(f"the machine was too noisy for {what} in {len(unsure)} of {fmt.plural(every, 'subject')}"))
    line = say("Not sure: {causes}.", causes=listed(causes)) if causes else plain("Not sure.")
    steps = [say(step) for c in lacking if (step := caveat_words.CAVEATS[c.code].next_step) is not None]
    if not steps:
        steps = [say("More `runs`, a longer `min_run_seconds`, a group over the functions, or counting instructions.")]
    return Headline(state=State.YELLOW, line=line, notes=(say("What helps: {steps}", steps=join(steps, " ")),))


def _accept_of(finding: Finding, candidate: Bundle) -> Accept | None:
    if finding.accepted_by is None or candidate.policy is None:
        return None
    # several accepts together may cover one finding: the first that is named then stands for all
    named = finding.accepted_by.split("; ")
    return next((accept for accept in candidate.policy.accepts if accept.reason in (finding.accepted_by, *named)), None)


def accepted_sentence(finding: Finding, candidate: Bundle) -> Phrase:
    """``Accepted until 2027-01-31: redact_secrets +9.8 % (allowed 12 %): "scrubs two more key formats".``"""
    accept = _accept_of(finding, candidate)
    shown = deciding(finding)
    change = fmt.change(shown.estimate.change) if shown else "slower"
    if accept is None:
        by = say(' ("{reason}")', reason=finding.accepted_by) if finding.accepted_by else ()
        return say("Accepted: {subject} {change}{by}.", subject=subject(finding), change=change, by=by)
    return say(
        'Accepted until {day}: {subject} {change} (allowed {allowed}): "{reason}".',
        day=accept.expires.isoformat(),
        subject=subject(finding),
        change=change,
        allowed=fmt.percent(accept.up_to),
        reason=accept.reason,
    )


def _fixed(verdict: Verdict, details: Details) -> Phrase:
    """What the comment before this one called a regression, and is none now."""
    found = {f.subject: f for w in verdict.workloads for f in w.findings}
    told: list[Phrase] = []
    for previous in details.previous_regressions[:_LIST_AT_MOST]:
        finding = found.get(previous)
        if finding is None:
            told.append(say("{subject} is no longer hot", subject=name(fmt.shorten(previous, _NAME_WIDTH))))
            continue
        shown = deciding(finding)
        size = shown.estimate.candidate if shown else None
        now = fmt.quantity(size, shown.estimate.unit) if shown is not None and size is not None else ""
        told.append(say("{subject} is back at {now}" if now else "{subject} is back", subject=subject(finding), now=now))
    left = len(details.previous_regressions) - len(told)
    if left > 0:
        told.append(plain(f"{left} more"))
    return say("Fixed: {told}.", told=listed(told)) if told else ()


def _what_was_compared(verdict: Verdict) -> Phrase:
    compared = [w for w in verdict.workloads if w.state is WorkloadState.COMPARED]
    functions = sum(1 for w in compared for f in w.findings if f.kind is SubjectKind.FUNCTION)
    return say(
        "{workloads}, {functions}, against {commit}",
        workloads=fmt.plural(len(compared), "workload"),
        functions=fmt.plural(functions, "hot function"),
        commit=short_sha(verdict.baseline_commit),
    )


def _green(verdict: Verdict, rows: Sequence[Row], candidate: Bundle, details: Details) -> Headline:
    seen = sensitivity.sentence(verdict)
    codes = {caveat.code for caveat in verdict.caveats}
    if CaveatCode.IDENTICAL_PROGRAMS in codes and not rows:
        line = say(
            "Nothing to measure: the program is byte for byte the one of {commit}.", commit=short_sha(verdict.baseline_commit)
        )
        return Headline(state=State.GREEN, line=line)
    # under a table the footing says it
    notes = (seen,) if seen and not rows else ()
    fixed = _fixed(verdict, details)
    if fixed:
        return Headline(state=State.GREEN, line=fixed, notes=notes)
    accepted = [accepted_sentence(finding, candidate) for _, finding in with_status(verdict, Status.ACCEPTED)]
    if accepted:
        return Headline(state=State.GREEN, line=accepted[0], notes=(*accepted[1:], *notes))
    extra = f", {fmt.plural(len(rows), 'thing')} to look at" if rows else ""
    better = len(with_status(verdict, Status.IMPROVEMENT))
    if not rows and better:
        extra = f", {fmt.plural(better, 'improvement')}"
    line = say(
        "No regression in {program}{extra}: {what}", program=name(details.program), extra=extra, what=_what_was_compared(verdict)
    )
    return Headline(state=State.GREEN, line=line, notes=notes)
