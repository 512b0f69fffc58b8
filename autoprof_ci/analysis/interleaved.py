"""What only runs that were interleaved can tell: changes in seconds, without any normalisation.

Knows logarithms of costs, one row a subject, one column a run, and which block each run is of. Within a block the machine is as
fast for one side as for the other up to noise, so totals may be compared, and so may the reference that relative changes rest on:
where the reference itself changed, most of the program did. Knows nothing of bundles, thresholds or verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoprof_ci.analysis import selftime, significance
from autoprof_ci.analysis.selftime import Bools, Relative
from autoprof_ci.analysis.significance import Contrast, Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Runs:
    """The runs of both sides, all (runs,): which side, which block, how many starts each holds."""

    candidate: Bools
    blocks: NDArray[np.int64]
    starts: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """Relative changes with the reference's own change added. `p_value`: two-sided, of "the reference did not change".

    `settles_doubt`: the functions disagree on what is unchanged by more than the machine's speed is uncertain.
    """

    contrast: Contrast
    p_value: float
    settles_doubt: bool


def block_changes(logs: Floats, runs: Runs, least_variances: Floats) -> Contrast:
    """Change of un-normalised `logs` (rows, runs) of costs in a run, per start; each block has its own level.

    A block holds as many runs of one side as of the other, so that a machine that drifts from block to block disturbs nothing.
    Each level costs a degree of freedom. `least_variances` (rows,): no smaller variance of one run is believed. nan where no
    degree of freedom is left.
    """
    logs = logs - np.log(runs.starts)
    numbers, block_of = np.unique(runs.blocks, return_inverse=True)
    levels = np.stack(
        [_level(logs[:, block_of == number], runs.candidate[block_of == number]) for number in range(len(numbers))], axis=1
    )
    found = significance.contrast(logs - levels[:, block_of], runs.candidate, np.zeros(len(logs)), 0.0)
    df = found.df - (len(numbers) - 1)
    usable = df >= 1
    least = np.sqrt(least_variances * (1 / np.count_nonzero(runs.candidate) + 1 / np.count_nonzero(~runs.candidate)))
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.where(usable, found.standard_error * np.sqrt(found.df / np.maximum(df, 1)), np.nan)
    return replace(found, standard_error=np.maximum(error, least), df=np.where(usable, df, np.nan))


def total_changes(totals: Floats, runs: Runs) -> Contrast:
    """Of `totals` (subjects, runs) in samples."""
    return block_changes(np.log(totals + 0.5), runs, selftime.sampling_floor(totals.mean(axis=1)))


def anchored(relative: Relative, runs: Runs) -> Anchored | None:
    """Each subject's change in seconds: against its reference, and that reference's own. ``None`` where that is not known.

    The reference of one subject is not that of another, so each has its own change added. The two parts are taken as
    independent: the noise they share, that of the reference, goes into the sum with opposite signs, so that this is conservative.
    Degrees of freedom are Satterthwaite's, and not more than the relative change has.
    """
    common = block_changes(relative.references, runs, relative.least_variances)
    p_value = common.p_values()[-1]
    if np.isnan(p_value):
        return None
    parts = relative.by_runs.standard_error**2, common.standard_error[:-1] ** 2
    variance = parts[0] + parts[1]
    df = variance**2 / (parts[0] ** 2 / relative.by_runs.df + parts[1] ** 2 / common.df[:-1])
    return Anchored(
        contrast=Contrast(
            difference=relative.by_runs.difference + common.difference[:-1],
            standard_error=np.sqrt(variance),
            df=np.minimum(df, relative.by_runs.df),
        ),
        p_value=float(p_value),
        settles_doubt=bool(relative.ambiguity > common.standard_error[-1]),
    )


def _level(logs: Floats, candidate: Bools) -> Floats:
    sides = [logs[:, mask].mean(axis=1) for mask in (candidate, ~candidate) if mask.any()]
    return np.asarray(sum(sides) / len(sides))
