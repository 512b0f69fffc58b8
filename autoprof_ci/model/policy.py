"""What the user decides: thresholds, groups and accepts; and what is to be measured, and how."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from autoprof_ci.model.words import FailOn, Instrument


class ExpectOutput(StrEnum):
    ANY = "any"
    SAME = "same"


class AgentDelays(StrEnum):
    """Whether a scripted agent waits as long between its lines as the real one did."""

    NONE = "none"
    RECORDED = "recorded"


class SandboxKind(StrEnum):
    AUTO = "auto"
    CONTAINER = "container"
    NONE = "none"


class Network(StrEnum):
    NONE = "none"
    HOST = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """Ratios. `max_regression`: fail above; `warn`: warn above; `min_share`: colder functions are not tested alone."""

    max_regression: float
    warn: float
    min_share: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A threshold for some subjects only. First match in file order wins; ``None`` keeps the instrument's own value."""

    match: tuple[str, ...]
    workload: str | None = None
    instrument: Instrument | None = None
    metric: str | None = None
    max_regression: float | None = None
    warn: float | None = None
    min_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Functions that are summed, shown and gated as one subject."""

    name: str
    match: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accept:
    """A regression that somebody answers for, up to a size and a day."""

    match: tuple[str, ...]
    up_to: float
    reason: str
    expires: date
    workload: str | None = None
    instrument: Instrument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Everything a verdict depends on besides the numbers."""

    false_alarm_rate: float
    """Probability that a report of unchanged programs calls anything significant; for all subjects, workloads, instruments."""
    fail_on: FailOn
    thresholds: Mapping[Instrument, Threshold]
    overrides: tuple[Override, ...] = ()
    groups: tuple[Group, ...] = ()
    accepts: tuple[Accept, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """What makes a command a daemon: it is measured in a window only, from when it is ready until its driver has ended or
    `duration_s` has passed, whichever comes first; at least one of the two is there."""

    ready: str
    """A line of its output or errors holds this once it is ready."""
    driver: tuple[str, ...] | None = None
    duration_s: float | None = None
    stop_signal: str = "SIGTERM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One fixed task of the program. Paths in `inputs` are relative to the folder of the TOML."""

    name: str
    command: tuple[str, ...]
    inputs: tuple[str, ...] = ()
    instructions_command: tuple[str, ...] | None = None
    """A smaller task for callgrind."""
    setup: tuple[tuple[str, ...], ...] = ()
    """Commands run in the working folder before each start, outside of the recording."""
    stdin: str | None = None
    """A file among the inputs."""
    env: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 60.0
    """Of one plain start; a hundred times as long under callgrind."""
    expect_exit: int = 0
    expect_output: ExpectOutput = ExpectOutput.ANY
    runs: int | None = None
    instruments: tuple[Instrument, ...] | None = None
    agent: str | None = None
    """The recorded session that ``claude`` and ``codex`` play: a file beside the TOML, or ``{data}/...``, a shipped one."""
    agent_delays: AgentDelays = AgentDelays.NONE
    daemon: Daemon | None = None
    """``None``: the command ends by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureSettings:
    """How to measure; the table ``[measure]``."""

    instruments: tuple[Instrument, ...] = (Instrument.TIME, Instrument.INSTRUCTIONS)
    runs: int = 10
    """A side; even."""
    more_runs: int = 40
    """A side; even; at most so many more where changed code seems slower and the runs cannot tell."""
    min_run_s: float = 1.0
    frequency_hz: int = 1999
    time_limit_s: float = 600.0
    sandbox: SandboxKind = SandboxKind.AUTO
    network: Network = Network.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole ``autoprof.toml``. `binary` as written there; ``None`` where only the command line names it."""

    binary: str | None
    extra_binaries: tuple[str, ...]
    measure: MeasureSettings
    policy: Policy
    workloads: tuple[Workload, ...]
