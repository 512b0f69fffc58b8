"""What stands out in a flamegraph, in sentences, each with the place in the picture where it is seen.

Knows the wording, and which workloads a bundle holds. What stands out is found in `stack_patterns` and `call_patterns`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from autoprof_ci.model import BINARY_DSO, KERNEL, Bundle, WorkloadInstructions
from autoprof_ci.report import format as fmt
from autoprof_ci.report import still, wording
from autoprof_ci.report.call_patterns import Called, by_name, called, called_again
from autoprof_ci.report.chains import Segment
from autoprof_ci.report.details import ChartKind, Charts
from autoprof_ci.report.flame_links import fragment
from autoprof_ci.report.phrase import Phrase, clean, join, name, plain, say
from autoprof_ci.report.stack_patterns import (
    Repeated,
    Shares,
    Tall,
    Weighed,
    Wide,
    repeated,
    tall,
    wide_by_itself,
    wide_with_callees,
)
from autoprof_ci.report.stack_tree import grow
from autoprof_ci.report.story import Lines, Picture, Section, Words

_WIDTH = 60
_WIDE, _TALL, _REPEATED, _CALLED = 5, 3, 4, 4
_SEGMENTS = 7
_NAMED = 3
_IN_COMMENT = 6


class Kind(StrEnum):
    """Title of a part."""

    WIDE = "Wide bars"
    TALL = "Tall stacks"
    REPEATED = "Repeated patterns"
    CALLED = "Repeated calls"


EXPLAINED: Mapping[Kind, str] = {
    Kind.WIDE: "The time goes where a bar is wide and nothing lies on top of it: that function is to be made cheaper, or called "
    "less often.",
    Kind.TALL: "A tall stack is a long chain of calls. What calls itself is folded: ×4 is four times in a row.",
    Kind.REPEATED: "The same bar on top of many others is one cost that many ask for: made cheaper once, it is cheaper for all.",
    Kind.CALLED: "Counted by callgrind, per start. What is asked for again and again can be kept, or asked for in one go.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One thing that stands out. `place`: fragment of the candidate's picture, ``None`` where that does not have it. `grew`: it
    was less in the baseline."""

    phrase: Phrase
    place: str | None
    grew: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    kind: Kind
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Of one workload, only parts that say something."""

    workload: str
    parts: tuple[Part, ...]


def readings(baseline: Bundle | None, candidate: Bundle) -> tuple[Reading, ...]:
    """Of every workload of the candidate with stacks or counts, as far as anything stands out."""
    counted = [w.name for w in candidate.recording.instructions]
    found = (of_workload(w, baseline, candidate) for w in dict.fromkeys((*candidate.recording.stacks, *counted)))
    return tuple(one for one in found if one.parts)


def of_workload(workload: str, baseline: Bundle | None, candidate: Bundle) -> Reading:
    before = baseline.recording.stacks if baseline is not None else {}
    stacks = candidate.recording.stacks
    tree = grow({workload: before.get(workload, "")}, {workload: stacks.get(workload, "")})
    prefix = (workload,) if len({*before, *stacks}) > 1 else ()
    counts = _counts(candidate, workload)
    counts_before = _counts(baseline, workload) if baseline is not None else None
    weighed = Weighed(tree) if tree.candidate_total else None
    parts: list[Part] = []
    if weighed is not None:
        parts += _of_stacks(weighed, by_name(called(counts, counts_before)) if counts is not None else {}, prefix)
    if counts is not None:
        again = called_again(counts, counts_before, _CALLED)
        drawn = weighed.sums if weighed is not None else {}
        items = (_called_item(one, _marked(one.function.name, prefix) if one.function.name in drawn else None) for one in again)
        parts.append(Part(kind=Kind.CALLED, items=tuple(items)))
    return Reading(workload=workload, parts=tuple(part for part in parts if part.items))


def of_one(folded: str) -> tuple[Part, ...]:
    """Of one program's stacks alone, whoever recorded them; only parts that say something."""
    tree = grow({}, {"": folded})
    if not tree.candidate_total:
        return ()
    return tuple(part for part in _of_stacks(Weighed(tree), {}, ()) if part.items)


def _counts(bundle: Bundle, workload: str) -> WorkloadInstructions | None:
    return next((w for w in bundle.recording.instructions if w.name == workload and w.repeats), None)


def _of_stacks(weighed: Weighed, calls: Mapping[str, Called], prefix: tuple[str, ...]) -> list[Part]:
    own = wide_by_itself(weighed, _WIDE)
    whole = [one for one in wide_with_callees(weighed, _WIDE) if one.name not in {wide.name for wide in own}]
    wide = [
        *(Item(phrase=_own(one, calls), place=_marked(one.name, prefix), grew=one.own.grew) for one in own),
        *(Item(phrase=_whole(one, calls), place=_marked(one.name, prefix), grew=one.whole.grew) for one in whole),
    ]
    high = (
        Item(phrase=_tall(one), place=fragment(path=(*prefix, *one.path)), grew=one.share.grew) for one in tall(weighed, _TALL)
    )
    again = (
        Item(phrase=_repeated(one, calls), place=_marked(one.name, prefix), grew=one.share.grew)
        for one in repeated(weighed, _REPEATED)
    )
    return [
        Part(kind=Kind.WIDE, items=tuple(wide)),
        Part(kind=Kind.TALL, items=tuple(high)),
        Part(kind=Kind.REPEATED, items=tuple(again)),
    ]


def _marked(function: str, prefix: tuple[str, ...]) -> str:
    return fragment(path=prefix, named=function)


def _named(function: str) -> Phrase:
    """A frame's name as stacks have it: a file in brackets is code of it without a name."""
    if function.startswith("[") and function.endswith("]") and function != KERNEL.name and function[1:-1]:
        return wording.function("[unknown]", function[1:-1], _WIDTH)
    return wording.function(function, None, _WIDTH)


def _some(functions: Sequence[str]) -> Phrase:
    """``a, b, c and 11 more``."""
    shown = [_named(function) for function in functions[:_NAMED]]
    left = len(functions) - len(shown)
    listed = join(shown, ", ")
    return say("{listed} and {left} more", listed=listed, left=f"{left:,}") if left else listed


def _was(shares: Shares) -> str:
    if not shares.moved or shares.baseline is None:
        return ""
    return f" (was {fmt.percent(shares.baseline)})" if shares.baseline else " (new)"


def _share(shares: Shares) -> str:
    return fmt.percent(shares.candidate) + _was(shares)


def _times(one: Called) -> str:
    """``called 30 → 1,183 times from 3 places``."""
    calls = fmt.count(one.calls)
    if one.moved and one.baseline_calls is not None:
        calls = fmt.change_of_count(one.baseline_calls, one.calls)
    often = "once" if calls == "1" else f"{calls} times"
    return f"called {often}" + (f" from {fmt.plural(one.places, 'place')}" if one.places else "")


def _with_calls(function: str, calls: Mapping[str, Called]) -> str:
    one = calls.get(function)
    return f"; {_times(one)}" if one is not None else ""


def _own(one: Wide, calls: Mapping[str, Called]) -> Phrase:
    more = f", {_share(one.whole)} with what it calls" if one.whole.candidate > one.own.candidate * 1.005 else ""
    return say(
        "{name}: {own} by itself{more}{calls}", name=_named(one.name), own=_share(one.own), more=more,
        calls=_with_calls(one.name, calls),
    )  # fmt: skip


def _whole(one: Wide, calls: Mapping[str, Called]) -> Phrase:
    own = f", {_share(one.own)} by itself" if one.own.candidate else ""
    return say(
        "{name}: {whole} with what it calls{own}{calls}", name=_named(one.name), whole=_share(one.whole), own=own,
        calls=_with_calls(one.name, calls),
    )  # fmt: skip


def _tall(one: Tall) -> Phrase:
    before = one.baseline_levels
    tallest = say(" (the baseline's tallest: {before})", before=str(before)) if before not in (None, one.levels) else ()
    again = ()  # type: Phrase
    if one.recurring is not None:
        again = say("; {name} is in it {times} times", name=_named(one.recurring[0]), times=str(one.recurring[1]))
    return say(
        "{levels}{tallest}, {share} of the samples: {chain}{again}", levels=fmt.plural(one.levels, "level"), tallest=tallest,
        share=_share(one.share), chain=join([_segment(s) for s in _shown(one.segments)], " → "), again=again,
    )  # fmt: skip


def _shown(segments: Sequence[Segment]) -> Iterable[Segment | None]:
    """The first, the last, and what repeats; ``None`` for what is left out between them."""
    kept = {0, len(segments) - 2, len(segments) - 1} | set(range(len(segments)) if len(segments) <= _SEGMENTS else ())
    cycles = sorted((index for index, segment in enumerate(segments) if segment.times > 1), key=lambda i: -segments[i].times)
    kept |= set(cycles[:_NAMED])
    last = -1
    for index in sorted(index for index in kept if index >= 0):
        if index > last + 1:
            yield None
        yield segments[index]
        last = index


def _segment(segment: Segment | None) -> Phrase:
    if segment is None:
        return plain(fmt.ELLIPSIS)
    frames = join([_named(frame) for frame in segment.frames], " → ")
    if segment.times == 1:
        return frames
    if len(segment.frames) > 1:
        frames = say("({frames})", frames=frames)
    return say("{frames} ×{times}", frames=frames, times=f"{segment.times:,}")


def _repeated(one: Repeated, calls: Mapping[str, Called]) -> Phrase:
    callees = say(" with {callees}", callees=_some(one.callees)) if one.callees else ()
    counted = fmt.plural(len(one.callers), "function")
    if one.share.moved and one.baseline_callers:
        counted = f"{fmt.change_of_count(one.baseline_callers, len(one.callers))} functions"
    return say(
        "{name}{callees}: {share} in all, below {counted}: {callers}{calls}", name=_named(one.name), callees=callees,
        share=_share(one.share), counted=counted, callers=_some(one.callers), calls=_with_calls(one.name, calls),
    )  # fmt: skip


def _called_item(one: Called, place: str | None) -> Item:
    function, dso = one.function
    where = say(" ({dso})", dso=name(fmt.shorten(dso, _WIDTH))) if dso and dso not in (BINARY_DSO, KERNEL.dso) else ()
    phrase = say(
        "{name}{where}: {times}, {share} of the instructions with what it calls, {each} a call", name=_named(function),
        where=where, times=_times(one), share=fmt.percent(one.share), each=fmt.quantity(one.each, "instructions"),
    )  # fmt: skip
    return Item(phrase=phrase, place=place, grew=one.grew)


def grown_section(workload: str, baseline: Bundle | None, candidate: Bundle, pictures: Charts) -> Section | None:
    """What stands out more than in the baseline, for a comment; ``None`` where nothing does. With a still where `pictures` are
    shown."""
    if baseline is None:
        return None
    found = of_workload(workload, baseline, candidate)
    order = [Kind.WIDE, Kind.CALLED, Kind.REPEATED, Kind.TALL]
    items = [item for part in sorted(found.parts, key=lambda p: order.index(p.kind)) for item in part.items if item.grew]
    if not items:
        return None
    shown = pictures.kind is ChartKind.IMAGES and still.of_workload(workload, baseline, candidate) is not None
    stem = f"{pictures.folder_url}{still.picture(workload)}"
    alt = f"flamegraph of what changed in {clean(workload)}"
    drawn = (Picture(alt=alt, light_url=f"{stem}-light.png", dark_url=f"{stem}-dark.png"),) if shown else ()
    introduced = say("In the flamegraph of {workload}, in shares of its samples:", workload=name(fmt.shorten(workload, 32)))
    return Section(
        title="What stands out more than before",
        blocks=(*drawn, Words(phrase=introduced), Lines(items=tuple(item.phrase for item in items[:_IN_COMMENT]))),
        in_page=False,
    )
