"""How requests travel to the artifact service and the blob store: what is tried again, how long, and what a failure is called.

Knows requests and urllib3. Must not know what is asked of whom. An address may hold a signature that is as good as a password, so
nothing here puts an address, or an exception's own text (which quotes the address), into a sentence.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.exceptions import InvalidHeader, NameResolutionError, ReadTimeoutError
from urllib3.util.retry import Retry

from autoprof_ci import __version__
from autoprof_ci.errors import ToolError

USER_AGENT = f"autoprof-ci/{__version__}"
PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""What a server says when the same request may be answered later."""
FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)
"""Everything that `requests` lets out of a request that got no answer."""


class ArtifactError(ToolError):
    """An artifact could not be stored or fetched, and asking again did not help."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long a failing server is waited for. With these numbers a dead one costs about two minutes.

    `tries` is of one request, `failures` of a whole session: a server that fails every second request must not cost hours.
    """

    tries: int = 5
    failures: int = 10
    first_wait_s: float = 1.0
    longest_wait_s: float = 20.0
    connect_timeout_s: float = 10.0
    silence_timeout_s: float = 20.0


class Bearer(AuthBase):
    """The one token that belongs to this request. Given explicitly, so that no `.netrc` puts another one in its place."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._token}"
        return request


class NoToken(AuthBase):
    """For addresses that are signed already: the blob store refuses a request that brings a token as well."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers.pop("Authorization", None)
        return request


def session(patience: Patience) -> requests.Session:
    """A session that asks again where that can help, and gives up in bounded time. A last bad answer is returned, not raised."""
    made = requests.Session()
    made.headers["User-Agent"] = USER_AGENT
    adapter = _WithTimeouts(patience)
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def failure_said(error: Exception) -> str:
    """What went wrong in the words of a reader: "it did not answer in time"."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy did not let it through"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate was not accepted"
    if isinstance(error, requests.Timeout) or isinstance(reason, ReadTimeoutError):
        return "it did not answer in time"
    if isinstance(reason, NameResolutionError):
        return "its name is not known to this machine"
    if isinstance(error, ValueError):
        return "its address is not one"
    return "the connection broke off"


class _Failures:
    """How many failures this session may still wait for."""

    def __init__(self, left: int) -> None:
        self.left = left


class _Retries(Retry):
    """urllib3's rules for one request, and one count of failures for the whole session."""

    def __init__(self, *args: Any, failures: _Failures, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._failures = failures

    def new(self, **changed: Any) -> Self:
        return super().new(failures=self._failures, **changed)

    def increment(self, *args: Any, **kwargs: Any) -> Self:
        self._failures.left -= 1
        if self._failures.left < 0:
            self.total = 0
        return super().increment(*args, **kwargs)

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            return super().parse_retry_after(retry_after)
        except (InvalidHeader, ValueError, OverflowError):
            return 0.0


class _WithTimeouts(HTTPAdapter):
    """No request can hang for ever, also where the caller forgot to say so."""

    def __init__(self, patience: Patience) -> None:
        self._timeouts_s = (patience.connect_timeout_s, patience.silence_timeout_s)
        retries = _Retries(
            failures=_Failures(patience.failures),
            total=patience.tries - 1,
            allowed_methods=None,
            status_forcelist=PASSING_STATUSES,
            backoff_factor=patience.first_wait_s,
            backoff_max=patience.longest_wait_s,
            retry_after_max=math.ceil(patience.longest_wait_s),
            raise_on_status=False,
        )
        super().__init__(max_retries=retries)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeouts_s
        return super().send(request, *args, **kwargs)
