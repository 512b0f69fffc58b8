"""What a step knows of the pull request's changes, and that no verdict waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from autoprof_ci.actions import changed_files
from autoprof_ci.actions.api import Patience
from tests import relayed, step
from tests.fake_github import FakeGithub
from tests.relayed import Forked
from tests.step import Project

FILES = "/repos/octo/app/pulls/7/files"
NOT_KNOWN = "What this pull request changes is not known"


@pytest.fixture
def forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forked]:
    monkeypatch.chdir(tmp_path)  # a step goes into its workspace: afterwards we are where we were
    with FakeGithub() as github:
        made = Forked.arranged(github, tmp_path)
        made.stored(relayed.measured())
        yield made


def asked(github: FakeGithub) -> int:
    return sum(request.path == FILES for request in github.log)


def test_comment__asks_what_the_pull_request_changes(forked: Forked) -> None:
    forked.claims(relayed.measured(), relayed.slower())
    told = forked.tell()
    assert (told.code, told.state) == (0, "failure")
    assert asked(forked.github) == 1
    assert NOT_KNOWN not in (told.body or "")


def test_comment__of_programs_that_are_the_same_asks_for_nothing(forked: Forked) -> None:
    same = relayed.measured(recording=relayed.Recording())
    forked.claims(same, same)
    assert forked.tell().code == 0
    assert asked(forked.github) == 0


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 403}, "GitHub refused to list the files of pull request #7: the token lacks pull-requests: read"),
        ({"status": 502, "times": 9}, "GitHub could not be asked to list the files of pull request #7: it answered 502"),
        ({"hang_s": 3.0, "times": 9}, "GitHub could not be asked to list the files of pull request #7: no answer in time"),
        ({"status": 200, "body": "<html>"}, "is not an answer of its API"),
    ],
    ids=["refused", "failing", "slow", "no-answer"],
)
def test_comment__is_the_same_without_an_answer(
    forked: Forked, fault: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changed_files, "BRIEF", Patience(timeout_s=1, retries=1, backoff_s=0.01, in_all_s=0.5))
    forked.claims(relayed.measured(), relayed.slower())
    forked.github.fail("GET", FILES, **fault)  # type: ignore[arg-type]
    told = forked.tell()
    assert (told.code, told.state) == (0, "failure")
    assert told.body is not None
    assert NOT_KNOWN in told.body
    assert said in told.body.replace("\u200b", "").replace("\\", "")


def caveats(said: step.Said) -> set[str]:
    return {each["code"] for each in step.verdict(said)["caveats"]}  # type: ignore[attr-defined]


@pytest.mark.needs("valgrind")
@pytest.mark.needs("cc")
def test_gate__asks_once_and_only_for_a_pull_request(tmp_path: Path) -> None:
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        project = Project(github=github, folder=tmp_path, repository=repository, base=repository.commit("first", branch="main"))
        assert project.step("push", 100).code == 0
        assert asked(github) == 0
        project.pull()
        red = project.step("pull_request", 150, pull=7)
        assert (red.code, asked(github)) == (1, 1)
        assert "diff_unavailable" not in caveats(red)
        queued = project.step("merge_group", 150)
        assert (queued.code, asked(github)) == (1, 1)
        github.fail("GET", FILES, status=403)
        again = project.step("pull_request", 150, pull=7)
        assert again.code == 1
        assert "diff_unavailable" in caveats(again)
