"""What this machine can measure, and the one command that mends what it cannot. Behind ``autoprof-ci doctor``.

Knows how to try each tool for real, on a moment of work: a version or a setting promises nothing. Knows nothing of how the
answers are shown.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from autoprof_ci.errors import DataError
from autoprof_ci.measure import perf_record
from autoprof_ci.measure.callgrind_file import read_callgrind
from autoprof_ci.measure.callgrind_run import VALGRIND_OPTIONS, setarch_command
from autoprof_ci.measure.elf_file import build_id
from autoprof_ci.measure.heaptrack_file import HeapReader
from autoprof_ci.measure.heaptrack_run import find_library
from autoprof_ci.measure.machine import tool_version
from autoprof_ci.measure.places import MEMORY, ROOM_BYTES, may_execute
from autoprof_ci.measure.runner import TOOL_ENVIRONMENT, last_line
from autoprof_ci.measure.window_probe import window_refused

PROBE_S = 60.0
DEFAULT_FREQUENCY_HZ = 1999
DEBUG_FILES = Path("/usr/lib/debug/.build-id")
MAPS = Path("/proc/self/maps")


class State(StrEnum):
    OK = "ok"
    DEGRADED = "degraded"
    MISSING = "missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capability:
    """`detail`: one sentence without its full stop. `fix`: a command, or one sentence; ``None`` where nothing needs mending."""

    name: str
    state: State
    detail: str
    fix: str | None = None


def probe() -> tuple[Capability, ...]:
    """Try everything; takes about five seconds. Never raises: what fails is an answer."""
    with tempfile.TemporaryDirectory(prefix="autoprof-ci-") as folder:
        return (
            _perf(Path(folder)),
            _valgrind(Path(folder)),
            _fixed_addresses(),
            _memory(),
            _cpus(),
            _libc_symbols(),
            _heaptrack(Path(folder)),
        )


def _perf(folder: Path) -> Capability:
    name = "time (perf)"
    found = perf_record.probe(DEFAULT_FREQUENCY_HZ, folder)
    if isinstance(found, perf_record.Refusal):
        return Capability(name=name, state=State.MISSING, detail=_sentence(found.reason), fix=found.next_step)
    version = tool_version("perf") or "of unknown version"
    if not found.kernel_seen:
        return Capability(
            name=name,
            state=State.DEGRADED,
            detail=f"perf {version} samples {found.event}, in the program only: time in the kernel is not seen",
            fix="sudo sysctl kernel.perf_event_paranoid=1",
        )
    if found.is_clock:
        detail = f"perf {version} samples cpu-clock: there is no hardware counter here, so keep to about 2000 samples a second"
    else:
        detail = f"perf {version} samples {found.event} with a hardware counter"
    return Capability(name=name, state=State.OK, detail=detail)


def _valgrind(folder: Path) -> Capability:
    name = "instructions (valgrind)"
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        return Capability(name=name, state=State.MISSING, detail="Valgrind is not installed", fix="apt-get install valgrind")
    file = folder / "probe.callgrind"
    program = shutil.which("true", path=os.defpath) or "true"
    refused = _try((valgrind, *VALGRIND_OPTIONS, f"--callgrind-out-file={file}", program))
    if refused is not None:
        return Capability(
            name=name,
            state=State.MISSING,
            detail=f"Valgrind does not run here: {refused}",
            fix="apt-get install --reinstall valgrind libc6-dbg",
        )
    try:
        counted = read_callgrind(file.read_bytes(), file.name).total
    except OSError as error:
        detail = f"Callgrind left no file: {error.strerror}"
        return Capability(name=name, state=State.MISSING, detail=detail, fix="apt-get install --reinstall valgrind")
    except DataError as error:
        return Capability(name=name, state=State.MISSING, detail=error.what, fix="apt-get install --reinstall valgrind")
    version = tool_version("valgrind") or "of unknown version"
    refused = window_refused(folder)
    if refused is not None:
        return Capability(
            name=name,
            state=State.DEGRADED,
            detail=f"Valgrind {version} counts, but not the instructions of daemons: {refused}",
            fix="sysctl kernel.yama.ptrace_scope=1",
        )
    return Capability(name=name, state=State.OK, detail=f"valgrind {version} counts ({counted:,} instructions for `true`)")


def _fixed_addresses() -> Capability:
    name = "fixed addresses (setarch -R)"
    command = setarch_command()
    if not command:
        return Capability(name=name, state=State.DEGRADED, detail="There is no setarch", fix="apt-get install util-linux")
    refused = _try((*command, "true"))
    if refused is not None:
        return Capability(
            name=name,
            state=State.DEGRADED,
            detail=f"Address randomisation cannot be turned off ({refused}); counts of hash tables keyed by address vary more",
            fix="In a container, start it with --security-opt seccomp=unconfined",
        )
    return Capability(name=name, state=State.OK, detail="Address randomisation can be turned off for callgrind")


def _memory() -> Capability:
    name = "scratch in memory (/dev/shm)"
    fix = "mount -o remount,size=1G /dev/shm; for a container: --shm-size 1g"
    if not os.access(MEMORY, os.W_OK):
        detail = f"{MEMORY} cannot be written to: working folders lie on a disk, whose waiting is measured with the program"
        return Capability(name=name, state=State.DEGRADED, detail=detail, fix=fix)
    if not may_execute(MEMORY):
        detail = f"Programs in {MEMORY} may not be executed, so they are staged on a disk, whose waiting is measured with them"
        return Capability(name=name, state=State.DEGRADED, detail=detail, fix="mount -o remount,exec /dev/shm")
    free_bytes = shutil.disk_usage(MEMORY).free
    if free_bytes < ROOM_BYTES:
        detail = f"{MEMORY} has only {free_bytes >> 20} MiB free, so working folders lie on a disk, whose waiting is measured too"
        return Capability(name=name, state=State.DEGRADED, detail=detail, fix=fix)
    return Capability(name=name, state=State.OK, detail=f"{MEMORY} has {free_bytes >> 20} MiB free")


def _cpus() -> Capability:
    cpus = len(os.sched_getaffinity(0))
    if cpus == 1:
        detail = "There is one CPU: whatever else runs disturbs the measured program"
        return Capability(name="CPUs", state=State.DEGRADED, detail=detail, fix="Measure on a machine with two CPUs or more")
    return Capability(name="CPUs", state=State.OK, detail=f"{cpus} CPUs")


def _libc_symbols() -> Capability:
    name = "symbols of the C library"
    libc = _own_libc()
    identity = build_id(libc) if libc else None
    if identity is None:
        return Capability(
            name=name, state=State.OK, detail="Programs here bring their own C library, or it has no separate symbols"
        )
    if (DEBUG_FILES / identity[:2] / f"{identity[2:]}.debug").exists():
        return Capability(name=name, state=State.OK, detail=f"Debug symbols of {libc} are installed")
    return Capability(
        name=name,
        state=State.DEGRADED,
        detail=f"Functions that {libc} does not export are one row without a name",
        fix="apt-get install libc6-dbg",
    )


def _own_libc() -> Path | None:
    """The C library this process runs with: ``7f12 ... /usr/lib/x86_64-linux-gnu/libc.so.6``."""
    mapped = (line.split(maxsplit=5) for line in MAPS.read_text(encoding="utf-8", errors="replace").splitlines())
    files = (Path(fields[5]) for fields in mapped if len(fields) == 6)
    return next((file for file in files if file.name.startswith(("libc.so", "libc-"))), None)


def _heaptrack(folder: Path) -> Capability:
    name = "memory (heaptrack)"
    library = find_library()
    if library is None:
        return Capability(name=name, state=State.DEGRADED, detail="heaptrack is not installed", fix="apt-get install heaptrack")
    record, reader = folder / "probe.heap", HeapReader()
    program = shutil.which("true", path=os.defpath) or "true"
    refused = _try((program,), env={"LD_PRELOAD": str(library), "DUMP_HEAPTRACK_OUTPUT": str(record)})
    try:
        reader.feed(record.read_bytes() if record.exists() else b"")
    except DataError as error:
        refused = error.what
    if refused is not None or not reader.record().ended:
        detail = f"heaptrack does not watch `true` here: {refused or 'it wrote nothing whole'}"
        return Capability(name=name, state=State.DEGRADED, detail=detail, fix="apt-get install --reinstall heaptrack libunwind8")
    version = tool_version("heaptrack") or "of unknown version"
    return Capability(name=name, state=State.OK, detail=f"heaptrack {version} watches the heap of dynamically linked programs")


def _try(command: tuple[str, ...], env: Mapping[str, str] | None = None) -> str | None:
    """Why it failed, in the tool's words; ``None`` when it did not."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env={**TOOL_ENVIRONMENT, **(env or {})},
            timeout=PROBE_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return None if done.returncode == 0 else last_line(done.stderr)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
