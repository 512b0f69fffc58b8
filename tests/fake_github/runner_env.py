"""The environment a container action gets: the real runner's and act's. Writes the files it names; knows no HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from tests.fake_github.records import Pull
    from tests.fake_github.repository import Repository

ACTION_FILE = Path(__file__).parents[2] / "action.yml"
INPUTS = ("binary", "config", "baseline", "mode", "charts", "key", "workloads", "github_token", "comment", "fail_on")


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """What a test asks for; see `Repository.environment`."""

    tmp: Path
    event: str
    run_id: int
    pull: int | None
    inputs: Mapping[str, str]
    token: str | None
    attempt: int
    layout: str
    sha: str | None
    branch: str | None
    triggering_run: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run stands: what was checked out, under which names."""

    sha: str
    ref: str
    ref_name: str
    head_ref: str
    base_ref: str
    run_branch: str
    run_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Paths:
    event: Path
    output: Path
    summary: Path
    env: Path
    path: Path
    state: Path


def environment_of(repository: Repository, wanted: Environment) -> dict[str, str]:
    """The environment; makes the run if it is new, and every folder and file the environment names."""
    from tests.fake_github.events import event_of

    assert wanted.layout in {"runner", "act"}, wanted.layout
    pull = None if wanted.pull is None else repository.pulls[wanted.pull]
    place = _place(repository, wanted, pull)
    run = repository.runs.get(wanted.run_id) or repository.run(
        wanted.run_id,
        event=wanted.event,
        head_branch=place.run_branch,
        head_sha=place.run_sha,
        head_repository_id=pull.head_repository_id if pull and wanted.event == "pull_request" else None,
        conclusion=None,
    )
    run.attempt = wanted.attempt
    paths = _files(wanted.tmp, wanted.layout)
    paths.event.write_text(json.dumps(event_of(repository, wanted, place)), encoding="utf-8")
    env = _inputs(wanted) | _github(repository, wanted, place, paths) | _runtime(repository, wanted)
    env["GITHUB_RUN_NUMBER"] = str(run.run_number)
    return env | (_of_runner(repository, wanted, place) if wanted.layout == "runner" else _of_act(wanted))


def _place(repository: Repository, wanted: Environment, pull: Pull | None) -> Place:
    if pull is not None and wanted.event == "pull_request":
        return Place(
            sha=wanted.sha or pull.merge_commit_sha,
            ref=f"refs/pull/{pull.number}/merge",
            ref_name=f"{pull.number}/merge",
            head_ref=pull.head_ref,
            base_ref=pull.base,
            run_branch=pull.head_ref,
            run_sha=pull.head_sha,
        )
    branch = wanted.branch or repository.default_branch
    sha = wanted.sha or repository.refs[f"refs/heads/{branch}"]
    targeted = pull is not None and wanted.event == "pull_request_target"
    return Place(
        sha=sha,
        ref=f"refs/heads/{branch}",
        ref_name=branch,
        head_ref=pull.head_ref if pull is not None and targeted else "",
        base_ref=pull.base if pull is not None and targeted else "",
        run_branch=branch,
        run_sha=sha,
    )


def _files(tmp: Path, layout: str) -> _Paths:
    (tmp / "workspace").mkdir(parents=True, exist_ok=True)
    if layout == "act":
        folder = tmp / "var-run-act" / "workflow"
        names = ("event.json", "outputcmd.txt", "SUMMARY.md", "envs.txt", "pathcmd.txt", "statecmd.txt")
        folders = [folder] * 6
    else:
        folder = tmp / "file_commands"
        names = ("event.json", "set_output_1", "step_summary_1", "set_env_1", "add_path_1", "save_state_1")
        folders = [tmp / "workflow", *[folder] * 5]
    for each in {*folders, tmp / "home", tmp / "runner_temp"}:
        each.mkdir(parents=True, exist_ok=True)
    event, *rest = [each / name for each, name in zip(folders, names, strict=True)]
    for file in rest:
        file.touch()
    return _Paths(event=event, output=rest[0], summary=rest[1], env=rest[2], path=rest[3], state=rest[4])


def _inputs(wanted: Environment) -> dict[str, str]:
    """As the runner does it: the defaults of action.yml, everything else empty."""
    values = dict.fromkeys(INPUTS, "")
    if ACTION_FILE.exists():
        for name, about in yaml.safe_load(ACTION_FILE.read_text(encoding="utf-8")).get("inputs", {}).items():
            values[name] = str((about or {}).get("default", "") or "")
    values = {name: "" if "${{" in value else value for name, value in values.items()}
    values["github_token"] = wanted.token or ""
    unknown = set(wanted.inputs) - set(values)
    assert not unknown, f"action.yml has no {', '.join(sorted(unknown))}"
    return {f"INPUT_{name.replace(' ', '_').upper()}": value for name, value in (values | dict(wanted.inputs)).items()}


def _github(repository: Repository, wanted: Environment, place: Place, paths: _Paths) -> dict[str, str]:
    url = repository.state.api_url
    return {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION": "__self",
        "GITHUB_ACTION_REF": "",
        "GITHUB_ACTION_REPOSITORY": "",
        "GITHUB_ACTOR": "octocat" if wanted.pull is None else repository.pulls[wanted.pull].login,
        "GITHUB_ACTOR_ID": "583231",
        "GITHUB_API_URL": url,
        "GITHUB_BASE_REF": place.base_ref,
        "GITHUB_ENV": str(paths.env),
        "GITHUB_EVENT_NAME": wanted.event,
        "GITHUB_EVENT_PATH": str(paths.event),
        "GITHUB_GRAPHQL_URL": f"{url}/graphql",
        "GITHUB_HEAD_REF": place.head_ref,
        "GITHUB_JOB": "performance",
        "GITHUB_OUTPUT": str(paths.output),
        "GITHUB_PATH": str(paths.path),
        "GITHUB_REF": place.ref,
        "GITHUB_REF_NAME": place.ref_name,
        "GITHUB_REF_PROTECTED": "false",
        "GITHUB_REF_TYPE": "branch",
        "GITHUB_REPOSITORY": repository.full_name,
        "GITHUB_REPOSITORY_OWNER": repository.owner,
        "GITHUB_RETENTION_DAYS": "90",
        "GITHUB_RUN_ATTEMPT": str(wanted.attempt),
        "GITHUB_RUN_ID": str(wanted.run_id),
        "GITHUB_SERVER_URL": url,
        "GITHUB_SHA": place.sha,
        "GITHUB_STATE": str(paths.state),
        "GITHUB_STEP_SUMMARY": str(paths.summary),
        "GITHUB_WORKFLOW": "performance",
        "GITHUB_WORKFLOW_SHA": place.sha,
        "GITHUB_WORKSPACE": str(wanted.tmp / "workspace"),
        "RUNNER_ARCH": "X64",
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(wanted.tmp / "runner_temp"),
        "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
    }


def _runtime(repository: Repository, wanted: Environment) -> dict[str, str]:
    from tests.fake_github.twirp import new_runtime

    runtime = new_runtime(repository, wanted.run_id, f"job-{wanted.attempt}")
    return {
        "ACTIONS_RUNTIME_URL": runtime.results_url,
        "ACTIONS_RESULTS_URL": runtime.results_url,
        "ACTIONS_RUNTIME_TOKEN": runtime.token,
        "ACTIONS_CACHE_URL": runtime.results_url,
    }


def _of_runner(repository: Repository, wanted: Environment, place: Place) -> dict[str, str]:
    name = repository.full_name.split("/")[1]
    return {
        "HOME": str(wanted.tmp / "home"),
        "GITHUB_REPOSITORY_ID": str(repository.id),
        "GITHUB_REPOSITORY_OWNER_ID": "583231",
        "GITHUB_TRIGGERING_ACTOR": "octocat",
        "GITHUB_WORKFLOW_REF": f"{repository.full_name}/.github/workflows/autoprof.yml@{place.ref}",
        "RUNNER_ENVIRONMENT": "github-hosted",
        "RUNNER_NAME": "GitHub Actions 2",
        "RUNNER_WORKSPACE": f"/home/runner/work/{name}",
    }


def _of_act(wanted: Environment) -> dict[str, str]:
    """act lets the raw ids of inputs through as well, and knows less."""
    return {"ACT": "true", "GITHUB_RETENTION_DAYS": "0", "RUNNER_TEMP": "/tmp", **dict(wanted.inputs)}
