"""Which artifact of the base branch is the baseline of a pull request.

Knows GitHub's lists of artifacts, runs and commits, and whom to trust. Must not know what is in a bundle.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, TypeVar

from github.Repository import Repository

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`name`: of the artifact. `merge_base`: where the pull request left the base branch, if that is known."""

    name: str
    base_branch: str
    merge_base: str | None
    repository_id: int
    max_bytes: int


class Age(StrEnum):
    """Where the baseline's commit is on the base branch, seen from the merge base."""

    SAME = "same"
    OLDER = "older"
    NEWER = "newer"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T]):
    """A baseline. `bundle`: the bytes; `read`: what the reader made of them.

    `behind`: commits of the base branch (first parents) from this one to the merge base; negative: it is newer than the merge
    base; ``None``: the merge base is not known. `notes`: sentences about candidates that could not be used.
    """

    bundle: bytes
    read: T
    commit: str
    behind: int | None
    artifact_id: int
    run_id: int
    url: str
    created_at: datetime
    notes: tuple[str, ...]

    @property
    def age(self) -> Age: ...


class Absence(StrEnum):
    """Why there is no baseline."""

    NEVER_UPLOADED = "never_uploaded"
    ALL_EXPIRED = "all_expired"
    NOT_TRUSTED = "not_trusted"
    NOT_ON_BRANCH = "not_on_branch"
    UNREADABLE = "unreadable"
    NOT_PERMITTED = "not_permitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """No baseline. `why`: a sentence without its full stop; `next_step`: what will make one, or what to change."""

    reason: Absence
    why: str
    next_step: str
    notes: tuple[str, ...]


def find(repo: Repository, wanted: Wanted, read: Callable[[bytes], T]) -> Found[T] | Missing:
    """The newest usable baseline at or before the merge base; where there is none, the nearest one after it.

    `read` makes a value of the bundle's bytes, or raises `DataError`: then the next older one is taken and a note says so.
    Raises `ApiError` where GitHub does not answer.
    """
    ...


def merge_base(repo: Repository, base_ref: str, head_candidates: Sequence[str]) -> str | None:
    """Where the first of `head_candidates` that GitHub knows left `base_ref`; ``None`` if it knows none of them."""
    ...
