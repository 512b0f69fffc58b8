"""The event file: what happened, told by GitHub as JSON.

Knows the shape of the few fields we use. Branch names and the like are chosen by whoever opened the pull request, so types,
characters and lengths are checked here and nowhere else. Knows no environment variables and no opinion on what to do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.errors import UsageError

MAX_EVENT_BYTES = 64 * 2**20
"""GitHub cuts payloads at 25 MB."""
MAX_REF_CHARACTERS = 1024
MAX_TEXT_CHARACTERS = 1024
MAX_PULL_REQUESTS = 100
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100}")
_NEXT_STEP = "Start the job again; if it stays like this, show us the file that GITHUB_EVENT_PATH names"


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """The pull request of the event. `head_repository` is ``None`` where the fork was deleted."""

    number: int
    head_sha: str
    head_ref: str
    head_repository: str | None
    head_repository_id: int | None
    base_ref: str

    def from_fork(self, repository: str) -> bool:
        """Whether its commits live in another repository than `repository` (``owner/name``); a deleted fork was one."""
        return self.head_repository is None or self.head_repository.lower() != repository.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeGroup:
    """A place in the merge queue. `base_ref` is the name of the branch it waits for."""

    base_ref: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggeringRun:
    """The run that a ``workflow_run`` event is about. `pull_requests` is empty for forks."""

    id: int
    attempt: int
    number: int
    event: str
    conclusion: str | None
    head_sha: str
    head_branch: str | None
    head_repository: str | None
    head_repository_id: int | None
    pull_requests: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFile:
    """What we use of an event; ``None`` where this kind of event has no such thing, or does not say it."""

    repository_id: int | None = None
    default_branch: str | None = None
    pull_request: PullRequest | None = None
    merge_group: MergeGroup | None = None
    run: TriggeringRun | None = None


def read(path: Path) -> EventFile:
    """Raises `UsageError` where the file is missing, no JSON, or says something impossible."""
    event = _Fields(_load(path), "")
    repository = event.table("repository")
    return EventFile(
        repository_id=repository.optional_number("id") if repository else None,
        default_branch=repository.optional_ref("default_branch") if repository else None,
        pull_request=_pull_request(event.table("pull_request")),
        merge_group=_merge_group(event.table("merge_group")),
        run=_run(event.table("workflow_run")),
    )


def _load(path: Path) -> Mapping[str, object]:
    try:
        # a pipe or a device would hold us up for ever
        if not path.is_file():
            raise UsageError(f"There is no event file at {str(path)!r}, where GITHUB_EVENT_PATH points", _NEXT_STEP)
        with path.open("rb") as stream:
            content = stream.read(MAX_EVENT_BYTES + 1)
    except (OSError, ValueError) as error:
        raise UsageError(f"The event file {str(path)!r} cannot be read: {error}", _NEXT_STEP) from error
    if len(content) > MAX_EVENT_BYTES:
        raise UsageError(f"The event file {str(path)!r} is larger than {MAX_EVENT_BYTES >> 20} MiB", _NEXT_STEP)
    try:
        event = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"The event file {str(path)!r} is not the JSON it should be: {error}", _NEXT_STEP) from error
    if not isinstance(event, dict):
        raise UsageError(f"The event file {str(path)!r} holds a {type(event).__name__} instead of an object", _NEXT_STEP)
    return event


def _pull_request(fields: _Fields | None) -> PullRequest | None:
    if fields is None:
        return None
    head, base = fields.needed("head"), fields.needed("base")
    repository = head.table("repo")
    return PullRequest(
        number=fields.number("number"),
        head_sha=head.sha("sha"),
        head_ref=head.ref("ref"),
        head_repository=repository.repository("full_name") if repository else None,
        head_repository_id=repository.optional_number("id") if repository else None,
        base_ref=base.ref("ref"),
    )


def _merge_group(fields: _Fields | None) -> MergeGroup | None:
    if fields is None:
        return None
    return MergeGroup(base_ref=fields.ref("base_ref").removeprefix("refs/heads/"))


def _run(fields: _Fields | None) -> TriggeringRun | None:
    if fields is None:
        return None
    repository = fields.table("head_repository")
    return TriggeringRun(
        id=fields.number("id"),
        attempt=fields.optional_number("run_attempt") or 1,
        number=fields.optional_number("run_number") or 1,
        event=fields.text("event"),
        conclusion=fields.optional_text("conclusion"),
        head_sha=fields.sha("head_sha"),
        head_branch=fields.optional_ref("head_branch"),
        head_repository=repository.repository("full_name") if repository else None,
        head_repository_id=repository.optional_number("id") if repository else None,
        pull_requests=tuple(entry.number("number") for entry in fields.tables("pull_requests")),
    )


@dataclass(frozen=True, slots=True)
class _Fields:
    """One JSON object and where it is, so that a complaint can name the field."""

    values: Mapping[str, object]
    path: str

    def table(self, name: str) -> _Fields | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._wrong(name, value, "an object")
        return _Fields(value, self._at(name))

    def needed(self, name: str) -> _Fields:
        found = self.table(name)
        if found is None:
            raise self._wrong(name, None, "an object")
        return found

    def tables(self, name: str) -> tuple[_Fields, ...]:
        value = self.values.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or len(value) > MAX_PULL_REQUESTS:
            raise self._wrong(name, value, f"a list of at most {MAX_PULL_REQUESTS} entries")
        for position, entry in enumerate(value):
            if not isinstance(entry, dict):
                raise self._wrong(f"{name}[{position}]", entry, "an object")
        return tuple(_Fields(entry, self._at(f"{name}[{position}]")) for position, entry in enumerate(value))

    def number(self, name: str) -> int:
        value = self.values.get(name)
        # a bool is an int to Python
        if type(value) is not int or not 0 < value < 2**63:
            raise self._wrong(name, value, "a whole number above 0")
        return value

    def optional_number(self, name: str) -> int | None:
        return None if self.values.get(name) is None else self.number(name)

    def text(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not value or len(value) > MAX_TEXT_CHARACTERS:
            raise self._wrong(name, value, f"a text of at most {MAX_TEXT_CHARACTERS} characters")
        return value

    def optional_text(self, name: str) -> str | None:
        return None if self.values.get(name) in (None, "") else self.text(name)

    def sha(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not is_sha(value):
            raise self._wrong(name, value, "a commit, 40 or 64 hexadecimal digits")
        return value

    def ref(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not is_ref(value):
            raise self._wrong(name, value, "the name of a branch")
        return value

    def optional_ref(self, name: str) -> str | None:
        return None if self.values.get(name) in (None, "") else self.ref(name)

    def repository(self, name: str) -> str:
        value = self.values.get(name)
        if not isinstance(value, str) or not is_repository(value):
            raise self._wrong(name, value, "a repository, OWNER/NAME")
        return value

    def _at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _wrong(self, name: str, value: object, expected: str) -> UsageError:
        found = "missing" if value is None else ascii(value)[:60]
        return UsageError(f"In the event file {self._at(name)} is {found}, not {expected}", _NEXT_STEP)


def is_ref(text: str) -> bool:
    """Whether git would allow `text` in the name of a branch, as far as it matters to us: no blanks, no control characters."""
    forbidden = re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|[\ud800-\udfff]", text)
    return 0 < len(text) <= MAX_REF_CHARACTERS and not forbidden


def is_repository(text: str) -> bool:
    """Whether `text` can be ``owner/name``."""
    return _REPOSITORY.fullmatch(text) is not None and text.split("/")[1] not in {".", ".."}


def is_sha(text: str) -> bool:
    return _SHA.fullmatch(text) is not None
