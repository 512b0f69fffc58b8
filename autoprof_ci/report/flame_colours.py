"""The colours of a difference: how strongly each frame's share moved, and the mix that shows it.

Red grew, blue shrank: the pair stays apart for colour-blind readers. What chance explains has no colour. Knows boxes; draws
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import copysign

from autoprof_ci.report.chance import by_chance
from autoprof_ci.report.flame_layout import Box

STRONG_SHARE = 0.05
"""A change of this much of all samples has the full colour, unless another one is larger."""
_GREW, _SHRANK = (202, 44, 30), (38, 102, 190)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """`strongest`: the change of share with the full colour. Samples: of the whole picture."""

    strongest: float
    baseline_samples: float
    candidate_samples: float


def scale_of(boxes: Sequence[Box]) -> Scale:
    """Of a picture whose root is the first box; a picture of nothing has none."""
    return Scale(
        strongest=max([STRONG_SHARE, *(abs(box.candidate - box.baseline) for box in boxes if box.depth)]),
        baseline_samples=boxes[0].baseline_samples if boxes else 0.0,
        candidate_samples=boxes[0].candidate_samples if boxes else 0.0,
    )


def strength(box: Box, scale: Scale) -> float:
    """From -1, shrank most, to 1, grew most; 0 for what chance explains."""
    moved = box.candidate - box.baseline
    if abs(moved) <= by_chance(box.baseline, box.candidate, scale.baseline_samples, scale.candidate_samples):
        return 0.0
    return copysign(min(1.0, abs(moved) / scale.strongest) ** 0.5, moved)


def mixed(how_strong: float, neutral: tuple[int, int, int]) -> str:
    """From `neutral` for 0 to full red or blue."""
    target = _GREW if how_strong > 0 else _SHRANK
    return "#" + "".join(f"{round(n + (t - n) * abs(how_strong)):02x}" for n, t in zip(neutral, target, strict=True))
