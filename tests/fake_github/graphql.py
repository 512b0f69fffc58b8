"""Who asks (REST and GraphQL), and hiding a comment: the two GraphQL questions the fake understands."""

from __future__ import annotations

import re

from flask import Blueprint, Response, g

from tests.fake_github.access import must_write
from tests.fake_github.answers import answer, asked, not_permitted, refusal, text_of, user
from tests.fake_github.state import State

CLASSIFIERS = ("ABUSE", "DUPLICATE", "LOW_QUALITY", "OFF_TOPIC", "OUTDATED", "RESOLVED", "SPAM")


def routes(state: State) -> Blueprint:
    blueprint = Blueprint("graphql", __name__)

    @blueprint.get("/user")
    def whoami() -> Response:
        if g.token is None:
            raise refusal(401, "Requires authentication")
        if g.token.is_installation:
            raise not_permitted()
        return answer(user(g.token.login))

    @blueprint.get("/rate_limit")
    def rate_limit() -> Response:
        core = {"limit": 1000, "remaining": 60 if g.token is None else g.token.remaining, "reset": 0, "used": 0}
        return answer({"resources": {"core": core}, "rate": core})

    @blueprint.post("/graphql")
    def query() -> Response:
        if g.token is None:
            raise refusal(401, "This endpoint requires you to be authenticated.")
        body = asked()
        text, variables = text_of(body, "query"), body.get("variables") or {}
        if "minimizeComment" in text:
            return _minimize(state, text, variables)
        if re.search(r"\bviewer\b", text):
            return answer({"data": {"viewer": {"login": g.token.login}}})
        return _errors("undefinedField", "The fake knows viewer{login} and minimizeComment only")

    return blueprint


def _minimize(state: State, text: str, variables: object) -> Response:
    """The subject and the classifier are taken from the query's text or from its variables, whatever their names."""
    assert isinstance(variables, dict)
    inner = variables.get("input", {})
    values = [str(value) for value in (*variables.values(), *(inner.values() if isinstance(inner, dict) else ()))]
    words = [*values, *re.findall(r'"([^"]*)"', text), *re.findall(r"classifier:\s*([A-Z_]+)", text)]
    node_id = next((word for word in words if word.startswith("IC_")), None)
    classifier = next((word for word in words if word in CLASSIFIERS), None)
    if classifier is None:
        return _errors("argumentLiteralsIncompatible", f"classifier must be one of {', '.join(CLASSIFIERS)}")
    for repository in state.repositories.values():
        for comment in repository.all_comments.values():
            if f"IC_{comment.id}" == node_id:
                must_write(repository, "pull-requests", "issues")
                state.minimized[node_id] = classifier
                done = {"isMinimized": True, "minimizedReason": classifier.lower()}
                return answer({"data": {"minimizeComment": {"minimizedComment": done, "clientMutationId": None}}})
    return _errors("NOT_FOUND", f"Could not resolve to a node with the global id of '{node_id}'")


def _errors(kind: str, message: str) -> Response:
    """GraphQL answers 200 with `errors`."""
    return answer({"data": None, "errors": [{"type": kind, "message": message}]})
