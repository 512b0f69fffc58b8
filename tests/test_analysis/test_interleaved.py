"""What interleaved runs tell without any normalisation: totals, and the change of the reference itself."""

from __future__ import annotations

import numpy as np
import pytest

from autoprof_ci.analysis import compare, decide, interleaved, selftime
from autoprof_ci.model import KERNEL, Comparison, Estimate, Status
from tests.test_analysis.builders import CONTEXT, POLICY, bundle, names, noisy, samples

MEANS = (3000, 1600, 1200, 900, 800, 700, 600, 500, 400, 300)


def abba(blocks: int, starts: float = 1.0) -> interleaved.Runs:
    candidate = np.array([False, True, True, False] * blocks)
    return interleaved.Runs(candidate=candidate, blocks=np.repeat(np.arange(blocks), 4), starts=np.full(len(candidate), starts))


def compared(factors: np.ndarray, session: str, runs: int = 10, seed: int = 1) -> dict[str, Estimate]:
    """Every function of the candidate `factors` times as slow."""
    rng = np.random.default_rng(seed)
    first = samples(noisy(rng, MEANS, runs), names(len(MEANS)))
    second = samples(noisy(rng, np.asarray(MEANS) * factors, runs), names(len(MEANS)))
    return by_name(compare(bundle(first, session=session), bundle(second, session=session), POLICY))


def by_name(comparison: Comparison) -> dict[str, Estimate]:
    return {subject.subject: subject.estimates[0] for subject in comparison.workloads[0].subjects}


def test_total_changes__blocks_take_the_drift_away() -> None:
    """The machine gets slower by half while base, head, head, base ... run; the program by a tenth."""
    rng = np.random.default_rng(1)
    runs = abba(5)
    totals = 8000 * np.exp(np.linspace(0, 0.4, 20) + rng.normal(0, 0.01, 20) + 0.1 * runs.candidate)
    found = interleaved.total_changes(totals[None, :], runs)
    assert found.difference[0] == pytest.approx(0.1, abs=0.015)
    assert found.standard_error[0] < 0.02
    assert found.df[0] == 14


def test_total_changes__no_variance_at_all_is_not_believed() -> None:
    """Five samples in each run, then six: sampling alone makes more than that."""
    runs = interleaved.Runs(candidate=np.arange(8) >= 4, blocks=np.tile(np.arange(4), 2), starts=np.ones(8))
    found = interleaved.total_changes(np.where(runs.candidate, 6.0, 5.0)[None, :], runs)
    assert found.p_values()[0] > 0.5


def test_total_changes__are_per_start() -> None:
    """Twice as many samples in a run of twice as many starts is no change."""
    rng = np.random.default_rng(2)
    candidate = np.arange(20) >= 10
    starts = np.where(candidate, 2.0, 1.0)
    runs = interleaved.Runs(candidate=candidate, blocks=np.tile(np.arange(10), 2), starts=starts)
    found = interleaved.total_changes(8000 * starts[None, :] * np.exp(rng.normal(0, 0.01, (1, 20))), runs)
    assert found.difference[0] == pytest.approx(0, abs=0.015)


def test_compare__everything_slower_shows_in_every_function_where_runs_were_interleaved() -> None:
    found = compared(np.full(10, 1.2), "together")
    assert all(estimate.change == pytest.approx(0.2, abs=0.08) for estimate in found.values())
    assert all((found[name].p_adjusted or 1) < 0.001 for name in ("[total]", "f0", "f1", "f2"))


def test_compare__everything_slower_is_the_machine_where_runs_were_not_interleaved() -> None:
    found = compared(np.full(10, 1.2), "")
    assert all(estimate.change == pytest.approx(0, abs=0.08) for estimate in found.values())
    assert min(estimate.p_adjusted or 1 for estimate in found.values()) > 0.001


@pytest.mark.parametrize("doubled", [slice(0, 7), slice(3, 10), slice(0, 2), slice(0, 10, 2)])
def test_compare__whoever_doubled_doubled_however_many_they_are(doubled: slice) -> None:
    factors = np.ones(10)
    factors[doubled] = 2.0
    found = compared(factors, "together")
    for number, factor in enumerate(factors):
        assert 1 + (found[f"f{number}"].change or 0) == pytest.approx(factor, rel=0.1)
        assert ((found[f"f{number}"].p_adjusted or 1) < 0.001) == (factor == 2.0)


def test_compare__anchored_values_are_those_of_the_runs() -> None:
    found = compared(np.array([2.0] * 7 + [1.0] * 3), "together")
    assert found["f0"].baseline == pytest.approx(3000, rel=0.05)
    assert found["f0"].candidate == pytest.approx(6000, rel=0.05)
    assert found["f9"].candidate == pytest.approx(300, rel=0.1)


def test_compare__anchored_and_swapped_sides_flip_every_sign() -> None:
    rng = np.random.default_rng(4)
    slower = np.asarray(MEANS) * np.array([2.0] * 7 + [1.0] * 3)
    first, second = (bundle(samples(noisy(rng, means, 6), names(10))) for means in (MEANS, slower))
    there, back = by_name(compare(first, second, POLICY)), by_name(compare(second, first, POLICY))
    for name, one in there.items():
        other = back[name]
        assert one.p_value == pytest.approx(other.p_value)
        assert (1 + (one.change or 0)) * (1 + (other.change or 0)) == pytest.approx(1)
        assert (1 + (one.ci_low or 0)) * (1 + (other.ci_high or 0)) == pytest.approx(1)
        assert (one.baseline, one.candidate) == (pytest.approx(other.candidate), pytest.approx(other.baseline))


def test_compare__without_a_common_change_relative_times_keep_their_precision() -> None:
    """A machine whose runs differ by 3 % as a whole: the speed is divided out, and its noise is not brought back."""
    factors = np.ones(10)
    factors[2] = 1.2
    together, apart = compared(factors, "together"), compared(factors, "")
    assert {name: (e.change, e.ci_low, e.ci_high) for name, e in together.items() if name != "[total]"} == {
        name: (e.change, e.ci_low, e.ci_high) for name, e in apart.items()
    }
    assert (together["f2"].p_adjusted or 1) < 0.001


def test_anchored__one_run_a_block_and_side_too_few_for_a_second_level() -> None:
    """Two runs a side in two blocks leave one degree of freedom, one run a side none."""
    counts = np.random.default_rng(1).poisson(1000.0, (9, 2)).astype(float)
    candidate = np.array([False, True])
    relative = selftime.relative_changes(counts, candidate, [], np.ones(9, dtype=bool))
    runs = interleaved.Runs(candidate=candidate, blocks=np.zeros(2, dtype=np.int64), starts=np.ones(2))
    assert interleaved.anchored(relative, runs) is None


def test_compare__the_total_without_the_kernel_comes_with_it() -> None:
    rng = np.random.default_rng(3)
    functions = (*names(9), KERNEL)
    first, second = (samples(noisy(rng, (*MEANS[:9], kernel), 10), functions) for kernel in (4000, 8000))
    total = next(s for s in compare(bundle(first), bundle(second), POLICY).workloads[0].subjects if s.kind == "total")
    assert total.without_kernel
    assert total.estimates[0].change == pytest.approx(4000 / (4000 + sum(MEANS[:9])), abs=0.06)
    assert total.without_kernel.change == pytest.approx(0, abs=0.06)
    verdict = decide(compare(bundle(first), bundle(second), POLICY), POLICY, CONTEXT)
    assert [f.subject for f in verdict.workloads[0].findings if f.status is Status.WARNING] == ["[kernel]", "[total]"]
    assert not any(f.status is Status.REGRESSION for f in verdict.workloads[0].findings)
