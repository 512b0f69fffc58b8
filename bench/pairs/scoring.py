"""A verdict held against what is known of its pair: found or not, rightly named or not, and what really changed.

Pure. What really changed comes from the counts themselves, not from the gate's opinion of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoprof_ci.model import Function, Instrument, Outcome, ReasonCode, Status, Verdict, WorkloadInstructions
from autoprof_ci.pipeline import Judged
from autoprof_ci.report import causes
from bench.pairs.pair import Expected, Pair, PairClass
from bench.pairs.time_rules import flagged

FOUND_FROM_PERCENT = 2.0
"""Work of so many per cent more must be found; less may be."""
EQUAL_TOTAL = 0.003
"""A refactoring whose total instructions differ by more is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RedRow:
    """What one row of the report says."""

    subject: str
    cause: str | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the instruments counted: relative changes of total instructions, of the touched function's (with what it calls where
    that is meant), and of its samples; ``None`` where it was not counted."""

    total: float | None
    touched: float | None
    touched_time: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One pair. `is_fail`: the gate would stop this pull request. `others`: findings that are neither red nor unchanged, as
    ``status subject``. `time_rules`: rule -> whether time alone, by it, would stop it."""

    pair: str
    is_fail: bool
    rows: tuple[RedRow, ...]
    warnings: tuple[str, ...]
    others: tuple[str, ...]
    named: bool
    reasoned: bool
    truth: Truth
    time_rules: Mapping[str, bool]

    @property
    def first(self) -> RedRow | None:
        return self.rows[0] if self.rows else None


def score(pair: Pair, judged: Judged) -> Score:
    verdict = judged.verdict
    every = causes.rows(verdict)
    red = tuple(_row(row) for row in every if row.status is Status.REGRESSION)
    return Score(
        pair=pair.id,
        is_fail=verdict.outcome is Outcome.FAIL,
        rows=red,
        warnings=tuple(row.finding.subject for row in every if row.status is Status.WARNING),
        others=_others(verdict),
        named=bool(red) and pair.expected is not None and _is_named(red[0], pair.expected),
        reasoned=bool(red) and pair.expected is not None and _is_reasoned(red[0], pair.expected),
        truth=_truth(pair, judged),
        time_rules=flagged(judged),
    )


def wrong(pair: Pair, scored: Score) -> str | None:
    """What the gate got wrong by instructions and machine code, in a sentence; ``None`` where it is right."""
    if pair.pair_class in (PairClass.PLACEMENT, PairClass.REFACTORING):
        return f"false alarm: {_told(scored)}" if scored.is_fail else None
    if pair.sees_time_only or pair.percent < FOUND_FROM_PERCENT:
        return None
    if not scored.is_fail:
        return f"not found: {', '.join(scored.others) or 'nothing was said'}"
    if not scored.named:
        return f"another function is named: {_told(scored)}"
    return None if scored.reasoned else f"another reason is given: {_told(scored)}"


def _told(scored: Score) -> str:
    return "; ".join(f"{row.subject} ({', '.join(row.reasons) or 'no reason'}; cause {row.cause})" for row in scored.rows)


def _row(row: causes.Row) -> RedRow:
    return RedRow(
        subject=row.finding.subject,
        cause=row.cause.subject if row.cause else None,
        reasons=tuple(reason.code.value for reason in row.finding.reasons),
    )


def _is_named(row: RedRow, expected: Expected) -> bool:
    return row.subject in expected.names or row.cause in expected.names


def _is_reasoned(row: RedRow, expected: Expected) -> bool:
    return any(ReasonCode(reason) in expected.reasons for reason in row.reasons)


def _others(verdict: Verdict) -> tuple[str, ...]:
    usual = (Status.UNCHANGED, Status.REGRESSION)
    return tuple(
        f"{finding.status} {finding.subject}"
        for workload in verdict.workloads
        for finding in workload.findings
        if finding.status not in usual
    )


def _truth(pair: Pair, judged: Judged) -> Truth:
    if judged.baseline is None or not judged.baseline.recording.instructions:
        return Truth(total=None, touched=None, touched_time=None)
    sides = (judged.baseline.recording.instructions[0], judged.candidate.recording.instructions[0])
    baseline, candidate = (_costs(side) for side in sides)
    total = sum(candidate.values()) / sum(baseline.values()) - 1
    costs = (_inclusive(sides[0]), _inclusive(sides[1])) if pair.inclusive else (baseline, candidate)
    was, now = (side.get(name) for side, name in zip(costs, (pair.touched_before, pair.touched), strict=True))
    return Truth(total=total, touched=now / was - 1 if was and now else None, touched_time=_time_change(pair, judged.verdict))


def _costs(side: WorkloadInstructions) -> dict[str, float]:
    """Function -> self instructions, the mean of the repeats."""
    return {
        function.name: sum(repeat[index] for repeat in side.repeats) / len(side.repeats)
        for index, function in enumerate(side.functions)
    }


def _inclusive(side: WorkloadInstructions) -> dict[str, float]:
    return {function.name: cost for function, cost in zip(side.functions, side.inclusive, strict=True)}


def _time_change(pair: Pair, verdict: Verdict) -> float | None:
    for workload in verdict.workloads:
        for finding in workload.findings:
            if Function(finding.subject, finding.dso).name == pair.touched:
                for measurement in finding.measurements:
                    if measurement.estimate.instrument is Instrument.TIME:
                        return measurement.estimate.change
    return None
