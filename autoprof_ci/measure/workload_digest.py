"""EDGE: one digest for everything that makes a workload the same task as another day's: its definition and its input files.

Knows which keys change what the program does. How often and how long it is measured does not.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from autoprof_ci.model import Workload


def digest_of(workload: Workload, config_folder: Path, data: Path | None) -> str:
    """SHA-256 in hexadecimal. Files that do not exist count as absent; whether they may be is not decided here."""
    definition: dict[str, object] = {
        "command": workload.command,
        "instructions_command": workload.instructions_command,
        "setup": workload.setup,
        "stdin": workload.stdin,
        "env": dict(sorted(workload.env.items())),
        "expect_exit": workload.expect_exit,
    }
    # Only where there is one: the digests of all other workloads stay what they are in bundles of yesterday.
    if workload.agent is not None:
        definition |= {"agent": workload.agent, "agent_delays": workload.agent_delays}
    if workload.daemon is not None:
        definition["daemon"] = asdict(workload.daemon)
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True).encode())
    in_data = "{data}/"
    sessions = [] if workload.agent is None or workload.agent.startswith(in_data) else [workload.agent]
    for name in (*sorted(workload.inputs), *sessions):
        root = config_folder / name
        for file in sorted(root.rglob("*")) if root.is_dir() else [root]:
            if file.is_file():
                digest.update(f"\0{file.relative_to(config_folder)}\0".encode())
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    driver = (workload.daemon.driver if workload.daemon else None) or ()
    words = (
        workload.agent or "",
        *workload.command,
        *driver,
        *(workload.instructions_command or ()),
        *(word for command in workload.setup for word in command),
    )
    if data is not None and any("{data}" in word for word in (*words, *workload.env.values())):
        digest.update(b"\0data\0" + _listing(data))
    return digest.hexdigest()


def _listing(folder: Path) -> bytes:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    return "\n".join(f"{file.relative_to(folder)} {hashlib.sha256(file.read_bytes()).hexdigest()}" for file in files).encode()
