"""One row per cause."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from autoprof_ci.model import (
    Calls,
    Cause,
    Finding,
    Outcome,
    Reason,
    ReasonCode,
    Signal,
    Status,
    SubjectKind,
    WorkloadState,
)
from autoprof_ci.report import causes, sections
from tests import factories_report as made


def _slower(name: str, baseline_s: float, candidate_s: float, *callers: str) -> Finding:
    return replace(
        made.function(name, Status.REGRESSION, made.time_of(baseline_s, candidate_s, signal=Signal.MORE)),
        caused_by=tuple(Cause(subject=caller, dso=made.BINARY_DSO) for caller in callers),
    )


def _rows(*findings: Finding) -> tuple[causes.Row, ...]:
    return causes.rows(made.verdict(Outcome.FAIL, made.workload("w", *findings)))


def _told(rows: tuple[causes.Row, ...]) -> list[tuple[str, list[str], list[str]]]:
    return [(r.finding.subject, [f.subject for f in r.followers], [e.finding.subject for e in r.explains]) for r in rows]


def test_rows__caller_and_callee_are_one() -> None:
    rows = _rows(_slower("callee", 0.010, 0.030, "caller"), _slower("caller", 0.010, 0.012), _slower("other", 0.010, 0.013))
    assert _told(rows) == [("callee", ["caller"], []), ("other", [], [])]


def test_rows__what_one_unchanged_caller_asks_for_is_one() -> None:
    rows = _rows(_slower("a", 0.010, 0.020, "loop"), _slower("b", 0.010, 0.030, "loop"), _slower("c", 0.010, 0.020, "elsewhere"))
    assert _told(rows) == [("b", ["a"], []), ("c", [], [])]


def test_rows__two_that_name_each_other() -> None:
    assert _told(_rows(_slower("a", 0.010, 0.020, "b"), _slower("b", 0.010, 0.030, "a"))) == [("b", ["a"], [])]


def test_rows__a_total_is_explained_by_most_of_its_growth() -> None:
    total = made.total(0.520, 0.560, Status.REGRESSION, Signal.MORE)
    assert _told(_rows(_slower("a", 0.010, 0.045), total)) == [("a", [], ["[total]"])]
    assert _told(_rows(_slower("a", 0.010, 0.020), total)) == [("[total]", [], []), ("a", [], [])]


def test_rows__a_total_explained_by_several_together_goes_to_the_largest() -> None:
    total = made.total(0.520, 0.560, Status.REGRESSION, Signal.MORE)
    rows = _rows(_slower("a", 0.010, 0.024), _slower("b", 0.010, 0.022), total)
    assert _told(rows) == [("a", [], ["[total]"]), ("b", [], [])]
    assert rows[0].explains[0].part == pytest.approx(0.35)


def test_rows__a_group_is_explained_by_its_member_only() -> None:
    measured = made.time_of(0.050, 0.070, signal=Signal.MORE)
    mine = made.group("G", Status.REGRESSION, measured, members=("a 0.97",))
    others = made.group("H", Status.REGRESSION, measured, members=("x 0.61",))
    assert _told(_rows(_slower("a", 0.010, 0.030), mine, others)) == [("H", [], []), ("a", [], ["G"])]


def test_rows__one_cause_in_several_workloads() -> None:
    small, large = _slower("a", 0.010, 0.015, "loop"), _slower("a", 0.010, 0.030, "loop")
    verdict = made.verdict(
        Outcome.FAIL, made.workload("small", small), made.workload("large", large), made.workload("again", small)
    )
    (row,) = causes.rows(verdict)
    assert (row.workload, [e.workload for e in row.elsewhere]) == ("large", ["again", "small"])


def test_rows__regressions_before_warnings_then_by_weight() -> None:
    warning = replace(_slower("w", 0.100, 0.200), status=Status.WARNING)
    assert [r.finding.subject for r in _rows(warning, _slower("a", 0.010, 0.011), _slower("b", 0.010, 0.012))] == ["b", "a", "w"]


def test_rows__a_warning_that_follows_a_regression_is_in_a_red_row() -> None:
    rows = _rows(replace(_slower("a", 0.010, 0.030, "b"), status=Status.WARNING), _slower("b", 0.010, 0.012))
    assert [(r.finding.subject, r.status) for r in rows] == [("a", Status.REGRESSION)]


def test_rows__new_functions_weigh_by_their_share() -> None:
    new = made.function("new", Status.REGRESSION, made.time_of(None, 0.200, signal=Signal.MORE))
    assert [r.finding.subject for r in _rows(_slower("a", 0.010, 0.030), new)] == ["new", "a"]


def test_with_status__only_of_compared_workloads() -> None:
    assert causes.with_status(made.first_run(), Status.ADDED) == ()


def test_first_run__says_nothing_of_sensitivity() -> None:
    assert sections.unseen(made.first_run()) is None
    assert made.first_run().workloads[0].state is WorkloadState.NEW


def test_row__kinds_and_calls_survive() -> None:
    finding = replace(_slower("f", 0.01, 0.02), calls=Calls(baseline=1, candidate=2))
    assert _rows(finding)[0].finding == finding
    assert _rows(finding)[0].finding.kind is SubjectKind.FUNCTION


def test_rows__the_function_that_tells_the_story() -> None:
    first, other = causes.rows(made.red_cause())
    assert _told((first,)) == [
        (
            "regex_automata::nfa::thompson::builder::Builder::build",
            [
                "regex_automata::hybrid::dfa::Lazy::init_cache",
                "regex_automata::dfa::onepass::InternalBuilder::shuffle_states",
                "_int_malloc",
                "_int_free",
            ],
            ["[total]", "Regex matching", "Memory"],
        )
    ]
    assert first.shown.subject == "[total]"
    assert first.cause is not None
    assert first.cause.subject == "autopilot::redact::redact_command"
    assert [e.workload for e in first.elsewhere] == ["replay"]
    assert (other.finding.subject, other.cause) == ("autopilot::rlog::step_to_line", None)


def test_rows__only_allocators_tell_it_themselves() -> None:
    assert _told(_rows(_slower("malloc", 0.010, 0.012, "loop"), _slower("_int_malloc", 0.010, 0.030, "loop"))) == [
        ("_int_malloc", ["malloc"], [])
    ]


def test_rows__a_dearer_function_before_a_small_one_that_runs_more_often() -> None:
    small = replace(_slower("small", 0.0010, 0.0011, "cause"), reasons=(Reason(code=ReasonCode.MORE_CALLS),))
    assert _told(_rows(small, _slower("large", 0.100, 0.200, "cause"))) == [("large", ["small"], [])]


def test_rows__sums_with_one_cause_are_one_though_no_function_is_hot() -> None:
    cause = (Cause(subject="cold", dso=made.BINARY_DSO),)
    total = replace(made.total(0.520, 0.560, Status.REGRESSION, Signal.MORE), caused_by=cause)
    mine = replace(made.group("G", Status.REGRESSION, made.time_of(0.050, 0.070, signal=Signal.MORE)), caused_by=cause)
    other = replace(mine, subject="H", caused_by=(Cause(subject="another", dso=None),))
    assert _told(_rows(mine, total, other)) == [("[total]", [], ["G"]), ("H", [], [])]


def _any_finding(generator: random.Random, name: str) -> Finding:
    sums = {"[total]": SubjectKind.TOTAL, "G": SubjectKind.GROUP}
    kind = sums.get(name, SubjectKind.FUNCTION)
    measured = made.time_of(generator.choice((None, 0.01)), generator.choice((None, 0.02)), signal=generator.choice(list(Signal)))
    found = made.function(name, generator.choice(list(Status)), *([measured] * generator.randrange(2)), kind=kind)
    reasons = tuple(Reason(code=generator.choice(list(ReasonCode))) for _ in range(generator.randrange(3)))
    callers = generator.sample(["a", "b", "malloc", "elsewhere"], generator.randrange(3))
    return replace(found, reasons=reasons, caused_by=tuple(Cause(subject=caller, dso=made.BINARY_DSO) for caller in callers))


def test_rows__every_regression_and_warning_is_in_exactly_one() -> None:
    generator = random.Random(7)
    for _ in range(300):
        names = ("a", "b", "c", "malloc", "[kernel]", "[total]", "G")
        workloads = [made.workload(w, *(_any_finding(generator, n) for n in names)) for w in ("v", "w")]
        concerned = [
            (w.name, f.subject) for w in workloads for f in w.findings if f.status in (Status.REGRESSION, Status.WARNING)
        ]
        rows = causes.rows(made.verdict(Outcome.FAIL, *workloads))
        told = [(row.workload, f.subject) for row in rows for f in row.everything]
        told += [(e.workload, f.subject) for row in rows for e in row.elsewhere for f in e.findings]
        assert sorted(told) == sorted(concerned)
