"""Slower with the same code and the same instructions: whose doing is it? And what of sums that hold both kinds of functions?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from autoprof_ci.analysis import DecideContext, decide
from autoprof_ci.analysis.code import Code, Codes
from autoprof_ci.model import (
    BINARY_DSO,
    TOTAL_NAME,
    Calls,
    Comparison,
    Estimate,
    Finding,
    Function,
    FunctionCode,
    Instrument,
    Reason,
    ReasonCode,
    Status,
    SubjectComparison,
    SubjectKind,
    WorkloadComparison,
    WorkloadState,
)
from tests.test_analysis.builders import POLICY, TODAY, counted, estimate, faster, slower

TIME, INSTRUCTIONS = Instrument.TIME, Instrument.INSTRUCTIONS
PLACEMENT = (Reason(code=ReasonCode.PLACEMENT),)


def code(**digests: str) -> Mapping[Function, FunctionCode]:
    return {Function(name): FunctionCode(function=Function(name), digest=digest) for name, digest in digests.items()}


def function(name: str, *estimates: Estimate) -> SubjectComparison:
    return SubjectComparison(
        subject=name, kind=SubjectKind.FUNCTION, dso=None, estimates=estimates, calls=Calls(baseline=1, candidate=1)
    )


def total(*estimates: Estimate) -> SubjectComparison:
    return SubjectComparison(subject=TOTAL_NAME, kind=SubjectKind.TOTAL, dso=None, estimates=estimates)


def judged(*subjects: SubjectComparison, context: DecideContext, calls: float = 100) -> dict[str, Finding]:
    baseline = counted({"main": 10, "f": 100, "g": 100}, {("main", "f"): 100, ("main", "g"): 100})
    candidate = counted({"main": 10, "f": 100, "g": 100}, {("main", "f"): calls, ("main", "g"): 100})
    workload = WorkloadComparison(
        name="w",
        state=WorkloadState.COMPARED,
        subjects=subjects,
        tested_subjects=len(subjects),
        baseline_instructions=baseline,
        candidate_instructions=candidate,
    )
    compared = Comparison(instruments=(TIME, INSTRUCTIONS), workloads=(workload,))
    return {f.subject: f for f in decide(compared, POLICY, context).workloads[0].findings}


def context(baseline: Mapping[Function, FunctionCode], candidate: Mapping[Function, FunctionCode]) -> DecideContext:
    return DecideContext(today=TODAY, baseline_code=baseline, candidate_code=candidate)


SAME = context(code(main="0", f="1", g="2"), code(main="0", f="1", g="2"))
G_CHANGED = context(code(main="0", f="1", g="2"), code(main="0", f="1", g="3"))


def test_placement__same_code_same_instructions_same_calls() -> None:
    found = judged(function("f", slower(TIME), estimate(INSTRUCTIONS)), context=SAME)["f"]
    assert (found.status, found.reasons) == (Status.PLACEMENT, PLACEMENT)


def test_placement__called_more_often_is_none() -> None:
    found = judged(function("f", slower(TIME), estimate(INSTRUCTIONS)), context=SAME, calls=120)["f"]
    assert (found.status, found.reasons) == (Status.WARNING, (Reason(code=ReasonCode.TIME_ONLY),))


def test_placement__a_small_slowdown_is_no_warning_either() -> None:
    hardly = slower(TIME, change=0.025)
    assert judged(function("f", hardly, estimate(INSTRUCTIONS)), context=SAME)["f"].status is Status.PLACEMENT
    assert judged(function("g", hardly, estimate(INSTRUCTIONS)), context=G_CHANGED)["g"].status is Status.WARNING


def test_placement__faster_by_its_place_says_so() -> None:
    found = judged(function("f", faster(TIME), estimate(INSTRUCTIONS)), context=SAME)["f"]
    assert (found.status, found.reasons) == (Status.IMPROVEMENT, PLACEMENT)


def test_placement__whole_run_slower_and_all_code_the_same() -> None:
    subjects = (function("f", slower(TIME), estimate(INSTRUCTIONS)), total(slower(TIME, 0.1), estimate(INSTRUCTIONS)))
    assert judged(*subjects, context=SAME)[TOTAL_NAME].status is Status.PLACEMENT


def test_placement__whole_run_slower_by_functions_that_only_lie_elsewhere() -> None:
    """`g` changed and did not get slower; all that the run lost, `f` lost by its place."""
    slow = replace(slower(TIME), baseline=100.0, candidate=120.0)
    whole = replace(slower(TIME, 0.1), baseline=210.0, candidate=231.0)
    found = judged(
        function("f", slow, estimate(INSTRUCTIONS)), function("g", estimate(TIME), estimate(INSTRUCTIONS)),
        total(whole, estimate(INSTRUCTIONS)), context=G_CHANGED,
    )  # fmt: skip
    assert {name: each.status for name, each in found.items()} == {
        "f": Status.PLACEMENT, "g": Status.UNCHANGED, TOTAL_NAME: Status.PLACEMENT,
    }  # fmt: skip


def test_placement__whole_run_slower_by_a_function_that_changed() -> None:
    """Cache, branches, waiting: no more instructions, and not the luck of its place."""
    slow = replace(slower(TIME), baseline=100.0, candidate=120.0)
    whole = replace(slower(TIME, 0.1), baseline=210.0, candidate=230.0)
    found = judged(
        function("f", estimate(TIME), estimate(INSTRUCTIONS)), function("g", slow, estimate(INSTRUCTIONS)),
        total(whole, estimate(INSTRUCTIONS)), context=G_CHANGED,
    )  # fmt: skip
    assert (found["g"].status, found["g"].reasons) == (Status.REGRESSION, (Reason(code=ReasonCode.CODE_CHANGED),))
    assert found[TOTAL_NAME].status is Status.REGRESSION


@pytest.mark.parametrize(
    ("function", "own_files", "expected"),
    [
        (Function("f", BINARY_DSO), None, Code.UNKNOWN),
        (Function("memmove", "libc.so.6"), None, Code.UNKNOWN),
        (Function("memmove", "libc.so.6"), frozenset({BINARY_DSO}), Code.SAME),  # one file for both, in one session
        (Function("memmove", "libown.so"), frozenset({BINARY_DSO, "libown.so"}), Code.UNKNOWN),
        (Function("f"), frozenset({BINARY_DSO}), Code.UNKNOWN),  # nobody knows which file it is in
    ],
)
def test_codes__without_digests(function: Function, own_files: frozenset[str] | None, expected: Code) -> None:
    assert Codes(own_files=own_files).of(function) is expected


def test_codes__by_digests() -> None:
    codes = Codes(baseline=code(same="1", changed="1", gone="1"), candidate=code(same="1", changed="2", new="3"))
    found = {name: codes.of(Function(name)) for name in ("same", "changed", "new", "gone")}
    assert found == {"same": Code.SAME, "changed": Code.CHANGED, "new": Code.NEW, "gone": Code.UNKNOWN}
    assert codes.of_all(map(Function, ("same",))) is Code.SAME
    assert codes.of_all(map(Function, ("same", "gone"))) is Code.UNKNOWN
    assert codes.of_all(map(Function, ("same", "gone", "changed"))) is Code.CHANGED
    assert codes.of_all(()) is Code.UNKNOWN
