"""Slower by time with the same instructions: the program's doing, or the luck of where its code and its data lie?

Knows machine code, calls and the allocator's insides. Knows nothing of significance: it is asked about what was found slower.
"""

from __future__ import annotations

from autoprof_ci.analysis import callgraph, evidence
from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.analysis.code import Code
from autoprof_ci.analysis.known import Known, members, step
from autoprof_ci.model import (
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


def slower(
    subject: SubjectComparison, time: Measurement, counted: Measurement | None, known: Known
) -> tuple[Status, tuple[Reason, ...]]:
    """By time, and not by instructions."""
    if counted is None:
        return Status.REGRESSION, ()
    code = known.code(subject)
    if code is Code.SAME and _does_the_same(subject, counted, known):
        return Status.PLACEMENT, (Reason(code=ReasonCode.PLACEMENT),)
    if subject.kind is SubjectKind.FUNCTION:
        if is_layout(subject, counted, known):
            return Status.PLACEMENT, (Reason(code=ReasonCode.ALLOCATOR_LAYOUT),)
    elif _rest(subject, time, known) <= time.max_regression * (time.estimate.baseline or 0.0):
        return Status.PLACEMENT, (Reason(code=ReasonCode.PLACEMENT),)
    if code is Code.ALIKE and _does_the_same(subject, counted, known):
        return Status.WARNING, (Reason(code=ReasonCode.ALIKE_CODE),)
    if code in (Code.ALIKE, Code.CHANGED, Code.NEW):
        return Status.REGRESSION, (Reason(code=ReasonCode.CODE_CHANGED),)
    return Status.WARNING, (Reason(code=ReasonCode.TIME_ONLY),)


def is_at_another_place(subject: SubjectComparison, time: Measurement | None, counted: Measurement | None, known: Known) -> bool:
    """Whether a change that time alone saw, of whatever size, can be nothing but another place in memory."""
    if time is None or counted is None or known.code(subject) is not Code.SAME:
        return False
    return _does_the_same(subject, counted, known)


def _does_the_same(subject: SubjectComparison, counted: Measurement, known: Known) -> bool:
    """Executes as many instructions in as many calls; where a count is too noisy to tell, exact calls do."""
    if counted.signal not in (Signal.SAME, Signal.UNSEEN):
        return False
    if subject.kind is not SubjectKind.FUNCTION:
        return counted.signal is Signal.SAME
    calls = known.graph.calls.get(members(subject)[0]) if known.graph is not None else None
    if calls is None or not calls.baseline:
        return counted.signal is Signal.SAME
    off = abs(calls.candidate / calls.baseline - 1)
    return off <= (counted.max_regression if counted.signal is Signal.SAME else callgraph.EDGE_NOISE)


def _rest(total: SubjectComparison, time: Measurement, known: Known) -> float:
    """What a sum got slower by, without its members that have the same code and execute the same: they only lie elsewhere.

    In the unit of the estimate. Where no member is known to have the same code it is all of it.
    """
    listed = known.functions.items()
    own = [(f, each) for f, each in listed if not total.members or f in total.members]
    rest = step(time.estimate)
    for function, each in own:
        if known.codes.of(function) not in (Code.SAME, Code.ALIKE):
            continue
        by = {estimate.instrument: estimate for estimate in each.estimates}
        seconds, counted = by.get(Instrument.TIME), by.get(Instrument.INSTRUCTIONS)
        if seconds is None or seconds.baseline is None or seconds.candidate is None:
            continue
        if counted is None or abs(counted.change or 0.0) > time.max_regression:
            continue
        rest -= max(0.0, step(seconds))
    return rest


def is_layout(subject: SubjectComparison, counted: Measurement | None, known: Known) -> bool:
    """Would the subject be within its threshold without what the heap's layout did to the allocator's insides?"""
    if counted is None or known.graph is None:
        return False
    own = tuple(known.graph.self_cost) if subject.kind is SubjectKind.TOTAL else members(subject)
    layout = evidence.layout_step(known.graph, own)
    rest = step(counted.estimate) - layout
    return layout != 0 and abs(rest) <= counted.max_regression * (counted.estimate.baseline or 0.0)


def asked_the_same(graph: CallGraph, functions: tuple[Function, ...]) -> bool:
    """Counted calls are exact: where each function was called as often as before, what it was asked for did not change."""
    counted = [graph.calls[f] for f in functions if f in graph.calls]
    return bool(counted) and not any(callgraph.changed(calls) for calls in counted)
