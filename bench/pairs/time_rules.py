"""What rules that know nothing but times say of a pair, on the same runs that the gate judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from autoprof_ci.model import KERNEL, Function, WorkloadSamples
from autoprof_ci.pipeline import Judged
from bench.statistics_rules import RULES, Sample, mann_whitney_bh, pyperf_significant, ratio_of_means, welch

THRESHOLD = 0.02

NAMES = (
    "ratio of means > 2 %",
    "ratio of means > 5 %",
    *(name for name in RULES if name not in ("ratio of means", "**autoprof-ci**")),
)


def flagged(judged: Judged) -> Mapping[str, bool]:
    """Rule -> whether it would stop the pull request; none where no time was taken."""
    sample = _sample(judged)
    if sample is None:
        return {}
    found = (
        ratio_of_means(sample),
        ratio_of_means(replace(sample, threshold=0.05)),
        welch(sample),
        mann_whitney_bh(sample),
        pyperf_significant(sample),
    )
    return {name: any(flags.values()) for name, flags in zip(NAMES, found, strict=True)}


def _sample(judged: Judged) -> Sample | None:
    taken = [side.recording.samples for side in (judged.baseline, judged.candidate) if side is not None]
    if len(taken) != 2 or any(samples is None or not samples.workloads for samples in taken):
        return None
    sides = [samples.workloads[0] for samples in taken if samples is not None]
    functions = tuple(dict.fromkeys(f for side in sides for f in side.functions if f != KERNEL))
    baseline, candidate = (_counts(side, functions) for side in sides)
    session = judged.candidate.session
    return Sample(functions=functions, baseline=baseline, candidate=candidate, session=session, threshold=THRESHOLD)


def _counts(side: WorkloadSamples, functions: tuple[Function, ...]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """(functions, runs); zeros where a side never saw a function."""
    index = {function: row for row, function in enumerate(side.functions)}
    table = np.zeros((len(functions), len(side.runs)))
    for column, run in enumerate(side.runs):
        for row, function in enumerate(functions):
            if function in index:
                table[row, column] = run.counts[index[function]]
    return table
