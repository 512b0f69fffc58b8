"""EDGE: counts instructions by running the program under valgrind's callgrind.

Knows callgrind's command line, which of its surroundings change a count, and what its failures look like. Knows nothing of its
file grammar, of schedules, or of what the numbers are for.

What would move a count of the same program, and what is done about it: stack and heap addresses (address randomisation off
where permitted; the caller keeps path and environment lengths equal), the C library's choice of string functions by CPU
(``GLIBC_TUNABLES``), options from the surroundings (``--command-line-only``). What is left (seeds of hash maps, the scheduler)
is seen as the spread of the repeats.
"""

from __future__ import annotations

import math
import os
import platform
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from autoprof_ci.errors import DataError, ProgramError, ToolError
from autoprof_ci.measure import callgrind_window
from autoprof_ci.measure.callgrind_file import ProcessCosts, read_callgrind
from autoprof_ci.measure.callgrind_folder import begins_at_zero, of_processes, read_logs, whole
from autoprof_ci.measure.callgrind_table import InstructionsRepeat, fold, seen_symbols
from autoprof_ci.measure.callgrind_window import was_in_window
from autoprof_ci.measure.daemon_window import cut_short
from autoprof_ci.measure.failures import check_results, failure
from autoprof_ci.measure.plan import Identity
from autoprof_ci.measure.runner import Start, StartResult

TIMEOUT_FACTOR = 100
"""How much longer than a plain start one under callgrind may take: 20 to 50 times is usual, and a second to begin with."""

GRACE_FACTOR = 20
"""How much longer than in a plain start a child may outlive its parent: it ends as slowly as everything else."""

FORKS = ("fork", "vfork", "_Fork", "__fork", "__libc_fork", "posix_spawn", "posix_spawnp")
"""Functions that a process is copied in, under the names the C libraries give them."""

VALGRIND_OPTIONS = (
    "--tool=callgrind",
    "--command-line-only=yes",
    "--trace-children=yes",
    "--vgdb=no",  # it opens pipes in the temporary folder, for a debugger that will not come
    "--demangle=no",  # names are normalised by our own rules, from what the linker sees
    "--show-below-main=yes",
    "--separate-recs=2",  # what makes recursion count once, see callgrind_table
    "--separate-threads=no",
    # A forked process begins with a copy of its parent's counters. Dumped and zeroed just before, they are nobody's twice.
    "--combine-dumps=yes",
    *(f"--dump-before={name}{version}" for name in FORKS for version in ("", "@*")),
    "--cache-sim=no",
    "--branch-sim=no",
    "--dump-instr=no",
    "--compress-pos=no",  # lines as they are, not relative to the one before
)

_TUNABLES = {
    # Callgrind shows an x86 program one and the same CPU, a Haswell, on every machine with AVX2, so the C library's choices do
    # not depend on the machine. But it counts `rep movsb` as an instruction a byte, and glibc copies by that from 8 KiB on: a
    # block of 16,000 bytes counts 16,000 instead of 500, one of 8,000 counts 250. Without ERMS a copy costs what its length says.
    "x86_64": "glibc.cpu.hwcaps=-ERMS,-FSRM,-AVX512F,-AVX512VL,-AVX512BW",
    "aarch64": "glibc.cpu.name=generic",
}


class RunStarts(Protocol):
    """The seam through which programs are executed: `autoprof_ci.measure.runner.run_starts`, or one in a container."""

    def __call__(self, starts: Sequence[Start], *, outer: Sequence[str] = (), log_folder: Path) -> tuple[StartResult, ...]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CountJob:
    """One repeat of one workload on one program. `starts`: plain ones, each with its working folder prepared.

    `dsos`: path of each file of the program, as the started process sees it -> dso. `folder`: an existing one, in which each
    start gets a folder that its user may write to, and we one for ourselves. `setarch`: the command line that turns address
    randomisation off, empty where refused. `limit_s`: no start may take longer, however long its own limit under callgrind is.
    `untraced`: patterns of executables that run as they would without callgrind, and are not counted.
    """

    workload: str
    starts: tuple[Start, ...]
    dsos: Mapping[str, str]
    folder: Path
    setarch: tuple[str, ...] = ()
    limit_s: float = math.inf
    untraced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What one repeat gave. `repeat` is per start; `results`: how each start went, in order. `uncounted_processes`: killed before
    callgrind could write, or forked by code without symbols, so that its parent's counts cannot be told from its own. `symbols`:
    dso and raw name of all that ran in the program's own files."""

    repeat: InstructionsRepeat
    results: tuple[StartResult, ...]
    uncounted_processes: int
    unreadable_lines: int
    symbols: frozenset[tuple[str, str]] = frozenset()


def setarch_command() -> tuple[str, ...]:
    """The command line in front of another that turns address randomisation off; empty where there is no such tool. Whether it
    is permitted is to be tried (`capabilities`): Docker's default profile refuses it."""
    setarch = shutil.which("setarch")
    return (setarch, platform.machine(), "-R") if setarch else ()


def count(job: CountJob, run_starts: RunStarts) -> Counted:
    """Run every start of `job` under callgrind and sum what its processes did.

    Raises `ToolError` when valgrind is missing or cannot run this program, `ProgramError` when the program does not end as its
    workload says, `DataError` when callgrind's files cannot be read. Each names the workload.
    """
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise ToolError("Instructions cannot be counted: valgrind is not installed", "Install it with: apt-get install valgrind.")
    folders = [job.folder / str(number) for number in range(len(job.starts))]
    for start, folder in zip(job.starts, folders, strict=True):
        _make_folder(folder, start.identity)
    logs = job.folder / "logs"
    logs.mkdir(mode=0o700, exist_ok=True)
    under_callgrind = [
        _under_callgrind(start, (*job.setarch, valgrind), folder, job) for start, folder in zip(job.starts, folders, strict=True)
    ]
    results = run_starts(under_callgrind, log_folder=logs)
    where = f"workload {job.workload!r} under callgrind"
    for start, result, folder in zip(under_callgrind, results, folders, strict=False):
        _raise_complaint(where, start, result, folder)
    check_results(under_callgrind, results, where)
    if cut_short([result.watched for result in results]):
        raise ProgramError(
            f"{where}: its driver did not end within a hundred times its `duration_seconds`",
            "Give it a driver that ends by itself, or leave its instructions out",
        )
    read = [_read_start(job, result, folder) for result, folder in zip(results, folders, strict=True)]
    processes = [process for counted, _ in read for process in counted]
    return Counted(
        repeat=fold(processes, job.dsos, len(job.starts)),
        results=results,
        uncounted_processes=sum(uncounted for _, uncounted in read),
        unreadable_lines=sum(process.unreadable_lines for process in processes),
        symbols=seen_symbols(processes, job.dsos),
    )


def _make_folder(folder: Path, identity: Identity | None) -> None:
    """For what valgrind writes, which runs as the program's user: that user's, in one that it may only pass through."""
    folder.mkdir(mode=0o700)
    if identity is not None:
        folder.parent.chmod(0o711)
        os.chown(folder, identity.uid, identity.gid)


def _under_callgrind(start: Start, tool: Sequence[str], folder: Path, job: CountJob) -> Start:
    pattern = str(folder).replace("%", "%%")
    skipped = (f"--trace-children-skip={','.join(job.untraced)}",) if job.untraced else ()
    files = (f"--callgrind-out-file={pattern}/%p.out", f"--log-file={pattern}/%p.log")
    valgrind = (*tool, *VALGRIND_OPTIONS, *skipped, *files)
    start = replace(start, env={**start.env, "GLIBC_TUNABLES": tunables(start.env.get("GLIBC_TUNABLES"))})
    window = start.window
    if window is not None:
        if window.driver is not None:
            window = replace(window, driver=replace(window.driver, env={**start.env, **window.driver.env}))
        window = callgrind_window.marked(window, start, folder, valgrind, TIMEOUT_FACTOR)
        valgrind += callgrind_window.options(folder)
    return replace(
        start,
        argv=(*valgrind, "--", *start.argv),
        timeout_s=min(start.timeout_s * TIMEOUT_FACTOR, job.limit_s),
        grace_s=start.grace_s * GRACE_FACTOR,
        window=window,
    )


def tunables(own: str | None) -> str:
    """The C library's settings under callgrind on this machine; `own` ones of the workload come last and win."""
    return ":".join(filter(None, (_TUNABLES.get(platform.machine()), own)))


def _read_start(job: CountJob, result: StartResult, folder: Path) -> tuple[list[ProcessCosts], int]:
    """The processes of one start, and how many of them are not to be had."""
    costs: dict[int, ProcessCosts] = {}
    logs = read_logs(folder)
    seen = {pid for pid in logs if result.watched is None or was_in_window(pid, result.watched)}
    for path in of_processes(folder, ".out"):
        pid = int(path.stem)
        if result.watched is not None and not was_in_window(pid, result.watched):
            continue
        seen.add(pid)
        try:
            costs[pid] = read_callgrind(whole(path), f"of workload {job.workload!r}, process {pid}")
        except DataError:
            # Only one that outlived the start may be cut off: it was killed while callgrind wrote.
            if not result.left_children:
                raise
    if not costs:
        raise ToolError(
            f"Callgrind wrote nothing for workload {job.workload!r}", "Check that there is space left in the temporary folder."
        )
    own = [process for pid, process in costs.items() if pid not in logs or begins_at_zero(logs[pid], costs)]
    # A forked process that became one of them leaves a log that ends there, and no file.
    became_untraced = {pid for pid, log in logs.items() if job.untraced and pid not in costs and not log.executed}
    return own, len(seen - became_untraced) - len(own)


def _raise_complaint(where: str, start: Start, result: StartResult, folder: Path) -> None:
    """What stopped valgrind rather than the program is valgrind's failure; what takes too long has a remedy of its own here."""
    if failure(start, result) is None:
        return
    if result.watched is not None and result.watched.marking_failed is not None and not result.watched.died:
        raise ToolError(
            f"{where}: valgrind could not be told where the window begins and ends ({result.watched.marking_failed})",
            'Allow ptrace (sysctl kernel.yama.ptrace_scope=1), or leave this workload to `instruments = ["time"]`.',
        )
    if result.timed_out and result.watched is None:
        raise ProgramError(
            f"{where}: did not end within {start.timeout_s:g} s",
            "Give it a smaller task with `instructions_command`, or raise its `timeout_seconds`",
        )
    complaint = complaint_in("\n".join([*(log.text for log in read_logs(folder).values()), result.stderr_tail]))
    if complaint is not None:
        raise ToolError(f"{where}: {complaint}", 'Use a newer valgrind, or leave this workload to `instruments = ["time"]`.')


_COMPLAINTS = (
    (r"vex \S+->IR: unhandled instruction bytes: ([0-9A-Fx ]+)", "valgrind does not know an instruction of the program ({0})"),
    (r"valgrind: Unrecognised instruction at address (\w+)", "valgrind does not know the program's instruction at {0}"),
    (r"valgrind:.*(?:mkdir|create|open).*(?:fail|unable).*", "valgrind cannot write its temporary files ({all})"),
    (r"valgrind: (?:fatal error|failed to start tool|the 'impossible' happened).*", "valgrind itself failed ({all})"),
    (r"valgrind: (.*)", "valgrind says: {0}"),
)


def complaint_in(text: str) -> str | None:
    """What valgrind itself says went wrong, if it says anything."""
    for pattern, sentence in _COMPLAINTS:
        found = re.search(pattern, text)
        if found:
            return sentence.format(*(group.strip()[:120] for group in found.groups()), all=found[0].strip()[:160])
    return None
