"""What a report needs and the verdict does not hold: names, addresses, how it was run. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from autoprof_ci.model import FailOn


class ChartKind(StrEnum):
    """How the comment shows its chart."""

    IMAGES = "images"
    TEXT = "text"
    NONE = "none"


class Occasion(StrEnum):
    """What the run was for."""

    GATE = "gate"
    RECORD = "record"
    """A baseline for others: nothing was to be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """`folder_url`: where NAME-light.png and NAME-dark.png will be found from the comment, with its last slash."""

    kind: ChartKind
    folder_url: str = "charts/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """`program`: what the reader calls it. `runs`: a side. `reproduce`: one shell line. Addresses are ``None`` where there is
    none."""

    program: str
    config_name: str
    runs: int
    charts: Charts
    reproduce: str
    report_url: str | None
    key: str = "default"
    """Tells the comments of several gates of one pull request apart."""
    base_branch: str = "main"
    source_url: str | None = None
    """What goes before ``src/redact.rs#L152`` to reach a line of the candidate, with its last slash."""
    previous_regressions: tuple[str, ...] = ()
    """What the comment that this one replaces called regressions, ``WORKLOAD/SUBJECT`` each, as `previous_regressions` of the
    package reads them from its body."""
    command_line_workload: bool = False
    """The workload came from the command line, so no TOML holds it."""
    behind: int | None = None
    """Commits between the baseline's and the merge base: 0 is the merge base itself, ``None`` is unknown."""
    no_baseline: str | None = None
    """Why there is no baseline and what happens next, in whole sentences; ``None`` where there has never been one."""
    occasion: Occasion = Occasion.GATE
    run_url: str | None = None
    """The page of the job's run."""
    measured_commit_note: str | None = None
    """A whole sentence on the commit that was measured, where a reader would take it for another one."""
    unrecorded: str | None = None
    """Of a run that records: why its baseline could not be stored and what helps, in whole sentences."""
    fail_on: FailOn | None = None
    """The Action's input of this name, where it overrides the settings."""
