"""Memory is booked with who asked for it; the heap's layout with nobody."""

from __future__ import annotations

from autoprof_ci.analysis import DecideContext, booked, compare, decide
from autoprof_ci.analysis.callgraph import Cost
from autoprof_ci.model import Finding, Function, Instrument, Reason, ReasonCode, Status, WorkloadInstructions
from tests.test_analysis.builders import POLICY, TODAY, bundle, counted

F = Function


def run(asked: float, *, by: str = "tokens", malloc: float = 60, others: float = 1000) -> WorkloadInstructions:
    """`by` calls malloc `asked` times, `render` `others` times; a call of it costs `malloc`."""
    calls = asked + others
    costs = {"main": 1000, "tokens": 100_000, "render": 300_000, "rest": 1_500_000, "malloc": malloc * calls}
    edges = {
        ("main", "tokens"): 10,
        ("main", "render"): 10,
        ("main", "rest"): 1,
        (by, "malloc"): asked,
        ("render", "malloc"): others,
    }
    return counted(costs, edges)


def test_booked__calls_at_the_price_of_the_baseline() -> None:
    assert booked.booked(run(1000), run(1200, malloc=75)) == {
        F("tokens"): Cost(60_000, 72_000),
        F("render"): Cost(60_000, 60_000),
    }


def test_booked__copies_as_dear_as_they_were() -> None:
    before = counted({"main": 100, "memmove": 500}, {("main", "memmove"): 5})
    after = counted({"main": 100, "memmove": 900}, {("main", "memmove"): 5})
    assert booked.booked(before, after) == {F("main"): Cost(500, 900)}


def test_booked__what_others_ask_for_less_only_moved() -> None:
    before = run(1000)
    after = run(1300, others=700)
    assert booked.booked(before, after) == {F("tokens"): Cost(60_000, 60_000), F("render"): Cost(60_000, 60_000)}


def judged(before: WorkloadInstructions, after: WorkloadInstructions) -> dict[str, Finding]:
    compared = compare(bundle(counted=before), bundle(counted=after), POLICY)
    return {f.subject: f for f in decide(compared, POLICY, DecideContext(today=TODAY)).workloads[0].findings}


def test_decide__more_allocation_is_the_regression_of_who_asks() -> None:
    found = judged(run(1000), run(1100))["tokens"]
    assert (found.status, found.reasons) == (
        Status.REGRESSION,
        (Reason(code=ReasonCode.CALLS_MORE, detail="malloc 1.1"),),
    )
    (measured,) = [m.estimate for m in found.measurements if m.estimate.instrument is Instrument.INSTRUCTIONS]
    assert (measured.metric, measured.baseline, measured.candidate) == ("instructions_with_memory", 160_000, 166_000)


def test_decide__dearer_insides_of_the_allocator_are_nobodys() -> None:
    found = judged(run(1000), run(1000, malloc=80))
    assert {found[name].status for name in ("tokens", "render")} == {Status.UNCHANGED}


def test_decide__moved_allocation_fails_nobody() -> None:
    found = judged(run(1000), run(1300, others=700))
    assert {found[name].status for name in ("tokens", "render", "malloc")} == {Status.UNCHANGED}


def test_decide__within_the_threshold_the_function_keeps_its_own_count() -> None:
    found = judged(run(1000), run(1005))["tokens"]
    assert [m.estimate.metric for m in found.measurements] == ["instructions"]
