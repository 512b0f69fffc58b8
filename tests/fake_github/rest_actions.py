"""Workflow runs and the artifacts they left."""

from __future__ import annotations

import hashlib

from flask import Blueprint, Response, request

from tests.fake_github.access import find, may_read, must_read, must_write
from tests.fake_github.answers import Json, answer, not_found, page, refusal, repository_json, user
from tests.fake_github.blob_store import READ_FOR_S
from tests.fake_github.records import Artifact, Run
from tests.fake_github.repository import Repository
from tests.fake_github.state import State


def routes(state: State) -> Blueprint:
    blueprint = Blueprint("actions", __name__, url_prefix="/repos/<owner>/<name>/actions")

    def readable(owner: str, name: str) -> Repository:
        repository = find(state, owner, name)
        may_read(repository, "actions")
        return repository

    def known_run(repository: Repository, id: int) -> Run:
        if id not in repository.runs:
            raise not_found()
        return repository.runs[id]

    def known_artifact(repository: Repository, id: int) -> Artifact:
        artifact = repository.artifacts.get(id)
        if artifact is None or not artifact.finalized:
            raise not_found()
        return artifact

    @blueprint.get("/artifacts")
    def list_artifacts(owner: str, name: str) -> Response:
        return _artifacts(readable(owner, name), None)

    @blueprint.get("/runs/<int:id>/artifacts")
    def artifacts_of_run(owner: str, name: str, id: int) -> Response:
        repository = readable(owner, name)
        return _artifacts(repository, known_run(repository, id))

    @blueprint.get("/artifacts/<int:id>")
    def get_artifact(owner: str, name: str, id: int) -> Response:
        repository = readable(owner, name)
        return answer(artifact_json(repository, known_artifact(repository, id)))

    @blueprint.delete("/artifacts/<int:id>")
    def delete_artifact(owner: str, name: str, id: int) -> Response:
        repository = find(state, owner, name)
        must_write(repository, "actions")
        del repository.artifacts[known_artifact(repository, id).id]
        return answer(None, 204)

    @blueprint.get("/artifacts/<int:id>/<kind>")
    def download(owner: str, name: str, id: int, kind: str) -> Response:
        repository = find(state, owner, name)
        must_read(repository, "actions")
        artifact = known_artifact(repository, id)
        if kind != "zip":
            raise not_found()
        if artifact.expired:
            raise refusal(410, "Artifact has expired")
        query = state.blobs.signed_query(artifact.blob_key, "r", READ_FOR_S)
        return answer(None, 302, {"Location": f"{state.blob_url}/{artifact.blob_key}?{query}"})

    @blueprint.get("/runs")
    def list_runs(owner: str, name: str) -> Response:
        return _runs(readable(owner, name), None)

    @blueprint.get("/workflows/<file>/runs")
    def runs_of_workflow(owner: str, name: str, file: str) -> Response:
        return _runs(readable(owner, name), file)

    @blueprint.get("/runs/<int:id>")
    def get_run(owner: str, name: str, id: int) -> Response:
        repository = readable(owner, name)
        return answer(run_json(repository, known_run(repository, id)))

    return blueprint


def _artifacts(repository: Repository, run: Run | None) -> Response:
    """Their order is documented nowhere, so here it is none that anybody could rely on."""
    found = [
        artifact
        for artifact in repository.artifacts.values()
        if artifact.finalized
        and (run is None or artifact.run_id == run.id)
        and request.args.get("name", artifact.name) == artifact.name
    ]
    found.sort(key=lambda artifact: hashlib.sha256(str(artifact.id).encode()).digest())
    return page(repository, found, lambda artifact: artifact_json(repository, artifact), "artifacts")


def _runs(repository: Repository, file: str | None) -> Response:
    wanted = request.args
    found = [
        run
        for run in repository.runs.values()
        if (file is None or run.path.rsplit("/")[-1] == file)
        and wanted.get("branch", run.head_branch) == run.head_branch
        and wanted.get("event", run.event) == run.event
        and wanted.get("head_sha", run.head_sha) == run.head_sha
        and wanted.get("status", run.status) in {run.status, run.conclusion}
    ]
    found.sort(key=lambda run: -run.id)
    return page(repository, found, lambda run: run_json(repository, run), "workflow_runs")


def artifact_json(repository: Repository, artifact: Artifact) -> Json:
    url = f"{repository.state.api_url}/repos/{repository.full_name}/actions/artifacts/{artifact.id}"
    run = repository.runs[artifact.run_id]
    return {
        "id": artifact.id,
        "node_id": f"A_{artifact.id}",
        "name": artifact.name,
        "size_in_bytes": artifact.size_bytes,
        "url": url,
        "archive_download_url": f"{url}/zip",
        "expired": artifact.expired,
        "digest": artifact.digest,
        "created_at": artifact.created_at,
        "updated_at": artifact.created_at,
        "expires_at": artifact.created_at,
        "workflow_run": {
            "id": run.id,
            "repository_id": repository.id,
            "head_repository_id": run.head_repository_id,
            "head_branch": run.head_branch,
            "head_sha": run.head_sha,
        },
    }


def run_json(repository: Repository, run: Run) -> Json:
    """`pull_requests` is empty for forks, and `head_repository` null for a deleted one, as on GitHub."""
    url = f"{repository.state.api_url}/repos/{repository.full_name}/actions/runs/{run.id}"
    pulls = [
        pull
        for pull in repository.pulls.values()
        if run.head_repository is repository
        and pull.head_repository is repository
        and pull.head_sha == run.head_sha
        and pull.head_ref == run.head_branch
    ]
    return {
        "id": run.id,
        "name": run.path.rsplit("/")[-1].removesuffix(".yml"),
        "path": run.path,
        "url": url,
        "html_url": f"{repository.state.api_url}/{repository.full_name}/actions/runs/{run.id}",
        "artifacts_url": f"{url}/artifacts",
        "event": run.event,
        "status": run.status,
        "conclusion": run.conclusion,
        "head_branch": run.head_branch,
        "head_sha": run.head_sha,
        "run_number": run.run_number,
        "run_attempt": run.attempt,
        "workflow_id": sum(run.path.encode()),
        "created_at": run.created_at,
        "updated_at": run.created_at,
        "actor": user("octocat"),
        "repository": repository_json(repository),
        "head_repository": None if run.head_repository is None else repository_json(run.head_repository),
        "pull_requests": [{"number": pull.number, "head": {"ref": pull.head_ref, "sha": pull.head_sha}} for pull in pulls],
    }
