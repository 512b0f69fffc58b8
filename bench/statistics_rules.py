"""Decision rules that others use, and ours, on the same counts. A rule says for each function whether it would fail the gate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pyperf._utils
from numpy.typing import NDArray
from scipy import stats

from autoprof_ci.analysis import DecideContext, compare, decide
from autoprof_ci.model import Function, Signal, Status
from bench.statistics_data import bundle, policy

Floats = NDArray[np.float64]

ALPHA = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Counts of one report: (functions, runs) a side. `session`: equal and not empty where run i of both sides ran together."""

    functions: tuple[Function, ...]
    baseline: Floats
    candidate: Floats
    session: str
    threshold: float


Flags = Mapping[Function, bool]
Rule = Callable[[Sample], Flags]
MIN_SHARE = 0.01


def _hot(sample: Sample) -> NDArray[np.intp]:
    shares = [side.mean(axis=1) / side.sum(axis=0).mean() for side in (sample.baseline, sample.candidate)]
    return np.flatnonzero(np.maximum(*shares) >= MIN_SHARE)


def _flags(sample: Sample, rows: NDArray[np.intp], flagged: NDArray[np.bool_]) -> Flags:
    return {sample.functions[row]: bool(flag) for row, flag in zip(rows, flagged, strict=True)}


def _ratios(sample: Sample, rows: NDArray[np.intp]) -> Floats:
    return np.asarray(sample.candidate[rows].mean(axis=1) / np.maximum(sample.baseline[rows].mean(axis=1), 1e-9))


def ratio_of_means(sample: Sample) -> Flags:
    """Mean of the candidate over mean of the baseline, against the threshold: what most actions do."""
    rows = _hot(sample)
    return _flags(sample, rows, _ratios(sample, rows) > 1 + sample.threshold)


def welch(sample: Sample) -> Flags:
    """Welch's t at p < .01 on absolute self times, and more than the threshold."""
    rows = _hot(sample)
    p = stats.ttest_ind(sample.candidate[rows], sample.baseline[rows], axis=1, equal_var=False).pvalue
    return _flags(sample, rows, (p < ALPHA) & (_ratios(sample, rows) > 1 + sample.threshold))


def mann_whitney_bh(sample: Sample) -> Flags:
    """Mann-Whitney's U, Benjamini and Hochberg at a false discovery rate of .01, and more than the threshold."""
    rows = _hot(sample)
    p = stats.mannwhitneyu(sample.candidate[rows], sample.baseline[rows], axis=1, method="asymptotic").pvalue
    return _flags(sample, rows, (stats.false_discovery_control(p) < ALPHA) & (_ratios(sample, rows) > 1 + sample.threshold))


def pyperf_significant(sample: Sample) -> Flags:
    """pyperf's own test (Student's t at 95 %, each function for itself), slower."""
    rows = _hot(sample)
    found = [
        pyperf._utils.is_significant(tuple(sample.baseline[row]), tuple(sample.candidate[row]))[0]
        and sample.candidate[row].mean() > sample.baseline[row].mean()
        for row in rows
    ]
    return _flags(sample, rows, np.array(found, dtype=bool))


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Of our rule: what would fail, and what was called significant at all (in either direction, also where it cannot fail)."""

    failing: Flags
    significant: Flags


def ours(sample: Sample) -> Judged:
    """The product itself: `compare` and `decide` on bundles, time alone."""
    own_policy = policy(sample.threshold)
    sides = [bundle(sample.functions, counts, sample.session) for counts in (sample.baseline, sample.candidate)]
    verdict = decide(compare(sides[0], sides[1], own_policy), own_policy, DecideContext(today=date(2026, 1, 1)))
    failing, significant = {}, {}
    for finding in verdict.workloads[0].findings:
        function = Function(finding.subject, finding.dso)
        failing[function] = finding.status is Status.REGRESSION
        significant[function] = any(
            m.signal in (Signal.MORE, Signal.LESS) or (m.estimate.p_adjusted or 1.0) <= own_policy.false_alarm_rate
            for m in finding.measurements
        )
    return Judged(failing=failing, significant=significant)


def ours_failing(sample: Sample) -> Flags:
    return ours(sample).failing


RULES: Mapping[str, Rule] = {
    "ratio of means": ratio_of_means,
    "Welch p < .01 and threshold": welch,
    "Mann-Whitney, Benjamini-Hochberg .01, and threshold": mann_whitney_bh,
    "pyperf is_significant, slower": pyperf_significant,
    "**autoprof-ci**": ours_failing,
}
