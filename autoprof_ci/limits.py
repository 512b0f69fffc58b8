"""Which threshold holds for which subject: the instrument's own, unless an override matches first.

Knows the policy. Knows no numbers that were measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from autoprof_ci import patterns
from autoprof_ci.model import Instrument, Override, Policy, Threshold

LARGEST = 1e6
"""A threshold that nothing exceeds, and finite, as every number that is written must be."""
NO_THRESHOLD = Threshold(max_regression=LARGEST, warn=LARGEST, min_share=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """What is held against a threshold: one metric of one instrument in one workload.

    `metric` is ``None`` where only an override without one may match.
    """

    workload: str
    instrument: Instrument
    metric: str | None


def threshold(policy: Policy, subject: str, measure: Measure) -> Threshold:
    """The instrument's threshold with the first matching override's values put in. Without one: nothing can exceed it."""
    own = policy.thresholds.get(measure.instrument, NO_THRESHOLD)
    for override in policy.overrides:
        if _applies(override, subject, measure):
            own = Threshold(
                max_regression=_given(override.max_regression, own.max_regression),
                warn=_given(override.warn, own.warn),
                min_share=_given(override.min_share, own.min_share),
            )
            break
    if max(own.max_regression, own.warn) <= LARGEST:
        return own
    return replace(own, max_regression=min(own.max_regression, LARGEST), warn=min(own.warn, LARGEST))


def _applies(override: Override, subject: str, measure: Measure) -> bool:
    return (
        override.workload in (None, measure.workload)
        and override.instrument in (None, measure.instrument)
        and override.metric in (None, measure.metric)
        and patterns.matcher(override.match)(subject)
    )


def _given(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else value
