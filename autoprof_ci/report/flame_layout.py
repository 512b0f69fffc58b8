"""Where the frames of a flamegraph go: x alphabetical, width by share, y by depth. Knows a stack tree; draws nothing.

Widths and positions are in pixels of a picture `WIDTH` wide. Frames narrower than a tenth of a pixel are left out, and more
where the
picture would be too large; how many is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from autoprof_ci.report.stack_tree import Frame, StackTree

WIDTH = 1180.0
NARROWEST = 0.1
LARGEST_BYTES = 1_000_000
_BYTES_A_FRAME = 345
_LETTERS_A_PIXEL = 0.15


class View(StrEnum):
    BASELINE = "baseline"
    CANDIDATE = "candidate"
    DIFFERENCE = "difference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One frame, placed. `baseline`, `candidate`: its shares of their runs, as ratios, and how many samples that is. `gone`:
    only the baseline has it."""

    name: str
    depth: int
    x: float
    width: float
    baseline: float
    candidate: float
    baseline_samples: float = 0.0
    candidate_samples: float = 0.0
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`boxes` in drawing order. `gone`: frames that only the baseline has, as a picture of their own. `left_out`: too narrow
    or many."""

    view: View
    boxes: tuple[Box, ...]
    gone: tuple[Box, ...]
    left_out: int
    unreadable: int


def _share(weight: float, total: float) -> float:
    return weight / total if total else 0.0


def _width(frame: Frame, tree: StackTree, view: View) -> float:
    if view is View.BASELINE:
        return WIDTH * _share(frame.baseline, tree.baseline_total)
    return WIDTH * _share(frame.candidate, tree.candidate_total)


def _box(frame: Frame, tree: StackTree, x: float, width: float) -> Box:
    return Box(
        name=frame.name,
        depth=frame.depth,
        x=x,
        width=width,
        baseline=_share(frame.baseline, tree.baseline_total),
        candidate=_share(frame.candidate, tree.candidate_total),
        baseline_samples=frame.baseline_samples,
        candidate_samples=frame.candidate,
    )


def _placed(tree: StackTree, view: View) -> Iterator[Box]:
    """Every frame of non-zero width, parents before children."""
    stack = [(tree.root, 0.0)]
    while stack:
        frame, x = stack.pop()
        yield _box(frame, tree, x, _width(frame, tree, view))
        for name in sorted(frame.children):
            child = frame.children[name]
            width = _width(child, tree, view)
            if width > 0:
                stack.append((child, x))
            x += width


def _vanished(tree: StackTree) -> Iterator[Box]:
    """Frames that the candidate never had on its stack: the lowest ones side by side, what was above them on top; baseline's
    widths."""
    tops: list[Frame] = []
    stack = [tree.root]
    while stack:
        frame = stack.pop()
        for child in frame.children.values():
            if child.candidate > 0:
                stack.append(child)
            elif child.baseline > 0:
                tops.append(child)
    x = 0.0
    for top in sorted(tops, key=lambda frame: frame.name):
        inner = [(top, 0, x)]
        while inner:
            frame, depth, left = inner.pop()
            width = _width(frame, tree, View.BASELINE)
            yield replace(_box(frame, tree, left, width), depth=depth, gone=True)
            for name in sorted(frame.children):
                inner.append((frame.children[name], depth + 1, left))
                left += _width(frame.children[name], tree, View.BASELINE)
        x += _width(top, tree, View.BASELINE)


def _cost(box: Box) -> int:
    """About how many bytes the picture spends on `box`, whose name stands in a label, in a title and partly on the frame."""
    name = min(len(box.name), 200)
    return _BYTES_A_FRAME + 2 * name + min(name, round(box.width * _LETTERS_A_PIXEL))


def _fitting(boxes: list[Box], budget: int) -> list[Box]:
    """The boxes that fit: narrow ones go first, and of equally wide ones the deepest (a parent is never left out before its
    child)."""
    wide = [box for box in boxes if box.width >= NARROWEST]
    if sum(_cost(box) for box in wide) <= budget:
        return wide
    kept = []
    for box in sorted(wide, key=lambda box: (-round(box.width, 6), box.depth)):
        budget -= _cost(box)
        if budget < 0:
            break
        kept.append(box)
    return sorted(kept, key=lambda box: (box.depth, box.x))


def layout(tree: StackTree, view: View) -> Layout:
    """Place the frames of `tree` as `view` shows them."""
    every = list(_placed(tree, view))
    vanished = list(_vanished(tree)) if view is View.DIFFERENCE else []
    gone = _fitting(vanished, LARGEST_BYTES // 5)
    boxes = _fitting(every, LARGEST_BYTES - sum(_cost(box) for box in gone))
    left_out = len(every) + len(vanished) - len(boxes) - len(gone)
    return Layout(view=view, boxes=tuple(boxes), gone=tuple(gone), left_out=left_out, unreadable=tree.unreadable)
