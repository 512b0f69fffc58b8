"""Numbers only: what differs between two bundles, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from autoprof_ci.model.recording import Caveat, WorkloadInstructions, WorkloadMemory
from autoprof_ci.model.words import Function, Instrument, SubjectKind, WorkloadState


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What one instrument measured of one subject on both sides. Numbers only.

    `change` = candidate / baseline - 1, positive is slower. `ci_low`, `ci_high`: two-sided 90 % interval of `change`, so that
    `ci_low` is the one-sided 95 % bound. `p_value`: two-sided, of "no change". `p_adjusted`: family-wise over the report.
    ``None`` where it could not be had. `smallest_detectable_change`: smallest true change found significant with
    probability 0.95.
    """

    instrument: Instrument
    metric: str
    unit: str
    baseline: float | None
    candidate: float | None
    baseline_share: float | None = None
    candidate_share: float | None = None
    change: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    smallest_detectable_change: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """Times a function was entered, per start."""

    baseline: float
    candidate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectComparison:
    """One subject of one workload with every instrument's estimate. `gated`: it is tested, and may fail the report."""

    subject: str
    kind: SubjectKind
    dso: str | None
    estimates: tuple[Estimate, ...]
    calls: Calls | None = None
    gated: bool = True
    members: tuple[Function, ...] = ()
    """Of a group: the functions it sums."""
    with_memory: Estimate | None = None
    """Of a function by instructions: with what it asked of allocators and for copying."""
    without_kernel: Estimate | None = None
    """Of the total by time, where the kernel is in it: the same without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadComparison:
    name: str
    state: WorkloadState
    subjects: tuple[SubjectComparison, ...]
    tested_subjects: int
    baseline_instructions: WorkloadInstructions | None = None
    candidate_instructions: WorkloadInstructions | None = None
    baseline_memory: WorkloadMemory | None = None
    candidate_memory: WorkloadMemory | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Numbers only: what differs between two bundles, and how sure that is."""

    instruments: tuple[Instrument, ...]
    workloads: tuple[WorkloadComparison, ...]
    caveats: tuple[Caveat, ...] = ()
