"""EDGE: a run of the user's program with a recorder beside it, or without one where none can be.

Knows which recorder is asked for, and that none may keep the program from running. One recorder a run: heaptrack's unwinding
would be most of what perf saw, and a second run of an agent would cost twice and do something else.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.errors import UsageError
from autoprof_ci.measure import perf_record
from autoprof_ci.measure.heap_printed import Heap
from autoprof_ci.measure.perf_attach import Attached
from autoprof_ci.measure.perf_record import Perf, Refusal
from autoprof_ci.measure.waiting_program import Ended, WaitingProgram

DEFAULT_HZ = 499
"""Costs the program a few percent of its time (`tools/bench profile`), and half a second of computing still gives 250 samples."""
RANGE_HZ = (1, 20_000)
_NO_FOLDER = Refusal(reason="nothing can be written to the temporary folder", next_step="Let TMPDIR name a folder with space.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenTime:
    """What perf recorded in `file`. `is_cut_off`: it ended before the program."""

    perf: Perf
    file: Path
    is_cut_off: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenHeap:
    """What heaptrack recorded in `file`, packed as `ending` says."""

    heap: Heap
    file: Path
    ending: str


Seen = SeenTime | SeenHeap | Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What to record: time at so many samples a second, or, at ``None``, the heap."""

    frequency_hz: int | None


def wanted(options: argparse.Namespace) -> Wanted:
    """Raises `UsageError`."""
    lowest, highest = RANGE_HZ
    asked = options.frequency
    if options.memory:
        if asked is not None:
            raise UsageError("--frequency says how often time is sampled, and --memory records the heap instead", "Leave one out")
        return Wanted(frequency_hz=None)
    if asked is not None and not lowest <= asked <= highest:
        what = f"--frequency {asked}: between {lowest} and {highest} samples a second are possible"
        raise UsageError(what, f"Try --frequency {DEFAULT_HZ}")
    return Wanted(frequency_hz=asked or DEFAULT_HZ)


def record(program: WaitingProgram, what: Wanted, folder: Path | None) -> tuple[Ended, Seen]:
    """Run it to its end. `folder`: for recordings; ``None`` where there can be none. Raises `UsageError` if it cannot start."""
    if folder is None:
        return program.run(), _NO_FOLDER
    if what.frequency_hz is None:
        return _heap(program, folder)
    return _time(program, what.frequency_hz, folder)


def _time(program: WaitingProgram, frequency_hz: int, folder: Path) -> tuple[Ended, Seen]:
    perf = perf_record.of_clock(frequency_hz)
    if isinstance(perf, Refusal):
        return program.run(), perf
    try:
        attached = Attached(perf, program.pid, folder)
    except OSError as error:
        return program.run(), _not_started("perf", error)
    try:
        refusal = attached.ready()
        if refusal is not None and attached.is_too_old():
            attached.stop()
            attached = Attached(perf, program.pid, folder, more=())
            refusal = attached.ready()
        ended = program.run()
    finally:
        attached.stop()
    if refusal is not None:
        return ended, refusal
    return ended, SeenTime(perf=perf, file=attached.file, is_cut_off=attached.is_cut_off())


def _heap(program: WaitingProgram, folder: Path) -> tuple[Ended, Seen]:
    # imported here: the common case need not wait for it before the program begins
    from autoprof_ci.measure.heap_recording import HeapRecording, Parts, find_parts

    parts = find_parts()
    if not isinstance(parts, Parts):
        return program.run(), parts
    try:
        recording = HeapRecording(parts, folder)
    except OSError as error:
        return program.run(), _not_started("heaptrack", error)
    try:
        ended = program.run(recording.environment)
    finally:
        recording.stop()
    heap = recording.read()
    if isinstance(heap, Refusal):
        return ended, heap
    return ended, SeenHeap(heap=heap, file=recording.file, ending=parts.ending)


def _not_started(tool: str, error: OSError) -> Refusal:
    return Refusal(reason=f"{tool} could not be started ({error.strerror})", next_step="See what `autoprof-ci doctor` says.")


@contextmanager
def temporary_folder() -> Iterator[Path | None]:
    """For a recording; ``None`` where there can be none: the program runs all the same."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="autoprof-ci-"))
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
