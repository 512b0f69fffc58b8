"""The dot beside a commit: within GitHub's limits, and no matter where it is not wanted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autoprof_ci.actions.api import ApiError, ApiFailure
from autoprof_ci.actions.statuses import CommitStatus, State, Written, context_of, publish
from tests.fake_github import FakeGithub
from tests.test_actions.talking import NUMBER, our_repo, with_pull


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        with_pull(fake)
        yield fake


def head(server: FakeGithub) -> str:
    return server.repository().pulls[NUMBER].head_sha


def status(**fields: str) -> CommitStatus:
    return CommitStatus(key=fields.get("key", "default"), state=State.FAILURE, description=fields.get("description", "Slower"))


def test_publish__sets_the_status(server: FakeGithub) -> None:
    wanted = CommitStatus(key="arm", state=State.SUCCESS, description="No regression", target_url="https://example.com/run/1")
    assert publish(our_repo(server), head(server), wanted) is Written.WRITTEN
    [found] = server.repository().statuses(head(server))
    assert {name: found[name] for name in ("state", "context", "description", "target_url")} == {
        "state": "success",
        "context": "autoprof-ci/arm",
        "description": "No regression",
        "target_url": "https://example.com/run/1",
    }


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("x" * 140, "x" * 140),
        ("x" * 141, "x" * 139 + "…"),
        ("a\n\nb\t c", "a b c"),
        ("word " * 40, ("word " * 28).strip()[:139] + "…"),
        ("🔴" * 141, "🔴" * 139 + "…"),
        ("", ""),
    ],
)
def test_publish__cuts_the_sentence(server: FakeGithub, text: str, sent: str) -> None:
    publish(our_repo(server), head(server), status(description=text))
    assert [found["description"] for found in server.repository().statuses(head(server))] == [sent]


def test_publish__needs_no_address(server: FakeGithub) -> None:
    publish(our_repo(server), head(server), status())
    assert [found["target_url"] for found in server.repository().statuses(head(server))] == [None]


def test_publish__without_permission_is_no_error(server: FakeGithub) -> None:
    repo = our_repo(server, {"contents": "read", "pull-requests": "write"})
    assert publish(repo, head(server), status()) is Written.NOT_PERMITTED
    assert server.repository().statuses(head(server)) == []


def test_publish__where_the_repository_is_not_seen(server: FakeGithub) -> None:
    server.fail("POST", "/statuses/", status=404)
    assert publish(our_repo(server), head(server), status()) is Written.NOT_PERMITTED


@pytest.mark.parametrize(
    ("code", "kind"), [(401, ApiFailure.UNAUTHORIZED), (500, ApiFailure.UNAVAILABLE), (422, ApiFailure.REFUSED)]
)
def test_publish__other_trouble(server: FakeGithub, code: int, kind: ApiFailure) -> None:
    server.fail("POST", "/statuses/", status=code)
    with pytest.raises(ApiError, match="set the status of the commit") as caught:
        publish(our_repo(server), head(server), status())
    assert caught.value.kind is kind


def test_publish__of_a_commit_that_is_not_there(server: FakeGithub) -> None:
    with pytest.raises(ApiError, match="No commit found for SHA") as caught:
        publish(our_repo(server), "0" * 40, status())
    assert caught.value.kind is ApiFailure.REFUSED


def test_context_of__names_every_key_but_the_default() -> None:
    assert [context_of(key) for key in ("default", "arm")] == ["autoprof-ci", "autoprof-ci/arm"]
