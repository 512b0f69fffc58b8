"""The lines to paste so that a regression passes."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date

import pytest

from autoprof_ci import patterns
from autoprof_ci.model import Finding, Outcome, Signal, Status
from autoprof_ci.report import accept_lines, causes
from tests import factories_report as made

TODAY = date(2026, 11, 22)


def _slower(name: str) -> Finding:
    return made.function(name, Status.REGRESSION, made.time_of(0.010, 0.011, signal=Signal.MORE))


def _table(*findings: Finding) -> str:
    (row,) = causes.rows(made.verdict(Outcome.FAIL, made.workload("w", *findings)))
    return accept_lines.tables(row, 1, TODAY)


def test_table__one_for_a_cause_with_all_that_regressed() -> None:
    row = causes.rows(made.red())[0]
    functions, sums = tomllib.loads(accept_lines.tables(row, 2, TODAY))["accept"]
    assert functions == {
        "match": [made.COMPILER, "aho_corasick::dfa::Builder::build_from_noncontiguous"],
        "workload": "run-fix-bug",
        "up_to_percent": 7270,
        "reason": "say why this is worth it",
        "expires": date(2027, 2, 20),
    }
    assert sums == {**functions, "match": ["[total]", "Regex matching"], "up_to_percent": sums["up_to_percent"]}
    assert sums["up_to_percent"] < 300


def test_table__of_every_workload_where_the_cause_is_in_several() -> None:
    verdict = made.verdict(Outcome.FAIL, made.workload("a", _slower("f")), made.workload("b", _slower("f")))
    (row,) = causes.rows(verdict)
    assert "workload" not in accept_lines.tables(row, 3, TODAY)


def test_table__warnings_need_none() -> None:
    callee = replace(_slower("callee"), status=Status.WARNING, caused_by=(made.Cause(subject="caller", dso=made.BINARY_DSO),))
    assert 'match = "caller"\n' in _table(callee, _slower("caller"))


@pytest.mark.parametrize("name", made.HOSTILE_NAMES)
def test_table__hostile_names_stay_one_string(name: str) -> None:
    (accept,) = tomllib.loads(_table(_slower(name)))["accept"]
    assert accept["match"] == name
    assert patterns.matches(accept["match"], name)


@pytest.mark.parametrize("name", ["*", "a*", "*::*"])
def test_table__a_name_that_is_a_pattern_is_left_out(name: str) -> None:
    said = _table(_slower(name))
    assert said == "# left out: 1 name with a star, which as a pattern would let other functions pass too"
    assert tomllib.loads(said) == {}


def test_table__pointers_are_names() -> None:
    (accept,) = tomllib.loads(_table(_slower("<*const u8 as a::B>::c")))["accept"]
    assert accept["match"] == "<*const u8 as a::B>::c"


@pytest.mark.parametrize(("ratio", "percent"), [(0.02, 2), (0.020001, 3), (0.005, 1), (1.0, 100), (368.212, 36900)])
def test_table__allows_what_was_measured_rounded_up(ratio: float, percent: int) -> None:
    measured = made.time_of(1.0, 1.0, signal=Signal.MORE)
    exact = replace(measured, estimate=replace(measured.estimate, change=ratio, ci_low=ratio, ci_high=ratio))
    unseen = made.instructions_of(1.0, 900.0, signal=Signal.UNSEEN)
    assert f"up_to_percent = {percent}\n" in _table(made.function("f", Status.REGRESSION, exact, unseen))
