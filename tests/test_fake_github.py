"""The fake refuses what GitHub refuses: credentials, permissions, limits, comments, pull requests, runs and artifacts by REST."""

from __future__ import annotations

import http.client
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import github
import pytest
import requests

from tests.fake_github import FakeGithub, Repository
from tests.fake_github.plain import Plain, message_of

INTEGRATION = (403, "Resource not accessible by integration")


@pytest.fixture
def fake() -> Iterator[FakeGithub]:
    with FakeGithub() as running:
        yield running


@pytest.fixture
def app(fake: FakeGithub) -> Repository:
    """A repository with a base commit and the open pull request 7."""
    repository = fake.repository("octo/app")
    base = repository.commit("first", branch="main", files={"src/main.rs": "fn main() {}\n"})
    repository.pull(7, repository.commit("second", parents=(base,), files={"src/main.rs": "fn main() {\n}\n"}))
    return repository


def asking(fake: FakeGithub, **permissions: str) -> Plain:
    return Plain(url=fake.url, token=fake.token(permissions=permissions))


def in_order(answer: requests.Response) -> list[str]:
    return [item["body"] for item in answer.json()]


def test_request__without_a_user_agent_is_forbidden(fake: FakeGithub) -> None:
    host = urlsplit(fake.url).netloc
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request("GET", "/repos/octo/app")
    answer = connection.getresponse()
    assert (answer.status, answer.read()[:42]) == (403, b"Request forbidden by administrative rules.")


def test_request__of_an_unknown_route_is_404_in_json(fake: FakeGithub) -> None:
    assert message_of(Plain(url=fake.url)("GET", "no/such/route/here")) == (404, "Not Found")


def test_request__with_a_bad_or_revoked_token_is_401(fake: FakeGithub, app: Repository) -> None:
    token = fake.token()
    fake.revoke(token)
    answers = [Plain(url=fake.url, token=value)("GET", f"repos/{app.full_name}") for value in ("ghs_wrong", token)]
    assert [message_of(answer) for answer in answers] == [(401, "Bad credentials")] * 2


def test_request__with_broken_json_is_400(fake: FakeGithub, app: Repository) -> None:
    ask = asking(fake, **{"pull-requests": "write"})
    url = f"{fake.url}/repos/{app.full_name}/issues/7/comments"
    headers = {"Authorization": f"Bearer {ask.token}"}
    answers = [requests.post(url, data=data, headers=headers, timeout=10) for data in (b"{", b"[1]", b'{"body": NaN}')]
    assert [answer.status_code for answer in answers] == [400, 400, 400]
    assert app.comments(7) == []


def test_request__for_octets_is_415(fake: FakeGithub, app: Repository) -> None:
    ask = Plain(url=fake.url, token=fake.token(), headers={"Accept": "application/octet-stream"})
    assert ask("GET", f"repos/{app.full_name}").status_code == 415


def test_private_repository__is_404_for_whoever_may_not_see_it(fake: FakeGithub) -> None:
    fake.repository("octo/secret", id=5, private=True)
    outside = fake.token(repositories=("octo/app",))
    answers = [Plain(url=fake.url, token=token)("GET", "repos/octo/secret") for token in (None, outside, fake.token())]
    assert [answer.status_code for answer in answers] == [404, 404, 200]


def test_private_repository__needs_the_permission_to_be_read(fake: FakeGithub) -> None:
    secret = fake.repository("octo/secret", id=5, private=True)
    secret.commit(branch="main")
    ask = asking(fake, statuses="read")
    paths = ("commits", "actions/artifacts", "pulls", "git/ref/heads/main")
    assert [message_of(ask("GET", f"repos/octo/secret/{path}")) for path in paths] == [INTEGRATION] * 4


def test_primary_limit__is_403_until_its_reset(fake: FakeGithub, app: Repository) -> None:
    ask = asking(fake, contents="read")
    assert ask.token is not None
    fake.exhaust(ask.token, reset_in_s=3600)
    refused = ask("GET", f"repos/{app.full_name}")
    fake.exhaust(ask.token, reset_in_s=-1)
    assert refused.status_code == 403
    assert refused.json()["message"].startswith("API rate limit exceeded")
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert int(refused.headers["X-RateLimit-Reset"]) > 0
    assert ask("GET", f"repos/{app.full_name}").headers["X-RateLimit-Remaining"] == "999"


@pytest.mark.parametrize("status", [403, 429])
def test_secondary_limit__says_how_long_to_wait(fake: FakeGithub, app: Repository, status: int) -> None:
    fake.limit("GET", "/repos/", status=status, retry_after_s=7)
    refused = asking(fake)("GET", f"repos/{app.full_name}")
    assert (refused.status_code, refused.headers["Retry-After"]) == (status, "7")
    assert refused.json()["message"].startswith("You have exceeded a secondary rate limit")


def test_comments__by_the_dozen_run_into_the_secondary_limit(fake: FakeGithub, app: Repository) -> None:
    ask = asking(fake, issues="write")
    answers = [ask("POST", f"repos/{app.full_name}/issues/7/comments", {"body": "x"}) for _ in range(81)]
    assert [answer.status_code for answer in answers] == [201] * 80 + [403]
    assert answers[-1].headers["Retry-After"] == "60"


def test_comments__come_in_pages_of_30_oldest_first(fake: FakeGithub, app: Repository) -> None:
    for number in range(65):
        app.comment(7, f"{number}")
    ask = asking(fake)
    seen, url = [], f"{fake.url}/repos/{app.full_name}/issues/7/comments"
    pages = 0
    while url:
        answer = ask("GET", url)
        seen += in_order(answer)
        pages += 1
        url = answer.links.get("next", {}).get("url", "")
        assert not url or url.startswith(f"{fake.url}/repositories/1001/issues/7/comments?")
    assert (seen, pages) == ([str(number) for number in range(65)], 3)


@pytest.mark.parametrize(("per_page", "shown"), [("100", 100), ("1000", 100), ("0", 30), ("x", 30), ("-5", 30), ("2", 2)])
def test_pages__are_at_most_100_long(fake: FakeGithub, app: Repository, per_page: str, shown: int) -> None:
    for _ in range(101):
        app.comment(7, "x")
    assert len(asking(fake)("GET", f"repos/{app.full_name}/issues/7/comments?per_page={per_page}").json()) == shown


def test_pages__name_first_previous_and_last(fake: FakeGithub, app: Repository) -> None:
    for _ in range(5):
        app.comment(7, "x")
    answer = asking(fake)("GET", f"repos/{app.full_name}/issues/7/comments?per_page=2&page=2")
    pages = {name: re.search(r"[?&]page=(\d+)", link["url"])[1] for name, link in answer.links.items()}  # type: ignore[index]
    assert pages == {"next": "3", "last": "3", "prev": "1", "first": "1"}


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        ({"pull-requests": "write"}, 201),
        ({"issues": "write"}, 201),
        ({"pull-requests": "read", "contents": "write"}, 403),
        ({}, 403),
    ],
)
def test_comment__needs_a_permission(fake: FakeGithub, app: Repository, permissions: dict[str, str], status: int) -> None:
    answer = asking(fake, **permissions)("POST", f"repos/{app.full_name}/issues/7/comments", {"body": "hello"})
    assert answer.status_code == status
    assert [comment["body"] for comment in app.comments(7)] == (["hello"] if status == 201 else [])


def test_comment__without_a_token_is_401_and_on_nothing_404(fake: FakeGithub, app: Repository) -> None:
    path = f"repos/{app.full_name}/issues"
    assert message_of(Plain(url=fake.url)("POST", f"{path}/7/comments", {"body": "x"})) == (401, "Requires authentication")
    assert message_of(asking(fake, issues="write")("POST", f"{path}/8/comments", {"body": "x"})) == (404, "Not Found")


def test_comment__may_have_65536_characters(fake: FakeGithub, app: Repository) -> None:
    ask = asking(fake, **{"pull-requests": "write"})
    path = f"repos/{app.full_name}/issues/7/comments"
    assert ask("POST", path, {"body": "é" * 65_536}).status_code == 201
    refused = ask("POST", path, {"body": "é" * 65_537})
    error = {"resource": "IssueComment", "code": "custom", "field": "body"}
    assert refused.status_code == 422
    assert refused.json()["message"] == "Validation Failed"
    assert refused.json()["errors"] == [error | {"message": "body is too long (maximum is 65536 characters)"}]


@pytest.mark.parametrize("body", [{}, {"body": ""}, {"body": " \n"}, {"body": None}, {"body": 5}])
def test_comment__without_text_is_422(fake: FakeGithub, app: Repository, body: object) -> None:
    answer = asking(fake, **{"pull-requests": "write"})("POST", f"repos/{app.full_name}/issues/7/comments", body)
    assert (answer.status_code, app.comments(7)) == (422, [])


def test_comment__on_a_locked_conversation_is_403(fake: FakeGithub, app: Repository) -> None:
    app.lock(7)
    answer = asking(fake, **{"pull-requests": "write"})("POST", f"repos/{app.full_name}/issues/7/comments", {"body": "x"})
    assert message_of(answer) == (403, "Unable to create comment because issue is locked.")


def test_comment__is_edited_and_deleted_by_its_author_only(fake: FakeGithub, app: Repository) -> None:
    ours, theirs = app.comment(7, "ours"), app.comment(7, "theirs", login="mallory")
    ask = asking(fake, **{"pull-requests": "write"})
    path = f"repos/{app.full_name}/issues/comments"
    edited = ask("PATCH", f"{path}/{ours}", {"body": "new"}).json()
    assert [message_of(ask(method, f"{path}/{theirs}", {"body": "x"})) for method in ("PATCH", "DELETE")] == [INTEGRATION] * 2
    assert edited["user"] | {"id": 0} == {
        "login": "github-actions[bot]",
        "type": "Bot",
        "node_id": "U_github-actions[bot]",
        "id": 0,
    }
    assert edited["updated_at"] >= edited["created_at"]
    assert [(comment["login"], comment["body"]) for comment in app.comments(7)] == [
        ("github-actions[bot]", "new"),
        ("mallory", "theirs"),
    ]
    assert ask("DELETE", f"{path}/{ours}").status_code == 204
    assert [comment["id"] for comment in app.comments(7)] == [theirs]
    assert message_of(ask("PATCH", f"{path}/{ours}", {"body": "x"})) == (404, "Not Found")


def test_viewer__is_known_to_graphql_and_to_rest_only_for_people(fake: FakeGithub) -> None:
    bot, person = (Plain(url=fake.url, token=fake.token(login=login)) for login in ("github-actions[bot]", "octocat"))
    assert message_of(bot("GET", "user")) == INTEGRATION
    assert person("GET", "user").json()["login"] == "octocat"
    assert bot("POST", "graphql", {"query": "{ viewer { login } }"}).json() == {
        "data": {"viewer": {"login": "github-actions[bot]"}}
    }
    assert bot("POST", "graphql", {"query": "{ rateLimit { cost } }"}).json()["data"] is None


def test_minimize__is_recorded_and_needs_a_permission(fake: FakeGithub, app: Repository) -> None:
    id = app.comment(7, "old")
    asked = "minimizeComment(input: {subjectId: $id, classifier: OUTDATED}) { minimizedComment { isMinimized } }"
    body = {"query": f"mutation($id: ID!) {{ {asked} }}", "variables": {"id": f"IC_{id}"}}
    assert message_of(asking(fake)("POST", "graphql", body)) == INTEGRATION
    assert app.comments(7)[0]["minimized"] is None
    done = asking(fake, **{"pull-requests": "write"})("POST", "graphql", body).json()
    assert done["data"]["minimizeComment"]["minimizedComment"] == {"isMinimized": True, "minimizedReason": "outdated"}
    assert app.comments(7)[0]["minimized"] == "OUTDATED"


def test_pulls__are_found_by_owner_and_branch(fake: FakeGithub, app: Repository) -> None:
    fork = app.fork("stranger/app")
    app.pull(8, fork.commit("theirs", branch="main"), head_repository=fork, head_ref="main")
    app.pull(9, fork.commit("older", branch="feature"), head_repository=fork)
    app.close(9)
    ask = asking(fake)
    asked = (
        "head=stranger:main",
        "head=stranger:feature",
        "head=stranger:feature&state=all",
        "head=octo:main",
        "state=all",
        "head=main",
    )
    found = [[pull["number"] for pull in ask("GET", f"repos/octo/app/pulls?{query}").json()] for query in asked]
    assert found == [[8], [], [9], [], [9, 8, 7], [8, 7]]


def test_pull__of_a_deleted_fork_has_no_head_repository(fake: FakeGithub, app: Repository) -> None:
    fork = app.fork("stranger/app")
    head = fork.commit("theirs", branch="feature")
    app.pull(8, head, head_repository=fork)
    before = asking(fake)("GET", "repos/octo/app/pulls/8").json()["head"]
    app.delete_fork(8)
    after = asking(fake)("GET", "repos/octo/app/pulls/8").json()["head"]
    assert (before["repo"]["id"], before["repo"]["fork"]) == (2002, True)
    assert (after["repo"], after["sha"], after["label"]) == (None, head, "stranger:feature")


def test_pull__moves_its_head_and_shows_its_files(fake: FakeGithub, app: Repository) -> None:
    newer = app.commit("third", parents=(app.pulls[7].head_sha,), files={"bin": b"\xff\xfe"})
    app.push(7, newer)
    ask = asking(fake)
    pull = ask("GET", "repos/octo/app/pulls/7").json()
    files = ask("GET", "repos/octo/app/pulls/7/files").json()
    assert (pull["head"]["sha"], pull["merge_commit_sha"]) == (newer, app.refs["refs/pull/7/merge"])
    assert [(file["filename"], file.get("patch")) for file in files] == [
        ("bin", None),
        ("src/main.rs", "@@ -1 +1,2 @@\n-fn main() {}\n+fn main() {\n+}"),
    ]


def test_run__names_its_head_even_when_its_fork_is_gone(fake: FakeGithub, app: Repository) -> None:
    head = app.pulls[7].head_sha
    app.run(1, event="pull_request", head_branch="feature", head_sha=head)
    app.run(2, event="pull_request", head_branch="main", head_sha=head, head_repository_id=777, conclusion=None)
    ask = asking(fake)
    runs = [ask("GET", f"repos/octo/app/actions/runs/{id}").json() for id in (1, 2)]
    assert [run["pull_requests"] for run in runs] == [[{"number": 7, "head": {"ref": "feature", "sha": head}}], []]
    assert [(run["head_repository"] or {}).get("id") for run in runs] == [1001, None]
    assert [(run["status"], run["conclusion"]) for run in runs] == [("completed", "success"), ("in_progress", None)]
    assert ask("GET", "repos/octo/app/actions/workflows/autoprof.yml/runs?branch=main").json()["total_count"] == 1
    assert ask("GET", "repos/octo/app/actions/runs/3").status_code == 404


def test_library__is_content_with_the_fake(fake: FakeGithub, app: Repository) -> None:
    """PyGithub refuses addresses of other hosts and follows every Link: it sees one consistent server."""
    for number in range(40):
        app.comment(7, f"{number}")
    api = github.Github(
        base_url=fake.url, auth=github.Auth.Token(fake.token()), seconds_between_writes=0, seconds_between_requests=0
    )
    repository = api.get_repo("octo/app")
    pull = repository.get_pull(7)
    comment = pull.create_issue_comment("from the library")
    comment.edit("edited")
    assert [item.body for item in pull.get_issue_comments()] == [*[str(number) for number in range(40)], "edited"]
    assert [file.filename for file in pull.get_files()] == ["src/main.rs"]
    assert repository.get_contents("src/main.rs", ref=pull.head.sha).decoded_content == b"fn main() {\n}\n"  # type: ignore[union-attr]
    assert repository.compare("main", pull.head.sha).merge_base_commit.sha == app.refs["refs/heads/main"]
