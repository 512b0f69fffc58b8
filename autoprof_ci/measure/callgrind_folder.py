"""What callgrind left in a folder: its files and logs, one each a process.

Callgrind runs as the program's user, so the program can write here too, or in callgrind's place. Whatever lies here is hostile:
links, pipes and devices are not followed, nothing is read without end. Knows nothing of command lines or of what is counted.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autoprof_ci.errors import DataError
from autoprof_ci.measure.callgrind_file import ProcessCosts

MAX_FILE_BYTES = 512 << 20
"""Callgrind's file of a large program has a few MiB, and one more for every few processes it forks."""

MAX_LOG_BYTES = 1 << 20
"""A log has a few lines; it ends with valgrind's complaint, if there is one."""

MAX_PROCESSES = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessLog:
    """What callgrind says of one process. `executed`: it was begun by exec; else by fork, with its parent's counts."""

    parent_pid: int | None
    executed: bool
    text: str


def read_logs(folder: Path) -> dict[int, ProcessLog]:
    logs = {int(path.stem): _beginning(path) for path in of_processes(folder, ".log")}
    return {pid: read_log(data.decode("utf-8", errors="replace")) for pid, data in logs.items()}


def of_processes(folder: Path, ending: str) -> list[Path]:
    """Files named by a process number. The measured program may write here too: what else lies there is not ours."""
    found: list[Path] = []
    for entry in os.scandir(folder):
        number, _, rest = entry.name.partition(".")
        if f".{rest}" == ending and re.fullmatch(r"[0-9]{1,9}", number) and entry.is_file(follow_symlinks=False):
            found.append(Path(entry.path))
        if len(found) > MAX_PROCESSES:
            raise DataError(
                f"callgrind wrote files of more than {MAX_PROCESSES} processes of one start",
                "Give the workload a smaller `instructions_command`",
            )
    return sorted(found)


def whole(path: Path) -> bytes:
    with _opened(path) as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:
        raise DataError(
            f"callgrind's file {path.name} has more than {MAX_FILE_BYTES >> 20} MiB",
            "Give the workload a smaller `instructions_command`",
        )
    return data


def _beginning(path: Path) -> bytes:
    with _opened(path) as file:
        return file.read(MAX_LOG_BYTES)


def _opened(path: Path) -> BinaryIO:
    """Written by the program's user, perhaps by the program: nothing but a plain file of its own is read, through no link."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)

    try:
        file = open(path, "rb", opener=opener)  # noqa: SIM115 (a path has no opener)
    except OSError as error:
        raise DataError(f"callgrind's file {path.name} cannot be read: {error.strerror}", "Measure again") from None
    status, of_folder = os.fstat(file.fileno()), path.parent.stat()
    if not stat.S_ISREG(status.st_mode) or status.st_uid != of_folder.st_uid:
        file.close()
        raise DataError(f"callgrind's file {path.name} is not one that callgrind wrote", "Measure again")
    return file


def read_log(text: str) -> ProcessLog:
    """Callgrind's log of one process::

    ==25514== Command: ./forks
    ==25514== Parent PID: 25513
    ==25514==
    ==25514== For interactive control, run 'callgrind_control -h'.      only in a process begun by exec
    """
    parent = re.search(r"^==\d+== Parent PID: (\d{1,9})$", text, re.MULTILINE)
    return ProcessLog(
        parent_pid=int(parent[1]) if parent else None,
        executed="For interactive control" in text,
        text=text,
    )


def begins_at_zero(log: ProcessLog, costs: Mapping[int, ProcessCosts]) -> bool:
    """Executed, or forked from a parent whose counters were dumped and zeroed before."""
    parent = costs.get(log.parent_pid) if log.parent_pid is not None else None
    return log.executed or parent is None or parent.parts > 1
