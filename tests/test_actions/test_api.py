"""Who we are, how long we wait, and every way in which GitHub says no, against a real server; each sentence whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from autoprof_ci import __version__
from autoprof_ci.actions.api import ApiError, ApiFailure, connect, full_name, my_login
from tests.fake_github import FakeGithub
from tests.test_actions.talking import ME, client, our_repo, read, with_pull


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        with_pull(fake)
        yield fake


def test_connect__names_us_and_asks_for_full_pages(server: FakeGithub) -> None:
    read(server)
    [request] = server.log
    assert (request.headers["User-Agent"], request.query["per_page"]) == (f"autoprof-ci/{__version__}", "100")


def test_connect__asks_nothing_by_itself(server: FakeGithub) -> None:
    assert full_name(our_repo(server)) == "octo/app"
    assert server.log == []


@pytest.mark.parametrize("url", ["", "api.github.com", "ftp://x", "http://", "https://user@host/", "https://api\n.github.com"])
def test_connect__to_what_is_no_api(url: str) -> None:
    with pytest.raises(ApiError, match="is not the URL of an API") as caught:
        connect(url, "t")
    assert caught.value.kind is ApiFailure.UNAVAILABLE


def test_connect__with_a_token_that_was_pasted_with_its_line_end(server: FakeGithub) -> None:
    api = connect(server.url, server.token() + "\n")
    assert my_login(api) == ME


def test_connect__with_a_token_that_is_none(server: FakeGithub) -> None:
    with pytest.raises(ApiError, match="is not a token") as caught:
        connect(server.url, "ghs_a\nX-Injected: yes")
    assert caught.value.kind is ApiFailure.UNAUTHORIZED
    assert "ghs_a" not in str(caught.value)


def test_my_login__of_a_job() -> None:
    with FakeGithub() as server:
        assert my_login(client(server)) == ME
        assert [(request.method, request.path, request.status) for request in server.log] == [
            ("GET", "/user", 403),
            ("POST", "/graphql", 200),
        ]


def test_my_login__prints_nothing_of_the_refusal_it_expects(server: FakeGithub) -> None:
    ask = f"from autoprof_ci.actions.api import connect, my_login\nprint(my_login(connect({server.url!r}, {server.token()!r})))"
    done = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == (f"{ME}\n", "")


def test_my_login__of_a_person() -> None:
    with FakeGithub() as server:
        assert my_login(connect(server.url, server.token(login="octocat"))) == "octocat"


def test_my_login__of_another_app() -> None:
    with FakeGithub() as server:
        assert my_login(connect(server.url, server.token(login="perf-app[bot]"))) == "perf-app[bot]"


@pytest.mark.parametrize(
    "answer", [{"errors": [{"message": "no"}]}, {"data": {"viewer": None}}, {"data": {"viewer": {"login": 5}}}]
)
def test_my_login__where_graphql_does_not_tell(server: FakeGithub, answer: dict[str, Any]) -> None:
    server.fail("POST", "/graphql", status=200, body=answer)
    assert my_login(client(server)) == ME


def test_my_login__with_a_bad_token(server: FakeGithub) -> None:
    with pytest.raises(ApiError) as caught:
        my_login(connect(server.url, "wrong"))
    assert str(caught.value) == (
        "GitHub refused to say whose token this is: the token is not valid (401: Bad credentials). "
        "Leave the input `github_token` out to use the job's own token, or renew the one it names."
    )
