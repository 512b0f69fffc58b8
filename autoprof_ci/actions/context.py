"""Where we are: the job, the event and the folders, as the runner tells it.

Knows the environment variables of a container action, on GitHub's runner and on act. Knows no inputs of ours, no API, and
no opinion on what to do. Nothing is assumed about where things are mounted; what the runner does not tell is ``None``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from autoprof_ci.actions import event_file
from autoprof_ci.actions.event_file import MergeGroup, PullRequest, TriggeringRun
from autoprof_ci.errors import UsageError

__all__ = ["Context", "Event", "MergeGroup", "PullRequest", "Runtime", "TriggeringRun", "read"]


class Event(StrEnum):
    PUSH = "push"
    PULL_REQUEST = "pull_request"
    PULL_REQUEST_TARGET = "pull_request_target"
    MERGE_GROUP = "merge_group"
    WORKFLOW_RUN = "workflow_run"
    SCHEDULE = "schedule"
    WORKFLOW_DISPATCH = "workflow_dispatch"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """The service that takes this run's artifacts. It has its own token, which forks get too."""

    results_url: str
    token: str

    def __repr__(self) -> str:
        return f"Runtime(results_url={self.results_url!r}, token=...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """One step of one job. `sha`: what was checked out, for a pull request its merge with the base branch."""

    event: Event
    event_name: str
    repository: str
    """``owner/name``."""
    repository_id: int | None
    default_branch: str | None
    sha: str
    ref: str
    """As git writes it: ``refs/heads/main``, ``refs/pull/12/merge``, ``refs/tags/v1``."""
    ref_name: str
    ref_protected: bool
    run_id: int
    run_attempt: int
    run_number: int
    api_url: str
    server_url: str
    workspace: Path
    runner_workspace: str | None
    """Parent of the workspace on the host, where we cannot look."""
    temp: Path
    output_file: Path | None
    summary_file: Path | None
    runtime: Runtime | None
    """``None`` where artifacts cannot be uploaded from here: no token, or a GitHub Enterprise Server."""
    pull_request: PullRequest | None = None
    merge_group: MergeGroup | None = None
    run: TriggeringRun | None = None

    @property
    def branch(self) -> str | None:
        """The branch that this job runs on; ``None`` for tags and for pull requests."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else None

    @property
    def base_ref(self) -> str | None:
        """The branch whose baseline counts here: where the change wants to go, else the default branch."""
        if self.pull_request:
            return self.pull_request.base_ref
        return self.merge_group.base_ref if self.merge_group else self.default_branch

    @property
    def only_reads(self) -> bool:
        """Whether GitHub gives this job a token that can only read, whatever the workflow asks for: that of a fork's pull
        request, unless a private repository has this switched off. Dependabot's token can do what the job's permissions name."""
        pull_request = self.pull_request if self.event is Event.PULL_REQUEST else None
        return pull_request is not None and pull_request.from_fork(self.repository)

    @property
    def run_url(self) -> str:
        return f"{self.server_url}/{self.repository}/actions/runs/{self.run_id}"


def read(env: Mapping[str, str]) -> Context:
    """Raises `UsageError` outside of GitHub Actions, and where the event file is missing or says something impossible."""
    variables = _Variables(env)
    name = variables.text("GITHUB_EVENT_NAME")
    repository = variables.text("GITHUB_REPOSITORY")
    if not event_file.is_repository(repository):
        raise UsageError(f"GITHUB_REPOSITORY is {repository!a}, not OWNER/NAME", _NEXT_STEP)
    event = Event(name) if name in set(Event) else Event.OTHER
    told = event_file.read(Path(variables.text("GITHUB_EVENT_PATH")))
    ref = env.get("GITHUB_REF", "")
    ref_name = env.get("GITHUB_REF_NAME") or ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
    server_url = variables.url("GITHUB_SERVER_URL", "https://github.com")
    sha = variables.text("GITHUB_SHA")
    if not event_file.is_sha(sha):
        raise UsageError(f"GITHUB_SHA is {sha!a}, not a commit", _NEXT_STEP)
    # schedules run on the default branch only, and their event does not always say what that is
    default_branch = told.default_branch or (ref_name if event is Event.SCHEDULE and ref_name else None)
    return Context(
        event=event,
        event_name=name,
        repository=repository,
        repository_id=variables.optional_number("GITHUB_REPOSITORY_ID") or told.repository_id,
        default_branch=default_branch,
        sha=sha,
        ref=ref,
        ref_name=ref_name,
        ref_protected=env.get("GITHUB_REF_PROTECTED", "").lower() == "true",
        run_id=variables.number("GITHUB_RUN_ID"),
        run_attempt=variables.optional_number("GITHUB_RUN_ATTEMPT") or 1,
        run_number=variables.optional_number("GITHUB_RUN_NUMBER") or 1,
        api_url=variables.url("GITHUB_API_URL", "https://api.github.com"),
        server_url=server_url,
        workspace=Path(variables.text("GITHUB_WORKSPACE")),
        runner_workspace=env.get("RUNNER_WORKSPACE") or None,
        temp=_temp(env.get("RUNNER_TEMP", "")),
        output_file=_optional_path(env.get("GITHUB_OUTPUT", "")),
        summary_file=_optional_path(env.get("GITHUB_STEP_SUMMARY", "")),
        runtime=_runtime(variables, server_url),
        pull_request=told.pull_request,
        merge_group=told.merge_group,
        run=told.run if event is Event.WORKFLOW_RUN else None,
    )


_NEXT_STEP = "This command is the Action's own; on a laptop or in another CI use `autoprof-ci gate`"


@dataclass(frozen=True, slots=True)
class _Variables:
    env: Mapping[str, str]

    def text(self, name: str) -> str:
        value = self.env.get(name, "")
        if not value:
            raise UsageError(f"This is no GitHub Actions job: {name} is not set", _NEXT_STEP)
        return value

    def number(self, name: str) -> int:
        value = self.text(name)
        if not (value.isascii() and value.isdigit() and len(value) < 19):
            raise UsageError(f"{name} is {value!a}, not a number", _NEXT_STEP)
        return int(value)

    def optional_number(self, name: str) -> int | None:
        """A number above 0: act writes 0 where it does not know."""
        return (self.number(name) or None) if self.env.get(name) else None

    def url(self, name: str, otherwise: str) -> str:
        value = (self.env.get(name) or otherwise).rstrip("/")
        if not _is_url(value):
            raise UsageError(f"{name} is {value!a}, not the address of a web server", _NEXT_STEP)
        return value


def _runtime(variables: _Variables, server_url: str) -> Runtime | None:
    token = variables.env.get("ACTIONS_RUNTIME_TOKEN", "")
    if not token or not variables.env.get("ACTIONS_RESULTS_URL") or not _is_github(server_url):
        return None
    return Runtime(results_url=variables.url("ACTIONS_RESULTS_URL", ""), token=token)


def _temp(told: str) -> Path:
    """Runners before September 2025 name a folder of the host that they do not mount."""
    return Path(told) if told and Path(told).is_dir() else Path(tempfile.gettempdir())


def _optional_path(told: str) -> Path | None:
    return Path(told) if told else None


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        plain = text.isprintable() and " " not in text
        return plain and parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _is_github(server_url: str) -> bool:
    """github.com, GitHub Enterprise Cloud with data residency, and this machine itself: not an Enterprise Server, which has no
    artifact service of the fourth version."""
    host = urlsplit(server_url).hostname or ""
    return host in {"github.com", "localhost", "127.0.0.1", "::1"} or host.endswith((".ghe.com", ".localhost"))
