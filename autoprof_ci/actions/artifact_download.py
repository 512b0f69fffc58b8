"""Artifacts of other runs: their list, and the zip itself, through the REST interface with the workflow's token.

Knows the two steps of a download: a redirect that needs the token, and a signed address that must not see it. PyGithub cannot do
this: it asks for a type that GitHub refuses here (415), and follows a redirect to hosts of its own list only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import github
import requests
from github.Repository import Repository
from requests.auth import AuthBase

from autoprof_ci.actions import blob_download
from autoprof_ci.actions.api import asking
from autoprof_ci.actions.listed import Listed
from autoprof_ci.actions.patience import Patience, PatientRetry, Purse
from autoprof_ci.actions.transport import Bearer, NoToken, masked, session

PERMISSION = "actions: read"
_PAGE = 100
_MAX_PAGES_OF_A_RUN = 10
_MAX_MOVES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Which run an artifact is from, as the listing says it."""

    run_id: int
    repository_id: int | None
    head_repository_id: int | None
    head_branch: str | None
    head_sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """An artifact of some run of the repository. `origin` is ``None`` where GitHub no longer has the run."""

    listed: Listed
    expired: bool
    origin: Origin | None


def of_run(repo: Repository, run_id: int) -> tuple[Listed, ...]:
    """The artifacts of run `run_id` that have not expired, newest first. Raises `ApiError`."""
    found: list[Stored] = []
    for number in range(1, _MAX_PAGES_OF_A_RUN + 1):
        with asking(f"list the artifacts of run {run_id}", PERMISSION):
            page, is_last = _page(repo, f"{repo.url}/actions/runs/{run_id}/artifacts", {"page": number})
        found.extend(page)
        if is_last:
            break
    kept = [each.listed for each in found if not each.expired]
    return tuple(sorted(kept, key=lambda each: (each.created_at, each.id), reverse=True))


def called(repo: Repository, name: str) -> Iterator[tuple[Stored, ...]]:
    """Pages of the artifacts called `name`, of all runs, in GitHub's own order. Raises `ApiError`."""
    number = 0
    is_last = False
    while not is_last:
        number += 1
        with asking(f"list the artifacts called {name}", PERMISSION):
            page, is_last = _page(repo, f"{repo.url}/actions/artifacts", {"name": name, "page": number})
        yield tuple(each for each in page if each.listed.name == name)


def download(repo: Repository, artifact: Listed, max_bytes: int, mask: Callable[[str], None]) -> bytes:
    """The zip of `artifact`, at most `max_bytes`, its digest checked where the listing says one.

    Raises `ApiError` (also of an artifact that has expired), `ArtifactError`, `DataError` for one that is too large or damaged.
    """
    expected = blob_download.Expected(called=f"the artifact {artifact.name}", max_bytes=max_bytes, digest=artifact.digest)
    blob_download.check_size(artifact.size_bytes, expected)
    with session(*_patience(repo)) as http:
        return blob_download.fetch(http, lambda: masked(_signed(repo, http, artifact), mask), expected)


def _signed(repo: Repository, http: requests.Session, artifact: Listed) -> str:
    """Where the zip can be had for the next minute."""
    # of a repository that nobody asked GitHub for yet the address has no host
    address = urljoin(f"{repo.requester.base_url}/", f"{repo.url.removeprefix('/')}/actions/artifacts/{artifact.id}/zip")
    with asking(f"hand out the artifact {artifact.name}", PERMISSION):
        for _ in range(_MAX_MOVES):
            # Anything but this is refused since the summer of 2026, also the type that the answer has.
            headers = {"Accept": "application/vnd.github+json"}
            response = http.get(address, headers=headers, auth=_token(repo), allow_redirects=False)
            location = urljoin(response.url, response.headers.get("Location", ""))
            if response.status_code in (301, 307, 308) and urlsplit(location)[:2] == urlsplit(address)[:2]:
                address = location  # the repository has another name now; the token does not leave this host
            elif response.status_code in (302, 303) and location != response.url:
                return location
            else:
                break
        raise github.GithubException(response.status_code, _message(response), dict(response.headers))


def _page(repo: Repository, url: str, parameters: dict[str, Any]) -> tuple[tuple[Stored, ...], bool]:
    """The artifacts of one page, and whether it is the last one."""
    _, answer = repo.requester.requestJsonAndCheck("GET", url, parameters={"per_page": _PAGE, **parameters})
    items = answer["artifacts"]
    return tuple(_stored(item) for item in items), len(items) < _PAGE


def _stored(item: dict[str, Any]) -> Stored:
    """Raises what `asking` takes for an answer that is not GitHub's."""
    digest = item.get("digest")
    listed = Listed(
        name=_text(item["name"]),
        id=_number(item["id"]),
        size_bytes=_number(item["size_in_bytes"]),
        digest=_text(digest) if digest else None,
        created_at=_time(item["created_at"]),
    )
    run = item.get("workflow_run")
    return Stored(listed=listed, expired=item["expired"] is not False, origin=_origin(run) if run else None)


def _origin(run: dict[str, Any]) -> Origin:
    return Origin(
        run_id=_number(run["id"]),
        repository_id=run.get("repository_id"),
        head_repository_id=run.get("head_repository_id"),
        head_branch=run.get("head_branch"),
        head_sha=_text(run["head_sha"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError("not a number")
    return value


def _time(value: object) -> datetime:
    if value is None:
        return datetime.min.replace(tzinfo=UTC)
    time = datetime.fromisoformat(_text(value))
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _message(response: requests.Response) -> object:
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _token(repo: Repository) -> AuthBase:
    auth = repo.requester.auth
    return NoToken() if auth is None else Bearer(auth.token)


def _patience(repo: Repository) -> tuple[Patience, Purse | None]:
    """The same as for every other question to this API, out of the same purse."""
    retry = repo.requester.kwargs["retry"]
    return (retry.patience, retry.purse) if isinstance(retry, PatientRetry) else (Patience(), None)
