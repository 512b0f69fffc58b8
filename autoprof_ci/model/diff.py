"""What a pull request changes: which lines of which files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_PATH_CHARACTERS = 1024
_NO_PARTS = frozenset({"", ".", ".."})


class LineSpan(NamedTuple):
    """Lines of a file of the candidate, both ends included, counted from 1."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Changed file of the candidate (path from the repository's root, with slashes) -> its lines that were added or changed.

    The lines are in order and apart. Where some were only taken away, the two around the gap count. A file without lines that
    can be named (binary, too large, only renamed) has none. What the candidate does not have any more is in `removed`.
    """

    files: Mapping[str, tuple[LineSpan, ...]] = field(default_factory=dict)
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFile:
    """One entry of a list of changed files. `path`: ``None`` where it is gone; `was`: the path that is no more; `patch`: its
    hunks, ``None`` where nobody shows them (binary, too large, only renamed)."""

    path: str | None
    was: str | None = None
    patch: str | None = None


def in_repository(file: str) -> bool:
    """Whether `file` can be a path from the repository's root. Debug information names the compiler's and the registry's files
    too, by absolute paths, and a bundle from outside may name anything."""
    parts = file.replace("\\", "/").split("/")
    return 0 < len(file) <= MAX_PATH_CHARACTERS and file.isprintable() and ":" not in parts[0] and not _NO_PARTS & set(parts)
