"""EDGE: what another user can reach, found out by trying as that user: modes, lists of access and mounts need not be understood.

Knows how to try a folder, a file and a socket. Knows nothing of what ought to be reachable.

Also executed, as ``python -I -m autoprof_ci.measure.reach UID GID``: paths in as JSON on standard input, answers out.
"""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from autoprof_ci.errors import ToolError
from autoprof_ci.measure import privileges
from autoprof_ci.measure.plan import Identity

PROBE_S = 120.0


class Reach(StrEnum):
    """`ALL`: everything below it can be read. `PART`: something can be seen, read, written or connected to. `NONE`."""

    ALL = "all"
    PART = "part"
    NONE = "none"


def reach(identity: Identity, paths: Sequence[Path]) -> tuple[Reach, ...]:
    """How far that user gets with each path, now. Raises `ToolError` when it cannot be tried."""
    command = (sys.executable, "-I", "-m", __name__, str(identity.uid), str(identity.gid))
    try:
        said = subprocess.run(
            command,
            input=json.dumps([str(path) for path in paths]),
            capture_output=True,
            text=True,
            errors="replace",
            env={},
            timeout=PROBE_S,
            check=False,
        )
        answers = json.loads(said.stdout) if said.returncode == 0 else said.stderr.strip()
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        answers = str(error)
    if not isinstance(answers, list):
        raise ToolError(
            f"What user {identity.uid} can reach cannot be found out: {answers[-300:]}",
            "Measure as root with the capabilities SETUID, SETGID, CHOWN and KILL; Docker gives them unless told otherwise.",
        )
    return tuple(Reach(answer) for answer in answers)


def _try(path: str) -> Reach:
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        return Reach.NONE
    if stat.S_ISDIR(mode):
        return _try_folder(path)
    if stat.S_ISSOCK(mode):
        return _try_socket(path)
    if _opens(path, os.O_RDONLY):
        return Reach.ALL
    return Reach.PART if _opens(path, os.O_WRONLY) else Reach.NONE


def _try_folder(path: str) -> Reach:
    """One that can only be entered is reached: names in it can be guessed."""
    listed = os.access(path, os.R_OK)
    entered = os.access(path, os.X_OK)
    if not listed and not entered:
        return Reach.NONE
    if not listed or not entered:
        return Reach.PART
    unreadable: list[OSError] = []
    for folder, _, files in os.walk(path, onerror=unreadable.append):
        if unreadable or not os.access(folder, os.X_OK) or not all(os.access(f"{folder}/{name}", os.R_OK) for name in files):
            return Reach.PART
    return Reach.PART if unreadable else Reach.ALL


def _try_socket(path: str) -> Reach:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
        with socket.socket(socket.AF_UNIX, kind) as client:
            client.settimeout(5.0)
            try:
                client.connect(path)
            except PermissionError:
                return Reach.NONE
            except OSError:
                continue
            return Reach.ALL
    return Reach.PART


def _opens(path: str, flags: int) -> bool:
    try:
        os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY))
    except OSError:
        return False
    return True


def main(uid: str, gid: str) -> None:
    paths = json.load(sys.stdin)
    try:
        privileges.become_user(int(uid), int(gid))
    except privileges.RefusedError as error:
        sys.exit(str(error))
    json.dump([_try(path) for path in paths], sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
