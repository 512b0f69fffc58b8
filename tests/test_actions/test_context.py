"""What the runner tells becomes one value, on GitHub and on act; what it tells wrong becomes one sentence."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

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
