"""Opinion: the comparison held against the policy. What ``verdict.json`` holds."""

from __future__ import annotations

from dataclasses import dataclass

from autoprof_ci.model.comparison import Calls, Estimate
from autoprof_ci.model.recording import Caveat
from autoprof_ci.model.words import Instrument, Outcome, ReasonCode, Signal, Status, SubjectKind, WorkloadState


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """An estimate held against its threshold."""

    estimate: Estimate
    signal: Signal
    max_regression: float
    warn: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """`detail` is data for the sentence (a factor, a name), not the sentence."""

    code: ReasonCode
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    file: str
    line: int | None
    changed_here: bool | None = None
    """In the lines this pull request changes; ``None``: no diff known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A caller whose change explains the subject's."""

    subject: str
    dso: str | None
    calls: Calls | None = None
    source: Source | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One workload × subject, judged."""

    subject: str
    kind: SubjectKind
    dso: str | None
    status: Status
    measurements: tuple[Measurement, ...]
    calls: Calls | None = None
    reasons: tuple[Reason, ...] = ()
    caused_by: tuple[Cause, ...] = ()
    source: Source | None = None
    accepted_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadVerdict:
    name: str
    state: WorkloadState
    tested_subjects: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is said in public: the content of ``verdict.json``."""

    tool_version: str
    outcome: Outcome
    instruments: tuple[Instrument, ...]
    false_alarm_rate: float
    baseline_commit: str | None
    candidate_commit: str | None
    session: str | None
    workloads: tuple[WorkloadVerdict, ...]
    caveats: tuple[Caveat, ...] = ()
