"""Folded stacks of two programs as one tree, every frame with its share on both sides. No recursion: stacks may be thousands
deep.

Knows the text format of folded stacks; knows nothing of drawing.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

ROOT = "all"
_ESCAPED = "\x00"
_BEFORE_THE_PROGRAM = re.compile(
    r"\[unknown\]|_start|__libc_start_\w+|_?_?(?:GI_+)?clone3?|start_thread|thread_start"
    r"|std::rt::lang_start\w*(?:::.*)?|std::sys::(?:\w+::)*__rust_begin_short_backtrace|std::panicking::\w+"
)
"""Whether unwinding got as far as these is chance, and one program's must not stand beside the other's for that."""


@dataclass(slots=True, kw_only=True)
class Frame:
    """A node while the tree grows; weights are samples, of the frame with all above it. `baseline`: in the candidate's scale,
    where several workloads stand side by side; `baseline_samples`: as they were taken."""

    name: str
    depth: int
    baseline: float = 0.0
    candidate: float = 0.0
    baseline_samples: float = 0.0
    children: dict[str, Frame] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackTree:
    """`baseline_total` and `candidate_total`: samples, 0 for a side without stacks. `unreadable`: lines without a usable
    count."""

    root: Frame
    baseline_total: float
    candidate_total: float
    unreadable: int


def _split(line: str) -> tuple[list[str], float] | None:
    stack, _, count = line.rpartition(" ")
    try:
        value = float(count)
    except ValueError:
        return None
    if not stack or not math.isfinite(value) or value < 0:
        return None
    frames = stack.replace("\\;", _ESCAPED).split(";")
    return _from_the_program([frame.replace(_ESCAPED, ";").strip() or "?" for frame in frames]), value


def _from_the_program(frames: list[str]) -> list[str]:
    """`frames` without those that start any program; a stack of nothing else keeps its last one."""
    first = 0
    while first < len(frames) - 1:
        rust_main = frames[first] == "main" and frames[first + 1].startswith("std::rt::")
        if not rust_main and not _BEFORE_THE_PROGRAM.fullmatch(frames[first]):
            break
        first += 1
    return frames[first:]


def _nodes(root: Frame, frames: list[str]) -> Iterator[Frame]:
    """The root and the nodes of `frames` above it, made where they are missing."""
    node = root
    yield node
    for name in frames:
        child = node.children.get(name)
        if child is None:
            child = node.children[name] = Frame(name=name, depth=node.depth + 1)
        node = child
        yield node


def _read(text: str) -> tuple[list[tuple[list[str], float]], int]:
    """The stacks of `text` with their counts, and how many lines could not be read."""
    stacks = []
    unreadable = 0
    for line in text.splitlines():
        if not line.strip() or line.startswith("# "):
            continue
        split = _split(line.rstrip())
        if split is None:
            unreadable += 1
        elif split[1]:
            stacks.append(split)
    return stacks, unreadable


def grow(baseline: Mapping[str, str], candidate: Mapping[str, str]) -> StackTree:
    """`baseline` and `candidate`: workload name -> folded stacks.

    Several workloads stand side by side, each below a frame of its own and equally wide on both sides: how long each was
    recorded is
    chance, and must not look like a change.
    """
    root = Frame(name=ROOT, depth=0)
    names = list(dict.fromkeys((*baseline, *candidate)))
    unreadable = 0
    for workload in names:
        sides = [_read(side.get(workload, "")) for side in (baseline, candidate)]
        unreadable += sides[0][1] + sides[1][1]
        totals = [sum(count for _, count in stacks) for stacks, _ in sides]
        scale = totals[1] / totals[0] if all(totals) and len(names) > 1 else 1.0
        above = [workload] if len(names) > 1 else []
        for frames, count in sides[0][0]:
            for node in _nodes(root, [*above, *frames]):
                node.baseline += count * scale
                node.baseline_samples += count
        for frames, count in sides[1][0]:
            for node in _nodes(root, [*above, *frames]):
                node.candidate += count
    return StackTree(root=root, baseline_total=root.baseline, candidate_total=root.candidate, unreadable=unreadable)
