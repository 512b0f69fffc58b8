"""EDGE: one workload on one program watched once: joins the stage, the runner and heaptrack.

Knows what heaptrack needs of the stage, and which programs it cannot watch. Knows nothing of its records, of repeats or of
schedules.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.errors import ToolError
from autoprof_ci.measure.elf_file import read_linking
from autoprof_ci.measure.heaptrack_names import Names
from autoprof_ci.measure.heaptrack_run import INSTALL, HeapJob, find_library, watch
from autoprof_ci.measure.heaptrack_table import HeapRepeat, fold
from autoprof_ci.measure.plan import Work
from autoprof_ci.measure.removal import fresh_folder
from autoprof_ci.measure.staging import Lane, Stage

NOT_INSTALLED = f"heaptrack is not installed. {INSTALL}"
LEAVE_OUT = "Leave `memory` out of `instruments`"
NO_WINDOW = f"a daemon is measured in its window only, and heaptrack watches a whole run. {LEAVE_OUT} of this workload."
OWN_ALLOCATORS = {b"\0_rjem_malloc\0": "jemalloc", b"\0mi_malloc\0": "mimalloc", b"\0tc_malloc\0": "tcmalloc"}
"""What the symbols of a program have that brings its own allocator and asks it by name, not as `malloc`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """How this machine watches a heap. `limit_s`: no run may take longer."""

    library: Path
    limit_s: float


def find_watcher(limit_s: float) -> Watcher | None:
    """``None`` where heaptrack is not installed."""
    library = find_library()
    return None if library is None else Watcher(library=library, limit_s=limit_s)


def why_not(binary: Path) -> str | None:
    """Why the heap of this program cannot be watched, and what to do, in sentences; ``None`` where it can, as far as its file
    says."""
    linked = read_linking(binary)
    if linked is None or linked.interpreter is None:
        return f"the program is linked statically, and heaptrack watches only dynamic ones. {LEAVE_OUT}, or link it dynamically."
    if "musl" in linked.interpreter:
        return f"the program is linked against musl, and heaptrack against glibc. {LEAVE_OUT}, or build a program for glibc."
    data = binary.read_bytes()
    own = next((name for symbol, name in OWN_ALLOCATORS.items() if symbol in data), None)
    if own is not None:
        return f"the program brings its own allocator, {own}, which heaptrack does not see. {LEAVE_OUT}, or use the system's."
    return None


def watch_once(stage: Stage, work: Work, watcher: Watcher, names: Names, lane: Lane) -> HeapRepeat:
    """One repeat: one start, since allocations do not vary as time does. Raises `ProgramError`, `ToolError` and `DataError`."""
    workload = work.workload
    with fresh_folder(lane.counts) as folder, stage.prepare(work.program, workload, 1, lane) as (start,):
        if not names.is_own(os.path.realpath(start.argv[0])):
            first = start.argv[0].rpartition("/")[2]
            raise ToolError(
                f"workload {workload.name!r} begins with {first!r}, and heaptrack watches only the process that it begins with",
                "Let `command` begin with `{binary}`; what has to be done before it can go into `setup`",
            )
        job = HeapJob(workload=workload.name, start=start, folder=folder, library=watcher.library, limit_s=watcher.limit_s)
        watched = watch(job, stage.run)
    with names.in_use:
        return fold(watched.record, names.name)
