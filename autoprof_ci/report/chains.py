"""One chain of calls with its repeats folded: ``a;b;b;b;c`` is ``a``, three times ``b``, ``c``. Pure text; knows no weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_CYCLE = 8
"""Frames that call each other in turn: a visitor of nested values takes four to six."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """`frames` `times` times one after the other."""

    frames: tuple[str, ...]
    times: int = 1


def fold(path: Sequence[str]) -> tuple[Segment, ...]:
    """From the root on, at each place the repeat that covers most frames, of equals the shortest cycle::

    a b b b c      ->  a, b x3, c
    a x y x y c    ->  a, (x y) x2, c
    """
    path = tuple(path)
    segments: list[Segment] = []
    at = 0
    while at < len(path):
        size, times = _repeat(path, at)
        segments.append(Segment(frames=path[at : at + size], times=times))
        at += size * times
    return tuple(segments)


def _repeat(path: tuple[str, ...], at: int) -> tuple[int, int]:
    """How long the cycle that begins at `at` is, and how often it comes."""
    best = (1, 1)
    for size in range(1, LONGEST_CYCLE + 1):
        cycle = path[at : at + size]
        times = 1
        while path[at + times * size : at + (times + 1) * size] == cycle:
            times += 1
        if times > 1 and size * times > best[0] * best[1]:
            best = (size, times)
    return best
