"""The artifacts of this very run: stored, listed, fetched and deleted by the protocol of actions/upload-artifact v4 and later.

Knows the messages of the service and what its refusals mean. Must not know what is in an artifact. It is asked with the job's own
runtime token, which needs no permission and is there on a fork's pull request too; other runs' artifacts: `artifact_download`.

    CreateArtifact ─► blocks of 8 MiB, then their list, to a signed address ─► FinalizeArtifact (size, SHA-256) ─► id
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.actions import artifact_names, blob_download, blob_upload
from autoprof_ci.actions.artifact_messages import Answer, Client, RefusedError
from autoprof_ci.actions.blob_upload import Sent
from autoprof_ci.actions.context import Runtime
from autoprof_ci.actions.listed import Listed
from autoprof_ci.actions.patience import Patience
from autoprof_ci.actions.transport import ArtifactError, masked

__all__ = ["ArtifactService", "Listed", "Uploaded"]

_LOOKS_FOR_ANOTHER = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploaded:
    """An artifact that the service has taken. `replaced`: one of the same name, of an earlier attempt, had to go for it."""

    id: int | None
    name: str
    size_bytes: int
    sha256: str
    url: str
    replaced: bool


class ArtifactService:
    """The artifact service of this run.

    `run_url`: the page of the run, ``https://github.com/OWNER/REPO/actions/runs/ID``. `mask` gets every secret part of a signed
    address before it is used, so that the log can hide it. Everything raises `ArtifactError`.
    """

    def __init__(self, runtime: Runtime, *, run_url: str, mask: Callable[[str], None], patience: Patience | None = None) -> None:
        self._patience = patience or Patience()
        self._client = Client(runtime, self._patience)
        self._run_url = run_url
        self._mask = mask

    def upload(self, name: str, data: bytes | Path) -> Uploaded:
        """Stores `data`, a zip, as artifact `name`. One of the same name, of an earlier attempt of this run, is replaced."""
        artifact_names.checked(name)
        created, replaced = self._created(name, {"name": name, "version": 4})
        url = masked(created.text("signed_upload_url"), self._mask)
        sent = blob_upload.send(self._client.http, url, data)
        artifact_id = self._finalized(name, sent)
        page = self._run_url if artifact_id is None else f"{self._run_url}/artifacts/{artifact_id}"
        return Uploaded(id=artifact_id, name=name, size_bytes=sent.size_bytes, sha256=sent.sha256, url=page, replaced=replaced)

    def list(self, name_prefix: str = "") -> tuple[Listed, ...]:
        """The artifacts of this run, of all its attempts and jobs, whose names begin with `name_prefix`; newest first."""
        return tuple(each for each in self._listed({}) if each.name.startswith(name_prefix))

    def download(self, name: str, max_bytes: int) -> bytes:
        """The zip of an artifact of this run. Raises `DataError` where it is too large or damaged."""
        found = self._find(name)
        if found is None:
            raise ArtifactError(f"This run has no artifact called {name}", "See whether the job that makes it succeeded")
        expected = blob_download.Expected(called=f"the artifact {name}", max_bytes=max_bytes, digest=found.digest)
        blob_download.check_size(found.size_bytes, expected)
        return blob_download.fetch(self._client.http, lambda: self._signed(name), expected)

    def delete(self, name: str) -> None:
        """It is no error if there is none of that name."""
        try:
            self._client.ask("DeleteArtifact", {"name": name}, f"delete the artifact {name}")
        except RefusedError as refused:
            if refused.status != 404:
                raise

    def _created(self, name: str, wanted: dict[str, object]) -> tuple[Answer, bool]:
        """The answer to CreateArtifact, and whether an artifact had to go for it.

        A name can be taken by an earlier attempt (which is replaced), by a job beside this one (an error: the two would
        overwrite each other), or by a first request of ours whose answer was lost (which nobody can see in a list).
        """
        doing = f"take the artifact {name}"
        for look in range(_LOOKS_FOR_ANOTHER):
            try:
                return self._client.ask("CreateArtifact", wanted, doing), False
            except RefusedError as refused:
                if refused.status != 409:
                    raise
            if self._find(name) is not None:
                if look > 0:
                    raise _taken(name)
                self.delete(name)
                return self._create_at_last(name, wanted), True
            time.sleep(self._patience.backoff_s * (look + 1))
        self.delete(name)
        return self._create_at_last(name, wanted), False

    def _create_at_last(self, name: str, wanted: dict[str, object]) -> Answer:
        try:
            return self._client.ask("CreateArtifact", wanted, f"take the artifact {name}")
        except RefusedError as refused:
            if refused.status == 409:
                raise _taken(name) from refused
            raise

    def _finalized(self, name: str, sent: Sent) -> int | None:
        """The artifact's number. Where the answer was lost and asking again is refused, the list tells whether it was done."""
        fields: dict[str, object] = {"name": name, "size": str(sent.size_bytes), "hash": f"sha256:{sent.sha256}"}
        try:
            return self._client.ask("FinalizeArtifact", fields, f"finish the artifact {name}").number("artifact_id")
        except ArtifactError as error:
            found = self._find_if_it_answers(name)
            if found and found.size_bytes == sent.size_bytes and found.digest in (None, fields["hash"]):
                return found.id
            if isinstance(error, RefusedError) and error.status in (404, 409):
                raise _taken(name) from error
            raise

    def _find(self, name: str) -> Listed | None:
        """The artifact called `name`."""
        found = [each for each in self._listed({"name_filter": name}) if each.name == name]
        return found[0] if found else None

    def _find_if_it_answers(self, name: str) -> Listed | None:
        try:
            return self._find(name)
        except ArtifactError:
            return None

    def _listed(self, filters: dict[str, object]) -> tuple[Listed, ...]:
        listed = self._client.ask("ListArtifacts", filters, "list the artifacts of this run").artifacts()
        return tuple(sorted(listed, key=lambda each: (each.created_at, each.id), reverse=True))

    def _signed(self, name: str) -> str:
        answer = self._client.ask("GetSignedArtifactURL", {"name": name}, f"hand out the artifact {name}")
        return masked(answer.text("signed_url"), self._mask)


def _taken(name: str) -> ArtifactError:
    return ArtifactError(
        f"Another job of this run stored an artifact called {name} at the same time",
        "Give each job that runs this Action its own `key`",
    )
