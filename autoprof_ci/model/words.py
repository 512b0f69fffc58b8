"""The names of things and the closed sets of words: one word per idea."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

SCHEMA_VERSION = 1
BINARY_DSO = "{binary}"
TOTAL_NAME = "[total]"


class Function(NamedTuple):
    """A normalised symbol and the base name of the file it lives in; the measured program's own file is ``{binary}``."""

    name: str
    dso: str | None = None


KERNEL = Function("[kernel]", "[kernel]")
"""Everything the kernel did for the program: one row."""


def helper_row(executable: str) -> Function:
    """The one row of a helper (git, a shell, an agent): a process of the tree whose executable is not the program's."""
    return Function("[helper]", executable)


def unknown_row(dso: str) -> Function:
    """The one row of all samples in `dso` that no symbol covers."""
    return Function("[unknown]", dso)


class Instrument(StrEnum):
    TIME = "time"
    INSTRUCTIONS = "instructions"
    MEMORY = "memory"


class SubjectKind(StrEnum):
    FUNCTION = "function"
    GROUP = "group"
    TOTAL = "total"


class Signal(StrEnum):
    """What one instrument says of one subject, measured against its own threshold."""

    MORE = "more"
    LESS = "less"
    SAME = "same"
    UNSEEN = "unseen"


class Status(StrEnum):
    REGRESSION = "regression"
    WARNING = "warning"
    IMPROVEMENT = "improvement"
    UNCHANGED = "unchanged"
    PLACEMENT = "placement"
    COST_SHIFT = "cost_shift"
    ADDED = "added"
    REMOVED = "removed"
    INCONCLUSIVE = "inconclusive"
    ACCEPTED = "accepted"


class Outcome(StrEnum):
    PASS = "pass"
    FAIL = "fail"
    NO_BASELINE = "no_baseline"
    INCONCLUSIVE = "inconclusive"


class WorkloadState(StrEnum):
    COMPARED = "compared"
    NEW = "new"
    REMOVED = "removed"


class FailOn(StrEnum):
    REGRESSION = "regression"
    INCONCLUSIVE = "inconclusive"
    NEVER = "never"


class ReasonCode(StrEnum):
    """Why a subject has its status; worded in ``report``, listed in ``docs/glossary.md``."""

    MORE_CALLS = "more_calls"
    FEWER_CALLS = "fewer_calls"
    DEARER_CALLS = "dearer_calls"
    CALLS_MORE = "calls_more"
    CHEAPER_CALLS = "cheaper_calls"
    CODE_CHANGED = "code_changed"
    SAME_CODE = "same_code"
    ALIKE_CODE = "alike_code"
    INLINED_CODE = "inlined_code"
    NEW_FUNCTION = "new_function"
    REMOVED_FUNCTION = "removed_function"
    TIME_ONLY = "time_only"
    PLACEMENT = "placement"
    ALLOCATOR_LAYOUT = "allocator_layout"
    COST_MOVED = "cost_moved"
    MORE_AT_PEAK = "more_at_peak"
    MORE_LEAKED = "more_leaked"
    MORE_TEMPORARY = "more_temporary"
    RENAMED = "renamed"
    NOT_REACHED = "not_reached"
    MEMBER_CHANGED = "member_changed"
    KERNEL_TIME = "kernel_time"
    NOT_SIGNIFICANT = "not_significant"
    BELOW_THRESHOLD = "below_threshold"


class CaveatCode(StrEnum):
    """What a reader must know to weigh the verdict; worded in ``report``, listed in ``docs/glossary.md``."""

    ACCEPT_EXPIRED = "accept_expired"
    ACCEPT_REVIEW = "accept_review"
    BASELINE_INCOMPATIBLE = "baseline_incompatible"
    BASELINE_NEWER = "baseline_newer"
    BASELINE_NOT_NEAREST = "baseline_not_nearest"
    BASELINE_NOT_RECOGNISED = "baseline_not_recognised"
    BASELINE_SKIPPED = "baseline_skipped"
    BASELINE_UNVERIFIED = "baseline_unverified"
    BINARY_STRIPPED = "binary_stripped"
    BUSY_MACHINE = "busy_machine"
    COARSE_SAMPLING = "coarse_sampling"
    DIFF_UNAVAILABLE = "diff_unavailable"
    FEW_RUNS = "few_runs"
    IDENTICAL_PROGRAMS = "identical_programs"
    INSTRUCTIONS_ONCE = "instructions_once"
    INSTRUCTIONS_SKIPPED = "instructions_skipped"
    INSTRUCTIONS_UNAVAILABLE = "instructions_unavailable"
    INSTRUMENT_LEFT_OUT = "instrument_left_out"
    INTERRUPTED = "interrupted"
    KERNEL_NOT_SEEN = "kernel_not_seen"
    LEFT_CHILDREN = "left_children"
    LOOKED_AGAIN = "looked_again"
    LOOK_CUT_SHORT = "look_cut_short"
    LOST_SAMPLES = "lost_samples"
    MACHINE_CODE_UNAVAILABLE = "machine_code_unavailable"
    MACHINE_DIFFERS = "machine_differs"
    MEMORY_ONCE = "memory_once"
    MEMORY_SKIPPED = "memory_skipped"
    MEMORY_UNAVAILABLE = "memory_unavailable"
    NETWORK_OPEN = "network_open"
    NOT_INTERLEAVED = "not_interleaved"
    NO_FIXED_TASK = "no_fixed_task"
    NO_SANDBOX = "no_sandbox"
    OUTPUT_DIFFERS = "output_differs"
    PLACEMENT_NOT_RULED_OUT = "placement_not_ruled_out"
    PROCESSES_NOT_COUNTED = "processes_not_counted"
    RUNS_DISAGREE = "runs_disagree"
    SHORT_RUNS = "short_runs"
    STACKS_UNAVAILABLE = "stacks_unavailable"
    THRESHOLDS_LOOSENED = "thresholds_loosened"
    THROTTLED = "throttled"
    TIME_LIMIT = "time_limit"
    TIME_UNAVAILABLE = "time_unavailable"
    TOTALS_NOT_JUDGED = "totals_not_judged"
    UNREADABLE_LINES = "unreadable_lines"
    WORKLOAD_CHANGED = "workload_changed"
    WORKLOAD_FAILS_ON_BASELINE = "workload_fails_on_baseline"
    WORKLOAD_LEFT_OUT = "workload_left_out"
