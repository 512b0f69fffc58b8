"""All pairs, and the fixed quarter of them that every change is tried on."""

from __future__ import annotations

from itertools import chain

from bench.pairs import hidden, placement, refactoring, regression
from bench.pairs.pair import Pair

ALL: tuple[Pair, ...] = tuple(chain(placement.pairs(), refactoring.pairs(), regression.pairs(), hidden.pairs()))
