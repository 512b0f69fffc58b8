"""The artifacts of this very run: stored, listed, fetched and deleted by the protocol of actions/upload-artifact v4 and later.

Knows the messages of the service and what its refusals mean. Must not know what is in an artifact. It is asked with the job's own
runtime token, which needs no permission and is there on a fork's pull request too; other runs' artifacts: `artifact_download`.

    CreateArtifact ─► blocks of 8 MiB, then their list, to a signed address ─► FinalizeArtifact (size, SHA-256) ─► id
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autoprof_ci.actions.context import Runtime
from autoprof_ci.actions.transport import Patience


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """An artifact that the service has taken. `replaced`: one of the same name, of an earlier attempt, had to go for it."""

    id: int | None
    name: str
    size_bytes: int
    sha256: str
    url: str
    replaced: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An artifact of a run as a listing shows it. `digest`: ``sha256:`` and 64 hex digits, where the server says one."""

    name: str
    id: int
    size_bytes: int
    digest: str | None
    created_at: datetime | None


class ArtifactService:
    """The artifact service of this run.

    `run_url`: the page of the run, ``https://github.com/OWNER/REPO/actions/runs/ID``. `mask` gets every secret part of a signed
    address before it is used, so that the log can hide it. Everything raises `ArtifactError`.
    """

    def __init__(
        self, runtime: Runtime, *, run_url: str, mask: Callable[[str], None], patience: Patience | None = None
    ) -> None: ...

    def upload(self, name: str, data: bytes | Path, *, retention_days: int | None = None) -> Uploaded: ...

    def list(self, name_prefix: str = "") -> tuple[Listed, ...]: ...

    def download(self, name: str, max_bytes: int) -> bytes: ...

    def delete(self, name: str) -> None: ...
