"""A run's pull request is found by GitHub's own data about the run, never by what the run says of itself."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator

import pytest

from autoprof_ci.actions.api import ApiError, ApiFailure
from autoprof_ci.actions.context import TriggeringRun
from autoprof_ci.actions.pull_requests import (
    TOML_LIMIT_BYTES,
    Missing,
    NoPullRequest,
    PullRequestFound,
    find,
    head_now,
    toml_of,
)
from autoprof_ci.errors import DataError, UsageError
from tests.fake_github import FakeGithub
from tests.test_actions.talking import HTML, NUMBER, our_repo, with_pull

FORK_ID = 2002


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        with_pull(fake)
        yield fake


def base_sha(server: FakeGithub) -> str:
    return server.repository().refs["refs/heads/main"]


def of_fork(server: FakeGithub, branch: str = "main") -> TriggeringRun:
    """The run of pull request 8, of a fork, from a branch that has the name of our base branch."""
    fork = server.repository().fork("mallory/app", id=FORK_ID)
    head = fork.commit("theirs", parents=(base_sha(server),), branch=branch)
    server.repository().pull(8, head, head_repository=fork, head_ref=branch)
    return run_of("mallory/app", FORK_ID, branch, head)


def run_of(repository: str | None, id: int | None, branch: str | None, sha: str) -> TriggeringRun:
    return TriggeringRun(
        id=50,
        attempt=1,
        number=3,
        event="pull_request",
        conclusion="success",
        head_sha=sha,
        head_branch=branch,
        head_repository=repository,
        head_repository_id=id,
    )


def ours(server: FakeGithub) -> TriggeringRun:
    return run_of("octo/app", 1001, "feature", server.repository().pulls[NUMBER].head_sha)


def found(number: int, run: TriggeringRun) -> PullRequestFound:
    return PullRequestFound(number=number, head_sha=run.head_sha, base_ref="main")


def closed(head: str) -> NoPullRequest:
    return NoPullRequest(
        why=Missing.NOT_OPEN, reason=f"No open pull request has '{head}' as its head: it was closed or merged meanwhile"
    )


def test_find__of_our_own_branch(server: FakeGithub) -> None:
    run = ours(server)
    assert find(our_repo(server), run) == found(NUMBER, run)


def test_find__of_a_fork_whose_branch_is_called_main(server: FakeGithub) -> None:
    run = of_fork(server)
    assert find(our_repo(server), run) == found(8, run)


def test_find__where_the_run_does_not_say_the_repositorys_id(server: FakeGithub) -> None:
    run = dataclasses.replace(of_fork(server), head_repository_id=None)
    assert find(our_repo(server), run) == found(8, run)


def test_find__where_the_fork_was_deleted(server: FakeGithub) -> None:
    gone = dataclasses.replace(ours(server), head_repository=None, head_repository_id=None)
    assert find(our_repo(server), gone) == NoPullRequest(
        why=Missing.FORK_DELETED, reason="The fork that this run came from was deleted"
    )
    assert server.log == []


def test_find__where_the_fork_was_deleted_since(server: FakeGithub) -> None:
    run = of_fork(server)
    server.repository().pulls[8].head_repository = None
    assert find(our_repo(server), run) == closed("mallory:main")


def test_find__of_a_run_without_a_branch(server: FakeGithub) -> None:
    assert find(our_repo(server), dataclasses.replace(ours(server), head_branch=None)) == NoPullRequest(
        why=Missing.NO_BRANCH, reason="The run was not of a branch, so that no pull request can have it as its head"
    )


def test_find__where_the_pull_request_was_closed(server: FakeGithub) -> None:
    server.repository().pulls[NUMBER].state = "closed"
    assert find(our_repo(server), ours(server)) == closed("octo:feature")


def test_find__where_the_head_moved_while_we_measured(server: FakeGithub) -> None:
    run = ours(server)
    newer = server.repository().commit("third", branch="feature")
    server.repository().pulls[NUMBER].head_sha = newer
    assert find(our_repo(server), run) == NoPullRequest(
        why=Missing.HEAD_MOVED,
        reason=f"Pull request #7 has moved on to {newer[:7]}; this run measured {run.head_sha[:7]}, "
        "and the newer commit's run will comment",
    )


def test_find__takes_no_other_repositorys_branch_of_that_name(server: FakeGithub) -> None:
    # one owner may have two repositories of our network; the run says which of them it was
    run = dataclasses.replace(of_fork(server), head_repository_id=3003)
    assert find(our_repo(server), run) == closed("mallory:main")


def test_find__takes_no_pull_request_into_another_repository(server: FakeGithub) -> None:
    repo = our_repo(server)
    _, pulls = repo.requester.requestJsonAndCheck("GET", "/repos/octo/app/pulls")
    pulls[0]["base"]["repo"]["full_name"] = "mallory/app"
    server.fail("GET", r"/pulls$", status=200, body=json.dumps(pulls))
    assert find(repo, ours(server)) == closed("octo:feature")


def test_find__one_commit_in_two_pull_requests(server: FakeGithub) -> None:
    repository = server.repository()
    repository.commit("release", parents=(base_sha(server),), branch="release")
    repository.pull(9, repository.pulls[NUMBER].head_sha, base="release")
    run = ours(server)
    assert find(our_repo(server), run) == NoPullRequest(
        why=Missing.SEVERAL, reason=f"Commit {run.head_sha[:7]} is the head of several open pull requests (#9, #7)"
    )
    named = dataclasses.replace(run, pull_requests=(NUMBER,))
    assert find(our_repo(server), named) == found(NUMBER, named)


def test_find__believes_no_number_that_the_run_names(server: FakeGithub) -> None:
    run = dataclasses.replace(ours(server), pull_requests=(1, 2))
    assert find(our_repo(server), run) == found(NUMBER, run)


@pytest.mark.parametrize("branch", ["a&state=closed", "x#y", "\u00e4/b", "%2e%2e", "x?head=octo:feature"])
def test_find__of_a_branch_with_a_hostile_name(server: FakeGithub, branch: str) -> None:
    run = of_fork(server, branch)
    assert find(our_repo(server), run) == found(8, run)


def test_find__names_a_hostile_branch_harmlessly(server: FakeGithub) -> None:
    nothing = find(our_repo(server), run_of("mallory/app", FORK_ID, "\n::error::x\u202e", "0" * 40))
    assert nothing == closed("mallory:\\n::error::x\\u202e")


def test_find__in_a_private_repository_without_permission() -> None:
    with FakeGithub() as server:
        with_pull(server, private=True)
        with pytest.raises(ApiError) as caught:
            find(our_repo(server, {"contents": "read"}), ours(server))
        assert (caught.value.kind, caught.value.what) == (
            ApiFailure.NOT_PERMITTED,
            "GitHub refused to list the open pull requests of 'octo:feature': the token lacks `pull-requests: read`",
        )


def test_head_now__follows_the_branch(server: FakeGithub) -> None:
    repo = our_repo(server)
    assert head_now(repo, NUMBER) == server.repository().pulls[NUMBER].head_sha
    newer = server.repository().commit("third", branch="feature")
    server.repository().pulls[NUMBER].head_sha = newer
    assert head_now(repo, NUMBER) == newer


@pytest.mark.parametrize("body", [HTML, "{}", '{"head": null}', '{"head": {"sha": 5}}', '{"head": {"sha": "main"}}', "[]"])
def test_head_now__of_an_answer_that_is_no_pull_request(server: FakeGithub, body: str) -> None:
    server.fail("GET", r"/pulls/7$", status=200, body=body, times=5)
    with pytest.raises(ApiError) as caught:
        head_now(our_repo(server), NUMBER)
    assert caught.value.kind is ApiFailure.NOT_JSON


def test_toml_of__the_base_branch(server: FakeGithub) -> None:
    repository = server.repository()
    repository.file("ci/autoprof.toml", "binary = '\u00e4'\n", "main")
    repository.file("ci/autoprof.toml", "binary = 'theirs'\n", "feature")
    repo = our_repo(server)
    for path, ref in (("ci/autoprof.toml", "main"), ("./ci//autoprof.toml", "main"), ("ci/autoprof.toml", base_sha(server))):
        assert toml_of(repo, path, ref) == "binary = '\u00e4'\n"


def test_toml_of__none_and_an_empty_one(server: FakeGithub) -> None:
    server.repository().file("empty.toml", "", "main")
    repo = our_repo(server)
    assert [toml_of(repo, path, "main") for path in ("autoprof.toml", "empty.toml")] == [None, ""]


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.toml", "a/../../x", "", "."])
def test_toml_of__outside_of_the_repository(server: FakeGithub, path: str) -> None:
    with pytest.raises(UsageError, match="no path inside of the repository"):
        toml_of(our_repo(server), path, "main")
    assert server.log == []


def test_toml_of__a_folder(server: FakeGithub) -> None:
    server.repository().file("ci/autoprof.toml", "x", "main")
    with pytest.raises(DataError) as caught:
        toml_of(our_repo(server), "ci", "main")
    assert str(caught.value) == "'ci' of 'main' is no file. Name the TOML file itself in the input `config`."


@pytest.mark.parametrize("size_bytes", [TOML_LIMIT_BYTES + 1, 2_000_000])
def test_toml_of__a_large_one(server: FakeGithub, size_bytes: int) -> None:
    server.repository().file("autoprof.toml", "#" * size_bytes, "main")
    with pytest.raises(DataError) as caught:
        toml_of(our_repo(server), "autoprof.toml", "main")
    assert str(caught.value) == (
        f"'autoprof.toml' of 'main' has {size_bytes} bytes, more than the 262144 that a configuration may have. "
        "Name the TOML file in the input `config`."
    )


def test_toml_of__one_that_is_no_text(server: FakeGithub) -> None:
    server.repository().file("autoprof.toml", b"a = '\xff'", "main")
    with pytest.raises(DataError) as caught:
        toml_of(our_repo(server), "autoprof.toml", "main")
    assert str(caught.value) == "'autoprof.toml' of 'main' is not UTF-8 (byte 5). Store it as UTF-8, as TOML asks for."


ODD_FILES = [HTML, "{}", '{"type": "file"}', '{"type": "file", "size": 3, "encoding": "base64", "content": "*"}', "5"]


@pytest.mark.parametrize("body", ODD_FILES)
def test_toml_of__an_answer_that_is_no_file(server: FakeGithub, body: str) -> None:
    server.fail("GET", "/contents/", status=200, body=body, times=5)
    with pytest.raises(ApiError) as caught:
        toml_of(our_repo(server), "autoprof.toml", "main")
    assert caught.value.kind is ApiFailure.NOT_JSON
