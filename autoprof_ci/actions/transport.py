"""How requests travel to the artifact service and the blob store: what is tried again, how long, and what a failure is called.

Knows requests and urllib3. Must not know what is asked of whom. An address may hold a signature that is as good as a password, so
nothing here puts an address, or an exception's own text (which quotes the address), into a sentence.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import unquote

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3 import BaseHTTPResponse
from urllib3.connectionpool import ConnectionPool
from urllib3.exceptions import InvalidHeader, NameResolutionError, NewConnectionError, ReadTimeoutError
from urllib3.util.retry import Retry

from autoprof_ci import __version__
from autoprof_ci.actions.patience import Patience, Purse
from autoprof_ci.errors import ToolError

USER_AGENT = f"autoprof-ci/{__version__}"
PASSING_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""What a server says when the same request may be answered later."""
FAILURES = (OSError, urllib3.exceptions.HTTPError)
"""Everything that `requests` lets out of a request that got no answer; its own exceptions are of the first kind."""
_SIGNATURE = "sig="


class ArtifactError(ToolError):
    """An artifact could not be stored or fetched, and asking again did not help."""


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


def session(patience: Patience, purse: Purse | None = None) -> requests.Session:
    """A session that asks again where that can help, and gives up in bounded time. A last bad answer is returned, not raised.

    `purse`: of a connection that this one belongs to; without it, it has its own.
    """
    made = requests.Session()
    made.headers["User-Agent"] = USER_AGENT
    adapter = _WithTimeouts(patience, purse or Purse(patience))
    made.mount("https://", adapter)
    made.mount("http://", adapter)
    return made


def failure_said(error: Exception) -> str:
    """What went wrong in the words of a reader: "no answer in time"."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if not isinstance(error, requests.RequestException) and "certificate bundle" in str(error):
        return "the file of certificates that REQUESTS_CA_BUNDLE names is not in this container"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy did not let it through"
    if isinstance(error, requests.exceptions.SSLError):
        return "its certificate was not accepted"
    if isinstance(error, requests.Timeout) or isinstance(reason, ReadTimeoutError):
        return "no answer in time"
    if isinstance(reason, NameResolutionError):
        return "its name is not known to this machine"
    if isinstance(reason, NewConnectionError) and isinstance(reason.__cause__, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ValueError):
        return "its address is not one"
    return "the connection broke off"


def masked(url: str, mask: Callable[[str], None]) -> str:
    """`url` itself, after `mask` was given its signature in both spellings: as it travels, and as a program would print it."""
    for parameter in url.partition("?")[2].split("&"):
        if parameter.startswith(_SIGNATURE) and len(parameter) > len(_SIGNATURE):
            spelled = parameter.removeprefix(_SIGNATURE)
            for secret in sorted({spelled, unquote(spelled)}):
                mask(secret)
    return url


class _Retries(Retry):
    """urllib3's rules for one request, and one purse for all requests of the session."""

    def __init__(self, *args: Any, patience: Patience, purse: Purse, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.patience = patience
        self.purse = purse

    def new(self, **changed: Any) -> Self:
        return super().new(patience=self.patience, purse=self.purse, **changed)

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        error: Exception | None = None,
        _pool: ConnectionPool | None = None,
        _stacktrace: TracebackType | None = None,
    ) -> Self:
        asked_s = self.get_retry_after(response) if response is not None else None
        self.purse.left_s -= asked_s or 0.0 if response is not None else float(self.patience.timeout_s)
        if self.purse.left_s <= 0:
            self.total = 0
        following = super().increment(method, url, response, error, _pool, _stacktrace)
        self.purse.left_s -= 0.0 if asked_s else following.get_backoff_time()
        return following

    def parse_retry_after(self, retry_after: str) -> float:
        try:
            return super().parse_retry_after(retry_after)
        except (InvalidHeader, ValueError, OverflowError):
            return 0.0


class _WithTimeouts(HTTPAdapter):
    """No request can hang for ever, also where the caller forgot to say so."""

    def __init__(self, patience: Patience, purse: Purse) -> None:
        self._timeout_s = patience.timeout_s
        retries = _Retries(
            patience=patience,
            purse=purse,
            total=patience.retries,
            allowed_methods=None,
            status_forcelist=PASSING_STATUSES,
            backoff_factor=patience.backoff_s,
            retry_after_max=math.ceil(patience.rate_limit_s),
            raise_on_status=False,
        )
        super().__init__(max_retries=retries)

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if kwargs.get("timeout") is None:
            kwargs["timeout"] = self._timeout_s
        return super().send(request, *args, **kwargs)
