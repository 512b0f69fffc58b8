"""Which pull request a finished run belongs to, and what its base branch says.

Knows that a run of a fork names no pull request, and that nothing the run left behind may name one either: the number is
found by GitHub's own data about the run (head repository, branch and commit). Knows nothing of comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

from github.PullRequest import PullRequest
from github.Repository import Repository

from autoprof_ci.actions.api import ApiError, ApiFailure, asking, full_name
from autoprof_ci.actions.context import TriggeringRun
from autoprof_ci.errors import DataError, UsageError

TOML_LIMIT_BYTES: Final = 256 * 1024

_PERMISSION = "pull-requests: read"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestFound:
    """`head_sha`: the commit that was measured and is still the newest."""

    number: int
    head_sha: str
    base_ref: str


class Missing(StrEnum):
    """Why there is nowhere to comment. All of them are ordinary."""

    FORK_DELETED = "fork_deleted"
    NO_BRANCH = "no_branch"
    NOT_OPEN = "not_open"
    HEAD_MOVED = "head_moved"
    SEVERAL = "several"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPullRequest:
    """`why` to decide by, `reason` to read: a sentence without its full stop."""

    why: Missing
    reason: str


def find(repo: Repository, run: TriggeringRun) -> PullRequestFound | NoPullRequest:
    """The one open pull request of `repo` whose head is what `run` measured. Raises `ApiError`."""
    if run.head_repository is None:
        return NoPullRequest(why=Missing.FORK_DELETED, reason="The fork that this run came from was deleted")
    if not run.head_branch:
        return NoPullRequest(
            why=Missing.NO_BRANCH, reason="The run was not of a branch, so that no pull request can have it as its head"
        )
    head = f"{run.head_repository.partition('/')[0]}:{run.head_branch}"
    with asking(f"list the open pull requests of {head!a}", _PERMISSION):
        of_branch = [pull for pull in repo.get_pulls(state="open", head=head) if _is_of(pull, repo, run)]
        found = [_found(pull) for pull in of_branch if pull.head.sha == run.head_sha]
        moved_on = [_found(pull) for pull in of_branch if pull.head.sha != run.head_sha]
    if len(found) > 1:
        # GitHub names the pull requests of a run only where they are no forks'
        found = [one for one in found if one.number in run.pull_requests] or found
    if len(found) == 1:
        return found[0]
    if found:
        numbers = ", ".join(f"#{one.number}" for one in found)
        return NoPullRequest(
            why=Missing.SEVERAL, reason=f"Commit {run.head_sha[:7]} is the head of several open pull requests ({numbers})"
        )
    if moved_on:
        newest = moved_on[-1]
        return NoPullRequest(
            why=Missing.HEAD_MOVED,
            reason=f"Pull request #{newest.number} has moved on to {newest.head_sha[:7]}; this run measured {run.head_sha[:7]},"
            " and the newer commit's run will comment",
        )
    return NoPullRequest(
        why=Missing.NOT_OPEN, reason=f"No open pull request has {head!a} as its head: it was closed or merged meanwhile"
    )


def head_now(repo: Repository, number: int) -> str:
    """The newest commit of pull request `number`, to be compared with what was measured. Raises `ApiError`."""
    with asking(f"look up pull request #{number}", _PERMISSION):
        return _commit(repo.get_pull(number).head.sha)


def toml_of(repo: Repository, path: str, ref: str) -> str | None:
    """The text of a file of `repo` at `ref`; ``None`` where there is none. Raises `ApiError`, `DataError`, `UsageError`."""
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts:
        raise UsageError(
            f"The input `config` is {path!a}, which is no path inside of the repository", "Name it relative to the top folder"
        )
    try:
        with asking(f"read {path!a} of {ref!a}", "contents: read"):
            file = repo.get_contents(str(pure), ref=ref)
            if not isinstance(file, list) and not isinstance(file.size, int):
                raise TypeError("no file came back")
            if isinstance(file, list) or file.type != "file":
                raise DataError(f"{path!a} of {ref!a} is no file", "Name the TOML file itself in the input `config`")
            if file.size > TOML_LIMIT_BYTES:
                raise DataError(
                    f"{path!a} of {ref!a} has {file.size} bytes, more than the {TOML_LIMIT_BYTES} that a configuration may have",
                    "Name the TOML file in the input `config`",
                )
            content = file.decoded_content
            # base64 is read leniently: of a broken answer an empty file could be left, which would be a policy without limits
            if len(content) != file.size:
                raise ValueError("not the whole file came back")
    except ApiError as error:
        if error.kind is ApiFailure.NOT_FOUND:
            return None
        raise
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path!a} of {ref!a} is not UTF-8 (byte {error.start})", "Store it as UTF-8, as TOML asks for"
        ) from error


def _is_of(pull: PullRequest, repo: Repository, run: TriggeringRun) -> bool:
    base, head = pull.base.repo, pull.head.repo
    if base is None or head is None or base.full_name.lower() != full_name(repo).lower():
        return False
    if run.head_repository_id is not None:
        return head.id == run.head_repository_id
    return head.full_name.lower() == (run.head_repository or "").lower()


def _found(pull: PullRequest) -> PullRequestFound:
    return PullRequestFound(number=pull.number, head_sha=_commit(pull.head.sha), base_ref=pull.base.ref)


def _commit(sha: object) -> str:
    # of an answer that is no pull request PyGithub makes one without fields
    if not isinstance(sha, str) or not re.fullmatch("[0-9a-f]{40,64}", sha):
        raise ValueError("no name of a commit came back")
    return sha
