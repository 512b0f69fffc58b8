"""Near-exact counts: what is noise for which kind of function."""

from __future__ import annotations

import numpy as np
import pytest

from autoprof_ci.analysis import compare, decide, instructions
from autoprof_ci.model import Comparison, Estimate, Function, Instrument, Signal, Status, WorkloadInstructions
from tests.test_analysis.builders import CONTEXT, POLICY, bundle, counted

SEEDS = range(40)
RELATIVE_NOISE = {
    "a::work": 2e-5, "a::other": 2e-5, "a::part": 2e-5, "hashbrown::map::HashMap::insert": 5e-4, "memmove": 1e-3, "memcmp": 1e-3,
    "tokio::runtime::park": 2e-3, "_int_malloc": 4e-3, "malloc_consolidate": 5e-3, "unlink_chunk": 1.1e-2,
}  # fmt: skip
"""Relative standard deviations as they were measured on repeats of real programs (rounded up)."""
COSTS = dict(zip(RELATIVE_NOISE, [40e6, 30e6, 1e6, 5e6, 8e6, 2e6, 2e6, 6e6, 2e6, 2e6], strict=True))


def recorded(seed: int, repeats: int, costs: dict[str, float]) -> WorkloadInstructions:
    rng = np.random.default_rng(seed)
    base = counted(costs, {("a::work", name): 1000.0 for name in costs if name != "a::work"}, repeats=repeats)
    noisy = tuple(
        tuple(float(np.rint(cost * (1 + RELATIVE_NOISE[name] * rng.normal()))) for name, cost in costs.items())
        for _ in range(repeats)
    )
    return WorkloadInstructions(
        name="w", functions=base.functions, repeats=noisy, inclusive=base.inclusive, calls=base.calls, edges=base.edges
    )  # fmt: skip


def compared(seed: int, repeats: int, costs: dict[str, float]) -> Comparison:
    return compare(bundle(None, recorded(seed, repeats, COSTS)), bundle(None, recorded(1000 + seed, repeats, costs)), POLICY)


def of(comparison: Comparison, name: str) -> Estimate:
    (found,) = [s.estimates[0] for s in comparison.workloads[0].subjects if s.subject == name]
    return found


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_changes__repeats_of_one_program_raise_no_alarm(repeats: int) -> None:
    lowest = min(
        subject.estimates[0].p_adjusted or 1.0
        for seed in SEEDS
        for subject in compared(seed, repeats, COSTS).workloads[0].subjects
    )
    assert lowest > 0.001


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_changes__two_percent_of_a_function_of_one_percent_is_found(repeats: int) -> None:
    costs = {**COSTS, "a::part": 1.02e6}
    for seed in SEEDS:
        verdict = decide(compared(seed, repeats, costs), POLICY, CONTEXT)
        statuses = {finding.subject: finding.status for finding in verdict.workloads[0].findings}
        assert statuses.pop("a::part") is Status.REGRESSION
        assert Status.REGRESSION not in statuses.values()


def test_changes__report_says_what_could_have_been_seen() -> None:
    found = compared(1, 2, COSTS)
    assert 0 < (of(found, "a::work").smallest_detectable_change or 0) < 0.003
    assert (of(found, "unlink_chunk").smallest_detectable_change or 0) > 0.02


def test_changes__noisy_function_with_the_same_calls_is_unchanged_not_inconclusive() -> None:
    verdict = decide(compared(1, 1, COSTS), POLICY, CONTEXT)
    finding = next(f for f in verdict.workloads[0].findings if f.subject == "unlink_chunk")
    assert (finding.measurements[0].signal, finding.status) == (Signal.UNSEEN, Status.UNCHANGED)


def test_changes__swapped_sides_swap_everything() -> None:
    costs = {**COSTS, "a::part": 1.5e6}
    there = of(compare(bundle(None, recorded(1, 2, COSTS)), bundle(None, recorded(2, 2, costs)), POLICY), "a::part")
    back = of(compare(bundle(None, recorded(2, 2, costs)), bundle(None, recorded(1, 2, COSTS)), POLICY), "a::part")
    assert there.p_value == back.p_value
    assert (1 + (there.change or 0)) * (1 + (back.change or 0)) == pytest.approx(1)
    assert (1 + (there.ci_low or 0)) * (1 + (back.ci_high or 0)) == pytest.approx(1, abs=1e-6)


def test_changes__interval_is_students_where_errors_are_small() -> None:
    estimate = of(compared(3, 2, {**COSTS, "a::work": 44e6}), "a::work")
    width = (estimate.ci_high or 0) - (estimate.ci_low or 0)
    assert estimate.ci_low is not None
    assert estimate.ci_high is not None
    assert estimate.ci_low < 0.1 < estimate.ci_high
    assert width < 0.002


def test_changes__a_function_that_appears_has_a_p_value_and_no_change() -> None:
    without = {name: cost for name, cost in COSTS.items() if name != "a::part"}
    found = of(compare(bundle(None, recorded(1, 2, without)), bundle(None, recorded(2, 2, COSTS)), POLICY), "a::part")
    assert (found.change, found.ci_low, found.ci_high) == (None, None, None)
    assert found.p_value is not None
    assert found.p_value < 1e-9
    assert found.instrument is Instrument.INSTRUCTIONS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("serde_json::de::from_str", instructions.EXACT),
        ("autopilot::restring", instructions.EXACT),
        ("memory_map::insert", instructions.EXACT),
        ("memmove", instructions.UNSTEADY),
        ("memcmp", instructions.UNSTEADY),
        ("strlen", instructions.UNSTEADY),
        ("malloc", instructions.UNSTEADY),
        ("_int_malloc", instructions.LAYOUT),
        ("unlink_chunk", instructions.LAYOUT),
        ("hashbrown::raw::RawTable::reserve_rehash", instructions.SEEDED),
        ("core::hash::BuildHasher::hash_one", instructions.SEEDED),
        ("<tokio::runtime::scheduler::Context as core::ops::Drop>::drop", instructions.UNSTEADY),
        ("tokio::runtime::park", instructions.UNSTEADY),
        ("_dl_relocate_object", instructions.UNSTEADY),
        ("__timedwait_cp", instructions.UNSTEADY),
        ("__tl_lock", instructions.UNSTEADY),
        ("__private_cond_signal", instructions.UNSTEADY),
        ("__clone3", instructions.UNSTEADY),
        ("start_thread", instructions.UNSTEADY),
        ("syscall", instructions.UNSTEADY),
        ("syscall_table_lookup", instructions.EXACT),
        ("<event_listener::sys::Inner as core::ops::Drop>::drop", instructions.UNSTEADY),
        ("core::ptr::drop_in_place<std::sync::mpmc::Sender<u64>>", instructions.UNSTEADY),
        ("core::ptr::drop_in_place<serde_json::Value>", instructions.EXACT),
        ("std::syncopation::beat", instructions.EXACT),
        ("__aarch64_ldadd4_acq_rel", instructions.UNSTEADY),
        ("__lock_file", instructions.EXACT),
        ("get_meta", instructions.LAYOUT),
        ("__malloc_allzerop", instructions.LAYOUT),
    ],
)
def test_floor_of__kinds(name: str, expected: float) -> None:
    assert instructions.floor_of(Function(name)) == expected
