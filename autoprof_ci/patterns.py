"""Patterns of ``autoprof.toml`` against normalised names: the whole name, case-sensitive, only ``*`` is special.

Knows how Rust writes the names of methods in impls, nothing of files or thresholds. A pattern that ends in ``::*`` also matches
an impl whose self type or trait lies there:

    <serde_json::read::StrRead as core::fmt::Debug>::fmt      is in  serde_json::*  and in  core::fmt::*
    autopilot::_::<impl serde::Deserialize for autopilot::Step>::deserialize        in  autopilot::*  and  serde::*
    <&mut dyn core::fmt::Write as core::fmt::Write>::write_str                      in  core::*
    <alloc::vec::Vec<serde_json::Value> as core::ops::Drop>::drop          in  alloc::*  and  core::*,  not in  serde_json::*

Only the outermost path of a type counts, below references, pointers, ``dyn`` and brackets around ``dyn``. A tuple, a slice, an
array or a function pointer has none: there the trait alone decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import NamedTuple

_POINTER = re.compile(r"&(?:'\w+ )?(?:mut )?|\*(?:const|mut) |dyn |impl |\((?=dyn )|for<[^<>]*> ")
_PATH = re.compile(r"(?!unsafe |extern |fn\()\w")
_TOKEN = re.compile(r"->|[<(\[\])>]| as | for ")
_OPENING = frozenset("<([")
_CLOSING = frozenset(">)]")
DEEPEST = 20
"""Impls inside impls; real names have two."""


def matches(pattern: str, name: str) -> bool:
    """Whether one pattern matches one normalised name."""
    return matcher((pattern,))(name)


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether any of the patterns matches a name. No patterns match nothing. Time is linear in the name's length."""
    return _matcher(tuple(patterns))


@lru_cache(maxsize=1024)
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], bool]:
    whole = _compiled(patterns)
    inside = _compiled(tuple(pattern for pattern in patterns if pattern.endswith("::*")))

    def test(name: str) -> bool:
        if whole(name):
            return True
        for path in _impl_paths(name):  # noqa: SIM110 (a generator would double the time of the whole test)
            if inside(path):
                return True
        return False

    return test


def _compiled(patterns: tuple[str, ...]) -> Callable[[str], re.Match[str] | None]:
    # `(?!)` matches nothing: what no patterns mean.
    return re.compile("|".join(map(_as_regex, patterns)) if patterns else "(?!)", re.DOTALL).fullmatch


def _as_regex(pattern: str) -> str:
    first, *rest = (re.escape(part) for part in pattern.split("*"))
    if not rest:
        return first
    *middle, last = rest
    # Each part between two stars is taken where it is found first and never tried elsewhere (`(?>…)`): no pattern is slow.
    return first + "".join(f"(?>.*?{part})" for part in middle if part) + ".*" + last


@lru_cache(maxsize=32768)
def _impl_paths(name: str, nested: int = 0) -> tuple[str, ...]:
    """The paths a method of an impl also goes by: self type and trait, each with the rest of the name behind it."""
    if nested > DEEPEST:
        return ()
    start = 0 if name.startswith("<") else name.find("::<impl ") + 2
    if start == 1:
        return ()
    is_impl = name.startswith("<impl ", start)
    cut = _cut(name, start, " for " if is_impl else " as ")
    if cut is None or not name.startswith("::", cut.end + 1):
        return ()
    rest = name[cut.end + 1 :]
    first = start + (6 if is_impl else 1)
    if cut.middle is None:
        return _paths(name[first : cut.end], rest, nested)
    left, right = name[first : cut.middle], name[cut.middle + len(cut.separator) : cut.end]
    return (*_paths(left, rest, nested), *_paths(right, rest, nested))


def _paths(side: str, rest: str, nested: int) -> tuple[str, ...]:
    bare = side
    while prefix := _POINTER.match(bare):
        bare = bare[prefix.end() :]
    if bare.startswith("<"):
        # A type that is itself declared inside an impl: <<Vec<T> as Drop>::drop::Guard as Drop>::drop
        return _impl_paths(bare + rest, nested + 1)
    if "(dyn " in side[: len(side) - len(bare)]:
        bare = bare.removesuffix(")").split(" + ")[0]
    return (bare + rest,) if _PATH.match(bare) else ()


class _Cut(NamedTuple):
    """Where ``<SELF as TRAIT>`` is cut: at the separator, if there is one, and at the closing bracket."""

    separator: str
    middle: int | None
    end: int


def _cut(name: str, start: int, separator: str) -> _Cut | None:
    """The cut of the bracket that opens at `start`; ``None`` if it never closes. ``->`` closes nothing."""
    depth, middle = 0, None
    for token in _TOKEN.finditer(name, start):
        text = token.group()
        if text in _OPENING:
            depth += 1
        elif text in _CLOSING:
            depth -= 1
            if depth == 0:
                return _Cut(separator, middle, token.start())
        elif depth == 1 and middle is None and text == separator:
            middle = token.start()
    return None
