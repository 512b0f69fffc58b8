"""Which artifact of the base branch is the baseline of a pull request, and why there is none if there is none.

Knows which artifacts may be trusted, and which of them is nearest. Must not know what is in a bundle, nor how it is fetched.

    ○──○──B──○──M──N──○  base branch, along first parents      B: taken, the newest at or before M, 2 commits behind it
                 ╲                                             M: the merge base
                  ○──○  the pull request                       N: taken only if nothing at or before M can be used

An artifact counts if it is of this repository's own base branch: a fork may call its branch `main` as well, a pull request from
`main` to a release branch runs on `main` too, and anybody who can push can push a tag `main`. Hence: the repository's own number
twice, the branch, the event, and a commit that is found by walking the branch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Generic, TypeVar

from github.Repository import Repository

from autoprof_ci.actions import artifact_download, artifact_zip, history
from autoprof_ci.actions.api import ApiError, ApiFailure, asking
from autoprof_ci.actions.artifact_download import Stored
from autoprof_ci.actions.history import merge_base
from autoprof_ci.actions.transport import ArtifactError
from autoprof_ci.errors import DataError

__all__ = ["Absence", "Age", "Found", "Missing", "Wanted", "find", "merge_base"]

T = TypeVar("T")

_TRUSTED_EVENTS = frozenset({"push", "schedule", "workflow_dispatch"})
_PAGES = (3, 20)
"""Of a hundred artifacts: as many are read at first, and as many if none of those will do."""
_MAX_TRIES = 20
"""Artifacts whose run is asked about: a branch full of untrusted ones must not use up the hour's requests."""
_MAX_STORE_FAILURES = 2
"""Of a store that failed twice the third artifact is not asked for either: each costs a minute."""


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
    """A baseline. `bundle`: its bytes; `read`: what the reader made of them.

    `behind`: commits of the base branch (first parents) from this one to the merge base, negative if it is newer; ``None``: not
    known. `notes`: sentences about candidates that could not be used.
    """

    bundle: bytes
    read: T
    commit: str
    age: Age
    behind: int | None
    artifact_id: int
    run_id: int
    notes: tuple[str, ...]


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A commit of the base branch, and how it lies to the merge base."""

    commit: str
    age: Age
    behind: int | None


class _PassedOverError(Exception):
    """This candidate will not do; the text says why."""


def find(repo: Repository, wanted: Wanted, read: Callable[[bytes], T], mask: Callable[[str], None]) -> Found[T] | Missing:
    """The newest usable baseline at or before the merge base; where there is none, the nearest one after it.

    `read` makes a value of the bundle's bytes, or raises `DataError`: then the next older one is taken and a note says so.
    Raises `ApiError` where GitHub does not answer, `ArtifactError` where its store does not.
    """
    search = _Search(repo, wanted, read, mask)
    try:
        for pages in _PAGES:
            if (found := search.among(pages)) is not None:
                return found
    except ApiError as error:
        if error.kind not in (ApiFailure.NOT_PERMITTED, ApiFailure.NOT_FOUND):
            raise
        return Missing(reason=Absence.NOT_PERMITTED, why=error.what, next_step=error.next_step, notes=tuple(search.notes))
    return search.nothing()


class _Search(Generic[T]):
    """One search: what was listed so far, what was tried, and what is to be said about it."""

    def __init__(self, repo: Repository, wanted: Wanted, read: Callable[[bytes], T], mask: Callable[[str], None]) -> None:
        self._repo = repo
        self._wanted = wanted
        self._read = read
        self._mask = mask
        self._pages = artifact_download.called(repo, wanted.name)
        self._pages_read = 0
        self._listed: list[Stored] = []
        self._tried: set[int] = set()
        self._last_failure: DataError | ArtifactError | None = None
        self._store_failures = 0
        self._gone = False
        self.notes: list[str] = []

    def among(self, pages: int) -> Found[T] | None:
        """The best of the first `pages` pages that was not tried before."""
        before = len(self._listed)
        for page in islice(self._pages, pages - self._pages_read):
            self._pages_read += 1
            self._listed.extend(page)
        if len(self._listed) == before:
            return None
        candidates = self._by_commit()
        for place in self._places() if candidates else ():
            for stored in candidates.pop(place.commit, ()):
                if len(self._tried) == _MAX_TRIES:
                    return None
                self._tried.add(stored.listed.id)
                try:
                    return self._taken(stored, place)
                except _PassedOverError as why:
                    self.notes.append(f"The baseline of commit {place.commit[:7]} was passed over: {why}")
            if not candidates:
                break
        return None

    def nothing(self) -> Missing:
        """Why nothing was found. Raises `ArtifactError` where the reason is that the store does not answer: it may tomorrow."""
        if isinstance(self._last_failure, ArtifactError):
            raise self._last_failure
        name, branch = self._wanted.name, self._wanted.base_branch
        ours = [stored for stored in self._listed if self._is_ours(stored)]
        again = f"The next push to `{branch}` uploads one, if this workflow runs there too"
        if not self._listed:
            reason, why = Absence.NEVER_UPLOADED, f"No artifact called {name} has been uploaded yet"
        elif not ours:
            reason, why = Absence.NOT_TRUSTED, f"No artifact called {name} is from the branch {branch} of this repository"
        elif self._gone or all(stored.expired for stored in ours):
            reason, why = Absence.ALL_EXPIRED, f"Every artifact called {name} of the branch {branch} has expired"
            again = f"Run the workflow on `{branch}` once more; a `schedule` keeps a fresh one there"
        elif self._last_failure is not None:
            reason, why = Absence.UNREADABLE, f"No artifact called {name} of the branch {branch} could be used"
        elif self._tried:
            reason, why = Absence.NOT_TRUSTED, f"No artifact called {name} is from a push to the branch {branch}"
        else:
            commits = f"the last {history.MAX_COMMITS} commits of the branch {branch}"
            reason, why = Absence.NOT_ON_BRANCH, f"No artifact called {name} belongs to one of {commits}"
        return Missing(reason=reason, why=why, next_step=again, notes=tuple(self.notes))

    def _is_ours(self, stored: Stored) -> bool:
        origin, number = stored.origin, self._wanted.repository_id
        return (
            origin is not None
            and origin.repository_id == number == origin.head_repository_id
            and origin.head_branch == self._wanted.base_branch
        )

    def _by_commit(self) -> dict[str, list[Stored]]:
        """What may be tried, the newest of each commit first."""
        candidates: dict[str, list[Stored]] = {}
        for stored in sorted(self._listed, key=lambda each: (each.listed.created_at, each.listed.id), reverse=True):
            if self._is_ours(stored) and not stored.expired and stored.listed.id not in self._tried and stored.origin:
                candidates.setdefault(stored.origin.head_sha, []).append(stored)
        return candidates

    def _places(self) -> Iterator[_Place]:
        """The commits of the base branch, the best place for a baseline first."""
        base = self._wanted.merge_base
        if base is None:
            for commit in history.of_branch(self._repo, self._wanted.base_branch):
                yield _Place(commit=commit, age=Age.UNKNOWN, behind=None)
            return
        for behind, commit in enumerate(history.first_parents(self._repo, base)):
            yield _Place(commit=commit, age=Age.OLDER if behind else Age.SAME, behind=behind)
        branch = list(history.of_branch(self._repo, self._wanted.base_branch))
        newer = branch[: branch.index(base)] if base in branch else branch
        for ahead, commit in enumerate(reversed(newer), start=1):
            yield _Place(commit=commit, age=Age.NEWER, behind=-ahead if base in branch else None)

    def _taken(self, stored: Stored, place: _Place) -> Found[T]:
        assert stored.origin is not None
        run_id = stored.origin.run_id
        try:
            event = self._event(run_id)
            if event not in _TRUSTED_EVENTS:
                raise _PassedOverError(f"it was made by a run for `{event[:40]}`, not by a push")
            artifact = artifact_download.download(self._repo, stored.listed, self._wanted.max_bytes, self._mask)
            bundle = artifact_zip.bundle_in(artifact, self._wanted.max_bytes)
            value = self._read(bundle)
        except ApiError as error:
            if error.kind not in (ApiFailure.GONE, ApiFailure.NOT_FOUND):
                raise
            self._gone = True
            raise _PassedOverError("it has expired" if error.kind is ApiFailure.GONE else "it is no longer there") from error
        except (ArtifactError, DataError) as error:
            self._last_failure = error
            self._store_failures += isinstance(error, ArtifactError)
            if self._store_failures == _MAX_STORE_FAILURES:
                raise
            raise _PassedOverError(error.what.rstrip(".")) from error
        return Found(
            bundle=bundle,
            read=value,
            commit=place.commit,
            age=place.age,
            behind=place.behind,
            artifact_id=stored.listed.id,
            run_id=run_id,
            notes=tuple(self.notes),
        )

    def _event(self, run_id: int) -> str:
        """What started the run. The list of artifacts does not say it."""
        with asking(f"say what started run {run_id}", artifact_download.PERMISSION):
            _, run = self._repo.requester.requestJsonAndCheck("GET", f"{self._repo.url}/actions/runs/{run_id}")
            return str(run["event"])
