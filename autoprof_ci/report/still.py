"""What a still of the difference shows of one workload: few rows of wide frames that can be read without a pointer.

Knows stack trees; draws nothing. Calls that only hand on are left out, so that eight rows reach where programs differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from autoprof_ci.model import Bundle
from autoprof_ci.report.chart_data import slug
from autoprof_ci.report.flame_colours import Scale, scale_of, strength
from autoprof_ci.report.flame_layout import Box
from autoprof_ci.report.stack_tree import Frame, StackTree, grow

STILL = "difference-"
"""What the names of the pictures begin with."""
ROWS = 8
NARROWEST = 0.008
"""Of the picture's width: six pixels of a comment."""
_HANDS_ON_FROM = 0.97


@dataclass(frozen=True, slots=True, kw_only=True)
class Still:
    """`boxes`: the root first; positions and widths as ratios of the picture's width, depth in rows."""

    workload: str
    boxes: tuple[Box, ...]
    scale: Scale


def picture(workload: str) -> str:
    """What its files are called, before the theme."""
    return f"{STILL}{slug(workload)}"


def of_workload(workload: str, baseline: Bundle | None, candidate: Bundle) -> Still | None:
    """``None`` where a side has no stacks, or nothing wide enough to be seen moved by more than chance."""
    before = baseline.recording.stacks.get(workload, "") if baseline is not None else ""
    after = candidate.recording.stacks.get(workload, "")
    if not before or not after:
        return None
    tree = grow({workload: before}, {workload: after})
    if not tree.baseline_total or not tree.candidate_total:
        return None
    boxes = _placed(tree)
    scale = scale_of(boxes)
    if all(strength(box, scale) == 0 for box in boxes):
        return None
    return Still(workload=workload, boxes=boxes, scale=scale)


def _only(frame: Frame) -> Frame | None:
    """The child that is nearly all of `frame` on both sides, as far as they have it."""
    for child in frame.children.values():
        if child.candidate >= _HANDS_ON_FROM * frame.candidate and child.baseline >= _HANDS_ON_FROM * frame.baseline:
            return child
    return None


def _end_of_chain(frame: Frame) -> Frame:
    child = _only(frame)
    while child is not None and child.children:
        frame, child = child, _only(child)
    return frame


def _placed(tree: StackTree) -> tuple[Box, ...]:
    boxes: list[Box] = []
    rows = [(tree.root, tree.root, 0, 0.0)]
    while rows:
        shown, end, depth, x = rows.pop()
        width = shown.candidate / tree.candidate_total
        boxes.append(
            Box(
                name=end.name,
                depth=depth,
                x=x,
                width=width,
                baseline=shown.baseline / tree.baseline_total,
                candidate=width,
                baseline_samples=shown.baseline,
                candidate_samples=shown.candidate,
            )
        )
        above = _end_of_chain(end)
        for name in sorted(above.children):
            child = above.children[name]
            wide = child.candidate / tree.candidate_total
            if wide >= NARROWEST and depth + 1 < ROWS:
                rows.append((child, _end_of_chain(child), depth + 1, x))
            x += wide
    return tuple(boxes)
