"""From the numbers of one instrument in one workload to an `Estimate` of every subject.

Knows how a contrast in logarithms becomes the ratios, seconds and shares that the vocabulary speaks of. Knows no other
workload: `Drafts` waits for the family of all tests before it gives out its estimates.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

from autoprof_ci.analysis import heap, instructions, interleaved, selftime, tables
from autoprof_ci.analysis.callgraph import Cost
from autoprof_ci.analysis.significance import Contrast, Floats
from autoprof_ci.analysis.subjects import METRICS, USER_TOTAL, WITH_MEMORY, Subject, Subjects, with_memory
from autoprof_ci.analysis.tables import Table, is_helper, is_kernel
from autoprof_ci.model import Estimate, Function, Instrument, SubjectKind, WorkloadMemory


class Totals(Enum):
    """Whether un-normalised totals of the two sides may be compared."""

    JUDGED = auto()
    LEFT_OUT = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """`factor` turns a count per start into `unit`."""

    factor: float
    unit: str

    @classmethod
    def of(cls, period_s: float | None) -> Scale:
        return cls(factor=1.0, unit="samples") if period_s is None else cls(factor=period_s, unit="s")


INSTRUCTIONS = Scale(factor=1.0, unit="instructions")
ALLOCATIONS = Scale(factor=1.0, unit=heap.UNITS[heap.ALLOCATIONS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafts:
    """Estimates of one instrument that lack what only the whole report knows. Arrays are (subjects,)."""

    instrument: Instrument
    unit: str
    subjects: tuple[Subject, ...]
    values: tuple[Floats, Floats]
    shares: tuple[Floats, Floats]
    bounds: tuple[Floats, Floats]
    change: Floats
    p_values: Floats
    contrast: Contrast
    anchor: Anchor | None = None
    metric: str | None = None
    """Where it is not the instrument's own."""
    strictness: float = 1.0
    """By how much its tests are stricter than the family's others: see `significance.SECOND_LOOK`."""

    @property
    def weighed(self) -> Floats:
        """The p-values as the family takes them."""
        return np.minimum(1.0, self.p_values * self.strictness)

    def estimates(self, p_adjusted: Floats, level: float) -> Mapping[Subject, Estimate]:
        """`level`: of the strictest test in the family, for the smallest detectable change."""
        with np.errstate(invalid="ignore", over="ignore"):
            smallest = np.expm1(self.contrast.smallest_detectable(level / self.strictness))
        return {
            subject: Estimate(
                instrument=self.instrument,
                metric=self.metric or METRICS[self.instrument],
                unit=self.unit,
                baseline=_known(self.values[0][i]),
                candidate=_known(self.values[1][i]),
                baseline_share=_known(self.shares[0][i]),
                candidate_share=_known(self.shares[1][i]),
                change=_known(self.change[i]),
                ci_low=_known(self.bounds[0][i]),
                ci_high=_known(self.bounds[1][i]),
                p_value=_known(self.p_values[i]),
                p_adjusted=_known(p_adjusted[i]),
                smallest_detectable_change=_known(smallest[i]),
            )
            for i, subject in enumerate(self.subjects)
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """The same estimates with the reference's own change added: in seconds as the runs took them.

    `p_value` tests whether the reference changed; one more test of the family. `settles_doubt`: it tells which of several common
    changes is none.
    """

    drafts: Drafts
    p_value: float
    settles_doubt: bool


def _known(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def of_time(table: Table, found: Subjects, scale: Scale, totals: Totals) -> Drafts:
    """Functions and groups against the others; the total on interleaved runs only, else it is left out.

    `baseline` and `candidate` are medians over runs, brought to one machine speed: their ratio is 1 + `change`.
    """
    relative = tuple(subject for subject in found.tested if subject.kind is not SubjectKind.TOTAL)
    rows = _rows(table, relative)
    usable = np.array([not (is_helper(f) or is_kernel(f)) for f in table.functions], dtype=bool)
    counts = table.counts / selftime.count_unit(table.counts)
    changes = selftime.relative_changes(counts, table.candidate, rows, usable)
    shown_rows = _rows(table, found.shown)
    if totals is Totals.LEFT_OUT:
        contrast = _joined(changes.contrast, _nothing(len(found.shown)))
        return _drafts(table, (*relative, *found.shown), rows + shown_rows, contrast, scale)
    whole = np.flatnonzero(table.total)
    user = np.array([row for row in whole if not is_kernel(table.functions[row])], dtype=np.intp)
    totals_of = {subject: whole for subject in found.tested if subject.kind is SubjectKind.TOTAL}
    if len(user) < len(whole):
        totals_of[USER_TOTAL] = user
    runs = interleaved.Runs(candidate=table.candidate, blocks=table.blocks, starts=table.starts)
    of_total = interleaved.total_changes(np.array([counts[own].sum(axis=0) for own in totals_of.values()]), runs)
    listed = (*relative, *totals_of, *found.shown)
    rows += [*totals_of.values(), *shown_rows]
    rest = _joined(of_total, _nothing(len(found.shown)))
    drafts = _drafts(table, listed, rows, _joined(changes.contrast, rest), scale)
    anchored = interleaved.anchored(changes, runs)
    if anchored is None:
        return drafts
    in_seconds = _drafts(table, listed, rows, _joined(anchored.contrast, rest), scale)
    return replace(drafts, anchor=Anchor(drafts=in_seconds, p_value=anchored.p_value, settles_doubt=anchored.settles_doubt))


def _drafts(table: Table, listed: tuple[Subject, ...], rows: list[NDArray[np.intp]], contrast: Contrast, scale: Scale) -> Drafts:
    per_start = table.per_start()
    sides = [
        np.array([per_start[r][:, mask].sum(axis=0) for r in rows]).reshape(len(rows), np.count_nonzero(mask))
        for mask in (~table.candidate, table.candidate)
    ]
    low, high = contrast.bounds()
    with np.errstate(over="ignore"):
        ratio, bounds = np.exp(contrast.difference), (np.expm1(low), np.expm1(high))
    means = [side.mean(axis=1) for side in sides]
    both = (means[0] > 0) & (means[1] > 0)
    medians = [
        np.where(np.median(side, axis=1) > 0, np.median(side, axis=1), mean) for side, mean in zip(sides, means, strict=True)
    ]
    with np.errstate(invalid="ignore"):
        middle = np.sqrt(medians[0] * medians[1])
        consistent = both & ~np.isnan(ratio)
        values = [
            np.where(consistent, middle / np.sqrt(ratio), medians[0]) * scale.factor,
            np.where(consistent, middle * np.sqrt(ratio), medians[1]) * scale.factor,
        ]
    change = np.where(both, ratio - 1, np.where(means[0] > 0, -1.0, np.nan))
    return Drafts(
        instrument=Instrument.TIME,
        unit=scale.unit,
        subjects=listed,
        values=(values[0], values[1]),
        shares=_shares(table, rows),
        bounds=(np.where(both, bounds[0], np.nan), np.where(both, bounds[1], np.nan)),
        change=change,
        p_values=contrast.p_values(),
        contrast=contrast,
    )


def of_instructions(table: Table, found: Subjects) -> Drafts:
    """Means over repeats; the total too."""
    listed = tuple(found.tested)
    floors = np.array([instructions.floor_of(f) for f in table.functions])
    return _counted(table, listed, _rows(table, listed), floors)


def of_heap(heaps: tuple[WorkloadMemory, WorkloadMemory], found: Subjects) -> tuple[Drafts, ...]:
    """Allocations of every subject that asks often; what else is measured of the heap, of the whole run."""
    table = tables.of_memory(*heaps, heap.COLUMNS[heap.ALLOCATIONS])
    rows_of = dict(zip(found.tested, _rows(table, found.tested), strict=True))
    listed = tuple(subject for subject, rows in rows_of.items() if subject in found.hot_in_memory and table.counts[rows].any())
    floors = np.array([instructions.floor_of(f) for f in table.functions])
    made = [_of_heap(table, listed, [rows_of[subject] for subject in listed], floors, heap.ALLOCATIONS)]
    total = tuple(subject for subject in listed if subject.kind is SubjectKind.TOTAL)
    for metric in heap.OF_THE_WHOLE if total else ():
        own = tables.of_memory(*heaps, heap.COLUMNS[metric])
        # its own sum as one row: what functions hold of it depends on when the peak is
        summed = replace(own, functions=(), counts=own.counts.sum(axis=0)[None, :], total=np.ones(1, dtype=bool))
        made.append(_of_heap(summed, total, [np.array([0])], np.array([heap.FLOORS[metric]]), metric))
    return tuple(made)


def _of_heap(table: Table, listed: tuple[Subject, ...], rows: list[NDArray[np.intp]], floors: Floats, metric: str) -> Drafts:
    drafts = _counted(table, listed, rows, floors, heap.LEAST[metric], instructions.Floors.DOUBTED)
    return replace(drafts, instrument=Instrument.MEMORY, metric=metric, unit=heap.UNITS[metric])


def _counted(
    table: Table,
    listed: tuple[Subject, ...],
    rows: list[NDArray[np.intp]],
    floors: Floats,
    least: float = 0.0,
    trusted: instructions.Floors = instructions.Floors.KNOWN,
) -> Drafts:
    counted = instructions.changes(table.counts, table.candidate, rows, floors, least, trusted)
    both = (counted.baseline > 0) & (counted.candidate > 0)
    there = counted.baseline + counted.candidate > 0
    with np.errstate(divide="ignore", invalid="ignore"):
        change = np.where(counted.baseline > 0, counted.candidate / counted.baseline - 1, np.nan)
    return Drafts(
        instrument=Instrument.INSTRUCTIONS,
        unit=INSTRUCTIONS.unit,
        subjects=listed,
        values=(np.where(there, counted.baseline, np.nan), np.where(there, counted.candidate, np.nan)),
        shares=_shares(table, rows),
        bounds=(np.where(both, counted.ci_low, np.nan), np.where(both, counted.ci_high, np.nan)),
        change=change,
        p_values=np.where(there, counted.p_values, np.nan),
        contrast=counted.contrast,
    )


def of_memory(table: Table, found: Subjects, booked: Mapping[Function, Cost]) -> Drafts | None:
    """Functions that ask for memory or copies, each with what it asked for; ``None`` where nobody does."""
    index = {function: position for position, function in enumerate(table.functions)}
    listed = [s for s in found.tested if s.kind is SubjectKind.FUNCTION and s.members[0] in booked and s.members[0] in index]
    if not listed:
        return None
    asked = [booked[subject.members[0]] for subject in listed]
    own = np.array([index[subject.members[0]] for subject in listed])
    side = np.where(table.candidate, 1, 0)
    bought = np.array([[cost[s] for s in side] for cost in asked])
    others = table.counts[table.total].sum(axis=0) - table.counts[own].sum(axis=0) - bought.sum(axis=0)
    counts = np.concatenate([table.counts[own], bought, np.maximum(others, 0.0)[None, :]])
    kinds = [instructions.floor_of(table.functions[i]) for i in own]
    floors = np.array([*kinds, *[instructions.UNSTEADY] * len(listed), instructions.EXACT])
    rows = [np.array([number, len(listed) + number]) for number in range(len(listed))]
    whole = Table(
        functions=(),
        counts=counts,
        starts=table.starts,
        candidate=table.candidate,
        blocks=table.blocks,
        total=np.ones(len(counts), dtype=bool),
    )
    drafts = _counted(whole, tuple(with_memory(subject) for subject in listed), rows, floors)
    total = [float(each[table.total].sum()) for each in table.means()]
    shares = tuple(value / max(of, 1e-300) for value, of in zip(drafts.values, total, strict=True))
    return replace(drafts, metric=WITH_MEMORY, shares=(shares[0], shares[1]))


def of_candidate(table: Table, found: Subjects, scale: Scale, instrument: Instrument) -> Mapping[Subject, Estimate]:
    """What the candidate costs where there is nothing to compare it with. `table` holds the candidate on both sides."""
    listed = (*found.tested, *found.shown)
    rows = _rows(table, listed)
    shares = _shares(table, rows)[1]
    mean = table.per_start()[:, table.candidate].mean(axis=1)
    return {
        subject: Estimate(
            instrument=instrument,
            metric=METRICS[instrument],
            unit=scale.unit,
            baseline=None,
            candidate=float(mean[rows[i]].sum()) * scale.factor,
            candidate_share=_known(shares[i]),
        )
        for i, subject in enumerate(listed)
    }


def of_candidates_heap(watched: WorkloadMemory, found: Subjects) -> tuple[Mapping[Subject, Estimate], ...]:
    """The same of what is measured of the whole run only."""
    totals = [subject for subject in found.tested if subject.kind is SubjectKind.TOTAL]
    made = []
    for metric in heap.OF_THE_WHOLE:
        table = tables.of_memory(watched, watched, heap.COLUMNS[metric])
        value = float(table.counts[:, table.candidate].sum(axis=0).mean())
        estimate = Estimate(
            instrument=Instrument.MEMORY,
            metric=metric,
            unit=heap.UNITS[metric],
            baseline=None,
            candidate=value,
            candidate_share=1.0,
        )
        made.append(dict.fromkeys(totals, estimate))
    return tuple(made)


def _rows(table: Table, listed: tuple[Subject, ...]) -> list[NDArray[np.intp]]:
    index = {function: position for position, function in enumerate(table.functions)}
    whole = np.flatnonzero(table.total)
    return [
        whole if subject.kind is SubjectKind.TOTAL else np.array([index[f] for f in subject.members if f in index], dtype=np.intp)
        for subject in listed
    ]


def _shares(table: Table, rows: list[NDArray[np.intp]]) -> tuple[Floats, Floats]:
    sides = table.shares()
    return tuple(np.array([float(side[r].sum()) for r in rows]) for side in sides)  # type: ignore[return-value]


def _joined(first: Contrast, second: Contrast) -> Contrast:
    return Contrast(
        difference=np.concatenate([first.difference, second.difference]),
        standard_error=np.concatenate([first.standard_error, second.standard_error]),
        df=np.concatenate([first.df, second.df]),
    )


def _nothing(rows: int) -> Contrast:
    return Contrast(difference=np.full(rows, np.nan), standard_error=np.full(rows, np.nan), df=np.full(rows, np.nan))
