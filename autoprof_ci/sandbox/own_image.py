"""Which image the container runs from that we are in, so that another one can be started from it.

Knows how a container can recognise itself from inside: its host name, the paths of its mounts, its own layer. Each of these may
speak of another container (a job's container lends its host name and files to ours), so none is believed before the engine's
description of it is held against something of ours. Knows nothing of what the image is for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci import __version__
from autoprof_ci.errors import ToolError
from autoprof_ci.sandbox.engine import Engine
from autoprof_ci.sandbox.faults import RefusedByEngineError, engine_asked

TITLE_LABEL = "org.opencontainers.image.title"
TITLE = "autoprof-ci"
IMAGE_VARIABLE = "AUTOPROF_IMAGE"
MOUNTS = Path("/proc/self/mountinfo")

# 92 75 254:0 /var/lib/docker/containers/c5c5…/hostname /etc/hostname ro,relatime - ext4 /dev/vda rw
_CONTAINER_PATH = re.compile(r"/(?:containers|overlay-containers)/([0-9a-f]{64})/")
# 75 50 0:39 / / rw,relatime - overlay overlay rw,lowerdir=…,upperdir=/var/lib/docker/overlay2/65ce…/diff,workdir=…
_OWN_LAYER = re.compile(r"^\S+ \S+ \S+ / / .* - overlay \S+ \S*?upperdir=([^,\s]+)", re.MULTILINE)
_CONTAINER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Container:
    """What the engine says of a container, as far as it can be told from others. `own_layer`: where its changes lie."""

    image: str
    title: str | None
    own_layer: str | None
    env: tuple[str, ...]


def own_image(engine: Engine, env: Mapping[str, str], mountinfo: str | None = None) -> str:
    """Id of our image: of the container we are in, else ``AUTOPROF_IMAGE`` of `env`, else ``autoprof-ci:VERSION``.

    `mountinfo`: text of ``/proc/self/mountinfo``, read where it is not given. Raises `ToolError`.
    """
    mounts = mountinfo if mountinfo is not None else MOUNTS.read_text(encoding="utf-8", errors="replace")
    layer = _OWN_LAYER.search(mounts)
    own_layer = layer[1] if layer else None
    candidates = (*_names(env.get("HOSTNAME", "")), *dict.fromkeys(_CONTAINER_PATH.findall(mounts)))
    found = _recognised(_described(engine, candidates), own_layer, env) or _recognised(_running(engine), own_layer, env)
    if found is not None:
        return found.image
    named = env.get(IMAGE_VARIABLE)
    for reference in (named, f"{TITLE}:{__version__}"):
        image = _image_id(engine, reference) if reference else None
        if image is not None:
            return image
    missing = f"; {IMAGE_VARIABLE} names {named!r}, which is not there" if named else ""
    raise ToolError(
        f"The image to measure in was not found: the container engine has no {TITLE}:{__version__}, and knows no container of it "
        f"that we run in{missing}",
        f"Build it in a checkout of {TITLE} with `docker build -t {TITLE}:{__version__} .`, or name one in {IMAGE_VARIABLE}.",
    )


def _recognised(containers: Iterable[_Container], own_layer: str | None, env: Mapping[str, str]) -> _Container | None:
    """The one we are in: it has our layer; where that cannot be compared, it is of our image and of this run."""
    might_be_us = [one for one in containers if None in (one.own_layer, own_layer) or one.own_layer == own_layer]
    for container in might_be_us:
        if container.own_layer is not None and container.own_layer == own_layer:
            return container
    ours = [container for container in might_be_us if container.title == TITLE and _is_of_this_run(container, env)]
    images = {container.image for container in ours}
    return ours[0] if len(images) == 1 else None


def _is_of_this_run(container: _Container, env: Mapping[str, str]) -> bool:
    run = env.get("GITHUB_RUN_ID")
    return run is None or f"GITHUB_RUN_ID={run}" in container.env


def _names(hostname: str) -> tuple[str, ...]:
    return (hostname,) if _CONTAINER_NAME.fullmatch(hostname) else ()


def _running(engine: Engine) -> list[_Container]:
    with engine_asked("list containers"):
        listed = engine.client.api.containers(quiet=True)
    return _described(engine, [str(entry["Id"]) for entry in listed])


def _described(engine: Engine, names: Iterable[str]) -> list[_Container]:
    return [container for container in (_describe(engine, name) for name in names) if container is not None]


def _describe(engine: Engine, name: str) -> _Container | None:
    """``None``: there is no such container (any more)."""
    try:
        with engine_asked("describe a container"):
            about = engine.client.api.inspect_container(name)
    except RefusedByEngineError as refused:
        if refused.status == 404:
            return None
        raise
    config = about.get("Config") or {}
    labels = config.get("Labels") or {}
    layers = (about.get("GraphDriver") or {}).get("Data") or {}
    return _Container(
        image=str(about["Image"]),
        title=labels.get(TITLE_LABEL),
        own_layer=layers.get("UpperDir"),
        env=tuple(config.get("Env") or ()),
    )


def _image_id(engine: Engine, reference: str) -> str | None:
    """``None``: the engine has no such image; nothing is pulled."""
    try:
        with engine_asked(f"describe the image {reference!r}"):
            return str(engine.client.api.inspect_image(reference)["Id"])  # type: ignore[no-untyped-call]
    except RefusedByEngineError as refused:
        if refused.status in (400, 404):
            return None
        raise
