"""What the runner tells becomes one value, on GitHub and on act; what it tells wrong becomes one sentence."""

from __future__ import annotations

import copy
import json
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoprof_ci.actions.context import Context, Event, MergeGroup, PullRequest, Runtime, TriggeringRun, read
from autoprof_ci.errors import UsageError
from tests.test_actions import environments
from tests.test_actions.environments import FORK, HEAD, OURS, PULL_VARIABLES, SHA

PULL = PullRequest(
    number=12,
    head_sha=HEAD,
    head_ref="faster",
    head_repository="octo/app",
    head_repository_id=1001,
    base_ref="main",
)


def test_read__a_push_on_githubs_runner(tmp_path: Path) -> None:
    assert read(environments.runner(tmp_path, "push", environments.push())) == Context(
        event=Event.PUSH,
        event_name="push",
        repository="octo/app",
        repository_id=1001,
        default_branch="main",
        sha=SHA,
        ref="refs/heads/main",
        ref_name="main",
        ref_protected=False,
        run_id=9000000001,
        run_attempt=2,
        run_number=77,
        api_url="https://api.github.com",
        server_url="https://github.com",
        workspace=tmp_path / "workspace",
        runner_workspace="/home/runner/work/app",
        temp=tmp_path / "runner_temp",
        output_file=tmp_path / "file_commands/set_output_1",
        summary_file=tmp_path / "file_commands/step_summary_1",
        runtime=Runtime(results_url="https://results-receiver.actions.githubusercontent.com", token="eyJ0.runtime.token"),
    )


def test_read__a_pull_request_on_act(tmp_path: Path) -> None:
    env = environments.act(tmp_path, "pull_request", environments.pull_request(), **PULL_VARIABLES)
    assert read(env) == Context(
        event=Event.PULL_REQUEST,
        event_name="pull_request",
        repository="octo/app",
        repository_id=1001,
        default_branch="main",
        sha=SHA,
        ref="refs/pull/12/merge",
        ref_name="12/merge",
        ref_protected=False,
        run_id=1,
        run_attempt=1,
        run_number=1,
        api_url="https://api.github.com",
        server_url="https://github.com",
        workspace=tmp_path / "workspace",
        runner_workspace=None,
        temp=Path("/tmp"),
        output_file=tmp_path / "file_commands/set_output_1",
        summary_file=tmp_path / "file_commands/step_summary_1",
        runtime=Runtime(results_url="http://127.0.0.1:34567", token="eyJ0.runtime.token"),
        pull_request=PULL,
    )


def test_read__acts_bare_event(tmp_path: Path) -> None:
    found = read(environments.act(tmp_path, "push", {}))
    assert (found.repository_id, found.default_branch, found.pull_request) == (None, None, None)


@pytest.mark.parametrize(
    ("head", "repository", "repository_id", "from_fork"),
    [(OURS, "octo/app", 1001, False), (FORK, "stranger/app", 2002, True), (None, None, None, True)],
    ids=["ours", "fork", "deleted-fork"],
)
def test_read__where_a_pull_request_comes_from(
    tmp_path: Path, head: dict[str, object] | None, repository: str | None, repository_id: int | None, from_fork: bool
) -> None:
    found = environments.context(tmp_path, "pull_request", environments.pull_request(head), **PULL_VARIABLES)
    assert found.pull_request is not None
    assert (found.pull_request.head_repository, found.pull_request.head_repository_id) == (repository, repository_id)
    assert found.pull_request.from_fork(found.repository) is from_fork
    assert found.only_reads is from_fork


def test_read__dependabot_has_the_token_that_the_job_asks_for(tmp_path: Path) -> None:
    found = environments.context(tmp_path, "pull_request", environments.pull_request(), GITHUB_ACTOR="dependabot[bot]")
    assert found.only_reads is False


def test_read__a_merge_queue(tmp_path: Path) -> None:
    found = environments.context(tmp_path, "merge_group", environments.merge_group())
    assert found.event is Event.MERGE_GROUP
    assert found.merge_group == MergeGroup(base_ref="main")
    assert (found.base_ref, found.only_reads) == ("main", False)


def test_read__a_workflow_run_of_a_fork(tmp_path: Path) -> None:
    found = environments.context(tmp_path, "workflow_run", environments.workflow_run())
    assert found.run == TriggeringRun(
        id=9000000000,
        attempt=3,
        number=76,
        event="pull_request",
        conclusion="success",
        head_sha=HEAD,
        head_branch="main",
        head_repository="stranger/app",
        head_repository_id=2002,
        pull_requests=(),
    )


def test_read__a_workflow_run_of_our_own_and_of_a_deleted_fork(tmp_path: Path) -> None:
    event = environments.workflow_run(head=None)
    run = event["workflow_run"]
    assert isinstance(run, dict)
    run |= {"pull_requests": [{"number": 3, "id": 1}, {"number": 4}], "head_branch": None, "conclusion": None}
    found = environments.context(tmp_path, "workflow_run", event).run
    assert found is not None
    assert (found.pull_requests, found.head_branch, found.conclusion) == ((3, 4), None, None)
    assert (found.head_repository, found.head_repository_id) == (None, None)


@pytest.mark.parametrize("event", [{"schedule": "0 3 * * *"}, {"schedule": "0 3 * * *", "repository": None}])
def test_read__a_schedule_runs_on_the_default_branch(tmp_path: Path, event: dict[str, object]) -> None:
    found = environments.context(tmp_path, "schedule", event, GITHUB_REF="refs/heads/trunk", GITHUB_REF_NAME="trunk")
    assert (found.event, found.default_branch, found.base_ref) == (Event.SCHEDULE, "trunk", "trunk")


def test_read__a_dispatch_and_an_event_we_do_not_know(tmp_path: Path) -> None:
    dispatch = environments.context(tmp_path, "workflow_dispatch", {"inputs": {}, "repository": environments.REPOSITORY})
    other = environments.context(tmp_path, "issue_comment", {"issue": {"number": 1}, "repository": environments.REPOSITORY})
    assert (dispatch.event, other.event, other.event_name) == (Event.WORKFLOW_DISPATCH, Event.OTHER, "issue_comment")


def test_read__a_pull_request_event_without_the_pull_request(tmp_path: Path) -> None:
    found = environments.context(tmp_path, "pull_request", {"repository": environments.REPOSITORY}, **PULL_VARIABLES)
    assert (found.event, found.pull_request, found.base_ref) == (Event.PULL_REQUEST, None, "main")


@pytest.mark.parametrize(
    ("server", "ghes"),
    [
        ("https://github.com", False),
        ("https://GitHub.com/", False),
        ("https://acme.ghe.com", False),
        ("http://git.localhost:3000", False),
        ("http://127.0.0.1:8080", False),
        ("http://[::1]:8080", False),
        ("https://github.acme.com", True),
        ("https://notgithub.com", True),
        ("https://ghe.com.evil.example", True),
    ],
)
def test_read__an_enterprise_server_has_no_artifact_service(tmp_path: Path, server: str, ghes: bool) -> None:
    found = environments.context(tmp_path, "push", environments.push(), GITHUB_SERVER_URL=server)
    assert (found.runtime is None) is ghes


@pytest.mark.parametrize("variable", ["ACTIONS_RUNTIME_TOKEN", "ACTIONS_RESULTS_URL"])
def test_read__without_a_runtime(tmp_path: Path, variable: str) -> None:
    assert environments.context(tmp_path, "push", environments.push(), **{variable: ""}).runtime is None


def test_read__the_token_is_in_no_text(tmp_path: Path) -> None:
    assert "eyJ0" not in repr(environments.context(tmp_path, "push", environments.push()))


def test_read__a_temp_folder_that_is_not_mounted(tmp_path: Path) -> None:
    found = environments.context(tmp_path, "push", environments.push(), RUNNER_TEMP="/home/runner/work/_temp")
    assert found.temp == Path(tempfile.gettempdir())


def test_read__no_output_files(tmp_path: Path) -> None:
    found = environments.context(tmp_path, "push", environments.push(), GITHUB_OUTPUT="", GITHUB_STEP_SUMMARY="")
    assert (found.output_file, found.summary_file) == (None, None)


def test_context__a_tag_is_no_branch(tmp_path: Path) -> None:
    tag = environments.context(tmp_path, "push", environments.push(), GITHUB_REF="refs/tags/main", GITHUB_REF_NAME="main")
    branch = environments.context(tmp_path, "push", environments.push(), GITHUB_REF="refs/heads/a/b", GITHUB_REF_NAME="")
    assert (tag.branch, branch.branch, branch.ref_name) == (None, "a/b", "a/b")


def test_context__the_address_of_the_run(tmp_path: Path) -> None:
    found = environments.context(tmp_path, "push", environments.push())
    assert found.run_url == "https://github.com/octo/app/actions/runs/9000000001"


@pytest.mark.parametrize(
    "variable",
    ["GITHUB_EVENT_NAME", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH", "GITHUB_SHA", "GITHUB_RUN_ID", "GITHUB_WORKSPACE"],
)
def test_read__outside_of_actions(tmp_path: Path, variable: str) -> None:
    env = environments.runner(tmp_path, "push", environments.push())
    del env[variable]
    with pytest.raises(UsageError) as caught:
        read(env)
    assert str(caught.value) == (
        f"This is no GitHub Actions job: {variable} is not set. "
        "This command is the Action's own; on a laptop or in another CI use `autoprof-ci gate`."
    )


@pytest.mark.parametrize(
    ("variable", "value", "what"),
    [
        ("GITHUB_REPOSITORY", "octo", "GITHUB_REPOSITORY is 'octo', not OWNER/NAME"),
        ("GITHUB_REPOSITORY", "octo/..", "GITHUB_REPOSITORY is 'octo/..', not OWNER/NAME"),
        ("GITHUB_RUN_ID", "1e5", "GITHUB_RUN_ID is '1e5', not a number"),
        ("GITHUB_RUN_ID", "٣", "GITHUB_RUN_ID is '\\u0663', not a number"),
        ("GITHUB_SHA", "main", "GITHUB_SHA is 'main', not a commit"),
        ("GITHUB_API_URL", "http://a\nb", "GITHUB_API_URL is 'http://a\\nb', not the address of a web server"),
        ("GITHUB_API_URL", "ftp://x", "GITHUB_API_URL is 'ftp://x', not the address of a web server"),
        ("GITHUB_SERVER_URL", "https://x:99999", "GITHUB_SERVER_URL is 'https://x:99999', not the address of a web server"),
        ("GITHUB_SERVER_URL", "https://[x", "GITHUB_SERVER_URL is 'https://[x', not the address of a web server"),
    ],
)
def test_read__a_variable_that_cannot_be(tmp_path: Path, variable: str, value: str, what: str) -> None:
    with pytest.raises(UsageError) as caught:
        environments.context(tmp_path, "push", environments.push(), **{variable: value})
    assert caught.value.what == what


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
