"""Size factors, the reference and what is left of it for each subject."""

from __future__ import annotations

import numpy as np
import pytest

from autoprof_ci.analysis import normalise, selftime


def test_capped__nobody_above_the_cap_the_rest_in_proportion() -> None:
    assert np.allclose(normalise.capped(np.array([80.0, 10.0, 5.0, 5.0]), 0.4), [0.4, 0.3, 0.15, 0.15])
    assert np.allclose(normalise.capped(np.array([80.0, 10.0, 10.0]), 0.25), [1 / 3, 1 / 3, 1 / 3])
    assert np.allclose(normalise.capped(np.array([90.0, 8.0, 1.0, 1.0]), 0.5), [0.5, 0.4, 0.05, 0.05])
    assert np.allclose(normalise.capped(np.array([3.0]), 0.25), [1.0])


def test_weighted_median__of_columns() -> None:
    values = np.array([[1.0, 9.0], [2.0, 8.0], [3.0, 7.0]])
    assert np.array_equal(normalise.weighted_median(values, np.array([1.0, 1.0, 1.0])), [2.0, 8.0])
    assert np.array_equal(normalise.weighted_median(values, np.array([1.0, 1.0, 5.0])), [3.0, 7.0])


def test_size_factors__are_the_runs_speeds() -> None:
    speeds = np.array([0.0, 0.1, -0.1, 0.05])
    logs = np.array([[3.0], [5.0], [6.0]]) + speeds
    assert np.allclose(normalise.size_factors(logs, np.full(3, 1 / 3)), speeds - speeds.mean())


def test_make_reference__leaves_out_who_moved() -> None:
    differences = np.array([0.2, 0.01, -0.01, 0.0, 0.005, -0.3])
    reference = normalise.make_reference(differences, np.full(6, 0.01))
    assert reference.weights[[0, 5]].tolist() == [0.0, 0.0]
    assert reference.location == pytest.approx(0.001, abs=0.005)
    assert reference.ambiguity == 0.0


def test_make_reference__two_halves_that_disagree_leave_doubt() -> None:
    differences = np.array([0.2, 0.2, 0.2, 0.2, 0.0, 0.0, 0.0, 0.0])
    assert normalise.make_reference(differences, np.full(8, 0.01)).ambiguity == pytest.approx(0.2)


def _changes(counts: np.ndarray, subjects: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    runs = counts.shape[1] // 2
    found = selftime.relative_changes(
        counts, np.arange(2 * runs) >= runs, [np.array(s) for s in subjects], np.ones(len(counts), dtype=bool)
    ).contrast
    return found.difference, found.p_values()


MEANS = np.array([3000, 1600, 1200, 900, 800, 300, 200, 150, 100.0])


def _noisy(seed: int, factors: np.ndarray, runs: int = 10) -> np.ndarray:
    rng = np.random.default_rng(seed)
    means = np.concatenate([np.repeat(MEANS[:, None], runs, axis=1), np.repeat((MEANS * factors)[:, None], runs, axis=1)], axis=1)
    return rng.poisson(means * np.exp(rng.normal(0, 0.04, 2 * runs))).astype(float)


@pytest.mark.parametrize("position", range(9))
def test_relative_changes__whoever_changed_is_not_shrunk_and_moves_nobody_else(position: int) -> None:
    factors = np.ones(9)
    factors[position] = 1.5
    found = np.mean([_changes(_noisy(seed, factors), [[i] for i in range(9)])[0] for seed in range(8)], axis=0)
    expected = np.zeros(9)
    expected[position] = np.log(1.5)
    assert np.abs(found - expected).max() < 0.03


def test_relative_changes__the_largest_function_is_measured_in_full() -> None:
    """36 % of the time: dividing by the total would make +10 % of it +6 %."""
    factors = np.ones(9)
    factors[0] = 1.1
    found = np.mean([_changes(_noisy(seed, factors), [[0]])[0] for seed in range(30)])
    assert found == pytest.approx(np.log(1.1), abs=0.006)


def test_relative_changes__a_slower_machine_is_no_change() -> None:
    counts = _noisy(3, np.ones(9))
    slower = counts.copy()
    slower[:, 10:] = np.rint(slower[:, 10:] * 3)
    assert np.abs(_changes(slower, [[i] for i in range(9)])[0] - _changes(counts, [[i] for i in range(9)])[0]).max() < 0.01


def test_relative_changes__a_group_is_held_against_the_functions_outside_of_it() -> None:
    factors = np.array([1, 1, 1.2, 1.2, 1, 1, 1, 1, 1])
    found = np.mean([_changes(_noisy(seed, factors), [[2, 3]])[0] for seed in range(10)])
    assert found == pytest.approx(np.log(1.2), abs=0.01)


def test_relative_changes__one_function_has_nothing_to_be_held_against() -> None:
    difference, p = _changes(_noisy(1, np.ones(9))[:1], [[0]])
    assert np.isnan(difference).all()
    assert np.isnan(p).all()


def test_count_unit__is_what_one_sample_weighs() -> None:
    assert selftime.count_unit(np.array([[20.0, 0.0], [30.0, 50.0]])) == 10.0
    assert selftime.count_unit(np.array([[0.0015, 0.0], [0.0035, 0.002]])) == pytest.approx(0.0005)
    assert selftime.count_unit(np.array([[0.0005001, 0.0], [0.00075313, 0.0021777]])) == 0.0005001
    assert selftime.count_unit(np.zeros((2, 2))) == 1.0


def test_relative_changes__nothing_is_tested() -> None:
    found = selftime.relative_changes(_noisy(1, np.ones(9)), np.arange(20) >= 10, [], np.ones(9, dtype=bool))
    assert found.contrast.difference.shape == (0,)
    assert found.references.shape == (1, 20)


def test_relative_changes__few_noisy_runs_against_many_calm_ones() -> None:
    """Twenty runs of a calm session, four of a noisy one: the pooled variance is the calm one's and says nothing of the four."""
    lowest = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        candidate = np.arange(24) >= 20
        noise = rng.normal(0, 1, (9, 24)) * np.where(candidate, 0.1, 0.02)
        counts = rng.poisson(MEANS[:, None] * np.exp(noise)).astype(float)
        found = selftime.relative_changes(counts, candidate, [np.array([i]) for i in range(9)], np.ones(9, dtype=bool))
        lowest.append(found.contrast.p_values().min())
    assert min(lowest) > 0.001 / 9
