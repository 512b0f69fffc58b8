"""Regressions that somebody answers for: which accepts are in force, and which findings they cover.

Knows the policy's accepts and findings. Reads no clock: the day is an argument.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from autoprof_ci import patterns
from autoprof_ci.model import Accept, Estimate, Finding, Signal, Status


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
