"""Is it worth more runs? Functions whose code changed, that execute no more instructions, seem slower, and might be.

Time alone can see what such code lost to caches, branches and waiting. Knows how precision grows with runs. Decides nothing: the
verdict on all runs together does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from autoprof_ci.analysis.code import Code, Codes
from autoprof_ci.model import (
    Finding,
    Function,
    Instrument,
    Measurement,
    Outcome,
    Signal,
    Status,
    SubjectKind,
    Verdict,
    WorkloadState,
)

STRICTER = 1.1
"""What a second look's stricter test (`significance.SECOND_LOOK`) adds to the smallest detectable change."""
WORTH = 0.5
"""More runs are made for an estimate of at least this part of what could then be detected. A true change of that size seems so
large in 19 of 20 cases; of functions that did not change one in twenty does."""


MOST_TIMES = 4
"""So many times the runs there are, and no more: who asked for few wants to wait for few."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """`subject` of `workload` wants `runs` more, a side."""

    workload: str
    subject: str
    runs: int


def doubts(verdict: Verdict, codes: Codes, runs: Mapping[str, int], most: int) -> tuple[Doubt, ...]:
    """What would be clearer with at most `most` more runs a side; nothing where the verdict is red already.

    `runs`: workload -> runs a side that there are.
    """
    if verdict.outcome is Outcome.FAIL or most <= 0:
        return ()
    compared = [workload for workload in verdict.workloads if workload.state is WorkloadState.COMPARED]
    return tuple(
        Doubt(workload=workload.name, subject=finding.subject, runs=more)
        for workload in compared
        for finding, time in _open(workload.findings, codes)
        if (more := _wanted(time, runs.get(workload.name, 0), most))
    )


def _open(findings: tuple[Finding, ...], codes: Codes) -> Iterator[tuple[Finding, Measurement]]:
    """Functions whose code changed that time alone could find slower, and did not find either way."""
    for finding in findings:
        by = {measurement.estimate.instrument: measurement for measurement in finding.measurements}
        time, counted = by.get(Instrument.TIME), by.get(Instrument.INSTRUCTIONS)
        if finding.kind is not SubjectKind.FUNCTION or finding.status not in (Status.UNCHANGED, Status.INCONCLUSIVE):
            continue
        if time is None or time.signal is not Signal.UNSEEN or (counted is not None and counted.signal is Signal.LESS):
            continue
        if codes.of(Function(finding.subject, finding.dso)) is Code.CHANGED:
            yield finding, time


def _wanted(time: Measurement, runs: int, most: int) -> int:
    """So many that the estimate itself could be detected, at least as many again; 0 where even the most would not help."""
    change, smallest = time.estimate.change, time.estimate.smallest_detectable_change
    most = min(most, MOST_TIMES * runs)
    if not runs or change is None or smallest is None or change <= time.max_regression:
        return 0
    seems, sees = math.log1p(change), STRICTER * math.log1p(smallest)
    if seems < WORTH * sees * math.sqrt(runs / (runs + most)):
        return 0
    wanted = math.ceil(runs * ((sees / seems) ** 2 - 1) / 2) * 2
    return min(most, max(runs + runs % 2, wanted))
