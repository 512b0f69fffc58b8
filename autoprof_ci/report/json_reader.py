"""Strict reading of JSON from outside: bounded, finite, no doubled, missing or unknown keys; every error names the key's path.

Knows JSON and nothing of what is in it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from autoprof_ci.errors import DataError

LONGEST_STRING = 20_000
MOST_ITEMS = 200_000
_LONGEST_NUMBER = 400
_Word = TypeVar("_Word", bound=StrEnum)


class _RefusedError(ValueError):
    """Something json would let through."""


def _refuse_constant(text: str) -> float:
    raise _RefusedError(f"{text} is not a number")


def _integer(text: str) -> int:
    if len(text) > _LONGEST_NUMBER:
        raise _RefusedError(f"a number of {len(text)} digits")
    return int(text)


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _RefusedError(f"the number {text[:40]} is too large")
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RefusedError("a key appears twice in one object")
    return found


def parse(text: str, what: str, largest_bytes: int) -> Reader:
    """The object `text` holds. Raises DataError, which names `what`, for anything that is not one bounded, finite JSON object."""
    if len(text) > largest_bytes:
        raise DataError(
            f"{what} has {len(text):,} characters, more than the {largest_bytes:,} allowed", "Check where the file came from."
        )
    try:
        value = json.loads(
            text, parse_constant=_refuse_constant, parse_int=_integer, parse_float=_float, object_pairs_hook=_object
        )
    except RecursionError:
        raise DataError(f"{what} is nested too deeply", "Check where the file came from.") from None
    except json.JSONDecodeError as error:
        raise DataError(
            f"{what} is not JSON: {error.msg} at line {error.lineno}, column {error.colno}", "Write it again with autoprof-ci."
        ) from None
    except _RefusedError as error:
        raise DataError(f"{what}: {error}", "Write it again with autoprof-ci.") from None
    if not isinstance(value, dict):
        raise DataError(f"{what} is not a JSON object", "Write it again with autoprof-ci.")
    return Reader(value, what, "")


class Reader:
    """One object being read: takes its keys one by one, and knows where it is."""

    def __init__(self, value: dict[str, object], what: str, path: str) -> None:
        self._left = dict(value)
        self._what = what
        self._path = path

    def error(self, key: str, expected: str) -> DataError:
        where = f"{self._path}.{key}" if self._path else key
        return DataError(f"{self._what}: {where} must be {expected}", "Write it again with the same version of autoprof-ci.")

    def _take(self, key: str) -> object:
        return self._left.pop(key, None)

    def text(self, key: str) -> str:
        value = self.optional_text(key)
        if value is None:
            raise self.error(key, "a string")
        return value

    def optional_text(self, key: str) -> str | None:
        value = self._take(key)
        return None if value is None else self._text(key, value)

    def _text(self, key: str, value: object) -> str:
        if not isinstance(value, str) or len(value) > LONGEST_STRING:
            raise self.error(key, f"a string of at most {LONGEST_STRING:,} characters")
        if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
            raise self.error(key, "a string of whole characters")
        return value

    def number(self, key: str) -> float:
        value = self.optional_number(key)
        if value is None:
            raise self.error(key, "a number")
        return value

    def optional_number(self, key: str) -> float | None:
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, "a number")
        try:
            return float(value)
        except OverflowError:
            raise self.error(key, "a number of ordinary size") from None

    def integer(self, key: str) -> int:
        value = self.optional_integer(key)
        if value is None:
            raise self.error(key, "an integer of at least 0")
        return value

    def optional_integer(self, key: str) -> int | None:
        value = self._take(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise self.error(key, "an integer of at least 0")
        return value

    def optional_truth(self, key: str) -> bool | None:
        value = self._take(key)
        if value is None or isinstance(value, bool):
            return value
        raise self.error(key, "true or false")

    def word(self, key: str, words: type[_Word]) -> _Word:
        return self._word(key, self._take(key), words)

    def _word(self, key: str, value: object, words: type[_Word]) -> _Word:
        for word in words:
            if word.value == value:
                return word
        raise self.error(key, "one of " + ", ".join(word.value for word in words))

    def _items(self, key: str) -> list[object]:
        value = self._take(key)
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            raise self.error(key, f"a list of at most {MOST_ITEMS:,} items")
        return value

    def words(self, key: str, words: type[_Word]) -> tuple[_Word, ...]:
        return tuple(self._word(f"{key}[{i}]", item, words) for i, item in enumerate(self._items(key)))

    def optional_object(self, key: str) -> Reader | None:
        value = self._take(key)
        return None if value is None else self._object(key, value)

    def _object(self, key: str, value: object) -> Reader:
        if not isinstance(value, dict):
            raise self.error(key, "an object")
        return Reader(value, self._what, f"{self._path}.{key}" if self._path else key)

    def objects(self, key: str) -> Iterator[Reader]:
        for index, item in enumerate(self._items(key)):
            yield self._object(f"{key}[{index}]", item)

    def end(self) -> None:
        """Everything was taken. Raises DataError for a key nobody asked for."""
        if self._left:
            raise self.error(next(iter(self._left))[:60], "left out: this key is not known")
