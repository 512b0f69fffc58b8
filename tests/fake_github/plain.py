"""A bare HTTP client for the fake's own tests: nothing is retried, followed or hidden."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import requests

from tests.fake_github.state import Runtime

TWIRP = "twirp/github.actions.results.api.v1.ArtifactService"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """Asks `url`/PATH with a token; `token` None asks without."""

    url: str
    token: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def __call__(self, method: str, path: str, body: object = None, **more: Any) -> requests.Response:
        headers = (
            {"User-Agent": "plain"} | ({} if self.token is None else {"Authorization": f"Bearer {self.token}"}) | self.headers
        )
        url = path if path.startswith("http") else f"{self.url}/{path}"
        return requests.request(method, url, headers=headers, json=body, allow_redirects=False, timeout=10, **more)


def twirp(runtime: Runtime, method: str, body: object, token: str | None = None) -> requests.Response:
    """One call of the artifact service."""
    headers = {"Authorization": f"Bearer {token or runtime.token}"}
    return requests.post(f"{runtime.results_url}{TWIRP}/{method}", headers=headers, json=body, timeout=10)


def message_of(answer: requests.Response) -> tuple[int, str]:
    """Status and GitHub's sentence."""
    return answer.status_code, answer.json()["message"]
