"""The two volumes of a session: what goes into the measuring container lies in one, what comes out in the other.

Knows how files get into and out of volumes without any path of the host: through a container that is never started. So it does
not matter where the workspace lies, on a disk of the host or on a volume, and nothing of it is ever mounted. Also clears away
what killed sessions left behind. Knows nothing of what the files mean.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from types import TracebackType

from docker.types import Mount

from autoprof_ci.errors import DataError, ToolError
from autoprof_ci.sandbox.engine import Engine
from autoprof_ci.sandbox.faults import RefusedByEngineError, engine_asked
from autoprof_ci.sandbox.finishing import finished
from autoprof_ci.sandbox.job import JOB, RESULT

SESSION_LABEL = "autoprof-ci.session"
DEAD_AFTER_S = 600.0
"""No session rests for so long between two containers."""
MAX_RESULT_BYTES = 512 << 20


class Volumes:
    """A context manager: both volumes are there inside of it, and gone afterwards whatever happens."""

    def __init__(self, engine: Engine, image: str, session: str) -> None:
        self._api, self._image, self.session = engine.client.api, image, session
        self._job, self._result = (f"autoprof-ci-{session}-{name}" for name in ("job", "result"))

    def __enter__(self) -> Volumes:
        labels = {SESSION_LABEL: self.session}
        with ExitStack() as on_failure:
            for name in (self._job, self._result):
                on_failure.callback(self._remove_volume, name)
                with engine_asked("make a volume"):
                    finished(partial(self._api.create_volume, name, labels=labels))
            on_failure.callback(remove_container, self._api, self._name)
            with engine_asked("make a container"):
                making = partial(
                    self._api.create_container,
                    self._image,
                    entrypoint=["/never-started"],
                    name=self._name,
                    labels=labels,
                    network_disabled=True,
                    host_config=self._api.create_host_config(
                        mounts=[Mount(str(JOB), self._job), Mount(str(RESULT), self._result)], network_mode="none"
                    ),
                )
                finished(making)
            self._cleanup = on_failure.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._cleanup.__exit__(kind, error, traceback)

    def mounts(self) -> list[Mount]:
        """As the measuring container sees them: it cannot change what it was given."""
        return [
            Mount(str(JOB), self._job, read_only=True, no_copy=True),
            Mount(str(RESULT), self._result, no_copy=True),
        ]

    def put(self, archive: Iterator[bytes]) -> None:
        """Unpack a tar archive into the job's volume."""
        with engine_asked("take the files that are to be measured"):
            taken = self._api.put_archive(self._name, str(JOB), archive)
        if not taken:
            raise ToolError("The container engine did not take the files that are to be measured", "Use a newer engine.")

    def take(self, names: tuple[str, ...]) -> Mapping[str, bytes]:
        """Those files of the result's volume that are there, by name."""
        found = {}
        for name in names:
            with contextlib.suppress(_NotThereError):
                found[name] = self._file(name)
        return found

    def _file(self, name: str) -> bytes:
        try:
            with engine_asked("hand out what was measured"):
                chunks, _ = self._api.get_archive(self._name, str(RESULT / name))
                return _only_file(chunks, name)
        except RefusedByEngineError as refused:
            if refused.status == 404:
                raise _NotThereError from None
            raise

    @property
    def _name(self) -> str:
        return f"autoprof-ci-{self.session}-files"

    def _remove_volume(self, name: str) -> None:
        with contextlib.suppress(ToolError), engine_asked("remove a volume"):
            self._api.remove_volume(name, force=True)


class _NotThereError(Exception):
    """No such file in the result."""


def remove_container(api, name: str) -> None:  # type: ignore[no-untyped-def]
    """Also a running one. What cannot be removed now is swept by a later session."""
    with contextlib.suppress(ToolError), engine_asked("remove a container"):
        api.remove_container(name, force=True, v=True)


def sweep(engine: Engine) -> None:
    """Remove what sessions left that were killed before they could do so; of running ones nothing is touched."""
    api = engine.client.api
    with contextlib.suppress(ToolError), engine_asked("list containers"):
        filters = {"label": SESSION_LABEL}
        containers: dict[str, list[Mapping[str, object]]] = {}
        for listed in api.containers(all=True, filters=filters):
            containers.setdefault(listed["Labels"][SESSION_LABEL], []).append(listed)
        dead = {session for session, members in containers.items() if all(_is_dead(api, member) for member in members)}
        for session in dead:
            for member in containers[session]:
                remove_container(api, str(member["Id"]))
        for volume in api.volumes(filters=filters)["Volumes"] or ():
            session = volume["Labels"][SESSION_LABEL]
            if session in dead or (session not in containers and _is_old(volume.get("CreatedAt"))):
                with contextlib.suppress(ToolError), engine_asked("remove a volume"):
                    api.remove_volume(volume["Name"])


def _is_dead(api, listed: Mapping[str, object]) -> bool:  # type: ignore[no-untyped-def]
    if listed["State"] in ("running", "paused", "restarting"):
        return False
    about = api.inspect_container(str(listed["Id"]))
    return _is_old(about["Created"]) and (listed["State"] == "created" or _is_old(about["State"]["FinishedAt"]))


def _is_old(moment: object) -> bool:
    """RFC 3339 with up to nine digits of a second; what cannot be read is not old."""
    try:
        then = datetime.fromisoformat(f"{str(moment)[:19]}+00:00")
    except ValueError:
        return False
    return time.time() - then.timestamp() > DEAD_AFTER_S


def _only_file(chunks: Iterator[bytes], name: str) -> bytes:
    """The content of the one regular file in a tar archive, read with a limit."""
    data = io.BytesIO()
    for chunk in chunks:
        data.write(chunk)
        if data.tell() > MAX_RESULT_BYTES + 2 * tarfile.RECORDSIZE:
            raise DataError(f"What was measured ({name}) is larger than {MAX_RESULT_BYTES >> 20} MiB", "Measure fewer workloads")
    data.seek(0)
    try:
        with tarfile.open(fileobj=data, mode="r:") as archive:
            member = archive.next()
            if member is None or not member.isreg() or archive.next() is not None:
                raise DataError(f"The container engine handed out something else than {name}", "Start it again")
            content = archive.extractfile(member)
            assert content is not None
            return content.read()
    except tarfile.TarError as error:
        raise DataError(f"What was measured ({name}) came out damaged: {error}", "Start it again") from None
