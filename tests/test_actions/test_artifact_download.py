"""Artifacts of other runs, by the REST interface of our fake GitHub."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from github.Repository import Repository as Api

from autoprof_ci.actions import artifact_download
from autoprof_ci.actions.api import ApiError, ApiFailure, connect
from autoprof_ci.actions.listed import Listed
from autoprof_ci.actions.patience import Patience
from autoprof_ci.actions.transport import ArtifactError
from autoprof_ci.errors import AutoprofError, DataError
from tests.fake_github.repository import Repository
from tests.fake_github.server import FakeGithub

QUICK = Patience(timeout_s=1, retries=2, backoff_s=0.01, rate_limit_s=0.1, in_all_s=4.0, between_writes_s=0.0)
RUN = 50
DATA = b"PK\3\4" + bytes(range(256)) * 20_000
"""5 MB."""


@dataclass
class World:
    """A repository with one run and one artifact, and a client that may read both."""

    github: FakeGithub
    repository: Repository
    artifact_id: int
    secrets: list[str] = field(default_factory=list)

    def api(self, **permissions: str) -> Api:
        token = self.github.token(permissions=permissions or {"contents": "read", "actions": "read"})
        return connect(self.github.url, token, QUICK).get_repo("octo/app")

    def listed(self) -> Listed:
        return artifact_download.of_run(self.api(), RUN)[0]

    def download(self, max_bytes: int = 1 << 30) -> bytes:
        return artifact_download.download(self.api(), self.listed(), max_bytes, self.secrets.append)


def sha256(data: bytes) -> str:
    """Compared instead of megabytes: a failure would print them for hours."""
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def world() -> Iterator[World]:
    with FakeGithub() as github:
        repository = github.repository(private=True)
        sha = repository.commit(branch="main")
        run = repository.run(RUN, event="push", head_branch="main", head_sha=sha)
        yield World(github, repository, repository.artifact("autoprof-baseline", DATA, run))


def test_download__gives_the_zip_and_keeps_the_token_from_the_store(world: World) -> None:
    assert sha256(world.download()) == sha256(DATA)
    to_store = [each for each in world.github.log if each.listener == "blob"]
    assert [("Authorization" in each.headers, each.headers["Accept-Encoding"]) for each in to_store] == [(False, "identity")]
    assert {each.query["sig"] for each in to_store} <= set(world.secrets)
    to_api = [each for each in world.github.log if each.path.endswith("/zip")]
    assert [each.headers["Accept"] for each in to_api] == ["application/vnd.github+json"]


@pytest.mark.parametrize("status", [301, 307, 308])
def test_download__of_a_repository_that_has_another_name_now__follows_it_with_the_token(world: World, status: int) -> None:
    there = f"{world.github.url}/repositories/{world.repository.id}/actions/artifacts/{world.artifact_id}/zip"
    world.github.fail("GET", "^/repos/octo/app/.*/zip$", status=status, headers={"Location": there})
    assert sha256(world.download()) == sha256(DATA)


def test_download__sent_elsewhere_for_good__keeps_the_token(world: World) -> None:
    world.github.fail("GET", "/zip$", status=301, headers={"Location": world.github.state.blob_url + "/x"})
    with pytest.raises(ApiError):
        world.download()
    assert not [each for each in world.github.log if each.listener == "blob"]


def test_download__of_an_artifact_without_a_digest__is_taken(world: World) -> None:
    world.repository.artifacts[world.artifact_id].digest = None
    assert world.listed().digest is None
    assert sha256(world.download()) == sha256(DATA)


def test_download__truncated_twice__asks_for_fresh_addresses(world: World) -> None:
    world.github.fail("GET", r"\.zip$", truncate_bytes=1000, times=2)
    assert sha256(world.download()) == sha256(DATA)
    assert sum(each.path.endswith("/zip") for each in world.github.log) == 3


def test_download__truncated_for_ever__says_so(world: World) -> None:
    world.github.fail("GET", r"\.zip$", truncate_bytes=1000, times=99)
    said = "The artifact autoprof-baseline could not be downloaded: the connection broke off. Run the job again."
    with pytest.raises(ArtifactError, match=re.escape(said)):
        world.download()


def test_download__of_other_bytes_than_the_digest_says__is_refused(world: World) -> None:
    listed = world.listed()
    world.github.state.blobs.write(world.repository.artifacts[world.artifact_id].blob_key, DATA[:-1] + b"x")
    with pytest.raises(DataError, match="damaged: its bytes are not those that were uploaded, 3 times"):
        artifact_download.download(world.api(), listed, 1 << 30, world.secrets.append)


def test_download__of_more_than_the_list_said__stops_at_the_limit(world: World) -> None:
    listed = world.listed()
    world.github.state.blobs.write(world.repository.artifacts[world.artifact_id].blob_key, DATA * 10)
    with pytest.raises(DataError, match="The artifact autoprof-baseline is larger than 8 MiB"):
        artifact_download.download(world.api(), listed, 8 << 20, world.secrets.append)


def test_download__of_what_the_list_says_is_too_large__asks_for_nothing(world: World) -> None:
    with pytest.raises(DataError, match="The artifact autoprof-baseline is larger than 1 MiB"):
        world.download(1 << 20)
    assert not [each for each in world.github.log if each.path.endswith("/zip")]


def test_download__of_an_expired_one__is_gone(world: World) -> None:
    listed = world.listed()
    world.repository.artifacts[world.artifact_id].expired = True
    assert artifact_download.of_run(world.api(), RUN) == ()
    with pytest.raises(ApiError) as raised:
        artifact_download.download(world.api(), listed, 1 << 30, world.secrets.append)
    assert raised.value.kind is ApiFailure.GONE


def test_download__without_the_permission__names_it(world: World) -> None:
    listed = world.listed()
    with pytest.raises(ApiError, match="the token lacks `actions: read`") as raised:
        artifact_download.download(world.api(contents="read"), listed, 1 << 30, world.secrets.append)
    assert raised.value.kind is ApiFailure.NOT_PERMITTED


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 401}, ApiFailure.UNAUTHORIZED),
        ({"status": 404}, ApiFailure.NOT_FOUND),
        ({"status": 415, "body": {"message": "Unsupported 'Accept' header"}}, ApiFailure.REFUSED),
        ({"status": 429, "headers": {"Retry-After": "3600"}, "times": 9}, ApiFailure.RATE_LIMITED),
        ({"status": 500, "times": 9}, ApiFailure.UNAVAILABLE),
        ({"drop": True, "times": 9}, ApiFailure.UNAVAILABLE),
        ({"hang_s": 9.0, "times": 9}, ApiFailure.UNAVAILABLE),
        ({"status": 200, "body": "<html>Sign in</html>"}, ApiFailure.NOT_JSON),
    ],
)
def test_download__where_github_fails__says_how(world: World, fault: dict[str, object], kind: ApiFailure) -> None:
    listed = world.listed()
    world.github.fail("GET", "/zip$", **fault)  # type: ignore[arg-type]
    with pytest.raises(ApiError) as raised:
        artifact_download.download(world.api(), listed, 1 << 30, world.secrets.append)
    assert raised.value.kind is kind
    assert "sig=" not in str(raised.value)


@pytest.mark.parametrize("fault", [{"status": 403, "times": 9}, {"status": 302, "times": 9}, {"drop": True, "times": 99}])
def test_download__where_the_store_fails__says_so_without_the_address(world: World, fault: dict[str, object]) -> None:
    world.github.fail("GET", r"\.zip$", **fault)  # type: ignore[arg-type]
    with pytest.raises(ArtifactError) as raised:
        world.download()
    assert "autoprof-baseline" in str(raised.value)
    assert "http" not in str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("location", ["", "file:///etc/passwd", "http://[", "http://", "gopher://x/", "//"])
def test_download__sent_to_a_strange_address__fails_cleanly(world: World, location: str) -> None:
    world.github.fail("GET", "/zip$", status=302, headers={"Location": location}, times=9)
    with pytest.raises(AutoprofError):
        world.download()


def test_of_run__lists_every_page_newest_first(world: World) -> None:
    made = [
        world.repository.artifact(
            f"autoprof-part-{number:08x}-1", b"x", RUN, created_at=f"2030-01-01T{number // 60:02}:{number % 60:02}:00Z"
        )
        for number in range(230)
    ]
    assert [each.id for each in artifact_download.of_run(world.api(), RUN)] == [*reversed(made), world.artifact_id]


@pytest.mark.parametrize(
    "item",
    [
        1,
        {},
        {"name": 1, "id": 1, "size_in_bytes": 1, "created_at": None, "expired": False},
        {"name": "a", "id": "1", "size_in_bytes": 1, "created_at": None, "expired": False},
        {"name": "a", "id": 1, "size_in_bytes": True, "created_at": None, "expired": False},
        {"name": "a", "id": 1, "size_in_bytes": 1, "created_at": "yesterday", "expired": False},
        {"name": "a", "id": 1, "size_in_bytes": 1, "created_at": None, "expired": False, "workflow_run": 3},
    ],
)
def test_of_run__a_list_that_is_none__says_so(world: World, item: object) -> None:
    world.github.fail("GET", "/artifacts$", status=200, body={"total_count": 1, "artifacts": [item]})
    with pytest.raises(ApiError) as raised:
        artifact_download.of_run(world.api(), RUN)
    assert raised.value.kind is ApiFailure.NOT_JSON
