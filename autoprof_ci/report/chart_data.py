"""Which numbers a chart shows: chosen and put in the reader's unit here, drawn elsewhere. Standard library only.

Knows the verdict and the runs of the bundles; knows nothing of pictures.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from autoprof_ci.model import Bundle, Estimate, Finding, Function, Samples, Signal, Status, SubjectKind, Verdict, WorkloadVerdict
from autoprof_ci.model.words import TOTAL_NAME, Instrument
from autoprof_ci.report.causes import Row
from autoprof_ci.report.sizes import impact

CHART_FUNCTIONS = 12
STRIP_FUNCTIONS = 8
_PREFERRED = (Instrument.TIME, Instrument.INSTRUCTIONS, Instrument.MEMORY)


def slug(text: str) -> str:
    """`text` as a part of a file name; different texts stay different."""
    safe = re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:40]
    return safe if text and safe == text else f"{safe or 'workload'}-{sha256(text.encode('utf-8', 'replace')).hexdigest()[:6]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One function on both sides, per start. `low` and `high`: the candidate's interval, from the interval of the change."""

    name: str
    status: Status
    baseline: float | None
    candidate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bars:
    """What the chart of hot functions shows of one workload; `left_out` functions are smaller than the last one shown."""

    workload: str
    instrument: Instrument
    unit: str
    bars: tuple[Bar, ...]
    left_out: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Strip:
    """The runs of one function in time order, per start: `(order, value)` of each side."""

    name: str
    unit: str
    baseline: tuple[tuple[int, float], ...]
    candidate: tuple[tuple[int, float], ...]


def pick_workload(verdict: Verdict, rows: Sequence[Row]) -> WorkloadVerdict | None:
    """The workload of the first row; the first one with findings where there are no rows."""
    wanted = rows[0].workload if rows else next((w.name for w in verdict.workloads if w.findings), None)
    return next((w for w in verdict.workloads if w.name == wanted), None)


def _estimate(finding: Finding, instrument: Instrument) -> Estimate | None:
    return next((m.estimate for m in finding.measurements if m.estimate.instrument is instrument), None)


def _instrument_of(functions: Sequence[Finding]) -> Instrument | None:
    """Time, unless what regressed was seen by another instrument only: bars that hide it would belie the words beside them."""
    sized = [i for i in _PREFERRED if any(_has_size(_estimate(f, i)) for f in functions)]
    worse = [m for f in functions if f.status is Status.REGRESSION for m in f.measurements if m.signal is Signal.MORE]
    seen_by = {m.estimate.instrument for m in worse}
    return next((i for i in sized if i in seen_by), sized[0] if sized else None)


def _has_size(estimate: Estimate | None) -> bool:
    return estimate is not None and (estimate.baseline is not None or estimate.candidate is not None)


def _bar(finding: Finding, estimate: Estimate) -> Bar:
    low = high = None
    if estimate.baseline is not None and estimate.ci_low is not None and estimate.ci_high is not None:
        low, high = estimate.baseline * (1 + estimate.ci_low), estimate.baseline * (1 + estimate.ci_high)
    return Bar(
        name=finding.subject,
        status=finding.status,
        baseline=estimate.baseline,
        candidate=estimate.candidate,
        low=low,
        high=high,
    )


def _size(estimate: Estimate) -> float:
    return max(estimate.baseline or 0.0, estimate.candidate or 0.0)


def hot_functions(
    workload: WorkloadVerdict, at_most: int = CHART_FUNCTIONS, first: Sequence[str] = (), by: Instrument | None = None
) -> Bars | None:
    """The largest functions of `workload`, before them those named in `first` and those that regressed; ``None`` where no
    function has a size. `by`: the instrument, where not the one that says most."""
    functions = [f for f in workload.findings if f.kind is SubjectKind.FUNCTION]
    instrument = _instrument_of(functions) if by is None else by
    if instrument is None:
        return None
    sized = [(f, e) for f in functions if (e := _estimate(f, instrument)) is not None and _has_size(e)]
    if not sized:
        return None
    worse = {Status.REGRESSION: 0, Status.WARNING: 1}
    sized.sort(
        key=lambda pair: (
            pair[0].subject not in first,
            worse.get(pair[0].status, 2),
            -impact(pair[0]) if pair[0].status in worse else 0,
            -_size(pair[1]),
        )
    )
    chosen = sorted(sized[:at_most], key=lambda pair: -_size(pair[1]))
    return Bars(
        workload=workload.name,
        instrument=instrument,
        unit=chosen[0][1].unit,
        bars=tuple(_bar(f, e) for f, e in chosen),
        left_out=len(sized) - len(chosen),
    )


def _per_start(samples: Samples | None, workload: str, function: Function) -> tuple[tuple[int, float], ...]:
    """The runs of `function` in `workload` as (block × 4 + position, value per start)."""
    if samples is None:
        return ()
    found = next((w for w in samples.workloads if w.name == workload), None)
    if found is None:
        return ()
    index = next((i for i, known in enumerate(found.functions) if known == function), None)
    period = 1.0 if samples.period_s is None else samples.period_s
    rows = []
    for run in found.runs:
        count = sum(run.counts) if function.name == TOTAL_NAME else (run.counts[index] if index is not None else 0.0)
        rows.append((run.block * 4 + run.position, count * period / max(1, found.starts)))
    return tuple(sorted(rows))


def strips(workload: WorkloadVerdict, baseline: Bundle | None, candidate: Bundle) -> tuple[Strip, ...]:
    """Every run of the functions that regressed, the heaviest first; empty where time was not measured."""
    samples = candidate.recording.samples
    if samples is None or baseline is None:
        return ()
    worse = [f for f in workload.findings if f.status in (Status.REGRESSION, Status.WARNING) and f.kind is not SubjectKind.GROUP]
    worse.sort(key=lambda f: (f.status is not Status.REGRESSION, -impact(f), f.subject))
    made = []
    for finding in worse[:STRIP_FUNCTIONS]:
        key = Function(finding.subject, finding.dso)
        strip = Strip(
            name=finding.subject,
            unit="samples" if samples.period_s is None else "s",
            baseline=_per_start(baseline.recording.samples, workload.name, key),
            candidate=_per_start(samples, workload.name, key),
        )
        if strip.candidate or strip.baseline:
            made.append(strip)
    return tuple(made)
