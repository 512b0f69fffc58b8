"""Moved cost, heap layout, and who asked for it."""

from __future__ import annotations

from dataclasses import replace

from autoprof_ci.analysis import callgraph, evidence
from autoprof_ci.model import Function, InlinedCost, Reason, ReasonCode, WorkloadInstructions
from tests.test_analysis.builders import counted

F = Function
MAX = 0.01


def moved(name: str) -> Reason:
    return Reason(code=ReasonCode.COST_MOVED, detail=name)


BASE = counted(
    {"main": 10_000, "load": 100_000, "parse": 300_000, "rest": 590_000},
    {("main", "load"): 1, ("load", "parse"): 100, ("main", "rest"): 1},
)


def test_cost_shift__extracted_function_that_costs_its_calls() -> None:
    after = counted(
        {"main": 10_000, "load": 100_000, "parse": 220_000, "part": 82_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse"): 100, ("parse", "part"): 1000, ("main", "rest"): 1},
    )
    assert evidence.cost_shift(callgraph.build(BASE, after), F("part"), MAX) == moved("parse")


def test_cost_given__whoever_gave_did_not_improve() -> None:
    after = counted(
        {"main": 10_000, "load": 100_000, "parse": 220_000, "part": 82_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse"): 100, ("parse", "part"): 1000, ("main", "rest"): 1},
    )
    graph = callgraph.build(BASE, after)
    assert evidence.cost_given(graph, F("parse")) == moved("part")
    assert evidence.cost_given(graph, F("rest")) is None


def test_cost_shift__a_neighbour_that_improved_far_more_excuses_nobody() -> None:
    after = counted(
        {"main": 10_000, "load": 110_000, "parse": 200_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse"): 100, ("main", "rest"): 1},
    )
    graph = callgraph.build(BASE, after)
    assert evidence.cost_shift(graph, F("load"), MAX) is None
    assert evidence.cost_given(graph, F("parse")) is None


def test_cost_shift__a_real_increase_hidden_in_an_extraction_stays_one() -> None:
    after = counted(
        {"main": 10_000, "load": 100_000, "parse": 220_000, "part": 100_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse"): 100, ("parse", "part"): 1000, ("main", "rest"): 1},
    )
    graph = callgraph.build(BASE, after)
    assert evidence.cost_shift(graph, F("part"), MAX) is None
    assert evidence.new_is_dearer(graph, F("part"), MAX)
    assert evidence.cost_given(graph, F("parse")) == moved("part")


def test_cost_shift__an_inlined_function_saves_its_calls_and_more() -> None:
    """Half of what the callee cost is gone with its calls; nobody got slower."""
    after = counted(
        {"main": 10_000, "load": 250_000, "rest": 590_000},
        {("main", "load"): 1, ("main", "rest"): 1},
    )
    graph = callgraph.build(BASE, after)
    assert evidence.cost_shift(graph, F("load"), MAX) == moved("parse")


def test_new_is_dearer__a_renamed_function_that_costs_more() -> None:
    for cost, dearer in ((301_000, False), (330_000, True)):
        after = counted(
            {"main": 10_000, "load": 100_000, "decode": cost, "rest": 590_000},
            {("main", "load"): 1, ("load", "decode"): 100, ("main", "rest"): 1},
        )
        assert evidence.new_is_dearer(callgraph.build(BASE, after), F("decode"), MAX) is dearer


def test_cost_shift__renamed_function() -> None:
    after = counted(
        {"main": 10_000, "load": 100_000, "parse_all": 300_500, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse_all"): 100, ("main", "rest"): 1},
    )
    assert evidence.cost_shift(callgraph.build(BASE, after), F("parse_all"), MAX) == moved("parse")


def test_cost_shift__renamed_and_slower_stays_a_regression() -> None:
    after = counted(
        {"main": 10_000, "load": 100_000, "parse_all": 330_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse_all"): 100, ("main", "rest"): 1},
    )
    assert evidence.cost_shift(callgraph.build(BASE, after), F("parse_all"), MAX) is None


def test_cost_shift__callee_inlined_into_its_caller() -> None:
    after = counted({"main": 10_000, "load": 399_000, "rest": 590_000}, {("main", "load"): 1, ("main", "rest"): 1})
    assert evidence.cost_shift(callgraph.build(BASE, after), F("load"), MAX) == moved("parse")


def test_cost_shift__two_that_grew_share_what_one_lost() -> None:
    after = counted(
        {"main": 10_000, "load": 180_000, "parse": 220_000, "part": 80_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse"): 100, ("parse", "part"): 1000, ("main", "rest"): 1},
    )
    graph = callgraph.build(BASE, after)
    assert (evidence.cost_shift(graph, F("part"), MAX), evidence.cost_shift(graph, F("load"), MAX)) == (None, None)


def test_cost_shift__a_function_far_away_that_shrank_gives_nothing() -> None:
    after = counted(
        {"main": 10_000, "load": 100_000, "parse": 400_000, "rest": 490_000},
        {("main", "load"): 1, ("load", "parse"): 100, ("main", "rest"): 1},
    )
    assert evidence.cost_shift(callgraph.build(BASE, after), F("parse"), MAX) is None


def test_split__calls_and_cost_per_call() -> None:
    before = counted({"main": 1, "f": 1000}, {("main", "f"): 10})
    after = counted({"main": 1, "f": 2200}, {("main", "f"): 20})
    found = evidence.split(callgraph.build(before, after), F("f"))
    assert found == evidence.Split(calls_ratio=2.0, cost_ratio=1.1)
    assert found.reasons(0.01) == (
        Reason(code=ReasonCode.MORE_CALLS, detail="2"),
        Reason(code=ReasonCode.DEARER_CALLS, detail="1.1"),
    )
    assert found.reasons(0.2) == (Reason(code=ReasonCode.MORE_CALLS, detail="2"),)


def test_layout_step__same_calls_by_the_same_callers() -> None:
    edges = {("work", "malloc"): 1000.0, ("other", "malloc"): 500.0, ("malloc", "_int_malloc"): 1500.0}
    costs = {"work": 1000, "other": 1000, "malloc": 1000, "_int_malloc": 9000}
    dearer = {**costs, "_int_malloc": 12_000}
    same = callgraph.build(counted(costs, edges), counted(dearer, edges))
    more = callgraph.build(counted(costs, edges), counted(dearer, {**edges, ("work", "malloc"): 1400.0}))
    elsewhere = callgraph.build(
        counted(costs, edges), counted(dearer, {**edges, ("work", "malloc"): 500.0, ("other", "malloc"): 1000.0})
    )
    renamed_costs = {"work": 1000, "another": 1000, "malloc": 1000, "_int_malloc": 12_000}
    renamed_edges = {("work", "malloc"): 1000.0, ("another", "malloc"): 500.0, ("malloc", "_int_malloc"): 1500.0}
    renamed = callgraph.build(counted(costs, edges), counted(renamed_costs, renamed_edges))
    everything = [F(name) for name in costs]
    assert [evidence.layout_step(graph, everything) for graph in (same, more, elsewhere, renamed)] == [3000, 0, 0, 3000]
    assert evidence.layout_step(same, [F("work"), F("malloc")]) == 0


def test_build__functions_that_call_one_another_are_one_cycle() -> None:
    edges = {("a", "b"): 1.0, ("b", "c"): 1.0, ("c", "b"): 1.0, ("c", "d"): 1.0, ("d", "d"): 1.0}
    side = counted(dict.fromkeys("abcd", 1.0), edges, inclusive=dict.fromkeys("abcd", 1.0))
    graph = callgraph.build(side, side)
    assert {f.name: sorted(m.name for m in graph.cycle(f)) for f in side.functions} == {
        "a": ["a"],
        "b": ["b", "c"],
        "c": ["b", "c"],
        "d": ["d"],
    }


def test_build__a_chain_of_ten_thousand_calls_is_no_recursion_of_ours() -> None:
    costs = {str(i): 1.0 for i in range(10_000)}
    edges = {(str(i), str((i + 1) % 10_000)): 1.0 for i in range(10_000)}
    side = counted(costs, edges, inclusive=costs)
    assert len(callgraph.build(side, side).cycle(F("0"))) == 10_000


def test_cost_shift__renamed_and_dearer_without_a_call_more_is_none() -> None:
    """The price of extracted calls is for calls that were not made before."""
    after = counted(
        {"main": 10_000, "load": 100_000, "analyse": 315_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "analyse"): 100, ("main", "rest"): 1},
    )
    graph = callgraph.build(BASE, after)
    assert evidence.cost_shift(graph, F("analyse"), MAX) is None
    assert evidence.new_is_dearer(graph, F("analyse"), MAX)


def test_cost_shift__inlined_and_dearer_is_none() -> None:
    after = counted({"main": 10_000, "load": 420_000, "rest": 590_000}, {("main", "load"): 1, ("main", "rest"): 1})
    graph = callgraph.build(BASE, after)
    assert evidence.cost_shift(graph, F("load"), MAX) is None
    inlined = counted({"main": 10_000, "load": 395_000, "rest": 590_000}, {("main", "load"): 1, ("main", "rest"): 1})
    assert evidence.cost_shift(callgraph.build(BASE, inlined), F("load"), MAX) == moved("parse")


def test_calls_more__names_the_callee_that_costs_most() -> None:
    after = counted(
        {"main": 10_000, "load": 101_000, "parse": 360_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse"): 120, ("main", "rest"): 1},
    )
    assert evidence.calls_more(callgraph.build(BASE, after), F("load")) == Reason(code=ReasonCode.CALLS_MORE, detail="parse 1.2")
    assert evidence.calls_more(callgraph.build(BASE, after), F("parse")) is None
    assert evidence.calls_more(callgraph.build(BASE, BASE), F("load")) is None


def test_calls_more__a_callee_that_was_never_asked_has_no_ratio() -> None:
    after = counted(
        {"main": 10_000, "load": 101_000, "parse": 300_000, "check": 60_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse"): 100, ("load", "check"): 3, ("main", "rest"): 1},
    )
    assert evidence.calls_more(callgraph.build(BASE, after), F("load")) == Reason(code=ReasonCode.CALLS_MORE, detail="check")


def with_inlined(counts: WorkloadInstructions, **costs: float) -> WorkloadInstructions:
    load = counts.functions.index(F("load"))
    return replace(counts, inlined=tuple(InlinedCost(function=load, name=name, cost=cost) for name, cost in costs.items()))


def test_inlined_cause__whose_body_it_is() -> None:
    dearer = counted(
        {"main": 10_000, "load": 130_000, "parse": 300_000, "rest": 590_000},
        {("main", "load"): 1, ("load", "parse"): 100, ("main", "rest"): 1},
    )
    before = with_inlined(BASE, skip=20_000, trim=5_000)
    within = callgraph.build(before, with_inlined(dearer, skip=48_000, trim=6_000))
    assert evidence.inlined_cause(within, F("load")) == Reason(code=ReasonCode.INLINED_CODE, detail="skip")
    assert evidence.inlined_cause(callgraph.build(before, with_inlined(dearer, skip=21_000)), F("load")) is None
    assert evidence.inlined_cause(callgraph.build(BASE, dearer), F("load")) is None


def test_inlined_cause__what_was_a_call_before_is_no_cause() -> None:
    inlined = with_inlined(
        counted({"main": 10_000, "load": 395_000, "rest": 590_000}, {("main", "load"): 1, ("main", "rest"): 1}), parse=290_000
    )
    assert evidence.inlined_cause(callgraph.build(BASE, inlined), F("load")) is None
