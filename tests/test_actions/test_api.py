"""Who we are, how long we wait, and every way in which GitHub says no, against a real server; each sentence whole."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from autoprof_ci import __version__
from autoprof_ci.actions.api import ApiError, ApiFailure, Patience, asking, connect, full_name, my_login
from autoprof_ci.actions.refusals import permissions_for
from tests.fake_github import FakeGithub
from tests.test_actions.talking import HTML, ME, NUMBER, client, our_repo, with_pull

COMMENTS = r"/issues/7/comments$"
WRITE_COMMENT = ("write the comment", "pull-requests: write")


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        with_pull(fake)
        yield fake


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


def test_permissions_for__repeats_all_that_the_job_needs() -> None:
    assert permissions_for("contents: write") == "permissions: { contents: write, actions: read, pull-requests: write }"
    assert (
        permissions_for("statuses: write")
        == "permissions: { contents: read, actions: read, pull-requests: write, statuses: write }"
    )


def test_permissions_for__never_takes_away() -> None:
    assert permissions_for("pull-requests: read") == "permissions: { contents: read, actions: read, pull-requests: write }"


REFUSALS = {
    "bad-token": (
        {"status": 401},
        ApiFailure.UNAUTHORIZED,
        "GitHub refused to write the comment: the token is not valid (401: Bad credentials). "
        "Leave the input `github_token` out to use the job's own token, or renew the one it names.",
    ),
    "not-permitted": (
        {"status": 403},
        ApiFailure.NOT_PERMITTED,
        "GitHub refused to write the comment: the token lacks `pull-requests: write`. "
        "Give the job `permissions: { contents: read, actions: read, pull-requests: write }`; the pull request of a fork gets a "
        "token that only reads, whatever the workflow says: for it a second workflow on `workflow_run` with `mode: comment` "
        "writes.",
    ),
    "archived": (
        {"status": 403, "body": {"message": "Repository was archived so is read-only."}},
        ApiFailure.NOT_PERMITTED,
        "GitHub refused to write the comment (403: Repository was archived so is read-only). "
        "The job needs `permissions: { contents: read, actions: read, pull-requests: write }`, and a repository or an "
        "organisation that lets its token do this.",
    ),
    "forbidden-html": (
        {"status": 403, "body": HTML},
        ApiFailure.NOT_PERMITTED,
        "GitHub refused to write the comment: the token lacks `pull-requests: write`. "
        "Give the job `permissions: { contents: read, actions: read, pull-requests: write }`; the pull request of a fork gets a "
        "token that only reads, whatever the workflow says: for it a second workflow on `workflow_run` with `mode: comment` "
        "writes.",
    ),
    "locked": (
        {"status": 403, "body": {"message": "Unable to create comment because issue is locked."}},
        ApiFailure.LOCKED,
        "GitHub refused to write the comment: the conversation is locked. "
        "Unlock it and run the job again; the report is in the job summary meanwhile.",
    ),
    "blocked": (
        {"status": 403, "body": {"message": "User is blocked"}},
        ApiFailure.NOT_PERMITTED,
        "GitHub refused to write the comment (403: User is blocked). "
        "The job needs `permissions: { contents: read, actions: read, pull-requests: write }`, and a repository or an "
        "organisation that lets its token do this.",
    ),
    "not-found": (
        {"status": 404},
        ApiFailure.NOT_FOUND,
        "GitHub could not write the comment: it is not there, or the token may not see it (404). "
        "Check that it still exists, and that the job has "
        "`permissions: { contents: read, actions: read, pull-requests: write }`.",
    ),
    "gone": (
        {"status": 410, "body": {"message": "Issues are disabled for this repo"}},
        ApiFailure.GONE,
        "GitHub could not write the comment: it is gone (410: Issues are disabled for this repo). "
        "Nothing brings it back; the report is in the job summary.",
    ),
    "unprocessable": (
        {"status": 422, "body": {"message": "Validation Failed", "errors": [{"field": "body", "code": "invalid"}, "odd", 5]}},
        ApiFailure.REFUSED,
        "GitHub refused to write the comment (422: Validation Failed; body invalid; odd; 5). "
        "The report is in the job summary; if the reason is not yours to change, please report it with this line.",
    ),
    "media-type": (
        {"status": 415, "body": {"message": "Unsupported 'Accept' header: 'x'."}},
        ApiFailure.REFUSED,
        "GitHub refused to write the comment (415: Unsupported 'Accept' header: 'x'). "
        "The report is in the job summary; if the reason is not yours to change, please report it with this line.",
    ),
    "server-error": (
        {"status": 500},
        ApiFailure.UNAVAILABLE,
        "GitHub could not be asked to write the comment: it answered 500: Server Error. "
        "Run the job again; https://www.githubstatus.com tells whether GitHub has trouble.",
    ),
    "html-instead-of-json": (
        {"status": 200, "body": HTML},
        ApiFailure.NOT_JSON,
        "What came back when GitHub was asked to write the comment is not an answer of its API. "
        "Check GITHUB_API_URL and the proxy of the runner: a login page or an error page may answer in GitHub's place.",
    ),
    "html-refusal": (
        {"status": 407, "body": HTML},
        ApiFailure.NOT_JSON,
        "What came back when GitHub was asked to write the comment is not an answer of its API. "
        "Check GITHUB_API_URL and the proxy of the runner: a login page or an error page may answer in GitHub's place.",
    ),
    "connection-dropped": (
        {"drop": True},
        ApiFailure.UNAVAILABLE,
        "GitHub could not be asked to write the comment: the connection broke off. "
        "Run the job again; https://www.githubstatus.com tells whether GitHub has trouble.",
    ),
    "hang": (
        {"hang_s": 3.0},
        ApiFailure.UNAVAILABLE,
        "GitHub could not be asked to write the comment: no answer in time. "
        "Run the job again; https://www.githubstatus.com tells whether GitHub has trouble.",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_asking__says_in_one_sentence_what_happened_and_what_to_do(server: FakeGithub, name: str) -> None:
    fault, kind, sentence = REFUSALS[name]
    server.fail("POST", COMMENTS, **fault)
    error = refusal(server)
    assert (error.kind, str(error)) == (kind, sentence)
    assert [request.method for request in server.log] == ["POST"], "a POST is not repeated"


def test_asking__without_the_permission(server: FakeGithub) -> None:
    repo = our_repo(server, {"contents": "read", "pull-requests": "read"})
    with pytest.raises(ApiError, match="the token lacks `pull-requests: write`") as caught, asking(*WRITE_COMMENT):
        repo.get_issue(NUMBER).create_comment("text")
    assert caught.value.kind is ApiFailure.NOT_PERMITTED


def test_asking__where_nothing_listens() -> None:
    with FakeGithub() as server:
        gone = server.url
    with pytest.raises(ApiError, match="the connection was refused") as caught:
        my_login(connect(gone, "t", Patience(retries=1, backoff_s=0.0)))
    assert caught.value.kind is ApiFailure.UNAVAILABLE


def test_asking__with_certificates_that_only_the_runner_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    with pytest.raises(ApiError, match="REQUESTS_CA_BUNDLE names is not in this container") as caught:
        my_login(connect("https://127.0.0.1:9", "t", Patience(retries=0)))
    assert caught.value.kind is ApiFailure.UNAVAILABLE


@pytest.mark.parametrize(
    ("around", "said"), [("", "the proxy did not let it through"), ("127.0.0.1", None)], ids=["proxied", "excepted"]
)
def test_asking__through_a_proxy_that_is_not_there(
    server: FakeGithub, monkeypatch: pytest.MonkeyPatch, around: str, said: str | None
) -> None:
    for name, value in (("http_proxy", "http://127.0.0.1:9"), ("no_proxy", around), ("NO_PROXY", around)):
        monkeypatch.setenv(name, value)
    if said is None:
        assert my_login(client(server)) == ME
        return
    with pytest.raises(ApiError, match=said):
        my_login(client(server))


def test_asking__keeps_foreign_words_on_one_short_line(server: FakeGithub) -> None:
    server.fail("POST", COMMENTS, status=422, body={"message": "a\n::error::b\x1b[31m\r" + "x" * 5000})
    error = refusal(server)
    assert error.what.isprintable()
    assert len(error.what) < 300


ODD_ANSWERS = [
    "[]",
    "[1]",
    "null",
    "5",
    '"text"',
    "{",
    "[",
    '{"id": 1',
    "",
    HTML,
    '{"message": 5}',
    '{"message": {"a": 1}}',
    "\x00\xff",
    "[[]]",
]


@pytest.mark.parametrize("status", [200, 403, 404, 422, 500])
def test_asking__survives_every_odd_answer_to_a_question(server: FakeGithub, status: int) -> None:
    nothing = ("[]", "", "null") if status == 200 else ()
    for body in ODD_ANSWERS:
        server.fail("GET", COMMENTS, status=status, body=body, times=3 if status == 500 else 1)
        if body in nothing:
            assert read(server) == [], body
            continue
        with pytest.raises(ApiError) as caught:
            read(server)
        assert caught.value.kind not in (ApiFailure.RATE_LIMITED, ApiFailure.LOCKED), body
    assert server.faults_left == 0


@pytest.mark.parametrize("status", [200, 201, 403, 404, 422])
def test_asking__survives_every_odd_answer_to_an_order(server: FakeGithub, status: int) -> None:
    for body in ODD_ANSWERS:
        server.fail("POST", COMMENTS, status=status, body=body)
        with pytest.raises(ApiError):
            post(server)
    assert server.faults_left == 0


def test_asking__with_an_answer_that_breaks_off(server: FakeGithub) -> None:
    server.fail("GET", COMMENTS, truncate_bytes=1)
    with pytest.raises(ApiError, match="the connection broke off") as caught:
        read(server)
    assert caught.value.kind is ApiFailure.UNAVAILABLE


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
