"""The repository itself, its commits and branches, comparisons, commit statuses, files at a ref, raw files."""

from __future__ import annotations

import base64

from flask import Blueprint, Response, g, request

from tests.fake_github.access import find, may_read, must_write
from tests.fake_github.answers import (
    Json,
    answer,
    asked,
    invalid,
    not_found,
    page,
    refusal,
    repository_json,
    text_of,
    user,
)
from tests.fake_github.diffs import changed_files
from tests.fake_github.repository import Repository
from tests.fake_github.rest_pulls import pull_json
from tests.fake_github.state import State, stamp

STATES = ("error", "failure", "pending", "success")
MAX_DESCRIPTION = 140
COMPARE_PAGE = 250


def routes(state: State) -> Blueprint:
    blueprint = Blueprint("commits", __name__)
    below = "/repos/<owner>/<name>"

    def readable(owner: str, name: str) -> Repository:
        repository = find(state, owner, name)
        may_read(repository, "contents")
        return repository

    @blueprint.get(below)
    def get_repository(owner: str, name: str) -> Response:
        return answer(repository_json(find(state, owner, name)))

    @blueprint.get(f"{below}/branches/<path:branch>")
    def get_branch(owner: str, name: str, branch: str) -> Response:
        repository = readable(owner, name)
        sha = repository.refs.get(f"refs/heads/{branch}")
        if sha is None:
            raise refusal(404, "Branch not found")
        return answer({"name": branch, "commit": commit_json(repository, sha), "protected": branch == repository.default_branch})

    @blueprint.get(f"{below}/commits")
    def list_commits(owner: str, name: str) -> Response:
        repository = readable(owner, name)
        start = request.args.get("sha", repository.default_branch)
        sha = repository.resolve(start)
        if sha is None:
            raise refusal(409, "Git Repository is empty.") if not repository.refs else not_found()
        return page(repository, repository.git.ancestors(sha), lambda commit: commit_json(repository, commit))

    @blueprint.get(f"{below}/commits/<path:ref>")
    def get_commit(owner: str, name: str, ref: str) -> Response:
        repository = readable(owner, name)
        ref, _, what = ref.rpartition("/") if ref.endswith(("/statuses", "/status", "/pulls")) else (ref, "", "")
        sha = repository.resolve(ref)
        if sha is None:
            raise refusal(422, f"No commit found for SHA: {ref}")
        newest_first = list(reversed(repository.all_statuses.get(sha, [])))
        if what == "statuses":
            return page(repository, newest_first, lambda status: status)
        if what == "status":
            latest = list({str(status["context"]): status for status in reversed(newest_first)}.values())
            return answer({"sha": sha, "state": _combined(latest), "statuses": latest, "total_count": len(latest)})
        if what == "pulls":
            found = [pull for pull in repository.pulls.values() if sha in repository.git.ancestors(pull.head_sha)]
            return page(repository, found, lambda pull: pull_json(repository, pull))
        return answer(commit_json(repository, sha))

    @blueprint.get(f"{below}/compare/<path:basehead>")
    def compare(owner: str, name: str, basehead: str) -> Response:
        repository = readable(owner, name)
        base, dots, head = basehead.partition("...")
        from_sha, to_sha = repository.resolve(base), repository.resolve(head)
        if not dots or from_sha is None or to_sha is None:
            raise not_found()
        return answer(_comparison(repository, from_sha, to_sha))

    @blueprint.post(f"{below}/statuses/<sha>")
    def create_status(owner: str, name: str, sha: str) -> Response:
        repository = find(state, owner, name)
        must_write(repository, "statuses")
        if sha not in repository.git.commits:
            raise refusal(422, f"No commit found for SHA: {sha}")
        body = asked()
        if text_of(body, "state") not in STATES:
            raise invalid("Status", "state", "custom", f"state is not included in the list: {', '.join(STATES)}")
        if len(text_of(body, "description", "")) > MAX_DESCRIPTION:
            raise invalid("Status", "description", "custom", f"description is too long (maximum is {MAX_DESCRIPTION} characters)")
        target = text_of(body, "target_url", "")
        if target and not target.startswith(("http://", "https://")):
            raise invalid("Status", "target_url", "custom", "target_url must use http(s) scheme")
        status: dict[str, object] = {
            "id": state.new_id(),
            "state": body["state"],
            "description": body.get("description"),
            "context": text_of(body, "context", "default"),
            "target_url": target or None,
            "creator": user(g.token.login),
            "created_at": stamp(),
        }
        repository.all_statuses.setdefault(sha, []).append(status)
        return answer(status, 201)

    @blueprint.get(f"{below}/contents/")
    @blueprint.get(f"{below}/contents/<path:path>")
    def contents(owner: str, name: str, path: str = "") -> Response:
        repository = readable(owner, name)
        ref = request.args.get("ref", repository.default_branch)
        sha = repository.resolve(ref)
        if sha is None:
            raise refusal(404, f"No commit found for the ref {ref}")
        paths = repository.git.paths(repository.git.commits[sha].tree)
        if path in paths:
            return _file(repository, path, paths[path][1], sha)
        inside = {
            name.removeprefix(f"{path}/" if path else "").split("/")[0]
            for name in paths
            if not path or name.startswith(f"{path}/")
        }
        if not inside:
            raise not_found()
        names = [f"{path}/{name}" if path else name for name in sorted(inside)]
        return answer(
            [{"name": each.rsplit("/")[-1], "path": each, "type": "file" if each in paths else "dir"} for each in names]
        )

    @blueprint.get("/<owner>/<name>/raw/<sha>/<path:path>")
    def raw(owner: str, name: str, sha: str, path: str) -> Response:
        repository = find(state, owner, name)
        commit = repository.resolve(sha)
        data = None if commit is None else repository.git.files(commit).get(path)
        if data is None:
            raise not_found()
        kind = {"png": "image/png", "svg": "image/svg+xml"}.get(path.rsplit(".")[-1], "text/plain; charset=utf-8")
        return Response(data, headers={"Content-Type": kind})

    return blueprint


def _file(repository: Repository, path: str, sha: str, commit: str) -> Response:
    data = repository.git.blobs[sha]
    if request.headers.get("Accept", "").startswith("application/vnd.github.raw"):
        return Response(data, headers={"Content-Type": "application/vnd.github.raw"})
    big = len(data) > 1_000_000
    url = f"{repository.state.api_url}/repos/{repository.full_name}"
    return answer(
        {
            "type": "file",
            "name": path.rsplit("/")[-1],
            "path": path,
            "sha": sha,
            "size": len(data),
            "encoding": "none" if big else "base64",
            "content": "" if big else base64.encodebytes(data).decode(),
            "url": f"{url}/contents/{path}?ref={commit}",
            "git_url": f"{url}/git/blobs/{sha}",
            "download_url": f"{repository.state.api_url}/{repository.full_name}/raw/{commit}/{path}",
        }
    )


def _comparison(repository: Repository, base: str, head: str) -> Json:
    git = repository.git
    middle = git.merge_base(base, head)
    if middle is None:
        raise refusal(404, f"No common ancestor between {base} and {head}.")
    before, after = git.ancestors(base), git.ancestors(head)
    in_base, in_head = set(before), set(after)
    ahead = [sha for sha in reversed(after) if sha not in in_base]
    behind = [sha for sha in before if sha not in in_head]
    status = {(0, 0): "identical", (1, 0): "ahead", (0, 1): "behind", (1, 1): "diverged"}[bool(ahead), bool(behind)]
    return {
        "url": f"{repository.state.api_url}/repos/{repository.full_name}/compare/{base}...{head}",
        "status": status,
        "ahead_by": len(ahead),
        "behind_by": len(behind),
        "total_commits": len(ahead),
        "base_commit": commit_json(repository, base),
        "merge_base_commit": commit_json(repository, middle),
        "commits": [commit_json(repository, sha) for sha in ahead[:COMPARE_PAGE]],
        "files": changed_files(git.files(middle), git.files(head)),
    }


def _combined(latest: list[dict[str, object]]) -> str:
    states = {status["state"] for status in latest}
    if states & {"failure", "error"}:
        return "failure"
    return "success" if states == {"success"} else "pending"


def commit_json(repository: Repository, sha: str) -> Json:
    commit = repository.git.commits[sha]
    url = f"{repository.state.api_url}/repos/{repository.full_name}"
    person = {"name": "Octo", "email": "octo@example.com", "date": commit.date}
    return {
        "sha": sha,
        "node_id": f"C_{sha}",
        "url": f"{url}/commits/{sha}",
        "html_url": f"{repository.state.api_url}/{repository.full_name}/commit/{sha}",
        "commit": {"message": commit.message, "author": person, "committer": person, "tree": {"sha": commit.tree, "url": ""}},
        "author": user("octocat"),
        "committer": user("octocat"),
        "parents": [{"sha": parent, "url": f"{url}/commits/{parent}"} for parent in commit.parents],
    }
