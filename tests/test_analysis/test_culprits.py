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
