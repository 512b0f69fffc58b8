"""What a report could have seen, and what not: by instrument, in words that claim no more than the numbers do.

Knows the smallest detectable changes in the verdict; judges nothing. The sentence says what is typical, the folded line the
range. The rows of the kernel, of helpers and of code without names are left out: nobody writes a threshold for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_high

from autoprof_ci.model import Finding, Measurement, SubjectKind, Verdict
from autoprof_ci.model.words import Instrument
from autoprof_ci.report import format as fmt
from autoprof_ci.report.bystanders import is_allocator, stands_for_a_file
from autoprof_ci.report.phrase import Phrase, join, say

_LARGE_SHARE = 0.05
_BLIND = 10.0
"""Times as much: whoever could not have seen that saw nothing, and the figure says nothing."""
_COARSER = 2.0
"""Allocators are told apart from where their smallest change is so many times that of other functions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """Smallest detectable changes of one instrument. `totals`: of each workload's whole run. `hot`: of hot functions that are no
    allocator's, `allocators`: of those that are. `large`: of functions above 5 %. `tested`, `blind`: subjects it measured (a
    function in two workloads is two), and those whose own threshold it could not have seen."""

    instrument: Instrument
    tested: int
    blind: int
    totals: tuple[float, ...]
    hot: tuple[float, ...]
    large: tuple[float, ...]
    allocators: tuple[float, ...]


def _smallest(finding: Finding, instrument: Instrument) -> Measurement | None:
    """The measurement by `instrument` that sees most, where that is known."""
    known = [m for m in finding.measurements if m.estimate.instrument is instrument]
    known = [m for m in known if m.estimate.smallest_detectable_change is not None]
    return min(known, key=lambda m: m.estimate.smallest_detectable_change or 0.0, default=None)


def of_instrument(verdict: Verdict, instrument: Instrument) -> Sensitivity | None:
    """``None`` where the instrument was not used or no smallest detectable change is known."""
    totals: list[float] = []
    hot: list[float] = []
    large: list[float] = []
    allocators: list[float] = []
    tested = blind = 0
    for finding in (f for workload in verdict.workloads for f in workload.findings):
        measurement = _smallest(finding, instrument)
        if measurement is None or stands_for_a_file(finding.subject) is not (finding.kind is SubjectKind.TOTAL):
            continue
        smallest = measurement.estimate.smallest_detectable_change or 0.0
        tested += 1
        blind += smallest > measurement.max_regression
        if finding.kind is SubjectKind.TOTAL:
            totals.append(smallest)
        elif finding.kind is SubjectKind.FUNCTION:
            (allocators if is_allocator(finding.subject) else hot).append(smallest)
            if (measurement.estimate.baseline_share or 0.0) >= _LARGE_SHARE:
                large.append(smallest)
    if not totals and not hot and not allocators:
        return None
    return Sensitivity(
        instrument=instrument,
        tested=tested,
        blind=blind,
        totals=tuple(sorted(totals)),
        hot=tuple(sorted(hot)),
        large=tuple(sorted(large)),
        allocators=tuple(sorted(allocators)),
    )


def _change(value: float) -> str:
    return f"over {fmt.change(_BLIND - 1)}" if value > _BLIND - 1 else fmt.change(value)


def _typical(values: Sequence[float]) -> str:
    return _change(median_high(values))


def _range(values: Sequence[float]) -> str:
    low, high = _change(values[0]), _change(values[-1])
    return low if low == high else f"{low} to {high}"


def clause(sensitivity: Sensitivity) -> Phrase:
    """``by instructions +0.3 % in a typical hot function (+8 % in the allocator)``; the whole run and large functions by time."""
    parts: list[str] = []
    if sensitivity.instrument is Instrument.INSTRUCTIONS and sensitivity.hot:
        coarse = sensitivity.allocators and median_high(sensitivity.allocators) > _COARSER * median_high(sensitivity.hot)
        beside = f" ({_typical(sensitivity.allocators)} in the allocator)" if coarse else ""
        parts.append(f"{_typical(sensitivity.hot)} in a typical hot function{beside}")
    elif sensitivity.totals:
        parts.append(f"{_typical(sensitivity.totals)} in the whole run")
        if sensitivity.large:
            parts.append(f"{_typical(sensitivity.large)} in a function above 5 %")
    elif sensitivity.hot or sensitivity.allocators:
        parts.append(f"{_typical(sorted((*sensitivity.hot, *sensitivity.allocators)))} in a typical hot function")
    return say("by {instrument} {parts}", instrument=sensitivity.instrument.value, parts=" and ".join(parts))


def ranges(sensitivity: Sensitivity) -> Phrase:
    """The folded line: each kind of subject from the best seen to the worst, and how many could not show their threshold."""
    workloads = fmt.plural(len(sensitivity.totals), "workload")
    named = (
        (f"the whole run of {workloads}", sensitivity.totals),
        ("functions above 5 %", sensitivity.large),
        ("hot functions", sensitivity.hot),
        ("the allocator", sensitivity.allocators),
    )
    parts = [f"{what} {_range(values)}" for what, values in named if values]
    said = say("by {instrument}: {parts}", instrument=sensitivity.instrument.value, parts=", ".join(parts))
    if not sensitivity.blind:
        return said
    blind, subjects = f"{sensitivity.blind:,}", fmt.plural(sensitivity.tested, "subject")
    return say("{said}; its threshold was out of sight in {blind} of {subjects}", said=said, blind=blind, subjects=subjects)


def sentence(verdict: Verdict) -> Phrase:
    """``It could have seen …``; empty where nothing is known."""
    known = [of_instrument(verdict, i) for i in (Instrument.INSTRUCTIONS, Instrument.TIME, Instrument.MEMORY)]
    clauses = [clause(s) for s in known if s is not None]
    return say("It could have seen {clauses}.", clauses=join(clauses, ", and ")) if clauses else ()
