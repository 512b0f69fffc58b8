"""EDGE: runs perf: which event this machine offers, how to record with it, and what ``perf script`` prints of a recording.

Knows perf's command line and its refusals. Knows nothing of programs, workloads or schedules. What the printed lines mean is in
`perf_script` and `perf_stacks`.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from mmap import mmap
from pathlib import Path
from typing import TypeVar

from autoprof_ci.errors import DataError, ToolError
from autoprof_ci.measure.perf_file import Losses, forget_parents, read_losses
from autoprof_ci.measure.perf_packed import is_packed, rewrite
from autoprof_ci.measure.runner import TOOL_ENVIRONMENT, last_line

EVENTS = ("cycles", "cpu-clock")
"""In order of preference: a hardware counter costs less and sees more than the clock."""
STACK_BYTES = 32768
"""Of each copied stack. Building a regular expression has frames of more than 16 KB: with half as much, a quarter of the samples
of a program that does it loses its callers. Twice as much finds hardly any more, and loses samples on a busy machine."""
OPTIONS = ("-q", "-N", "-B", "--no-bpf-event", "-k", "CLOCK_MONOTONIC")
"""``-N -B`` spare passes over the binary's build ids, ``--no-bpf-event`` up to a second at the end of every recording. The clock
is the one that windows are written down by, see `perf_windows`."""
PARANOID = Path("/proc/sys/kernel/perf_event_paranoid")
UNPRIVILEGED_LEVEL = 2
"""Up to here everybody may record own processes in user space."""

_T = TypeVar("_T")

# A recording of nothing would not tell whether the counter counts: some virtual machines have one that stands still.
_BUSY = "sh", "-c", "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done"


@dataclass(frozen=True, slots=True, kw_only=True)
class Perf:
    """How this machine records. `event`: without modifiers. `kernel_seen`: samples in the kernel are allowed."""

    command: str
    event: str
    kernel_seen: bool
    frequency_hz: int

    @property
    def is_clock(self) -> bool:
        """Every sample stands for the same time."""
        return self.event == "cpu-clock"

    @property
    def period_ns(self) -> int:
        """Of the clock, as the kernel rounds it."""
        return 10**9 // self.frequency_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why time cannot be measured; `next_step` says what to do about it."""

    reason: str
    next_step: str


NOT_INSTALLED = Refusal(reason="perf is not installed", next_step="Install it with: apt-get install linux-perf.")


def of_clock(frequency_hz: int) -> Perf | Refusal:
    """How to sample by the clock, which every machine has; nothing is tried. Whether the kernel is seen, the file tells."""
    command = shutil.which("perf")
    return Perf(command=command, event="cpu-clock", kernel_seen=True, frequency_hz=frequency_hz) if command else NOT_INSTALLED


def probe(frequency_hz: int, folder: Path) -> Perf | Refusal:
    """Try the events on a moment of work, files in `folder`."""
    command = shutil.which("perf")
    if command is None:
        return NOT_INSTALLED
    file = folder / "probe.data"
    said = ""
    for event in EVENTS:
        perf = Perf(command=command, event=event, kernel_seen=True, frequency_hz=frequency_hz)
        outcome = _run((*record_outer(perf, file), *_BUSY))
        if outcome.returncode != 0:
            said = outcome.stderr
            continue
        # perf takes another event, or leaves the kernel out, without a word: the file tells.
        recorded = re.match(r"([\w-]+):?(\w*)", _run((command, "evlist", "-i", str(file))).stdout)
        samples = _run((command, "script", "-i", str(file), "-F", "period")).stdout.split()
        if recorded is None or recorded[1] != event or len(samples) < 5:
            continue
        return Perf(command=command, event=event, kernel_seen="u" not in recorded[2], frequency_hz=frequency_hz)
    return refusal(said, PARANOID.read_text(encoding="ascii").strip() if PARANOID.exists() else None)


def refusal(said: str, paranoid: str | None) -> Refusal:
    """What perf's words and the kernel's paranoid level mean."""
    if re.search(r"permission|paranoid|not permitted", said, re.IGNORECASE):
        level = f" (kernel.perf_event_paranoid = {paranoid})" if paranoid is not None else ""
        next_step = "Allow it with: sudo sysctl kernel.perf_event_paranoid=1."
        if paranoid is not None and int(paranoid) <= UNPRIVILEGED_LEVEL:
            # The kernel would permit it: something between us and the kernel does not.
            next_step = "In a container, start it with: --security-opt seccomp=unconfined."
        return Refusal(reason=f"the kernel refuses perf{level}", next_step=next_step)
    if paranoid is None:
        return Refusal(reason="this kernel has no performance events", next_step="Measure on another machine.")
    words = last_line(said) if said.strip() else "no event gave samples"
    return Refusal(reason=f"perf failed: {words}", next_step="Run `perf record -e cpu-clock true` and see what it says.")


def record_outer(perf: Perf, file: Path) -> tuple[str, ...]:
    """The command line before that of the measured program; leaf addresses only, they disturb least."""
    options = (*OPTIONS, "-e", perf.event, "-F", str(perf.frequency_hz))
    return (perf.command, "record", *options, "-o", str(file), "--")


def stacks_outer(perf: Perf, file: Path) -> tuple[str, ...]:
    """The same with stacks, unwound from copies of the stack, so that no frame pointers are needed."""
    options = (*OPTIONS, "-e", perf.event, "-F", str(perf.frequency_hz))
    return (perf.command, "record", *options, "--call-graph", f"dwarf,{STACK_BYTES}", "-o", str(file), "--")


def read(perf: Perf, file: Path, fields: str, parse: Callable[[Iterable[bytes]], _T]) -> _T:
    """Hand the lines that ``perf script`` prints of `file` to `parse` while they come."""
    # The kernel's work is one row, so its hundred thousand names are not read: that takes ten times as long as all the rest.
    events = ("--show-task-events", "--show-mmap-events", "--show-lost-events")
    options = ("--kallsyms=/dev/null", "--no-demangle", "--no-inline", "--ns", *events)
    command = (perf.command, "script", "-i", str(file), "-F", fields, *options)
    errors = file.with_suffix(".errors")
    with (
        errors.open("wb") as stderr,
        subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, env=TOOL_ENVIRONMENT
        ) as process,
    ):
        assert process.stdout is not None
        try:
            parsed = parse(process.stdout)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        said = last_line(errors.read_text(encoding="utf-8", errors="replace"))
        raise ToolError(f"`perf script` failed on a recording: {said}", "Measure again; if it repeats, run `autoprof-ci doctor`.")
    return parsed


def sees_kernel(perf: Perf, file: Path) -> bool:
    """Whether samples in the kernel were allowed: perf leaves them out without a word."""
    return not _run((perf.command, "evlist", "-i", str(file))).stdout.startswith(f"{perf.event}:u")


def make_stacks_whole(file: Path) -> None:
    """Before a recording with stacks is read: see `forget_parents`. Raises `DataError`."""
    with file.open("r+b") as opened:
        # a file of nothing cannot be mapped
        if not file.stat().st_size:
            raise DataError(
                "perf wrote an empty file", "Free some space in /dev/shm and the temporary folder, then measure again."
            )
        with mmap(opened.fileno(), 0) as data:
            if is_packed(data):
                repacked = file.with_suffix(".whole")
                with repacked.open("wb") as out:
                    rewrite(data, out)
                repacked.replace(file)
            else:
                forget_parents(data)


def losses(file: Path) -> Losses:
    return read_losses(file.read_bytes())


def _run(command: Iterable[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        tuple(command),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        env=TOOL_ENVIRONMENT,
        check=False,
    )
