"""An event file that is damaged, odd or hostile: read, or refused in one sentence."""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoprof_ci.actions.context import read
from autoprof_ci.errors import UsageError
from tests.test_actions import environments
from tests.test_actions.environments import HEAD


def _damaged(change: Callable[[dict[str, object]], object]) -> dict[str, object]:
    event = environments.pull_request()
    pull = event["pull_request"]
    assert isinstance(pull, dict)
    change(pull)
    return event


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda pull: pull.update(number=True), "pull_request.number is True, not a whole number above 0"),
        (lambda pull: pull.update(number="12"), "pull_request.number is '12', not a whole number above 0"),
        (lambda pull: pull.update(number=10**30), f"pull_request.number is {10**30}, not a whole number above 0"),
        (lambda pull: pull.pop("head"), "pull_request.head is missing, not an object"),
        (lambda pull: pull.update(base=[1]), "pull_request.base is [1], not an object"),
        (
            lambda pull: pull["head"].update(sha="; rm -rf /"),
            "pull_request.head.sha is '; rm -rf /', not a commit, 40 or 64 hexadecimal digits",
        ),
        (
            lambda pull: pull["head"].update(ref="a\n::error::b"),
            "pull_request.head.ref is 'a\\n::error::b', not the name of a branch",
        ),
        (lambda pull: pull["head"].update(ref="x" * 2000), f"pull_request.head.ref is '{'x' * 59}, not the name of a branch"),
        (lambda pull: pull["head"].update(ref="a..b"), "pull_request.head.ref is 'a..b', not the name of a branch"),
        (
            lambda pull: pull["head"]["repo"].update(full_name="../../etc"),
            "pull_request.head.repo.full_name is '../../etc', not a repository, OWNER/NAME",
        ),
        (lambda pull: pull["head"].update(repo="octo/app"), "pull_request.head.repo is 'octo/app', not an object"),
    ],
)
def test_read__an_event_that_says_something_impossible(
    tmp_path: Path, change: Callable[[dict[str, object]], object], what: str
) -> None:
    with pytest.raises(UsageError) as caught:
        environments.context(tmp_path, "pull_request", _damaged(change))
    assert caught.value.what == f"In the event file {what}"


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from([HEAD, "octo/app", "main", 12])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=5,
)


PLACES = [
    ("pull_request", "head", "repo", "full_name"),
    ("pull_request", "head", "repo", "id"),
    ("pull_request", "head", "repo"),
    ("pull_request", "head", "sha"),
    ("pull_request", "base", "ref"),
    ("pull_request", "number"),
    ("pull_request",),
    ("repository", "id"),
    ("repository", "default_branch"),
    ("repository",),
    ("merge_group", "base_ref"),
    ("merge_group",),
    ("workflow_run", "id"),
    ("workflow_run", "run_attempt"),
    ("workflow_run", "event"),
    ("workflow_run", "conclusion"),
    ("workflow_run", "head_branch"),
    ("workflow_run", "head_repository"),
    ("workflow_run", "name"),
    ("workflow_run", "pull_requests"),
    ("workflow_run",),
]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.sampled_from(PLACES), value=ANYTHING)
def test_read__anything_anywhere_in_the_event_is_read_or_refused(tmp_path: Path, place: tuple[str, ...], value: object) -> None:
    event = copy.deepcopy(environments.pull_request() | environments.merge_group() | environments.workflow_run())
    table: Any = event
    for name in place[:-1]:
        table = table[name]
    table[place[-1]] = value
    try:
        found = environments.context(tmp_path, "workflow_run", event)
    except UsageError as error:
        assert error.what.startswith(f"In the event file {place[0]}")
        assert error.what.isprintable()
        assert len(error.what) < 300
    else:
        assert found.pull_request is None or found.pull_request.number > 0
        assert found.run is None or re.fullmatch("[0-9a-f]{40}", found.run.head_sha)


def test_read__a_branch_with_an_odd_but_possible_name(tmp_path: Path) -> None:
    event = environments.pull_request(branch="we`ird/<b>|$(id)|@me|ü|#1")
    found = environments.context(tmp_path, "pull_request", event)
    assert found.pull_request is not None
    assert found.pull_request.head_ref == "we`ird/<b>|$(id)|@me|ü|#1"


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (b"", "is not the JSON it should be: Expecting value: line 1 column 1 (char 0)"),
        (b"<html>", "is not the JSON it should be: Expecting value: line 1 column 1 (char 0)"),
        (b"[1]", "holds a list instead of an object"),
        (b"\xff\xfe\xfa", "is not the JSON it should be: "),
        (b"[" * 200_000, "is not the JSON it should be: "),
        (b'{"number": ' + b"9" * 10_000 + b"}", "is not the JSON it should be: "),
    ],
    ids=["empty", "html", "list", "bytes", "deep", "huge-number"],
)
def test_read__an_event_file_that_is_damaged(tmp_path: Path, content: bytes, ending: str) -> None:
    env = environments.runner(tmp_path, "push", environments.push())
    Path(env["GITHUB_EVENT_PATH"]).write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read(env)
    start = f"The event file '{tmp_path}/event.json' {ending}"
    assert caught.value.what.startswith(start) if ending.endswith(": ") else caught.value.what == start


def test_read__no_event_file(tmp_path: Path) -> None:
    env = environments.runner(tmp_path, "push", environments.push(), GITHUB_EVENT_PATH="/home/me/.cache/act/1/event.json")
    with pytest.raises(UsageError) as caught:
        read(env)
    assert caught.value.what == "There is no event file at '/home/me/.cache/act/1/event.json', where GITHUB_EVENT_PATH points"


def test_read__a_pipe_in_place_of_the_event_file_does_not_hold_us_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    env = environments.runner(tmp_path, "push", environments.push(), GITHUB_EVENT_PATH=str(tmp_path / "pipe"))
    with pytest.raises(UsageError):
        read(env)


def test_read__an_event_file_of_no_size(tmp_path: Path) -> None:
    env = environments.runner(tmp_path, "push", environments.push())
    with Path(env["GITHUB_EVENT_PATH"]).open("w", encoding="utf-8") as stream:
        json.dump(environments.push(), stream)
        stream.truncate(100 * 2**20)
    with pytest.raises(UsageError) as caught:
        read(env)
    assert caught.value.what == f"The event file '{tmp_path}/event.json' is larger than 64 MiB"
