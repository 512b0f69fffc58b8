"""EDGE: watches a program's heap by preloading heaptrack's library into it.

Knows where heaptrack keeps its library, what it obeys, and what stops it. Knows nothing of names, of schedules, or of what the
numbers are for. What the library writes comes through a pipe with a name and is read while the program runs: a record on a disk
would have twenty bytes for each allocation and each release, gigabytes for some programs.

Only the process that a start begins with is watched: the library takes itself out of the environment, so children (git, shells,
an agent) run without it.
"""

from __future__ import annotations

import math
import os
import select
import shutil
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from autoprof_ci.errors import DataError, ToolError
from autoprof_ci.measure.callgrind_run import RunStarts
from autoprof_ci.measure.failures import check_results
from autoprof_ci.measure.heaptrack_file import HeapReader, HeapRecord
from autoprof_ci.measure.runner import Start, StartResult

LIBRARY = "libheaptrack_preload.so"
TIMEOUT_FACTOR = 20
"""How much longer than a plain start one with heaptrack may take: three times is usual, more with deep stacks."""
PIPE = "heap"
PIPE_BYTES = 1 << 20
WHOLE_FOLDER = 0o711
ENDING = "Let the program end by returning from `main` or by `exit`, not by `_exit`; and see that it is linked dynamically"
INSTALL = "Install it with: apt-get install heaptrack."


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapJob:
    """One run of one workload on one program. `start`: a plain one, its working folder prepared. `folder`: an existing one of
    ours. `library`: see `find_library`. `limit_s`: it may not take longer, however long its own limit is."""

    workload: str
    start: Start
    folder: Path
    library: Path
    limit_s: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    record: HeapRecord
    results: tuple[StartResult, ...]


def find_library() -> Path | None:
    """Heaptrack's library, beside the command as its own script looks for it; ``None`` where it is not installed."""
    command = shutil.which("heaptrack")
    if command is None:
        return None
    root = Path(command).resolve().parent.parent
    found = (root / folder / "heaptrack" / LIBRARY for folder in ("lib", "lib64"))
    return next((path for path in found if path.is_file()), None) or next(
        iter(sorted(root.glob(f"lib/*/heaptrack/{LIBRARY}"))), None
    )


def watch(job: HeapJob, run_starts: RunStarts) -> Watched:
    """Run the start with heaptrack's library in it.

    Raises `ToolError` when nothing was written or the record has no end, `ProgramError` when the program does not end as its
    workload says, `DataError` when the record cannot be read. Each names the workload.
    """
    where = f"workload {job.workload!r} under heaptrack"
    logs = job.folder / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    pipe = job.folder / PIPE
    os.mkfifo(pipe, mode=0o600)
    if job.start.identity is not None:
        job.folder.chmod(WHOLE_FOLDER)
        os.chown(pipe, job.start.identity.uid, job.start.identity.gid)
    start = _with_heaptrack(job, pipe)
    with _Reading(pipe) as reading:
        results = run_starts((start,), log_folder=logs)
    check_results((start,), results, where)
    if reading.error is not None:
        raise DataError(f"{where}: {reading.error.what}", reading.error.next_step)
    record = reading.record()
    if not record.places:
        raise ToolError(f"{where}: heaptrack wrote nothing", ENDING)
    if not record.ended:
        raise ToolError(f"{where}: heaptrack's record is cut off", ENDING)
    return Watched(record=record, results=results)


def _with_heaptrack(job: HeapJob, pipe: Path) -> Start:
    preload = ":".join(filter(None, (str(job.library), job.start.env.get("LD_PRELOAD"))))
    return replace(
        job.start,
        env={**job.start.env, "LD_PRELOAD": preload, "DUMP_HEAPTRACK_OUTPUT": str(pipe)},
        timeout_s=min(job.start.timeout_s * TIMEOUT_FACTOR, job.limit_s),
    )


class _Reading:
    """Reads the pipe in a thread of its own, from before the program opens it until all of it has ended: a context manager.

    What cannot be read is thrown away to the end: a program whose pipe is full or closed would hang or die of it.
    """

    def __init__(self, pipe: Path) -> None:
        self.error: DataError | None = None
        self._reader = HeapReader()
        # Not waiting for a writer; and with one of our own, the end of one writer is not the end.
        self._pipe = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        self._stopped = os.eventfd(0)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> _Reading:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        os.eventfd_write(self._stopped, 1)
        self._thread.join()
        os.close(self._pipe)
        os.close(self._stopped)

    def record(self) -> HeapRecord:
        return self._reader.record()

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        poll.register(self._stopped, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if ready.get(self._pipe, 0) & select.POLLIN:
                self._take()
            elif self._stopped in ready:
                return  # everything that could write has ended, and nothing is left in the pipe
            elif ready.get(self._pipe, 0) & select.POLLHUP:
                # The last writer has gone, and poll would say so at once, again and again.
                poll.unregister(self._pipe)
                poll.poll()
                poll.register(self._pipe, select.POLLIN)

    def _take(self) -> None:
        try:
            data = os.read(self._pipe, PIPE_BYTES)
        except BlockingIOError:
            return
        if self.error is None and data:
            try:
                self._reader.feed(data)
            except DataError as error:
                self.error = error
