"""A repository with one pull request on the fake GitHub, and a client of ours that does not wait long."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import github
import pytest

from autoprof_ci.actions.api import ApiError, Patience, asking, connect
from autoprof_ci.actions.comments import Draft, Stamp
from tests.fake_github import FakeGithub, Repository

ME = "github-actions[bot]"
NUMBER = 7
QUICK = Patience(timeout_s=1, retries=2, rate_limit_s=5.0, backoff_s=0.0, in_all_s=10.0, between_writes_s=0.0)
WRITE: Mapping[str, str] = {"contents": "write", "actions": "read", "pull-requests": "write", "statuses": "write"}
COMMENTS = r"/issues/7/comments$"
WRITE_COMMENT = ("write the comment", "pull-requests: write")
HTML = "<html><body><h1>Sign in to the proxy</h1></body></html>"


def with_pull(server: FakeGithub, *, private: bool = False) -> Repository:
    """``octo/app`` with pull request 7 of the branch ``feature``."""
    repository = server.repository("octo/app", private=private)
    base = repository.commit("first", branch="main")
    head = repository.commit("second", parents=(base,), branch="feature")
    repository.pull(NUMBER, head)
    return repository


def client(server: FakeGithub, permissions: Mapping[str, str] = WRITE, **patience: float) -> github.Github:
    return connect(server.url, server.token(permissions=permissions), dataclasses.replace(QUICK, **patience))


def our_repo(server: FakeGithub, permissions: Mapping[str, str] = WRITE, **patience: float) -> github.Repository.Repository:
    return client(server, permissions, **patience).get_repo("octo/app")


def draft(text: str = "It got slower.", *, run_id: int = 50, attempt: int = 1, key: str = "default") -> Draft:
    return Draft(body=f"<!-- autoprof-ci key={key} -->\n{text}", key=key, stamp=Stamp(run_id=run_id, run_attempt=attempt))


def asked(server: FakeGithub, method: str) -> list[tuple[str, int]]:
    """Path and status of every request with this method."""
    return [(request.path, request.status) for request in server.log if request.method == method]


def post(server: FakeGithub, **patience: float) -> None:
    repo = our_repo(server, **patience)
    with asking(*WRITE_COMMENT):
        assert repo.get_issue(NUMBER).create_comment("text").html_url.startswith(server.url)


def read(server: FakeGithub, **patience: float) -> list[str]:
    repo = our_repo(server, **patience)
    with asking("list the comments", "pull-requests: read"):
        return [comment.body for comment in repo.get_issue(NUMBER).get_comments()]


def refusal(server: FakeGithub, **patience: float) -> ApiError:
    with pytest.raises(ApiError) as caught:
        post(server, **patience)
    return caught.value
