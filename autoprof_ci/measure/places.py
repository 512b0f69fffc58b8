"""Where a session may keep what: programs where they can be executed, working folders in memory where there is room.

Knows mount options and free space, and that containers often have a small or non-executable /dev/shm. Knows nothing of what is
kept there.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.errors import ToolError
from autoprof_ci.measure.plan import Identity

MEMORY = Path("/dev/shm")
ROOM_BYTES = 256 << 20
"""Less than this in memory, and larger workloads do not fit: inputs, databases, recordings with stacks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Two existing folders, often the same. `programs`: files in it may be executed. `work`: in memory where possible."""

    programs: Path
    work: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """`program_bytes`: of all programs together. `executable_inputs`: workloads bring files that they execute. `identity`: whom
    programs run as, if not as ourselves: they must be able to get there."""

    program_bytes: int
    executable_inputs: bool
    identity: Identity | None = None


def find_places(needs: Needs, memory: Path = MEMORY) -> Places:
    """Memory for both where it can be; else the temporary folder for what memory cannot hold or execute.

    Raises `ToolError` where no folder may hold programs that are to be executed.
    """
    disks = tuple(dict.fromkeys((Path(tempfile.gettempdir()), Path("/var/tmp"))))
    if needs.identity is not None:
        disks = tuple(filter(_open_to_all, (*disks, Path("/tmp")))) or disks
    in_memory = (
        _writable(memory)
        and (needs.identity is None or _open_to_all(memory))
        and _free_bytes(memory) >= ROOM_BYTES + needs.program_bytes
    )
    usable = (memory, *disks) if in_memory else disks
    programs = _first_executable(usable, needs.program_bytes)
    return Places(programs=programs, work=programs if needs.executable_inputs else usable[0])


def _first_executable(folders: Sequence[Path], size_bytes: int) -> Path:
    executable = [folder for folder in folders if _writable(folder) and may_execute(folder)]
    if not executable:
        names = " and ".join(map(str, folders))
        raise ToolError(
            f"Programs cannot be staged: {names} may not be written to, or are mounted `noexec`",
            "Set TMPDIR to a folder where programs may be executed.",
        )
    roomy = [folder for folder in executable if _free_bytes(folder) > size_bytes]
    if not roomy:
        names = " and ".join(map(str, executable))
        raise ToolError(
            f"Programs cannot be staged: no space left for {max(1, size_bytes >> 20)} MiB in {names}",
            "Free some space there, or set TMPDIR to a folder that has some.",
        )
    return roomy[0]


def _open_to_all(folder: Path) -> bool:
    """Whether others may enter it; what they then reach is tried again where it matters."""
    return all(step.is_dir() and step.stat().st_mode & stat.S_IXOTH for step in (folder, *folder.parents))


def may_execute(folder: Path) -> bool:
    return not os.statvfs(folder).f_flag & os.ST_NOEXEC


def _writable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.W_OK)


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free
