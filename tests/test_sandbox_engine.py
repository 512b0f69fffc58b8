"""Finding a container engine: every way in which there may be none is one clear reason."""

from __future__ import annotations

import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autoprof_ci.sandbox import engine
from autoprof_ci.sandbox.engine import Engine, NoEngine, find_engine

DOCKER = {"Version": "28.0.1", "ApiVersion": "1.48", "Components": [{"Name": "Engine"}, {"Name": "containerd"}]}
PODMAN = {"Version": "5.4.0", "ApiVersion": "1.41", "Components": [{"Name": "Podman Engine"}, {"Name": "Conmon"}]}


@contextmanager
def listening(folder: Path, answer: bytes | None) -> Iterator[Path]:
    """A socket at which somebody answers every request with `answer`; ``None``: takes it and says nothing."""
    path = folder / "engine.sock"
    open_ends: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                open_ends.append(connection)
                if connection.recv(65536) and answer is not None:
                    connection.sendall(answer)
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        yield path
    for end in open_ends:
        end.close()


def http(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(("about", "expected"), [(DOCKER, ("docker", "28.0.1")), (PODMAN, ("podman", "5.4.0"))])
def test_find_engine__asks_who_is_there(tmp_path: Path, about: dict[str, object], expected: tuple[str, str]) -> None:
    with listening(tmp_path, http(json.dumps(about).encode())) as path:
        found = find_engine({"DOCKER_HOST": f"unix://{path}"})
    assert isinstance(found, Engine)
    assert (found.name, found.version) == expected


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (http(b'{"message": "not for you"}', "403 Forbidden"), r"the container engine at \S+ refuses us: .*not for you.*"),
        (http(b"<html>hello</html>"), r"what listens at \S+ does not answer like a container engine: .*"),
        (http(b"{}"), r"what listens at \S+ does not answer like a container engine: .*"),
        (http(b'{"ApiVersion": "1.41"}'), r"what listens at \S+ does not answer like a container engine: .*"),
        (http(b"[]"), r"what listens at \S+ does not answer like a container engine: .*"),
        (http(b'{"ApiVersion": [1], "Version": 3}'), r"what listens at \S+ does not answer like a container engine: .*"),
        (b"SSH-2.0-OpenSSH_9.6\r\n", r"what listens at \S+ does not answer like a container engine: .*"),
        (b"", r"what listens at \S+ does not answer like a container engine: .*"),
    ],
    ids=["forbidden", "html", "empty-object", "no-version", "list", "wrong-types", "ssh", "hangs-up"],
)
def test_find_engine__something_else_listens(tmp_path: Path, answer: bytes, reason: str) -> None:
    with listening(tmp_path, answer) as path:
        found = find_engine({"DOCKER_HOST": f"unix://{path}"})
    assert isinstance(found, NoEngine)
    assert re.fullmatch(reason, found.reason), found.reason


def test_find_engine__a_hung_one_costs_three_seconds(tmp_path: Path) -> None:
    begun = time.monotonic()
    with listening(tmp_path, None) as path:
        found = find_engine({"DOCKER_HOST": f"unix://{path}"})
    assert found == NoEngine(
        reason=f"the container engine at {path} did not answer within 3 s",
        next_step="Restart the container engine of the runner.",
    )
    assert time.monotonic() - begun < 8


def test_find_engine__nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SOCKETS", (tmp_path / "docker.sock", tmp_path / "podman.sock"))
    assert find_engine({}) == NoEngine(
        reason=f"no container engine listens at {tmp_path}/docker.sock or {tmp_path}/podman.sock",
        next_step="Run the step on a Linux runner with Docker, or mount the engine's socket into the job's container.",
    )


def test_find_engine__second_place_is_tried_and_the_first_one_s_refusal_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead = tmp_path / "dead.sock"
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(dead))
    monkeypatch.setattr(engine, "SOCKETS", (dead, tmp_path / "engine.sock"))
    assert find_engine({}) == NoEngine(reason=f"nobody listens at {dead}", next_step="Start the container engine of the runner.")
    with listening(tmp_path, http(json.dumps(PODMAN).encode())):
        found = find_engine({})
    assert isinstance(found, Engine)
    assert found.name == "podman"


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("unix:///nowhere/at.sock", "DOCKER_HOST names /nowhere/at.sock, which does not exist"),
        ("tcp://127.0.0.1:1", "the container engine at tcp://127.0.0.1:1 cannot be used: .*[Cc]onnection refused.*"),
        ("ssh://nobody@127.0.0.1", "the container engine at ssh://nobody@127.0.0.1 cannot be used: .*"),
        ("gopher://hole", "the container engine at gopher://hole cannot be used: Invalid bind address protocol: gopher://hole"),
        ("\x1b[31m::error::", r"the container engine at .x1b\[31m::error:: cannot be used: .*"),
    ],
    ids=["no-file", "refused", "ssh", "unknown", "hostile"],
)
def test_find_engine__docker_host_is_wrong(host: str, reason: str) -> None:
    found = find_engine({"DOCKER_HOST": host})
    assert isinstance(found, NoEngine)
    assert re.fullmatch(reason, found.reason), found.reason


def test_find_engine__tls_without_its_files(tmp_path: Path) -> None:
    env = {"DOCKER_HOST": "tcp://127.0.0.1:1", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)}
    found = find_engine(env)
    assert isinstance(found, NoEngine)
    assert found.reason.startswith("DOCKER_HOST cannot be used: ")


@pytest.mark.skipif(os.getuid() != 0, reason="needs root, to become somebody else")
def test_find_engine__socket_is_not_ours(tmp_path: Path) -> None:
    with listening(tmp_path, http(json.dumps(DOCKER).encode())) as path:
        path.chmod(0o600)
        tmp_path.chmod(0o755)
        os.seteuid(65534)
        try:
            found = engine._at(path)
        finally:
            os.seteuid(0)
    assert isinstance(found, NoEngine)
    assert found.reason.startswith(f"{path} may not be used by user ") or "cannot be used" in found.reason


@pytest.mark.needs("docker-engine")
def test_find_engine__a_real_one() -> None:
    found = find_engine({})
    assert isinstance(found, Engine)
    assert re.match(r"\d+\.\d+", found.version)
