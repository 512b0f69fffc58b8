"""A program against itself: does this machine keep the false-alarm rate, what could it see, which thresholds suit it?

Knows that both bundles are of the same program, so that whatever is found is false. Knows no files and no wording.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaincinv

from autoprof_ci.analysis.compare import compare
from autoprof_ci.model import (
    Bundle,
    Comparison,
    Instrument,
    Policy,
    Run,
    Samples,
    SubjectKind,
    Threshold,
    WorkloadSamples,
)

SHUFFLES = 200
SEED = 20_261_122
SEEN_SHARE = 0.5
"""A suggested threshold could be seen in functions that hold this part of what the tested functions cost."""
SMALLEST_SUGGESTION = {Instrument.TIME: 0.02, Instrument.INSTRUCTIONS: 0.005}
STEP = 0.005
"""Suggestions are rounded up to a multiple of this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """What one instrument could have seen in one subject; `share` of the workload; changes are ratios."""

    workload: str
    instrument: Instrument
    subject: str
    kind: SubjectKind
    share: float | None
    smallest_detectable_change: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """`reports` of the program against itself, of which `false_alarms` called anything significant.

    `upper_bound`: one-sided 95 % bound (Clopper and Pearson 1934) of the rate. With a few hundred reports it cannot come near a
    rate of 0.001: it says whether something is badly wrong with this machine, no more.
    """

    reports: int
    false_alarms: int
    upper_bound: float
    sensitivities: tuple[Sensitivity, ...]
    suggested: Mapping[Instrument, Threshold]


def calibrate(first: Bundle, second: Bundle, policy: Policy) -> Calibration:
    """Compare two bundles of the *same* program, as they are and with the sides of whole blocks exchanged at random.

    The exchanges come from a fixed seed: the same bundles, the same result.
    """
    comparison = compare(first, second, policy)
    alarms = [_any_alarm(comparison, policy.false_alarm_rate)]
    rng = np.random.default_rng(SEED)
    if first.recording.samples is not None and second.recording.samples is not None:
        for _ in range(SHUFFLES):
            exchanged = _exchanged((first, second), rng)
            alarms.append(_any_alarm(compare(exchanged[0], exchanged[1], policy), policy.false_alarm_rate))
    found = _sensitivities(comparison)
    return Calibration(
        reports=len(alarms),
        false_alarms=sum(alarms),
        upper_bound=upper_bound(sum(alarms), len(alarms)),
        sensitivities=found,
        suggested={
            instrument: _suggested(instrument, [s for s in found if s.instrument is instrument], policy.thresholds[instrument])
            for instrument in comparison.instruments
            if instrument in policy.thresholds
        },
    )


def upper_bound(events: int, trials: int, confidence: float = 0.95) -> float:
    """One-sided upper bound of a rate by Clopper and Pearson; 1 where everything happened."""
    return 1.0 if events >= trials else float(betaincinv(events + 1, trials - events, confidence))


def _any_alarm(comparison: Comparison, rate: float) -> bool:
    return any(
        estimate.p_adjusted is not None and estimate.p_adjusted <= rate
        for workload in comparison.workloads
        for subject in workload.subjects
        for estimate in subject.estimates
    )


def _sensitivities(comparison: Comparison) -> tuple[Sensitivity, ...]:
    return tuple(
        Sensitivity(
            workload=workload.name,
            instrument=estimate.instrument,
            subject=subject.subject,
            kind=subject.kind,
            share=estimate.baseline_share,
            smallest_detectable_change=estimate.smallest_detectable_change,
        )
        for workload in comparison.workloads
        for subject in workload.subjects
        for estimate in subject.estimates
        if subject.gated and estimate.smallest_detectable_change is not None
    )


def _suggested(instrument: Instrument, found: list[Sensitivity], current: Threshold) -> Threshold:
    """The smallest threshold that could be seen in the functions that hold `SEEN_SHARE` of the tested cost."""
    functions = sorted((s for s in found if s.kind is SubjectKind.FUNCTION), key=lambda s: s.smallest_detectable_change)
    reached, needed = 0.0, SEEN_SHARE * sum(s.share or 0.0 for s in functions)
    for sensitivity in functions:
        reached += sensitivity.share or 0.0
        if reached >= needed:
            smallest = max(SMALLEST_SUGGESTION.get(instrument, 0.0), sensitivity.smallest_detectable_change)
            rounded = math.ceil(round(smallest / STEP, 6)) * STEP
            return Threshold(max_regression=round(rounded, 6), warn=round(rounded / 2, 6), min_share=current.min_share)
    return current


def _exchanged(bundles: tuple[Bundle, Bundle], rng: np.random.Generator) -> tuple[Bundle, Bundle]:
    """The same runs with the sides of about half of the blocks exchanged."""
    first, second = (bundle.recording.samples for bundle in bundles)
    if first is None or second is None:
        return bundles
    others = {workload.name: workload for workload in second.workloads}
    pairs = [_exchange(w, others[w.name], rng) for w in first.workloads if w.name in others]
    return (
        _with_samples(bundles[0], first, tuple(pair[0] for pair in pairs)),
        _with_samples(bundles[1], second, tuple(pair[1] for pair in pairs)),
    )


def _with_samples(bundle: Bundle, samples: Samples, workloads: tuple[WorkloadSamples, ...]) -> Bundle:
    # Repeats of instructions are not exchanged: their noise is assumed by kind, and shuffling two or three tells nothing.
    recording = replace(bundle.recording, samples=replace(samples, workloads=workloads), instructions=(), memory=())
    return replace(bundle, recording=recording)


def _exchange(
    first: WorkloadSamples, second: WorkloadSamples, rng: np.random.Generator
) -> tuple[WorkloadSamples, WorkloadSamples]:
    functions = tuple(dict.fromkeys((*first.functions, *second.functions)))
    blocks = sorted({run.block for run in (*first.runs, *second.runs)})
    flipped = {block for block, flip in zip(blocks, rng.random(len(blocks)) < 0.5, strict=True) if flip}
    sides: tuple[list[Run], list[Run]] = ([], [])
    for number, side in enumerate((first, second)):
        place = {function: position for position, function in enumerate(side.functions)}
        for run in side.runs:
            counts = tuple(run.counts[place[f]] if f in place else 0.0 for f in functions)
            sides[number ^ (run.block in flipped)].append(replace(run, counts=counts))
    return (
        replace(first, functions=functions, runs=tuple(sides[0])),
        replace(second, functions=functions, runs=tuple(sides[1])),
    )
