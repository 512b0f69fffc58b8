"""The event files of workflow runs, as the runner writes them (what an action may look at, not every field)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.fake_github.answers import Json, repository_json, user
from tests.fake_github.rest_actions import run_json
from tests.fake_github.rest_commits import commit_json
from tests.fake_github.rest_pulls import pull_json

if TYPE_CHECKING:
    from tests.fake_github.records import Run
    from tests.fake_github.repository import Repository
    from tests.fake_github.runner_env import Environment, Place

NO_COMMIT = "0" * 40


def event_of(repository: Repository, wanted: Environment, place: Place) -> Json:
    """The whole event."""
    common: Json = {"repository": repository_json(repository), "sender": user("octocat")}
    if wanted.event in {"pull_request", "pull_request_target"}:
        assert wanted.pull is not None, "which pull request?"
        return common | {
            "action": "synchronize",
            "number": wanted.pull,
            "pull_request": pull_json(repository, repository.pulls[wanted.pull]),
        }
    if wanted.event == "push":
        head = commit_json(repository, place.sha)["commit"] | {"id": place.sha}
        change = {"ref": place.ref, "before": _before(repository, place.sha), "after": place.sha}
        return common | change | {"created": False, "deleted": False, "forced": False, "head_commit": head}
    if wanted.event == "workflow_run":
        assert wanted.triggering_run is not None, "which run triggered it?"
        run = repository.runs[wanted.triggering_run]
        return common | {"action": "completed", "workflow_run": run_json(repository, run), "workflow": _workflow(run)}
    if wanted.event == "merge_group":
        base = f"refs/heads/{repository.default_branch}"
        return common | {
            "action": "checks_requested",
            "merge_group": {"head_sha": place.sha, "head_ref": place.ref, "base_sha": repository.refs[base], "base_ref": base},
        }
    if wanted.event == "schedule":
        return common | {"schedule": "0 3 * * *"}
    if wanted.event == "workflow_dispatch":
        return common | {"inputs": None, "ref": place.ref, "workflow": ".github/workflows/autoprof.yml"}
    return common


def _before(repository: Repository, sha: str) -> str:
    parents = repository.git.commits[sha].parents
    return parents[0] if parents else NO_COMMIT


def _workflow(run: Run) -> Json:
    return {
        "id": sum(run.path.encode()),
        "name": run.path.rsplit("/")[-1].removesuffix(".yml"),
        "path": run.path,
        "state": "active",
    }
