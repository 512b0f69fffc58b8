"""Every way in which GitHub says no, against a real server; each sentence whole."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autoprof_ci.actions.api import ApiError, ApiFailure, Patience, asking, connect, my_login
from autoprof_ci.actions.refusals import permissions_for
from tests.fake_github import FakeGithub
from tests.test_actions.talking import COMMENTS, HTML, ME, NUMBER, WRITE_COMMENT, client, our_repo, post, read, refusal, with_pull


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        with_pull(fake)
        yield fake


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
