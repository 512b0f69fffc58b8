"""The stopwatch of the step: every second belongs to one stage, and the log says so."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from autoprof_ci.commands.on_github.clock import Clock, Stage, process_began_s
from autoprof_ci.measure.stopwatch import Interval, covered_s


class Hand:
    """A clock's hand that moves when it is told to."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def __call__(self) -> float:
        return self.at_s


def test_clock__gives_every_second_to_one_stage() -> None:
    hand = Hand()
    clock = Clock(began_s=99.0, now=hand)
    for stage, seconds in ((Stage.BASELINE, 2.0), (Stage.UPLOAD, 0.5), (Stage.BASELINE, 0.25)):
        clock.to(stage)
        hand.at_s += seconds
    assert clock.line() == "time: 3.8 s: start 1.0, baseline 2.2, upload 0.5"
    assert clock.seconds == {Stage.START: 1.0, Stage.BASELINE: 2.25, Stage.UPLOAD: 0.5}


def test_clock__tells_the_programs_own_time_apart() -> None:
    hand = Hand()
    clock = Clock(now=hand)
    clock.to(Stage.MEASURING)
    hand.at_s += 10.0
    clock.inside_s = 9.0
    clock.to(Stage.REPORT)
    hand.at_s += 1.0
    assert clock.line() == "time: 11.0 s, of it 9.0 s in measured programs; beside them: start 0.0, measuring 1.0, report 1.0"


def test_clock__does_not_take_time_back_where_the_system_tells_a_beginning_that_lies_ahead() -> None:
    assert Clock(began_s=200.0, now=Hand()).line() == "time: 0.0 s: start 0.0"


def test_process_began_s__is_before_now_and_after_the_start_of_the_machine() -> None:
    began_s = process_began_s()
    assert began_s is not None
    assert 0 < began_s <= time.clock_gettime(time.CLOCK_BOOTTIME)


@pytest.mark.parametrize("text", ["", "1 (python) S", f"1 (python) {'x ' * 40}"])
def test_process_began_s__of_another_system_is_not_known(tmp_path: Path, text: str) -> None:
    (tmp_path / "stat").write_text(text)
    assert process_began_s(tmp_path / "stat") is None
    assert process_began_s(tmp_path / "nothing") is None


def test_process_began_s__is_not_fooled_by_a_name(tmp_path: Path) -> None:
    fields = " ".join(str(number) for number in range(3, 53))
    (tmp_path / "stat").write_text(f"1 (a) 5 5 5) {fields}")
    assert process_began_s(tmp_path / "stat") == 22 / os.sysconf("SC_CLK_TCK")


def test_covered_s__counts_what_overlaps_once() -> None:
    assert covered_s([Interval(5.0, 6.0), Interval(0.0, 2.0), Interval(1.0, 3.0), Interval(1.5, 1.75)]) == 4.0
    assert covered_s([]) == 0.0
