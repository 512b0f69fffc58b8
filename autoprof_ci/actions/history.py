"""The history of a branch as GitHub knows it: where two lines parted, and the way back along first parents.

A first parent of a merge is what the branch was before it; the commits of what was merged are not the branch's own states.
Must not know artifacts.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from github.Repository import Repository

from autoprof_ci.actions.api import ApiError, ApiFailure, asking

PERMISSION = "contents: read"
MAX_COMMITS = 300
"""Looked at on one way back, side branches included: three questions to GitHub."""
_PAGE = 100


def merge_base(repo: Repository, base_ref: str, head_candidates: Sequence[str]) -> str | None:
    """Where the first of `head_candidates` that GitHub knows left `base_ref`; ``None`` if it knows none of them.

    What was built may be a merge commit that exists only here, hence several candidates. Raises `ApiError`.
    """
    for head in head_candidates:
        try:
            with asking(f"compare {head[:12]} with {base_ref}", PERMISSION):
                compared = _get(repo, f"compare/{quote(base_ref)}...{quote(head)}", {"per_page": 1})
                return str(compared["merge_base_commit"]["sha"])
        except ApiError as error:
            if error.kind not in (ApiFailure.NOT_FOUND, ApiFailure.REFUSED):
                raise
    return None


def first_parents(repo: Repository, commit: str) -> Iterator[str]:
    """`commit` and its first parents, nearest first, as far as `MAX_COMMITS` reach. Raises `ApiError`.

    A commit that GitHub does not know has no history.
    """
    try:
        yield from of_branch(repo, commit)
    except ApiError as error:
        if error.kind is not ApiFailure.NOT_FOUND:
            raise


def of_branch(repo: Repository, branch: str) -> Iterator[str]:
    """The same from the tip of `branch`, which is there: where GitHub says 404, the token may not read it. Raises `ApiError`.

    Asks for the next page only when the way leaves the commits that are known.
    """
    parents: dict[str, str | None] = {}
    wanted: str | None = None
    for page in range(1, MAX_COMMITS // _PAGE + 1):
        try:
            with asking(f"list the commits of {branch[:40]}", PERMISSION):
                commits = _get(repo, "commits", {"sha": branch, "per_page": _PAGE, "page": page})
                known = [(str(each["sha"]), [str(parent["sha"]) for parent in each["parents"]]) for each in commits]
        except ApiError as error:
            if error.kind is ApiFailure.REFUSED:  # no such commit, or none at all
                return
            raise
        parents.update((sha, following[0] if following else None) for sha, following in known)
        if page == 1 and known:
            wanted = known[0][0]
        while wanted is not None and wanted in parents:
            yield wanted
            wanted = parents.pop(wanted)
        if wanted is None or len(known) < _PAGE:
            return


def _get(repo: Repository, path: str, parameters: dict[str, Any]) -> Any:
    return repo.requester.requestJsonAndCheck("GET", f"{repo.url}/{path}", parameters=parameters)[1]
