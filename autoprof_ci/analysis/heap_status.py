"""What does memory add to a subject's status? It judges after time and instructions, and only what they leave open.

Knows the row of the table that is memory's own: more, beyond its threshold, is a regression of that instrument alone. Knows no
policy beyond the limits that a `Measurement` carries.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from autoprof_ci.analysis import heap
from autoprof_ci.analysis.code import Code
from autoprof_ci.analysis.heap import Heaps
from autoprof_ci.analysis.known import Known, is_significant, says
from autoprof_ci.analysis.status import is_warning
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

_OPEN = (Status.UNCHANGED, Status.INCONCLUSIVE, Status.PLACEMENT)
"""What memory may call an improvement: others have found nothing that the program does otherwise."""
_QUIET = (*_OPEN, Status.WARNING, Status.IMPROVEMENT, Status.COST_SHIFT, Status.ADDED, Status.REMOVED)


def judge(finding: Finding, subject: SubjectComparison, heaps: Heaps, wholes: Mapping[str, float], known: Known) -> Finding:
    """`finding`, as time and instructions have it, with what memory says of it. `wholes`: see `heap.wholes`."""
    own = tuple(m for m in finding.measurements if m.estimate.instrument is Instrument.MEMORY)
    if not own:
        return finding
    more = [m for m in own if says(m, Signal.MORE)]
    if more:
        return _more(finding, subject, more, heaps, known)
    if finding.status in _OPEN and any(says(m, Signal.LESS) for m in own):
        return _less(finding, subject, own, heaps)
    alone = len(own) == len(finding.measurements)
    if alone and finding.status is Status.UNCHANGED and not any(m.signal is Signal.SAME for m in own):
        return replace(finding, status=Status.INCONCLUSIVE)
    warning = [m for m in own if _is_warning(m, known.false_alarm_rate) and heap.is_noteworthy(m, wholes)]
    if warning and finding.status in _OPEN and subject.gated:
        return _warned(finding, subject, warning, heaps)
    return finding


def _more(finding: Finding, subject: SubjectComparison, more: list[Measurement], heaps: Heaps, known: Known) -> Finding:
    if finding.status not in _QUIET:
        return replace(finding, reasons=(*finding.reasons, *_named(more, heaps)))
    function = Function(subject.subject, subject.dso)
    if subject.kind is SubjectKind.FUNCTION:
        shift = heap.moved(heaps, function, more[0].max_regression)
        if shift is not None:
            quiet = finding.status in _OPEN or finding.status is Status.WARNING
            return replace(finding, status=Status.COST_SHIFT, reasons=(shift,)) if quiet else finding
    reasons = tuple(reason for reason in finding.reasons if reason.code in (ReasonCode.NEW_FUNCTION, ReasonCode.RENAMED))
    return replace(
        finding,
        status=Status.REGRESSION,
        reasons=(*_why(subject, heaps, known), *reasons, *_named(more, heaps)),
        caused_by=finding.caused_by or _causes(subject, heaps, known),
    )


def _causes(subject: SubjectComparison, heaps: Heaps, known: Known) -> tuple[Cause, ...]:
    if subject.kind is not SubjectKind.FUNCTION:
        return ()
    changed = (Code.CHANGED, Code.NEW)
    found = heap.cause(heaps, Function(subject.subject, subject.dso), lambda f: known.codes.of(f) in changed)
    return (Cause(subject=found.name, dso=found.dso),) if found is not None else ()


def _less(finding: Finding, subject: SubjectComparison, own: tuple[Measurement, ...], heaps: Heaps) -> Finding:
    function = Function(subject.subject, subject.dso)
    limit = own[0].max_regression
    shift = heap.given(heaps, function, limit) if subject.kind is SubjectKind.FUNCTION else None
    if shift is not None:
        return replace(finding, status=Status.COST_SHIFT, reasons=(shift,))
    return replace(finding, status=Status.IMPROVEMENT, reasons=())


def _is_warning(measurement: Measurement, false_alarm_rate: float) -> bool:
    """Also what was nothing before: it has no change in percent."""
    estimate = measurement.estimate
    appeared = not estimate.baseline and bool(estimate.candidate) and measurement.signal is not Signal.MORE
    return is_warning(measurement, false_alarm_rate) or (appeared and is_significant(estimate, false_alarm_rate))


def _warned(finding: Finding, subject: SubjectComparison, warning: list[Measurement], heaps: Heaps) -> Finding:
    """Not where a function only asks for what a neighbour asked for."""
    function = Function(subject.subject, subject.dso)
    shift = heap.moved(heaps, function, warning[0].max_regression) if subject.kind is SubjectKind.FUNCTION else None
    if shift is not None:
        return replace(finding, status=Status.COST_SHIFT, reasons=(shift,))
    return replace(finding, status=Status.WARNING, reasons=_named(warning, heaps))


def _why(subject: SubjectComparison, heaps: Heaps, known: Known) -> tuple[Reason, ...]:
    """Its own code, or what was inlined into it; or the same code, given more to do."""
    if subject.kind is not SubjectKind.FUNCTION:
        return ()
    match known.code(subject):
        case Code.CHANGED | Code.ALIKE:
            within = heap.inlined_cause(heaps, Function(subject.subject, subject.dso))
            return (Reason(code=ReasonCode.CODE_CHANGED), *((within,) if within else ()))
        case Code.SAME:
            return (Reason(code=ReasonCode.SAME_CODE),)
        case _:
            return ()


def _named(more: list[Measurement], heaps: Heaps) -> tuple[Reason, ...]:
    return tuple(reason for measurement in more if (reason := heap.named(heaps, measurement)) is not None)
