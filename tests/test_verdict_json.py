from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from autoprof_ci.errors import DataError
from autoprof_ci.model import CaveatCode, Outcome, ReasonCode, Verdict
from autoprof_ci.report import verdict_json
from tests import factories_report as made


@pytest.mark.parametrize("name", made.CASES)
def test_decode__of_encode_is_the_same_verdict(name: str) -> None:
    verdict = made.CASES[name]()
    assert verdict_json.decode(verdict_json.encode(verdict)) == verdict


def test_encode__keys_of_the_format() -> None:
    value = json.loads(verdict_json.encode(made.red()))
    assert list(value) == [
        "schema", "tool_version", "outcome", "instruments", "false_alarm_rate", "baseline_commit", "candidate_commit", "session",
        "workloads", "caveats",
    ]  # fmt: skip
    assert value["caveats"][1] == {"code": "workload_changed", "detail": "analyze-sessions"}
    workload = value["workloads"][0]
    assert list(workload) == ["name", "state", "tested_subjects", "findings"]
    assert workload["findings"][0] == {
        "subject": made.COMPILER,
        "kind": "function",
        "dso": "{binary}",
        "status": "regression",
        "measurements": [
            {
                "instrument": "time", "metric": "self_time", "signal": "more", "baseline": 0.0021, "candidate": 0.148,
                "unit": "s", "baseline_share": 0.0021 / 0.52, "candidate_share": 0.148 / 0.52, "change": 0.148 / 0.0021 - 1,
                "ci_low": 0.148 / 0.0021 - 1 - 3, "ci_high": 0.148 / 0.0021 - 1 + 3.15, "p_value": 1.2e-7, "p_adjusted": 9.1e-6,
                "smallest_detectable_change": 6.3, "max_regression": 0.03, "warn": 0.015,
            },
            {
                "instrument": "instructions", "metric": "instructions", "signal": "more", "baseline": 1.1e6, "candidate": 77.2e6,
                "unit": "instructions", "baseline_share": 1.1e6 / 323e6, "candidate_share": 77.2e6 / 323e6,
                "change": 77.2e6 / 1.1e6 - 1,
                "ci_low": 77.2e6 / 1.1e6 - 1 - 0.0005, "ci_high": 77.2e6 / 1.1e6 - 1 + 0.0005,
                "p_value": 1e-12, "p_adjusted": 1e-10,
                "smallest_detectable_change": 0.002, "max_regression": 0.01, "warn": 0.005,
            },
        ],
        "calls": {"baseline": 30, "candidate": 1183},
        "reasons": [{"code": "more_calls"}],
        "caused_by": [
            {
                "subject": made.REDACT, "dso": "{binary}", "calls": {"baseline": 40800, "candidate": 40800},
                "source": {"file": "src/redact.rs", "line": 152, "changed_here": True},
            }
        ],
    }  # fmt: skip


def test_encode__unknown_is_absent() -> None:
    value = json.loads(verdict_json.encode(made.red_instructions_only()))
    measurement = value["workloads"][0]["findings"][0]["measurements"][0]
    assert {"baseline", "change", "ci_low", "ci_high", "p_value"}.isdisjoint(measurement)
    assert "null" not in verdict_json.encode(made.first_run())


def test_encode__not_a_number_is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        verdict_json.encode(replace(made.green(), false_alarm_rate=float("nan")))


def _changed(change: Callable[[dict[str, object]], object]) -> str:
    value = json.loads(verdict_json.encode(made.red()))
    change(value)
    return json.dumps(value)


def _finding(value: dict[str, object]) -> dict[str, object]:
    return value["workloads"][0]["findings"][0]  # type: ignore[index,no-any-return]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "verdict.json is not JSON: Expecting value at line 1, column 1"),
        ("[]", "verdict.json is not a JSON object"),
        ("[" * 100_000, "verdict.json is nested too deeply"),
        ('{"schema": NaN}', "verdict.json: NaN is not a number"),
        ('{"schema": -Infinity}', "verdict.json: -Infinity is not a number"),
        ('{"schema": 1e999}', "verdict.json: the number 1e999 is too large"),
        ('{"schema": ' + "9" * 5000 + "}", "verdict.json: a number of 5000 digits"),
        ('{"schema": 1, "schema": 1}', "verdict.json: a key appears twice in one object"),
        ('{"schema": 7}', "verdict.json has schema 7; this version reads 1"),
        ('{"schema": true}', "verdict.json: schema must be an integer of at least 0"),
        ('{"schema": 1}', "verdict.json: tool_version must be a string"),
        (_changed(lambda v: v.pop("outcome")), "verdict.json: outcome must be one of pass, fail, no_baseline, inconclusive"),
        (_changed(lambda v: v.update(extra=1)), "verdict.json: extra must be left out: this key is not known"),
        (_changed(lambda v: v.update(false_alarm_rate="0.1")), "verdict.json: false_alarm_rate must be a number"),
        (_changed(lambda v: v.update(false_alarm_rate=10**400)), "verdict.json: a number of 401 digits"),
        (
            _changed(lambda v: v.update(false_alarm_rate=10**390)),
            "verdict.json: false_alarm_rate must be a number of ordinary size",
        ),
        (_changed(lambda v: v.update(instruments="time")), "verdict.json: instruments must be a list of at most 200,000 items"),
        (
            _changed(lambda v: v.update(session="x" * 30_000)),
            "verdict.json: session must be a string of at most 20,000 characters",
        ),
        (_changed(lambda v: v.update(session="\ud800")), "verdict.json: session must be a string of whole characters"),
        (
            _changed(lambda v: _finding(v).update(subject=7)),
            "verdict.json: workloads[0].findings[0].subject must be a string of at most 20,000 characters",
        ),
        (_changed(lambda v: _finding(v).update(calls=[])), "verdict.json: workloads[0].findings[0].calls must be an object"),
        (
            _changed(lambda v: _finding(v).update(source={"file": "x", "changed_here": 1})),
            "verdict.json: workloads[0].findings[0].source.changed_here must be true or false",
        ),
        (
            _changed(lambda v: _finding(v).update(reasons=[{"code": "bad_luck"}])),
            "verdict.json: workloads[0].findings[0].reasons[0].code must be one of "
            + ", ".join(code.value for code in ReasonCode),
        ),
    ],
)
def test_decode__says_what_is_wrong_and_where(text: str, says: str) -> None:
    with pytest.raises(DataError) as caught:
        verdict_json.decode(text)
    assert caught.value.what == says


def test_decode__too_large() -> None:
    with pytest.raises(DataError) as caught:
        verdict_json.decode(" " * (verdict_json.LARGEST_BYTES + 1))
    assert caught.value.what == "verdict.json has 64,000,001 characters, more than the 64,000,000 allowed"


def test_decode__every_caveat() -> None:
    verdict = replace(made.green(), caveats=tuple(made.Caveat(code=code, detail="x") for code in CaveatCode))
    assert verdict_json.decode(verdict_json.encode(verdict)) == verdict


def test_decode__minimal() -> None:
    text = """{"schema": 1, "tool_version": "0", "outcome": "pass", "instruments": [], "false_alarm_rate": 0.001, "workloads": [],
        "caveats": []}"""
    assert verdict_json.decode(text) == Verdict(
        tool_version="0",
        outcome=Outcome.PASS,
        instruments=(),
        false_alarm_rate=0.001,
        baseline_commit=None,
        candidate_commit=None,
        session=None,
        workloads=(),
    )
