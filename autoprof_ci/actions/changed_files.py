"""Which files a pull request changes, and how, as GitHub lists them.

Knows the list's limits: pages of a hundred, no pieces of what is binary or too large, and an end at so many files that nobody
can tell from the end of the change. Knows nothing of what a piece says.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import Final

from github.File import File
from github.Repository import Repository

from autoprof_ci.actions.api import ApiError, ApiFailure, asking
from autoprof_ci.actions.patience import Patience
from autoprof_ci.model import ChangedFile

MOST_FILES: Final = 3000
"""GitHub lists no more, and does not say that there are."""
MOST_CHARACTERS: Final = 32 << 20
"""Of all pieces together; what comes after counts as changed, without lines."""
LIMIT_S: Final = 20.0

BRIEF: Final = Patience(timeout_s=5, retries=1, rate_limit_s=4.0, backoff_s=1.0, in_all_s=4.0)
"""For a connection of its own: what the list costs, nothing that matters more has to do without."""


def of_pull_request(repo: Repository, number: int) -> tuple[ChangedFile, ...]:
    """All of them. Raises `ApiError`, also where the list has an end before the change has."""
    doing = f"list the files of pull request #{number}"
    begin_s = time.monotonic()
    found: list[ChangedFile] = []
    characters = 0
    with asking(doing, "pull-requests: read"):
        for file in islice(repo.get_pull(number).get_files(), MOST_FILES):
            piece = _piece(file)
            characters += len(piece or "")
            found.append(_changed(file, piece if characters <= MOST_CHARACTERS else None))
            if time.monotonic() - begin_s > LIMIT_S:
                break
    if time.monotonic() - begin_s > LIMIT_S:
        raise ApiError(ApiFailure.UNAVAILABLE, f"GitHub took more than {LIMIT_S:.0f} s to {doing}", "Run the job again")
    if len(found) >= MOST_FILES:
        raise ApiError(
            ApiFailure.REFUSED,
            f"Pull request #{number} changes more files than GitHub lists, which are {MOST_FILES}",
            "Nothing to do: the verdict does not need them",
        )
    return tuple(found)


def _piece(file: File) -> str | None:
    piece: object = file.patch
    if not (piece is None or isinstance(piece, str)):
        raise TypeError("a piece that is no text")
    return piece


def _changed(file: File, piece: str | None) -> ChangedFile:
    name, status, before = (str(each or "") for each in (file.filename, file.status, file.previous_filename))
    if not name or not status:
        raise ValueError("no entry of a list of files came back")
    if status == "removed":
        return ChangedFile(path=None, was=name)
    return ChangedFile(path=name, was=before if status == "renamed" and before else None, patch=piece)
