"""The artifact service as act 0.2.87 plays it: no conflict, no digest, no check of the token, blocks in order of arrival."""

from __future__ import annotations

import hashlib
import json
import time
import zlib
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from tests.fake_github.blob_store import WRITE_FOR_S
from tests.fake_github.records import Artifact
from tests.fake_github.repository import Repository
from tests.fake_github.state import State, stamp
from tests.fake_github.twirp_messages import FIELDS, MalformedError, Message, decode
from tests.fake_github.wire import DroppedError

FIELDS_OF_ACT = {
    method: {name: kind for name, kind in fields.items() if name != "mime_type"} for method, fields in FIELDS.items()
}


class _ActError(Exception):
    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.response = Response(text, status=status, content_type="text/plain")


def add_routes(blueprint: Blueprint, state: State) -> None:
    blueprint.register_error_handler(_ActError, lambda error: error.response)
    methods = {
        "CreateArtifact": _create,
        "FinalizeArtifact": _finalize,
        "ListArtifacts": _list,
        "GetSignedArtifactURL": _signed_url,
        "DeleteArtifact": _delete,
    }

    @blueprint.post("/<method>")
    def call(method: str) -> Response:
        if method not in methods:
            raise _ActError(404, "404 page not found")
        try:
            message = decode(method, request.get_data(), FIELDS_OF_ACT)
        except MalformedError:
            raise _ActError(500, "Error decode request body") from None
        if not message["workflow_run_backend_id"].isdigit():
            raise _ActError(400, "run-id does not match")
        run_id = int(message["workflow_run_backend_id"])
        body = methods[method](_repository(state, run_id), run_id, message)
        return Response(json.dumps(body), content_type="application/json;charset=utf-8")

    @blueprint.put("/UploadArtifact")
    def upload() -> Response:
        key = _signed("UploadArtifact")
        what = request.args.get("comp")
        if what in {"block", "appendBlock"}:
            state.blobs.append(key, request.get_data())
            return Response('"appended"', status=201)
        if what == "blocklist":
            return Response('"created"', status=201)
        return Response(status=200)

    @blueprint.get("/DownloadArtifact")
    def download() -> Response:
        return Response(state.blobs.read(_signed("DownloadArtifact")) or b"")

    def _signed(endpoint: str) -> str:
        key = f"{request.args.get('taskID')}/{request.args.get('artifactName')}/{endpoint}"
        if not state.blobs.may(key, "x", {**request.args, "sp": "x", "se": request.args.get("expires", "")}):
            raise _ActError(401, "Error unauthorized")
        return key.rpartition("/")[0]


def _repository(state: State, run_id: int) -> Repository:
    known = [repository for repository in state.repositories.values() if run_id in repository.runs]
    if not known:
        raise DroppedError
    return known[0]


def _url(repository: Repository, run_id: int, name: str, endpoint: str) -> str:
    state = repository.state
    expires = repr(time.time() + WRITE_FOR_S)
    signature = state.blobs.signature(f"{run_id}/{name}/{endpoint}", "x", expires)
    query = urlencode({"sig": signature, "expires": expires, "artifactName": name, "taskID": run_id})
    return f"{state.api_url}/twirp/github.actions.results.api.v1.ArtifactService/{endpoint}?{query}"


def _id(run_id: int, name: str) -> int:
    """act hashes the name alone; with the run, the REST side can tell two runs' artifacts apart."""
    return zlib.crc32(f"{run_id}/{name}".encode())


def _create(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    name = message["name"]
    repository.state.blobs.write(f"{run_id}/{name}", b"")
    repository.artifacts[_id(run_id, name)] = Artifact(
        id=_id(run_id, name),
        name=name,
        run_id=run_id,
        job_id=str(run_id),
        blob_key=f"{run_id}/{name}",
        size_bytes=0,
        digest=None,
        expired=False,
        finalized=True,
        created_at=stamp(),
    )
    return {"ok": True, "signedUploadUrl": _url(repository, run_id, name, "UploadArtifact")}


def _finalize(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    artifact = repository.artifacts.get(_id(run_id, message["name"]))
    if artifact is not None:
        data = repository.state.blobs.read(artifact.blob_key) or b""
        artifact.size_bytes, artifact.digest = len(data), f"sha256:{hashlib.sha256(data).hexdigest()}"
    return {"ok": True, "artifactId": str(_id(run_id, message["name"]))}


def _list(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    """A run without a folder makes act panic: the connection ends."""
    ours = [artifact for artifact in repository.artifacts.values() if artifact.run_id == run_id]
    if not ours:
        raise DroppedError
    found = [
        {
            "workflowRunBackendId": str(run_id),
            "workflowJobRunBackendId": message["workflow_job_run_backend_id"],
            "databaseId": str(artifact.id),
            "name": artifact.name,
            "size": str(len(repository.state.blobs.read(artifact.blob_key) or b"")),
            "createdAt": stamp(),
        }
        for artifact in ours
        if message["name_filter"] in {None, artifact.name} and message["id_filter"] in {None, artifact.id}
    ]
    return {"artifacts": found} if found else {}


def _signed_url(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    return {"signedUrl": _url(repository, run_id, message["name"], "DownloadArtifact")}


def _delete(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    repository.artifacts.pop(_id(run_id, message["name"]), None)
    return {"ok": True, "artifactId": str(_id(run_id, message["name"]))}
