"""Who asks, and may they: credentials, permissions, rate limits. Knows the rules, no route."""

from __future__ import annotations

import time

from flask import g, request

from tests.fake_github.answers import RefusalError, not_found, not_permitted, refusal
from tests.fake_github.repository import Repository
from tests.fake_github.state import HOURLY_LIMIT, State, Token
from tests.fake_github.wire import token_in

CREATIONS_PER_MINUTE = 80
NO_USER_AGENT = (
    "Request forbidden by administrative rules. Please make sure your request has a User-Agent header "
    "(https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\n"
)


def admit(state: State) -> None:
    """Before every REST and GraphQL request: the User-Agent, the credentials, the hourly limit, the media type."""
    if not request.headers.get("User-Agent"):
        raise RefusalError(403, NO_USER_AGENT)
    g.token = None
    if "Authorization" in request.headers:
        g.token = state.tokens.get(token_in(request.headers))
        if g.token is None:
            raise refusal(401, "Bad credentials")
        _count(g.token)
    kinds = [kind.split(";")[0].strip().lower() for kind in request.headers.get("Accept", "*/*").split(",")]
    if not any(
        kind in {"*/*", "application/*", "application/json"} or kind.startswith("application/vnd.github") for kind in kinds
    ):
        raise refusal(415, f"Unsupported 'Accept' header: '{request.headers['Accept']}'. Must accept 'application/json'.")


def _count(token: Token) -> None:
    now = time.time()
    if now >= token.reset_at_s:
        token.remaining, token.reset_at_s = HOURLY_LIMIT, now + 3600
    if token.remaining <= 0:
        raise refusal(403, f"API rate limit exceeded for installation of {token.login}.")
    token.remaining -= 1


def count_creation() -> None:
    """Comments by the dozen run into the secondary limit."""
    token: Token = g.token
    now = time.time()
    token.creations_s[:] = [moment for moment in token.creations_s if moment > now - 60]
    if len(token.creations_s) >= CREATIONS_PER_MINUTE:
        message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
        raise refusal(403, message, headers={"Retry-After": "60"})
    token.creations_s.append(now)


def limits() -> dict[str, str]:
    """The headers every answer carries."""
    token: Token | None = g.get("token")
    if token is None:
        return {"X-RateLimit-Limit": "60", "X-RateLimit-Remaining": "59", "X-RateLimit-Resource": "core"}
    return {
        "X-RateLimit-Limit": str(HOURLY_LIMIT),
        "X-RateLimit-Remaining": str(token.remaining),
        "X-RateLimit-Reset": str(int(token.reset_at_s)),
        "X-RateLimit-Used": str(HOURLY_LIMIT - token.remaining),
        "X-RateLimit-Resource": "core",
    }


def _sees(repository: Repository) -> bool:
    token: Token | None = g.token
    inside = token is not None and (token.repositories is None or repository.full_name in token.repositories)
    return inside or not repository.private


def find(state: State, owner: str, name: str) -> Repository:
    """The repository, or 404 if there is none or the token may not know of it."""
    repository = state.repositories.get(f"{owner}/{name}".lower())
    if repository is None or not _sees(repository):
        raise not_found()
    return repository


def may_read(repository: Repository, *permissions: str) -> None:
    """Public things are readable by everybody; private ones need one of the permissions."""
    if repository.private:
        _need(repository, "read", permissions)


def must_read(repository: Repository, *permissions: str) -> None:
    """What needs the permission even in a public repository."""
    _need(repository, "read", permissions)


def must_write(repository: Repository, *permissions: str) -> None:
    _need(repository, "write", permissions)


def _need(repository: Repository, level: str, permissions: tuple[str, ...]) -> None:
    token: Token | None = g.token
    if token is None:
        raise refusal(401, "Requires authentication")
    inside = token.repositories is None or repository.full_name in token.repositories
    if not inside or not any(token.may(permission, level) for permission in permissions):
        raise not_permitted()
