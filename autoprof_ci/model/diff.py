"""What a pull request changes: which lines of which files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple


class LineSpan(NamedTuple):
    """Lines of a file of the candidate, both ends included, counted from 1."""

    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Diff:
    """Changed file of the candidate (path from the repository's root, with slashes) -> its lines that were added or changed, in order.

    Where lines were only taken away, the two lines around the gap count. A file without lines that can be named (binary, too large,
    only renamed) has no spans. Files that the candidate does not have any more are in `removed`.
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
