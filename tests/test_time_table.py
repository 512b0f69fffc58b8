from __future__ import annotations

from dataclasses import replace

import pytest

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.output_check import check_same_output, outputs_differ
from autoprof_ci.measure.runner import StartResult
from autoprof_ci.measure.time_table import PlacedRun, TimedRun, caveats_of_runs, clock_table, cycles_table
from autoprof_ci.model import CaveatCode, Function, Run, WorkloadSamples

A, B = Function("a", "{binary}"), Function("b", "libc.so.6")
GOOD = TimedRun(
    wall_s=1.0,
    cpu_s=0.9,
    weights={A: 1000, B: 500},
    samples=2000,
    lost=0,
    throttled=0,
    unreadable=0,
    others_cpus=0.05,
    results=(),
)


def placed(*runs: TimedRun) -> list[PlacedRun]:
    return [PlacedRun(block=index // 2, position=index % 2, run=run) for index, run in enumerate(runs)]


def test_clock_table__counts_in_periods_zeros_too() -> None:
    assert clock_table("w", 3, placed(GOOD, replace(GOOD, weights={A: 1500})), 500) == WorkloadSamples(
        name="w",
        starts=3,
        functions=(A, B),
        runs=(Run(block=0, position=0, wall_s=1.0, counts=(2.0, 1.0)), Run(block=0, position=1, wall_s=1.0, counts=(3.0, 0.0))),
    )


def test_cycles_table__weights_share_out_the_cpu_time() -> None:
    (run,) = cycles_table("w", 3, placed(GOOD)).runs
    assert run.counts == (0.6, 0.3)


def test_cycles_table__run_without_samples() -> None:
    (run,) = cycles_table("w", 3, placed(replace(GOOD, weights={}))).runs
    assert run.counts == ()


def test_caveats_of_runs__good_runs_have_none() -> None:
    assert caveats_of_runs([GOOD] * 4, 1.0) == []
    assert caveats_of_runs([], 1.0) == []


def test_caveats_of_runs__each() -> None:
    bad = replace(GOOD, wall_s=0.2, samples=87, lost=2, throttled=1, unreadable=3, others_cpus=0.9)
    assert caveats_of_runs([bad] * 2, 1.0) == [
        (CaveatCode.LOST_SAMPLES, "4 events"),
        (CaveatCode.THROTTLED, "2 times"),
        (CaveatCode.UNREADABLE_LINES, "6 lines"),
        (CaveatCode.COARSE_SAMPLING, "87 samples a run"),
        (CaveatCode.SHORT_RUNS, "0.2 s a run"),
        (CaveatCode.BUSY_MACHINE, "0.9 processors"),
    ]


def test_caveats_of_runs__one_odd_run_is_no_disagreement() -> None:
    assert caveats_of_runs([*[replace(GOOD, cpu_s=1 + i / 100) for i in range(9)], replace(GOOD, cpu_s=9.0)], 1.0) == []
    scattered = [replace(GOOD, cpu_s=value) for value in (0.6, 0.8, 1.0, 1.4, 1.9)]
    assert [code for code, _ in caveats_of_runs(scattered, 1.0)] == [CaveatCode.RUNS_DISAGREE]


def printed(digest: str) -> StartResult:
    return StartResult(
        exit_code=0,
        signal=None,
        wall_s=1,
        user_s=1,
        system_s=0,
        stdout_sha256=digest,
        stdout_bytes=7,
        stderr_tail="",
        timed_out=False,
        left_children=0,
    )


def test_outputs_differ__only_when_each_program_agrees_with_itself() -> None:
    x, y = printed("x"), printed("y")
    assert outputs_differ([[x, x], [y, y]])
    assert not outputs_differ([[x, x], [x]])
    assert not outputs_differ([[x, y], [y, y]])
    assert not outputs_differ([[x]])
    assert not outputs_differ([[], [x]])


def test_check_same_output__different() -> None:
    with pytest.raises(ProgramError, match="print different output"):
        check_same_output("w", [[printed("x")], [printed("y")]])
