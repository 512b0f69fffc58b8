from __future__ import annotations

import pytest

from autoprof_ci.measure.schedule import Turn, blocks, order, starts_per_run, turns


def test_order__two_programs_cancel_a_linear_drift() -> None:
    places = order(2)
    assert places == (0, 1, 1, 0)
    assert sum(position for position, index in enumerate(places) if index == 0) == sum(
        position for position, index in enumerate(places) if index == 1
    )


def test_order__one_program_has_as_many_runs_in_a_block() -> None:
    assert order(1) == (0, 0)


def test_turns__every_workload_has_its_block_before_any_has_the_next() -> None:
    assert list(turns({"a": 6, "b": 4})) == [
        Turn(block=0, workload="a"),
        Turn(block=0, workload="b"),
        Turn(block=1, workload="a"),
        Turn(block=1, workload="b"),
        Turn(block=2, workload="a"),
    ]


def test_turns__nothing_to_do() -> None:
    assert list(turns({})) == []


@pytest.mark.parametrize(("runs", "expected"), [(4, 2), (5, 3), (10, 5)])
def test_blocks__odd_number_is_rounded_up(runs: int, expected: int) -> None:
    assert blocks(runs) == expected


@pytest.mark.parametrize(
    ("walls_s", "largest", "expected"),
    [([0.3, 0.1], 100, 10), ([2.0, 3.0], 100, 1), ([0.002], 100, 100), ([0.0], 7, 7)],
)
def test_starts_per_run__quicker_program_fills_the_run(walls_s: list[float], largest: int, expected: int) -> None:
    assert starts_per_run(walls_s, 1.0, largest) == expected
