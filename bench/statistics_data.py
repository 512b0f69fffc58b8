"""The recorded runs in ``data/`` as values of the vocabulary: one run of one build at a time, to be put together at will."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoprof_ci import symbols
from autoprof_ci.model import (
    KERNEL,
    Bundle,
    FailOn,
    Function,
    Instrument,
    Policy,
    Recording,
    Run,
    Samples,
    Threshold,
    WorkloadSamples,
)

DATA = Path(__file__).parents[1] / "data"
KERNEL_NAMES = frozenset(
    {"[kernel]", "irqentry_exit_to_user_mode", "finish_task_switch.isra.0", "handle_softirqs", "_raw_spin_unlock_irqrestore"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """`counts[build]` (functions, rounds): samples; rounds of all builds ran interleaved."""

    functions: tuple[Function, ...]
    counts: dict[str, NDArray[np.float64]]

    @property
    def rounds(self) -> int:
        return int(next(iter(self.counts.values())).shape[1])


def _lines(name: str) -> list[dict[str, Any]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


@cache
def selftime() -> Recorded:
    """The sample program of nine hot functions: builds A, A2 (identical) and FUNCTION:PERCENT."""
    return _recorded([(str(line["cfg"]), int(line["round"]), line["d"]) for line in _lines("selftime-runs.jsonl.gz")])


@cache
def autopilot(workload: str) -> Recorded:
    """The real autopilot, `analyze` or `run`: builds base, base2 (identical), place, and for `analyze` clone."""
    lines = [line for line in _lines("autopilot-runs.jsonl.gz") if line["workload"] == workload]
    return _recorded([(str(line["build"]), int(line["round"]), line["samples"]) for line in lines])


def _recorded(rows: Sequence[tuple[str, int, dict[str, int]]]) -> Recorded:
    raw = sorted({name for _, _, samples in rows for name in samples})
    names = symbols.normalise_all(raw)
    functions = {name: KERNEL if name in KERNEL_NAMES else Function(names[name]) for name in raw}
    index = {function: i for i, function in enumerate(dict.fromkeys(functions.values()))}
    rounds = sorted({number for _, number, _ in rows})
    place = {number: i for i, number in enumerate(rounds)}
    counts: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros((len(index), len(rounds))))
    for build, number, samples in rows:
        for name, count in samples.items():
            counts[build][index[functions[name]], place[number]] += count
    return Recorded(functions=tuple(index), counts=dict(counts))


def bundle(functions: tuple[Function, ...], counts: NDArray[np.float64], session: str) -> Bundle:
    """One side of a report: `counts` (functions, runs), run i in block i."""
    runs = tuple(Run(block=i, position=0, wall_s=1.0, counts=tuple(column)) for i, column in enumerate(counts.T.tolist()))
    samples = WorkloadSamples(name="w", starts=1, functions=functions, runs=runs)
    return Bundle(
        session=session, tool_version="", created_at="", commit=None, ref=None, machine=None, policy=None,
        recording=Recording(samples=Samples(event="cpu-clock", period_s=None, workloads=(samples,))),
    )  # fmt: skip


def policy(max_regression: float) -> Policy:
    limit = Threshold(max_regression=max_regression, warn=max_regression / 2, min_share=0.01)
    return Policy(false_alarm_rate=0.001, fail_on=FailOn.REGRESSION, thresholds={Instrument.TIME: limit})
