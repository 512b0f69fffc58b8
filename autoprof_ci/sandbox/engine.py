"""Finds the container engine that can start a container beside ours.

Knows where engines listen and how Docker and Podman introduce themselves. Knows nothing of images, containers or measuring.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from docker import DockerClient
from docker.errors import DockerException
from docker.utils import kwargs_from_env

from autoprof_ci.sandbox.printable import shown

SOCKETS = (Path("/var/run/docker.sock"), Path("/run/podman/podman.sock"))
KNOCK_S = 3
"""An engine that runs answers within milliseconds."""
PATIENCE_S = 120
"""For a single request, once it is known to answer: a volume on a busy disk takes its time."""

SHORT = 200

ROOT_REFUSED = (
    "Let the runner's containers use it: SELinux or AppArmor of the machine forbids it, or user namespaces of the engine."
)
CORRECT_IT = "Correct DOCKER_HOST or start the engine that it names, or unset it to use this machine's."
MOUNT_IT = "Run the step on a Linux runner with Docker, or mount the engine's socket into the job's container."


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """`name`: ``docker`` or ``podman``."""

    name: str
    version: str
    client: DockerClient


@dataclass(frozen=True, slots=True, kw_only=True)
class NoEngine:
    """Why there is none to be used: an outcome, since measuring goes on without. `reason`: a clause without a full stop."""

    reason: str
    next_step: str


def find_engine(env: Mapping[str, str]) -> Engine | NoEngine:
    """The engine that ``DOCKER_HOST`` of `env` names, else one that listens at a usual place. Takes at most 3 s a place."""
    if env.get("DOCKER_HOST"):
        return _named(env)
    return _listening_at(SOCKETS)


def _listening_at(places: tuple[Path, ...]) -> Engine | NoEngine:
    answers = [_at(place) for place in places]
    for answer in answers:
        if isinstance(answer, Engine):
            return answer
    refusals = [answer for answer in answers if isinstance(answer, NoEngine)]
    names = " or ".join(map(str, places))
    return refusals[0] if refusals else NoEngine(reason=f"no container engine listens at {names}", next_step=MOUNT_IT)


def _named(env: Mapping[str, str]) -> Engine | NoEngine:
    host = env["DOCKER_HOST"]
    if host.startswith("unix://"):
        path = Path(host.removeprefix("unix://"))
        return _at(path) or NoEngine(
            reason=f"DOCKER_HOST names {shown(str(path))}, which does not exist", next_step="Correct DOCKER_HOST, or unset it."
        )
    try:
        options = kwargs_from_env(environment=dict(env))
    except (DockerException, OSError) as error:
        return NoEngine(reason=f"DOCKER_HOST cannot be used: {shown(str(error))}", next_step="Correct it, or unset it.")
    return _knock(shown(host), options)


def _at(path: Path) -> Engine | NoEngine | None:
    """``None`` where there is nothing."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(KNOCK_S)
    try:
        with connection:
            connection.connect(str(path))
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EPERM):
            next_step = "Run the step as root." if os.getuid() else ROOT_REFUSED
            return NoEngine(reason=f"{path} may not be used by user {os.getuid()}", next_step=next_step)
        if error.errno == errno.ECONNREFUSED:
            return NoEngine(reason=f"nobody listens at {path}", next_step="Start the container engine of the runner.")
        why = "it does not answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        return NoEngine(reason=f"{path} cannot be used: {why}", next_step=MOUNT_IT)
    return _knock(str(path), {"base_url": f"unix://{path}"})


def _knock(place: str, options: Mapping[str, object]) -> Engine | NoEngine:
    """Ask who is there."""
    client = None
    try:
        client = DockerClient(**options, version="auto", timeout=KNOCK_S)  # type: ignore[arg-type]
        about = client.version()
        engine = Engine(name=_name(about), version=shown(str(about["Version"])), client=client)
    except (DockerException, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if client is not None:
            client.close()
        return _nobody(place, error)
    client.api.timeout = PATIENCE_S
    return engine


def _name(about: Mapping[str, object]) -> str:
    components = about.get("Components")
    names = [str(part.get("Name", "")) for part in components if isinstance(part, dict)] if isinstance(components, list) else []
    return "podman" if any("podman" in name.lower() for name in names) else "docker"


def _nobody(place: str, error: Exception) -> NoEngine:
    said = str(error)
    if "timed out" in said.lower():
        return NoEngine(
            reason=f"the container engine at {place} did not answer within {KNOCK_S} s",
            next_step="Restart the container engine of the runner.",
        )
    if "403 Client Error" in said or "401 Client Error" in said:
        return NoEngine(
            reason=f"the container engine at {place} refuses us: {shown(said, SHORT)}",
            next_step="Let the runner's engine accept requests of its jobs.",
        )
    if place.startswith("/"):
        reason = f"what listens at {place} does not answer like a container engine: {shown(said, SHORT)}"
        return NoEngine(reason=reason, next_step=MOUNT_IT)
    return NoEngine(reason=f"the container engine at {place} cannot be used: {_reason(said)}", next_step=CORRECT_IT)


def _reason(said: str) -> str:
    """Of the client library's words the system's: ``Max retries exceeded ... [Errno 111] Connection refused"))``."""
    errno_words = re.search(r"\[Errno -?\d+\] ([^\"')]+)", said)
    return shown(errno_words[1] if errno_words else said, SHORT)
