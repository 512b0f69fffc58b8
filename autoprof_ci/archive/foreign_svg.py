"""Stacks out of a flamegraph that cargo flamegraph, inferno or flamegraph.pl drew.

Knows how these place frames: one ``<g>`` a frame, whose title counts its samples, and whose rectangle lies on its caller's. The
file is from outside: it may not declare entities, and size, depth and number of frames are capped. ::

    <g><title>main (1,204 samples, 96.32%)</title><rect x="0.0%" y="181" width="96.3%" height="15" fg:x="0" fg:w="1204"/>…</g>
    <g><title>parse (900 samples, 72.00%)</title><rect x="0.0%" y="165" …  one row (16 pixels) above main: main called it
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from itertools import pairwise
from xml.parsers import expat

from autoprof_ci.archive.stacks import Stacks
from autoprof_ci.errors import DataError

MAX_BYTES = 64 << 20
MAX_FRAMES = 500_000
MAX_DEPTH = 64
"""Of elements in each other; flamegraphs have five."""
MAX_STACK = 10_000
MAX_NAME = 4096
MAX_STACKED = 5_000_000
"""Frames of all stacks together."""

_TITLE = re.compile(r"(.*) \(([\d,.\s]+) \w+, [\d.]+%(?:;[^()]*)?\)", re.DOTALL)
_SLACK = 0.01
_NEXT_STEP = (
    "Open it in a browser to see what it is; only flamegraphs by inferno, cargo flamegraph or flamegraph.pl can be counted"
)


@dataclass(slots=True, kw_only=True)
class _Frame:
    name: str
    seen: float
    left: float = math.nan
    width: float = math.nan
    top: float = math.nan
    above: list[_Frame] = field(default_factory=list)


def read(data: bytes, *, source: str) -> Stacks:
    """The stacks, without the frame ``all`` that all others lie on. Raises `DataError` for what is no such flamegraph."""
    if len(data) > MAX_BYTES:
        raise DataError(f"{source} is larger than {MAX_BYTES >> 20} MiB", _NEXT_STEP)
    reader = _Reader()
    try:
        reader.parse(data)
    except (expat.ExpatError, _RefusedError, ValueError) as error:
        raise DataError(f"{source} is no flamegraph that can be read: {error}", _NEXT_STEP) from None
    frames = [frame for frame in reader.frames if not math.isnan(frame.left + frame.width + frame.top)]
    if not frames:
        raise DataError(f"{source} holds no frame with a count of samples", _NEXT_STEP)
    return _unfolded(_placed(frames, source), source)


class _RefusedError(Exception):
    """Something that no flamegraph holds."""


class _Reader:
    """Takes the titles and rectangles out of the XML while it is parsed; builds no tree of it."""

    def __init__(self) -> None:
        self.frames: list[_Frame] = []
        self._open: list[str] = []
        self._title: list[str] | None = None
        self._title_length = 0
        self._current: _Frame | None = None

    def parse(self, data: bytes) -> None:
        parser = expat.ParserCreate()
        parser.EntityDeclHandler = self._entity
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.Parse(data, True)  # noqa: FBT003 -- the data is whole; the argument has no name

    def _entity(self, *_: object) -> None:
        raise _RefusedError("it declares entities")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._open.append(tag)
        if len(self._open) > MAX_DEPTH:
            raise _RefusedError(f"its elements are nested more than {MAX_DEPTH} deep")
        if tag == "title":
            self._title, self._title_length = [], 0
        elif tag == "g":
            self._current = None
        elif tag == "rect" and self._current is not None and math.isnan(self._current.left):
            frame = self._current
            frame.left = _number(attributes.get("fg:x", attributes.get("x")))
            frame.width = _number(attributes.get("fg:w", attributes.get("width")))
            frame.top = _number(attributes.get("y"))

    def _text(self, text: str) -> None:
        if self._title is not None:
            self._title_length += len(text)
            if self._title_length <= MAX_NAME:
                self._title.append(text)

    def _end(self, tag: str) -> None:
        self._open.pop()
        if tag == "g":
            self._current = None
        if tag != "title" or self._title is None:
            return
        said = _TITLE.fullmatch("".join(self._title).strip())
        self._title = None
        if said is None:
            return
        if len(self.frames) >= MAX_FRAMES:
            raise _RefusedError(f"it has more than {MAX_FRAMES:,} frames")
        self._current = _Frame(name=said[1].replace(";", ":") or "?", seen=_number(re.sub(r"[,\s]", "", said[2])))
        self.frames.append(self._current)


def _number(text: str | None) -> float:
    """``12.5``, ``12.5%``; not a number where it is none, or an impossible one."""
    try:
        value = float((text or "").removesuffix("%"))
    except ValueError:
        return math.nan
    return value if 0 <= value < 1e15 else math.nan


def _placed(frames: list[_Frame], source: str) -> list[_Frame]:
    """The frames of the lowest row, each with those that lie on it. Rows are told apart by `top`; a picture may grow downwards
    (``--inverted``): the row of the widest frame is where all begin."""
    rows: dict[float, list[_Frame]] = {}
    for frame in frames:
        rows.setdefault(frame.top, []).append(frame)
    if len(rows) > MAX_STACK:
        raise DataError(f"{source} has stacks of more than {MAX_STACK:,} frames", _NEXT_STEP)
    widest = max(frames, key=lambda frame: frame.width)
    grows_upwards = widest.top >= (min(rows) + max(rows)) / 2
    tops = sorted(rows, reverse=grows_upwards)
    for top in tops:
        rows[top].sort(key=lambda frame: frame.left)
    for below, above in pairwise(tops):
        callers = iter(rows[below])
        caller = next(callers, None)
        for frame in rows[above]:
            middle = frame.left + frame.width / 2
            while caller is not None and caller.left + caller.width + _SLACK < middle:
                caller = next(callers, None)
            if caller is not None and caller.left - _SLACK <= middle:
                caller.above.append(frame)
    return rows[tops[0]]


def _unfolded(roots: list[_Frame], source: str) -> Stacks:
    if len(roots) == 1 and roots[0].name == "all":
        roots = roots[0].above
    stacks = []
    waiting: list[tuple[tuple[str, ...], _Frame]] = [((), root) for root in reversed(roots)]
    stacked = 0
    while waiting:
        callers, frame = waiting.pop()
        stack = (*callers, frame.name)
        stacked += len(stack)
        if stacked > MAX_STACKED:
            raise DataError(f"{source} is too large to be counted", _NEXT_STEP)
        own = frame.seen - sum(child.seen for child in frame.above)
        if own > 0:
            stacks.append((stack, own))
        waiting.extend((stack, child) for child in frame.above)
    return tuple(stacks)
