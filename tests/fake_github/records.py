"""What a repository remembers besides git: comments, pull requests, runs, artifacts. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.fake_github.repository import Repository


@dataclass(slots=True, kw_only=True)
class Comment:
    id: int
    number: int
    login: str
    body: str
    created_at: str
    updated_at: str


@dataclass(slots=True, kw_only=True)
class Pull:
    """`head_repository` None: the fork was deleted. `base_sha` is the tip of the base when the pull request was opened."""

    number: int
    head_sha: str
    head_ref: str
    head_repository: Repository | None
    head_repository_id: int
    head_owner: str
    base: str
    base_sha: str
    merge_commit_sha: str
    login: str
    state: str = "open"
    locked: bool = False


@dataclass(slots=True, kw_only=True)
class Run:
    id: int
    event: str
    head_branch: str
    head_sha: str
    head_repository: Repository | None
    head_repository_id: int
    status: str
    conclusion: str | None
    path: str
    attempt: int
    run_number: int
    created_at: str


@dataclass(slots=True, kw_only=True)
class Artifact:
    """`finalized` False: created by the artifact service and not yet complete; only a run's own service knows of it."""

    id: int
    name: str
    run_id: int
    job_id: str
    blob_key: str
    size_bytes: int
    digest: str | None
    expired: bool
    finalized: bool
    created_at: str
