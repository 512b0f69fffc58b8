"""Pairs in which the same work is arranged otherwise: named, split, merged, moved, inlined or written in another way."""

from __future__ import annotations

from collections.abc import Iterator

from bench.pairs.pair import Pair, PairClass
from bench.pairs.refactored_numbers import GRID, TREE
from bench.pairs.refactored_text import INDEX, REDACT


def pairs() -> Iterator[Pair]:
    for program, changes in (("redact", REDACT), ("index", INDEX), ("tree", TREE), ("grid", GRID)):
        for name, edits in changes.items():
            yield Pair(pair_class=PairClass.REFACTORING, name=f"{program}-{name}", program=program, edits=edits)
