"""How long we wait for GitHub, and what is asked again."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool
from urllib3.exceptions import MaxRetryError, ReadTimeoutError
from urllib3.util.retry import Retry

from autoprof_ci.actions.api import ApiError, ApiFailure, Patience, asking, connect, my_login
from autoprof_ci.actions.changed_files import BRIEF
from autoprof_ci.actions.patience import GivenUpError, PatientRetry
from autoprof_ci.actions.transport import session
from tests.fake_github import FakeGithub
from tests.test_actions.talking import COMMENTS, HTML, ME, NUMBER, our_repo, post, read, refusal, with_pull


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        with_pull(fake)
        yield fake


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_retry__a_question_is_asked_again(server: FakeGithub, status: int) -> None:
    server.fail("GET", COMMENTS, status=status, body=HTML, times=2)
    assert read(server) == []
    assert len(server.log) == 3


def test_retry__a_question_that_hangs_is_asked_again(server: FakeGithub) -> None:
    server.fail("GET", COMMENTS, hang_s=2.0)
    assert read(server) == []


def test_retry__an_edit_is_repeated(server: FakeGithub) -> None:
    post(server)
    server.fail("PATCH", "/issues/comments/", status=502, times=2)
    [comment] = our_repo(server).get_issue(NUMBER).get_comments()
    comment.edit("other")
    assert read(server) == ["other"]


def test_retry__gives_up_and_says_so(server: FakeGithub) -> None:
    server.fail("GET", COMMENTS, status=502, times=9)
    with pytest.raises(ApiError) as caught:
        read(server)
    assert caught.value.what == "GitHub could not be asked to list the comments: it answered 502 again and again"
    assert server.faults_left == 6


@pytest.mark.parametrize("status", [403, 429])
def test_retry__a_secondary_limit_is_waited_for_also_by_a_post(server: FakeGithub, status: int) -> None:
    server.limit("POST", COMMENTS, status=status, retry_after_s=1)
    begin = time.monotonic()
    post(server)
    assert time.monotonic() - begin >= 1.0
    assert [request.status for request in server.log] == [status, 201]


@pytest.mark.parametrize("status", [403, 429])
def test_retry__a_limit_that_lasts_too_long_is_not_waited_for(server: FakeGithub, status: int) -> None:
    server.limit("POST", COMMENTS, status=status, retry_after_s=3600)
    error = refusal(server)
    assert error.kind is ApiFailure.RATE_LIMITED
    assert str(error) == (
        "GitHub did not write the comment: too many requests with this token; it asks to wait 60 minutes, "
        "which is longer than we do. "
        "Run the job again later; the report is in the job summary meanwhile."
    )


def test_retry__a_primary_limit_that_ends_soon_is_waited_for(server: FakeGithub) -> None:
    token = server.token()
    server.exhaust(token, reset_in_s=1.0)
    assert my_login(connect(server.url, token, Patience(backoff_s=0.0, between_writes_s=0.0))) == ME


def test_retry__a_primary_limit_that_lasts_is_not_waited_for(server: FakeGithub) -> None:
    token = server.token()
    server.exhaust(token, reset_in_s=1800.0)
    with pytest.raises(ApiError, match="it asks to wait 30 minutes") as caught:
        my_login(connect(server.url, token))
    assert caught.value.kind is ApiFailure.RATE_LIMITED


def test_retry__too_many_requests_without_a_word_when_to_come_again(server: FakeGithub) -> None:
    server.fail("GET", COMMENTS, status=429, body={"message": "Too many requests"})
    begin = time.monotonic()
    assert read(server, rate_limit_s=0.5) == []
    assert 0.5 <= time.monotonic() - begin < 3.0


def test_retry__too_many_requests_that_never_end(server: FakeGithub) -> None:
    server.fail("GET", COMMENTS, status=429, body={"message": "Too many requests"}, times=9)
    with pytest.raises(ApiError) as caught:
        read(server, rate_limit_s=0.1)
    assert caught.value.what == "GitHub did not list the comments: too many requests with this token"
    assert len(server.log) == 3


@pytest.mark.parametrize("after", ["soon", "-5", "1e9", "٣"])
def test_retry__with_a_limit_that_makes_no_sense(server: FakeGithub, after: str) -> None:
    body = {"message": "You have exceeded a secondary rate limit."}
    server.fail("POST", COMMENTS, status=429, headers={"Retry-After": after.encode().decode("latin-1")}, body=body)
    with pytest.raises(ApiError):
        post(server)


def test_retry__unavailable_for_an_hour_is_not_waited_for(server: FakeGithub) -> None:
    server.fail("GET", COMMENTS, status=503, headers={"Retry-After": "3600"})
    with pytest.raises(ApiError, match="it answered 503 and asks to wait 3600 s") as caught:
        read(server)
    assert caught.value.kind is ApiFailure.UNAVAILABLE


def test_retry__the_purse_is_shared_by_all_requests(server: FakeGithub) -> None:
    repo = our_repo(server, timeout_s=1, retries=4, in_all_s=1.5)
    server.fail("GET", COMMENTS, hang_s=4.0, times=9)
    begin = time.monotonic()
    for _ in range(2):
        with pytest.raises(ApiError, match="no answer in time"), asking("list the comments"):
            list(repo.get_issue(NUMBER).get_comments())
    assert time.monotonic() - begin < 5.0
    assert len([request for request in server.log if request.path.endswith("/comments")]) == 3


def silent_for_s(retry: Retry, timeout_s: float) -> float:
    """How long a question lasts that nobody answers."""
    lasted_s = 0.0
    while True:
        lasted_s += timeout_s
        try:
            retry = retry.increment("GET", "/", error=ReadTimeoutError(HTTPConnectionPool("localhost"), "/", "silence"))
        except (GivenUpError, MaxRetryError):
            return lasted_s
        lasted_s += retry.get_backoff_time()


def test_patience__a_step_that_nobody_answers_waits_less_than_three_minutes() -> None:
    """Both connections are tried to their end, and then five more questions, each once; the brief one comes on top."""
    patience = Patience()
    adapter = session(patience).get_adapter("https://example.com")
    assert isinstance(adapter, HTTPAdapter)
    connections: tuple[Retry, ...] = (PatientRetry.of(patience), adapter.max_retries)
    first_s = [silent_for_s(each, patience.timeout_s) for each in connections]
    again_s = [silent_for_s(each, patience.timeout_s) for each in connections]
    assert (first_s, again_s) == ([57.0, 57.0], [12.0, 12.0])
    brief_s = silent_for_s(PatientRetry.of(BRIEF), BRIEF.timeout_s)
    assert brief_s == BRIEF.timeout_s
    assert sum(first_s) + 5 * patience.timeout_s + brief_s < 180
