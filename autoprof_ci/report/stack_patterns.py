"""What a reader is told to look for in a flamegraph, found for him: wide bars, tall stacks, the same bar in many places.

Knows the tree of one workload's stacks; knows no wording and no machine. Shares are of the workload's samples. A share counts as
moved only beyond what drawing that many samples by chance explains. Deterministic: equals are in alphabetical order. Like the
tree, without recursion: stacks may be thousands deep.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoprof_ci.report.chains import Segment, fold
from autoprof_ci.report.chance import by_chance
from autoprof_ci.report.frame_sums import Side, Sums, sums_of, within
from autoprof_ci.report.stack_tree import Frame, StackTree

WIDE_FROM = 0.02
"""Of all samples: what is smaller is no wide bar."""
HANDS_ON_FROM = 0.95
"""A function of which one callee makes this much only hands on: a bar below another one, as wide."""
EVERYTHING_FROM = 0.97
"""That the whole program is in ``run`` is no news."""
TALL_FROM = 0.005
"""A single sample may be anywhere."""
REPEATED_FROM = 0.02
REPEATED_CALLERS = 3
IN_ONE_PLACE_FROM = 0.8
"""Beyond, it is the wide bar of one place, however many others there are."""
PART_FROM = 0.1
"""Of a bar: what is smaller goes without saying."""
MOVED_FROM = 0.01
_NAMED = 3
_CONSIDERED = 40
_NO_FUNCTIONS = frozenset({"[broken]", "[unknown]"})
"""What stands in a stack where its end, or a frame, is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Of all samples. `baseline`: ``None`` where there is no baseline. `moved`: by at least a point, and not by chance."""

    candidate: float
    baseline: float | None = None
    moved: bool = False

    @property
    def grew(self) -> bool:
        return self.moved and self.candidate > (self.baseline or 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wide:
    """A function by itself, and with all it calls."""

    name: str
    own: Shares
    whole: Shares


@dataclass(frozen=True, slots=True, kw_only=True)
class Tall:
    """The deepest stacks that are no accident. `path`: as recorded, root first; `segments`: the same, repeats folded; `levels`:
    of these. `baseline_levels`: of the baseline's deepest. `recurring`: what else is in it again and again, and how often."""

    path: tuple[str, ...]
    segments: tuple[Segment, ...]
    share: Shares
    baseline_levels: int | None = None
    recurring: tuple[str, int] | None = None

    @property
    def levels(self) -> int:
        return sum(len(segment.frames) for segment in self.segments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeated:
    """The same function, with the same callees on top, in many places. `callers`: the names below it, the widest first;
    `callees`: those that make a good part of it."""

    name: str
    callees: tuple[str, ...]
    callers: tuple[str, ...]
    share: Shares
    baseline_callers: int | None = None


class Weighed:
    """The tree of one workload with the sums of its functions, and its weights as shares. Needs samples of the candidate."""

    def __init__(self, tree: StackTree) -> None:
        self.tree = tree
        self.sums = sums_of(tree)
        self.has_baseline = tree.baseline_total > 0
        self._candidate = tree.candidate_total
        self._baseline = tree.baseline_total

    def ratio(self, weight: float) -> float:
        return weight / self._candidate

    def shares(self, candidate: float, baseline: float) -> Shares:
        here = self.ratio(candidate)
        if not self.has_baseline:
            return Shares(candidate=here)
        before = baseline / self._baseline
        moved = abs(here - before) >= max(MOVED_FROM, by_chance(before, here, self._baseline, self._candidate))
        return Shares(candidate=here, baseline=before, moved=moved)


def wide_by_itself(weighed: Weighed, most: int) -> tuple[Wide, ...]:
    """The functions with the largest self cost, at least 2 % of all."""
    found = weighed.sums
    ordered = sorted(found, key=lambda name: (-found[name].own[Side.CANDIDATE], name))
    return tuple(
        _wide(weighed, name, found[name])
        for name in ordered[:most]
        if weighed.ratio(found[name].own[Side.CANDIDATE]) >= WIDE_FROM
    )


def wide_with_callees(weighed: Weighed, most: int) -> tuple[Wide, ...]:
    """The functions with the largest total cost, without those that only hand it on to one other, and what is nearly all."""
    found = weighed.sums
    ordered = sorted(found, key=lambda name: (-found[name].whole[Side.CANDIDATE], name))
    chosen: list[Wide] = []
    for name in ordered:
        one = found[name]
        whole = one.whole[Side.CANDIDATE]
        if weighed.ratio(whole) < WIDE_FROM or len(chosen) == most:
            break
        callee = max(one.callees.values(), default=0.0)
        calls_others = one.own[Side.CANDIDATE] < whole - 1e-9 and callee < HANDS_ON_FROM * whole
        if name not in _NO_FUNCTIONS and calls_others and weighed.ratio(whole) < EVERYTHING_FROM:
            chosen.append(_wide(weighed, name, one))
    return tuple(chosen)


def _wide(weighed: Weighed, name: str, one: Sums) -> Wide:
    return Wide(
        name=name,
        own=weighed.shares(one.own[Side.CANDIDATE], one.own[Side.BASELINE]),
        whole=weighed.shares(one.whole[Side.CANDIDATE], one.whole[Side.BASELINE]),
    )


def tall(weighed: Weighed, most: int) -> tuple[Tall, ...]:
    """The deepest chains, recursion folded; then those that recur most often, where others do. Each shares less than half of its
    levels with one before it."""
    found = [_tall(weighed, path, frame) for path, frame in _ends(weighed.tree, Side.CANDIDATE)]
    before = max((_levels(path) for path, _ in _ends(weighed.tree, Side.BASELINE)), default=None)
    by_levels = sorted(found, key=lambda one: (-one.levels, -one.share.candidate, one.path))
    recursive = [one for one in found if _times(one) > 1]
    by_recursion = sorted(recursive, key=lambda one: (-_times(one), -one.share.candidate, one.path))
    chosen: list[Tall] = []
    for one in (*by_levels[:1], *by_recursion[:1], *by_levels[1:]):
        if len(chosen) < most and all(_common(one, other) < one.levels / 2 for other in chosen):
            chosen.append(one)
    return tuple(_with_baseline(one, before) for one in chosen[:1]) + tuple(chosen[1:])


def _with_baseline(one: Tall, levels: int | None) -> Tall:
    return Tall(path=one.path, segments=one.segments, share=one.share, recurring=one.recurring, baseline_levels=levels)


def _levels(path: tuple[str, ...]) -> int:
    return sum(len(segment.frames) for segment in fold(path))


def _times(one: Tall) -> int:
    return max(segment.times for segment in one.segments)


def _common(one: Tall, other: Tall) -> int:
    """Levels from the root on that both have."""
    levels = 0
    for mine, theirs in zip(one.segments, other.segments, strict=False):
        if mine.frames != theirs.frames:
            same = (1 for a, b in zip(mine.frames, theirs.frames, strict=False) if a == b)
            return levels + sum(same)
        levels += len(mine.frames)
    return levels


def _tall(weighed: Weighed, path: tuple[str, ...], frame: Frame) -> Tall:
    segments = fold(path)
    once = [name for segment in segments for name in segment.frames]
    often = max(sorted(set(once)), key=once.count)
    return Tall(
        path=path,
        segments=segments,
        share=weighed.shares(frame.candidate, frame.baseline),
        recurring=(often, once.count(often)) if once.count(often) >= REPEATED_CALLERS else None,
    )


def _ends(tree: StackTree, side: Side) -> Iterable[tuple[tuple[str, ...], Frame]]:
    """The frames that are wide enough and have none that is on top of them, with their paths. At most 200, by their widths."""
    least = TALL_FROM * (tree.candidate_total if side is Side.CANDIDATE else tree.baseline_total)
    if not least:
        return
    path: list[str] = []
    stack = [tree.root]
    while stack:
        frame = stack.pop()
        del path[max(0, frame.depth - 1) :]
        if frame.depth:
            path.append(frame.name)
        above = [child for child in frame.children.values() if side.of(child) >= least]
        if above:
            stack.extend(above)
        elif frame.depth:
            yield tuple(path), frame


def repeated(weighed: Weighed, most: int) -> tuple[Repeated, ...]:
    """Functions that are called from at least three others, none of which makes nearly all of it; not those that are nearly
    always inside of one already named."""
    found = weighed.sums
    candidates = [name for name in found if name not in _NO_FUNCTIONS and _in_many_places(weighed, found[name])]
    candidates.sort(key=lambda name: (-found[name].whole[Side.CANDIDATE], name))
    inside = within(weighed.tree, candidates[:_CONSIDERED])
    chosen: list[str] = []
    for name in candidates[:_CONSIDERED]:
        own = found[name].whole[Side.CANDIDATE]
        if len(chosen) < most and all(inside.get((outer, name), 0.0) < HANDS_ON_FROM * own for outer in chosen):
            chosen.append(name)
    return tuple(_repeated(weighed, name, found[name]) for name in chosen)


def _in_many_places(weighed: Weighed, one: Sums) -> bool:
    whole = one.whole[Side.CANDIDATE]
    callers = [weight for weight in (caller[Side.CANDIDATE] for caller in _callers(one).values()) if weight > 0]
    enough = weighed.ratio(whole) >= REPEATED_FROM and len(callers) >= REPEATED_CALLERS
    return enough and max(callers) < IN_ONE_PLACE_FROM * whole


def _callers(one: Sums) -> Mapping[str, list[float]]:
    return {name: weights for name, weights in one.callers.items() if name not in _NO_FUNCTIONS}


def _repeated(weighed: Weighed, name: str, one: Sums) -> Repeated:
    whole = one.whole[Side.CANDIDATE]
    callees = [callee for callee in _widest(one.callees) if one.callees[callee] >= PART_FROM * whole]
    callers = {caller: weights[Side.CANDIDATE] for caller, weights in _callers(one).items() if weights[Side.CANDIDATE] > 0}
    before = sum(weights[Side.BASELINE] > 0 for weights in _callers(one).values())
    return Repeated(
        name=name,
        callees=tuple(callees[:_NAMED]),
        callers=_widest(callers),
        share=weighed.shares(whole, one.whole[Side.BASELINE]),
        baseline_callers=before if weighed.has_baseline else None,
    )


def _widest(weights: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(weights, key=lambda name: (-weights[name], name)))
