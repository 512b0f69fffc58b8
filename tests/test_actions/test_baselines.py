"""Which artifact becomes the baseline: the walk back, whom to trust, and what is said where nothing will do."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

import pytest

from autoprof_ci.actions.api import ApiError, ApiFailure
from autoprof_ci.actions.baselines import Absence, Age, Found, Missing, Wanted, find
from autoprof_ci.actions.transport import ArtifactError
from tests.fake_github.server import FakeGithub
from tests.test_actions.base_branch import NAME, World, arranged, read


@pytest.fixture
def world() -> Iterator[World]:
    with FakeGithub() as github:
        yield arranged(github)


def test_find__at_the_merge_base__is_taken(world: World) -> None:
    for commit in world.main:
        world.baseline(commit)
    artifact_id = next(each.id for each in world.repository.artifacts.values() if each.run_id == 107)
    found = world.find()
    assert isinstance(found, Found)
    assert (found.bundle, found.read, found.commit) == (world.main[6].encode(), world.main[6], world.main[6])
    assert (found.age, found.behind, found.artifact_id, found.run_id, found.notes) == (Age.SAME, 0, artifact_id, 107, ())


def test_find__older__says_how_far_behind(world: World) -> None:
    for number in (0, 3, 8):
        world.baseline(world.main[number])
    found = world.find()
    assert isinstance(found, Found)
    assert (world.commit_of(found), found.age, found.behind) == (3, Age.OLDER, 3)


def test_find__none_before_the_merge_base__takes_the_nearest_newer_one(world: World) -> None:
    for number in (8, 9):
        world.baseline(world.main[number])
    found = world.find()
    assert isinstance(found, Found)
    assert (world.commit_of(found), found.age, found.behind) == (8, Age.NEWER, -2)


def test_find__merge_base_unknown__takes_the_newest_of_the_branch(world: World) -> None:
    for number in (2, 8):
        world.baseline(world.main[number])
    found = world.find(at=None)
    assert isinstance(found, Found)
    assert (world.commit_of(found), found.age, found.behind) == (8, Age.UNKNOWN, None)


def test_find__two_of_one_commit__takes_the_newer(world: World) -> None:
    for text, when in ((b"a" * 40, "01"), (b"c" * 40, "03"), (b"b" * 40, "02")):
        world.repository.artifact(NAME, text, world.run(world.main[6]), created_at=f"2026-01-{when}T00:00:00Z")
    found = world.find()
    assert isinstance(found, Found)
    assert found.read == "c" * 40


def test_find__through_a_merge__follows_the_branch_and_not_what_was_merged(world: World) -> None:
    side = world.repository.commit("side", parents=(world.main[2],))
    world.baseline(side)
    merged = world.repository.commit("merge", parents=(world.main[9], side), branch="main")
    world.baseline(world.main[4])
    world.main.append(merged)
    found = world.find(at=10)
    assert isinstance(found, Found)
    assert (world.commit_of(found), found.behind) == (4, 6)


def test_find__far_back__asks_for_more_pages_only_then(world: World) -> None:
    world.baseline(world.main[9])
    world.main += [world.repository.commit(f"more {number}", branch="main") for number in range(250)]
    near = world.baseline(world.main[200])
    assert world.commit_of(world.find(at=210)) == 200
    assert world.asked("/commits") == 1
    world.repository.artifacts.pop(near)
    found = world.find(at=259)
    assert isinstance(found, Found)
    assert (world.commit_of(found), found.behind) == (9, 250)
    assert world.asked("/commits") == 4


def test_find__further_back_than_we_walk__says_so(world: World) -> None:
    world.baseline(world.main[0])
    world.main += [world.repository.commit(f"more {number}", branch="main") for number in range(310)]
    missing = world.find(at=315)
    assert isinstance(missing, Missing)
    assert (missing.reason, missing.why) == (
        Absence.NOT_ON_BRANCH,
        "No artifact called autoprof-baseline belongs to one of the last 300 commits of the branch main",
    )


@pytest.mark.parametrize("event", ["push", "schedule", "workflow_dispatch"])
def test_find__of_a_run_of_the_base_branch__is_trusted(world: World, event: str) -> None:
    world.baseline(world.main[5], event=event)
    assert world.commit_of(world.find()) == 5


@pytest.mark.parametrize(
    "event", ["pull_request", "pull_request_target", "workflow_run", "issue_comment", "merge_group", "::error::"]
)
def test_find__of_another_event_on_a_branch_called_main__is_passed_over(world: World, event: str) -> None:
    world.baseline(world.main[6], event=event)
    world.baseline(world.main[5])
    found = world.find()
    assert isinstance(found, Found)
    assert (world.commit_of(found), found.notes) == (
        5,
        (f"The baseline of commit {world.main[6][:7]} was passed over: it was made by a run for `{event}`, not by a push",),
    )


def test_find__of_a_fork_that_calls_its_branch_main__is_never_looked_at(world: World) -> None:
    fork = world.repository.fork("mallory/app", id=2002)
    world.baseline(world.main[6], head_repository_id=fork.id)
    world.baseline(world.main[6], head_repository_id=666)
    missing = world.find()
    assert isinstance(missing, Missing)
    assert (missing.reason, missing.why) == (
        Absence.NOT_TRUSTED,
        "No artifact called autoprof-baseline is from the branch main of this repository",
    )
    assert world.asked("/zip") == 0


@pytest.mark.parametrize("branch", ["feature", "Main", "main2", "refs/heads/main"])
def test_find__of_another_branch__is_never_looked_at(world: World, branch: str) -> None:
    world.baseline(world.main[6], branch=branch)
    missing = world.find()
    assert isinstance(missing, Missing)
    assert missing.reason is Absence.NOT_TRUSTED


def test_find__of_a_tag_called_main_on_a_commit_that_never_was_there__is_not_taken(world: World) -> None:
    world.baseline(world.repository.commit("planted", parents=(world.main[6],)))
    missing = world.find()
    assert isinstance(missing, Missing)
    assert missing.reason is Absence.NOT_ON_BRANCH
    assert world.asked("/zip") == 0


def test_find__of_another_key__is_never_looked_at(world: World) -> None:
    world.baseline(world.main[6])
    missing = world.find(name="autoprof-baseline-arm")
    assert isinstance(missing, Missing)
    assert (missing.reason, missing.why, missing.next_step) == (
        Absence.NEVER_UPLOADED,
        "No artifact called autoprof-baseline-arm has been uploaded yet",
        "The next push to `main` uploads one, if this workflow runs there too",
    )


def test_find__only_expired_ones__says_so(world: World) -> None:
    world.repository.artifacts[world.baseline(world.main[6])].expired = True
    missing = world.find()
    assert isinstance(missing, Missing)
    assert (missing.reason, missing.why, missing.next_step) == (
        Absence.ALL_EXPIRED,
        "Every artifact called autoprof-baseline of the branch main has expired",
        "Run the workflow on `main` once more; a `schedule` keeps a fresh one there",
    )


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no bundle", "baseline: it is cut off"),
        (b"x" * (2 << 20), "The artifact autoprof-baseline is larger than 1 MiB"),
    ],
)
def test_find__of_a_bundle_that_is_none__takes_the_next_older_one_and_says_so(world: World, data: bytes, why: str) -> None:
    world.baseline(world.main[5])
    world.baseline(world.main[6], data)
    found = world.find()
    assert isinstance(found, Found)
    assert (world.commit_of(found), found.age, found.notes) == (
        5,
        Age.OLDER,
        (f"The baseline of commit {world.main[6][:7]} was passed over: {why}",),
    )


def test_find__expired_meanwhile__takes_the_next_older_one(world: World) -> None:
    world.baseline(world.main[5])
    world.baseline(world.main[6])
    world.github.fail("GET", "/zip$", status=410)
    found = world.find()
    assert isinstance(found, Found)
    assert (world.commit_of(found), found.notes) == (
        5,
        (f"The baseline of commit {world.main[6][:7]} was passed over: it has expired",),
    )


def test_find__of_a_run_that_was_deleted_meanwhile__takes_the_next_older_one(world: World) -> None:
    world.baseline(world.main[5])
    world.baseline(world.main[6])
    world.github.fail("GET", "/runs/102$", status=404)
    assert world.commit_of(world.find()) == 5


def test_find__none_that_can_be_read__says_so(world: World) -> None:
    world.baseline(world.main[5], b"nor this")
    world.baseline(world.main[6], b"not this")
    missing = world.find()
    assert isinstance(missing, Missing)
    assert (missing.reason, missing.why, len(missing.notes)) == (
        Absence.UNREADABLE,
        "No artifact called autoprof-baseline of the branch main could be used",
        2,
    )


def test_find__many_that_cannot_be_trusted__does_not_use_up_the_requests_of_the_hour(world: World) -> None:
    for _ in range(60):
        world.baseline(world.main[6], event="pull_request")
    missing = world.find()
    assert isinstance(missing, Missing)
    assert (missing.reason, missing.why) == (
        Absence.NOT_TRUSTED,
        "No artifact called autoprof-baseline is from a push to the branch main",
    )
    assert world.asked("/runs/") == 20


def test_find__a_bundle_that_upload_artifact_wrapped__is_unwrapped(world: World) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("candidate.bundle.zip", world.main[6])
    world.baseline(world.main[6], buffer.getvalue())
    found = world.find()
    assert isinstance(found, Found)
    assert (found.bundle, found.read) == (world.main[6].encode(), world.main[6])


def test_find__among_five_hundred__looks_further_than_the_first_pages(world: World) -> None:
    world.baseline(world.main[6])
    stray = world.repository.commit("stray")
    run = world.run(stray)
    for _ in range(500):
        world.repository.artifact(NAME, b"", run)
    assert world.commit_of(world.find()) == 6


@pytest.mark.parametrize("permissions", [{"contents": "read"}, {"actions": "read"}])
def test_find__without_a_permission__is_an_outcome_that_names_it(world: World, permissions: dict[str, str]) -> None:
    world.baseline(world.main[6])
    wanted = Wanted(name=NAME, base_branch="main", merge_base=world.main[6], repository_id=1001, max_bytes=1 << 20)
    missing = find(world.api(permissions), wanted, read, lambda _: None)
    assert isinstance(missing, Missing)
    assert missing.reason is Absence.NOT_PERMITTED
    assert "actions: read" in missing.next_step


@pytest.mark.parametrize("at", [6, None])
def test_find__where_github_hides_the_commits__is_no_missing_baseline(world: World, at: int | None) -> None:
    world.baseline(world.main[6])
    world.github.fail("GET", "/commits$", status=404, times=9)
    missing = world.find(at)
    assert isinstance(missing, Missing)
    assert (missing.reason, missing.why) == (
        Absence.NOT_PERMITTED,
        "GitHub could not list the commits of main: it is not there, or the token may not see it (404)",
    )
    assert "contents: read" in missing.next_step


@pytest.mark.parametrize(
    ("path", "fault", "kind"),
    [
        ("/actions/artifacts", {"status": 401}, ApiFailure.UNAUTHORIZED),
        ("/actions/artifacts", {"status": 500, "times": 9}, ApiFailure.UNAVAILABLE),
        ("/actions/artifacts", {"status": 200, "body": "<html>"}, ApiFailure.NOT_JSON),
        ("/commits", {"status": 502, "times": 9}, ApiFailure.UNAVAILABLE),
        ("/commits", {"status": 200, "body": {"sha": 1}}, ApiFailure.NOT_JSON),
        ("/runs/101", {"status": 200, "body": {"id": 1}}, ApiFailure.NOT_JSON),
        ("/zip", {"status": 500, "times": 9}, ApiFailure.UNAVAILABLE),
    ],
)
def test_find__where_github_fails__is_no_missing_baseline(
    world: World, path: str, fault: dict[str, object], kind: ApiFailure
) -> None:
    world.baseline(world.main[6])
    world.github.fail("GET", f"{path}$", **fault)  # type: ignore[arg-type]
    with pytest.raises(ApiError) as raised:
        world.find()
    assert raised.value.kind is kind


def test_find__where_the_store_is_down__is_no_missing_baseline(world: World) -> None:
    world.baseline(world.main[5])
    world.baseline(world.main[6])
    world.github.fail("GET", r"\.zip$", status=403, times=99)
    with pytest.raises(ArtifactError, match=r"The store did not hand out the artifact autoprof-baseline \(403\)"):
        world.find()


def test_find__where_the_store_is_silent__does_not_wait_for_every_artifact(world: World) -> None:
    for commit in world.main:
        world.baseline(commit)
    world.github.fail("GET", r"\.zip$", hang_s=9.0, status=500, times=99)
    with pytest.raises(ArtifactError, match="could not be downloaded: no answer in time"):
        world.find()
    assert world.asked("/zip") == 2
