"""Messages to the artifact service and back: JSON over twirp, as ``github.actions.results.api.v1.ArtifactService`` speaks it.

GitHub answers in snake_case and act in camelCase, both with 64-bit numbers as strings; act refuses a field that it does not know.
Knows how a message travels and what a refusal means. Must not know in which order messages make an upload.
"""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from autoprof_ci.actions.context import Runtime
from autoprof_ci.actions.listed import Listed
from autoprof_ci.actions.patience import Patience
from autoprof_ci.actions.refusals import quoted
from autoprof_ci.actions.transport import FAILURES, ArtifactError, Bearer, failure_said, session

_SERVICE = "twirp/github.actions.results.api.v1.ArtifactService"
_SCOPE = re.compile(r"Actions\.Results:([^:\s]+):([^:\s]+)")
_OUT_OF_STORAGE = "insufficient usage"
_AGAIN = "Run the job again"


class RefusedError(ArtifactError):
    """The service answered, and said no."""

    def __init__(self, what: str, next_step: str, status: int) -> None:
        super().__init__(what, next_step)
        self.status = status


class Client:
    """Asks the service in the name of this job. `http`: the session, also for the addresses that the service hands out."""

    def __init__(self, runtime: Runtime, patience: Patience) -> None:
        origin = urlsplit(runtime.results_url)
        self._base = f"{origin.scheme}://{origin.netloc}/{_SERVICE}"
        self._token = runtime.token
        self._ids = _backend_ids(runtime.token)
        self.http = session(patience)

    def ask(self, method: str, fields: dict[str, object], doing: str) -> Answer:
        """The answer to `method`; `doing` goes on after "the artifact service refused to". Raises `ArtifactError`."""
        try:
            response = self.http.post(
                f"{self._base}/{method}", json=self._ids | fields, auth=Bearer(self._token), allow_redirects=False
            )
        except FAILURES as error:
            raise ArtifactError(f"The artifact service could not be asked to {doing}: {failure_said(error)}", _AGAIN) from None
        try:
            message = json.loads(response.content)
        except (ValueError, RecursionError):
            message = None
        if not 200 <= response.status_code < 300:
            raise _refusal(response.status_code, message, doing)
        if not isinstance(message, dict):
            raise ArtifactError(
                f"The artifact service was asked to {doing}, and what came back is not its answer",
                "A proxy may have answered in its place; run the job again",
            )
        answer = Answer(message=message, doing=doing)
        if method != "ListArtifacts" and method != "GetSignedArtifactURL" and message.get("ok") is not True:
            raise RefusedError(f"The artifact service did not {doing}", _AGAIN, response.status_code)
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A message of the service. Raises `ArtifactError` for a field that is not there or not what it should be."""

    message: dict[str, Any]
    doing: str

    def text(self, name: str) -> str:
        value = _field(self.message, name)
        if not isinstance(value, str) or not value:
            raise self._strange(name)
        return value

    def number(self, name: str) -> int | None:
        """``None`` where it is missing: everything works without the number of an artifact."""
        return _whole(_field(self.message, name))

    def artifacts(self) -> tuple[Listed, ...]:
        items = self.message.get("artifacts", [])
        if not isinstance(items, list):
            raise self._strange("artifacts")
        return tuple(self._artifact(item) for item in items)

    def _artifact(self, item: object) -> Listed:
        if not isinstance(item, dict):
            raise self._strange("artifacts")
        name, number, size_bytes = item.get("name"), _whole(_field(item, "database_id")), _whole(item.get("size", "0"))
        if not isinstance(name, str) or number is None or size_bytes is None:
            raise self._strange("artifacts")
        digest = item.get("digest")
        return Listed(
            name=name,
            id=number,
            size_bytes=size_bytes,
            digest=digest if isinstance(digest, str) and digest else None,
            created_at=_time(_field(item, "created_at")),
        )

    def _strange(self, name: str) -> ArtifactError:
        return ArtifactError(f"The artifact service was asked to {self.doing}, and its answer has no usable `{name}`", _AGAIN)


def _refusal(status: int, message: object, doing: str) -> RefusedError:
    said = message.get("msg") if isinstance(message, dict) else None
    text = quoted(said).rstrip(".") if isinstance(said, str) else ""
    if _OUT_OF_STORAGE in text.lower():
        return RefusedError(
            "The storage for artifacts of this account is used up",
            "Delete artifacts or raise the limit in the billing settings; GitHub counts again every 6 to 12 hours",
            status,
        )
    if status in (401, 403):
        return RefusedError(
            f"The artifact service refused to {doing}: the job's own token is not accepted ({status})",
            "It is valid while its job runs; run the job again",
            status,
        )
    if status == 429 or status >= 500:
        return RefusedError(f"The artifact service could not {doing}: it answered {status} again and again", _AGAIN, status)
    return RefusedError(f"The artifact service refused to {doing} ({status}{f': {text}' if text else ''})", _AGAIN, status)


def _backend_ids(token: str) -> dict[str, object]:
    """The two numbers that every message carries, out of the token's claim ``scp``. Nobody needs to check its signature here."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        scopes = claims["scp"].split()
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        scopes = []
    for scope in scopes:
        if match := _SCOPE.fullmatch(scope):
            return {"workflow_run_backend_id": match[1], "workflow_job_run_backend_id": match[2]}
    raise ArtifactError(
        "The runner's token for artifacts does not say which run it is for",
        "ACTIONS_RUNTIME_TOKEN is set by the runner; do not set it in the workflow",
    )


def _field(message: dict[str, Any], name: str) -> object:
    first, *others = name.split("_")
    return message.get(name, message.get(first + "".join(word.capitalize() for word in others)))


def _whole(value: object) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _time(value: object) -> datetime:
    """act says none, and then all are equally old."""
    try:
        time = datetime.fromisoformat(value) if isinstance(value, str) else datetime.min
    except ValueError:
        time = datetime.min
    return time if time.tzinfo else time.replace(tzinfo=UTC)
