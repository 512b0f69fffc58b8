"""The first line: the verdict in one sentence that is enough for a reader with five seconds.

Knows the verdict and the rows; the sentence of every outcome is here, but for that of a regression (`red_words`) and of none
(`green_words`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoprof_ci.model import Bundle, CaveatCode, FailOn, Outcome, Status, Verdict
from autoprof_ci.report import caveat_words, green_words, red_words, sensitivity
from autoprof_ci.report import format as fmt
from autoprof_ci.report.causes import Row, with_status
from autoprof_ci.report.details import Details, Occasion
from autoprof_ci.report.green_words import LIST_AT_MOST
from autoprof_ci.report.phrase import Phrase, join, listed, name, plain, say
from autoprof_ci.report.story import State
from autoprof_ci.report.wording import baseline, short_sha

_LEAVES_IT_OPEN = (
    CaveatCode.INSTRUCTIONS_UNAVAILABLE,
    CaveatCode.INSTRUCTIONS_SKIPPED,
    CaveatCode.TIME_UNAVAILABLE,
    CaveatCode.BASELINE_INCOMPATIBLE,
    CaveatCode.MACHINE_DIFFERS,
    CaveatCode.TOTALS_NOT_JUDGED,
    CaveatCode.WORKLOAD_LEFT_OUT,
)
_THERE_WAS_A_BASELINE = (
    CaveatCode.WORKLOAD_FAILS_ON_BASELINE,
    CaveatCode.WORKLOAD_CHANGED,
    CaveatCode.BASELINE_INCOMPATIBLE,
    CaveatCode.NOT_INTERLEAVED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The state, the first line, and the lines that belong right under it."""

    state: State
    line: Phrase
    notes: tuple[Phrase, ...] = ()


def headline(verdict: Verdict, rows: Sequence[Row], candidate: Bundle | None, details: Details) -> Headline:
    """The headline of any verdict. Without `candidate` the sentence of an accept says less."""
    if verdict.outcome is Outcome.FAIL or any(row.status is Status.REGRESSION for row in rows):
        notes = (say("It does not fail the job: {why}.", why=_fail_on(FailOn.NEVER, details)),)
        never = _effective(candidate, details) is FailOn.NEVER
        return Headline(state=State.RED, line=red_words.sentence(rows, details.program), notes=notes if never else ())
    if verdict.outcome is Outcome.NO_BASELINE:
        return _white(verdict, details)
    if verdict.outcome is Outcome.INCONCLUSIVE:
        return _yellow(verdict, candidate, details)
    return _green(verdict, rows, candidate, details)


def _effective(candidate: Bundle | None, details: Details) -> FailOn | None:
    settings = candidate.policy.fail_on if candidate is not None and candidate.policy is not None else None
    return details.fail_on or settings


def _fail_on(value: FailOn, details: Details) -> Phrase:
    """``fail_on = "never"`` and who says so: the settings, or the Action's input above them."""
    if details.fail_on is value:
        return say("{setting} in the workflow", setting=name(f"fail_on: {value.value}"))
    return say("{setting} in {config}", setting=name(f'fail_on = "{value.value}"'), config=name(details.config_name))


def _white(verdict: Verdict, details: Details) -> Headline:
    """Nothing to compare with: a first run, a baseline that is lost, or one that shares no workload with this run."""
    program = name(details.program)
    if details.unrecorded is not None:
        line = say("No baseline recorded: {program} was measured, and the result could not be stored.", program=program)
        notes: tuple[Phrase, ...] = (plain(details.unrecorded),)
    elif details.occasion is Occasion.RECORD:
        workloads = plain(fmt.plural(len(verdict.workloads), "workload"))
        line = say("Baseline recorded: {program}, {workloads}.", program=program, workloads=workloads)
        notes = (say("Pull requests to {b} are held against it.", b=name(details.base_branch)),)
    elif verdict.baseline_commit is not None or any(caveat.code in _THERE_WAS_A_BASELINE for caveat in verdict.caveats):
        line = say("Nothing could be compared: {why}.", why=_nothing_shared(verdict))
        notes = (_how_one_is_made(details, "the next baseline"),)
    elif details.no_baseline is not None:
        line = say("Nothing to compare {program} with: the baseline is missing.", program=program)
        notes = (plain(details.no_baseline),)
    else:
        line = say("First run: no baseline yet to compare {program} with.", program=program)
        notes = (_how_one_is_made(details, "one"),)
    return Headline(state=State.WHITE, line=line, notes=notes)


def _how_one_is_made(details: Details, what: str) -> Phrase:
    """`what`: a baseline. On a laptop nothing is pushed."""
    if details.run_url is None:
        return say("{command} makes {what}.", command=name("autoprof-ci record"), what=what)
    return say("The next push to {b} with this workflow records {what}.", b=name(details.base_branch), what=what)


def _nothing_shared(verdict: Verdict) -> Phrase:
    failing = [c.detail for c in verdict.caveats if c.code is CaveatCode.WORKLOAD_FAILS_ON_BASELINE and c.detail]
    if not failing:
        return say("{commit} shares no workload with this run", commit=short_sha(verdict.baseline_commit))
    named = [name(fmt.shorten(workload, 40)) for workload in failing[:LIST_AT_MOST]]
    left = len(failing) - len(named)
    where = listed([*named, *([plain(fmt.plural(left, "more workload"))] if left else [])])
    return say("the program of {commit} fails in {where}", commit=short_sha(verdict.baseline_commit), where=where)


def _yellow(verdict: Verdict, candidate: Bundle | None, details: Details) -> Headline:
    lacking = [*{c.code: c for c in reversed(verdict.caveats) if c.code in _LEAVES_IT_OPEN}.values()][::-1]
    unsure = with_status(verdict, Status.INCONCLUSIVE)
    causes = [caveat_words.short(c) for c in lacking[:LIST_AT_MOST]]
    if unsure:
        every = sum(1 for w in verdict.workloads for f in w.findings)
        thresholds = {m.max_regression for _, f in unsure for m in f.measurements}
        what = f"the {fmt.percent(thresholds.pop())} threshold" if len(thresholds) == 1 else "the thresholds"
        causes.append(plain(f"the machine was too noisy for {what} in {len(unsure)} of {every} hot functions and totals"))
    asked = say("Not sure whether {program} got slower", program=name(details.program))
    line = say("{asked}: {causes}.", asked=asked, causes=listed(causes)) if causes else say("{asked}.", asked=asked)
    # what is said below with a name in it need not be said twice
    told = [c for c in lacking if c.code is not CaveatCode.WORKLOAD_LEFT_OUT]
    steps = [say(step) for c in told if (step := caveat_words.CAVEATS[c.code].next_step) is not None]
    if not steps and (unsure or not lacking):
        steps = [say("More `runs`, a longer `min_run_seconds`, a group over the functions, or counting instructions.")]
    notes = [say("What helps: {steps}", steps=join(steps, " "))] if steps else []
    if _effective(candidate, details) is FailOn.INCONCLUSIVE:
        notes.insert(0, say("This fails the job: {why}.", why=_fail_on(FailOn.INCONCLUSIVE, details)))
    return Headline(state=State.YELLOW, line=line, notes=tuple(notes))


def _green(verdict: Verdict, rows: Sequence[Row], candidate: Bundle | None, details: Details) -> Headline:
    if any(caveat.code is CaveatCode.IDENTICAL_PROGRAMS for caveat in verdict.caveats) and not rows:
        return Headline(state=State.GREEN, line=green_words.nothing_to_measure(verdict, details))
    against = say("Against {baseline}.", baseline=baseline(verdict.baseline_commit, details.behind))
    seen = sensitivity.sentence(verdict)
    # under a table the footing says both
    notes = tuple(filter(None, (against if verdict.baseline_commit else (), seen))) if not rows else ()
    fixed = green_words.fixed(verdict, details)
    accepted = green_words.accepted(verdict, candidate)
    if accepted:
        also = accepted[1 : 1 + LIST_AT_MOST]
        left = len(accepted) - 1 - len(also)
        more = (plain(f"{fmt.plural(left, 'more accept')} below."),) if left > 0 else ()
        state = State.YELLOW if green_words.asks_for_review(verdict) else State.GREEN
        return Headline(state=state, line=accepted[0], notes=(*filter(None, (fixed,)), *also, *more, *notes))
    if fixed:
        return Headline(state=State.GREEN, line=fixed, notes=notes)
    extra = f", {fmt.plural(len(rows), 'thing')} to look at" if rows else ""
    better = len(with_status(verdict, Status.IMPROVEMENT))
    if not rows and better:
        extra = f", {fmt.plural(better, 'improvement')}"
    line = say(
        "No regression in {program}{extra}: {what}",
        program=name(details.program),
        extra=extra,
        what=green_words.what_was_compared(verdict, details),
    )
    return Headline(state=State.GREEN, line=line, notes=(seen,) if seen and not rows else ())
