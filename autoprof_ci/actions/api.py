"""The connection to GitHub's API, and who we are there.

Knows how PyGithub is set up: bounded waiting, pages of a hundred, no request that was not asked for. Knows no endpoint's
purpose; what refusals mean is in `refusals`, whose names are here too.
"""

from __future__ import annotations

import logging
import re
from typing import Final

import github
from github import Github
from github.GithubException import RateLimitExceededException
from github.Repository import Repository

from autoprof_ci import __version__
from autoprof_ci.actions.patience import Patience, PatientRetry
from autoprof_ci.actions.refusals import ApiError, ApiFailure, asking, quoted

__all__ = [
    "ACTIONS_BOT",
    "ApiError",
    "ApiFailure",
    "Github",
    "Patience",
    "Repository",
    "asking",
    "connect",
    "full_name",
    "known_of",
    "my_login",
]

ACTIONS_BOT: Final = "github-actions[bot]"
"""Who a job's own token writes as, where GitHub does not say."""

# PyGithub prints every refusal with the server's words in it, which nobody has made harmless for a runner's log; ours are told
# once, in our words, and an expected one not at all
logging.getLogger("github").setLevel(logging.WARNING)


def connect(api_url: str, token: str | None, patience: Patience | None = None) -> github.Github:
    """A lazy client (objects are asked for only when a field is missing) that waits a bounded time in all.

    Reads and edits are repeated on 5xx and silence; a POST only where GitHub said that it was not carried out (rate
    limits). Raises `ApiError` where `api_url` is no URL of an API.
    """
    patience = patience or Patience()
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", api_url):
        raise ApiError(
            ApiFailure.UNAVAILABLE,
            f"{quoted(api_url)!r} is not the URL of an API",
            "GitHub's runners set GITHUB_API_URL to something like https://api.github.com",
        )
    token = (token or "").strip()
    if not (token.isascii() and token.isprintable() and " " not in token):
        raise ApiError(
            ApiFailure.UNAUTHORIZED,
            "The input `github_token` is not a token: it has blanks or special characters in it",
            "Leave the input out to use the job's own token, or store the secret again",
        )
    return github.Github(
        base_url=api_url.rstrip("/"),
        auth=github.Auth.Token(token) if token else None,
        user_agent=f"autoprof-ci/{__version__}",
        per_page=100,
        timeout=patience.timeout_s,
        retry=PatientRetry.of(patience),
        # GitHub asks for a second between writes; reads need no pause, and a short way from reading to writing is what
        # keeps two runs from overwriting each other
        seconds_between_requests=None,
        seconds_between_writes=patience.between_writes_s,
        lazy=True,
    )


def full_name(repo: Repository) -> str:
    """``owner/name`` as it was asked for; the field of the object would cost a request."""
    return repo.url.rpartition("/repos/")[2]


def known_of(repo: Repository) -> tuple[int, str]:
    """Number and default branch of the repository, for runners that tell neither. Raises `ApiError`."""
    with asking("look up this repository"):
        return repo.id, repo.default_branch


def my_login(api: github.Github) -> str:
    """Who we write as. Raises `ApiError` where GitHub does not answer at all.

    A person's token may ask ``GET /user``; a job's token may not, but GraphQL tells it.
    """
    with asking("say whose token this is"):
        try:
            _, user = api.requester.requestJsonAndCheck("GET", "/user")
            return _login(user) or ACTIONS_BOT
        except github.GithubException as refusal:
            if refusal.status not in (403, 404) or isinstance(refusal, RateLimitExceededException):
                raise
        try:
            _, answer = api.requester.graphql_query("query { viewer { login } }", {})
            data = answer.get("data")
            return _login(data.get("viewer") if isinstance(data, dict) else None) or ACTIONS_BOT
        except github.GithubException as refusal:
            if refusal.status not in (400, 403, 404) or isinstance(refusal, RateLimitExceededException):
                raise
            return ACTIONS_BOT


def _login(user: object) -> str | None:
    login = user.get("login") if isinstance(user, dict) else None
    return login if isinstance(login, str) and login else None
