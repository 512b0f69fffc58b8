"""The artifact service (v4) inside a run, in GitHub's manner; in act's manner it is ``twirp_act``.

What nobody outside GitHub knows is answered strictly: a created but unfinished artifact holds its name, is not listed, and can be
deleted.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
import zlib
from datetime import UTC, datetime

import jwt
from flask import Blueprint, Response, request

from tests.fake_github import twirp_act
from tests.fake_github.blob_store import READ_FOR_S, WRITE_FOR_S
from tests.fake_github.records import Artifact
from tests.fake_github.repository import Repository
from tests.fake_github.state import Runtime, State, stamp
from tests.fake_github.twirp_messages import FIELDS, FORBIDDEN_IN_NAMES, MalformedError, Message, decode
from tests.fake_github.wire import token_in

PREFIX = "/twirp/github.actions.results.api.v1.ArtifactService"
SECRET = "the fake signs its own runtime tokens with this"
CONFLICT = "Conflict: an artifact with this name already exists on the workflow run"


class TwirpError(Exception):
    """A twirp error."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.response = Response(json.dumps({"code": code, "msg": message}), status=status, content_type="application/json")


def backend_ids(repository: Repository, run_id: int, job_id: str) -> tuple[str, str]:
    """GitHub's are UUIDs that say nothing; act's are the run's number twice."""
    if repository.state.dialect == "act":
        return str(run_id), str(run_id)
    run = uuid.uuid5(uuid.NAMESPACE_URL, f"{repository.full_name}/{run_id}")
    return str(run), str(uuid.uuid5(run, job_id))


def new_runtime(repository: Repository, run_id: int, job_id: str) -> Runtime:
    state = repository.state
    assert run_id in repository.runs, f"no run {run_id}: make it with run()"
    run, job = backend_ids(repository, run_id, job_id)
    now = int(time.time())
    scope = f"Actions.ExampleScope Actions.Results:{run}:{job} Actions.UploadArtifacts:00000000-0000-0000-0000-000000000000/1"
    claims = {
        "nbf": now - 300,
        "exp": now + 21600,
        "iss": "https://token.actions.example",
        "scp": scope,
        "nonce": secrets.token_hex(8),
    }
    token = jwt.encode(claims, SECRET.encode(), algorithm="HS256")
    state.runtime_tokens[token] = scope
    return Runtime(results_url=f"{state.api_url}/", token=token)


def routes(state: State) -> Blueprint:
    blueprint = Blueprint("twirp", __name__, url_prefix=PREFIX)
    if state.dialect == "act":
        twirp_act.add_routes(blueprint, state)
        return blueprint
    blueprint.register_error_handler(TwirpError, lambda error: error.response)
    methods = {
        "CreateArtifact": _create,
        "FinalizeArtifact": _finalize,
        "ListArtifacts": _list,
        "GetSignedArtifactURL": _signed_url,
        "DeleteArtifact": _delete,
    }

    @blueprint.post("/<method>")
    def call(method: str) -> Response:
        if method not in FIELDS:
            raise TwirpError(404, "bad_route", f"no handler for path {request.path}")
        if request.mimetype != "application/json":
            raise TwirpError(404, "bad_route", f"unexpected Content-Type: {request.content_type!r}")
        scope = state.runtime_tokens.get(token_in(request.headers))
        if scope is None or not request.headers["Authorization"].startswith("Bearer "):
            raise TwirpError(401, "unauthenticated", "token is invalid or has expired")
        try:
            message = decode(method, request.get_data())
        except MalformedError as error:
            raise TwirpError(400, "malformed", f"the json request could not be decoded: {error}") from None
        ids = (message["workflow_run_backend_id"], message["workflow_job_run_backend_id"])
        if f"Actions.Results:{ids[0]}:{ids[1]}" not in scope.split():
            raise TwirpError(403, "permission_denied", "the token does not belong to this run and job")
        repository, run_id = _of_run(state, ids[0])
        return Response(json.dumps(methods[method](repository, run_id, message)), content_type="application/json")

    return blueprint


def _of_run(state: State, backend_id: str) -> tuple[Repository, int]:
    for repository in state.repositories.values():
        for run_id in repository.runs:
            if backend_ids(repository, run_id, "")[0] == backend_id:
                return repository, run_id
    raise TwirpError(404, "not_found", "workflow run not found")


def _named(message: Message) -> str:
    name = message["name"]
    if not isinstance(name, str) or not name:
        raise TwirpError(400, "invalid_argument", "name is required")
    if FORBIDDEN_IN_NAMES.search(name) or len(name) > 256:
        raise TwirpError(400, "invalid_argument", "name contains an invalid character or is too long")
    return name


def _find(repository: Repository, run_id: int, name: str) -> Artifact | None:
    return next((each for each in repository.artifacts.values() if each.run_id == run_id and each.name == name), None)


def _create(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    state, name = repository.state, _named(message)
    version, kind = message["version"], message["mime_type"]
    if version not in {4, 7}:
        raise TwirpError(400, "invalid_argument", f"unsupported version {version}")
    if version == 7 and (not kind or "/" not in kind):
        raise TwirpError(400, "invalid_argument", "a valid mime_type is required")
    if version == 4 and kind is not None:
        raise TwirpError(400, "invalid_argument", "mime_type needs version 7")
    if message["expires_at"] and message["expires_at"] <= datetime.now(UTC):
        raise TwirpError(400, "invalid_argument", "expires_at must be in the future")
    if _find(repository, run_id, name) is not None:
        raise TwirpError(409, "already_exists", CONFLICT)
    id = state.new_id()
    key = f"{repository.id}/{run_id}/{id}-{zlib.crc32(name.encode()):08x}.zip"
    repository.artifacts[id] = Artifact(
        id=id,
        name=name,
        run_id=run_id,
        job_id=message["workflow_job_run_backend_id"],
        blob_key=key,
        size_bytes=0,
        digest=None,
        expired=False,
        finalized=False,
        created_at=stamp(),
    )
    url = f"{state.blob_url}/{key}?{state.blobs.signed_query(key, 'rw', WRITE_FOR_S)}"
    return {"ok": True, "signed_upload_url": url}


def _finalize(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    artifact = _find(repository, run_id, _named(message))
    if artifact is None:
        raise TwirpError(404, "not_found", "artifact not found")
    if artifact.finalized:
        raise TwirpError(409, "already_exists", CONFLICT)
    data = repository.state.blobs.read(artifact.blob_key)
    if data is None:
        raise TwirpError(400, "failed_precondition", "nothing was uploaded")
    if message["size"] != len(data):
        raise TwirpError(400, "invalid_argument", f"size {message['size']} does not match the {len(data)} bytes uploaded")
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    if message["hash"] not in {None, digest}:
        raise TwirpError(400, "invalid_argument", "hash does not match what was uploaded")
    artifact.size_bytes, artifact.digest, artifact.finalized = len(data), digest, True
    return {"ok": True, "artifact_id": str(artifact.id)}


def _list(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    run, _ = backend_ids(repository, run_id, "")
    found = [
        {
            "workflow_run_backend_id": run,
            "workflow_job_run_backend_id": artifact.job_id,
            "database_id": str(artifact.id),
            "name": artifact.name,
            "size": str(artifact.size_bytes),
            "created_at": artifact.created_at,
            **({} if artifact.digest is None else {"digest": artifact.digest}),
        }
        for artifact in repository.artifacts.values()
        if artifact.run_id == run_id
        and artifact.finalized
        and message["name_filter"] in {None, artifact.name}
        and message["id_filter"] in {None, artifact.id}
    ]
    return {"artifacts": found}


def _signed_url(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    state, artifact = repository.state, _find(repository, run_id, _named(message))
    if artifact is None or not artifact.finalized:
        raise TwirpError(404, "not_found", "artifact not found")
    return {"signed_url": f"{state.blob_url}/{artifact.blob_key}?{state.blobs.signed_query(artifact.blob_key, 'r', READ_FOR_S)}"}


def _delete(repository: Repository, run_id: int, message: Message) -> dict[str, object]:
    artifact = _find(repository, run_id, _named(message))
    if artifact is None:
        raise TwirpError(404, "not_found", "artifact not found")
    del repository.artifacts[artifact.id]
    return {"ok": True, "artifact_id": str(artifact.id)}
