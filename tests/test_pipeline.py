"""The story, with a measuring edge that hands out what it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autoprof_ci import pipeline
from autoprof_ci.config import default_measure
from autoprof_ci.errors import UsageError
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Program, Progress
from autoprof_ci.model import (
    BINARY_DSO,
    Accept,
    Bundle,
    Caveat,
    CaveatCode,
    FailOn,
    Function,
    FunctionCode,
    InlinedCode,
    Machine,
    Outcome,
    Policy,
    Recording,
    Status,
    Workload,
    WorkloadState,
)
from autoprof_ci.pipeline import Edges, Side
from tests import factories

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NAME = "analyze-sessions"
CALM = [[1000.0, 600.0, 400.0, 50.0], [1004.0, 598.0, 402.0, 51.0], [997.0, 603.0, 399.0, 49.0], [1001.0, 601.0, 401.0, 50.0]] * 3
SLOW = [[run[0] * 1.5, *run[1:]] for run in CALM]


@dataclass
class Measured:
    """A measuring edge that was asked once and remembers for what."""

    recordings: Mapping[str, Recording]
    plans: list[Plan] = field(default_factory=list)

    def __call__(self, plan: Plan, report: Callable[[Progress], None]) -> Mapping[str, Recording]:
        self.plans.append(plan)
        report(Progress(done=1, total=1, text="measured"))
        return self.recordings


def edges(measured: Measured, digests: Mapping[str, str] | None = None, machine: Machine | None = None) -> Edges:
    return Edges(
        measure=measured,
        workload_digests=lambda _: digests or {NAME: "d1"},
        machine=lambda: machine or factories.machine(),
        progress=lambda _: None,
        now=lambda: NOW,
        new_session=lambda: "session-1",
        locate=lambda file: file.removeprefix("/build/") if file.startswith("/build/") else None,
    )


def recording(counts: list[list[float]]) -> Recording:
    return Recording(samples=factories.samples(factories.workload_samples(counts, name=NAME)))


def alone(counts: list[list[float]]) -> Measured:
    """Only the candidate could be measured."""
    return Measured({CANDIDATE: recording(counts)})


def gate(plan: Plan, sides: tuple[Side | None, Side], policy: Policy, outside: Edges) -> pipeline.Judged:
    return pipeline.judge(pipeline.measure(plan, sides, policy, outside), policy, NOW)


def side(label: str, stored: Bundle | None = None) -> Side:
    return Side(program=Program(label=label, binary=Path(label)), binaries=(factories.binary(),), commit=label, stored=stored)


def plan(*sides: Side) -> Plan:
    return Plan(
        programs=tuple(one.program for one in sides if one.program),
        workloads=(Workload(name=NAME, command=("{binary}",)),),
        settings=default_measure(),
        data=None,
        config_folder=Path(),
    )


def stored_bundle(counts: list[list[float]] = CALM, digest: str = "d1") -> Bundle:
    made = pipeline.record(
        plan(side(CANDIDATE)), side("old"), factories.policy(), edges(Measured({CANDIDATE: recording(counts)}), {NAME: digest})
    )
    return replace(made, session="another-session")


def statuses(judged: pipeline.Judged) -> dict[str, Status]:
    return {finding.subject: finding.status for workload in judged.verdict.workloads for finding in workload.findings}


def test_record__makes_a_bundle_of_the_candidate() -> None:
    bundle = pipeline.record(plan(side(CANDIDATE)), side(CANDIDATE), factories.policy(), edges(alone(CALM)))
    assert (bundle.session, bundle.created_at, bundle.commit) == ("session-1", "2026-11-22T12:00:00Z", CANDIDATE)
    assert bundle.recording == recording(CALM)
    assert bundle.workload_digests == {NAME: "d1"}


def test_gate__a_slower_function_fails() -> None:
    measured = Measured({BASELINE: recording(CALM), CANDIDATE: recording(SLOW)})
    sides = side(BASELINE), side(CANDIDATE)
    judged = gate(plan(*sides), sides, factories.policy(), edges(measured))
    assert judged.verdict.outcome is Outcome.FAIL
    assert statuses(judged)["autopilot::redact::redact_secrets"] is Status.REGRESSION
    assert judged.baseline is not None
    assert judged.baseline.session == judged.candidate.session == judged.verdict.session


def test_gate__the_same_program_passes_whatever_the_order_of_sides() -> None:
    measured = Measured({BASELINE: recording(CALM), CANDIDATE: recording(CALM)})
    sides = side(BASELINE), side(CANDIDATE)
    judged = gate(plan(*sides), sides, factories.policy(), edges(measured))
    assert Status.REGRESSION not in statuses(judged).values()
    assert judged.verdict.outcome is not Outcome.FAIL


def test_gate__without_a_baseline_nothing_is_judged() -> None:
    judged = gate(plan(side(CANDIDATE)), (None, side(CANDIDATE)), factories.policy(), edges(alone(CALM)))
    assert judged.verdict.outcome is Outcome.NO_BASELINE
    assert judged.baseline is None
    assert [workload.state for workload in judged.verdict.workloads] == [WorkloadState.NEW]


def test_gate__a_baseline_that_cannot_be_started_is_compared_as_stored() -> None:
    stored = stored_bundle()
    baseline = Side(program=None, stored=stored)
    measured = alone(SLOW)
    judged = gate(plan(side(CANDIDATE)), (baseline, side(CANDIDATE)), factories.policy(), edges(measured))
    assert judged.baseline is stored
    assert judged.verdict.outcome is Outcome.FAIL
    assert CaveatCode.NOT_INTERLEAVED in {caveat.code for caveat in judged.verdict.caveats}


def test_gate__another_machine_leaves_stored_time_out() -> None:
    baseline = Side(program=None, stored=stored_bundle())
    elsewhere = replace(factories.machine(), cpu_model="another processor")
    measured = alone(SLOW)
    judged = gate(plan(side(CANDIDATE)), (baseline, side(CANDIDATE)), factories.policy(), edges(measured, machine=elsewhere))
    assert judged.verdict.outcome is not Outcome.FAIL
    assert CaveatCode.MACHINE_DIFFERS in {caveat.code for caveat in judged.verdict.caveats}


def test_gate__a_changed_workload_is_measured_on_both_and_said() -> None:
    stored = stored_bundle(digest="d0")
    sides = side(BASELINE, stored), side(CANDIDATE)
    measured = Measured({BASELINE: recording(CALM), CANDIDATE: recording(SLOW)})
    judged = gate(plan(*sides), sides, factories.policy(), edges(measured, {NAME: "d1"}))
    assert Caveat(code=CaveatCode.WORKLOAD_CHANGED, detail=NAME) in judged.verdict.caveats
    assert judged.verdict.outcome is Outcome.FAIL


def test_gate__an_accept_lets_one_step_through_and_not_the_next() -> None:
    entry = Accept(match=("*",), up_to=0.8, reason="worth it", expires=NOW.date())
    lenient = factories.policy(accepts=(entry,))
    measured = Measured({BASELINE: recording(CALM), CANDIDATE: recording(SLOW)})

    first = side(BASELINE, stored_bundle()), side(CANDIDATE)
    judged = gate(plan(*first), first, lenient, edges(measured))
    assert statuses(judged)["autopilot::redact::redact_secrets"] is Status.ACCEPTED

    held_already = replace(stored_bundle(), policy=lenient)
    second = side(BASELINE, held_already), side(CANDIDATE)
    judged = gate(plan(*second), second, lenient, edges(measured))
    assert statuses(judged)["autopilot::redact::redact_secrets"] is Status.REGRESSION


def test_gate__looser_thresholds_are_told() -> None:
    strict = factories.policy()
    loose = replace(
        strict, thresholds={name: replace(t, max_regression=t.max_regression * 2) for name, t in strict.thresholds.items()}
    )
    sides = side(BASELINE, stored_bundle()), side(CANDIDATE)
    measured = Measured({BASELINE: recording(CALM), CANDIDATE: recording(CALM)})
    judged = gate(plan(*sides), sides, loose, edges(measured))
    assert CaveatCode.THRESHOLDS_LOOSENED in {caveat.code for caveat in judged.verdict.caveats}


def test_unmeasured__identical_programs_are_green_and_it_is_said() -> None:
    measured = Measured({})
    sides = side(BASELINE), side(CANDIDATE)
    judged = pipeline.judge(
        pipeline.unmeasured(plan(*sides), sides, factories.policy(), edges(measured)), factories.policy(), NOW
    )
    assert judged.verdict.outcome is Outcome.PASS
    assert Caveat(code=CaveatCode.IDENTICAL_PROGRAMS, detail=BASELINE) in judged.verdict.caveats
    assert not measured.plans


def test_judge__bundles_of_identical_programs_say_so_wherever_they_are_judged() -> None:
    sides = side(BASELINE), side(CANDIDATE)
    measured = pipeline.unmeasured(plan(*sides), sides, factories.policy(), edges(Measured({})))
    read_again = pipeline.Measured(baseline=measured.baseline, candidate=measured.candidate)
    assert pipeline.judge(read_again, factories.policy(), NOW).verdict.outcome is Outcome.PASS
    stopped = replace(measured.candidate, recording=Recording(caveats=(Caveat(code=CaveatCode.INTERRUPTED),)))
    assert pipeline.judge(replace(read_again, candidate=stopped), factories.policy(), NOW).verdict.outcome is Outcome.INCONCLUSIVE


def _of_a_fork(policy: Policy) -> pipeline.Measured:
    measured = Measured({BASELINE: recording(CALM), CANDIDATE: recording(SLOW)})
    sides = side(BASELINE, stored_bundle()), side(CANDIDATE)
    return pipeline.measure(plan(*sides), sides, policy, edges(measured))


def test_judge_again__what_a_fork_loosens_does_not_count_and_is_told() -> None:
    strict = factories.policy()
    loose = replace(
        strict,
        fail_on=FailOn.NEVER,
        thresholds={name: replace(t, max_regression=9.0, warn=4.5) for name, t in strict.thresholds.items()},
    )
    judged = pipeline.judge_again(_of_a_fork(loose), strict, NOW)
    assert judged.verdict.outcome is Outcome.FAIL
    assert judged.candidate.policy == strict
    told = [caveat.detail for caveat in judged.verdict.caveats if caveat.code is CaveatCode.THRESHOLDS_LOOSENED]
    assert "fail_on regression -> never" in told
    assert "thresholds.time.max_regression_percent 3 -> 900" in told


def test_judge_again__what_a_fork_accepts_passes_for_review() -> None:
    entry = Accept(match=("*",), up_to=0.8, reason="worth it", expires=NOW.date())
    judged = pipeline.judge_again(_of_a_fork(factories.policy(accepts=(entry,))), factories.policy(), NOW)
    assert judged.verdict.outcome is Outcome.PASS
    assert statuses(judged)["autopilot::redact::redact_secrets"] is Status.ACCEPTED
    assert Caveat(code=CaveatCode.ACCEPT_REVIEW, detail="* by up to 80 %: worth it") in judged.verdict.caveats


def test_judge_again__without_a_policy_or_a_baseline() -> None:
    measured = _of_a_fork(factories.policy())
    bare = replace(measured, candidate=replace(measured.candidate, policy=None))
    assert pipeline.judge_again(bare, factories.policy(), NOW).verdict.outcome is Outcome.FAIL
    first = replace(measured, baseline=None)
    assert pipeline.judge_again(first, factories.policy(), NOW).verdict.outcome is Outcome.NO_BASELINE


def test_join__two_workloads_of_one_program_become_one_bundle() -> None:
    one = pipeline.record(plan(side(CANDIDATE)), side(CANDIDATE), factories.policy(), edges(alone(CALM)))
    other_recording = Recording(samples=factories.samples(factories.workload_samples(CALM, name="replay")))
    other = replace(one, recording=other_recording, workload_digests={"replay": "d2"})
    joined = pipeline.join((one, other))
    assert joined.workload_digests == {NAME: "d1", "replay": "d2"}
    assert joined.recording.samples is not None
    assert [workload.name for workload in joined.recording.samples.workloads] == [NAME, "replay"]


def test_join__keeps_what_is_known_of_memory() -> None:
    one = pipeline.record(plan(side(CANDIDATE)), side(CANDIDATE), factories.policy(), edges(alone(CALM)))
    heaps = factories.workload_memory(), factories.workload_memory(name="replay")
    parts = tuple(replace(one, recording=Recording(memory=(heap,))) for heap in heaps)
    assert pipeline.join(parts).recording.memory == heaps


def test_join__sampled_by_different_events_is_never_mixed() -> None:
    one = pipeline.record(plan(side(CANDIDATE)), side(CANDIDATE), factories.policy(), edges(alone(CALM)))
    cycles = Recording(samples=factories.samples(factories.workload_samples(CALM, name="replay"), event="cycles"))
    with pytest.raises(UsageError) as raised:
        pipeline.join((one, replace(one, recording=cycles, workload_digests={"replay": "d2"})))
    assert str(raised.value) == (
        "The parts sampled time in different ways (cpu-clock, cycles). Run the parallel jobs on machines of one kind."
    )


def test_measure__calls_files_as_the_repository_does() -> None:
    foreign = InlinedCode(name="find", file="/rustc/abc/str.rs", line=4)
    ours = InlinedCode(name="keys", file="/build/src/keys.rs", line=7, end_line=9)
    unknown = InlinedCode(name="gone", file="src/gone.rs", line=7, end_line=9)
    code = FunctionCode(
        function=Function("scrub", BINARY_DSO),
        file="/build/src/redact.rs",
        line=4,
        end_line=8,
        inlined_from=(foreign, ours, unknown),
    )
    measured = Measured({CANDIDATE: replace(recording(CALM), code=(code,))})
    bundle = pipeline.record(plan(side(CANDIDATE)), side(CANDIDATE), factories.policy(), edges(measured))
    inlined = (foreign, replace(ours, file="src/keys.rs"), InlinedCode(name="gone"))
    assert bundle.recording.code == (replace(code, file="src/redact.rs", inlined_from=inlined),)
