"""The same machine code under another name is one function; what only looks alike is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoprof_ci.analysis import DecideContext, align, compare, decide
from autoprof_ci.model import (
    Bundle,
    Function,
    FunctionCode,
    InlinedCode,
    Reason,
    ReasonCode,
    Status,
    WorkloadInstructions,
)
from tests.test_analysis.builders import POLICY, TODAY, bundle, counted

F = Function


def with_code(counts: WorkloadInstructions, **digests: str) -> Bundle:
    plain = bundle(counted=counts)
    code = tuple(FunctionCode(function=F(name), digest=digest, size_bytes=100) for name, digest in digests.items())
    return replace(plain, recording=replace(plain.recording, code=code))


def run(work: str, cost: float) -> WorkloadInstructions:
    return counted({"main": 1000, work: cost, "rest": 9000}, {("main", work): 10, ("main", "rest"): 1})


BASE = with_code(run("scrub", 5000), main="m", scrub="s", rest="r")


def test_align__renamed_function_has_its_new_name_in_the_baseline_too() -> None:
    aligned = align(BASE, with_code(run("clean", 5000), main="m", clean="s", rest="r"))
    assert aligned.was == {F("clean"): F("scrub")}
    assert aligned.baseline.recording.instructions[0].functions == (F("main"), F("clean"), F("rest"))
    assert [code.function for code in aligned.baseline.recording.code] == [F("main"), F("clean"), F("rest")]


@pytest.mark.parametrize(
    "candidate",
    [
        with_code(run("clean", 5000), main="m", clean="t", rest="r"),  # other code
        with_code(run("scrub", 5000), main="m", scrub="t", rest="r"),  # the same name
        with_code(counted({"main": 1000, "scrub": 5000, "clean": 1, "rest": 9000}, {}), main="m", scrub="s", clean="s"),  # both
        bundle(counted=run("clean", 5000)),  # nothing is known of its code
    ],
)
def test_align__what_was_not_renamed_is_left_alone(candidate: Bundle) -> None:
    aligned = align(BASE, candidate)
    assert (aligned.baseline, dict(aligned.was)) == (BASE, {})


def test_align__several_alike_by_their_last_names_then_by_what_they_cost() -> None:
    before = counted({"a::drop": 100, "a::get": 300, "a::one": 50, "a::two": 70}, {})
    after = counted({"b::drop": 100, "b::get": 300, "b::uno": 70, "b::due": 50}, {})
    aligned = align(
        with_code(before, **{"a::drop": "1", "a::get": "1", "a::one": "1", "a::two": "1"}),
        with_code(after, **{"b::drop": "1", "b::get": "1", "b::uno": "1", "b::due": "1"}),
    )
    assert aligned.was == {
        F("b::drop"): F("a::drop"), F("b::get"): F("a::get"), F("b::uno"): F("a::two"), F("b::due"): F("a::one"),
    }  # fmt: skip


def test_align__alike_in_everything_stay_apart() -> None:
    before, after = counted({"a": 100, "b": 100}, {}), counted({"c": 100, "d": 100}, {})
    assert align(with_code(before, a="1", b="1"), with_code(after, c="1", d="1")).was == {}


def test_align__a_crowd_of_one_code_is_left_alone() -> None:
    """As a bundle from outside may have it, by the ten thousand."""
    before, after = ({f"{side}{number}::drop": 1.0 for number in range(10_000)} for side in "ab")
    aligned = align(*(with_code(counted(side, {}), **dict.fromkeys(side, "1")) for side in (before, after)))
    assert aligned.was == {}


def test_decide__renamed_and_dearer_is_a_regression_of_the_function_under_its_new_name() -> None:
    candidate = with_code(run("clean", 6000), main="m", clean="s", rest="r")
    aligned = align(BASE, candidate)
    context = DecideContext(
        today=TODAY,
        was=aligned.was,
        baseline_code={code.function: code for code in aligned.baseline.recording.code},
        candidate_code={code.function: code for code in candidate.recording.code},
    )
    findings = decide(compare(aligned.baseline, candidate, POLICY), POLICY, context).workloads[0].findings
    found = next(f for f in findings if f.subject == "clean")
    assert found.status is Status.REGRESSION
    assert Reason(code=ReasonCode.RENAMED, detail="scrub") in found.reasons
    assert Reason(code=ReasonCode.SAME_CODE) in found.reasons
    assert all(f.subject != "scrub" for f in findings)


def test_align__keeps_what_else_is_known_of_the_code() -> None:
    inlined = (InlinedCode(name="part", file="src/a.rs", line=1, end_line=2),)
    code = FunctionCode(function=F("scrub"), digest="s", file="src/a.rs", line=3, end_line=9, inlined_from=inlined)
    before = replace(BASE, recording=replace(BASE.recording, code=(code,)))
    aligned = align(before, with_code(run("clean", 5000), clean="s"))
    assert aligned.baseline.recording.code == (replace(code, function=F("clean")),)
