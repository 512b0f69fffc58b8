"""What is handed into the measuring container and what comes out of it: the files' names and what stands in them. Pure.

    /job/plan.json              the plan, with the paths that its files have inside
    /job/programs/0/0/NAME      a program and its extra binaries, one folder each; /job/programs/1/... the other one's
    /job/programs/0/libraries/  the libraries it brings along
    /job/inputs/...             the inputs of workloads, as they lie beside the TOML
    /job/data/...               the folder behind {data}
    /job/agent/player           what plays recorded sessions
    /result/outcome.json        how it ended; written last
    /result/baseline.zip ...    one bundle for each program

Both sides are of one version, so nothing here has to be read by another one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import count
from pathlib import Path
from typing import TypeVar

import msgspec

from autoprof_ci import __version__
from autoprof_ci.errors import (
    AutoprofError,
    ConfigError,
    DataError,
    InterruptedByUserError,
    ProgramError,
    ToolError,
    UsageError,
)
from autoprof_ci.measure.plan import Identity, Plan, Program
from autoprof_ci.sandbox.printable import shown

JOB = Path("/job")
RESULT = Path("/result")
HOST = Path("/host")
HOST_LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
"""Where a host keeps the libraries that a program built there may need."""
PLAN = "plan.json"
PLAYER = "agent/player"
OUTCOME = "outcome.json"
NOBODY = Identity(uid=65534, gid=65534, is_alone=True)
"""Whom measured programs run as, in a container of their own."""

PERF_REFUSED = 91
"""Exit code of a session that was told to leave where perf does not work."""

LONGEST_WHAT = 4000

_T = TypeVar("_T")


class WithoutPerf(StrEnum):
    """What the session does where perf is refused."""

    LEAVE = "leave"
    GO_ON = "go-on"


class Job(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`version`: of whoever wrote it. `lacking`: indexes of the programs whose libraries are to be completed from the host's."""

    version: str
    plan: Plan
    lacking: tuple[int, ...] = ()


class Failure(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """An error of ours on its way out. `kind`: the name of its class."""

    kind: str
    what: str
    next_step: str


class Outcome(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`labels`: of the programs that a bundle was written for."""

    labels: tuple[str, ...] = ()
    failure: Failure | None = None


class ProgressLine(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """One line of the session's standard output."""

    done: int
    total: int
    text: str
    inside_s: float | None = None


_KINDS: Mapping[str, type[AutoprofError]] = {
    kind.__name__: kind for kind in (UsageError, ConfigError, ToolError, ProgramError, DataError, InterruptedByUserError)
}


def failure_of(error: AutoprofError) -> Failure:
    kind = next(kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _KINDS or kind is AutoprofError)
    return Failure(kind=kind, what=error.what, next_step=error.next_step)


def error_of(failure: Failure) -> AutoprofError:
    """The error to be raised on this side; its words are as harmless as those of any other text from inside."""
    kind = _KINDS.get(failure.kind, ToolError)
    return kind(shown(failure.what, LONGEST_WHAT), shown(failure.next_step, LONGEST_WHAT))


def encode(value: msgspec.Struct) -> bytes:
    return msgspec.json.encode(value, enc_hook=_plain)


def decode(data: bytes, kind: type[_T]) -> _T:
    """Raises `DataError`."""
    try:
        return msgspec.json.decode(data, type=kind, dec_hook=_from_plain)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(
            f"The measuring container and this side do not understand each other: {shown(str(error))}", _SAME_VERSION
        ) from None


_SAME_VERSION = f"Measure in an image of this version of autoprof-ci, {__version__}."


def check_version(job: Job) -> None:
    if job.version != __version__:
        raise ToolError(
            f"The image to measure in holds autoprof-ci {__version__}, but was started by {shown(job.version)}",
            f"Build it again: docker build -t autoprof-ci:{shown(job.version)} .",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """A plan as the container sees it. `files`: path inside (below ``/job``, relative) -> file here."""

    plan: Plan
    files: Mapping[str, Path]


def inside(plan: Plan) -> Inside:
    """Give every file of `plan` its path inside, and every program its user."""
    files: dict[str, Path] = {}
    programs = tuple(_program(number, program, files) for number, program in enumerate(plan.programs))
    moved = replace(
        plan,
        programs=programs,
        data=None if plan.data is None else JOB / "data",
        config_folder=JOB / "inputs",
        identity=NOBODY,
        player=None if plan.player is None else JOB / PLAYER,
    )
    if plan.player is not None:
        files[PLAYER] = plan.player
    return Inside(plan=moved, files=files)


def _program(number: int, program: Program, files: dict[str, Path]) -> Program:
    """`files` is filled. Base names stay: the program is staged under them."""
    index = count()

    def place(file: Path, relative: str) -> Path:
        files[relative] = file
        return JOB / relative

    return replace(
        program,
        binary=place(program.binary, f"programs/{number}/{next(index)}/{program.binary.name}"),
        extra_binaries={
            name: place(file, f"programs/{number}/{next(index)}/{file.name}") for name, file in program.extra_binaries.items()
        },
        libraries={name: place(file, f"{libraries_folder(number)}/{name}") for name, file in program.libraries.items()},
    )


def libraries_folder(number: int) -> str:
    """Where the libraries lie that a program brings along, under the names it asks for."""
    return f"programs/{number}/libraries"


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not expected")


def _from_plain(kind: type, value: object) -> object:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise ValueError(f"{kind.__name__} is not expected")
