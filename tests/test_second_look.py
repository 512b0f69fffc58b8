"""Changed code that seems slower by time alone, and the first runs cannot tell: more are made, and all are judged together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from autoprof_ci import bundle, pipeline
from autoprof_ci.analysis import compare
from autoprof_ci.errors import AutoprofError, InterruptedByUserError, ProgramError
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Program, Progress
from autoprof_ci.model import (
    BINARY_DSO,
    Caveat,
    CaveatCode,
    Function,
    FunctionCode,
    Instrument,
    MeasureSettings,
    Outcome,
    ReasonCode,
    Recording,
    Run,
    Samples,
    Status,
    Workload,
    WorkloadSamples,
)
from autoprof_ci.pipeline import Edges, Side
from tests import factories
from tests.test_analysis import builders

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MEANS = (900, 300, 260, 200, 150, 120, 80, 60)
FUNCTIONS = tuple(Function(f"f{number}", BINARY_DSO) for number in range(len(MEANS)))
CHANGED = FUNCTIONS[2]
FIRST, MORE = 10, 40
SLOWER = 1.14
"""By about as much as ten runs cannot tell, and fifty can."""


@dataclass
class Machine:
    """A measuring edge with a true effect on one function; the sessions after the first may go otherwise."""

    seed: int
    effect: float
    starts: Sequence[int] = (3, 3)
    event: Sequence[str] = ("cpu-clock", "cpu-clock")
    second: Callable[[Mapping[str, Recording]], Mapping[str, Recording]] | AutoprofError = lambda recordings: recordings
    is_code_changed: bool = True
    plans: list[Plan] = field(default_factory=list)

    def __call__(self, plan: Plan, _report: Callable[[Progress], None]) -> Mapping[str, Recording]:
        self.plans.append(plan)
        session = len(self.plans) - 1
        rng = np.random.default_rng((self.seed, session))
        measured = {label: self._recording(label, plan, session, rng) for label in (BASELINE, CANDIDATE)}
        if not session:
            return measured
        if isinstance(self.second, AutoprofError):
            raise self.second
        return self.second(measured)

    def _recording(self, label: str, plan: Plan, session: int, rng: np.random.Generator) -> Recording:
        workloads = tuple(self._workload(label, workload, plan, session, rng) for workload in plan.workloads)
        code = tuple(FunctionCode(function=function, digest="a" * 16) for function in FUNCTIONS)
        if label == CANDIDATE and self.is_code_changed:
            code = tuple(replace(each, digest="b" * 16) if each.function == CHANGED else each for each in code)
        samples = Samples(event=self.event[session], period_s=0.0005, workloads=workloads)
        return Recording(samples=samples, code=() if plan.continues else code)

    def _workload(self, label: str, workload: Workload, plan: Plan, session: int, rng: np.random.Generator) -> WorkloadSamples:
        runs = workload.runs or plan.settings.runs
        effect = self.effect if label == CANDIDATE and workload.name == "hit" else 1.0
        means = [mean * (effect if function == CHANGED else 1.0) for function, mean in zip(FUNCTIONS, MEANS, strict=True)]
        counts = builders.noisy(rng, means, runs, noise=0.06)
        # a function that only the second session sees
        functions = (*FUNCTIONS, Function("rare", BINARY_DSO)) if session else FUNCTIONS
        rows = np.vstack([counts, np.ones(runs)]) if session else counts
        made = tuple(
            Run(block=number // 2, position=number % 2, wall_s=1.0, counts=tuple(column))
            for number, column in enumerate(rows.T.tolist())
        )
        return WorkloadSamples(name=workload.name, starts=self.starts[session], functions=functions, runs=made)


def gate(machine: Machine, *, more_runs: int = MORE, clock: Callable[[], datetime] = lambda: NOW) -> pipeline.Judged:
    edges = Edges(
        measure=machine,
        workload_digests=lambda _: {"hit": "d1", "other": "d2"},
        machine=factories.machine,
        progress=lambda _: None,
        now=clock,
        new_session=lambda: "session-1",
        locate=lambda _: None,
    )
    programs = tuple(Program(label=label, binary=Path(label)) for label in (BASELINE, CANDIDATE))
    plan = Plan(
        programs=programs,
        workloads=(Workload(name="hit", command=("{binary}",)), Workload(name="other", command=("{binary}",))),
        settings=MeasureSettings(instruments=(Instrument.TIME,), runs=FIRST, more_runs=more_runs),
        data=None,
        config_folder=Path(),
    )
    sides = tuple(Side(program=program, binaries=(factories.binary(),)) for program in programs)
    policy = factories.policy()
    return pipeline.judge(pipeline.measure(plan, (sides[0], sides[1]), policy, edges), policy, NOW)


def runs(judged: pipeline.Judged) -> dict[str, tuple[int, int | None]]:
    """Workload -> its runs, and how many there were at first; of the candidate, as of the baseline."""
    assert judged.baseline is not None
    found = [
        {w.name: (len(w.runs), w.first_runs) for w in side.recording.samples.workloads}
        for side in (judged.baseline, judged.candidate)
        if side.recording.samples
    ]
    assert found[0] == found[1]
    return found[0]


def told(judged: pipeline.Judged) -> dict[CaveatCode, str]:
    wanted = (CaveatCode.LOOKED_AGAIN, CaveatCode.LOOK_CUT_SHORT, CaveatCode.INTERRUPTED)
    return {caveat.code: caveat.detail for caveat in judged.verdict.caveats if caveat.code in wanted}


def red(judged: pipeline.Judged) -> dict[str, tuple[ReasonCode, ...]]:
    return {
        finding.subject: tuple(reason.code for reason in finding.reasons)
        for workload in judged.verdict.workloads
        for finding in workload.findings
        if finding.status is Status.REGRESSION
    }


def test_look__a_doubt_is_settled_by_more_runs() -> None:
    machine = Machine(seed=2, effect=SLOWER)
    first = gate(Machine(seed=2, effect=SLOWER), more_runs=0)
    assert (first.verdict.outcome, red(first), told(first)) == (Outcome.INCONCLUSIVE, {}, {})
    judged = gate(machine)
    assert judged.verdict.outcome is Outcome.FAIL
    assert list(red(judged)) == [CHANGED.name]
    counted = runs(judged)
    assert counted["other"] == (FIRST, None)
    assert counted["hit"][0] > FIRST
    assert counted["hit"][1] == FIRST
    assert told(judged) == {CaveatCode.LOOKED_AGAIN: f"hit: f2; {counted['hit'][0] - FIRST} more runs a side"}


def test_look__asks_for_runs_of_that_workload_alone() -> None:
    machine = Machine(seed=2, effect=SLOWER)
    gate(machine)
    _, again = machine.plans
    assert [workload.name for workload in again.workloads] == ["hit"]
    assert again.workloads[0].instruments == (Instrument.TIME,)
    assert FIRST <= (again.workloads[0].runs or 0) <= MORE
    assert again.continues == {"hit": 3}


def test_look__blocks_go_on_and_every_function_is_counted_in_every_run() -> None:
    judged = gate(Machine(seed=2, effect=SLOWER))
    samples = judged.candidate.recording.samples
    assert samples is not None
    hit = samples.workloads[0]
    assert sorted({run.block for run in hit.runs}) == list(range(len(hit.runs) // 2))
    assert {len(run.counts) for run in hit.runs} == {len(FUNCTIONS) + 1}
    assert [run.counts[-1] for run in hit.runs] == [0.0] * FIRST + [1.0] * (len(hit.runs) - FIRST)


def test_look__unchanged_code_wants_none() -> None:
    machine = Machine(seed=2, effect=SLOWER, is_code_changed=False)
    assert told(gate(machine)) == {}
    assert len(machine.plans) == 1


def test_look__not_where_the_report_is_red_already() -> None:
    machine = Machine(seed=2, effect=1.6)
    assert list(red(gate(machine))) == [CHANGED.name]
    assert len(machine.plans) == 1


@pytest.mark.parametrize(
    "changed",
    [{"starts": (3, 4)}, {"event": ("cpu-clock", "cycles")}],
    ids=["as-many-starts", "sampled-alike"],
)
def test_look__what_was_measured_otherwise_is_not_mixed_in(changed: dict[str, Sequence[object]]) -> None:
    judged = gate(Machine(seed=2, effect=SLOWER, **changed))  # type: ignore[arg-type]
    assert runs(judged)["hit"] == (FIRST, None)
    assert list(told(judged)) == [CaveatCode.LOOK_CUT_SHORT]


def test_look__a_failure_loses_nothing() -> None:
    judged = gate(Machine(seed=2, effect=SLOWER, second=ProgramError("workload 'hit' (candidate) failed", "Look at it.")))
    assert runs(judged)["hit"] == (FIRST, None)
    assert told(judged) == {CaveatCode.LOOK_CUT_SHORT: "hit: f2; workload 'hit' (candidate) failed"}


def test_look__interrupted_before_its_first_run() -> None:
    judged = gate(Machine(seed=2, effect=SLOWER, second=InterruptedByUserError("Stopped", "Start again.")))
    assert runs(judged)["hit"] == (FIRST, None)
    assert set(told(judged)) == {CaveatCode.LOOK_CUT_SHORT, CaveatCode.INTERRUPTED}


def test_look__interrupted_later_keeps_its_runs() -> None:
    def halted(recordings: Mapping[str, Recording]) -> Mapping[str, Recording]:
        caveat = Caveat(code=CaveatCode.INTERRUPTED)
        return {label: replace(one, caveats=(caveat,)) for label, one in recordings.items()}

    judged = gate(Machine(seed=2, effect=SLOWER, second=halted))
    assert runs(judged)["hit"][0] > FIRST
    assert set(told(judged)) == {CaveatCode.LOOKED_AGAIN, CaveatCode.INTERRUPTED}


@pytest.mark.parametrize(("passed_s", "most"), [(595, 0), (540, 18)])
def test_look__only_what_the_time_limit_leaves(passed_s: float, most: int) -> None:
    times = iter((NOW,))
    machine = Machine(seed=2, effect=SLOWER)
    judged = gate(machine, clock=lambda: next(times, NOW + timedelta(seconds=passed_s)))
    assert runs(judged)["hit"][0] <= FIRST + most
    if most:
        assert machine.plans[1].settings.time_limit_s == 600 - passed_s
        assert CaveatCode.LOOKED_AGAIN in told(judged)
    else:
        assert len(machine.plans) == 1
        assert told(judged) == {CaveatCode.LOOK_CUT_SHORT: "hit: f2; the time limit was near"}


def test_look__stored_in_the_bundle() -> None:
    judged = gate(Machine(seed=2, effect=SLOWER))
    again = bundle.decode(bundle.encode(judged.candidate), source="candidate.bundle.zip")
    assert again.recording.samples == judged.candidate.recording.samples


def test_compare__a_second_look_is_held_to_a_stricter_test() -> None:
    first, second = (builders.samples(builders.noisy(np.random.default_rng(seed), MEANS, 50), FUNCTIONS) for seed in (1, 2))
    planned = compare(builders.bundle(first), builders.bundle(second), builders.POLICY)
    looked = [replace(side, first_runs=10) for side in (first, second)]
    again = compare(builders.bundle(looked[0]), builders.bundle(looked[1]), builders.POLICY)
    for one, other in zip(planned.workloads[0].subjects, again.workloads[0].subjects, strict=True):
        before, after = one.estimates[0], other.estimates[0]
        assert after.p_value == before.p_value
        assert (after.p_adjusted or 0) >= (before.p_adjusted or 0)
        assert 1 < (after.smallest_detectable_change or 0) / (before.smallest_detectable_change or 1) < 1.25


def test_look__seldom_where_nothing_got_slower_and_never_an_alarm() -> None:
    looks = 0
    for seed in range(60):
        machine = Machine(seed=1000 + seed, effect=1.0)
        judged = gate(machine)
        assert red(judged) == {}
        looks += len(machine.plans) > 1
    # one in twenty is expected of each of two workloads; 15 of 60 has a chance of 1 in 1,000
    assert looks < 15


def test_look__finds_what_fifty_runs_can_see() -> None:
    found = [CHANGED.name in red(gate(Machine(seed=2000 + seed, effect=SLOWER))) for seed in range(20)]
    alone = [CHANGED.name in red(gate(Machine(seed=2000 + seed, effect=SLOWER), more_runs=0)) for seed in range(20)]
    assert sum(found) >= 16
    assert sum(alone) <= 10
