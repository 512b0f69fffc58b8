"""Arranging and looking from another process: ``POST /_fake/NAME`` with a JSON object calls the method of that name.

    curl -X POST $URL/_fake/repository -d '{"full_name": "octo/app"}'
    curl -X POST $URL/_fake/commit     -d '{"on": "octo/app", "branch": "main", "files": {"a.txt": "hello"}}'
    curl -X POST $URL/_fake/token      -d '{"permissions": {"contents": "read"}}'

The answer is ``{"result": ...}``. `on` names the repository, for a method of a repository. `data` is base64, `tmp` a path.
Not part of GitHub: a product under test that asks here is broken.
"""

from __future__ import annotations

import base64
import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, request

from tests.fake_github.repository import Repository
from tests.fake_github.state import Runtime

if TYPE_CHECKING:
    from tests.fake_github.server import FakeGithub

OF_THE_SERVER = {"repository", "token", "revoke", "exhaust", "fail", "limit", "runtime"}
OF_A_REPOSITORY = {
    *("fork", "commit", "file", "tree_of", "comment", "comments", "statuses", "run", "artifact", "environment"),
    *("pull", "push", "close", "lock", "delete_fork"),
}


def routes(fake: FakeGithub) -> Blueprint:
    blueprint = Blueprint("control", __name__, url_prefix="/_fake")

    @blueprint.post("/<name>")
    def call(name: str) -> Response:
        try:
            return _answer({"result": _plain(_call(fake, name, json.loads(request.get_data() or b"{}")))}, 200)
        except (TypeError, KeyError, ValueError, AssertionError) as error:
            return _answer({"error": f"{name}: {type(error).__name__}: {error}"}, 400)

    return blueprint


def _call(fake: FakeGithub, name: str, given: dict[str, Any]) -> object:
    if "data" in given:
        given["data"] = base64.b64decode(given["data"], validate=True)
    if "tmp" in given:
        given["tmp"] = Path(given["tmp"])
    if "head_repository" in given:
        given["head_repository"] = fake.repository(given["head_repository"])
    if name == "runtime":
        return fake.runtime(fake.repository(given.pop("on")), **given)
    if name in OF_THE_SERVER:
        return getattr(fake, name)(**given)
    if name not in OF_A_REPOSITORY:
        raise ValueError(f"no such method; known are {', '.join(sorted(OF_THE_SERVER | OF_A_REPOSITORY))}")
    return getattr(fake.repository(given.pop("on")), name)(**given)


def _plain(value: object) -> object:
    if isinstance(value, Repository):
        return value.full_name
    if isinstance(value, Runtime) or (is_dataclass(value) and not isinstance(value, type)):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value


def _answer(body: object, status: int) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")
