"""What GitHub's refusals mean in plain words, and what to do about each.

Knows PyGithub's exceptions, GitHub's status codes and sentences, and which permission a refusal is about. Knows no endpoint's
purpose: callers say what they were doing.

    with asking("write the comment", "pull-requests: write"):
        issue.create_comment(body)

Everything that can come back instead of an answer (a refusal, a rate limit, a proxy's HTML, silence) leaves as `ApiError`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import requests
from github.GithubException import BadAttributeException, GithubException, RateLimitExceededException

from autoprof_ci.actions.patience import GivenUpError
from autoprof_ci.actions.transport import FAILURES, failure_said
from autoprof_ci.errors import ToolError

NEEDED: Final[Mapping[str, str]] = {"contents": "read", "actions": "read", "pull-requests": "write"}
"""Permissions of the job that gates and comments. A job that names any loses all it does not name, so all are repeated."""

_QUOTED_CHARACTERS = 200


class ApiFailure(StrEnum):
    """What kind of no."""

    UNAUTHORIZED = "unauthorized"
    NOT_PERMITTED = "not_permitted"
    LOCKED = "locked"
    RATE_LIMITED = "rate_limited"
    NOT_FOUND = "not_found"
    GONE = "gone"
    REFUSED = "refused"
    """The request was understood and is not possible (409, 415, 422...)."""
    UNAVAILABLE = "unavailable"
    """5xx, silence, no connection."""
    NOT_JSON = "not_json"


class ApiError(ToolError):
    """GitHub did not do what it was asked. `kind` says why; callers decide by it, readers by the sentence."""

    def __init__(self, kind: ApiFailure, what: str, next_step: str) -> None:
        super().__init__(what, next_step)
        self.kind = kind


@contextmanager
def asking(doing: str, permission: str | None = None) -> Iterator[None]:
    """Turns what PyGithub and requests raise into `ApiError`.

    `doing`: an infinitive ("write the comment"). `permission`: the line that allows it ("pull-requests: write"). Nothing but
    calls of the API belongs inside: a `KeyError` there means that the answer was not what GitHub documents.
    """
    try:
        yield
    except GivenUpError as error:
        raise _unavailable(doing, error.last) from error
    except GithubException as error:
        raise _from_answer(doing, permission, error) from error
    except requests.exceptions.RetryError as error:
        raise _unavailable(doing, _server_error(str(error))) from error
    except requests.exceptions.InvalidHeader as error:
        raise _not_json(doing) from error
    except FAILURES as error:
        raise _unavailable(doing, failure_said(error)) from error
    except BadAttributeException as error:
        raise _not_json(doing) from error
    except (AssertionError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        # PyGithub stumbles in one of these ways over an answer that is no JSON, or not GitHub's
        raise _not_json(doing) from error


def permissions_for(permission: str | None) -> str:
    """The whole ``permissions:`` of a job that may also do what `permission` ("contents: write") allows."""
    needed = dict(NEEDED)
    if permission is not None:
        name, _, level = permission.partition(": ")
        needed[name] = "write" if "write" in (level, needed.get(name)) else level
    return "permissions: { " + ", ".join(f"{name}: {level}" for name, level in needed.items()) + " }"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    message: str
    headers: Mapping[str, str]

    @property
    def rate_limited(self) -> bool:
        lowered = self.message.lower()
        return (
            self.status == 429
            or "rate limit" in lowered
            or (self.status == 403 and ("retry-after" in self.headers or self.headers.get("x-ratelimit-remaining") == "0"))
        )


def _read(error: GithubException) -> _Answer:
    headers = {str(name).lower(): str(value) for name, value in (error.headers or {}).items()}
    data: Any = error.data
    message = ""
    if isinstance(data, dict) and isinstance(data.get("message"), str):
        message = quoted(data["message"])
        details = data.get("errors")
        said = [_detail(one) for one in details[:3]] if isinstance(details, list) else []
        message = quoted("; ".join([message, *(one for one in said if one and one not in message)]))
    return _Answer(status=error.status, message=message, headers=headers)


def _detail(one: object) -> str:
    if isinstance(one, dict):
        words = one.get("message") or " ".join(str(one[key]) for key in ("field", "code") if one.get(key))
        return str(words)
    return str(one)


def _from_answer(doing: str, permission: str | None, error: GithubException) -> ApiError:
    answer = _read(error)
    said = f": {answer.message.rstrip('.')}" if answer.message else ""
    kind = ApiFailure
    if isinstance(error, RateLimitExceededException) or answer.rate_limited:
        return _rate_limited(doing, answer)
    if answer.status == 401:
        return ApiError(
            kind.UNAUTHORIZED,
            f"GitHub refused to {doing}: the token is not valid (401{said})",
            "Leave the input `github_token` out to use the job's own token, or renew the one it names",
        )
    if answer.status == 403 and re.search(r"\block(ed)?\b", answer.message.lower()):
        return ApiError(
            kind.LOCKED,
            f"GitHub refused to {doing}: the conversation is locked",
            "Unlock it and run the job again; the report is in the job summary meanwhile",
        )
    if answer.status == 403:
        return _not_permitted(doing, permission, answer)
    if answer.status == 404:
        return ApiError(
            kind.NOT_FOUND,
            f"GitHub could not {doing}: it is not there, or the token may not see it (404)",
            f"Check that it still exists, and that the job has `{permissions_for(permission)}`",
        )
    if answer.status == 410:
        return ApiError(
            kind.GONE,
            f"GitHub could not {doing}: it is gone (410{said})",
            "Nothing brings it back; the report is in the job summary",
        )
    if answer.status >= 500:
        return _unavailable(doing, f"it answered {answer.status}{said}")
    if not answer.message:
        return _not_json(doing)
    return ApiError(
        kind.REFUSED,
        f"GitHub refused to {doing} ({answer.status}{said})",
        "The report is in the job summary; if the reason is not yours to change, please report it with this line",
    )


def _not_permitted(doing: str, permission: str | None, answer: _Answer) -> ApiError:
    message = answer.message.rstrip(".")
    ours = "not accessible by" in message.lower() or not message
    if ours and permission is not None:
        forks = (
            "; the pull request of a fork gets a token that only reads, whatever the workflow says: for it a second workflow on"
            " `workflow_run` with `mode: comment` writes"
        )
        return ApiError(
            ApiFailure.NOT_PERMITTED,
            f"GitHub refused to {doing}: the token lacks `{permission}`",
            f"Give the job `{permissions_for(permission)}`{forks if permission.endswith('write') else ''}",
        )
    return ApiError(
        ApiFailure.NOT_PERMITTED,
        f"GitHub refused to {doing} (403{f': {message}' if message else ''})",
        f"The job needs `{permissions_for(permission)}`, and a repository or an organisation that lets its token do this",
    )


def _rate_limited(doing: str, answer: _Answer) -> ApiError:
    wait = _wait_s(answer.headers)
    when = "" if wait is None else f"; it asks to wait {_duration(wait)}, which is longer than we do"
    return ApiError(
        ApiFailure.RATE_LIMITED,
        f"GitHub did not {doing}: too many requests with this token{when}",
        "Run the job again later; the report is in the job summary meanwhile",
    )


def _wait_s(headers: Mapping[str, str]) -> int | None:
    if (after := headers.get("retry-after", "")).isascii() and after.isdigit():
        return int(after[:9])
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(0, int(reset[:12]) - int(time.time()))
    return None


def _duration(seconds: int) -> str:
    return f"{seconds} s" if seconds < 120 else f"{round(seconds / 60)} minutes"


def _unavailable(doing: str, last: str) -> ApiError:
    return ApiError(
        ApiFailure.UNAVAILABLE,
        f"GitHub could not be asked to {doing}: {last.rstrip('.')}",
        "Run the job again; https://www.githubstatus.com tells whether GitHub has trouble",
    )


def _not_json(doing: str) -> ApiError:
    return ApiError(
        ApiFailure.NOT_JSON,
        f"What came back when GitHub was asked to {doing} is not an answer of its API",
        "Check GITHUB_API_URL and the proxy of the runner: a login page or an error page may answer in GitHub's place",
    )


def _server_error(text: str) -> str:
    status = re.search(r"too many (\d{3}) error responses", text)
    return f"it answered {status[1]} again and again" if status else "it failed again and again"


def quoted(text: str) -> str:
    """What somebody else wrote, as a part of one line of ours."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * _QUOTED_CHARACTERS]).split())
    return line if len(line) <= _QUOTED_CHARACTERS else line[: _QUOTED_CHARACTERS - 1] + "…"
