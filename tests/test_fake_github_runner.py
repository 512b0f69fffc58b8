"""The environments the fake hands to an action: complete, with the files they name, in the runner's layout and in act's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.fake_github import FakeGithub, Repository

MISSING_IN_ACT = {
    "HOME",
    "GITHUB_REPOSITORY_ID",
    "GITHUB_REPOSITORY_OWNER_ID",
    "GITHUB_TRIGGERING_ACTOR",
    "GITHUB_WORKFLOW_REF",
    "RUNNER_ENVIRONMENT",
    "RUNNER_NAME",
    "RUNNER_WORKSPACE",
}


@pytest.fixture
def fake() -> Iterator[FakeGithub]:
    with FakeGithub() as running:
        yield running


@pytest.fixture
def app(fake: FakeGithub) -> Repository:
    repository = fake.repository("octo/app")
    base = repository.commit("first", branch="main")
    repository.pull(7, repository.commit("second", parents=(base,)))
    return repository


def event(env: dict[str, str]) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text())
    return loaded


def test_environment__of_a_pull_request(app: Repository, tmp_path: Path) -> None:
    env = app.environment(tmp_path, event="pull_request", run_id=70, pull=7, inputs={"binary": "target/app"}, token="t0ken")
    pull = app.pulls[7]
    assert (env["GITHUB_REF"], env["GITHUB_REF_NAME"]) == ("refs/pull/7/merge", "7/merge")
    assert (env["GITHUB_HEAD_REF"], env["GITHUB_BASE_REF"]) == ("feature", "main")
    assert (env["GITHUB_SHA"], env["GITHUB_EVENT_NAME"]) == (pull.merge_commit_sha, "pull_request")
    assert (event(env)["number"], event(env)["pull_request"]["head"]["sha"]) == (7, pull.head_sha)
    assert (app.runs[70].head_sha, app.runs[70].head_branch, app.runs[70].conclusion) == (pull.head_sha, "feature", None)
    assert (env["INPUT_BINARY"], env["INPUT_GITHUB_TOKEN"], env["INPUT_BASELINE"]) == ("target/app", "t0ken", "")
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE"):
        assert Path(env[name]).read_text() == ""
        assert Path(env[name]).is_relative_to(tmp_path)
    assert Path(env["GITHUB_WORKSPACE"]) == tmp_path / "workspace"
    assert Path(env["GITHUB_WORKSPACE"]).is_dir()


def test_environment__of_a_push(app: Repository, tmp_path: Path) -> None:
    tip = app.commit("third", branch="main")
    env = app.environment(tmp_path, event="push", run_id=70)
    loaded = event(env)
    assert (env["GITHUB_SHA"], env["GITHUB_REF"], env["GITHUB_HEAD_REF"]) == (tip, "refs/heads/main", "")
    assert (loaded["ref"], loaded["before"], loaded["after"]) == ("refs/heads/main", app.git.commits[tip].parents[0], tip)
    assert loaded["repository"]["default_branch"] == "main"


def test_environment__of_a_fork_and_of_a_fork_that_is_gone(app: Repository, tmp_path: Path) -> None:
    fork = app.fork("stranger/app")
    app.pull(8, fork.commit("theirs", branch="main"), head_repository=fork, head_ref="main", login="stranger")
    env = app.environment(tmp_path / "a", event="pull_request", run_id=80, pull=8)
    app.delete_fork(8)
    gone = app.environment(tmp_path / "b", event="pull_request", run_id=81, pull=8)
    assert (env["GITHUB_ACTOR"], event(env)["pull_request"]["head"]["repo"]["id"]) == ("stranger", 2002)
    assert event(gone)["pull_request"]["head"]["repo"] is None
    assert [(app.runs[id].head_repository_id, app.runs[id].head_branch) for id in (80, 81)] == [(2002, "main")] * 2


def test_environment__of_the_second_half_of_a_fork(app: Repository, tmp_path: Path) -> None:
    fork = app.fork("stranger/app")
    head = fork.commit("theirs", branch="feature")
    app.pull(8, head, head_repository=fork)
    app.run(80, event="pull_request", head_branch="feature", head_sha=head, head_repository_id=2002)
    env = app.environment(tmp_path, event="workflow_run", run_id=81, triggering_run=80)
    run = event(env)["workflow_run"]
    assert (run["id"], run["head_sha"], run["head_branch"], run["head_repository"]["id"]) == (80, head, "feature", 2002)
    assert (run["pull_requests"], run["event"]) == ([], "pull_request")
    assert env["GITHUB_SHA"] == app.refs["refs/heads/main"]


@pytest.mark.parametrize("name", ["schedule", "workflow_dispatch", "merge_group", "pull_request_target"])
def test_environment__of_other_events(app: Repository, tmp_path: Path, name: str) -> None:
    targeted = name == "pull_request_target"
    env = app.environment(tmp_path, event=name, run_id=70, pull=7 if targeted else None)
    assert env["GITHUB_SHA"] == app.refs["refs/heads/main"]
    assert event(env)["repository"]["full_name"] == "octo/app"
    assert env["GITHUB_HEAD_REF"] == ("feature" if targeted else "")


def test_environment__of_act_knows_less_and_leaks_inputs(app: Repository, tmp_path: Path) -> None:
    real = app.environment(tmp_path / "real", event="push", run_id=70, inputs={"binary": "b"})
    act = app.environment(tmp_path / "act", event="push", run_id=70, inputs={"binary": "b"}, layout="act")
    assert set(real) - set(act) == MISSING_IN_ACT
    assert set(act) - set(real) == {"ACT", "binary"}
    assert (act["RUNNER_TEMP"], act["GITHUB_RETENTION_DAYS"], act["binary"]) == ("/tmp", "0", "b")
    assert Path(act["GITHUB_OUTPUT"]).name == "outputcmd.txt"


def test_environment__of_a_second_attempt_shares_the_run(app: Repository, tmp_path: Path) -> None:
    first, second = (app.environment(tmp_path, event="push", run_id=70, attempt=attempt) for attempt in (1, 2))
    assert [env["GITHUB_RUN_ATTEMPT"] for env in (first, second)] == ["1", "2"]
    assert first["ACTIONS_RUNTIME_TOKEN"] != second["ACTIONS_RUNTIME_TOKEN"]
    assert list(app.runs) == [70]


def test_environment__reaches_the_services_it_names(app: Repository, fake: FakeGithub, tmp_path: Path) -> None:
    env = app.environment(tmp_path, event="push", run_id=70, token=fake.token())
    headers = {"Authorization": f"Bearer {env['INPUT_GITHUB_TOKEN']}"}
    answer = requests.get(f"{env['GITHUB_API_URL']}/repos/{env['GITHUB_REPOSITORY']}", headers=headers, timeout=10)
    service = f"{env['ACTIONS_RESULTS_URL']}twirp/github.actions.results.api.v1.ArtifactService/ListArtifacts"
    refused = requests.post(service, json={}, headers={"Authorization": f"Bearer {env['ACTIONS_RUNTIME_TOKEN']}"}, timeout=10)
    assert answer.json()["id"] == 1001
    assert refused.json()["code"] == "permission_denied"


def test_environment__refuses_an_input_that_does_not_exist(app: Repository, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"action.yml has no binari"):
        app.environment(tmp_path, event="push", run_id=70, inputs={"binari": "x"})
