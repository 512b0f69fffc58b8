"""What the whole fake shares: tokens, the log, the clock, identifiers and one lock. It knows nothing of HTTP routes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from tests.fake_github.blob_store import BlobStore
from tests.fake_github.faults import Faults

if TYPE_CHECKING:
    from tests.fake_github.repository import Repository

Dialect = Literal["github", "act"]
HOURLY_LIMIT = 1000
"""Requests per hour of a job's token, as documented for GITHUB_TOKEN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived. `status` is 0 while, or if ever, no answer was given."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    status: int
    permissions: Mapping[str, str] | None
    listener: Literal["api", "blob"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """What the runner hands an action so that it can reach the artifact service."""

    results_url: str
    token: str


@dataclass(slots=True, kw_only=True)
class Token:
    """Somebody's credentials. `repositories` None: the token sees every repository."""

    value: str
    login: str
    permissions: Mapping[str, str]
    repositories: frozenset[str] | None = None
    remaining: int = HOURLY_LIMIT
    reset_at_s: float = 0.0
    creations_s: list[float] = field(default_factory=list)

    @property
    def is_installation(self) -> bool:
        return self.login.endswith("[bot]")

    def may(self, permission: str, level: str) -> bool:
        held = self.permissions.get(permission.replace("_", "-"), "none")
        return held in {"write", "admin"} or (level == "read" and held == "read")


@dataclass(slots=True, kw_only=True)
class State:
    """Everything the server remembers. Whoever reads or changes it holds `lock`."""

    dialect: Dialect = "github"
    lock: threading.RLock = field(default_factory=threading.RLock)
    log: list[Request] = field(default_factory=list)
    tokens: dict[str, Token] = field(default_factory=dict)
    repositories: dict[str, Repository] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    blobs: BlobStore = field(default_factory=BlobStore)
    runtime_tokens: dict[str, str] = field(default_factory=dict)
    minimized: dict[str, str] = field(default_factory=dict)
    on_change: list[Callable[[], None]] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)
    api_url: str = ""
    blob_url: str = ""
    last_id: int = 5_000_000_000

    def new_id(self) -> int:
        """Larger than 32 bits, as GitHub's are by now."""
        self.last_id += 1
        return self.last_id

    def asked(self) -> list[Request]:
        """The log without the requests that arrange the fake itself."""
        return [entry for entry in self.log if not entry.path.startswith("/_fake/")]

    def changed(self) -> None:
        for listener in self.on_change:
            listener()


def stamp(moment_s: float | None = None) -> str:
    """GitHub's spelling of a moment: whole seconds, UTC."""
    moment = datetime.fromtimestamp(time.time() if moment_s is None else moment_s, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
