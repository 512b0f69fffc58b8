"""The Git data API: blobs, trees, commits, refs."""

from __future__ import annotations

import base64
import binascii
import re

from flask import Blueprint, Response, request

from tests.fake_github.access import find, may_read, must_write
from tests.fake_github.answers import Json, answer, asked, not_found, page, refusal, text_of
from tests.fake_github.git_objects import Entry
from tests.fake_github.repository import Repository
from tests.fake_github.state import State, stamp

MODES = {"100644": "blob", "100755": "blob", "040000": "tree", "160000": "commit", "120000": "blob"}
SHA = re.compile(r"[0-9a-f]{40}")


def routes(state: State) -> Blueprint:
    blueprint = Blueprint("git", __name__, url_prefix="/repos/<owner>/<name>/git")

    def readable(owner: str, name: str) -> Repository:
        repository = find(state, owner, name)
        may_read(repository, "contents")
        return repository

    def writable(owner: str, name: str) -> Repository:
        repository = find(state, owner, name)
        must_write(repository, "contents")
        if not repository.refs:
            raise refusal(409, "Git Repository is empty.")
        return repository

    @blueprint.post("/blobs")
    def create_blob(owner: str, name: str) -> Response:
        repository = writable(owner, name)
        body = asked()
        content, encoding = text_of(body, "content"), text_of(body, "encoding", "utf-8")
        if encoding not in {"utf-8", "base64"}:
            raise refusal(422, f'"{encoding}" is not a supported encoding')
        try:
            data = base64.b64decode(content, validate=True) if encoding == "base64" else content.encode()
        except binascii.Error:
            raise refusal(422, "content is not valid Base64") from None
        sha = repository.git.put_blob(data)
        return answer({"sha": sha, "url": _url(repository, f"blobs/{sha}")}, 201)

    @blueprint.get("/blobs/<sha>")
    def get_blob(owner: str, name: str, sha: str) -> Response:
        repository = readable(owner, name)
        data = repository.git.blobs.get(sha)
        if data is None:
            raise not_found()
        content = base64.encodebytes(data).decode()
        return answer(
            {"sha": sha, "size": len(data), "encoding": "base64", "content": content, "url": _url(repository, f"blobs/{sha}")}
        )

    @blueprint.post("/trees")
    def create_tree(owner: str, name: str) -> Response:
        repository = writable(owner, name)
        body = asked()
        paths = dict(_base_paths(repository, body))
        entries = body.get("tree")
        if not isinstance(entries, list):
            raise refusal(422, 'Invalid request.\n\n"tree" wasn\'t supplied.')
        for entry in entries:
            _apply(repository, paths, entry)
        sha = repository.git.put_paths(paths)
        return answer(_tree_json(repository, sha), 201)

    @blueprint.get("/trees/<path:ref>")
    def get_tree(owner: str, name: str, ref: str) -> Response:
        repository = readable(owner, name)
        commit = repository.resolve(ref)
        sha = ref if commit is None else repository.git.commits[commit].tree
        if sha not in repository.git.trees:
            raise not_found()
        return answer(_tree_json(repository, sha))

    @blueprint.post("/commits")
    def create_commit(owner: str, name: str) -> Response:
        repository = writable(owner, name)
        body = asked()
        tree, parents = text_of(body, "tree"), body.get("parents", [])
        if tree not in repository.git.trees:
            raise refusal(422, "Tree SHA does not exist")
        if not isinstance(parents, list) or any(parent not in repository.git.commits for parent in parents):
            raise refusal(422, "Parent SHA does not exist or is not a commit object")
        sha = repository.git.put_commit(tree, parents, text_of(body, "message"), stamp())
        return answer(_commit_json(repository, sha), 201)

    @blueprint.get("/commits/<sha>")
    def get_commit(owner: str, name: str, sha: str) -> Response:
        repository = readable(owner, name)
        if sha not in repository.git.commits:
            raise not_found()
        return answer(_commit_json(repository, sha))

    @blueprint.get("/ref/<path:ref>")
    def get_ref(owner: str, name: str, ref: str) -> Response:
        repository = readable(owner, name)
        if f"refs/{ref}" not in repository.refs:
            raise not_found()
        return answer(_ref_json(repository, f"refs/{ref}"))

    @blueprint.get("/refs")
    @blueprint.get("/matching-refs/<path:ref>")
    def matching_refs(owner: str, name: str, ref: str = "") -> Response:
        repository = readable(owner, name)
        found = sorted(known for known in repository.refs if known.startswith(f"refs/{ref}"))
        return page(repository, found, lambda known: _ref_json(repository, known))

    @blueprint.post("/refs")
    def create_ref(owner: str, name: str) -> Response:
        repository = writable(owner, name)
        body = asked()
        ref, sha = text_of(body, "ref"), text_of(body, "sha")
        if not ref.startswith("refs/") or ref.count("/") < 2:
            raise refusal(422, "Reference name must be a valid ref, with at least two slashes")
        if ref in repository.refs:
            raise refusal(422, "Reference already exists")
        _commit_or_refuse(repository, sha)
        repository.refs[ref] = sha
        return answer(_ref_json(repository, ref), 201, {"Location": _url(repository, ref)})

    @blueprint.patch("/refs/<path:ref>")
    def update_ref(owner: str, name: str, ref: str) -> Response:
        repository = writable(owner, name)
        body = asked()
        sha, force, full = text_of(body, "sha"), body.get("force", False), f"refs/{ref}"
        if full not in repository.refs:
            raise refusal(422, "Reference does not exist")
        _commit_or_refuse(repository, sha)
        if force is not True and repository.refs[full] not in repository.git.ancestors(sha):
            raise refusal(422, "Update is not a fast forward")
        repository.refs[full] = sha
        return answer(_ref_json(repository, full))

    @blueprint.delete("/refs/<path:ref>")
    def delete_ref(owner: str, name: str, ref: str) -> Response:
        repository = writable(owner, name)
        if repository.refs.pop(f"refs/{ref}", None) is None:
            raise refusal(422, "Reference does not exist")
        return answer(None, 204)

    return blueprint


def _base_paths(repository: Repository, body: Json) -> dict[str, tuple[str, str]]:
    base = body.get("base_tree")
    if base is None:
        return {}
    tree = repository.git.commits[base].tree if base in repository.git.commits else base
    if tree not in repository.git.trees:
        raise refusal(404, "Not Found")
    return repository.git.paths(tree)


def _apply(repository: Repository, paths: dict[str, tuple[str, str]], entry: object) -> None:
    """One entry of a tree: a blob's SHA, content in place, a subtree, or a deletion (`sha` null)."""
    if not isinstance(entry, dict):
        raise refusal(422, "Invalid tree info")
    path, mode, sha = text_of(entry, "path"), text_of(entry, "mode"), entry.get("sha")
    if mode not in MODES or entry.get("type", MODES[mode]) != MODES[mode]:
        raise refusal(422, "tree.mode must be one of: 100644, 100755, 040000, 160000 or 120000, and agree with tree.type")
    if not path or path.startswith("/") or path.endswith("/") or any(part in {"", ".", "..", ".git"} for part in path.split("/")):
        raise refusal(422, "tree.path contains a malformed path component")
    if "content" in entry and sha is not None:
        raise refusal(422, "Must supply either tree.sha or tree.content, not both")
    if "content" in entry:
        paths[path] = (mode, repository.git.put_blob(text_of(entry, "content").encode()))
    elif "sha" not in entry:
        raise refusal(422, "Must supply tree.sha or tree.content")
    elif sha is None:
        for gone in [known for known in paths if known == path or known.startswith(f"{path}/")]:
            del paths[gone]
    elif mode == "040000" and sha in repository.git.trees:
        for gone in [known for known in paths if known.startswith(f"{path}/")]:
            del paths[gone]
        paths |= {f"{path}/{name}": found for name, found in repository.git.paths(sha).items()}
    elif sha in repository.git.blobs:
        paths[path] = (mode, sha)
    else:
        raise refusal(422, f"tree.sha {sha} is not a valid {MODES[mode]}")


def _commit_or_refuse(repository: Repository, sha: str) -> None:
    if not SHA.fullmatch(sha):
        raise refusal(422, "The sha parameter must be exactly 40 characters and contain only [0-9a-f].")
    if sha not in repository.git.commits:
        raise refusal(422, "Object does not exist")


def _url(repository: Repository, rest: str) -> str:
    return f"{repository.state.api_url}/repos/{repository.full_name}/git/{rest}"


def _tree_json(repository: Repository, sha: str) -> Json:
    git = repository.git

    def listed(tree: str, prefix: str) -> list[Entry]:
        found = []
        for entry in git.trees[tree]:
            found.append(Entry(mode=entry.mode, kind=entry.kind, name=prefix + entry.name, sha=entry.sha))
            if entry.kind == "tree" and request.args.get("recursive"):
                found += listed(entry.sha, f"{prefix}{entry.name}/")
        return found

    entries: list[Json] = []
    for entry in listed(sha, ""):
        size = {"size": len(git.blobs[entry.sha])} if entry.kind == "blob" else {}
        url = _url(repository, f"{entry.kind}s/{entry.sha}")
        entries.append({"path": entry.name, "mode": entry.mode, "type": entry.kind, "sha": entry.sha, "url": url, **size})
    return {"sha": sha, "url": _url(repository, f"trees/{sha}"), "tree": entries, "truncated": False}


def _commit_json(repository: Repository, sha: str) -> Json:
    commit = repository.git.commits[sha]
    person = {"name": "Octo", "email": "octo@example.com", "date": commit.date}
    return {
        "sha": sha,
        "url": _url(repository, f"commits/{sha}"),
        "html_url": f"{repository.state.api_url}/{repository.full_name}/commit/{sha}",
        "message": commit.message,
        "tree": {"sha": commit.tree, "url": _url(repository, f"trees/{commit.tree}")},
        "parents": [{"sha": parent, "url": _url(repository, f"commits/{parent}")} for parent in commit.parents],
        "author": person,
        "committer": person,
    }


def _ref_json(repository: Repository, ref: str) -> Json:
    sha = repository.refs[ref]
    url = _url(repository, f"commits/{sha}")
    return {
        "ref": ref,
        "node_id": f"REF_{ref}",
        "url": _url(repository, ref),
        "object": {"type": "commit", "sha": sha, "url": url},
    }
