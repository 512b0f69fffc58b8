"""The commit status: the dot beside a commit, which branch protection can ask for.

Knows GitHub's limits for one. Knows nothing of verdicts: the state and the sentence come in.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from github.Repository import Repository

from autoprof_ci.actions.api import ApiError, ApiFailure, asking

PERMISSION: Final = "statuses: write"

_DESCRIPTION_CHARACTERS = 140


class State(StrEnum):
    SUCCESS = "success"
    FAILURE = "failure"
    ERROR = "error"


class Written(StrEnum):
    """What became of the status. Most jobs do not grant `statuses: write`, and need not."""

    WRITTEN = "written"
    NOT_PERMITTED = "not_permitted"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitStatus:
    """`description` is cut to what GitHub takes. `target_url`: where the dot leads, http or https."""

    key: str
    state: State
    description: str
    target_url: str | None = None


def publish(repo: Repository, sha: str, status: CommitStatus) -> Written:
    """Sets the status of commit `sha`, which has to be the pull request's own, not its merge. Raises `ApiError`."""
    sent = {"state": status.state.value, "context": context_of(status.key), "description": _cut(status.description)}
    if status.target_url:
        sent["target_url"] = status.target_url
    try:
        with asking("set the status of the commit", PERMISSION):
            _, answer = repo.requester.requestJsonAndCheck("POST", f"{repo.url}/statuses/{sha}", input=sent)
            if "state" not in answer:
                raise ValueError("no status came back")
    except ApiError as error:
        # who may not see a repository may not write to it either, and GitHub says 404
        if error.kind in (ApiFailure.NOT_PERMITTED, ApiFailure.NOT_FOUND):
            return Written.NOT_PERMITTED
        raise
    return Written.WRITTEN


def context_of(key: str) -> str:
    """The name of the status: the default key needs none."""
    return "autoprof-ci" if key == "default" else f"autoprof-ci/{key}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _DESCRIPTION_CHARACTERS else line[: _DESCRIPTION_CHARACTERS - 1].rstrip() + "…"
