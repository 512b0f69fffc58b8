"""The comment of a pull request: found on any page, ours only, made once, whoever else writes at the same time."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator

import pytest

from autoprof_ci.actions import comments
from autoprof_ci.actions.api import ApiError, ApiFailure
from autoprof_ci.actions.comments import Draft, IfAbsent, Published, Stamp, What, complete, length, previous, publish
from tests.fake_github import FakeGithub, Repository
from tests.test_actions.talking import HTML, ME, NUMBER, asked, draft, our_repo, with_pull

COMMENTS = r"/issues/7/comments$"
ONE_COMMENT = r"/issues/comments/\d+$"


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        yield fake


@pytest.fixture
def repository(server: FakeGithub) -> Repository:
    return with_pull(server)


def bodies(repository: Repository) -> list[str]:
    return [str(comment["body"]) for comment in repository.comments(NUMBER)]


def url_of(server: FakeGithub, id: int) -> str:
    return f"{server.url}/octo/app/pull/{NUMBER}#issuecomment-{id}"


def ids(repository: Repository) -> list[int]:
    return [int(str(comment["id"])) for comment in repository.comments(NUMBER)]


def test_publish__the_first_time(server: FakeGithub, repository: Repository) -> None:
    written = publish(our_repo(server), NUMBER, draft("Slower."), ME)
    [id] = ids(repository)
    assert written == Published(what=What.CREATED, url=url_of(server, id))
    assert bodies(repository) == [
        "<!-- autoprof-ci key=default -->\n"
        '<!-- autoprof-ci-run {"attempt":1,"commit":null,"run_id":50,"run_number":null} -->\n'
        "Slower."
    ]


def test_publish__again_in_place(server: FakeGithub, repository: Repository) -> None:
    repo = our_repo(server)
    first = publish(repo, NUMBER, draft("Slower.", run_id=50), ME)
    second = publish(repo, NUMBER, draft("Fixed.", run_id=51), ME)
    assert second == Published(what=What.UPDATED, url=first.url)
    assert bodies(repository) == [complete(draft("Fixed.", run_id=51))]


def test_publish__the_same_again_writes_nothing(server: FakeGithub, repository: Repository) -> None:
    repo = our_repo(server)
    first = publish(repo, NUMBER, draft("a  \nb"), ME)
    stored = next(iter(repository.all_comments.values()))
    stored.body = stored.body.replace("\n", "\r\n").replace("a  ", "a") + "\n"
    assert publish(repo, NUMBER, draft("a  \nb"), ME) == Published(what=What.UNCHANGED, url=first.url)
    assert asked(server, "PATCH") == []


def test_publish__other_keys_have_comments_of_their_own(server: FakeGithub, repository: Repository) -> None:
    repo = our_repo(server)
    for key in ("default", "linux", "linux-arm", "linux"):
        publish(repo, NUMBER, draft(key, key=key), ME)
    assert [body.splitlines()[-1] for body in bodies(repository)] == ["default", "linux", "linux-arm"]


def test_publish__without_a_marker_in_the_draft(server: FakeGithub, repository: Repository) -> None:
    publish(our_repo(server), NUMBER, Draft(body="plain", key="k", stamp=Stamp(run_id=1)), ME)
    assert bodies(repository)[0].splitlines()[::2] == ["<!-- autoprof-ci key=k -->", "plain"]


def test_publish__finds_ours_behind_250_others_on_pages_of_30(server: FakeGithub, repository: Repository) -> None:
    for number in range(249):
        repository.comment(NUMBER, f"comment {number}", login="octocat")
    ours = repository.comment(NUMBER, complete(draft("old", run_id=1)))
    repo = our_repo(server)
    repo.requester.per_page = 30
    assert publish(repo, NUMBER, draft("new"), ME) == Published(what=What.UPDATED, url=url_of(server, ours))
    assert len([request for request in server.log if request.method == "GET"]) == 9


def test_publish__never_touches_what_somebody_else_wrote(server: FakeGithub, repository: Repository) -> None:
    planted = complete(draft("You are hacked", run_id=999))
    for login in ("mallory", "github-actions", "GITHUB-ACTIONS[bot]", "dependabot[bot]"):
        repository.comment(NUMBER, planted, login=login)
    repository.comment(NUMBER, f"> {planted}", login=ME)
    repository.comment(NUMBER, f"\n{planted}", login=ME)
    assert publish(our_repo(server), NUMBER, draft("new"), ME).what is What.CREATED
    assert bodies(repository) == [*[planted] * 4, f"> {planted}", f"\n{planted}", complete(draft("new"))]
    assert asked(server, "DELETE") == asked(server, "PATCH") == []


@pytest.mark.usefixtures("repository")
def test_publish__a_comment_of_nobody_and_one_without_a_text(server: FakeGithub) -> None:
    ours = {"id": 5, "body": complete(draft("old", run_id=1)), "user": {"login": ME, "type": "Bot"}, "html_url": "https://x/5"}
    odd = [{"id": 1, "body": None, "user": {"login": ME}}, {"id": 2, "body": complete(draft()), "user": None}, {"id": 3}, ours]
    for comment in odd:
        comment["url"] = f"{server.url}/repos/octo/app/issues/comments/{comment['id']}"
    server.fail("GET", COMMENTS, status=200, body=json.dumps(odd))
    server.fail("GET", ONE_COMMENT, status=200, body=json.dumps({"body": "", "user": None}), times=2)
    assert previous(our_repo(server), NUMBER, "default", ME) == ours["body"]


@pytest.mark.parametrize(
    "fault", [{"status": 502, "body": HTML}, {"status": 500}, {"hang_s": 2.0}, {"drop": True}, {"status": 200, "body": HTML}]
)
def test_publish__is_made_once_though_the_answer_was_lost(
    server: FakeGithub, repository: Repository, fault: dict[str, object]
) -> None:
    server.fail("POST", COMMENTS, when="after", **fault)  # type: ignore[arg-type]
    written = publish(our_repo(server), NUMBER, draft(), ME)
    [id] = ids(repository)
    assert written == Published(what=What.CREATED, url=url_of(server, id))
    assert len(asked(server, "POST")) == 1


def test_publish__is_posted_again_when_nothing_was_made(server: FakeGithub, repository: Repository) -> None:
    server.fail("POST", COMMENTS, status=502, times=2)
    assert publish(our_repo(server), NUMBER, draft(), ME).what is What.CREATED
    assert [status for _, status in asked(server, "POST")] == [502, 502, 201]
    assert len(bodies(repository)) == 1


def test_publish__is_given_up_at_last(server: FakeGithub, repository: Repository) -> None:
    server.fail("POST", COMMENTS, status=502, times=9)
    with pytest.raises(ApiError) as caught:
        publish(our_repo(server), NUMBER, draft(), ME)
    assert caught.value.kind is ApiFailure.UNAVAILABLE
    assert len(asked(server, "POST")) == 3
    assert bodies(repository) == []


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"status": 401}, ApiFailure.UNAUTHORIZED),
        ({"status": 403}, ApiFailure.NOT_PERMITTED),
        ({"status": 404}, ApiFailure.NOT_FOUND),
        ({"status": 422}, ApiFailure.REFUSED),
        ({"status": 429, "headers": {"Retry-After": "900"}}, ApiFailure.RATE_LIMITED),
    ],
)
def test_publish__a_clear_no_is_not_asked_twice(
    server: FakeGithub, repository: Repository, fault: dict[str, object], kind: ApiFailure
) -> None:
    server.fail("POST", COMMENTS, **fault)  # type: ignore[arg-type]
    with pytest.raises(ApiError) as caught:
        publish(our_repo(server), NUMBER, draft(), ME)
    assert caught.value.kind is kind
    assert len(asked(server, "POST")) == 1
    assert bodies(repository) == []


def test_publish__without_permission(server: FakeGithub, repository: Repository) -> None:
    with pytest.raises(ApiError) as caught:
        publish(our_repo(server, {"contents": "read", "pull-requests": "read"}), NUMBER, draft(), ME)
    assert (caught.value.kind, caught.value.what) == (
        ApiFailure.NOT_PERMITTED,
        "GitHub refused to write the comment: the token lacks `pull-requests: write`",
    )
    assert bodies(repository) == []


def test_publish__in_a_private_repository_it_may_not_see(server: FakeGithub) -> None:
    with_pull(server, private=True)
    with pytest.raises(ApiError, match="the token lacks `pull-requests: read`"):
        publish(our_repo(server, {"contents": "read"}), NUMBER, draft(), ME)


def test_publish__into_a_locked_conversation(server: FakeGithub, repository: Repository) -> None:
    repository.lock(NUMBER)
    with pytest.raises(ApiError, match="the conversation is locked") as caught:
        publish(our_repo(server), NUMBER, draft(), ME)
    assert caught.value.kind is ApiFailure.LOCKED


def test_publish__on_a_pull_request_that_is_not_there(server: FakeGithub, repository: Repository) -> None:
    with pytest.raises(ApiError, match="GitHub could not list the comments of the pull request: it is not there") as caught:
        publish(our_repo(server), 99, draft(), ME)
    assert caught.value.kind is ApiFailure.NOT_FOUND
    assert bodies(repository) == []


def test_publish__the_longest_body_that_fits_and_one_more(server: FakeGithub, repository: Repository) -> None:
    room = comments.LIMIT - length(complete(draft("")))
    repo = our_repo(server)
    assert publish(repo, NUMBER, draft("x" * room), ME).what is What.CREATED
    with pytest.raises(ApiError, match=r"body is too long \(maximum is 65536 characters\)") as caught:
        publish(repo, NUMBER, draft("x" * (room + 1), run_id=51), ME)
    assert caught.value.kind is ApiFailure.REFUSED
    assert bodies(repository) == [complete(draft("x" * room))]


def test_publish__creates_nothing_for_a_plain_green_where_none_is_wanted(server: FakeGithub, repository: Repository) -> None:
    quiet = Draft(body="green", key="default", stamp=Stamp(run_id=1), if_absent=IfAbsent.LEAVE)
    assert publish(our_repo(server), NUMBER, quiet, ME) == Published(what=What.LEFT_ABSENT)
    assert bodies(repository) == []


def test_publish__turns_an_old_red_green_also_where_none_would_be_created(server: FakeGithub, repository: Repository) -> None:
    repo = our_repo(server)
    publish(repo, NUMBER, draft("red", run_id=1), ME)
    quiet = Draft(body="green", key="default", stamp=Stamp(run_id=2), if_absent=IfAbsent.LEAVE)
    assert publish(repo, NUMBER, quiet, ME).what is What.UPDATED
    assert bodies(repository) == [complete(quiet)]


@pytest.mark.parametrize(("run_id", "attempt"), [(49, 1), (49, 9), (50, 1)])
def test_publish__an_older_run_leaves_the_newer_ones_comment(
    server: FakeGithub, repository: Repository, run_id: int, attempt: int
) -> None:
    repo = our_repo(server)
    newer = publish(repo, NUMBER, draft("newer", run_id=50, attempt=2), ME)
    assert publish(repo, NUMBER, draft("older", run_id=run_id, attempt=attempt), ME) == Published(
        what=What.KEPT_NEWER, url=newer.url
    )
    assert bodies(repository) == [complete(draft("newer", run_id=50, attempt=2))]


def test_publish__removes_what_a_race_or_an_older_version_left(server: FakeGithub, repository: Repository) -> None:
    unstamped = "<!-- autoprof-ci key=default -->\nfrom an older version"
    repository.comment(NUMBER, complete(draft("newest", run_id=9)))
    repository.comment(NUMBER, complete(draft("older", run_id=8)))
    repository.comment(NUMBER, unstamped)
    repository.comment(NUMBER, complete(draft("of another key", key="arm")))
    kept, *_ = ids(repository)
    assert publish(our_repo(server), NUMBER, draft("now"), ME) == Published(
        what=What.UPDATED, url=url_of(server, kept), removed=2
    )
    assert bodies(repository) == [complete(draft("now")), complete(draft("of another key", key="arm"))]


def test_publish__keeps_the_newest_of_those_without_a_stamp(server: FakeGithub, repository: Repository) -> None:
    for _ in range(3):
        repository.comment(NUMBER, "<!-- autoprof-ci key=default -->\nold")
    newest = ids(repository)[-1]
    assert publish(our_repo(server), NUMBER, draft(), ME) == Published(what=What.UPDATED, url=url_of(server, newest), removed=2)
    assert ids(repository) == [newest]


def test_publish__removes_ten_at_a_time(server: FakeGithub, repository: Repository) -> None:
    for _ in range(13):
        repository.comment(NUMBER, "<!-- autoprof-ci key=default -->\nold")
    assert publish(our_repo(server), NUMBER, draft(), ME).removed == 10
    assert len(bodies(repository)) == 3


def test_publish__folds_away_what_it_may_not_delete(server: FakeGithub, repository: Repository) -> None:
    for run_id in (1, 2):
        repository.comment(NUMBER, complete(draft(run_id=run_id)))
    server.fail("DELETE", ONE_COMMENT, status=403)
    assert publish(our_repo(server), NUMBER, draft(), ME).removed == 1
    assert [comment["minimized"] for comment in repository.comments(NUMBER)] == ["OUTDATED", None]


@pytest.mark.parametrize("status", [401, 403, 422, 500])
def test_publish__is_not_undone_by_an_old_comment_that_stays(server: FakeGithub, repository: Repository, status: int) -> None:
    for run_id in (1, 2):
        repository.comment(NUMBER, complete(draft(run_id=run_id)))
    server.fail("DELETE", ONE_COMMENT, status=status, times=9)
    server.fail("POST", "/graphql", status=status, times=9)
    written = publish(our_repo(server), NUMBER, draft("now"), ME)
    assert (written.what, written.removed) == (What.UPDATED, 0)
    assert bodies(repository) == [complete(draft(run_id=1)), complete(draft("now"))]


def test_publish__an_old_comment_that_somebody_deleted_meanwhile(server: FakeGithub, repository: Repository) -> None:
    for run_id in (1, 2):
        repository.comment(NUMBER, complete(draft(run_id=run_id)))
    server.fail("DELETE", ONE_COMMENT, status=404)
    assert publish(our_repo(server), NUMBER, draft("now"), ME).removed == 1


def test_publish__ours_was_deleted_while_we_looked(server: FakeGithub, repository: Repository) -> None:
    repository.comment(NUMBER, complete(draft(run_id=1)))
    server.fail("PATCH", ONE_COMMENT, status=404)
    with pytest.raises(ApiError) as caught:
        publish(our_repo(server), NUMBER, draft("now"), ME)
    assert caught.value.kind is ApiFailure.NOT_FOUND


@pytest.mark.parametrize("first", [60, 61])
def test_publish__two_runs_at_once_leave_one_comment_and_it_is_the_newer(
    server: FakeGithub, repository: Repository, first: int
) -> None:
    # both have looked before either writes: their answers wait for each other
    server.fail("GET", COMMENTS, hang_s=0.3, times=2)
    results: dict[int, Published] = {}
    start = threading.Barrier(2)

    def one(run_id: int) -> None:
        repo = our_repo(server)
        start.wait()
        results[run_id] = publish(repo, NUMBER, draft(f"run {run_id}", run_id=run_id), ME)

    threads = [threading.Thread(target=one, args=(run_id,)) for run_id in (first, 121 - first)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert bodies(repository) == [complete(draft("run 61", run_id=61))]
    [id] = ids(repository)
    assert results[61].url == url_of(server, id)


def test_publish__another_run_creates_between_our_look_and_our_writing(server: FakeGithub, repository: Repository) -> None:
    # what a slower look would have seen: nobody had written yet
    repository.comment(NUMBER, complete(draft("newer", run_id=61)))
    server.fail("GET", COMMENTS, status=200, body="[]")
    written = publish(our_repo(server), NUMBER, draft("older", run_id=60), ME)
    [id] = ids(repository)
    assert written == Published(what=What.KEPT_NEWER, url=url_of(server, id), removed=1)
    assert bodies(repository) == [complete(draft("newer", run_id=61))]


def test_publish__writes_a_second_apart(server: FakeGithub, repository: Repository) -> None:
    for run_id in (1, 2):
        repository.comment(NUMBER, complete(draft(run_id=run_id)))
    repo = our_repo(server, between_writes_s=1.0)
    begin = time.monotonic()
    assert publish(repo, NUMBER, draft("now"), ME).removed == 1
    assert 1.0 <= time.monotonic() - begin < 3.0


def test_previous__is_the_body_that_would_be_replaced(server: FakeGithub, repository: Repository) -> None:
    repo = our_repo(server)
    assert previous(repo, NUMBER, "default", ME) is None
    repository.comment(NUMBER, complete(draft("planted", run_id=99)), login="mallory")
    repository.comment(NUMBER, complete(draft("newer", run_id=3)))
    repository.comment(NUMBER, complete(draft("older", run_id=2)))
    assert previous(repo, NUMBER, "default", ME) == complete(draft("newer", run_id=3))
