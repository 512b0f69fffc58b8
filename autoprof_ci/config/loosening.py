"""What a pull request loosens: one policy held against another. Knows how overrides apply; not who fails.

Two lists of patterns cannot be compared as such. So every pattern of either policy is tried as a name (its stars filled in), for
every instrument: what such a name would be allowed under both policies is compared. That sees overrides that come, go, change
or move.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from autoprof_ci import limits
from autoprof_ci.limits import Measure
from autoprof_ci.model import FailOn, Instrument, Override, Policy, Threshold

STRICTEST_FIRST = (FailOn.INCONCLUSIVE, FailOn.REGRESSION, FailOn.NEVER)
LIMITS = {"max_regression_percent": "max_regression", "warn_percent": "warn", "min_share_percent": "min_share"}
MOST_TOLD = 12
ANY_OTHER = "(any other)"
STAR_FILLED = "(any)"


def loosened(baseline: Policy, candidate: Policy) -> tuple[str, ...]:
    """What `candidate` allows that `baseline` does not: one phrase each, in the words of the TOML. Accepts are not among them."""
    told = dict.fromkeys(islice(chain(_whole_report(baseline, candidate), _limits(baseline, candidate)), MOST_TOLD + 1))
    return (*list(told)[:MOST_TOLD], *(["and more"] if len(told) > MOST_TOLD else []))


def _whole_report(baseline: Policy, candidate: Policy) -> Iterator[str]:
    if candidate.false_alarm_rate < baseline.false_alarm_rate:
        yield f"false_alarm_rate {baseline.false_alarm_rate:g} -> {candidate.false_alarm_rate:g}"
    if STRICTEST_FIRST.index(candidate.fail_on) > STRICTEST_FIRST.index(baseline.fail_on):
        yield f"fail_on {baseline.fail_on.value} -> {candidate.fail_on.value}"
    kept = {group.name for group in candidate.groups}
    for group in baseline.groups:
        if group.name not in kept:
            yield f"group {group.name} removed"


def _limits(baseline: Policy, candidate: Policy) -> Iterator[str]:
    instruments = [known for known in Instrument if known in baseline.thresholds and known in candidate.thresholds]
    general = {known: dict(_raised(baseline.thresholds[known], candidate.thresholds[known])) for known in instruments}
    for instrument, raised in general.items():
        for key, change in raised.items():
            yield f"thresholds.{instrument.value}.{key} {change}"
    for pattern, override in _patterns((*baseline.overrides, *candidate.overrides)):
        changes: dict[str, list[str]] = {}
        for instrument in (known for known in instruments if override.instrument in (None, known)):
            tried = _tried(override, instrument)
            for key, change in _raised(_limits_of(baseline, pattern, tried), _limits_of(candidate, pattern, tried)):
                # A name without an override of its own follows the general limit, which has been told.
                if general[instrument].get(key) != change:
                    changes.setdefault(key, []).append(f"{instrument.value} {change}")
        where = f" in {override.workload}" if override.workload else ""
        for key, told in changes.items():
            yield f"{key} of {pattern}{where} ({', '.join(told)})"


def _raised(baseline: Threshold, candidate: Threshold) -> Iterator[tuple[str, str]]:
    """The looser limits. A warning limit that rose along with what fails is not worth a word."""
    raised = {
        key: f"{getattr(baseline, field) * 100:.6g} -> {getattr(candidate, field) * 100:.6g}"
        for key, field in LIMITS.items()
        if getattr(candidate, field) > getattr(baseline, field) * (1 + 1e-9)
    }
    if "max_regression_percent" in raised:
        raised.pop("warn_percent", None)
    yield from raised.items()


def _patterns(overrides: Iterable[Override]) -> Iterator[tuple[str, Override]]:
    for override in overrides:
        for pattern in override.match:
            yield pattern, override


def _limits_of(policy: Policy, pattern: str, measure: Measure) -> Threshold:
    return limits.threshold(policy, pattern.replace("*", STAR_FILLED), measure)


def _tried(override: Override, instrument: Instrument) -> Measure:
    return Measure(workload=override.workload or ANY_OTHER, instrument=instrument, metric=override.metric)
