"""Chance that falls the same way everywhere: the same seed gives the same throws on every Python and every machine.

Of ``random.Random`` only ``seed(int)`` and ``random()`` are promised to stay as they are (Python library reference,
"Notes on Reproducibility"), so nothing else of it is used; and only +, *, / on floats, which IEEE 754 rounds in one way.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

Item = TypeVar("Item")

ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
BASE64 = ALPHANUMERIC + "+/"
HEX = "0123456789abcdef"


class Dice:
    """A stream of throws from one integer seed."""

    def __init__(self, seed: int) -> None:
        self._throw = random.Random(seed).random

    def below(self, limit: int) -> int:
        """0 <= result < `limit`."""
        return int(self._throw() * limit)

    def between(self, low: int, high: int) -> int:
        """`low` <= result <= `high`."""
        return low + int(self._throw() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        return self._throw() < probability

    def pick(self, items: Sequence[Item]) -> Item:
        return items[int(self._throw() * len(items))]

    def weighted(self, weights: Sequence[tuple[Item, int]]) -> Item:
        """An item by its weight; the last one takes what rounding leaves."""
        left = self.below(sum(weight for _, weight in weights))
        for item, weight in weights:
            left -= weight
            if left < 0:
                return item
        return weights[-1][0]

    def quantile(self, table: Sequence[tuple[float, int]]) -> int:
        """A number whose distribution goes straight from point to point of `table`: (probability from 0 to 1, value)."""
        throw = self._throw()
        for (low_p, low), (high_p, high) in pairwise(table):
            if throw < high_p:
                return low + int((throw - low_p) / (high_p - low_p) * (high - low))
        return table[-1][1]

    def letters(self, alphabet: str, count: int) -> str:
        return "".join([alphabet[int(self._throw() * len(alphabet))] for _ in range(count)])

    def uuid(self) -> str:
        """A random (version 4) UUID."""
        text = self.letters(HEX, 32)
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"
