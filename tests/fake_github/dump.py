"""Everything the fake remembers, as files, for whoever looks from another process.

FOLDER/server.json            where the listeners are
FOLDER/log.jsonl              one request a line, bodies shortened
FOLDER/OWNER--NAME/           comments.json, statuses.json, refs.json, artifacts.json, pulls.json
FOLDER/OWNER--NAME/artifacts/ID.zip
FOLDER/OWNER--NAME/branches/BRANCH/...   the files at each branch
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.fake_github.repository import Repository
from tests.fake_github.state import Request, State

SHOWN_BYTES = 2_000


def dump(state: State, folder: Path) -> None:
    """Called under the state's lock after every change. Each file is replaced at once, so a reader never sees half of one."""
    with state.lock:
        _json(folder / "server.json", {"url": state.api_url, "blobs": state.blob_url, "dialect": state.dialect})
        _text(folder / "log.jsonl", "".join(json.dumps(_request(entry)) + "\n" for entry in state.asked()))
        for repository in state.repositories.values():
            _repository(repository, folder / repository.full_name.replace("/", "--"))


def _repository(repository: Repository, folder: Path) -> None:
    numbers = sorted({*repository.pulls, *repository.issues})
    _json(folder / "comments.json", {str(number): repository.comments(number) for number in numbers})
    _json(folder / "statuses.json", repository.all_statuses)
    _json(folder / "refs.json", repository.refs)
    _json(
        folder / "pulls.json",
        {str(pull.number): {"head_sha": pull.head_sha, "state": pull.state} for pull in repository.pulls.values()},
    )
    finished = [artifact for artifact in repository.artifacts.values() if artifact.finalized]
    _json(
        folder / "artifacts.json",
        [
            {"id": each.id, "name": each.name, "run_id": each.run_id, "size_bytes": each.size_bytes, "digest": each.digest}
            for each in finished
        ],
    )
    _artifacts(repository, folder / "artifacts")
    for ref, sha in repository.refs.items():
        if ref.startswith("refs/heads/"):
            _branch(repository, sha, folder / "branches" / ref.removeprefix("refs/heads/").replace("/", "--"))


def _artifacts(repository: Repository, folder: Path) -> None:
    finished = {f"{each.id}.zip": each for each in repository.artifacts.values() if each.finalized}
    for known in folder.glob("*.zip"):
        if known.name not in finished:
            known.unlink()
    for name, artifact in finished.items():
        data = repository.artifact_data(artifact.id) or b""
        if not (folder / name).exists() or (folder / name).stat().st_size != len(data):
            _bytes(folder / name, data)


def _branch(repository: Repository, sha: str, folder: Path) -> None:
    mark = folder.with_name(f"{folder.name}.sha")
    if mark.exists() and mark.read_text() == sha:
        return
    shutil.rmtree(folder, ignore_errors=True)
    for path, data in repository.git.files(sha).items():
        _bytes(folder / path, data)
    _text(mark, sha)


def _request(entry: Request) -> dict[str, object]:
    return {
        "method": entry.method,
        "path": entry.path,
        "query": {name: value for name, value in entry.query.items() if name != "sig"},
        "status": entry.status,
        "listener": entry.listener,
        "bytes": len(entry.body),
        "body": entry.body[:SHOWN_BYTES].decode("utf-8", "replace") if entry.listener == "api" else "",
    }


def _json(path: Path, value: object) -> None:
    _text(path, json.dumps(value, indent=1))


def _text(path: Path, text: str) -> None:
    _bytes(path, text.encode())


def _bytes(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)
