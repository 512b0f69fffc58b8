"""The way back along the base branch, as GitHub tells it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from autoprof_ci.actions.api import ApiError, ApiFailure
from autoprof_ci.actions.baselines import Absence, Missing, merge_base
from tests.fake_github.server import FakeGithub
from tests.test_actions.base_branch import World, arranged


@pytest.fixture
def world() -> Iterator[World]:
    with FakeGithub() as github:
        yield arranged(github)


def test_merge_base__is_where_the_pull_request_left(world: World) -> None:
    pull = world.repository.pulls[1]
    assert merge_base(world.api(), "main", [world.head]) == world.main[6]
    assert merge_base(world.api(), "main", [pull.merge_commit_sha, world.head]) == world.main[9]


def test_merge_base__of_a_commit_that_only_we_have__takes_the_next_candidate(world: World) -> None:
    assert merge_base(world.api(), "main", ["f" * 40, world.head]) == world.main[6]
    assert merge_base(world.api(), "main", ["f" * 40]) is None
    assert merge_base(world.api(), "main", []) is None
    assert merge_base(world.api(), "gone", [world.head]) is None


def test_merge_base__without_the_permission__says_so(world: World) -> None:
    with pytest.raises(ApiError) as raised:
        merge_base(world.api({"actions": "read"}), "main", [world.head])
    assert raised.value.kind is ApiFailure.NOT_PERMITTED


@pytest.mark.parametrize("branch", ["release/1.x", "a#b", "50%", "grüße", "a b"])
def test_merge_base__of_a_branch_with_a_difficult_name(world: World, branch: str) -> None:
    world.repository.refs[f"refs/heads/{branch}"] = world.main[8]
    assert merge_base(world.api(), branch, [world.head]) == world.main[6]


def test_find__in_a_history_that_bites_its_own_tail__ends(world: World) -> None:
    world.baseline(world.main[3])
    body = json.dumps([{"sha": world.main[6], "parents": [{"sha": world.main[6]}]}])
    world.github.fail("GET", "/commits$", status=200, body=body, headers={"Content-Type": "application/json"}, times=2)
    missing = world.find()
    assert isinstance(missing, Missing)
    assert missing.reason is Absence.NOT_ON_BRANCH
