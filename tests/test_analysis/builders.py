"""Small recordings, estimates and policies, written as short as a test can read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from numpy.typing import NDArray

from autoprof_ci.analysis import DecideContext
from autoprof_ci.model import (
    Bundle,
    CallEdge,
    Estimate,
    FailOn,
    Function,
    Group,
    Instrument,
    Policy,
    Recording,
    Run,
    Samples,
    Threshold,
    WorkloadInstructions,
    WorkloadSamples,
)

TODAY = date(2026, 11, 22)
CONTEXT = DecideContext(today=TODAY)
TIME_LIMIT = Threshold(max_regression=0.03, warn=0.015, min_share=0.01)
INSTRUCTION_LIMIT = Threshold(max_regression=0.01, warn=0.005, min_share=0.01)
POLICY = Policy(
    false_alarm_rate=0.001,
    fail_on=FailOn.REGRESSION,
    thresholds={Instrument.TIME: TIME_LIMIT, Instrument.INSTRUCTIONS: INSTRUCTION_LIMIT},
)


def samples(counts: NDArray[np.float64], functions: Sequence[Function], blocks: Sequence[int] | None = None) -> WorkloadSamples:
    """`counts` (functions, runs); run i is in block i unless `blocks` says otherwise."""
    numbers = range(counts.shape[1]) if blocks is None else blocks
    runs = tuple(Run(block=b, position=0, wall_s=1.0, counts=tuple(c)) for b, c in zip(numbers, counts.T.tolist(), strict=True))
    return WorkloadSamples(name="w", starts=1, functions=tuple(functions), runs=runs)


def bundle(
    sampled: WorkloadSamples | None = None,
    counted: WorkloadInstructions | None = None,
    session: str = "s",
    period_s: float | None = None,
) -> Bundle:
    recording = Recording(
        samples=Samples(event="cpu-clock", period_s=period_s, workloads=(sampled,)) if sampled else None,
        instructions=(counted,) if counted else (),
    )
    return Bundle(
        session=session, tool_version="0", created_at="", commit=None, ref=None, machine=None, policy=None, recording=recording
    )  # fmt: skip


def names(number: int) -> tuple[Function, ...]:
    return tuple(Function(f"f{i}") for i in range(number))


def noisy(rng: np.random.Generator, means: Sequence[float], runs: int, noise: float = 0.02) -> NDArray[np.float64]:
    """Counts about `means`, each run as a whole 3 % faster or slower."""
    shape = (len(means), runs)
    speed = np.exp(rng.normal(0, 0.03, runs))
    return rng.poisson(np.asarray(means)[:, None] * speed * np.exp(rng.normal(0, noise, shape))).astype(float)


def counted(
    self_cost: Mapping[str, float],
    edges: Mapping[tuple[str, str], float],
    inclusive: Mapping[str, float] | None = None,
    repeats: int = 2,
) -> WorkloadInstructions:
    """Instructions of functions called by `edges` (caller, callee) -> calls. Inclusive costs: self plus callees, unless given."""
    functions = tuple(Function(name) for name in self_cost)
    index = {function.name: i for i, function in enumerate(functions)}
    entered: dict[str, float] = defaultdict(float)
    for (_, callee), number in edges.items():
        entered[callee] += number
    calls = [entered[name] or 1.0 for name in self_cost]
    known = inclusive or {}
    below = tuple(known[name] if name in known else _inclusive(name, self_cost, edges) for name in self_cost)
    return WorkloadInstructions(
        name="w",
        functions=functions,
        repeats=tuple(tuple(float(v) for v in self_cost.values()) for _ in range(repeats)),
        inclusive=below,
        calls=tuple(calls),
        edges=tuple(
            CallEdge(caller=index[a], callee=index[b], calls=n, inclusive=below[index[b]] * n / calls[index[b]])
            for (a, b), n in edges.items()
        ),
    )


def _inclusive(name: str, self_cost: Mapping[str, float], edges: Mapping[tuple[str, str], float]) -> float:
    """In a tree: everything below counts in full."""
    return self_cost[name] + sum(_inclusive(callee, self_cost, edges) for caller, callee in edges if caller == name)


def estimate(instrument: Instrument, **changed: float | None) -> Estimate:
    """Flat and precise unless told otherwise."""
    values: dict[str, float | None] = {
        "baseline": 100.0, "candidate": 100.0, "baseline_share": 0.1, "candidate_share": 0.1, "change": 0.0, "ci_low": -0.002,
        "ci_high": 0.002, "p_value": 1.0, "p_adjusted": 1.0, "smallest_detectable_change": 0.005,
    }  # fmt: skip
    metric, unit = ("self_time", "s") if instrument is Instrument.TIME else ("instructions", "instructions")
    return Estimate(instrument=instrument, metric=metric, unit=unit, **{**values, **changed})  # type: ignore[arg-type]


def slower(instrument: Instrument, change: float = 0.2) -> Estimate:
    return estimate(
        instrument,
        candidate=100 * (1 + change),
        change=change,
        ci_low=change - 0.01,
        ci_high=change + 0.01,
        p_value=1e-9,
        p_adjusted=1e-8,
    )


def faster(instrument: Instrument) -> Estimate:
    return slower(instrument, change=-0.2)


def unseen(instrument: Instrument) -> Estimate:
    return estimate(instrument, ci_low=-0.1, ci_high=0.1, smallest_detectable_change=0.2)


def grouped(name: str, *match: str) -> Policy:
    return Policy(
        false_alarm_rate=POLICY.false_alarm_rate,
        fail_on=POLICY.fail_on,
        thresholds=POLICY.thresholds,
        groups=(Group(name=name, match=match),),
    )
