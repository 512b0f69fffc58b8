"""Whatever two bundles hold, comparing and judging them ends with a verdict that can be written down and read again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoprof_ci.analysis import compare, decide
from autoprof_ci.model import (
    KERNEL,
    Bundle,
    CallEdge,
    Function,
    Instrument,
    Outcome,
    Override,
    Policy,
    Recording,
    Run,
    Samples,
    Threshold,
    WorkloadInstructions,
    WorkloadSamples,
    helper_row,
)
from autoprof_ci.report import verdict_json
from tests import factories
from tests.test_analysis.builders import CONTEXT, POLICY, bundle, names, samples

FUNCTIONS = (
    Function("a", "{binary}"),
    Function("b", "{binary}"),
    Function("hashbrown::c", "{binary}"),
    Function("malloc", "libc"),
    Function("_int_malloc", "libc"),
    KERNEL,
    helper_row("git"),
)
few_functions = st.lists(st.sampled_from(FUNCTIONS), unique=True, max_size=len(FUNCTIONS)).map(tuple)
counts = st.one_of(
    st.just(0.0), st.integers(0, 9).map(float), st.integers(0, 10**5).map(float), st.floats(1e-12, 1e18), st.just(1e15)
)
ratios = st.one_of(st.just(0.0), st.floats(0, 1), st.just(1e6), st.just(float("inf")))
thresholds = st.builds(Threshold, max_regression=ratios, warn=ratios, min_share=st.floats(0, 1))
policies = st.builds(
    Policy,
    false_alarm_rate=st.floats(1e-9, 0.999),
    fail_on=st.just(POLICY.fail_on),
    thresholds=st.dictionaries(st.sampled_from(Instrument), thresholds),
    overrides=st.lists(
        st.builds(Override, match=st.just(("*",)), max_regression=st.none() | ratios, min_share=st.none() | st.floats(0, 1)),
        max_size=1,
    ).map(tuple),
    groups=st.just(factories.policy().groups),
    accepts=st.just((replace(factories.accept(), match=("*",)),)),
)


@st.composite
def sampled(draw: st.DrawFn) -> WorkloadSamples:
    functions = draw(few_functions)
    aligned = st.tuples(*[counts] * len(functions))
    blocks = st.integers(0, 3)
    runs = st.builds(Run, block=blocks, position=st.just(0), wall_s=st.floats(0, 10), counts=aligned)
    taken = draw(st.lists(runs, max_size=8))
    if taken and draw(st.booleans()):
        taken = [replace(run, counts=taken[0].counts) for run in taken]
    return WorkloadSamples(
        name=draw(st.sampled_from("vw")), starts=draw(st.integers(1, 3)), functions=functions, runs=tuple(taken)
    )


@st.composite
def counted(draw: st.DrawFn) -> WorkloadInstructions:
    functions = draw(few_functions)
    aligned = st.tuples(*[counts] * len(functions))
    index = st.integers(0, len(functions) - 1)
    edges = st.builds(CallEdge, caller=index, callee=index, calls=counts, inclusive=counts)
    return WorkloadInstructions(
        name=draw(st.sampled_from("vw")),
        functions=functions,
        repeats=tuple(draw(st.lists(aligned, max_size=3))),
        inclusive=draw(aligned),
        calls=draw(aligned),
        edges=tuple(draw(st.lists(edges, max_size=12))) if functions else (),
    )


def one_a_name(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(strategy, unique_by=lambda workload: workload.name, max_size=2).map(tuple)


recordings = st.builds(
    Recording,
    samples=st.none()
    | st.builds(Samples, event=st.just("c"), period_s=st.sampled_from([None, 5e-4]), workloads=one_a_name(sampled())),
    instructions=one_a_name(counted()),
    failed_workloads=st.dictionaries(st.sampled_from("vw"), st.just("crashed"), max_size=1),
)
bundles = st.builds(
    lambda session, machine, of: replace(factories.bundle(of=of, session=session), machine=machine, workload_digests={}),
    session=st.sampled_from(["", "s"]),
    machine=st.sampled_from([None, factories.machine()]),
    of=recordings,
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(st.none() | bundles, bundles, policies)
def test_decide__any_two_bundles(baseline: Bundle | None, candidate: Bundle, policy: Policy) -> None:
    verdict = decide(compare(baseline, candidate, policy), policy, CONTEXT)
    assert verdict_json.decode(verdict_json.encode(verdict)) == verdict


@pytest.mark.parametrize("session", ["s", ""])
@pytest.mark.parametrize("functions", [0, 1, 300])
def test_decide__a_profile_without_a_hot_function(session: str, functions: int) -> None:
    flat = samples(np.full((functions, 4), 5.0), names(functions))
    verdict = decide(compare(bundle(flat, session=session), bundle(flat, session=session), POLICY), POLICY, CONTEXT)
    assert verdict.outcome is not Outcome.FAIL
    assert verdict.outcome is not Outcome.PASS


def test_decide__nothing_measured_is_no_pass() -> None:
    verdict = decide(compare(bundle(), bundle(), POLICY), POLICY, CONTEXT)
    assert verdict.outcome is Outcome.INCONCLUSIVE
