"""Counted instructions of subjects on two sides: near-exact, each function with the noise of its kind.

Knows which functions of a program repeat exactly under callgrind and which do not (hash seeds, heap layout, schedulers), and
how a handful of repeats refines that. Knows nothing of bundles, thresholds or verdicts. Floors: ``docs/statistics.md``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from scipy.special import stdtrit

from autoprof_ci import symbols
from autoprof_ci.analysis import significance
from autoprof_ci.analysis.significance import Contrast, Floats
from autoprof_ci.model import Function

EXACT = 2e-4
"""Standard deviation of one repeat, relative to the function's own count, where nothing is known to vary."""
SEEDED = 1e-3
"""Hash tables: their seed is random."""
UNSTEADY = 2e-3
"""Copying and comparing memory (alignment), schedulers, the dynamic loader (length of paths and environment)."""
LAYOUT = 1e-2
"""The allocator's insides: which free block fits depends on all that came before."""
OF_TOTAL = 2e-6
"""Standard deviation that any function may have, relative to the workload's total."""
PRIOR_DF = 8.0
"""What these floors are worth beside repeats; also makes tails heavier than normal where there is no repeat."""

_SEEDED = re.compile(r"(?i).*(?:hash|indexmap|siphasher)")
_UNSTEADY = re.compile(
    r"_*(?:mem(?:cpy|move|cmp|set|chr|rchr|mem)|mempcpy|bcmp|str[a-z]*)(?:_\w+)?$"
    r"|_?_dl_\w+|do_lookup_x|check_match|_?_?tls_\w+"
    # Threads that wait for each other: how often they try is the scheduler's doing.
    r"|(?:core::ptr::drop_in_place<)?<?&?(?:mut )?(?:tokio|mio|rayon\w*|crossbeam\w*|parking_lot\w*|parking|event_listener"
    r"|async_channel|flume|concurrent_queue|spin|std::(?:thread|sync|sys|time))::"
    r"|_*(?:pthread|lll|clock|futex|sched|private_cond)_?\w*|_*clone3?$|start_thread|syscall$|allocate_stack"
    r"|__(?:timedwait(?:_cp)?|wait|wake|lock|unlock|tl_lock|tl_unlock|tl_sync)$"
    r"|__aarch64_(?:cas|swp|ldadd|ldclr|ldeor|ldset)\d+_\w+"
)


class Floors(Enum):
    """What floors are worth where repeats scatter more: of instructions all of it, since whatever is known to vary has a
    larger one; of memory less, the more they scatter, since nobody knows the threads of a program."""

    KNOWN = auto()
    DOUBTED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """All arrays are (subjects,). `contrast` is in logarithms; where a side is zero only `p_values` mean something."""

    baseline: Floats
    candidate: Floats
    ci_low: Floats
    ci_high: Floats
    p_values: Floats
    contrast: Contrast


def floor_of(function: Function) -> float:
    """Relative standard deviation of one repeat that is assumed without looking, for one function."""
    name = function.name
    if symbols.is_allocator(name) and not symbols.is_allocator_entry(name):
        return LAYOUT
    if _UNSTEADY.match(name) or symbols.is_allocator_entry(name):
        return UNSTEADY
    return SEEDED if _SEEDED.match(name) else EXACT


def changes(
    counts: Floats,
    candidate: np.typing.NDArray[np.bool_],
    subjects: Sequence[np.typing.NDArray[np.intp]],
    floors: Floats,
    least: float = 0.0,
    trusted: Floors = Floors.KNOWN,
) -> Counted:
    """Each subject's change between repeats of two programs.

    `counts` (functions, repeats), `subjects`: the functions each sums, `floors` (functions,), `least`: standard deviation, as a
    count, that any function may have. Assumed: repeats scatter about their mean with the standard deviation that floors
    and repeats together suggest, and functions scatter
    independently. With one repeat a side the floors alone decide.
    """
    sides = (counts[:, ~candidate], counts[:, candidate])
    df = float(counts.shape[1] - 2)
    level = np.maximum(counts.mean(axis=1), 0.0)
    total = float(level.sum())
    smallest = max(OF_TOTAL * total, least)
    assumed = (floors * level) ** 2 + smallest**2
    if df > 0:
        own = sum(((side - side.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) for side in sides) / df
        variance = significance.moderated(np.asarray(own), df, assumed, PRIOR_DF)
    else:
        variance = assumed
    means = [np.array([side[rows].sum(axis=0).mean() for rows in subjects]) for side in sides]
    spread = np.array([variance[rows].sum() for rows in subjects])
    middle = np.maximum((means[0] + means[1]) / 2, 1e-300)
    # What scatters in proportion to the count scatters less on the side that has less of it.
    errors = [
        np.sqrt(spread * np.clip(mean / middle, 1e-3, 2) ** 2 / side.shape[1] + smallest**2)
        for mean, side in zip(means, sides, strict=True)
    ]
    told = np.ones(len(subjects))
    if trusted is Floors.DOUBTED:
        told = np.array([assumed[rows].sum() for rows in subjects]) / np.maximum(spread, 1e-300)
    all_df = max(df, 0.0) + PRIOR_DF * np.minimum(1.0, told) if df > 0 else np.full(len(subjects), PRIOR_DF)
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = [error / mean for error, mean in zip(errors, means, strict=True)]
        log_error = np.hypot(relative[0], relative[1])
        # The corners of the two sides' intervals, drawn in so that small errors give Student's interval exactly.
        reach = stdtrit(all_df, significance.CONFIDENCE) * log_error / (relative[0] + relative[1])
        low = np.maximum(means[1] - reach * errors[1], 0) / (means[0] + reach * errors[0]) - 1
        high = (means[1] + reach * errors[1]) / np.maximum(means[0] - reach * errors[0], 0) - 1
        contrast = Contrast(difference=np.log(means[1] / means[0]), standard_error=log_error, df=all_df)
        t = (means[1] - means[0]) / np.hypot(errors[0], errors[1])
    p_values = significance.two_sided_p(t, all_df)
    return Counted(baseline=means[0], candidate=means[1], ci_low=low, ci_high=high, p_values=p_values, contrast=contrast)
