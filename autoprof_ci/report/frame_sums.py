"""What one function comes to over all places of a stack tree: by itself, with its callees, by caller and by callee.

Knows the tree; chooses nothing. Inside of itself a function counts once. Without recursion: stacks may be thousands deep.
"""

from __future__ import annotations

from collections.abc import Sequence
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


def sums_of(tree: StackTree) -> dict[str, Sums]:
    """By name, of every function of `tree`. Trees have hundreds of thousands of frames: this is one pass with little in it."""
    found: dict[str, Sums] = {}
    inside: dict[str, int] = {}
    outside = Sums()
    # a frame and the sums of the one below it; a name alone says that the frame of this name is left
    stack: list[tuple[Frame, str, Sums] | str] = [(child, "", outside) for child in tree.root.children.values()]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            inside[entry] -= 1
            continue
        frame, caller, below = entry
        name, baseline, candidate = frame.name, frame.baseline, frame.candidate
        one = found.get(name)
        if one is None:
            one = found[name] = Sums()
            inside[name] = 0
        one.own[0] += baseline
        one.own[1] += candidate
        below.own[0] -= baseline
        below.own[1] -= candidate
        if not inside[name]:
            one.whole[0] += baseline
            one.whole[1] += candidate
            if below is not outside:
                weights = one.callers.get(caller)
                if weights is None:
                    weights = one.callers[caller] = [0.0, 0.0]
                weights[0] += baseline
                weights[1] += candidate
        if below is not one and candidate:
            below.callees[name] = below.callees.get(name, 0.0) + candidate
        if frame.children:
            inside[name] += 1
            stack.append(name)
            stack.extend([(child, name, one) for child in frame.children.values()])
    return found


def within(tree: StackTree, names: Sequence[str]) -> dict[tuple[str, str], float]:
    """``(outer, inner)`` -> the candidate's samples of `inner` that are inside of `outer`, for all pairs of `names`."""
    inside = dict.fromkeys(names, 0)
    found: dict[tuple[str, str], float] = {}
    stack: list[Frame | str] = list(tree.root.children.values())
    while stack:
        frame = stack.pop()
        if isinstance(frame, str):
            inside[frame] -= 1
            continue
        name = frame.name
        if name in inside:
            if not inside[name]:
                for outer, times in inside.items():
                    if times:
                        found[outer, name] = found.get((outer, name), 0.0) + frame.candidate
            if frame.children:
                inside[name] += 1
                stack.append(name)
        stack.extend(frame.children.values())
    return found
