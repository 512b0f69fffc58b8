"""What passes through the wall: plans in, outcomes out, and nothing in between that could not be read."""

from __future__ import annotations

from pathlib import Path

import pytest

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
from autoprof_ci.measure.limit import TimeIsUpError
from autoprof_ci.measure.plan import Identity, Plan, Program
from autoprof_ci.model import ExpectOutput, Instrument, MeasureSettings, Network, SandboxKind, Workload
from autoprof_ci.sandbox import job as job_format
from autoprof_ci.sandbox.job import Failure, Job, Outcome, ProgressLine

EVERYTHING = Plan(
    programs=(
        Program(label="baseline", binary=Path("/job/a"), extra_binaries={"b": Path("/job/b")}, libraries={"l": Path("/job/l")}),
        Program(label="candidate", binary=Path("/job/c")),
    ),
    workloads=(
        Workload(
            name="w",
            command=("{binary}", "\xe4 \n::error::"),
            inputs=("cases",),
            instructions_command=("{binary}",),
            setup=(("sh", "-c", "true"),),
            stdin="cases/in",
            env={"A": "b"},
            timeout_s=1.5,
            expect_exit=3,
            expect_output=ExpectOutput.SAME,
            runs=6,
            instruments=(Instrument.TIME,),
        ),
    ),
    settings=MeasureSettings(
        instruments=(Instrument.INSTRUCTIONS,),
        runs=4,
        min_run_s=0.1,
        frequency_hz=99,
        time_limit_s=5.0,
        sandbox=SandboxKind.CONTAINER,
        network=Network.HOST,
    ),
    data=Path("/job/data"),
    config_folder=Path("/job/inputs"),
    identity=Identity(uid=65534, gid=65534),
    continues={"w": 3},
)


def test_job__round_trip() -> None:
    job = Job(version=__version__, plan=EVERYTHING, lacking=(1,))
    assert job_format.decode(job_format.encode(job), Job) == job


@pytest.mark.parametrize("error", [UsageError, ConfigError, ToolError, ProgramError, DataError, InterruptedByUserError])
def test_failure__comes_out_as_what_it_was(error: type[AutoprofError]) -> None:
    out = job_format.error_of(job_format.failure_of(error("It happened there", "Do this")))
    assert (type(out), out.what, out.next_step) == (error, "It happened there", "Do this")


def test_failure__of_a_narrower_kind_is_the_wider_one() -> None:
    assert job_format.failure_of(TimeIsUpError("Late", "Wait")) == Failure(kind="ToolError", what="Late", next_step="Wait")


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit", "", "AutoprofError"])
def test_failure__of_no_kind_of_ours_is_a_failed_tool(kind: str) -> None:
    assert type(job_format.error_of(Failure(kind=kind, what="x", next_step="y"))) is ToolError


def test_failure__words_are_harmless() -> None:
    error = job_format.error_of(Failure(kind="ToolError", what="::error::\x1b[31m\n##[warning]\u202e", next_step="a\rb"))
    assert (error.what, error.next_step) == (": :error::\\x1b[31m # #[warning]\\x202e", "a b")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'{"labels": "candidate"}',
        b'{"labels": [], "more": 1}',
        b'{"failure": {"kind": "ToolError"}}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"labels": [1]}',
    ],
)
def test_outcome__damaged(data: bytes) -> None:
    with pytest.raises(DataError, match="do not understand each other"):
        job_format.decode(data, Outcome)


def test_progress_line__damaged() -> None:
    with pytest.raises(DataError):
        job_format.decode(b'{"done": "many", "total": 3, "text": ""}', ProgressLine)


def test_check_version__another_one() -> None:
    with pytest.raises(ToolError) as caught:
        job_format.check_version(Job(version="99.0", plan=EVERYTHING))
    assert str(caught.value) == (
        f"The image to measure in holds autoprof-ci {__version__}, but was started by 99.0. "
        "Build it again: docker build -t autoprof-ci:99.0 ."
    )
