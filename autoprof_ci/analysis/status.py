"""What is it? One subject's signals, its calls and its machine code, tried against the rows of the table in their order.

Knows the table (``docs/statistics.md``). Knows no policy beyond the limits that a `Measurement` carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from autoprof_ci.analysis import callgraph, culprits, evidence
from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.analysis.culprits import Culprits
from autoprof_ci.analysis.tables import is_helper, is_kernel
from autoprof_ci.model import (
    Cause,
    Estimate,
    Finding,
    Function,
    FunctionCode,
    Instrument,
    Measurement,
    Reason,
    ReasonCode,
    Signal,
    Status,
    SubjectComparison,
    SubjectKind,
)


class Code(Enum):
    """Machine code of a subject's functions, baseline against candidate."""

    SAME = auto()
    CHANGED = auto()
    NEW = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known around one subject. `functions`: the workload's other subjects that are functions."""

    graph: CallGraph | None
    culprits: Culprits
    code: Code
    functions: Mapping[Function, SubjectComparison]
    false_alarm_rate: float


def code_of(
    members: tuple[Function, ...], baseline: Mapping[Function, FunctionCode], candidate: Mapping[Function, FunctionCode]
) -> Code:
    """One function without a digest on either side makes the subject unknown; one that changed makes it changed."""
    digests = [(baseline.get(f), candidate.get(f)) for f in members]
    if not members or any(after is None or after.digest is None for _, after in digests):
        return Code.UNKNOWN
    if len(members) == 1 and baseline and digests[0][0] is None:
        return Code.NEW
    if any(before is None or before.digest is None for before, _ in digests):
        return Code.UNKNOWN
    return Code.SAME if all(b and a and b.digest == a.digest for b, a in digests) else Code.CHANGED


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


def judge(subject: SubjectComparison, measurements: tuple[Measurement, ...], known: Known) -> Finding:
    """The first row that fits."""
    signals = {m.estimate.instrument: m for m in measurements}
    time, counted = signals.get(Instrument.TIME), signals.get(Instrument.INSTRUCTIONS)
    found, reasons = _row(subject, time, counted, known)
    if found is Status.UNCHANGED and any(_is_warning(m, known.false_alarm_rate) for m in measurements) and subject.gated:
        found = Status.WARNING
    function = Function(subject.subject, subject.dso)
    callers: tuple[Cause, ...] = ()
    if known.graph is not None and found in (Status.REGRESSION, Status.WARNING, Status.IMPROVEMENT):
        if subject.kind is SubjectKind.FUNCTION:
            callers = culprits.causes(known.graph, known.culprits, function)
        else:
            callers = culprits.behind(known.graph, known.culprits, subject.members)
    if is_kernel(function) and found is Status.WARNING:
        reasons = (Reason(code=ReasonCode.KERNEL_TIME), *reasons)
    return Finding(
        subject=subject.subject,
        kind=subject.kind,
        dso=subject.dso,
        status=found,
        measurements=measurements,
        calls=subject.calls,
        reasons=reasons,
        caused_by=callers,
    )


def _row(
    subject: SubjectComparison, time: Measurement | None, counted: Measurement | None, known: Known
) -> tuple[Status, tuple[Reason, ...]]:
    function = Function(subject.subject, subject.dso)
    if is_kernel(function) or is_helper(function):
        return _never_failing(time)
    slower, faster = _is(time, Signal.MORE), _is(time, Signal.LESS)
    more, fewer = _is(counted, Signal.MORE), _is(counted, Signal.LESS)
    on_its_own = subject.kind is SubjectKind.FUNCTION
    if on_its_own and _absent((time, counted), "candidate"):
        return Status.REMOVED, (Reason(code=ReasonCode.REMOVED_FUNCTION),)
    if on_its_own and more and counted and known.graph and known.code in (Code.CHANGED, Code.NEW, Code.UNKNOWN):
        moved = evidence.cost_shift(known.graph, function, counted.max_regression)
        if moved is not None:
            return Status.COST_SHIFT, (moved,)
    if on_its_own and _absent((time, counted), "baseline"):
        return _added(function, time, counted, known)
    if faster:
        return Status.IMPROVEMENT, _split(function, known, counted) if more or fewer else ()
    if (more or fewer) and _is_layout(subject, counted, known):
        return Status.PLACEMENT, (Reason(code=ReasonCode.ALLOCATOR_LAYOUT),)
    if more:
        return Status.REGRESSION, _split(function, known, counted)
    if slower and time:
        if _is_kernels(subject, time, known.false_alarm_rate):
            return Status.WARNING, (Reason(code=ReasonCode.KERNEL_TIME),)
        return _slower(subject, counted, known)
    if fewer:
        given = evidence.cost_given(known.graph, function) if on_its_own and known.graph else None
        return (Status.COST_SHIFT, (given,)) if given else (Status.IMPROVEMENT, _split(function, known, counted))
    if _is_layout(subject, counted, known):
        return Status.UNCHANGED, ()
    return _nothing_found(_members(subject), (time, counted), known)


def _is_kernels(total: SubjectComparison, time: Measurement, false_alarm_rate: float) -> bool:
    """A total that got slower, and would not be a regression without the kernel, which did at least half of it."""
    rest = total.without_kernel
    if rest is None or signal(rest, time.max_regression, false_alarm_rate) is Signal.MORE:
        return False
    return (rest.change or 0.0) <= time.max_regression or 2 * step(rest) <= step(time.estimate)


def _is_layout(subject: SubjectComparison, counted: Measurement | None, known: Known) -> bool:
    """Would the subject be within its threshold without what the heap's layout did to the allocator's insides?"""
    if counted is None or known.graph is None:
        return False
    members = tuple(known.graph.self_cost) if subject.kind is SubjectKind.TOTAL else _members(subject)
    layout = evidence.layout_step(known.graph, members)
    rest = step(counted.estimate) - layout
    return layout != 0 and abs(rest) <= counted.max_regression * (counted.estimate.baseline or 0.0)


def _members(subject: SubjectComparison) -> tuple[Function, ...]:
    return subject.members or (Function(subject.subject, subject.dso),)


def _slower(subject: SubjectComparison, counted: Measurement | None, known: Known) -> tuple[Status, tuple[Reason, ...]]:
    """By time, and not by instructions."""
    if counted is None:
        return Status.REGRESSION, ()
    if known.code in (Code.CHANGED, Code.NEW):
        return Status.REGRESSION, (Reason(code=ReasonCode.CODE_CHANGED),)
    if known.code is Code.SAME and counted.signal is not Signal.LESS:
        return Status.PLACEMENT, (Reason(code=ReasonCode.PLACEMENT),)
    if subject.kind is SubjectKind.FUNCTION and _is_layout(subject, counted, known):
        return Status.PLACEMENT, (Reason(code=ReasonCode.ALLOCATOR_LAYOUT),)
    return Status.WARNING, (Reason(code=ReasonCode.TIME_ONLY),)


def _added(
    function: Function, time: Measurement | None, counted: Measurement | None, known: Known
) -> tuple[Status, tuple[Reason, ...]]:
    """A new hot function is a regression if it is not noise, large for the workload, and whoever calls it got dearer."""
    new = (Reason(code=ReasonCode.NEW_FUNCTION),)
    if counted is not None and known.graph is not None:
        cost = counted.estimate.candidate or 0.0
        large = cost > counted.max_regression * known.graph.total.baseline
        dearer = evidence.new_is_dearer(known.graph, function, counted.max_regression)
        if _is(counted, Signal.MORE) and large and dearer:
            return Status.REGRESSION, new
        return Status.ADDED, new
    if time is None or not _is(time, Signal.MORE):
        return Status.ADDED, new
    giver = _gave_by_time(time, known)
    if giver is not None:
        return Status.COST_SHIFT, (Reason(code=ReasonCode.COST_MOVED, detail=giver.name), *new)
    # By time alone nobody knows the callers; the others' common speed was divided out, so this much came on top of them.
    share = time.estimate.candidate_share or 0.0
    return (Status.REGRESSION if share > time.max_regression else Status.ADDED), new


def _gave_by_time(time: Measurement, known: Known) -> Function | None:
    """By time alone: who vanished or clearly shrank by about as much as all new and grown functions took; the largest giver.

    Shares of the baseline's total, with the machine's common speed divided out.
    """
    steps: dict[Function, float] = {}
    for other, subject in known.functions.items():
        for estimate in subject.estimates:
            if estimate.instrument is Instrument.TIME and is_significant(estimate, known.false_alarm_rate):
                new = estimate.candidate_share if not estimate.baseline else None
                steps[other] = new if new is not None else (estimate.baseline_share or 0.0) * (estimate.change or 0.0)
    given = -sum(step for step in steps.values() if step < 0)
    taken = sum(step for step in steps.values() if step > 0)
    if given < evidence.MOVED_AT_LEAST * taken or taken - given > time.max_regression:
        return None
    return min(steps, key=lambda other: steps[other])


def _nothing_found(
    members: tuple[Function, ...], measurements: tuple[Measurement | None, ...], known: Known
) -> tuple[Status, tuple[Reason, ...]]:
    taken = [m for m in measurements if m is not None]
    if any(m.signal is Signal.SAME for m in taken) or not taken:
        return Status.UNCHANGED, ()
    if known.graph is not None and _asked_the_same(known.graph, members):
        return Status.UNCHANGED, ()
    return Status.INCONCLUSIVE, ()


def _asked_the_same(graph: CallGraph, members: tuple[Function, ...]) -> bool:
    """Counted calls are exact: where each function was called as often as before, what it was asked for did not change."""
    counted = [graph.calls[f] for f in members if f in graph.calls]
    return bool(counted) and not any(callgraph.changed(calls) for calls in counted)


def _never_failing(time: Measurement | None) -> tuple[Status, tuple[Reason, ...]]:
    if time is None or time.estimate.p_adjusted is None:
        return Status.UNCHANGED, ()
    if time.signal is Signal.MORE:
        return Status.WARNING, ()
    return (Status.IMPROVEMENT if time.signal is Signal.LESS else Status.UNCHANGED), ()


def _is_warning(measurement: Measurement, false_alarm_rate: float) -> bool:
    """Not noise, no regression; estimated above the threshold, or surely above the warning."""
    estimate = measurement.estimate
    if measurement.signal is Signal.MORE or not is_significant(estimate, false_alarm_rate):
        return False
    return (estimate.change or 0.0) > measurement.max_regression or (estimate.ci_low or 0.0) > measurement.warn


def _is(measurement: Measurement | None, expected: Signal) -> bool:
    return measurement is not None and measurement.signal is expected


def _absent(measurements: tuple[Measurement | None, ...], side: str) -> bool:
    """Whether every instrument that has this subject saw nothing of it on one side."""
    taken = [m.estimate for m in measurements if m is not None]
    return bool(taken) and all(not getattr(estimate, side) for estimate in taken)


def _split(function: Function, known: Known, counted: Measurement | None) -> tuple[Reason, ...]:
    found = evidence.split(known.graph, function) if known.graph is not None else None
    return found.reasons(counted.warn if counted else 0.0) if found is not None else ()


def step(estimate: Estimate) -> float:
    """How much dearer, in the estimate's unit; what was not there costs nothing."""
    return (estimate.candidate or 0.0) - (estimate.baseline or 0.0)
