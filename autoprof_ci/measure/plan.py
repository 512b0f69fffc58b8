"""What a measuring session is asked to do: values only.

Knows the programs, the workloads and how to measure them. Knows nothing of tools, processes or files' contents.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from autoprof_ci.model import MeasureSettings, Workload

BASELINE = "baseline"
CANDIDATE = "candidate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The user and the group that measured programs run as: no capability, no other group, no way back.

    `is_alone`: nobody else here is that user, so whatever of it outlives a program may be ended and removed.
    """

    uid: int
    gid: int
    is_alone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program to be measured. `label`: ``baseline`` or ``candidate``.

    `extra_binaries`: name -> file; they belong to the program, are staged beside it, and `name` is their placeholder.
    `libraries`: soname -> file, for what its loader would not find from where the program is staged (see `libraries`).
    """

    label: str
    binary: Path
    extra_binaries: Mapping[str, Path] = field(default_factory=dict)
    libraries: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`programs`: one (record) or two (baseline, candidate). `data`: the folder behind ``{data}``. Inputs of workloads are
    relative to `config_folder`. `identity`: whom the programs run as; ``None``: as ourselves. `player`: the executable that plays
    recorded sessions; there where a workload has an agent. `continues`: workload name -> starts a run, where runs are added to
    those of an earlier session: only runs are wanted then, neither stacks nor machine code."""

    programs: tuple[Program, ...]
    workloads: tuple[Workload, ...]
    settings: MeasureSettings
    data: Path | None
    config_folder: Path
    identity: Identity | None = None
    player: Path | None = None
    continues: Mapping[str, int] = field(default_factory=dict)

    @property
    def judged(self) -> Program:
        """The program that must be able to do every workload: the candidate, or the only one."""
        return self.programs[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What one run does: `starts` starts of one workload on one program."""

    program: Program
    workload: Workload
    starts: int = 1

    @property
    def names(self) -> str:
        return f"workload {self.workload.name!r} ({self.program.label})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """`done` of `total` steps of comparable length; `text` names the step that begins now.

    `inside_s`: at the end of a session, how long a measured program ran in it; ``None`` before."""

    done: int
    total: int
    text: str
    inside_s: float | None = None
