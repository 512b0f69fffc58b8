"""Self time of subjects on two sides, relative: functions and groups held against the other functions.

Knows counts as arrays and how normalisation and significance are put together for them. Knows nothing of bundles, thresholds or
verdicts.

    counts ─► logs ─► first speeds ─► who is the reference ─► logs relative to the others ─► shared variance ─► contrast
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoprof_ci.analysis import normalise, significance
from autoprof_ci.analysis.significance import Contrast, Floats

Bools = NDArray[np.bool_]

POOL_MIN_COUNT = 8.0
"""Functions with fewer samples a run tell nothing of the machine's speed."""
POOL_MAX_FUNCTIONS = 300
DIVISOR_TRIES = 200
MOST_SAMPLES = 1000
"""The rarest function of a profile has fewer samples than this, or the weights have no common divisor worth the name."""
REGULAR_FROM = 250.0
"""Samples a run from which on less variance than that of random sampling is believed."""
CLEARLY_UNEVEN = 1.5
"""From here on the smaller side's few runs are all that is known of the noise (Welch's degrees of freedom)."""
NOISY = 3.0
"""A function with so many times the variance that its count suggests is believed to be as noisy as it looks."""


def count_unit(counts: Floats) -> float:
    """What one sample weighs: the greatest common divisor of all weights, else (a varying period) the smallest of them."""
    positive = np.unique(counts[counts > 0])
    if positive.size == 0:
        return 1.0
    if np.all(positive == np.rint(positive)) and positive[-1] < 2**53:
        return float(np.gcd.reduce(positive.astype(np.int64)))
    smallest = float(positive[0])
    divisor = smallest
    for weight in positive[:DIVISOR_TRIES]:
        divisor = _common_divisor(float(weight), divisor, 1e-6 * smallest)
    return divisor if divisor * MOST_SAMPLES > smallest else smallest


def _common_divisor(larger: float, smaller: float, tolerance: float) -> float:
    """Euclid's, for weights that are multiples of a number that floats hold only nearly."""
    while smaller > tolerance:
        rest = larger % smaller
        larger, smaller = smaller, 0.0 if smaller - rest < tolerance else rest
    return larger


@dataclass(frozen=True, slots=True, kw_only=True)
class Relative:
    """Changes of subjects against their references, and the references themselves.

    `contrast` (subjects,) holds all doubt about what is unchanged; `by_runs` only the noise of runs. `references`
    (subjects + 1, runs): logarithm of what each subject was held against, and last the whole reference; `least_variances`
    (subjects + 1,): of that in one run, as sampling alone makes it. `ambiguity`: standard error of the choice of the reference.
    """

    contrast: Contrast
    by_runs: Contrast
    references: Floats
    least_variances: Floats
    ambiguity: float


def relative_changes(counts: Floats, candidate: Bools, subjects: Sequence[NDArray[np.intp]], usable: Bools) -> Relative:
    """Each subject's change against the other functions, the machine's common speed divided out.

    `counts` (functions, runs) in samples; `candidate` (runs,); `subjects`: the functions each one sums;
    `usable` (functions,): may serve as reference (not the kernel, not a helper). Runs are taken as
    unpaired: valid interleaved or not.
    nan where there is nothing to compare with (a program of one function, one run a side).
    """
    pool = _pool(counts, candidate, usable)
    if len(pool) == 0 or counts.shape[1] < 3 or candidate.all() or not candidate.any():
        return _nothing(len(subjects), counts.shape[1])
    pool_counts = counts[pool]
    pool_means = pool_counts.mean(axis=1)
    pool_logs = np.log(pool_counts + 0.5)
    speeds = normalise.size_factors(pool_logs, normalise.capped(pool_means))
    df = counts.shape[1] - 2
    runs = 1 / np.count_nonzero(candidate) + 1 / np.count_nonzero(~candidate)

    first = pool_logs - speeds
    prior, variances = _shared(first, candidate, pool_means, df)
    errors = np.sqrt(np.where(variances > NOISY * prior, variances, prior) * runs)
    differences = np.median(first[:, candidate], axis=1) - np.median(first[:, ~candidate], axis=1)
    reference = normalise.make_reference(differences, errors)

    pool_relative = pool_logs - normalise.references(reference, pool_logs, np.eye(len(pool)))
    known = ~np.isnan(pool_relative).any(axis=1)
    floor = sampling_floor(pool_means)
    trend = significance.fit_prior(
        np.maximum(significance.residual_variances(pool_relative[known], candidate), floor[known]), pool_means[known], df
    )

    subject_counts = np.array([counts[rows].sum(axis=0) for rows in subjects]).reshape(len(subjects), counts.shape[1])
    subject_means = subject_counts.mean(axis=1)
    place = np.full(len(counts), -1)
    place[pool] = np.arange(len(pool))
    membership = np.zeros((len(subjects) + 1, len(pool)))
    for number, rows in enumerate(subjects):
        membership[number, place[rows][place[rows] >= 0]] = 1.0
    held_against = normalise.references(reference, pool_logs, membership)
    shared = np.maximum(_trend_at(trend, subject_means, pool_means), sampling_floor(subject_means))
    found = significance.contrast(np.log(subject_counts + 0.5) - held_against[:-1], candidate, shared, trend.df)
    found = _uneven_sides(found, pool_relative[known], candidate)
    unseen = normalise.reference_variance(reference, errors, membership[:-1])
    return Relative(
        contrast=replace(found, standard_error=np.sqrt(found.standard_error**2 + unseen)),
        by_runs=found,
        references=held_against,
        least_variances=normalise.sampling_variance(reference, floor, membership),
        ambiguity=reference.ambiguity,
    )


def _nothing(subjects: int, runs: int) -> Relative:
    nothing = np.full(subjects, np.nan)
    contrast = Contrast(difference=nothing, standard_error=nothing, df=nothing)
    return Relative(
        contrast=contrast,
        by_runs=contrast,
        references=np.full((subjects + 1, runs), np.nan),
        least_variances=np.full(subjects + 1, np.nan),
        ambiguity=0.0,
    )


def _uneven_sides(found: Contrast, relative: Floats, candidate: Bools) -> Contrast:
    """Widens where few runs of a noisy session meet many of a calm one: there the pooled variance is that of the calm one.

    How much noisier a side is, all functions say together. With as many runs on both sides nothing changes.
    """
    runs = np.array([np.count_nonzero(~candidate), np.count_nonzero(candidate)])
    if runs[0] == runs[1] or runs.min() < 2 or len(relative) == 0:
        return found
    sides = [relative[:, ~candidate].var(axis=1, ddof=1), relative[:, candidate].var(axis=1, ddof=1)]
    pooled = significance.residual_variances(relative, candidate) + 1e-30
    weights = np.array([float(np.mean(np.minimum(side / pooled, 20.0))) for side in sides]) / runs
    factor = weights.sum() / (1 / runs).sum()
    if factor <= 1:
        return found
    welch_df = weights.sum() ** 2 / (weights**2 / (runs - 1)).sum()
    df = np.minimum(found.df, significance.MAX_DF_GAIN * welch_df) if factor > CLEARLY_UNEVEN else found.df
    return replace(found, standard_error=found.standard_error * np.sqrt(factor), df=df)


def _pool(counts: Floats, candidate: Bools, usable: Bools) -> NDArray[np.intp]:
    """The functions that tell the machine's speed: seen often enough on both sides; the largest, where they are many."""
    if candidate.all() or not candidate.any():
        return np.empty(0, dtype=np.intp)
    least = np.minimum(counts[:, candidate].mean(axis=1), counts[:, ~candidate].mean(axis=1))
    enough = usable & (least >= POOL_MIN_COUNT)
    if np.count_nonzero(enough) < 3:
        enough = usable & (least > 0)
    found = np.flatnonzero(enough)
    return found[np.argsort(-least[found], kind="stable")[:POOL_MAX_FUNCTIONS]]


def _shared(logs: Floats, candidate: Bools, means: Floats, df: int) -> tuple[Floats, Floats]:
    variances = np.maximum(significance.residual_variances(logs, candidate), sampling_floor(means))
    return significance.fit_prior(variances, means, df).variance(means), variances


def sampling_floor(means: Floats) -> Floats:
    """Least believable variance of a logarithm, as a part of what random sampling makes.

    A clock that samples a long stretch of one function regularly errs less than a random one (a tenth of its variance was seen
    with 1,000 samples); short stretches here and there it meets as if by chance.
    """
    safe = np.maximum(means, 0.5)
    return np.where(safe < 10, 1.0, np.clip(REGULAR_FROM / safe, 0.1, 0.8)) / safe


def _trend_at(trend: significance.Prior, means: Floats, seen: Floats) -> Floats:
    """The trend where it was fitted; beyond the largest function it is held, below the smallest it falls off as sampling does."""
    low, high = float(seen.min()), float(seen.max())
    inside = np.clip(means, low, high)
    return trend.variance(inside) * (inside / np.maximum(np.minimum(means, inside), 0.5))
