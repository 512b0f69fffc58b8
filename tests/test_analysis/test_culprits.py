"""Who did it, on call graphs small enough to be reckoned by hand."""

from __future__ import annotations

from autoprof_ci.analysis import callgraph, culprits
from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.model import Calls, Cause, Function
from tests.test_analysis.builders import counted

F = Function


def causes(graph: CallGraph, function: Function) -> tuple[Cause, ...]:
    return culprits.causes(graph, culprits.find(graph), function)


def test_causes__the_caller_whose_own_calls_explain_nothing() -> None:
    """A regular expression compiled at each of 40 calls instead of once: four functions deep, one cause."""
    costs = {"main": 1000, "redact": 1000, "regex_new": 100, "compile": 1000}
    before = counted(costs, {("main", "redact"): 40, ("redact", "regex_new"): 1, ("regex_new", "compile"): 30})
    after = counted(costs, {("main", "redact"): 40, ("redact", "regex_new"): 40, ("regex_new", "compile"): 1200})
    graph = callgraph.build(before, after)
    cause = Cause(subject="redact", dso=None, calls=Calls(baseline=1, candidate=40))
    assert causes(graph, F("compile")) == (cause,)
    assert causes(graph, F("regex_new")) == (cause,)
    assert causes(graph, F("redact")) == ()


def test_causes__a_new_caller_passes_on_what_its_own_caller_asks() -> None:
    before = counted({"main": 10, "work": 100, "leaf": 10}, {("main", "work"): 1, ("work", "leaf"): 5})
    after = counted(
        {"main": 10, "work": 100, "copy": 100, "leaf": 10},
        {("main", "work"): 1, ("work", "copy"): 7, ("copy", "leaf"): 70, ("work", "leaf"): 5},
    )
    assert causes(callgraph.build(before, after), F("leaf")) == (
        Cause(subject="work", dso=None, calls=Calls(baseline=0, candidate=7)),
    )


def test_causes__recursion_ends() -> None:
    before = counted({"a": 10, "b": 10}, {("a", "b"): 5, ("b", "a"): 5}, inclusive={"a": 20, "b": 20})
    after = counted({"a": 10, "b": 10}, {("a", "b"): 50, ("b", "a"): 50}, inclusive={"a": 20, "b": 20})
    assert causes(callgraph.build(before, after), F("a")) == ()


def test_causes__an_echo_of_a_far_greater_change_above() -> None:
    """A searcher misses its cache more often, because the caller makes a new searcher each time."""
    costs = {"main": 1000, "redact": 1000, "new": 100_000, "find": 5000, "miss": 50}
    before = counted(costs, {("main", "redact"): 40, ("redact", "find"): 40, ("redact", "new"): 1, ("find", "miss"): 20})
    after = counted(
        {**costs, "new": 4_000_000, "miss": 125},
        {("main", "redact"): 40, ("redact", "find"): 40, ("redact", "new"): 40, ("find", "miss"): 50},
    )
    assert causes(callgraph.build(before, after), F("miss")) == (
        Cause(subject="redact", dso=None, calls=Calls(baseline=1, candidate=40)),
    )


def test_find__own_doings_sum_to_the_change_of_the_whole() -> None:
    before = counted({"main": 10, "a": 100, "b": 400}, {("main", "a"): 10, ("a", "b"): 20})
    after = counted({"main": 30, "a": 130, "b": 1200}, {("main", "a"): 10, ("a", "b"): 60})
    graph = callgraph.build(before, after)
    found = culprits.find(graph)
    assert {f.name: round(culprit.own) for f, culprit in found.items()} == {"a": 830}
    assert graph.total.grown == 850  # 20 more are main's own: too few to be named


def test_causes__a_far_smaller_culprit_is_not_named_beside_the_first() -> None:
    """Both make `leaf` run more often: one by 1,000 calls, the other by 200 or by 500."""
    found = []
    asking = {("main", "great"): 1.0, ("main", "small"): 1.0}
    costs = {"main": 10, "great": 10, "small": 10}
    before = counted({**costs, "leaf": 200}, {**asking, ("great", "leaf"): 100, ("small", "leaf"): 100})
    for more in (200, 500):
        after = counted({**costs, "leaf": 1200 + more}, {**asking, ("great", "leaf"): 1100, ("small", "leaf"): 100 + more})
        found.append([cause.subject for cause in causes(callgraph.build(before, after), F("leaf"))])
    assert found == [["great"], ["great", "small"]]
