"""Strict JSON: bytes from outside -> a checked value of a declared type, or `RefusedError` with the path of what is wrong.

Knows nothing of what the documents say.

Checked by msgspec against declared types, not by a checker of our own: the types say the format better than code could, numbers
that are NaN, infinite, bool or too large never become values, nothing is built that the type does not ask for (30 MB of
brackets stay 30 MB; `json.loads` makes a gigabyte of them), and 20 runs of 5,000 functions take 22 ms instead of 55. msgspec
takes the last of two equal keys and says nothing, so a second pass with the standard library looks for those.
"""

from __future__ import annotations

import json
from typing import TypeVar

import msgspec

from autoprof_ci.bundle.refusal import PATTERN_WORDS, RefusedError, shown

T = TypeVar("T")


def parse(member: str, data: bytes, kind: type[T]) -> T:
    """`data` as a value of `kind`, a type that msgspec knows. `member`: its name for the error."""
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise RefusedError(_sentence(member, str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        # Looked for here: msgspec says it with one error or the other, by its version.
        if (at := _not_utf_8(data)) is not None:
            raise RefusedError(f"{member} is not UTF-8 (byte {at})") from error
        raise RefusedError(f"{member} is not JSON: {_lower(str(error).removeprefix('JSON is malformed: '))}") from error
    except RecursionError as error:
        raise RefusedError(f"{member} is nested too deeply") from error


def parse_strictly(member: str, data: bytes, kind: type[T]) -> T:
    """`parse`, and no object in it may say a key twice."""
    value = parse(member, data, kind)
    # Only after `parse`: by now it is known that this builds no more than the type asks for.
    _refuse_doubled_keys(member, data)
    return value


def _not_utf_8(data: bytes) -> int | None:
    """The first byte that is not."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return error.start
    return None


def check_syntax(member: str, data: bytes) -> None:
    """Refuses `data` that is not JSON; builds nothing."""
    parse(member, data, msgspec.Raw)


def _refuse_doubled_keys(member: str, data: bytes) -> None:
    def refuse_doubled(pairs: list[tuple[str, object]]) -> None:
        keys = {key for key, _ in pairs}
        if len(keys) != len(pairs):
            doubled = next(key for key in keys if sum(key == other for other, _ in pairs) > 1)
            raise RefusedError(f"{member} has the key {shown(doubled)} twice in one object")

    try:
        json.loads(data, object_pairs_hook=refuse_doubled)
    except RecursionError as error:
        raise RefusedError(f"{member} is nested too deeply") from error


def _sentence(member: str, message: str) -> str:
    """``Expected `float` >= 0.0 - at `$.runs[0]` `` -> ``samples.json, runs[0]: expected `float` >= 0.0``.

    A wrong key of a mapping is said to be at `` `key` in `$.thresholds` ``.
    """
    what, _, path = message.rpartition(" - at ")
    if not what:
        what, path = message, ""
    head, _, pattern = what.partition(" matching regex ")
    if pattern:
        what = f"{head.partition(' ')[0]} {PATTERN_WORDS[pattern]}"
    where = path.replace("`", "").replace("$.", "").removeprefix("$")
    return f"{member}{', ' if where else ''}{shown(where)}: {_lower(what)}"


def _lower(message: str) -> str:
    return shown(message[:1].lower() + message[1:])
