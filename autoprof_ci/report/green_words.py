"""The first line of a report that found no regression: what was accepted, what is fixed, or what was compared.

Knows the verdict, and which regressions the comment before this one told of. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from autoprof_ci.model import Accept, Bundle, CaveatCode, Finding, Status, SubjectKind, Verdict, WorkloadState
from autoprof_ci.model.words import TOTAL_NAME
from autoprof_ci.report import format as fmt
from autoprof_ci.report import wording
from autoprof_ci.report.causes import with_status
from autoprof_ci.report.details import Details
from autoprof_ci.report.phrase import Phrase, emphasis, listed, name, plain, say
from autoprof_ci.report.sizes import deciding

LIST_AT_MOST = 2
_NAME_WIDTH = 40
_NOT_FIXED = (Status.REGRESSION, Status.WARNING, Status.ACCEPTED, Status.INCONCLUSIVE)


def _accept_of(finding: Finding, candidate: Bundle | None) -> Accept | None:
    if finding.accepted_by is None or candidate is None or candidate.policy is None:
        return None
    # several accepts together may cover one finding: the first that is named then stands for all
    named = finding.accepted_by.split("; ")
    return next((accept for accept in candidate.policy.accepts if accept.reason in (finding.accepted_by, *named)), None)


def _for_review(finding: Finding, verdict: Verdict) -> bool:
    """Whether an accept that nobody has reviewed may be what lets `finding` through."""
    proposed = [caveat.detail for caveat in verdict.caveats if caveat.code is CaveatCode.ACCEPT_REVIEW]
    # several reasons stand in one text, and who writes a reason may write the separator too: so a part of it is enough
    return any(reason in detail for detail in proposed for reason in (finding.accepted_by or "").split("; "))


def asks_for_review(verdict: Verdict) -> bool:
    """Whether something passes only by an accept that nobody has reviewed."""
    return any(_for_review(finding, verdict) for _, finding in with_status(verdict, Status.ACCEPTED))


def _accepted(findings: Sequence[Finding], verdict: Verdict, candidate: Bundle | None) -> Phrase:
    """``Accepted until 2027-01-31: redact_secrets +9.8 % (allowed 12 %): "scrubs two more key formats".`` `findings`: all that
    one accept covers, the heaviest first; it stands for the others."""
    finding = findings[0]
    accept = _accept_of(finding, candidate)
    shown = deciding(finding)
    change = fmt.change(shown.estimate.change) if shown else "slower"
    more = say(" and {left} more", left=f"{len(findings) - 1:,}") if len(findings) > 1 else ()
    what = say("{subject} {change}{more}", subject=wording.subject(finding), change=change, more=more)
    review = _for_review(finding, verdict)
    by_whom = "Accepted by this pull request, please review" if review else "Accepted"
    if accept is None:
        by = say(' ("{reason}")', reason=finding.accepted_by) if finding.accepted_by else ()
        return say("{by_whom}: {what}{by}.", by_whom=by_whom, what=what, by=by)
    return say(
        '{by_whom}: {what} (allowed {allowed}): "{reason}".',
        by_whom=by_whom if review else f"Accepted until {accept.expires.isoformat()}",
        what=what,
        allowed=fmt.percent(accept.up_to),
        reason=accept.reason,
    )


def accepted(verdict: Verdict, candidate: Bundle | None) -> tuple[Phrase, ...]:
    """One sentence for each accept that covers something: those to be reviewed first, then the heaviest."""
    by_reason: dict[str | None, list[Finding]] = {}
    for _, finding in with_status(verdict, Status.ACCEPTED):
        by_reason.setdefault(finding.accepted_by, []).append(finding)
    groups = sorted(by_reason.values(), key=lambda findings: not _for_review(findings[0], verdict))
    return tuple(_accepted(findings, verdict, candidate) for findings in groups)


def _back(previous: str, verdict: Verdict) -> Phrase:
    """What became of a ``WORKLOAD/SUBJECT`` that was called a regression; empty where it is not fixed."""
    workload_name, _, subject = previous.partition("/")
    workload = next((w for w in verdict.workloads if w.name == workload_name), None)
    if workload is not None and workload.state is not WorkloadState.COMPARED:
        return ()
    if not subject:
        return ()
    told = emphasis("the whole run") if subject == TOTAL_NAME else name(fmt.shorten(subject, _NAME_WIDTH))
    if workload is None:
        return say("{subject} is no longer measured", subject=told)
    found = [finding for finding in workload.findings if finding.subject == subject]
    if any(finding.status in _NOT_FIXED for finding in found):
        return ()
    if not found or found[0].status is Status.REMOVED:
        return say("{subject} is no longer hot", subject=told)
    shown = deciding(found[0])
    size = shown.estimate.candidate if shown else None
    now = fmt.quantity(size, shown.estimate.unit) if shown is not None and size is not None else ""
    told = say("{subject} is back at {now}" if now else "{subject} is back", subject=wording.subject(found[0]), now=now)
    several = sum(1 for w in verdict.workloads if w.state is WorkloadState.COMPARED) > 1
    return say("{told} in {workload}", told=told, workload=name(fmt.shorten(workload_name, _NAME_WIDTH))) if several else told


def fixed(verdict: Verdict, details: Details) -> Phrase:
    """What the comment before this one called a regression, and is none now; empty where nothing is."""
    told = [phrase for previous in details.previous_regressions if (phrase := _back(previous, verdict))]
    left = len(told) - LIST_AT_MOST
    named = told[:LIST_AT_MOST] + ([plain(f"{left:,} more")] if left > 0 else [])
    return say("Fixed: {told}.", told=listed(named)) if named else ()


def what_was_compared(verdict: Verdict, details: Details) -> Phrase:
    """``3 workloads, 61 hot functions, against 1a2b3c4 (merge base)``."""
    compared = [w for w in verdict.workloads if w.state is WorkloadState.COMPARED]
    functions = sum(1 for w in compared for f in w.findings if f.kind is SubjectKind.FUNCTION)
    return say(
        "{workloads}, {functions}, against {baseline}",
        workloads=fmt.plural(len(compared), "workload"),
        functions=fmt.plural(functions, "hot function"),
        baseline=wording.baseline(verdict.baseline_commit, details.behind),
    )


def nothing_to_measure(verdict: Verdict, details: Details) -> Phrase:
    """Both programs are the same."""
    template = (
        "Nothing to measure: {program} does the same as that of {baseline}; at most build ids, notes, debug information and the "
        "line numbers of panic messages differ."
    )
    if details.previous_regressions:
        template = "Fixed: {program} does the same as that of {baseline} again."
    return say(template, program=name(details.program), baseline=wording.baseline(verdict.baseline_commit, details.behind))
