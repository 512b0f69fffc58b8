"""What one function comes to over all places of a stack tree: by itself, with its callees, by caller and by callee.

Knows the tree; chooses nothing. Inside of itself a function counts once. Without recursion: stacks may be thousands deep.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

from autoprof_ci.report.stack_tree import Frame, StackTree


class Side(IntEnum):
    BASELINE = 0
    CANDIDATE = 1

    def of(self, frame: Frame) -> float:
        return frame.baseline if self is Side.BASELINE else frame.candidate


@dataclass(slots=True, kw_only=True)
class Sums:
    """Samples, of each `Side`. `callers`: by the name of the frame below its outermost ones; `callees`: the candidate's, by the
    name of the frame above."""

    own: list[float] = field(default_factory=lambda: [0.0, 0.0])
    whole: list[float] = field(default_factory=lambda: [0.0, 0.0])
    callers: dict[str, list[float]] = field(default_factory=dict)
    callees: dict[str, float] = field(default_factory=dict)


def _visits(tree: StackTree) -> Iterator[tuple[Frame, Frame, bool]]:
    """Each frame but the root with the one below it: once when it is entered, and once, ``False``, when it is left."""
    stack = [(child, tree.root, True) for child in tree.root.children.values()]
    while stack:
        frame, below, entered = stack.pop()
        yield frame, below, entered
        if entered:
            stack.append((frame, below, False))
            stack.extend((child, frame, True) for child in frame.children.values())


def sums_of(tree: StackTree) -> dict[str, Sums]:
    """By name, of every function of `tree`."""
    found: dict[str, Sums] = {}
    inside: Counter[str] = Counter()
    for frame, below, entered in _visits(tree):
        if not entered:
            inside[frame.name] -= 1
            continue
        one = found.setdefault(frame.name, Sums())
        for side in Side:
            one.own[side] += side.of(frame) - sum(side.of(child) for child in frame.children.values())
            if not inside[frame.name]:
                one.whole[side] += side.of(frame)
                if below is not tree.root:
                    one.callers.setdefault(below.name, [0.0, 0.0])[side] += side.of(frame)
        for child in frame.children.values():
            if child.name != frame.name:
                one.callees[child.name] = one.callees.get(child.name, 0.0) + child.candidate
        inside[frame.name] += 1
    return found


def within(tree: StackTree, names: Sequence[str]) -> dict[tuple[str, str], float]:
    """``(outer, inner)`` -> the candidate's samples of `inner` that are inside of `outer`, for all pairs of `names`."""
    wanted = set(names)
    inside: Counter[str] = Counter()
    found: dict[tuple[str, str], float] = {}
    for frame, _, entered in _visits(tree):
        if frame.name not in wanted:
            continue
        if not entered:
            inside[frame.name] -= 1
            continue
        if not inside[frame.name]:
            for outer in names:
                if inside[outer]:
                    found[outer, frame.name] = found.get((outer, frame.name), 0.0) + frame.candidate
        inside[frame.name] += 1
    return found
