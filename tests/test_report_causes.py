"""One row per cause."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date

import pytest

from autoprof_ci.model import (
    Calls,
    Cause,
    Finding,
    Instrument,
    Outcome,
    Reason,
    ReasonCode,
    Signal,
    Status,
    SubjectKind,
    WorkloadState,
)
from autoprof_ci.report import causes, sections, sensitivity, text
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


@pytest.mark.parametrize(
    ("detail", "expected"),
    [("a::b 0.96", ("a::b", 0.96)), ("<A as B>::c", ("<A as B>::c", None)), ("a", ("a", None)), ("", ("", None))],
)
def test_main_member__name_and_part(detail: str, expected: tuple[str, float | None]) -> None:
    assert causes.main_member(Reason(code=ReasonCode.MEMBER_CHANGED, detail=detail)) == expected


def test_deciding__the_signal_before_the_instrument() -> None:
    finding = made.function("f", Status.REGRESSION, made.time_of(1, 1), made.instructions_of(1e6, 2e6, signal=Signal.MORE))
    shown = causes.deciding(finding)
    assert shown is not None
    assert shown.estimate.instrument is Instrument.INSTRUCTIONS
    assert causes.deciding(replace(finding, measurements=())) is None


def test_with_status__only_of_compared_workloads() -> None:
    assert causes.with_status(made.first_run(), Status.ADDED) == ()


def test_accept_lines__are_toml_and_keep_sums_apart() -> None:
    row = causes.rows(made.red())[0]
    accepts = tomllib.loads(sections.accept_lines(row, 2, date(2026, 11, 22)))["accept"]
    assert [accept["match"] for accept in accepts] == [
        [made.COMPILER, "aho_corasick::dfa::Builder::build_from_noncontiguous"], "Regex matching", "[total]",
    ]  # fmt: skip
    assert accepts[2] == {
        "match": "[total]",
        "workload": "run-fix-bug",
        "up_to_percent": 33,
        "reason": "say why this is worth it",
        "expires": date(2027, 2, 20),
    }


@pytest.mark.parametrize("name", made.HOSTILE_NAMES)
def test_accept_lines__hostile_names_stay_one_string(name: str) -> None:
    (row,) = _rows(_slower(name, 0.010, 0.011))
    (accept,) = tomllib.loads(sections.accept_lines(row, 1, date(2026, 11, 22)))["accept"]
    assert accept["match"] == name


@pytest.mark.parametrize(("ratio", "percent"), [(0.02, 2), (0.020001, 3), (0.005, 1), (1.0, 100)])
def test_accept_lines__allow_what_was_measured_and_no_more(ratio: float, percent: int) -> None:
    measured = made.time_of(1.0, 1.0, signal=Signal.MORE)
    exact = replace(measured, estimate=replace(measured.estimate, change=ratio, ci_low=ratio, ci_high=ratio))
    (row,) = _rows(made.function("f", Status.REGRESSION, exact))
    assert f"up_to_percent = {percent}\n" in sections.accept_lines(row, 1, date(2026, 11, 22))


def test_sensitivity__claims_no_more_than_the_numbers() -> None:
    seen = sensitivity.of_instrument(made.green(), Instrument.TIME)
    assert seen == sensitivity.Sensitivity(
        instrument=Instrument.TIME, tested=22, blind=20, total=0.021, large=0.082635, nearly_all=0.166761
    )


def test_sensitivity__unknown_instrument() -> None:
    assert sensitivity.of_instrument(made.green(), Instrument.MEMORY) is None
    assert sensitivity.sentence(made.identical()) == ()


def test_sensitivity__sentence_names_the_instruments() -> None:
    assert text.inline(sensitivity.sentence(made.green())) == (
        "It could have seen +0.2 % in nine of ten hot functions by instructions; "
        "+2.1 % of the whole run and +8.3 % of a function above 5 % by time."
    )


def test_first_run__says_nothing_of_sensitivity() -> None:
    assert sections.unseen(made.first_run()) is None
    assert made.first_run().workloads[0].state is WorkloadState.NEW


def test_row__kinds_and_calls_survive() -> None:
    finding = replace(_slower("f", 0.01, 0.02), calls=Calls(baseline=1, candidate=2))
    assert _rows(finding)[0].finding == finding
    assert _rows(finding)[0].finding.kind is SubjectKind.FUNCTION
