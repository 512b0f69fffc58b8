"""How long we wait for GitHub: for one answer, for a rate limit, and in all.

Knows GitHub's rules for repeating a request. A minute of a job is billed, so the waiting has one purse for the whole
connection: what one request waited, the next one no longer can.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from github.GithubException import GithubException, RateLimitExceededExceedsMaxWait
from github.GithubRetry import GithubRetry
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import NameResolutionError, TimeoutError
from urllib3.response import BaseHTTPResponse

_RATE_LIMITS = (403, 429)
_REPEATABLE = frozenset({"GET", "HEAD", "PATCH", "PUT", "DELETE"})
"""Twice is the same as once. A POST that failed with 5xx may have been carried out all the same."""


class GivenUpError(GithubException):
    """The purse is empty. `last`: what the last try came to."""

    def __init__(self, last: str) -> None:
        super().__init__(503, {"message": last})
        self.last = last


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds. `in_all_s`: of one connection, waiting between tries and for answers that never came."""

    timeout_s: int = 12
    """GitHub itself ends a request after ten."""
    retries: int = 3
    rate_limit_s: float = 60.0
    """At most for one rate limit: a primary limit can last an hour."""
    backoff_s: float = 1.5
    in_all_s: float = 60.0
    """A step has two connections, one to the API and one to the artifact service, and asks five things of the API after it has
    found it silent; and a brief one for what is a comfort: less than three minutes, if nothing ever answers."""
    between_writes_s: float = 1.0


class Purse:
    """What is left of `Patience.in_all_s`; shared by all requests of a connection."""

    def __init__(self, patience: Patience) -> None:
        self.left_s = patience.in_all_s


class PatientRetry(GithubRetry):
    """`GithubRetry` that never repeats a POST which may have been carried out, and never waits longer than it may."""

    def __init__(self, *, patience: Patience, purse: Purse, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.patience = patience
        self.purse = purse

    @classmethod
    def of(cls, patience: Patience) -> Self:
        return cls(
            patience=patience,
            purse=Purse(patience),
            total=patience.retries,
            backoff_factor=patience.backoff_s,
            secondary_rate_wait=min(60.0, patience.rate_limit_s),
            max_rate_limit_wait=patience.rate_limit_s,
            allowed_methods=_REPEATABLE,
            status_forcelist=[500, 502, 503, 504],
        )

    def new(self, **kw: Any) -> Self:
        return super().new(patience=self.patience, purse=self.purse, **kw)

    def is_retry(self, method: str, status_code: int, has_retry_after: bool = False) -> bool:  # noqa: FBT001, FBT002
        # a rate limit says that nothing was done, so that a POST may be repeated too
        if status_code in _RATE_LIMITS:
            return bool(self.total)
        return super().is_retry(method, status_code, has_retry_after)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        asked_s = None if response is None else self._asked_to_wait_s(response)
        if response is not None and asked_s is not None and asked_s > self.patience.rate_limit_s:
            if response.status not in _RATE_LIMITS:
                raise GivenUpError(f"it answered {response.status} and asks to wait {asked_s:.0f} s")
            raise RateLimitExceededExceedsMaxWait(response.status, None, dict(response.headers), None, asked_s)
        # also of a POST, which is not repeated
        self.purse.left_s -= self.patience.timeout_s if isinstance(error, (TimeoutError, NameResolutionError)) else 0.0
        following: Self = super().increment(method, url, response, error, _pool, _stacktrace)  # type: ignore[assignment, arg-type]
        if asked_s is not None:
            following.get_backoff_time = lambda: asked_s  # type: ignore[method-assign]
        self.purse.left_s -= following.get_backoff_time()
        if self.purse.left_s < 0:
            raise GivenUpError("no answer in time" if response is None else f"it answered {response.status} again and again")
        return following

    def _asked_to_wait_s(self, response: BaseHTTPResponse) -> float | None:
        """What the answer says about when to come again; ``None`` where it says nothing or `GithubRetry` reads it."""
        if (after_s := self.get_retry_after(response)) is not None:
            return after_s
        if response.status != 429:
            return None
        reset = response.headers.get("x-ratelimit-reset", "")
        if response.headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
            return max(0.0, int(reset[:12]) - time.time()) + 1.0
        return self.secondary_rate_wait
