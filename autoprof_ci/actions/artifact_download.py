"""Artifacts of other runs: their list, and the zip itself, through the REST interface with the workflow's token.

Knows the two steps of a download: a redirect that needs the token, and a signed address that must not see it.
"""

from __future__ import annotations

from collections.abc import Callable

from github.Repository import Repository

from autoprof_ci.actions.artifact_service import Listed


def of_run(repo: Repository, run_id: int) -> tuple[Listed, ...]:
    """The artifacts of run `run_id` that have not expired, newest first. Raises `ApiError`."""
    ...


def download(repo: Repository, artifact: Listed, max_bytes: int, mask: Callable[[str], None]) -> bytes:
    """The zip of `artifact`, at most `max_bytes`, its digest checked where the listing says one.

    Raises `ApiError` (also of an artifact that has expired), `ArtifactError`, `DataError` for one that is too large or damaged.
    """
    ...
