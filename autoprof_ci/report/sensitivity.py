"""What a report could have seen, and what not: by instrument, in words that claim no more than the numbers do.

Knows the smallest detectable changes in the verdict; judges nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoprof_ci.model import Measurement, SubjectKind, Verdict
from autoprof_ci.model.words import Instrument
from autoprof_ci.report import format as fmt
from autoprof_ci.report.phrase import Phrase, join, plain, say

_LARGE_SHARE = 0.05
_NEARLY_ALL = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Of one instrument. `total`: smallest change of a whole run, of the worst workload. `large`: the same of functions above
    5 %.
    `nearly_all`: what nine of ten tested functions would have shown. `blind`: subjects whose own threshold could not be seen."""

    instrument: Instrument
    tested: int
    blind: int
    total: float | None
    large: float | None
    nearly_all: float | None


def _share(measurement: Measurement) -> float:
    estimate = measurement.estimate
    return estimate.baseline_share or 0.0


def _quantile(values: Sequence[float], part: float) -> float | None:
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def of_instrument(verdict: Verdict, instrument: Instrument) -> Sensitivity | None:
    """``None`` where the instrument was not used or no smallest detectable change is known."""
    totals: list[float] = []
    functions: list[float] = []
    large: list[float] = []
    blind = 0
    for workload in verdict.workloads:
        for finding in workload.findings:
            for measurement in finding.measurements:
                smallest = measurement.estimate.smallest_detectable_change
                if measurement.estimate.instrument is not instrument or smallest is None:
                    continue
                blind += smallest > measurement.max_regression
                if finding.kind is SubjectKind.TOTAL:
                    totals.append(smallest)
                elif finding.kind is SubjectKind.FUNCTION:
                    functions.append(smallest)
                    if _share(measurement) >= _LARGE_SHARE:
                        large.append(smallest)
    if not totals and not functions:
        return None
    return Sensitivity(
        instrument=instrument,
        tested=len(totals) + len(functions),
        blind=blind,
        total=max(totals, default=None),
        large=max(large, default=None),
        nearly_all=_quantile(functions, _NEARLY_ALL),
    )


def _sharp(sensitivity: Sensitivity) -> bool:
    """Whether single functions are seen so well that the whole run needs no mention."""
    return sensitivity.instrument is Instrument.INSTRUCTIONS


def _at_least(ratio: float) -> str:
    return f"+{fmt.percent(ratio)}"


def clause(sensitivity: Sensitivity) -> Phrase:
    """``+0.5 % in nine of ten hot functions by instructions``; the whole run and large functions by time."""
    parts: list[Phrase] = []
    if sensitivity.total is not None and not (_sharp(sensitivity) and sensitivity.nearly_all is not None):
        parts.append(plain(f"{_at_least(sensitivity.total)} of the whole run"))
    if sensitivity.large is not None and not _sharp(sensitivity):
        parts.append(plain(f"{_at_least(sensitivity.large)} of a function above 5 %"))
    if (_sharp(sensitivity) or not parts) and sensitivity.nearly_all is not None:
        parts.append(plain(f"{_at_least(sensitivity.nearly_all)} in nine of ten hot functions"))
    return say("{parts} by {instrument}", instrument=sensitivity.instrument.value, parts=join(parts, " and "))


def sentence(verdict: Verdict) -> Phrase:
    """``It could have seen …``; empty where nothing is known."""
    known = [of_instrument(verdict, i) for i in (Instrument.INSTRUCTIONS, Instrument.TIME, Instrument.MEMORY)]
    clauses = [clause(s) for s in known if s is not None]
    return say("It could have seen {clauses}.", clauses=join(clauses, "; ")) if clauses else ()
