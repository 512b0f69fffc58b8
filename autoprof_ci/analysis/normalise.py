"""The machine's speed, divided out: for every subject, its cost relative to a reference made of the *other* functions.

Knows logarithms of counts, one row a function, one column a run. Knows nothing of tests, thresholds or verdicts.

A run is faster or slower as a whole, and a session on another machine too. The reference of a run is a weighted mean of the
functions' logarithms, where the weights are the functions' precisions with a cap, so that no function *is* the reference;
functions that moved against the others weigh nothing; and no subject is part of its own reference, so that its own change
is not shrunk. Derivation: ``docs/statistics.md``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAX_WEIGHT = 0.3
"""Of one function in the reference."""
BIWEIGHT = 5.0
"""A function this many standard errors off the others' common change is no reference at all (Tukey's biweight)."""
AGREEMENT = 2.5
"""Two functions closer than this many standard errors agree on what the common change is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """`weights` (functions,) sum to one. `location`: the functions' common change. `variance`: of that, beyond run noise."""

    weights: Floats
    location: float
    deviations: Floats
    ambiguity: float
    """Standard error added where the functions do not agree on what is unchanged; 0 where they do."""


def capped(weights: Floats, cap: float = MAX_WEIGHT) -> Floats:
    """`weights` scaled to a sum of one with none above `cap` (or above equal shares, where there are too few for that)."""
    total = float(weights.sum())
    if total <= 0:
        return np.full_like(weights, 1 / max(1, len(weights)))
    shares = weights / total
    limit = max(cap, 1 / max(1, int(np.count_nonzero(shares))))
    at_limit = np.zeros(len(shares), dtype=bool)
    while True:
        free = float(shares[~at_limit].sum())
        room = 1 - limit * int(np.count_nonzero(at_limit))
        scaled = np.where(at_limit, limit, shares * (room / free if free > 0 else 0.0))
        over = (scaled > limit * (1 + 1e-12)) & ~at_limit
        if not over.any():
            out: Floats = scaled / scaled.sum()
            return out
        at_limit |= over


def size_factors(logs: Floats, weights: Floats) -> Floats:
    """First guess of each run's speed, (runs,): weighted median over functions of the log ratio to the mean profile."""
    profile = logs.mean(axis=1, keepdims=True)
    factors = weighted_median(logs - profile, weights)
    profile = (logs - factors).mean(axis=1, keepdims=True)
    return weighted_median(logs - profile, weights)


def weighted_median(values: Floats, weights: Floats) -> Floats:
    """Of each column of `values` (rows, columns), with one weight a row."""
    order = np.argsort(values, axis=0)
    reached = np.cumsum(weights[order], axis=0)
    row = np.argmax(reached >= 0.5 * weights.sum() - 1e-12, axis=0)
    middle: Floats = np.take_along_axis(values, np.take_along_axis(order, row[None, :], axis=0), axis=0)[0]
    return middle


def make_reference(differences: Floats, standard_errors: Floats) -> Reference:
    """Who may speak for "unchanged". `differences`: of each function between the sides, common speed roughly divided out."""
    precision = capped(1 / standard_errors**2)
    location = float(weighted_median(differences[:, None], precision)[0])
    agreement = np.ones_like(precision)
    for _ in range(20):
        off = (differences - location) / (BIWEIGHT * standard_errors)
        agreement = np.where(np.abs(off) < 1, (1 - off**2) ** 2, 0.0)
        if not np.any(precision * agreement > 0):
            agreement = np.ones_like(precision)
            break
        moved = float(np.average(differences, weights=precision * agreement)) - location
        location += moved
        if abs(moved) < 1e-9:
            break
    weights = capped(precision * agreement)
    location = float(np.average(differences, weights=weights))
    deviations = differences - location
    ambiguity = _ambiguity(deviations, standard_errors, precision)
    return Reference(weights=weights, location=location, deviations=deviations, ambiguity=ambiguity)


def _ambiguity(deviations: Floats, standard_errors: Floats, precision: Floats) -> float:
    """Is there another common change that nearly as many functions agree on? Then who did not change is anyone's guess.

    The standard error that belongs to the choice: nothing while the runner-up has less than half of the support, the whole
    distance to it from nine tenths on.
    """
    near = np.abs(deviations[:, None] - deviations[None, :]) < AGREEMENT * standard_errors[None, :]
    agreeing = np.abs(deviations) < AGREEMENT * standard_errors
    elsewhere = near & ~agreeing[None, :]
    support = float(precision[agreeing].sum())
    rivals = elsewhere @ precision
    strongest = int(np.argmax(rivals))
    doubt = (float(rivals[strongest]) / max(support, 1e-12) - 0.5) / 0.4
    return float(np.clip(doubt, 0.0, 1.0) * abs(deviations[strongest]))


def references(reference: Reference, pool_logs: Floats, membership: Floats) -> Floats:
    """What each subject is held against, (subjects, runs): the reference without the subject's own functions.

    `pool_logs` (functions, runs): the functions that `reference` weighs. `membership` (subjects, functions): 1 where a function
    belongs to the subject. A subject that holds the whole reference has nothing to be compared with: nan.
    """
    weights, rest = _others(reference, membership)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rest[:, None] > 1e-6, weights @ pool_logs / rest[:, None], np.nan)


def sampling_variance(reference: Reference, variances: Floats, membership: Floats) -> Floats:
    """Variance of each subject's reference in one run, (subjects,), where each function has that of `variances` (functions,)."""
    weights, rest = _others(reference, membership)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(rest > 1e-6, weights**2 @ variances / rest**2, np.nan)


def _others(reference: Reference, membership: Floats) -> tuple[Floats, Floats]:
    weights = reference.weights[None, :] * (1 - membership)
    return weights, weights.sum(axis=1)


def reference_variance(reference: Reference, standard_errors: Floats, membership: Floats) -> Floats:
    """Variance of each subject's reference that run noise does not show, (subjects,): the functions' true changes differ."""
    weights, rest = _others(reference, membership)
    surplus = reference.deviations**2 - standard_errors**2
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = np.where(rest > 0, (weights**2) @ surplus / rest**2, 0.0)
    return np.maximum(0.0, spread) + reference.ambiguity**2
