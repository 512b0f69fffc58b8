"""The first line: the verdict in one sentence that is enough for a reader with five seconds.

Knows the verdict and the rows; the sentence of every outcome is here, that of a regression in `red_words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoprof_ci.model import Accept, Bundle, CaveatCode, FailOn, Finding, Outcome, Status, SubjectKind, Verdict, WorkloadState
from autoprof_ci.report import caveat_words, red_words, sensitivity
from autoprof_ci.report import format as fmt
from autoprof_ci.report.causes import Row, with_status
from autoprof_ci.report.details import Details
from autoprof_ci.report.phrase import Phrase, join, listed, name, plain, say
from autoprof_ci.report.sizes import deciding
from autoprof_ci.report.story import State
from autoprof_ci.report.wording import short_sha, subject

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
    if verdict.outcome is Outcome.FAIL or any(row.status is Status.REGRESSION for row in rows):
        never = candidate.policy is not None and candidate.policy.fail_on is FailOn.NEVER
        note = say('It does not fail the job: `fail_on = "never"` in {config}.', config=name(details.config_name))
        return Headline(state=State.RED, line=red_words.sentence(rows, details.program), notes=(note,) if never else ())
    if verdict.outcome is Outcome.NO_BASELINE:
        note = say("This run's measurement becomes one when it is merged to {branch}.", branch=name(details.base_branch))
        return Headline(
            state=State.WHITE,
            line=say("First run: no baseline yet to compare {program} with.", program=name(details.program)),
            notes=(note,),
        )
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return _yellow(verdict, details.program)
    return _green(verdict, rows, candidate, details)


def _yellow(verdict: Verdict, program: str) -> Headline:
    lacking = [c for c in verdict.caveats if c.code in _BLOCKS_AN_INSTRUMENT]
    unsure = with_status(verdict, Status.INCONCLUSIVE)
    causes = [caveat_words.short(c) for c in lacking[:_LIST_AT_MOST]]
    if unsure:
        every = sum(1 for w in verdict.workloads for f in w.findings)
        thresholds = {m.max_regression for _, f in unsure for m in f.measurements}
        what = f"the {fmt.percent(thresholds.pop())} threshold" if len(thresholds) == 1 else "the thresholds"
        causes.append(plain(f"the machine was too noisy for {what} in {len(unsure)} of {every} hot functions and totals"))
    asked = say("Not sure whether {program} got slower", program=name(program))
    line = say("{asked}: {causes}.", asked=asked, causes=listed(causes)) if causes else say("{asked}.", asked=asked)
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


def _accepted(findings: Sequence[Finding], candidate: Bundle) -> Phrase:
    """``Accepted until 2027-01-31: redact_secrets +9.8 % (allowed 12 %): "scrubs two more key formats".`` `findings`: all that
    one accept covers, the heaviest first; it stands for the others."""
    finding = findings[0]
    accept = _accept_of(finding, candidate)
    shown = deciding(finding)
    change = fmt.change(shown.estimate.change) if shown else "slower"
    more = say(" and {left} more", left=f"{len(findings) - 1:,}") if len(findings) > 1 else ()
    what = say("{subject} {change}{more}", subject=subject(finding), change=change, more=more)
    if accept is None:
        by = say(' ("{reason}")', reason=finding.accepted_by) if finding.accepted_by else ()
        return say("Accepted: {what}{by}.", what=what, by=by)
    return say(
        'Accepted until {day}: {what} (allowed {allowed}): "{reason}".',
        day=accept.expires.isoformat(),
        what=what,
        allowed=fmt.percent(accept.up_to),
        reason=accept.reason,
    )


def accepted_sentences(verdict: Verdict, candidate: Bundle) -> tuple[Phrase, ...]:
    """One for each accept that covers something, the heaviest first."""
    by_reason: dict[str | None, list[Finding]] = {}
    for _, finding in with_status(verdict, Status.ACCEPTED):
        by_reason.setdefault(finding.accepted_by, []).append(finding)
    return tuple(_accepted(findings, candidate) for findings in by_reason.values())


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
            "Nothing to measure: {program} is byte for byte the one of {commit}.",
            program=name(details.program),
            commit=short_sha(verdict.baseline_commit),
        )
        return Headline(state=State.GREEN, line=line)
    # under a table the footing says it
    notes = (seen,) if seen and not rows else ()
    fixed = _fixed(verdict, details)
    if fixed:
        return Headline(state=State.GREEN, line=fixed, notes=notes)
    accepted = accepted_sentences(verdict, candidate)
    if accepted:
        also = accepted[1 : 1 + _LIST_AT_MOST]
        left = len(accepted) - 1 - len(also)
        more = (plain(f"{fmt.plural(left, 'more accept')} below."),) if left > 0 else ()
        return Headline(state=State.GREEN, line=accepted[0], notes=(*also, *more, *notes))
    extra = f", {fmt.plural(len(rows), 'thing')} to look at" if rows else ""
    better = len(with_status(verdict, Status.IMPROVEMENT))
    if not rows and better:
        extra = f", {fmt.plural(better, 'improvement')}"
    line = say(
        "No regression in {program}{extra}: {what}", program=name(details.program), extra=extra, what=_what_was_compared(verdict)
    )
    return Headline(state=State.GREEN, line=line, notes=notes)
