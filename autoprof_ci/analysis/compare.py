"""From two bundles to a `Comparison`: every workload, every subject, every instrument. Numbers only.

Knows which parts of the analysis belong to which part of a bundle, and that all tests of a report are one family. Knows no
threshold but the one that makes a function hot, and no opinion.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from autoprof_ci.analysis import booked, estimates, heap, pairing, significance, subjects, tables
from autoprof_ci.analysis.comparable import Comparable, comparable
from autoprof_ci.analysis.estimates import Drafts
from autoprof_ci.analysis.pairing import Pair
from autoprof_ci.analysis.subjects import Subject
from autoprof_ci.analysis.tables import Table
from autoprof_ci.model import (
    Bundle,
    Calls,
    Caveat,
    CaveatCode,
    Comparison,
    Estimate,
    Function,
    Instrument,
    Policy,
    Samples,
    SubjectComparison,
    SubjectKind,
    WorkloadComparison,
    WorkloadInstructions,
    WorkloadState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A workload before the family is known."""

    pair: Pair
    found: subjects.Subjects
    drafts: tuple[Drafts, ...]
    tests: int


def compare(baseline: Bundle | None, candidate: Bundle, policy: Policy) -> Comparison:
    """All numbers of a report. Without a baseline every workload is new.

    Totals in seconds are compared only where the bundles belong to one session and their runs to the same blocks.
    """
    names = pairing.names(candidate)
    caveats = list(candidate.recording.caveats)
    if baseline is None:
        return Comparison(
            instruments=_instruments(candidate),
            workloads=tuple(_new(name, candidate, policy) for name in names),
            caveats=tuple(dict.fromkeys(caveats)),
        )
    allowed = comparable(baseline, candidate)
    caveats += [*baseline.recording.caveats, *allowed.caveats]
    workloads: dict[str, WorkloadComparison] = {}
    drafts: list[_Draft] = []
    for name in names:
        pair = pairing.pair_of(name, (baseline, candidate), allowed, caveats)
        if pair.is_empty:
            workloads[name] = _new(name, candidate, policy)
        else:
            drafts.append(_draft(pair, candidate.recording.samples, policy, allowed, caveats))
    for workload in _finished(drafts, policy):
        workloads[workload.name] = workload
    gone = [
        name for name in pairing.names(baseline) if name not in workloads and name not in candidate.recording.failed_workloads
    ]
    return Comparison(
        instruments=_compared_instruments(drafts) or _instruments(candidate),
        workloads=(
            *(workloads[name] for name in names),
            *(WorkloadComparison(name=name, state=WorkloadState.REMOVED, subjects=(), tested_subjects=0) for name in gone),
        ),
        caveats=tuple(dict.fromkeys(caveats)),
    )


def _instruments(bundle: Bundle) -> tuple[Instrument, ...]:
    recording = bundle.recording
    used = (
        (Instrument.TIME, recording.samples),
        (Instrument.INSTRUCTIONS, recording.instructions),
        (Instrument.MEMORY, recording.memory),
    )
    return tuple(instrument for instrument, there in used if there)


def _compared_instruments(drafts: Iterable[_Draft]) -> tuple[Instrument, ...]:
    used = {draft.instrument for workload in drafts for draft in workload.drafts}
    return tuple(instrument for instrument in Instrument if instrument in used)


def _draft(pair: Pair, samples: Samples | None, policy: Policy, allowed: Comparable, caveats: list[Caveat]) -> _Draft:
    found_tables: dict[Instrument, Table] = {}
    if pair.samples is not None:
        found_tables[Instrument.TIME] = table = tables.of_samples(*pair.samples)
        if any(tables.is_kernel(f) and not seen for f, seen in zip(table.functions, table.total, strict=True)):
            caveats.append(Caveat(code=CaveatCode.KERNEL_NOT_SEEN, detail=pair.name))
    if pair.instructions is not None:
        found_tables[Instrument.INSTRUCTIONS] = tables.of_instructions(*pair.instructions)
    if pair.memory is not None:
        found_tables[Instrument.MEMORY] = tables.of_memory(*pair.memory, heap.COLUMNS[heap.ALLOCATIONS])
    found = subjects.find(pair.name, found_tables, policy)
    drafts = []
    if pair.samples is not None and samples is not None:
        paired = allowed.interleaved and pairing.blocks_match(*pair.samples)
        if allowed.interleaved and not paired:
            caveats += [
                Caveat(code=CaveatCode.NOT_INTERLEAVED, detail=pair.name),
                Caveat(code=CaveatCode.TOTALS_NOT_JUDGED, detail=pair.name),
            ]
        scale = estimates.Scale.of(samples.period_s)
        totals = estimates.Totals.JUDGED if paired else estimates.Totals.LEFT_OUT
        timed = estimates.of_time(found_tables[Instrument.TIME], found, scale, totals)
        looked_again = any(side.first_runs is not None for side in pair.samples)
        drafts.append(replace(timed, strictness=significance.SECOND_LOOK if looked_again else 1.0))
    if pair.instructions is not None:
        table = found_tables[Instrument.INSTRUCTIONS]
        drafts.append(estimates.of_instructions(table, found))
        asked = estimates.of_memory(table, found, booked.booked(*pair.instructions))
        drafts += [asked] if asked is not None else []
    tests = found.family * len(drafts) + sum(draft.anchor is not None for draft in drafts)
    if pair.samples is not None and allowed.interleaved:
        tests += math.ceil(found.family / significance.SECOND_LOOK)
    if pair.memory is not None:
        heaps = estimates.of_heap(pair.memory, found)
        drafts += heaps
        tests += found.family + len(heaps) - 1  # what is tested of the whole run only is one test each
    return _Draft(pair=pair, found=found, drafts=tuple(drafts), tests=tests)


def _finished(drafts: list[_Draft], policy: Policy) -> list[WorkloadComparison]:
    """All p-values of the report are one family; the smallest detectable change is that of its strictest test."""
    family = sum(draft.tests for draft in drafts)
    if family == 0:
        return []
    level = policy.false_alarm_rate / family
    drafts = [replace(draft, drafts=tuple(_anchored(d, level) for d in draft.drafts)) for draft in drafts]
    rows = [draft for workload in drafts for draft in workload.drafts]
    raw = np.concatenate([draft.weighed for draft in rows])
    tested = ~np.isnan(raw)
    p_adjusted = np.full_like(raw, np.nan)
    p_adjusted[tested] = significance.adjusted(raw[tested], max(family, int(tested.sum())))
    ends = np.cumsum([len(draft.p_values) for draft in rows])
    finished = {
        id(draft): draft.estimates(p_adjusted[end - len(draft.p_values) : end], level)
        for draft, end in zip(rows, ends, strict=True)
    }
    return [_workload(workload, [finished[id(draft)] for draft in workload.drafts]) for workload in drafts]


def _anchored(draft: Drafts, level: float) -> Drafts:
    """In seconds where the reference itself changed, or where the functions do not agree on what is unchanged.

    Else the reference's own change is the noise of the machine, and is left out.
    """
    anchor = draft.anchor
    if anchor is None or not (anchor.p_value <= level / draft.strictness or anchor.settles_doubt):
        return draft
    return replace(anchor.drafts, strictness=draft.strictness)


def _workload(draft: _Draft, found: list[Mapping[Subject, Estimate]]) -> WorkloadComparison:
    counted, memory = draft.pair.instructions, draft.pair.memory
    calls = _calls(counted) if counted else {}
    heaps = heap.build(*memory) if memory else None
    listed = []
    for subject in (*draft.found.tested, *draft.found.shown):
        there = tuple(estimate[subject] for estimate in found if subject in estimate)
        if there:
            without = next((e[subjects.USER_TOTAL] for e in found if subjects.USER_TOTAL in e), None)
            own = _subject(subject, there, calls)
            key = subjects.with_memory(subject)
            asked = next((e[key] for e in found if subject.kind is SubjectKind.FUNCTION and subject.gated and key in e), None)
            own = replace(own, with_memory=asked)
            if heaps is not None and subject.kind is SubjectKind.FUNCTION:
                own = replace(own, estimates=(*own.estimates, *heap.shown(heaps, subject.members[0], own.estimates)))
            listed.append(replace(own, without_kernel=without) if subject.kind is SubjectKind.TOTAL else own)
    return WorkloadComparison(
        name=draft.pair.name,
        state=WorkloadState.COMPARED,
        subjects=tuple(listed),
        tested_subjects=sum(any(subject in f for f in found) for subject in draft.found.tested),
        baseline_instructions=counted[0] if counted else None,
        candidate_instructions=counted[1] if counted else None,
        baseline_memory=memory[0] if memory else None,
        candidate_memory=memory[1] if memory else None,
    )


def _subject(subject: Subject, found: tuple[Estimate, ...], calls: Mapping[Function, Calls]) -> SubjectComparison:
    return SubjectComparison(
        subject=subject.name,
        kind=subject.kind,
        dso=subject.dso,
        estimates=found,
        calls=calls.get(subject.members[0]) if len(subject.members) == 1 else None,
        gated=subject.gated,
        members=subject.members if subject.kind == "group" else (),
    )


def _calls(counted: tuple[WorkloadInstructions, WorkloadInstructions]) -> dict[Function, Calls]:
    sides = [dict(zip(side.functions, side.calls, strict=True)) for side in counted]
    return {
        function: Calls(baseline=sides[0].get(function, 0.0), candidate=sides[1].get(function, 0.0))
        for function in {**sides[0], **sides[1]}
    }


def _new(name: str, candidate: Bundle, policy: Policy) -> WorkloadComparison:
    """A workload with nothing to compare: what the candidate costs, and nothing more."""
    recording = candidate.recording
    sampled = next((w for w in recording.samples.workloads if w.name == name), None) if recording.samples else None
    counted = next((w for w in recording.instructions if w.name == name), None)
    watched = next((w for w in recording.memory if w.name == name), None)
    found_tables: dict[Instrument, Table] = {}
    drafts: list[Mapping[Subject, Estimate]] = []
    if sampled is not None and sampled.runs:
        found_tables[Instrument.TIME] = tables.of_samples(replace(sampled, runs=sampled.runs), sampled)
    if counted is not None and counted.repeats:
        found_tables[Instrument.INSTRUCTIONS] = tables.of_instructions(counted, counted)
    if watched is not None and watched.repeats:
        found_tables[Instrument.MEMORY] = tables.of_memory(watched, watched, heap.COLUMNS[heap.ALLOCATIONS])
    if not found_tables:
        return WorkloadComparison(name=name, state=WorkloadState.NEW, subjects=(), tested_subjects=0)
    found = subjects.find(name, found_tables, policy)
    if Instrument.TIME in found_tables and recording.samples is not None:
        scale = estimates.Scale.of(recording.samples.period_s)
        drafts.append(estimates.of_candidate(found_tables[Instrument.TIME], found, scale, Instrument.TIME))
    if Instrument.INSTRUCTIONS in found_tables:
        drafts.append(
            estimates.of_candidate(found_tables[Instrument.INSTRUCTIONS], found, estimates.INSTRUCTIONS, Instrument.INSTRUCTIONS)
        )
    if Instrument.MEMORY in found_tables and watched is not None:
        table = found_tables[Instrument.MEMORY]
        drafts.append(estimates.of_candidate(table, found, estimates.ALLOCATIONS, Instrument.MEMORY))
        drafts += estimates.of_candidates_heap(watched, found)
    listed = tuple(
        _subject(subject, tuple(draft[subject] for draft in drafts if subject in draft), {})
        for subject in (*found.tested, *found.shown)
    )
    return WorkloadComparison(
        name=name, state=WorkloadState.NEW, subjects=listed, tested_subjects=0, candidate_instructions=counted
    )
