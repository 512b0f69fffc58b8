"""Reference values, published formulas, symmetry, and the error rate for every number of runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special, stats

from autoprof_ci.analysis import significance
from autoprof_ci.analysis.significance import Contrast


def test_two_sided_p__is_students() -> None:
    t, df = np.array([0.0, -2.5, 4.0, 12.0]), np.array([3.0, 8.0, 18.0, 40.0])
    assert np.allclose(significance.two_sided_p(t, df), 2 * stats.t.sf(np.abs(t), df), rtol=1e-9)


def test_bounds__are_a_two_sided_90_percent_interval() -> None:
    contrast = Contrast(difference=np.array([0.1]), standard_error=np.array([0.02]), df=np.array([7.0]))
    low, high = contrast.bounds()
    assert (low[0], high[0]) == pytest.approx(stats.t.interval(0.9, 7, loc=0.1, scale=0.02))


@pytest.mark.parametrize("df", [4.0, 18.0, 60.0])
def test_smallest_detectable__is_found_in_95_percent(df: float) -> None:
    level = 1e-4
    contrast = Contrast(difference=np.zeros(1), standard_error=np.array([0.02]), df=np.array([df]))
    smallest = contrast.smallest_detectable(level)[0]
    critical = stats.t.isf(level / 2, df)
    assert stats.nct.sf(critical, df, smallest / 0.02) == pytest.approx(0.95, abs=0.01)


def test_trigamma_inverse__inverts() -> None:
    for x in (0.01, 0.3, 1.0, 7.0, 250.0):
        assert significance.trigamma_inverse(float(special.polygamma(1, x))) == pytest.approx(x, rel=1e-6)


def test_adjusted__is_holm() -> None:
    p = np.array([0.01, 0.04, 0.001, 0.03])
    assert np.allclose(significance.adjusted(p, 4), [0.03, 0.06, 0.004, 0.06])
    assert np.allclose(significance.adjusted(p, 10), [0.09, 0.28, 0.01, 0.24])


def test_fit_prior__finds_trend_and_degrees_of_freedom() -> None:
    """Variances drawn from limma's model: scaled inverse chi-square about a trend of slope -1."""
    rng = np.random.default_rng(5)
    means, df, prior_df = np.exp(rng.uniform(3, 8, 300)), 10.0, 12.0
    true = 0.8 / means * prior_df / rng.chisquare(prior_df, 300)
    found = significance.fit_prior(true * rng.chisquare(df, 300) / df, means, df)
    assert found.slope == pytest.approx(-1, abs=0.08)
    assert np.median(found.variance(means) * means) == pytest.approx(0.8, rel=0.1)
    assert 7 < found.df < 25


@pytest.mark.parametrize("rows", [0, 1, 2, 4])
def test_fit_prior__few_functions_do_not_tell(rows: int) -> None:
    found = significance.fit_prior(np.full(rows, 0.01), np.full(rows, 100.0), 4.0)
    assert found.df <= 1.5 * max(0, rows - 2)
    assert found.slope == -1.0


def test_moderated__weighs_by_degrees_of_freedom_and_never_goes_below_its_own() -> None:
    found = significance.moderated(np.array([1.0, 9.0]), 4.0, np.array([4.0, 4.0]), 8.0)
    assert np.allclose(found, [3.0, 9.0])


def _logs(seed: int, rows: int, runs: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(5, 0.05, (rows, 2 * runs)), np.arange(2 * runs) >= runs


@pytest.mark.parametrize("runs", range(2, 11))
def test_contrast__swapped_sides_flip_the_sign_and_nothing_else(runs: int) -> None:
    logs, candidate = _logs(runs, 6, runs)
    prior = np.full(6, 0.0025)
    there, back = (significance.contrast(logs, side, prior, 8.0) for side in (candidate, ~candidate))
    assert np.allclose(there.difference, -back.difference)
    assert np.allclose(there.standard_error, back.standard_error)
    assert np.allclose(there.df, back.df)


@pytest.mark.parametrize("runs", range(2, 11))
def test_contrast__keeps_its_error_rate(runs: int) -> None:
    """Normal noise, no shared variance: at most 5 % and 1 % of p-values below 0.05 and 0.01, as far as 4,000 rows can tell."""
    logs, candidate = _logs(100 + runs, 4000, runs)
    p = significance.contrast(logs, candidate, np.zeros(4000), 0.0).p_values()
    assert stats.binom.sf(np.count_nonzero(p < 0.05) - 1, 4000, 0.05) > 1e-4
    assert stats.binom.sf(np.count_nonzero(p < 0.01) - 1, 4000, 0.01) > 1e-4


@pytest.mark.parametrize("runs", [3, 5, 10])
def test_contrast__one_disturbed_run_decides_nothing(runs: int) -> None:
    logs, candidate = _logs(runs, 200, runs)
    logs[:, -1] += 1.0
    p = significance.contrast(logs, candidate, np.full(200, 0.0025), 8.0).p_values()
    assert p.min() > 1e-4


def test_contrast__without_noise_of_its_own_rests_on_the_prior() -> None:
    logs = np.repeat([[1.0, 1.0, 1.1, 1.1]], 2, axis=0)
    found = significance.contrast(logs, np.array([False, False, True, True]), np.array([0.01, 0.04]), 2.0)
    assert found.standard_error[1] == pytest.approx(2 * found.standard_error[0])


def test_contrast__one_run_a_side_knows_nothing() -> None:
    found = significance.contrast(np.zeros((2, 2)), np.array([False, True]), np.ones(2), 5.0)
    assert np.isnan(found.p_values()).all()
