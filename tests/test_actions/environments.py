"""Whole environments of a container action, as GitHub's runner and act hand them over, and the events that go with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from autoprof_ci.actions.context import Context, read

SHA = "5d0c" * 10
HEAD = "4ead" * 10
BASE = "ba5e" * 10
REPOSITORY = {"id": 1001, "full_name": "octo/app", "default_branch": "main", "private": False}
OURS = {"id": 1001, "full_name": "octo/app"}
FORK = {"id": 2002, "full_name": "stranger/app"}
INPUTS = ("binary", "config", "baseline", "mode", "charts", "key", "workloads", "github_token", "comment", "fail_on")


def runner(tmp: Path, event_name: str, event: object, **more: str) -> dict[str, str]:
    """As GitHub's runner: everything translated to where it is mounted, except RUNNER_WORKSPACE and RUNNER_TOOL_CACHE."""
    (tmp / "workspace").mkdir(exist_ok=True)
    (tmp / "runner_temp").mkdir(exist_ok=True)
    (tmp / "file_commands").mkdir(exist_ok=True)
    for name in ("set_output_1", "step_summary_1"):
        (tmp / "file_commands" / name).touch()
    env = {
        "ACTIONS_CACHE_URL": "https://acghubeus1.actions.githubusercontent.com/abc/",
        "ACTIONS_RESULTS_URL": "https://results-receiver.actions.githubusercontent.com/",
        "ACTIONS_RUNTIME_TOKEN": "eyJ0.runtime.token",
        "ACTIONS_RUNTIME_URL": "https://pipelines.actions.githubusercontent.com/abc/",
        "CI": "true",
        "GITHUB_ACTION": "__octo_autoprof-ci",
        "GITHUB_ACTIONS": "true",
        "GITHUB_ACTION_REF": "v1",
        "GITHUB_ACTION_REPOSITORY": "octo/autoprof-ci",
        "GITHUB_ACTOR": "octocat",
        "GITHUB_ACTOR_ID": "583231",
        "GITHUB_API_URL": "https://api.github.com",
        "GITHUB_BASE_REF": "",
        "GITHUB_ENV": str(tmp / "file_commands/set_env_1"),
        "GITHUB_EVENT_NAME": event_name,
        "GITHUB_EVENT_PATH": str(_event(tmp, event)),
        "GITHUB_GRAPHQL_URL": "https://api.github.com/graphql",
        "GITHUB_HEAD_REF": "",
        "GITHUB_JOB": "autoprof",
        "GITHUB_OUTPUT": str(tmp / "file_commands/set_output_1"),
        "GITHUB_PATH": str(tmp / "file_commands/add_path_1"),
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_REF_NAME": "main",
        "GITHUB_REF_PROTECTED": "false",
        "GITHUB_REF_TYPE": "branch",
        "GITHUB_REPOSITORY": "octo/app",
        "GITHUB_REPOSITORY_ID": "1001",
        "GITHUB_REPOSITORY_OWNER": "octo",
        "GITHUB_REPOSITORY_OWNER_ID": "42",
        "GITHUB_RETENTION_DAYS": "90",
        "GITHUB_RUN_ATTEMPT": "2",
        "GITHUB_RUN_ID": "9000000001",
        "GITHUB_RUN_NUMBER": "77",
        "GITHUB_SERVER_URL": "https://github.com",
        "GITHUB_SHA": SHA,
        "GITHUB_STATE": str(tmp / "file_commands/save_state_1"),
        "GITHUB_STEP_SUMMARY": str(tmp / "file_commands/step_summary_1"),
        "GITHUB_TRIGGERING_ACTOR": "octocat",
        "GITHUB_WORKFLOW": "autoprof",
        "GITHUB_WORKFLOW_REF": "octo/app/.github/workflows/autoprof.yml@refs/heads/main",
        "GITHUB_WORKFLOW_SHA": SHA,
        "GITHUB_WORKSPACE": str(tmp / "workspace"),
        "HOME": "/github/home",
        "RUNNER_ARCH": "X64",
        "RUNNER_ENVIRONMENT": "github-hosted",
        "RUNNER_NAME": "GitHub Actions 7",
        "RUNNER_OS": "Linux",
        "RUNNER_TEMP": str(tmp / "runner_temp"),
        "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
        "RUNNER_WORKSPACE": "/home/runner/work/app",
        **{f"INPUT_{name.upper()}": "" for name in INPUTS},
        "INPUT_GITHUB_TOKEN": "ghs_0123456789abcdef",
    }
    return env | more


def act(tmp: Path, event_name: str, event: object, **more: str) -> dict[str, str]:
    """As act: the workspace where it is on the host, ids and host paths missing, inputs a second time under their own names."""
    env = runner(tmp, event_name, event)
    for name in (
        "ACTIONS_CACHE_URL",
        "GITHUB_ACTOR_ID",
        "GITHUB_REPOSITORY_ID",
        "GITHUB_REPOSITORY_OWNER_ID",
        "GITHUB_REF_PROTECTED",
        "GITHUB_TRIGGERING_ACTOR",
        "GITHUB_WORKFLOW_REF",
        "GITHUB_WORKFLOW_SHA",
        "HOME",
        "RUNNER_ENVIRONMENT",
        "RUNNER_NAME",
        "RUNNER_WORKSPACE",
    ):
        del env[name]
    env |= {
        "ACT": "true",
        "ACTIONS_RESULTS_URL": "http://127.0.0.1:34567/",
        "ACTIONS_RUNTIME_URL": "http://127.0.0.1:34567/",
        "GITHUB_ACTOR": "nektos/act",
        "GITHUB_RETENTION_DAYS": "0",
        "GITHUB_RUN_ATTEMPT": "1",
        "GITHUB_RUN_ID": "1",
        "GITHUB_RUN_NUMBER": "1",
        "RUNNER_TEMP": "/tmp",
        "github_token": env["INPUT_GITHUB_TOKEN"],
    }
    return env | more


def _event(tmp: Path, event: object) -> Path:
    path = tmp / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    return path


def context(tmp: Path, event_name: str, event: object, **more: str) -> Context:
    return read(runner(tmp, event_name, event, **more))


def push() -> dict[str, object]:
    return {"ref": "refs/heads/main", "before": BASE, "after": SHA, "repository": REPOSITORY, "forced": False}


def pull_request(head: Mapping[str, object] | None = OURS, branch: str = "faster") -> dict[str, object]:
    return {
        "action": "synchronize",
        "number": 12,
        "pull_request": {
            "number": 12,
            "title": "::error::hello",
            "state": "open",
            "head": {"sha": HEAD, "ref": branch, "label": f"octo:{branch}", "repo": dict(head) if head else None},
            "base": {"sha": BASE, "ref": "main", "label": "octo:main", "repo": REPOSITORY},
            "merge_commit_sha": SHA,
        },
        "repository": REPOSITORY,
    }


PULL_VARIABLES = {
    "GITHUB_REF": "refs/pull/12/merge",
    "GITHUB_REF_NAME": "12/merge",
    "GITHUB_BASE_REF": "main",
    "GITHUB_HEAD_REF": "faster",
}


def merge_group() -> dict[str, object]:
    return {
        "action": "checks_requested",
        "merge_group": {
            "head_sha": SHA,
            "head_ref": f"refs/heads/gh-readonly-queue/main/pr-12-{BASE}",
            "base_sha": BASE,
            "base_ref": "refs/heads/main",
            "head_commit": {"id": SHA, "message": "Merge"},
        },
        "repository": REPOSITORY,
    }


def workflow_run(head: Mapping[str, object] | None = FORK, event: str = "pull_request") -> dict[str, object]:
    return {
        "action": "completed",
        "workflow": {"id": 5, "name": "measure", "path": ".github/workflows/measure.yml"},
        "workflow_run": {
            "id": 9000000000,
            "name": "measure",
            "path": ".github/workflows/measure.yml",
            "run_attempt": 3,
            "run_number": 76,
            "event": event,
            "status": "completed",
            "conclusion": "success",
            "head_branch": "main",
            "head_sha": HEAD,
            "head_repository": head,
            "repository": OURS,
            "pull_requests": [],
        },
        "repository": REPOSITORY,
    }
