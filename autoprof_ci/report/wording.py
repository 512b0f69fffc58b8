"""Every sentence about a subject: its name, its numbers, why it is what it is.

Knows the verdict's values and makes phrases of them. Knows no markup, and makes no decision: what is a regression, and which
rows are
one cause, was settled before. What the details of reasons hold is said in `REASONS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from autoprof_ci.model import Calls, Cause, Estimate, Finding, Reason, ReasonCode, Source, Status, SubjectKind, in_repository
from autoprof_ci.model.words import KERNEL, Instrument
from autoprof_ci.report import format as fmt
from autoprof_ci.report import memory_words
from autoprof_ci.report.phrase import Phrase, emphasis, join, link, listed, name, plain, say, strong
from autoprof_ci.report.sizes import agreeing, deciding, main_member

NAME_WIDTH = 36
_LINKED_CHARACTERS = 256
_UNCHANGED_BELOW = 1e-5

STATUS_MARK: Mapping[Status, str] = {
    Status.REGRESSION: "🔴",
    Status.WARNING: "🟠",
    Status.ACCEPTED: "🟢",
    Status.INCONCLUSIVE: "🟡",
}

STATUS_WORDS: Mapping[Status, str] = {
    Status.REGRESSION: "slower or larger, beyond its threshold",
    Status.WARNING: "slower or larger, not enough to fail",
    Status.IMPROVEMENT: "faster or smaller",
    Status.UNCHANGED: "unchanged, as far as could be seen",
    Status.PLACEMENT: "slower or faster by its place in memory only",
    Status.COST_SHIFT: "the cost moved here from a neighbour",
    Status.ADDED: "new",
    Status.REMOVED: "gone",
    Status.INCONCLUSIVE: "nothing could have seen its threshold",
    Status.ACCEPTED: "slower or larger, and accepted in the TOML",
}

INSTRUMENT_WORDS: Mapping[Instrument, str] = {
    Instrument.TIME: "time",
    Instrument.INSTRUCTIONS: "instructions",
    Instrument.MEMORY: "memory",
}


def verb_of(instrument: Instrument, ratio: float) -> str:
    """What a subject that changed by `ratio` did: the words before and after the number."""
    if instrument is Instrument.TIME:
        return "slower" if ratio > 0 else "faster"
    thing = INSTRUMENT_WORDS[instrument]
    return f"more {thing}" if ratio > 0 else f"fewer {thing}" if instrument is Instrument.INSTRUCTIONS else f"less {thing}"


def subject(finding: Finding, width: int = NAME_WIDTH) -> Phrase:
    """The subject as a reader calls it; never longer than about `width`."""
    if finding.kind is SubjectKind.TOTAL:
        return emphasis("the whole run")
    if finding.kind is SubjectKind.GROUP:
        return say("{group} (group)", group=emphasis(fmt.shorten(finding.subject, width)))
    return function(finding.subject, finding.dso, width)


def function(function_name: str, dso: str | None, width: int = NAME_WIDTH) -> Phrase:
    """A function's name; rows that stand for a whole file or process are told in words."""
    if function_name == KERNEL.name:
        return emphasis("the kernel")
    if function_name == "[unknown]" and dso:
        return say("code without a name in {dso}", dso=name(fmt.shorten(dso, width)))
    if function_name == "[helper]" and dso:
        return say("the helper {dso}", dso=name(fmt.shorten(dso, width)))
    return name(fmt.shorten(function_name, width))


def change_of(estimate: Estimate) -> Phrase:
    """``+5.1 % (±0.6)``; ``new`` where there is no baseline; ``no change seen (±0.08 %)`` where nothing is worth a number."""
    bounds = fmt.interval(estimate.change, estimate.ci_low, estimate.ci_high)
    if estimate.change is not None and abs(estimate.change) < _UNCHANGED_BELOW:
        return say("no change seen {bounds}", bounds=bounds.replace(")", " %)")) if bounds else plain("no change seen")
    if estimate.baseline and not estimate.candidate:
        return plain("gone")
    return (
        say("{change} {bounds}", change=fmt.change(estimate.change), bounds=bounds)
        if bounds
        else plain(fmt.change(estimate.change))
    )


def changes_of(finding: Finding) -> Phrase:
    """``+66 % (±5); instructions +31 %``: the change, and what another instrument that sees it too says of its size."""
    shown = deciding(finding)
    if shown is None:
        return ()
    told = [change_of(shown.estimate)]
    for other in agreeing(finding):
        if memory_words.is_aside(other.estimate, shown.estimate):
            continue
        estimate = other.estimate
        of_heap = memory_words.is_memory(estimate)
        what = memory_words.METRICS[estimate.metric] if of_heap else INSTRUMENT_WORDS[estimate.instrument]
        much = fmt.change(estimate.change)
        told.append(say("{what} {much}", what=what, much=much))
    return join(told, "; ")


def sizes_of(estimate: Estimate) -> Phrase:
    """``2.1 → 148 ms``."""
    # an absent function has no size on one side, or the size 0, and then no change
    absent = estimate.change is None and not estimate.baseline
    baseline = None if absent else estimate.baseline
    gone = bool(baseline) and not estimate.candidate
    candidate = None if gone else estimate.candidate
    return plain(fmt.change_of_quantity(baseline, candidate, estimate.unit))


def short_sha(commit: str | None) -> Phrase:
    return name(commit[:7]) if commit else plain("the baseline")


def baseline(commit: str | None, behind: int | None) -> Phrase:
    """``1a2b3c4 (merge base)``, ``1a2b3c4 (2 commits before the merge base)``; the commit alone where nobody counted."""
    if commit is None or behind is None or behind < 0:
        return short_sha(commit)
    where = f"{fmt.plural(behind, 'commit')} before the merge base" if behind else "merge base"
    return say("{commit} ({where})", commit=short_sha(commit), where=where)


def place(source: Source, source_url: str | None) -> Phrase:
    """``src/redact.rs:152``, with its address where it has one, and whether this change touched it."""
    line = source.line
    text = fmt.shorten(source.file, 60) + (f":{line}" if line is not None else "")
    shown = link(text, _address(source, source_url) if source_url is not None else None)
    return say("{shown}, {changed}", shown=shown, changed=strong("changed here")) if source.changed_here else shown


def _address(source: Source, source_url: str) -> str | None:
    """Where a reader finds the line. A name from outside leads nowhere but into the repository, or nowhere at all."""
    if not in_repository(source.file) or len(source.file) > _LINKED_CHARACTERS:
        return None
    return source_url + quote(source.file) + (f"#L{source.line}" if source.line is not None else "")


def _calls(calls: Calls | None) -> str:
    return fmt.change_of_count(calls.baseline, calls.candidate) if calls else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """All that a reason's sentence may draw on."""

    finding: Finding
    reason: Reason
    from_where: Phrase


def _per_call(finding: Finding) -> float | None:
    """By how much each call's own instructions (or time) grew, as a ratio."""
    calls = finding.calls
    if calls is None or calls.baseline <= 0 or calls.candidate <= 0:
        return None
    by_instrument = {m.estimate.instrument: m.estimate for m in finding.measurements}
    estimate = by_instrument.get(Instrument.INSTRUCTIONS) or by_instrument.get(Instrument.TIME)
    if estimate is None or not estimate.baseline or estimate.candidate is None:
        return None
    return (estimate.candidate / calls.candidate) / (estimate.baseline / calls.baseline) - 1


def _called(told: Told, more: str) -> Phrase:
    calls = _calls(told.finding.calls)
    words = say("called {calls} times", calls=calls) if calls else plain(f"called {more} often")
    return say("{words}, because of {caller}", words=words, caller=told.from_where) if told.from_where else words


def per_call(finding: Finding, comparative: str = "dearer") -> str:
    """``5.1 % dearer``, ``4.3 times as dear``; without the number where it is unknown or says the opposite."""
    ratio = _per_call(finding)
    if ratio is None or ratio == 0 or (ratio > 0) is not (comparative == "dearer"):
        return comparative
    if fmt.is_factor(ratio):
        return f"{fmt.times(ratio)} times as dear"
    size = fmt.percent(abs(ratio))
    # nothing that is still called is for nothing
    return f"{'over 99 %' if size == fmt.percent(1.0) else size} {comparative}"


def each_call(finding: Finding, comparative: str = "dearer") -> Phrase:
    """``same calls, each call 5.1 % dearer``."""
    calls = finding.calls
    same = "same calls, " if calls is not None and calls.baseline == calls.candidate else ""
    return plain(f"{same}each call {per_call(finding, comparative)}")


def _with_detail(text: str, around: str) -> Callable[[Told], Phrase]:
    def tell(told: Told) -> Phrase:
        detail = told.reason.detail
        return say(around, detail=name(fmt.shorten(detail, NAME_WIDTH))) if detail else plain(text)

    return tell


def _member(reason: Reason) -> Phrase:
    member, part = main_member(reason)
    if part is None or part >= 0.95:
        return say("nearly all of it is {member}" if part else "mostly {member}", member=function(member, None))
    return say("{part} of it is {member}", part=fmt.percent(part), member=function(member, None))


def _most_of_it(told: Told, template: str, unit: str) -> Phrase:
    who, much = memory_words.named(told.reason.detail, unit)
    return say(template, who=function(who, None) if who else "something", much=much)


def _not_reached(build_file: str) -> Phrase:
    words = plain("nothing that reaches it is changed in this pull request")
    return say("{words}, but {file} is", words=words, file=name(fmt.shorten(build_file, NAME_WIDTH))) if build_file else words


def _asks(reason: Reason) -> Phrase:
    callee, ratio = main_member(reason)
    if ratio is None:
        return say("calls {callee}, which it did not before", callee=function(callee, None))
    if not fmt.is_factor(ratio - 1):
        return say("calls {callee} {more} more often", callee=function(callee, None), more=fmt.percent(ratio - 1))
    return say("calls {callee} {times} times as often", callee=function(callee, None), times=fmt.times(ratio - 1))


REASONS: Mapping[ReasonCode, Callable[[Told], Phrase]] = {
    # the numbers come from the finding's calls
    ReasonCode.MORE_CALLS: lambda told: _called(told, "more"),
    ReasonCode.FEWER_CALLS: lambda told: _called(told, "less"),
    ReasonCode.DEARER_CALLS: lambda told: each_call(told.finding),
    ReasonCode.CHEAPER_CALLS: lambda told: each_call(told.finding, "cheaper"),
    ReasonCode.CODE_CHANGED: lambda _: plain("its machine code changed"),
    # detail: a callee, and how many times as often each call asks it
    ReasonCode.CALLS_MORE: lambda told: _asks(told.reason),
    ReasonCode.SAME_CODE: lambda _: plain("the same machine code, given more to do"),
    ReasonCode.ALIKE_CODE: lambda _: plain("in time only; the same instructions, in other registers or another order"),
    # detail: the function whose inlined body takes the additional instructions
    ReasonCode.INLINED_CODE: _with_detail("in code that was inlined into it", "in code inlined from {detail}"),
    ReasonCode.NEW_FUNCTION: lambda told: (
        say("new, because of {caller}", caller=told.from_where) if told.from_where else plain("it is new")
    ),
    ReasonCode.REMOVED_FUNCTION: lambda _: plain("it is gone"),
    # detail: a file that may change every function, such as Cargo.lock
    ReasonCode.NOT_REACHED: lambda told: _not_reached(told.reason.detail),
    ReasonCode.TIME_ONLY: lambda _: plain("in time only, cause unknown"),
    ReasonCode.PLACEMENT: lambda _: plain("same machine code and same instructions, at another address"),
    ReasonCode.ALLOCATOR_LAYOUT: lambda _: plain("same requests to the allocator, another layout of the heap"),
    # detail: its name in the baseline
    ReasonCode.RENAMED: _with_detail("under another name", "was called {detail}"),
    # detail: the function whose cost moved
    ReasonCode.COST_MOVED: _with_detail("the cost moved between neighbours", "the cost moved from or to {detail}"),
    # detail: the function that does most of it, and how much that is
    ReasonCode.MORE_LEAKED: lambda told: _most_of_it(told, "{who} leaks {much}", "bytes"),
    ReasonCode.MORE_AT_PEAK: lambda told: _most_of_it(told, "{who} holds {much} at the peak", "bytes"),
    ReasonCode.MORE_TEMPORARY: lambda told: _most_of_it(told, "{who} makes {much} that it gives back at once", "allocations"),
    # detail: the member that changed most, and its part of the growth
    ReasonCode.MEMBER_CHANGED: lambda told: _member(told.reason),
    ReasonCode.KERNEL_TIME: lambda _: plain("time in the kernel, which never fails"),
    ReasonCode.NOT_SIGNIFICANT: lambda _: plain("may be noise"),
    ReasonCode.BELOW_THRESHOLD: lambda _: plain("below its threshold"),
}


def cause_of(cause: Cause, source_url: str | None) -> Phrase:
    """The function whose doing it is, and its line."""
    caller = function(cause.subject, cause.dso)
    return say("{caller} ({place})", caller=caller, place=place(cause.source, source_url)) if cause.source else caller


def _main_causes(finding: Finding) -> tuple[Cause, ...]:
    """The first, and a second one that asks for more than it did as well."""
    return tuple(
        cause
        for index, cause in enumerate(finding.caused_by[:2])
        if index == 0 or cause.calls is None or cause.calls.candidate > cause.calls.baseline
    )


def why(finding: Finding, source_url: str | None) -> Phrase:
    """The reasons of one finding, its callers that explain it, and the line it comes from."""
    callers = listed([cause_of(cause, source_url) for cause in _main_causes(finding)])
    told: list[Phrase] = []
    for reason in finding.reasons:
        told.append(REASONS[reason.code](Told(finding=finding, reason=reason, from_where=callers)))
    names_callers = {ReasonCode.MORE_CALLS, ReasonCode.FEWER_CALLS, ReasonCode.NEW_FUNCTION}
    if callers and not any(reason.code in names_callers for reason in finding.reasons):
        told.append(say("because of {callers}", callers=callers))
    if finding.source is not None and finding.source.changed_here:
        told.append(say("in {place}", place=place(finding.source, source_url)))
    told.append(memory_words.beside(finding))
    return join([phrase for phrase in told if phrase], "; ")
