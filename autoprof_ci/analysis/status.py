"""What is it? One subject's signals, its calls and its machine code, tried against the rows of the table in their order.

Knows the table (``docs/statistics.md``). Knows no policy beyond the limits that a `Measurement` carries.
"""

from __future__ import annotations

from autoprof_ci import symbols
from autoprof_ci.analysis import culprits, evidence, placement
from autoprof_ci.analysis.code import Code
from autoprof_ci.analysis.known import Known, is_significant, members, says, signal, step
from autoprof_ci.analysis.tables import is_helper, is_kernel
from autoprof_ci.model import (
    Cause,
    Finding,
    Function,
    Instrument,
    Measurement,
    Reason,
    ReasonCode,
    Signal,
    Status,
    SubjectComparison,
    SubjectKind,
)


def judge(subject: SubjectComparison, measurements: tuple[Measurement, ...], known: Known) -> Finding:
    """The first row that fits."""
    signals = {m.estimate.instrument: m for m in measurements}
    time, counted = signals.get(Instrument.TIME), signals.get(Instrument.INSTRUCTIONS)
    found, reasons = _row(subject, time, counted, known)
    if found is Status.UNCHANGED and subject.gated:
        found, reasons = _warned(subject, measurements, known)
    function = Function(subject.subject, subject.dso)
    callers: tuple[Cause, ...] = ()
    if known.graph is not None and found in (Status.REGRESSION, Status.WARNING, Status.IMPROVEMENT):
        if subject.kind is SubjectKind.FUNCTION:
            callers = culprits.causes(known.graph, known.culprits, function)
        else:
            callers = culprits.behind(known.graph, known.culprits, subject.members)
    if is_kernel(function) and found is Status.WARNING:
        reasons = (Reason(code=ReasonCode.KERNEL_TIME), *reasons)
    if function in known.was and subject.kind is SubjectKind.FUNCTION:
        reasons = (*reasons, Reason(code=ReasonCode.RENAMED, detail=known.was[function].name))
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
    slower, faster = says(time, Signal.MORE), says(time, Signal.LESS)
    more, fewer = says(counted, Signal.MORE), says(counted, Signal.LESS)
    on_its_own = subject.kind is SubjectKind.FUNCTION
    if on_its_own and _absent((time, counted), "candidate"):
        return Status.REMOVED, (Reason(code=ReasonCode.REMOVED_FUNCTION),)
    if on_its_own and more and counted and known.graph and known.code(subject) is not Code.SAME:
        moved = evidence.cost_shift(known.graph, function, counted.max_regression)
        if moved is not None:
            return Status.COST_SHIFT, (moved,)
    if on_its_own and _absent((time, counted), "baseline"):
        return _added(function, time, counted, known)
    if faster:
        if more or fewer:
            return Status.IMPROVEMENT, _split(function, known, counted)
        elsewhere = placement.is_at_another_place(subject, time, counted, known)
        return Status.IMPROVEMENT, (Reason(code=ReasonCode.PLACEMENT),) if elsewhere else ()
    if (more or fewer) and placement.is_layout(subject, counted, known):
        return Status.PLACEMENT, (Reason(code=ReasonCode.ALLOCATOR_LAYOUT),)
    if more:
        return Status.REGRESSION, _why_more(subject, known, counted)
    if slower and time:
        if _is_kernels(subject, time, known.false_alarm_rate):
            return Status.WARNING, (Reason(code=ReasonCode.KERNEL_TIME),)
        return placement.slower(subject, time, counted, known)
    if fewer:
        given = evidence.cost_given(known.graph, function) if on_its_own and known.graph else None
        return (Status.COST_SHIFT, (given,)) if given else (Status.IMPROVEMENT, _split(function, known, counted))
    if placement.is_layout(subject, counted, known):
        return Status.UNCHANGED, ()
    return _nothing_found(members(subject), (time, counted), known)


def _is_kernels(total: SubjectComparison, time: Measurement, false_alarm_rate: float) -> bool:
    """A total that got slower, and would not be a regression without the kernel, which did at least half of it."""
    rest = total.without_kernel
    if rest is None or signal(rest, time.max_regression, false_alarm_rate) is Signal.MORE:
        return False
    return (rest.change or 0.0) <= time.max_regression or 2 * step(rest) <= step(time.estimate)


def _added(
    function: Function, time: Measurement | None, counted: Measurement | None, known: Known
) -> tuple[Status, tuple[Reason, ...]]:
    """A new hot function is a regression if it is not noise, large for the workload, and whoever calls it got dearer."""
    new = (Reason(code=ReasonCode.NEW_FUNCTION),)
    if counted is not None and known.graph is not None:
        cost = counted.estimate.candidate or 0.0
        large = cost > counted.max_regression * known.graph.total.baseline
        dearer = evidence.new_is_dearer(known.graph, function, counted.max_regression)
        if says(counted, Signal.MORE) and large and dearer:
            return Status.REGRESSION, new
        return Status.ADDED, new
    if time is None or not says(time, Signal.MORE):
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
    functions: tuple[Function, ...], measurements: tuple[Measurement | None, ...], known: Known
) -> tuple[Status, tuple[Reason, ...]]:
    taken = [m for m in measurements if m is not None]
    if any(m.signal is Signal.SAME for m in taken) or not taken:
        return Status.UNCHANGED, ()
    if known.graph is not None and placement.asked_the_same(known.graph, functions):
        return Status.UNCHANGED, ()
    return Status.INCONCLUSIVE, ()


def _never_failing(time: Measurement | None) -> tuple[Status, tuple[Reason, ...]]:
    if time is None or time.estimate.p_adjusted is None:
        return Status.UNCHANGED, ()
    if time.signal is Signal.MORE:
        return Status.WARNING, ()
    return (Status.IMPROVEMENT if time.signal is Signal.LESS else Status.UNCHANGED), ()


def _warned(subject: SubjectComparison, measurements: tuple[Measurement, ...], known: Known) -> tuple[Status, tuple[Reason, ...]]:
    """Of what is no regression: is it worth a warning? Not for its place in memory, which nobody can do anything about. What the
    memory instrument warns of is `heap_status`'."""
    others = [m for m in measurements if m.estimate.instrument is not Instrument.MEMORY]
    warning = {m.estimate.instrument: m for m in others if is_warning(m, known.false_alarm_rate)}
    if not warning:
        return Status.UNCHANGED, ()
    by = {m.estimate.instrument: m for m in measurements}
    elsewhere = placement.is_at_another_place(subject, by.get(Instrument.TIME), by.get(Instrument.INSTRUCTIONS), known)
    if elsewhere and set(warning) == {Instrument.TIME}:
        return Status.PLACEMENT, (Reason(code=ReasonCode.PLACEMENT),)
    return Status.WARNING, ()


def is_warning(measurement: Measurement, false_alarm_rate: float) -> bool:
    """Not noise, no regression; estimated above the threshold, or surely above the warning."""
    estimate = measurement.estimate
    if measurement.signal is Signal.MORE or not is_significant(estimate, false_alarm_rate):
        return False
    return (estimate.change or 0.0) > measurement.max_regression or (estimate.ci_low or 0.0) > measurement.warn


def _absent(measurements: tuple[Measurement | None, ...], side: str) -> bool:
    """Whether every instrument that has this subject saw nothing of it on one side."""
    taken = [m.estimate for m in measurements if m is not None]
    return bool(taken) and all(not getattr(estimate, side) for estimate in taken)


def _why_more(subject: SubjectComparison, known: Known, counted: Measurement | None) -> tuple[Reason, ...]:
    """More instructions: as more calls or dearer ones; and of dearer ones, what makes them so: what they call, the function's own
    code, what was inlined into it, or what it is given."""
    function = Function(subject.subject, subject.dso)
    reasons = _split(function, known, counted)
    if subject.kind is not SubjectKind.FUNCTION or known.graph is None or symbols.is_allocator(function.name):
        return reasons
    split = evidence.split(known.graph, function)
    if split is not None and split.calls_ratio > 1 and not split.is_mainly_dearer:
        return reasons
    asks = evidence.calls_more(known.graph, function)
    reasons = (*reasons, asks) if asks else reasons
    match known.code(subject):
        case Code.CHANGED | Code.ALIKE:
            within = evidence.inlined_cause(known.graph, function)
            return (*reasons, Reason(code=ReasonCode.CODE_CHANGED), *((within,) if within else ()))
        case Code.SAME:
            return (*reasons, Reason(code=ReasonCode.SAME_CODE))
        case _:
            return reasons


def _split(function: Function, known: Known, counted: Measurement | None) -> tuple[Reason, ...]:
    found = evidence.split(known.graph, function) if known.graph is not None else None
    return found.reasons(counted.warn if counted else 0.0) if found is not None else ()
