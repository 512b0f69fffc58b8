"""All pairs, and the fixed quarter of them that every change is tried on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from bench.pairs import hidden, placement, refactoring, regression
from bench.pairs.pair import Pair, PairClass

ALL: tuple[Pair, ...] = tuple(chain(placement.pairs(), refactoring.pairs(), regression.pairs(), hidden.pairs()))


def quarter() -> tuple[Pair, ...]:
    """Every fourth pair of each class that instructions can judge. Seeds have five sizes each, so that every seed and every size
    is among them."""
    return tuple(chain.from_iterable(_fourths(pair_class) for pair_class in PairClass))


def _fourths(pair_class: PairClass) -> Iterator[Pair]:
    mine = [pair for pair in ALL if pair.pair_class is pair_class and not pair.sees_time_only]
    yield from mine[1::4]


def chosen(prefixes: tuple[str, ...], pairs: tuple[Pair, ...]) -> tuple[Pair, ...]:
    """Those whose ``class/name`` begins with one of `prefixes`; all, where there are none."""
    return tuple(pair for pair in pairs if not prefixes or pair.id.startswith(prefixes))
