"""Every row of the table "What it is", the accepts and the outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pytest

from autoprof_ci.analysis import DecideContext, decide
from autoprof_ci.model import (
    KERNEL,
    TOTAL_NAME,
    Accept,
    Caveat,
    CaveatCode,
    Comparison,
    Estimate,
    FailOn,
    Finding,
    Function,
    FunctionCode,
    Instrument,
    Outcome,
    Override,
    Reason,
    ReasonCode,
    Signal,
    Status,
    SubjectComparison,
    SubjectKind,
    WorkloadComparison,
    WorkloadState,
)
from tests.test_analysis.builders import CONTEXT, POLICY, TODAY, counted, estimate, faster, slower, unseen

TIME, INSTRUCTIONS = Instrument.TIME, Instrument.INSTRUCTIONS
SAME_CODE = {Function("f"): FunctionCode(function=Function("f"), digest="1")}
OTHER_CODE = {Function("f"): FunctionCode(function=Function("f"), digest="2")}


def subject(*estimates: Estimate, name: str = "f") -> SubjectComparison:
    return SubjectComparison(subject=name, kind=SubjectKind.FUNCTION, dso=None, estimates=estimates)


def comparison(*subjects: SubjectComparison) -> Comparison:
    workload = WorkloadComparison(name="w", state=WorkloadState.COMPARED, subjects=subjects, tested_subjects=len(subjects))
    return Comparison(instruments=(TIME, INSTRUCTIONS), workloads=(workload,))


def only(compared: Comparison, context: DecideContext = CONTEXT) -> Finding:
    (finding,) = decide(compared, POLICY, context).workloads[0].findings
    return finding


@pytest.mark.parametrize(
    ("time", "instructions", "baseline_code", "candidate_code", "expected"),
    [
        (faster(TIME), estimate(INSTRUCTIONS), {}, {}, Status.IMPROVEMENT),
        (faster(TIME), slower(INSTRUCTIONS), {}, {}, Status.IMPROVEMENT),
        (slower(TIME), slower(INSTRUCTIONS), {}, {}, Status.REGRESSION),
        (slower(TIME), slower(INSTRUCTIONS), SAME_CODE, SAME_CODE, Status.REGRESSION),
        (slower(TIME), estimate(INSTRUCTIONS), SAME_CODE, OTHER_CODE, Status.REGRESSION),
        (slower(TIME), faster(INSTRUCTIONS), SAME_CODE, OTHER_CODE, Status.REGRESSION),
        (slower(TIME), estimate(INSTRUCTIONS), SAME_CODE, SAME_CODE, Status.PLACEMENT),
        (slower(TIME), estimate(INSTRUCTIONS), {}, {}, Status.WARNING),
        (slower(TIME), faster(INSTRUCTIONS), {}, {}, Status.WARNING),
        (slower(TIME), None, {}, {}, Status.REGRESSION),
        (estimate(TIME), slower(INSTRUCTIONS), {}, {}, Status.REGRESSION),
        (unseen(TIME), slower(INSTRUCTIONS), {}, {}, Status.REGRESSION),
        (None, slower(INSTRUCTIONS), {}, {}, Status.REGRESSION),
        (estimate(TIME), faster(INSTRUCTIONS), {}, {}, Status.IMPROVEMENT),
        (unseen(TIME), faster(INSTRUCTIONS), {}, {}, Status.IMPROVEMENT),
        (unseen(TIME), estimate(INSTRUCTIONS), {}, {}, Status.UNCHANGED),
        (estimate(TIME), estimate(INSTRUCTIONS), {}, {}, Status.UNCHANGED),
        (estimate(TIME), None, {}, {}, Status.UNCHANGED),
        (unseen(TIME), None, {}, {}, Status.INCONCLUSIVE),
        (unseen(TIME), unseen(INSTRUCTIONS), {}, {}, Status.INCONCLUSIVE),
    ],
)
def test_decide__rows_of_the_table(
    time: Estimate | None,
    instructions: Estimate | None,
    baseline_code: Mapping[Function, FunctionCode],
    candidate_code: Mapping[Function, FunctionCode],
    expected: Status,
) -> None:
    context = DecideContext(today=TODAY, baseline_code=baseline_code, candidate_code=candidate_code)
    there = [e for e in (time, instructions) if e is not None]
    assert only(comparison(subject(*there)), context).status is expected


def test_decide__reasons_of_the_rows() -> None:
    assert only(comparison(subject(slower(TIME), estimate(INSTRUCTIONS)))).reasons == (Reason(code=ReasonCode.TIME_ONLY),)
    changed = DecideContext(today=TODAY, baseline_code=SAME_CODE, candidate_code=OTHER_CODE)
    assert only(comparison(subject(slower(TIME), estimate(INSTRUCTIONS))), changed).reasons == (
        Reason(code=ReasonCode.CODE_CHANGED),
    )
    same = DecideContext(today=TODAY, baseline_code=SAME_CODE, candidate_code=SAME_CODE)
    assert only(comparison(subject(slower(TIME), estimate(INSTRUCTIONS))), same).reasons == (Reason(code=ReasonCode.PLACEMENT),)


def test_decide__time_alone_fails_with_the_caveat_that_placement_is_not_ruled_out() -> None:
    verdict = decide(comparison(subject(slower(TIME))), POLICY, CONTEXT)
    assert verdict.outcome is Outcome.FAIL
    assert [caveat.code for caveat in verdict.caveats] == [CaveatCode.PLACEMENT_NOT_RULED_OUT]


@pytest.mark.parametrize(
    ("change", "low", "p_adjusted", "expected"),
    [
        (0.05, 0.031, 1e-4, Status.REGRESSION),
        (0.05, 0.029, 1e-4, Status.WARNING),  # above the threshold, but not surely
        (0.02, 0.016, 1e-4, Status.WARNING),  # surely above the warning
        (0.02, 0.014, 1e-4, Status.UNCHANGED),
        (0.05, 0.031, 2e-3, Status.UNCHANGED),  # might be noise
    ],
)
def test_decide__significant_and_relevant_are_two_questions(
    change: float, low: float, p_adjusted: float, expected: Status
) -> None:
    measured = estimate(
        TIME, change=change, ci_low=low, ci_high=2 * change - low, p_adjusted=p_adjusted, smallest_detectable_change=0.03
    )
    assert only(comparison(subject(measured))).status is expected


def test_decide__kernel_warns_at_most() -> None:
    kernel = SubjectComparison(
        subject=KERNEL.name, kind=SubjectKind.FUNCTION, dso=KERNEL.dso, estimates=(slower(TIME),), gated=False
    )
    verdict = decide(comparison(kernel), POLICY, CONTEXT)
    assert verdict.outcome is Outcome.PASS
    assert verdict.workloads[0].findings[0].status is Status.WARNING
    assert verdict.workloads[0].findings[0].reasons == (Reason(code=ReasonCode.KERNEL_TIME),)


def test_decide__first_matching_override_holds() -> None:
    loose = Override(match=("f",), instrument=TIME, max_regression=0.5)
    tight = Override(match=("*",), max_regression=0.001)
    policy = replace(POLICY, overrides=(loose, tight))
    (finding,) = decide(comparison(subject(slower(TIME))), policy, CONTEXT).workloads[0].findings
    assert (finding.measurements[0].max_regression, finding.measurements[0].warn) == (0.5, 0.015)
    assert finding.measurements[0].signal is Signal.SAME


ACCEPT = Accept(match=("f",), up_to=0.25, reason="worth it", expires=TODAY)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        (ACCEPT, Status.ACCEPTED),
        (replace(ACCEPT, up_to=0.1), Status.REGRESSION),
        (replace(ACCEPT, workload="other"), Status.REGRESSION),
        (replace(ACCEPT, instrument=TIME), Status.REGRESSION),  # instructions are not covered
        (replace(ACCEPT, match=("g",)), Status.REGRESSION),
        (replace(ACCEPT, expires=date(2026, 11, 21)), Status.REGRESSION),
    ],
)
def test_decide__accepts(accept: Accept, expected: Status) -> None:
    verdict = decide(comparison(subject(slower(TIME), slower(INSTRUCTIONS))), replace(POLICY, accepts=(accept,)), CONTEXT)
    assert verdict.workloads[0].findings[0].status is expected
    assert verdict.outcome is (Outcome.PASS if expected is Status.ACCEPTED else Outcome.FAIL)
    assert verdict.workloads[0].findings[0].accepted_by == ("worth it" if expected is Status.ACCEPTED else None)


def test_decide__expired_accept_is_told() -> None:
    verdict = decide(
        comparison(subject(estimate(TIME))), replace(POLICY, accepts=(replace(ACCEPT, expires=date(2026, 1, 1)),)), CONTEXT
    )
    assert [(caveat.code, caveat.detail) for caveat in verdict.caveats] == [(CaveatCode.ACCEPT_EXPIRED, "f (2026-01-01)")]


def test_decide__accept_lets_one_step_through_and_not_the_next() -> None:
    known = DecideContext(today=TODAY, baseline_accepts=(replace(ACCEPT, reason="said otherwise", expires=date(2027, 1, 1)),))
    verdict = decide(comparison(subject(slower(TIME), slower(INSTRUCTIONS))), replace(POLICY, accepts=(ACCEPT,)), known)
    assert verdict.workloads[0].findings[0].status is Status.REGRESSION


def _workload(state: WorkloadState, *subjects: SubjectComparison) -> WorkloadComparison:
    return WorkloadComparison(name=state.value, state=state, subjects=subjects, tested_subjects=len(subjects))


@pytest.mark.parametrize(
    ("workloads", "fail_on", "expected"),
    [
        ((_workload(WorkloadState.COMPARED, subject(slower(TIME)), subject(unseen(TIME))),), FailOn.REGRESSION, Outcome.FAIL),
        ((_workload(WorkloadState.COMPARED, subject(slower(TIME))),), FailOn.NEVER, Outcome.FAIL),
        ((_workload(WorkloadState.COMPARED, subject(unseen(TIME))),), FailOn.REGRESSION, Outcome.INCONCLUSIVE),
        ((_workload(WorkloadState.NEW, subject(estimate(TIME, baseline=None))),), FailOn.REGRESSION, Outcome.NO_BASELINE),
        (
            (_workload(WorkloadState.NEW), _workload(WorkloadState.COMPARED, subject(estimate(TIME)))),
            FailOn.REGRESSION,
            Outcome.PASS,
        ),
        ((_workload(WorkloadState.REMOVED),), FailOn.REGRESSION, Outcome.INCONCLUSIVE),
        ((_workload(WorkloadState.COMPARED),), FailOn.REGRESSION, Outcome.INCONCLUSIVE),
        ((), FailOn.REGRESSION, Outcome.INCONCLUSIVE),
    ],
)
def test_decide__outcome(workloads: tuple[WorkloadComparison, ...], fail_on: FailOn, expected: Outcome) -> None:
    verdict = decide(Comparison(instruments=(TIME,), workloads=workloads), replace(POLICY, fail_on=fail_on), CONTEXT)
    assert verdict.outcome is expected


def test_decide__the_same_program_needs_no_measuring() -> None:
    context = replace(CONTEXT, caveats=(Caveat(code=CaveatCode.IDENTICAL_PROGRAMS),))
    assert decide(Comparison(instruments=(), workloads=()), POLICY, context).outcome is Outcome.PASS


def _total(whole: Estimate, user: Estimate, *others: Estimate) -> SubjectComparison:
    return SubjectComparison(
        subject=TOTAL_NAME, kind=SubjectKind.TOTAL, dso=None, estimates=(whole, *others), without_kernel=user
    )


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (_total(slower(TIME), estimate(TIME)), Status.WARNING),
        (_total(slower(TIME), estimate(TIME), estimate(INSTRUCTIONS)), Status.WARNING),
        (_total(slower(TIME), slower(TIME)), Status.REGRESSION),
        (_total(slower(TIME), estimate(TIME), slower(INSTRUCTIONS)), Status.REGRESSION),
        # the user's part grew by 15 of 20, and is only not precise enough by itself
        (_total(slower(TIME), estimate(TIME, candidate=115.0, change=0.15)), Status.REGRESSION),
        (_total(slower(TIME), estimate(TIME, candidate=105.0, change=0.05)), Status.WARNING),
        (_total(faster(TIME), estimate(TIME)), Status.IMPROVEMENT),
    ],
)
def test_decide__the_kernel_fails_nobody_and_not_through_the_total(total: SubjectComparison, expected: Status) -> None:
    finding = only(comparison(total))
    assert finding.status is expected
    assert (finding.reasons == (Reason(code=ReasonCode.KERNEL_TIME),)) is (expected is Status.WARNING)


def test_decide__an_accept_of_an_added_function_limits_its_share() -> None:
    new = estimate(
        TIME, baseline=0.0, baseline_share=0.0, candidate_share=0.1, change=None, ci_low=None, ci_high=None, p_adjusted=1e-9
    )
    found = []
    for up_to in (0.11, 0.09):
        policy = replace(POLICY, accepts=(replace(ACCEPT, up_to=up_to),))
        found.append(decide(comparison(subject(new)), policy, CONTEXT).workloads[0].findings[0].status)
    assert found == [Status.ACCEPTED, Status.REGRESSION]


def test_decide__group_names_the_member_that_changed() -> None:
    group = SubjectComparison(
        subject="Parsing",
        kind=SubjectKind.GROUP,
        dso=None,
        estimates=(slower(INSTRUCTIONS),),
        members=(Function("f"), Function("g")),
    )
    member = subject(slower(INSTRUCTIONS))
    flat = subject(estimate(INSTRUCTIONS), name="g")
    findings = decide(comparison(group, member, flat), POLICY, CONTEXT).workloads[0].findings
    assert findings[0].reasons == (Reason(code=ReasonCode.MEMBER_CHANGED, detail="f 1.00"),)


def test_decide__new_function_found_by_time_alone() -> None:
    new = estimate(
        TIME, baseline=0.0, baseline_share=0.0, candidate_share=0.1, change=None, ci_low=None, ci_high=None, p_adjusted=1e-9
    )
    gone = estimate(TIME, candidate=0.0, candidate_share=0.0, change=-1.0, ci_low=None, ci_high=None, p_adjusted=1e-9)
    assert only(comparison(subject(new))).status is Status.REGRESSION
    assert only(comparison(subject(replace(new, p_adjusted=0.5)))).status is Status.ADDED
    renamed = decide(comparison(subject(new), subject(gone, name="old")), POLICY, CONTEXT).workloads[0].findings
    assert [finding.status for finding in renamed] == [Status.COST_SHIFT, Status.REMOVED]
    assert renamed[0].reasons[0] == Reason(code=ReasonCode.COST_MOVED, detail="old")


def test_decide__by_time_alone_an_extracted_function_is_a_cost_shift() -> None:
    new = estimate(
        TIME, baseline=0.0, baseline_share=0.0, candidate_share=0.06, change=None, ci_low=None, ci_high=None, p_adjusted=1e-9
    )
    shrunk = estimate(TIME, baseline_share=0.2, candidate_share=0.14, change=-0.3, ci_low=-0.32, ci_high=-0.28, p_adjusted=1e-9)
    findings = decide(comparison(subject(new), subject(shrunk, name="whole")), POLICY, CONTEXT).workloads[0].findings
    assert [finding.status for finding in findings] == [Status.COST_SHIFT, Status.IMPROVEMENT]
    another = replace(new, candidate_share=0.1)
    findings = decide(comparison(subject(another), subject(shrunk, name="whole")), POLICY, CONTEXT).workloads[0].findings
    assert findings[0].status is Status.REGRESSION


def test_decide__a_noisy_group_that_was_asked_the_same_is_unchanged() -> None:
    costs = {"main": 1000.0, "memmove": 9000.0}
    sides = [counted(costs, {("main", "memmove"): calls}) for calls in (100.0, 100.0, 103.0)]
    group = SubjectComparison(
        subject="Memory", kind=SubjectKind.GROUP, dso=None, estimates=(unseen(INSTRUCTIONS),), members=(Function("memmove"),)
    )
    found = []
    for candidate in sides[1:]:
        workload = WorkloadComparison(
            name="w", state=WorkloadState.COMPARED, subjects=(group,), tested_subjects=1, baseline_instructions=sides[0],
            candidate_instructions=candidate,
        )  # fmt: skip
        found.append(only(Comparison(instruments=(INSTRUCTIONS,), workloads=(workload,))).status)
    assert found == [Status.UNCHANGED, Status.INCONCLUSIVE]


def test_decide__new_function_is_a_regression_if_its_callers_got_dearer() -> None:
    base = counted({"main": 1000, "work": 99_000}, {("main", "work"): 1})
    dearer = counted({"main": 1000, "work": 99_000, "f": 20_000}, {("main", "work"): 1, ("work", "f"): 10})
    dearer_by_a_tenth = counted({"main": 1000, "work": 79_000, "f": 22_000}, {("main", "work"): 1, ("work", "f"): 10})
    extracted = counted({"main": 1000, "work": 79_000, "f": 20_000}, {("main", "work"): 1, ("work", "f"): 10})
    new = estimate(
        INSTRUCTIONS,
        baseline=0.0,
        candidate=20_000.0,
        baseline_share=0.0,
        change=None,
        ci_low=None,
        ci_high=None,
        p_value=0.0,
        p_adjusted=0.0,
    )
    found = {}
    for name, candidate in (("dearer", dearer), ("more", dearer_by_a_tenth), ("extracted", extracted)):
        workload = WorkloadComparison(
            name="w", state=WorkloadState.COMPARED, subjects=(subject(new),), tested_subjects=1, baseline_instructions=base,
            candidate_instructions=candidate,
        )  # fmt: skip
        found[name] = only(Comparison(instruments=(INSTRUCTIONS,), workloads=(workload,))).status
    assert found == {"dearer": Status.REGRESSION, "more": Status.REGRESSION, "extracted": Status.COST_SHIFT}
