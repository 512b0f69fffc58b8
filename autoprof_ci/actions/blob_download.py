"""Bytes out of the blob store behind a signed address: capped while they arrive, checked against their digest, asked for again.

Must not know what the bytes are, nor who signs the address: each try asks for a fresh one, for they are valid for a minute.
"""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from dataclasses import dataclass

import requests

from autoprof_ci.actions.transport import FAILURES, ArtifactError, NoToken, failure_said
from autoprof_ci.errors import DataError

_CHUNK_BYTES = 1 << 20
_TRIES = 3
_LONGEST_S = 600.0
"""A server that sends a byte now and then is as good as none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is known of the bytes before they come. `digest`: ``sha256:`` and 64 hex digits. `called`: in sentences."""

    called: str
    max_bytes: int
    digest: str | None


class _TryAgainError(Exception):
    """The bytes did not come whole; `failure` is what to raise if they never do."""

    def __init__(self, failure: ArtifactError | DataError) -> None:
        super().__init__(failure.what)
        self.failure = failure


def fetch(http: requests.Session, signed: Callable[[], str], expected: Expected) -> bytes:
    """The bytes behind the address that `signed` makes. Raises `ArtifactError`, `DataError` (too large, damaged)."""
    deadline_s = time.monotonic() + _LONGEST_S
    tries = 0
    while True:
        tries += 1
        try:
            return _once(http, signed(), expected, deadline_s)
        except _TryAgainError as again:
            if tries == _TRIES or time.monotonic() > deadline_s:
                raise again.failure from None


def check_size(size_bytes: int, expected: Expected) -> None:
    """Raises `DataError` for what would not fit, before a byte of it is asked for."""
    if size_bytes > expected.max_bytes:
        raise _too_large(expected)


def _once(http: requests.Session, url: str, expected: Expected, deadline_s: float) -> bytes:
    # Packed on the way would mean that neither the length nor the digest is of what arrives.
    headers = {"Accept-Encoding": "identity"}
    buffer = io.BytesIO()
    try:
        answer = http.get(url, headers=headers, auth=NoToken(), allow_redirects=False, stream=True)
    except FAILURES as error:
        raise _broken(expected, error) from None  # the session has asked again as often as it may
    try:
        with answer as response:
            if response.status_code != 200:
                raise _TryAgainError(
                    ArtifactError(f"The store did not hand out {expected.called} ({response.status_code})", "Run the job again")
                )
            length = response.headers.get("Content-Length", "")
            if length.isascii() and length.isdigit():
                check_size(int(length[:19]), expected)
            for chunk in response.iter_content(_CHUNK_BYTES):
                buffer.write(chunk)
                if buffer.tell() > expected.max_bytes:
                    raise _too_large(expected)
                if time.monotonic() > deadline_s:
                    raise _slow(expected)
    except FAILURES as error:
        raise _TryAgainError(_broken(expected, error)) from None
    content = buffer.getvalue()
    if length and str(len(content)) != length:
        raise _TryAgainError(_damaged(expected, "it arrived incomplete"))
    if expected.digest and expected.digest.lower() != f"sha256:{hashlib.sha256(content).hexdigest()}":
        raise _TryAgainError(_damaged(expected, "its bytes are not those that were uploaded"))
    return content


def _broken(expected: Expected, error: Exception) -> ArtifactError:
    what = f"{expected.called} could not be downloaded: {failure_said(error)}"
    return ArtifactError(_capital(what), "Run the job again")


def _too_large(expected: Expected) -> DataError:
    return DataError(
        _capital(f"{expected.called} is larger than {expected.max_bytes >> 20} MiB"), "Do not trust it; a new run makes a new one"
    )


def _slow(expected: Expected) -> ArtifactError:
    return ArtifactError(_capital(f"{expected.called} did not arrive within {_LONGEST_S / 60:.0f} minutes"), "Run the job again")


def _damaged(expected: Expected, how: str) -> DataError:
    return DataError(_capital(f"{expected.called} is damaged: {how}, {_TRIES} times"), "A new run makes a new one")


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
