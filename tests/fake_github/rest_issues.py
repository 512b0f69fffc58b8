"""Comments of issues and pull requests, and their conversations' locks."""

from __future__ import annotations

import time

from flask import Blueprint, Response, g, request

from tests.fake_github.access import count_creation, find, may_read, must_write
from tests.fake_github.answers import Json, answer, asked, invalid, not_found, not_permitted, page, refusal, text_of, user
from tests.fake_github.records import Comment
from tests.fake_github.repository import Repository
from tests.fake_github.state import State, stamp

MAX_BODY_CHARACTERS = 65_536
EITHER = ("pull-requests", "issues")


def routes(state: State) -> Blueprint:
    blueprint = Blueprint("issues", __name__, url_prefix="/repos/<owner>/<name>/issues")

    def on_number(owner: str, name: str, number: int) -> Repository:
        repository = find(state, owner, name)
        if number not in repository.pulls and number not in repository.issues:
            raise not_found()
        return repository

    @blueprint.get("/<int:number>")
    def get_issue(owner: str, name: str, number: int) -> Response:
        repository = on_number(owner, name, number)
        may_read(repository, *EITHER)
        return answer(_issue(repository, number))

    @blueprint.get("/<int:number>/comments")
    def list_comments(owner: str, name: str, number: int) -> Response:
        repository = on_number(owner, name, number)
        may_read(repository, *EITHER)
        since = request.args.get("since", "")
        found = [
            comment for comment in repository.all_comments.values() if comment.number == number and comment.updated_at >= since
        ]
        return page(repository, sorted(found, key=lambda comment: comment.id), lambda comment: comment_json(repository, comment))

    @blueprint.post("/<int:number>/comments")
    def create_comment(owner: str, name: str, number: int) -> Response:
        repository = on_number(owner, name, number)
        must_write(repository, *(EITHER if number in repository.pulls else ("issues",)))
        body = _body()
        if number in repository.pulls and repository.pulls[number].locked:
            raise refusal(403, "Unable to create comment because issue is locked.")
        count_creation()
        id = repository.comment(number, body, login=g.token.login)
        return answer(comment_json(repository, repository.all_comments[id]), 201)

    def of_ours(owner: str, name: str, id: int) -> tuple[Repository, Comment]:
        repository = find(state, owner, name)
        comment = _comment(repository, id)
        must_write(repository, *(EITHER if comment.number in repository.pulls else ("issues",)))
        if comment.login != g.token.login:
            raise not_permitted()
        return repository, comment

    @blueprint.get("/comments/<int:id>")
    def get_comment(owner: str, name: str, id: int) -> Response:
        repository = find(state, owner, name)
        may_read(repository, *EITHER)
        return answer(comment_json(repository, _comment(repository, id)))

    @blueprint.patch("/comments/<int:id>")
    def edit_comment(owner: str, name: str, id: int) -> Response:
        repository, comment = of_ours(owner, name, id)
        comment.body = _body()
        comment.updated_at = stamp(max(time.time(), 0))
        return answer(comment_json(repository, comment))

    @blueprint.delete("/comments/<int:id>")
    def delete_comment(owner: str, name: str, id: int) -> Response:
        repository, comment = of_ours(owner, name, id)
        del repository.all_comments[comment.id]
        return answer(None, 204)

    return blueprint


def _body() -> str:
    text = text_of(asked(), "body")
    if not text.strip():
        raise invalid("IssueComment", "data", "unprocessable", "Body cannot be blank")
    if len(text) > MAX_BODY_CHARACTERS:
        raise invalid("IssueComment", "body", "custom", f"body is too long (maximum is {MAX_BODY_CHARACTERS} characters)")
    return text


def _comment(repository: Repository, id: int) -> Comment:
    if id not in repository.all_comments:
        raise not_found()
    return repository.all_comments[id]


def _issue(repository: Repository, number: int) -> Json:
    url = f"{repository.state.api_url}/repos/{repository.full_name}/issues/{number}"
    pull = repository.pulls.get(number)
    return {
        "number": number,
        "url": url,
        "comments_url": f"{url}/comments",
        "state": "open" if pull is None else pull.state,
        "locked": pull is not None and pull.locked,
        "user": user("octocat" if pull is None else pull.login),
        "comments": sum(comment.number == number for comment in repository.all_comments.values()),
    }


def comment_json(repository: Repository, comment: Comment) -> Json:
    pages = f"{repository.state.api_url}/{repository.full_name}"
    url = f"{repository.state.api_url}/repos/{repository.full_name}/issues"
    return {
        "id": comment.id,
        "node_id": f"IC_{comment.id}",
        "url": f"{url}/comments/{comment.id}",
        "html_url": f"{pages}/pull/{comment.number}#issuecomment-{comment.id}",
        "issue_url": f"{url}/{comment.number}",
        "body": comment.body,
        "user": user(comment.login),
        "created_at": comment.created_at,
        "updated_at": comment.updated_at,
        "author_association": "NONE",
    }
