"""Memory judged: more, moved, leaked, held, new; who is named; and no alarm where nothing changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from autoprof_ci.analysis import compare, decide
from autoprof_ci.model import (
    BINARY_DSO,
    AskedEdge,
    Bundle,
    CaveatCode,
    Comparison,
    Finding,
    Function,
    FunctionCode,
    Group,
    InlinedCost,
    Instrument,
    Machine,
    MemoryRepeat,
    Outcome,
    Override,
    Reason,
    ReasonCode,
    Recording,
    Status,
    SubjectKind,
    Threshold,
    Verdict,
    WorkloadMemory,
)
from tests.factories import machine
from tests.test_analysis.builders import CONTEXT, POLICY

LIMIT = Threshold(max_regression=0.01, warn=0.005, min_share=0.01)
WITH_MEMORY = replace(POLICY, thresholds={**POLICY.thresholds, Instrument.MEMORY: LIMIT})
ALLOCATIONS = {"main": 100.0, "scrub": 2000.0, "parse": 8000.0, "load": 900.0}
EDGES = (("main", "scrub"), ("main", "load"), ("load", "parse"))


def heap(
    allocations: Mapping[str, float] = ALLOCATIONS,
    *,
    peak: Mapping[str, float] | None = None,
    leaked: Mapping[str, float] | None = None,
    temporary: Mapping[str, float] | None = None,
    edges: Sequence[tuple[str, str]] = EDGES,
    inlined: Mapping[tuple[str, str], float] | None = None,
    repeats: int = 3,
) -> WorkloadMemory:
    """A workload whose repeats are all alike. Without more each function holds 100 bytes an allocation at the peak."""
    names = tuple(allocations)
    columns = {
        "allocations": allocations,
        "temporary": temporary or {},
        "peak_bytes": {name: 100 * count for name, count in allocations.items()} if peak is None else peak,
        "leaked_bytes": leaked or {},
    }
    repeat = MemoryRepeat(**{column: tuple(of.get(name, 0.0) for name in names) for column, of in columns.items()})
    return WorkloadMemory(
        name="w",
        functions=tuple(Function(name, BINARY_DSO) for name in names),
        repeats=(repeat,) * repeats,
        edges=tuple(
            AskedEdge(caller=names.index(caller), callee=names.index(callee), allocations=below(allocations, edges, callee))
            for caller, callee in edges
            if caller in names and callee in names
        ),
        inlined=tuple(
            InlinedCost(function=names.index(name), name=other, cost=cost) for (name, other), cost in (inlined or {}).items()
        ),
    )


def below(allocations: Mapping[str, float], edges: Sequence[tuple[str, str]], function: str) -> float:
    return allocations.get(function, 0.0) + sum(
        below(allocations, edges, callee) for caller, callee in edges if caller == function
    )


def bundle(measured: WorkloadMemory, session: str = "s", on: Machine | None = None) -> Bundle:
    recording = Recording(memory=(measured,))
    return Bundle(
        session=session, tool_version="0", created_at="", commit=None, ref=None, machine=on, policy=None, recording=recording
    )


def compared(baseline: WorkloadMemory, candidate: WorkloadMemory) -> Comparison:
    return compare(bundle(baseline), bundle(candidate), WITH_MEMORY)


def judged(baseline: WorkloadMemory, candidate: WorkloadMemory, changed: Sequence[str] = ()) -> Verdict:
    """`changed`: functions whose machine code is known to differ; that of all others is known to be the same."""
    names = {function for side in (baseline, candidate) for function in side.functions}
    code = [{f: FunctionCode(function=f, digest=str(number) if f.name in changed else "0") for f in names} for number in (1, 2)]
    context = replace(CONTEXT, baseline_code=code[0], candidate_code=code[1])
    return decide(compared(baseline, candidate), WITH_MEMORY, context)


def of(verdict: Verdict, subject: str) -> Finding:
    return next(finding for finding in verdict.workloads[0].findings if finding.subject == subject)


def statuses(verdict: Verdict) -> dict[str, Status]:
    return {f.subject: f.status for f in verdict.workloads[0].findings if f.status is not Status.UNCHANGED}


def test_compare__the_same__nothing_found() -> None:
    verdict = judged(heap(), heap())
    assert (verdict.outcome, verdict.instruments, statuses(verdict)) == (Outcome.PASS, (Instrument.MEMORY,), {})
    metrics = [m.estimate.metric for m in of(verdict, "[total]").measurements]
    assert metrics == ["allocations", "temporary_allocations", "peak_bytes", "leaked_bytes"]


def test_compare__five_percent_more_in_one_function() -> None:
    verdict = judged(heap(), heap({**ALLOCATIONS, "scrub": 2100.0}), changed=("scrub",))
    assert verdict.outcome is Outcome.FAIL
    assert statuses(verdict) == {"scrub": Status.REGRESSION, "[total]": Status.WARNING}
    finding = of(verdict, "scrub")
    estimate = finding.measurements[0].estimate
    assert (estimate.metric, estimate.unit, estimate.baseline, estimate.candidate) == ("allocations", "allocations", 2000, 2100)
    assert estimate.change == pytest.approx(0.05)
    assert finding.reasons == (Reason(code=ReasonCode.CODE_CHANGED),)


def test_compare__one_allocation_more__may_be_chance() -> None:
    assert statuses(judged(heap(), heap({**ALLOCATIONS, "main": 101.0}))) == {}


def test_compare__five_in_two_hundred_are_not() -> None:
    allocations = {**ALLOCATIONS, "main": 200.0}
    assert statuses(judged(heap(allocations), heap({**allocations, "main": 205.0}))) == {"main": Status.REGRESSION}


def test_compare__a_function_that_seldom_asks__not_tested_but_shown() -> None:
    allocations = {**ALLOCATIONS, "rare": 10.0}
    verdict = judged(heap(allocations), heap({**allocations, "rare": 50.0}))
    assert "rare" not in statuses(verdict)
    assert [f.subject for f in verdict.workloads[0].findings] == ["scrub", "parse", "load", "[total]"]


def test_compare__less__an_improvement() -> None:
    verdict = judged(heap(), heap({**ALLOCATIONS, "parse": 4000.0}))
    assert statuses(verdict) == {"parse": Status.IMPROVEMENT, "[total]": Status.IMPROVEMENT}
    assert verdict.outcome is Outcome.PASS


def test_compare__what_a_neighbour_asked_for_before__moved() -> None:
    moved = {**ALLOCATIONS, "parse": 6000.0, "load": 2900.0}
    assert statuses(judged(heap(), heap(moved))) == {"parse": Status.COST_SHIFT, "load": Status.COST_SHIFT}


def test_compare__a_part_split_off__moved() -> None:
    split = {**ALLOCATIONS, "parse": 5000.0, "parse_one": 3000.0}
    verdict = judged(heap(), heap(split, edges=(*EDGES, ("parse", "parse_one"))))
    assert statuses(verdict) == {"parse": Status.COST_SHIFT, "parse_one": Status.COST_SHIFT}
    assert of(verdict, "parse_one").reasons == (Reason(code=ReasonCode.COST_MOVED, detail="parse"),)


def test_compare__more_than_what_moved__a_regression() -> None:
    split = {**ALLOCATIONS, "parse": 7000.0, "parse_one": 3000.0}
    found = statuses(judged(heap(), heap(split, edges=(*EDGES, ("parse", "parse_one")))))
    assert found["parse_one"] is Status.REGRESSION
    assert found["[total]"] is Status.REGRESSION


def test_compare__somebody_else_elsewhere_improved__excuses_nobody() -> None:
    found = statuses(judged(heap(), heap({**ALLOCATIONS, "scrub": 3000.0, "parse": 7000.0})))
    assert found == {"scrub": Status.REGRESSION, "parse": Status.IMPROVEMENT}


def test_compare__new_function_that_asks__a_regression_if_large() -> None:
    assert statuses(judged(heap(), heap({**ALLOCATIONS, "fresh": 900.0})))["fresh"] is Status.REGRESSION


def test_judge__unchanged_code_given_more__who_changed_above_it() -> None:
    verdict = judged(heap(), heap({**ALLOCATIONS, "parse": 12000.0}), changed=("main",))
    finding = of(verdict, "parse")
    assert [(cause.subject, cause.dso) for cause in finding.caused_by] == [("main", BINARY_DSO)]
    assert finding.reasons == (Reason(code=ReasonCode.SAME_CODE),)


def test_judge__inlined_body_that_asks_for_it__named() -> None:
    before, after = ({("scrub", "one_line"): count} for count in (100.0, 600.0))
    verdict = judged(heap(inlined=before), heap({**ALLOCATIONS, "scrub": 2500.0}, inlined=after), changed=("scrub",))
    assert of(verdict, "scrub").reasons[1:] == (Reason(code=ReasonCode.INLINED_CODE, detail="one_line"),)


@pytest.mark.parametrize(
    ("leaked", "status"),
    [({"load": 200_000.0}, Status.REGRESSION), ({"load": 8_000.0}, Status.WARNING), ({"load": 100.0}, None)],
)
def test_judge__leak__named_and_held_against_the_peak(leaked: Mapping[str, float], status: Status | None) -> None:
    """The peak is 1.1 MB: a leak is large from 11 kB on."""
    verdict = judged(heap(), heap(leaked=leaked))
    assert statuses(verdict).get("[total]") is status
    if status is not None:
        size = leaked["load"]
        assert of(verdict, "[total]").reasons == (Reason(code=ReasonCode.MORE_LEAKED, detail=f"load {size:.6g}"),)


def test_judge__more_at_the_peak__named() -> None:
    peak = {"parse": 1_000_000.0, "load": 100_000.0}
    verdict = judged(heap(peak=peak), heap(peak={**peak, "load": 160_000.0}))
    assert statuses(verdict) == {"[total]": Status.REGRESSION}
    assert of(verdict, "[total]").reasons == (Reason(code=ReasonCode.MORE_AT_PEAK, detail="load 60000"),)


def test_judge__temporary__held_against_all_allocations() -> None:
    few, more, many = ({"scrub": count} for count in (40.0, 80.0, 400.0))
    assert statuses(judged(heap(temporary=few), heap(temporary=more))) == {}
    assert statuses(judged(heap(temporary=few), heap(temporary=many))) == {"[total]": Status.REGRESSION}


def test_decide__override_by_metric() -> None:
    peak = {"parse": 1_000_000.0}
    override = Override(match=("[total]",), instrument=Instrument.MEMORY, metric="peak_bytes", max_regression=0.2, warn=0.1)
    policy = replace(WITH_MEMORY, overrides=(override,))
    found = compare(bundle(heap(peak=peak)), bundle(heap(peak={"parse": 1_060_000.0})), policy)
    (total,) = [f for f in decide(found, policy, CONTEXT).workloads[0].findings if f.kind is SubjectKind.TOTAL]
    limits = {m.estimate.metric: m.max_regression for m in total.measurements}
    assert (total.status, limits["peak_bytes"], limits["allocations"]) == (Status.UNCHANGED, 0.2, 0.01)


def test_compare__group() -> None:
    policy = replace(WITH_MEMORY, groups=(Group(name="Loading", match=("load", "parse")),))
    found = compare(bundle(heap()), bundle(heap({**ALLOCATIONS, "parse": 8400.0})), policy)
    group = next(s for s in found.workloads[0].subjects if s.kind is SubjectKind.GROUP)
    assert (group.estimates[0].baseline, group.estimates[0].candidate) == (8900, 9300)


def test_compare__one_repeat__caveat() -> None:
    found = compared(heap(repeats=1), heap(repeats=1))
    assert [caveat.code for caveat in found.caveats] == [CaveatCode.MEMORY_ONCE]


def test_compare__stored_numbers__of_the_same_tools_only() -> None:
    here = machine()
    same = compare(bundle(heap(), "a", here), bundle(heap(), "b", here), WITH_MEMORY)
    other = compare(bundle(heap(), "a", replace(here, heaptrack="1.3.0")), bundle(heap(), "b", here), WITH_MEMORY)
    assert (len(same.workloads[0].subjects), len(other.workloads[0].subjects)) == (4, 4)
    assert same.workloads[0].tested_subjects == 4
    assert other.workloads[0].tested_subjects == 0


def test_compare__without_a_baseline() -> None:
    (workload,) = compare(None, bundle(heap()), WITH_MEMORY).workloads
    total = next(s for s in workload.subjects if s.kind is SubjectKind.TOTAL)
    assert [(e.metric, e.candidate) for e in total.estimates] == [
        ("allocations", 11000),
        ("temporary_allocations", 0),
        ("peak_bytes", 1_100_000),
        ("leaked_bytes", 0),
    ]


@pytest.mark.parametrize("noise", [0.0, 0.001, 0.02])
def test_compare__unchanged_programs_that_vary__no_alarm(noise: float) -> None:
    """Counts of threads that race, functions by themselves: 200 reports, at a rate of one in a thousand none is expected."""
    rng = np.random.default_rng(2026)
    means = np.array([*rng.uniform(50, 5000, 60)])
    functions = tuple(Function(f"f{number}", BINARY_DSO) for number in range(len(means)))

    def varied() -> WorkloadMemory:
        repeats = []
        for _ in range(3):
            counts = np.round(means * np.exp(rng.normal(0, noise, len(means))) + rng.integers(0, 2, len(means)))
            held = tuple(float(each) for each in 100 * counts)
            repeats.append(
                MemoryRepeat(
                    allocations=tuple(counts.tolist()), temporary=tuple(counts.tolist()), peak_bytes=held, leaked_bytes=held
                )
            )
        return WorkloadMemory(name="w", functions=functions, repeats=tuple(repeats))

    alarms = sum(decide(compared(varied(), varied()), WITH_MEMORY, CONTEXT).outcome is Outcome.FAIL for _ in range(200))
    assert alarms == 0
