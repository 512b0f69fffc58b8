"""Which of a finding's numbers counts, and how heavy it is. Knows the verdict's values; no wording and no markup."""

from __future__ import annotations

from autoprof_ci.model import Estimate, Finding, Measurement, Reason, Signal, Status, SubjectKind
from autoprof_ci.model.words import Instrument

_INSTRUMENT_ORDER = {Instrument.TIME: 0, Instrument.INSTRUCTIONS: 1, Instrument.MEMORY: 2}


def deciding(finding: Finding) -> Measurement | None:
    """The measurement a reader is shown: the one whose signal made the status, time before instructions before memory."""
    wanted = Signal.LESS if finding.status is Status.IMPROVEMENT else Signal.MORE
    # what one instrument did not see before is not new where another saw it
    known = any(m.estimate.baseline for m in finding.measurements)
    ordered = sorted(
        finding.measurements,
        key=lambda m: (known and not m.estimate.baseline, _INSTRUMENT_ORDER[m.estimate.instrument]),
    )
    for accepted in ((wanted,), (Signal.MORE, Signal.LESS), (Signal.SAME,), (Signal.UNSEEN,)):
        for measurement in ordered:
            if measurement.signal in accepted:
                return measurement
    return None


def agreeing(finding: Finding) -> tuple[Measurement, ...]:
    """What other instruments say that see the same change as the deciding one, each beyond its own threshold."""
    shown = deciding(finding)
    if shown is None or shown.signal not in (Signal.MORE, Signal.LESS):
        return ()
    return tuple(m for m in finding.measurements if m is not shown and m.signal is shown.signal and m.estimate.change is not None)


def increase(estimate: Estimate) -> float:
    """Candidate less baseline, in the estimate's unit; absent counts as nothing."""
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


def same_measure(finding: Finding, like: Estimate) -> float:
    """How much `finding` grew by the measure of `like`; 0 where it has none."""
    for measurement in finding.measurements:
        estimate = measurement.estimate
        # instructions with what was asked of allocators, or without, are one measure
        same = estimate.metric == like.metric or estimate.instrument is Instrument.INSTRUCTIONS
        if same and (estimate.instrument, estimate.unit) == (like.instrument, like.unit):
            return increase(estimate)
    return 0.0


def main_member(reason: Reason) -> tuple[str, float | None]:
    """Name of the member that explains a sum, and its part of the sum's growth: ``Compiler::c 0.96`` in the reason's detail."""
    name, _, part = reason.detail.rpartition(" ")
    try:
        return (name, float(part)) if name else (reason.detail, None)
    except ValueError:
        return reason.detail, None
