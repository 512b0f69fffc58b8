"""One run on the fake GitHub, and the artifact service as one of its jobs sees it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from autoprof_ci.actions.artifact_service import ArtifactService
from autoprof_ci.actions.blob_upload import BLOCK_BYTES
from autoprof_ci.actions.context import Runtime
from autoprof_ci.actions.patience import Patience
from autoprof_ci.errors import AutoprofError
from tests.fake_github.repository import Repository
from tests.fake_github.server import FakeGithub

QUICK = Patience(timeout_s=1, retries=2, backoff_s=0.01, rate_limit_s=0.1, in_all_s=4.0)
RUN = 77
RUN_URL = f"https://github.com/octo/app/actions/runs/{RUN}"
TWIRP = "ArtifactService/"
NAME = "autoprof-baseline"
LARGE = bytes(range(256)) * (BLOCK_BYTES // 128) + b"end"
"""Two blocks and three bytes."""


@dataclass
class World:
    """One run of one repository, and the service as one of its jobs sees it."""

    github: FakeGithub
    repository: Repository
    secrets: list[str] = field(default_factory=list)

    def service(self, job_id: str = "job-1", patience: Patience = QUICK) -> ArtifactService:
        told = self.github.runtime(self.repository, RUN, job_id=job_id)
        runtime = Runtime(results_url=told.results_url, token=told.token)
        return ArtifactService(runtime, run_url=RUN_URL, mask=self.secrets.append, patience=patience)

    @property
    def stored(self) -> dict[str, str]:
        """The digests of what lies there, finished: a comparison of megabytes that fails would be hours of printing."""
        finished = [each for each in self.repository.artifacts.values() if each.finalized]
        return {each.name: sha256(self.repository.artifact_data(each.id) or b"") for each in finished}

    def requests(self, part: str) -> int:
        return sum(part in f"{each.path}?{'&'.join(f'{k}={v}' for k, v in each.query.items())}" for each in self.github.log)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def worlds(dialect: str) -> Iterator[World]:
    with FakeGithub(dialect=dialect) as github:  # type: ignore[arg-type]
        repository = github.repository()
        sha = repository.commit(branch="main")
        repository.run(RUN, event="push", head_branch="main", head_sha=sha, conclusion=None)
        yield World(github, repository)


def refusal(service: ArtifactService, data: bytes = b"zip") -> str:
    with pytest.raises(AutoprofError) as raised:
        service.upload(NAME, data)
    assert "sig=" not in str(raised.value)
    assert "http" not in str(raised.value)
    return str(raised.value)


class FakeToken:
    """A runner's token with these claims; nobody checks its signature."""

    def __init__(self, scopes: object) -> None:
        payload = base64.urlsafe_b64encode(json.dumps({"scp": scopes}).encode()).decode().rstrip("=")
        self.text = f"e30.{payload}.c2ln"
