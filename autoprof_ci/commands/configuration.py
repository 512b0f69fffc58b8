"""EDGE: finding the configuration: a file, the shipped one for autopilot, or one command after ``--``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoprof_ci import config as toml
from autoprof_ci.commands import files
from autoprof_ci.errors import UsageError
from autoprof_ci.model import Config, Instrument
from autoprof_ci.workloads import SHIPPED_CONFIG

DEFAULT_NAME = "autoprof.toml"
AUTOPILOT = "autopilot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration and where it came from. `folder`: what its relative paths start from; `name`: for sentences."""

    config: Config
    folder: Path
    name: str
    text: str = ""


def find(option: str | None) -> Loaded | None:
    """The file that `option` names, else ``autoprof.toml`` in this folder; ``None`` without one."""
    path = Path(option or DEFAULT_NAME)
    if option is None and not path.exists():
        return None
    text = toml.decode(files.read(path, "the configuration"), source=str(path))
    return Loaded(config=toml.parse_settings(text, source=str(path)), folder=path.parent.resolve(), name=str(path), text=text)


def for_measuring(option: str | None, binary: str | None, arguments: Sequence[str] | None) -> Loaded:
    """What to measure and how: the file; the one command after ``--`` instead of its workloads; or what we ship for autopilot."""
    found = find(option)
    if arguments is not None:
        ad_hoc = toml.ad_hoc(arguments)
        if found is None:
            return Loaded(config=ad_hoc, folder=Path.cwd(), name="the command line")
        return replace(found, config=replace(found.config, workloads=ad_hoc.workloads))
    if found is not None:
        toml.parse(found.text, source=found.name)  # one that says what to measure
        return found
    if binary is not None and Path(binary).name == AUTOPILOT:
        return Loaded(config=toml.parse(SHIPPED_CONFIG, source="the shipped autopilot.toml"), folder=Path.cwd(), name="autopilot")
    raise UsageError(
        f"There is no {DEFAULT_NAME} here",
        "Run `autoprof-ci init` to write one, or name a command after `--`: autoprof-ci gate --binary PATH -- ARGS",
    )


def narrow(config: Config, names: Sequence[str], instruments: Sequence[str], runs: int | None) -> Config:
    """The configuration with what the command line says about workloads, instruments and runs."""
    known = [workload.name for workload in config.workloads]
    for name in names:
        if name not in known:
            raise UsageError(f"--workload {name}: there is no workload of that name", f"Known are: {', '.join(known)}")
    measure = config.measure
    kept = tuple(workload for workload in config.workloads if not names or workload.name in names)
    if instruments:
        measure = replace(measure, instruments=tuple(Instrument(name) for name in dict.fromkeys(instruments)))
    if runs is not None:
        if runs < 4 or runs % 2:
            raise UsageError(f"--runs {runs}: the number of runs a side must be even and at least 4", "Try --runs 10")
        measure = replace(measure, runs=runs)
        kept = tuple(replace(workload, runs=None) for workload in kept)
    return replace(config, measure=measure, workloads=kept)
