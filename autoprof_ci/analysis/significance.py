"""Is it noise? Moderated variances, Student's test on them, family-wise p-values, and what could not have been seen.

Knows arrays of logarithms, one row a subject, one column a run. Knows nothing of functions, thresholds, tools or verdicts.
Derivation, assumptions and error rates: ``docs/statistics.md``. Sign: candidate minus baseline, positive is dearer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, polygamma, stdtr, stdtrit

Floats = NDArray[np.float64]

CONFIDENCE = 0.95
"""One-sided, of `ci_low`; the two-sided interval holds 90 %."""
POWER = 0.95
"""With this probability a change of the smallest detectable size is found significant."""
MAX_PRIOR_DF = 40.0
"""However alike the variances of the functions look, the shared one is not trusted as if known: its trend was fitted too."""
PRIOR_DF_PER_FUNCTION = 1.5
MAX_DF_GAIN = 2.0
"""Sharing variances may make so many times a function's own degrees of freedom, no more: the tail of the test rests on them, and
with three runs a side nobody knows that tail."""
REFERENCE_CHOSEN = 4.0
"""The reference is chosen by the differences it is then subtracted from: matters with three runs a side, vanishes with ten."""
STEEPEST = -2.0
"""Slope of the trend of variances: a clock that samples regularly errs by a sample or so, however many there are."""
SECOND_LOOK = 9.0
"""Where the first runs leave a doubt, more are made and all tested together: a second chance of a false alarm. For each test
that may get a second look the family has a ninth of a test more, and the second look is as much stricter (weighted
Bonferroni)."""
CLIP = 3.0
"""A run further than this many standard deviations from the middle of its side counts as if it lay there (Huber)."""
CLIP_MIN_RUNS = 5
"""With fewer runs a side, one disturbance that lasts two runs is the majority: then the odd run out is the honest one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Candidate minus baseline of every row, in logarithms. `df` belongs to `standard_error`. All of shape (rows,)."""

    difference: Floats
    standard_error: Floats
    df: Floats

    def p_values(self) -> Floats:
        """Two-sided, of "no change", by Student's t."""
        with np.errstate(divide="ignore", invalid="ignore"):
            t = self.difference / self.standard_error
        return two_sided_p(t, self.df)

    def bounds(self) -> tuple[Floats, Floats]:
        """Lower and upper end of the two-sided 90 % interval of the difference."""
        reach = stdtrit(self.df, CONFIDENCE) * self.standard_error
        return self.difference - reach, self.difference + reach

    def smallest_detectable(self, level: float) -> Floats:
        """Smallest true difference found with two-sided p <= `level` with probability `POWER`.

        The non-central t distribution by Johnson and Welch's normal approximation (1940): P(T > c) is about
        Phi((delta - c) / sqrt(1 + c^2 / 2 df)).
        """
        critical = -stdtrit(self.df, level / 2)
        quantile = stdtrit(np.full_like(self.df, 1e9), POWER)
        smallest: Floats = self.standard_error * (critical + quantile * np.sqrt(1 + critical**2 / (2 * self.df)))
        return smallest


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What all functions say of one's variance: exp(`intercept` + `slope` * log mean count), worth `df` degrees of freedom."""

    intercept: float
    slope: float
    df: float

    def variance(self, mean_counts: Floats) -> Floats:
        variances: Floats = np.exp(self.intercept + self.slope * np.log(mean_counts))
        return variances


def two_sided_p(t: Floats, df: Floats) -> Floats:
    p_values: Floats = np.minimum(1.0, 2 * stdtr(df, -np.abs(t)))
    return p_values


def fit_prior(variances: Floats, mean_counts: Floats, df: float) -> Prior:
    """The trend of residual variance over mean count, and how closely functions follow it (Smyth 2004; Law et al. 2014).

    `variances`: residual variances of logarithms, each with `df` degrees of freedom. Counting alone makes the slope -1, noise in
    proportion to the cost makes it 0; it is kept between the two, and is -1 where fewer than five functions could tell.
    Robust: rows far off the line (functions that one disturbed run hit) are pulled in before the moments are taken.
    """
    if len(variances) == 0 or df <= 0:
        return Prior(intercept=0.0, slope=-1.0, df=0.0)
    offset = float(digamma(df / 2) - np.log(df / 2))
    spread = float(polygamma(1, df / 2))
    x = np.log(mean_counts)
    y = np.log(variances) - offset
    slope = _robust_slope(x, y) if len(x) >= 5 else -1.0
    residual = y - slope * x
    middle = _huber_mean(residual, np.sqrt(spread))
    clipped = np.clip(residual - middle, -3 * np.sqrt(spread), 3 * np.sqrt(spread))
    excess = float(np.sum(clipped**2)) / max(1, len(x) - 1) - spread if len(x) > 1 else spread
    prior_df = min(MAX_PRIOR_DF, 2 * trigamma_inverse(excess)) if excess > 0 else MAX_PRIOR_DF
    # Few functions cannot tell how alike functions are.
    prior_df = min(prior_df, PRIOR_DF_PER_FUNCTION * max(0, len(x) - 2), df * max(0, len(x) - 1))
    # The mean of logarithms is that of F: shift it by the prior's own bias.
    shift = float(np.log(prior_df / 2) - digamma(prior_df / 2)) if prior_df > 0.5 else 0.0
    return Prior(intercept=middle - shift if prior_df < MAX_PRIOR_DF else middle, slope=slope, df=prior_df)


def trigamma_inverse(value: float) -> float:
    """x > 0 with trigamma(x) = `value`, by Newton's method on 1/trigamma (Smyth 2004, appendix)."""
    if value > 1e7:
        return float(1 / np.sqrt(value))
    if value < 1e-6:
        return 1 / value
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x


def moderated(variances: Floats, df: float, prior_variances: Floats, prior_df: float) -> Floats:
    """Own and shared variance weighed by their degrees of freedom, but never below the row's own.

    The second half makes the test conservative where a function is noisier than its neighbours, which no shared variance knows.
    """
    if prior_df <= 0:
        return variances
    shared = (prior_df * prior_variances + df * variances) / (prior_df + df)
    return np.maximum(shared, variances)


def contrast(logs: Floats, candidate: NDArray[np.bool_], prior_variances: Floats, prior_df: float) -> Contrast:
    """Candidate side minus baseline side of each row of `logs` (rows, runs), runs of a side alike and unpaired.

    `candidate` (runs,) says which side a run is of; `prior_variances` (rows,) what the other rows say of the variance of one run.
    Locations are Huber's: a run beyond `CLIP` standard deviations (the larger of the row's own, by the median deviation, and the
    shared one) is pulled in, and the standard error grows by what was pulled. With fewer than two runs a side: nan.
    """
    runs = np.array([np.count_nonzero(~candidate), np.count_nonzero(candidate)])
    df = float(runs.sum() - 2)
    rows = len(logs)
    if runs.min() < 1 or df < 1:
        nothing = np.full(rows, np.nan)
        return Contrast(difference=nothing, standard_error=nothing, df=np.full(rows, np.nan))
    sides = [logs[:, ~candidate], logs[:, candidate]]
    middles = [np.median(side, axis=1, keepdims=True) for side in sides]
    deviations = np.concatenate([np.abs(side - middle) for side, middle in zip(sides, middles, strict=True)], axis=1)
    own_scale = 1.4826 * np.median(deviations, axis=1) * np.sqrt((df + 2) / df)
    reach = CLIP * np.maximum(own_scale, np.sqrt(prior_variances))[:, None]
    if runs.min() < CLIP_MIN_RUNS:
        reach = np.full_like(reach, np.inf)
    for _ in range(4):
        middles = [m + np.clip(s - m, -reach, reach).mean(axis=1, keepdims=True) for s, m in zip(sides, middles, strict=True)]
    residuals = np.concatenate([side - middle for side, middle in zip(sides, middles, strict=True)], axis=1)
    clipped = np.clip(residuals, -reach, reach)
    kept = np.maximum(0.5, (residuals == clipped).mean(axis=1))
    variances = (clipped**2).sum(axis=1) / df / kept**2
    variance = moderated(variances, df, prior_variances, prior_df) * (1 + REFERENCE_CHOSEN / df**2)
    return Contrast(
        difference=(middles[1] - middles[0])[:, 0],
        standard_error=np.sqrt(variance * (1 / runs[0] + 1 / runs[1])),
        df=_df(df, prior_df, variances, prior_variances),
    )


def _df(df: float, prior_df: float, variances: Floats, prior_variances: Floats) -> Floats:
    """The shared variance adds its degrees of freedom as far as it makes the error, and not the row's own larger one."""
    told = np.minimum(1.0, prior_variances / np.maximum(variances, 1e-300)) if prior_df > 0 else np.zeros_like(variances)
    return np.minimum(df + prior_df * told, MAX_DF_GAIN * df)


def residual_variances(logs: Floats, candidate: NDArray[np.bool_]) -> Floats:
    """Plain pooled variance of each row about the means of its two sides, (rows,)."""
    df = logs.shape[1] - 2
    sides = (logs[:, ~candidate], logs[:, candidate])
    return np.asarray(sum(((side - side.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for side in sides) / df)


def adjusted(p_values: Floats, family: int) -> Floats:
    """Holm's (1979) family-wise p-values. `family` >= len(p_values): the others count as tested with p = 1.

    Valid under any dependence of the tests.
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.maximum.accumulate(p_values[order] * (family - np.arange(len(p_values))))
    out = np.empty_like(p_values)
    out[order] = np.minimum(1.0, steps)
    return out


def _robust_slope(x: Floats, y: Floats) -> float:
    """Least squares with Huber weights, kept between -1 and 0."""
    weights = np.ones_like(x)
    slope = -0.5
    for _ in range(5):
        centred = x - np.average(x, weights=weights)
        square = float(np.sum(weights * centred**2))
        if square < 1e-12:
            return -1.0
        slope = float(np.clip(np.sum(weights * centred * y) / square, STEEPEST, 0.0))
        residual = y - slope * x
        residual -= np.median(residual)
        scale = 1.4826 * float(np.median(np.abs(residual))) + 1e-12
        weights = np.minimum(1.0, 1.5 * scale / np.maximum(np.abs(residual), 1e-12))
    return slope


def _huber_mean(values: Floats, scale: float) -> float:
    middle = float(np.median(values))
    for _ in range(10):
        middle += float(np.mean(np.clip(values - middle, -1.5 * scale, 1.5 * scale)))
    return middle
