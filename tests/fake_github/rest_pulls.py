"""Pull requests: one, a filtered list, the files of one."""

from __future__ import annotations

from flask import Blueprint, Response, request

from tests.fake_github.access import find, may_read
from tests.fake_github.answers import Json, answer, not_found, page, repository_json, user
from tests.fake_github.diffs import changed_files
from tests.fake_github.records import Pull
from tests.fake_github.repository import Repository
from tests.fake_github.state import State


def routes(state: State) -> Blueprint:
    blueprint = Blueprint("pulls", __name__, url_prefix="/repos/<owner>/<name>/pulls")

    def readable(owner: str, name: str) -> Repository:
        repository = find(state, owner, name)
        may_read(repository, "pull-requests")
        return repository

    def one(repository: Repository, number: int) -> Pull:
        if number not in repository.pulls:
            raise not_found()
        return repository.pulls[number]

    @blueprint.get("")
    def list_pulls(owner: str, name: str) -> Response:
        repository = readable(owner, name)
        wanted = request.args.get("state", "open")
        found = [
            pull for pull in repository.pulls.values() if wanted in {"all", pull.state} and _is_head(pull) and _is_base(pull)
        ]
        newest_first = sorted(found, key=lambda pull: -pull.number)
        return page(repository, newest_first, lambda pull: pull_json(repository, pull))

    @blueprint.get("/<int:number>")
    def get_pull(owner: str, name: str, number: int) -> Response:
        repository = readable(owner, name)
        return answer(pull_json(repository, one(repository, number)))

    @blueprint.get("/<int:number>/files")
    def files_of_pull(owner: str, name: str, number: int) -> Response:
        repository = readable(owner, name)
        pull = one(repository, number)
        base = repository.git.merge_base(pull.base_sha, pull.head_sha)
        files = changed_files({} if base is None else repository.git.files(base), repository.git.files(pull.head_sha))
        return page(repository, files, lambda file: file)

    return blueprint


def _is_head(pull: Pull) -> bool:
    """`head` without an owner is ignored, as on GitHub."""
    head = request.args.get("head", "")
    return ":" not in head or head == f"{pull.head_owner}:{pull.head_ref}"


def _is_base(pull: Pull) -> bool:
    return request.args.get("base", pull.base) == pull.base


def pull_json(repository: Repository, pull: Pull) -> Json:
    state = repository.state
    url = f"{state.api_url}/repos/{repository.full_name}/pulls/{pull.number}"
    head = pull.head_repository
    return {
        "id": 10_000 + pull.number,
        "number": pull.number,
        "url": url,
        "html_url": f"{state.api_url}/{repository.full_name}/pull/{pull.number}",
        "issue_url": f"{state.api_url}/repos/{repository.full_name}/issues/{pull.number}",
        "state": pull.state,
        "locked": pull.locked,
        "draft": False,
        "title": f"Pull request {pull.number}",
        "body": None,
        "user": user(pull.login),
        "merge_commit_sha": pull.merge_commit_sha,
        "head": {
            "label": f"{pull.head_owner}:{pull.head_ref}",
            "ref": pull.head_ref,
            "sha": pull.head_sha,
            "user": user(pull.head_owner),
            "repo": None if head is None else repository_json(head),
        },
        "base": {
            "label": f"{repository.owner}:{pull.base}",
            "ref": pull.base,
            "sha": pull.base_sha,
            "user": user(repository.owner),
            "repo": repository_json(repository),
        },
    }
