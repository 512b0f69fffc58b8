"""Regressions that somebody answers for: which accepts are in force, which findings they cover, which nobody has reviewed yet.

Knows the policy's accepts and findings. Reads no clock: the day is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from autoprof_ci import patterns
from autoprof_ci.model import Accept, Caveat, CaveatCode, Estimate, Finding, Policy, Signal, Status

MOST_PROPOSED = 50
_MOST_PATTERNS = 100
_LONGEST_PATTERNS = 10_000
_LONGEST_REASON = 2_000
_LARGEST = 1_000.0
"""What ``autoprof.toml`` allows: 100000 per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InForce:
    """`expired` ones are ignored and told; those that the baseline holds already did their work and are neither."""

    valid: tuple[Accept, ...]
    expired: tuple[Accept, ...]


def in_force(proposed: tuple[Accept, ...], of_baseline: tuple[Accept, ...], today: date) -> InForce:
    """An accept counts up to and including its last day, and only while the baseline does not hold the same one."""
    used = {_identity(accept) for accept in of_baseline}
    fresh = [accept for accept in proposed if _identity(accept) not in used]
    return InForce(
        valid=tuple(accept for accept in fresh if accept.expires >= today),
        expired=tuple(accept for accept in fresh if accept.expires < today),
    )


def with_proposed(policy: Policy, candidate: Policy | None) -> tuple[Policy, tuple[Caveat, ...]]:
    """`policy`, the base branch's own, with the accepts that only the candidate's has: a pull request may propose some, and its
    reviewer is told of each. Nothing else of `candidate` counts.

    `candidate` may be written by anybody: at most `MOST_PROPOSED` accepts are taken, of a form that the TOML allows. What is left
    out is told too, and lets nothing pass.
    """
    if candidate is None:
        return policy, ()
    known = {(_identity(accept), accept.expires) for accept in policy.accepts}
    proposed = {(_identity(a), a.expires): a for a in candidate.accepts if (_identity(a), a.expires) not in known}
    valid = [accept for accept in proposed.values() if _is_valid(accept)]
    taken = tuple(valid[:MOST_PROPOSED])
    told = [Caveat(code=CaveatCode.ACCEPT_REVIEW, detail=_proposal(accept)) for accept in taken]
    left = len(proposed) - len(taken)
    if left:
        told.append(Caveat(code=CaveatCode.ACCEPT_REVIEW, detail=f"{left} more left out, too many or not valid"))
    return replace(policy, accepts=(*policy.accepts, *taken)), tuple(told)


def _is_valid(accept: Accept) -> bool:
    return (
        0 < accept.up_to <= _LARGEST
        and 0 < len(accept.match) <= _MOST_PATTERNS
        and all(accept.match)
        and sum(map(len, accept.match)) <= _LONGEST_PATTERNS
        and bool(accept.reason.strip())
        and len(accept.reason) <= _LONGEST_REASON
    )


def _proposal(accept: Accept) -> str:
    """``autopilot::redact::* by up to 12 %: scrubs two more key formats``; the reason whole, since a report looks for it."""
    where = f" in {accept.workload}" if accept.workload else ""
    return f"{', '.join(accept.match)}{where} by up to {accept.up_to * 100:.6g} %: {accept.reason}"


def apply(finding: Finding, workload: str, valid: tuple[Accept, ...]) -> Finding:
    """A regression all of whose signals lie within accepts is `accepted`; one signal beyond, and it stays a regression.

    What `up_to` limits is the change; of an added function, which has none, its share of the workload's total.
    """
    if finding.status is not Status.REGRESSION:
        return finding
    signalling = [m for m in finding.measurements if m.signal is Signal.MORE]
    covering = [_covering(finding.subject, workload, m.estimate, valid) for m in signalling]
    if not covering or any(accept is None for accept in covering):
        return finding
    reasons = dict.fromkeys(accept.reason for accept in covering if accept is not None)
    return replace(finding, status=Status.ACCEPTED, accepted_by="; ".join(reasons))


def _covering(subject: str, workload: str, estimate: Estimate, valid: tuple[Accept, ...]) -> Accept | None:
    size = estimate.change if estimate.baseline else estimate.candidate_share
    for accept in valid:
        if accept.workload not in (None, workload) or accept.instrument not in (None, estimate.instrument):
            continue
        if size is not None and size <= accept.up_to and patterns.matcher(accept.match)(subject):
            return accept
    return None


def _identity(accept: Accept) -> tuple[object, ...]:
    return accept.match, accept.workload, accept.instrument, accept.up_to
