"""What every route's answers share: refusals, pages with Link headers, bodies read strictly. Knows no route."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request

from tests.fake_github.repository import Repository

Item = TypeVar("Item")
Json = dict[str, Any]
DOCS = "https://docs.github.com/rest"
PAGE_DEFAULT = 30
PAGE_MAX = 100


class RefusalError(Exception):
    """An answer that ends a request early."""

    def __init__(self, status: int, body: object, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.response = answer(body, status, headers)


def refusal(status: int, message: str, *, headers: Mapping[str, str] | None = None, **more: object) -> RefusalError:
    """GitHub's JSON of an error."""
    return RefusalError(status, {"message": message, **more, "documentation_url": DOCS, "status": str(status)}, headers)


def not_found() -> RefusalError:
    return refusal(404, "Not Found")


def not_permitted() -> RefusalError:
    return refusal(403, "Resource not accessible by integration")


def invalid(resource: str, field: str, code: str, message: str | None = None) -> RefusalError:
    """422 with one entry in `errors`."""
    error = {"resource": resource, "code": code, "field": field} | ({} if message is None else {"message": message})
    return refusal(422, "Validation Failed", errors=[error])


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    if isinstance(body, str):
        return Response(body, status=status, headers={"Content-Type": "text/plain; charset=utf-8", **(headers or {})})
    text = "" if body is None else json.dumps(body)
    return Response(text, status=status, headers={"Content-Type": "application/json; charset=utf-8", **(headers or {})})


def asked() -> Json:
    """The JSON object a request carries."""
    try:
        body = json.loads(request.get_data() or b"{}", parse_constant=_no_constant)
    except ValueError:
        raise refusal(400, "Problems parsing JSON") from None
    if not isinstance(body, dict):
        raise refusal(400, "Body should be a JSON object")
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def text_of(body: Json, field: str, default: str | None = None) -> str:
    """A string that has to be there (or its default); 422 as GitHub words it."""
    value = default if body.get(field) is None else body[field]
    if value is None:
        raise refusal(422, f'Invalid request.\n\n"{field}" wasn\'t supplied.')
    if not isinstance(value, str):
        raise refusal(422, f"Invalid request.\n\nFor 'properties/{field}', {json.dumps(value)} is not a string.")
    return value


def _number(name: str, default: int, least: int, most: int) -> int:
    try:
        value = int(request.args.get(name, default))
    except ValueError:
        return default
    return default if value < least else min(value, most)


def page(
    repository: Repository,
    items: Sequence[Item],
    render: Callable[[Item], Json],
    inside: str | None = None,
    default: int = PAGE_DEFAULT,
) -> Response:
    """One page of `items`: a list, or an object with `total_count` and the list under `inside`.

    The Link header names the repository by its id, as GitHub's does.
    """
    per_page, number = _number("per_page", default, 1, PAGE_MAX), _number("page", 1, 1, 10**6)
    last = max(1, -(-len(items) // per_page))
    shown = [render(item) for item in items[(number - 1) * per_page : number * per_page]]
    links: dict[str, int] = {}
    if number < last:
        links |= {"next": number + 1, "last": last}
    if number > 1:
        links |= {"prev": min(number - 1, last), "first": 1}
    headers = (
        {"Link": ", ".join(f'<{_page_url(repository, target)}>; rel="{name}"' for name, target in links.items())} if links else {}
    )
    return answer(shown if inside is None else {"total_count": len(items), inside: shown}, headers=headers)


def _page_url(repository: Repository, number: int) -> str:
    rest = request.path.split("/", 4)
    below = f"/{rest[4]}" if len(rest) > 4 else ""
    query = urlencode({**request.args, "page": str(number)})
    return f"{repository.state.api_url}/repositories/{repository.id}{below}?{query}"


def user(login: str) -> Json:
    return {
        "login": login,
        "id": sum(login.encode()),
        "type": "Bot" if login.endswith("[bot]") else "User",
        "node_id": f"U_{login}",
    }


def repository_json(repository: Repository) -> Json:
    state = repository.state
    url = f"{state.api_url}/repos/{repository.full_name}"
    return {
        "id": repository.id,
        "node_id": f"R_{repository.id}",
        "name": repository.full_name.split("/")[1],
        "full_name": repository.full_name,
        "private": repository.private,
        "owner": user(repository.owner),
        "html_url": f"{state.api_url}/{repository.full_name}",
        "url": url,
        "fork": repository.fork_of is not None,
        "default_branch": repository.default_branch,
        "visibility": "private" if repository.private else "public",
    }
