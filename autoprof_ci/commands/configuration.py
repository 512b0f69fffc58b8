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
    """A configuration and where it came from. `folder`: what its binaries start from; `inputs_folder`: what its inputs start
    from; `name`: for sentences."""

    config: Config
    folder: Path
    inputs_folder: Path
    name: str
    text: str = ""


def find(option: str | None) -> Loaded | None:
    """The file that `option` names, else ``autoprof.toml`` in this folder; ``None`` without one."""
    path = Path(option or DEFAULT_NAME)
    if option is None and not path.exists():
        return None
    text = toml.decode(files.read(path, "the configuration"), source=str(path))
    folder = path.parent.resolve()
    config = toml.parse_settings(text, source=str(path))
    return Loaded(config=config, folder=folder, inputs_folder=folder, name=str(path), text=text)


def for_measuring(option: str | None, binary: str | None, arguments: Sequence[str] | None) -> Loaded:
    """What to measure and how: the file; the one command after ``--`` instead of its workloads; or what we ship for autopilot."""
    found = find(option)
    if arguments is not None:
        ad_hoc = toml.ad_hoc(arguments)
        here = Path.cwd()
        workloads = tuple(replace(workload, inputs=_named_files(arguments, here)) for workload in ad_hoc.workloads)
        settings = found.config if found is not None else ad_hoc
        config = replace(settings, workloads=workloads)
        if found is None:
            return Loaded(config=config, folder=here, inputs_folder=here, name="the command line")
        return replace(found, config=config, inputs_folder=here)
    if found is not None:
        toml.parse(found.text, source=found.name)  # one that says what to measure
        return found
    if binary is not None and Path(binary).name == AUTOPILOT:
        here = Path.cwd()
        shipped = toml.parse(SHIPPED_CONFIG, source="the shipped autopilot.toml")
        return Loaded(config=shipped, folder=here, inputs_folder=here, name="what is shipped for autopilot")
    raise UsageError(
        f"There is no {DEFAULT_NAME} here",
        "Run `autoprof-ci init` to write one, or name a command after `--`: autoprof-ci gate --binary PATH -- ARGS",
    )


def _named_files(arguments: Sequence[str], here: Path) -> tuple[str, ...]:
    """The files of this folder that the command names: its inputs, since it is started in a fresh folder that has only those."""
    named = [Path(argument) for argument in dict.fromkeys(arguments) if argument and not argument.startswith(("-", "/"))]
    inside = [path for path in named if ".." not in path.parts and path.parts and (here / path).exists()]
    return tuple(str(path) for path in inside if ".git" not in path.parts)


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
