"""What is known around one subject of a workload, and what one instrument says of it.

Knows thresholds only as limits that a `Measurement` carries. Judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.analysis.code import Code, Codes
from autoprof_ci.analysis.culprits import Culprits
from autoprof_ci.analysis.tables import is_helper, is_kernel
from autoprof_ci.model import Estimate, Function, Measurement, Signal, SubjectComparison, SubjectKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known around one subject. `codes`: of all functions. `was`: function -> the name it had in the baseline.
    `functions`: the workload's other subjects that are functions."""

    graph: CallGraph | None
    culprits: Culprits
    codes: Codes
    functions: Mapping[Function, SubjectComparison]
    false_alarm_rate: float
    was: Mapping[Function, Function] = field(default_factory=dict)

    def code(self, subject: SubjectComparison) -> Code:
        """Of a function; of a group all of whose members, of a total all of whose functions are the same, `Code.SAME`."""
        if subject.kind is SubjectKind.FUNCTION:
            return self.codes.of(Function(subject.subject, subject.dso))
        return self.codes.of_all(f for f in subject.members or self.everything() if not is_kernel(f) and not is_helper(f))

    def everything(self) -> tuple[Function, ...]:
        """All functions that ran in the workload, as far as somebody counted them."""
        if self.graph is None:
            return tuple(self.functions)
        return tuple(f for f, cost in self.graph.self_cost.items() if cost.baseline or cost.candidate)


def is_significant(estimate: Estimate, false_alarm_rate: float) -> bool:
    return estimate.p_adjusted is not None and estimate.p_adjusted <= false_alarm_rate


def signal(estimate: Estimate, max_regression: float, false_alarm_rate: float) -> Signal:
    """More: not noise, and its lower bound beyond the threshold; less is its mirror image on the scale of ratios."""
    if is_significant(estimate, false_alarm_rate):
        if estimate.ci_low is not None and estimate.ci_low > max_regression:
            return Signal.MORE
        if estimate.ci_high is not None and 1 + estimate.ci_high < 1 / (1 + max_regression):
            return Signal.LESS
        if not estimate.baseline:
            return Signal.MORE
        if not estimate.candidate:
            return Signal.LESS
        return Signal.SAME
    smallest = estimate.smallest_detectable_change
    if smallest is not None and smallest <= max_regression:
        return Signal.SAME
    # it might not have been found significant; but a change beyond the threshold is excluded at 95 % all the same
    excluded = estimate.ci_high is not None and estimate.ci_high <= max_regression
    return Signal.SAME if excluded else Signal.UNSEEN


def says(measurement: Measurement | None, expected: Signal) -> bool:
    return measurement is not None and measurement.signal is expected


def step(estimate: Estimate) -> float:
    """How much dearer, in the estimate's unit; what was not there costs nothing."""
    return (estimate.candidate or 0.0) - (estimate.baseline or 0.0)


def members(subject: SubjectComparison) -> tuple[Function, ...]:
    return subject.members or (Function(subject.subject, subject.dso),)
