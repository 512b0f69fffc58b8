"""Folded stacks out of what ``perf script -F pid,period,ip,sym,dso`` prints of a recording with stacks.

Knows those blocks of lines and what counts as the program's. Pure: lines in, folded text out::

    19187    500250
                      acf543 a (/dev/shm/t/hot)               the leaf first
                      729e0e main (/dev/shm/t/hot)
        ffffffffffffffff [unknown] ([unknown])
                                                          an empty line ends it
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoprof_ci.measure.perf_processes import Processes, Weights
from autoprof_ci.measure.perf_script import check_readable, symbol_and_dso
from autoprof_ci.model import KERNEL
from autoprof_ci.symbols import normalise_all

_BROKEN = b"ffffffffffffffff"
"""In place of an address where unwinding ended."""
_KERNEL_FRAME = b"[kernel]"
_BROKEN_OFF = ("[broken]", "[broken]")
"""The root of stacks that end somewhere on the way: more than the copy of the stack holds, or code without unwind tables."""
_MAIN = "main"
_PROCESS_BEGINS = re.compile(r"_start|_start_c|_dl_start_user|_*libc_start_\w+")
_THREAD_BEGINS = re.compile(r"_*(?:GI_+)?clone3?|start_thread")
_OTHER_ROOTS = re.compile(r"runtime\.(?:goexit|mstart|mcall|systemstack|morestack|rt0_go|gogo)\b.*|\[kernel\]")
"""Where stacks of other runtimes end: Go's goroutines and system stacks. And the kernel's, before a program has a stack."""
_FOLD = str.maketrans({";": ":", "\n": " "})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStacks:
    """`weights`: executable's path -> stack (frames leaf first, one a line) -> sum of the samples' periods. `period`: of a sample
    on average, ``None`` where there is none; that of a hardware counter varies."""

    weights: Mapping[str, Weights]
    unreadable: int
    period: float | None


def read_stacks(lines: Iterable[bytes], processes: Processes | None = None) -> RecordedStacks:
    """Sum the samples up. `processes`: who is who, where perf did not start the program. Raises `DataError` when too many lines
    cannot be read."""
    if processes is None:
        processes = Processes()
    frames: list[bytes] = []
    weights: Weights | None = None
    weight = count = unreadable = samples = whole = 0
    for line in lines:
        count += 1
        if line.startswith(b"\t"):
            frames.append(_frame(line))
        elif not line.strip():
            if weights is not None:
                stack = b"\n".join(frames)
                weights[stack] = weights.get(stack, 0) + weight
                samples += 1
                whole += weight
            weights = None
            frames = []
        else:
            try:
                pid, period = line.split()
                weight = int(period)
            except ValueError:
                unreadable += not processes.follow(line.rstrip(b"\n"))
            else:
                weights = processes.by_pid.get(pid)
                if weights is None:
                    weights = processes.of_unknown(pid)
    check_readable(unreadable, count)
    average = whole / samples if whole else None
    return RecordedStacks(weights=processes.finish(), unreadable=unreadable, period=average)


def _frame(line: bytes) -> bytes:
    address, _, what = line.strip().partition(b" ")
    if address == _BROKEN:
        return b""
    return _KERNEL_FRAME if len(address) == 16 and address > b"8" else what


def folded(stacks: Mapping[str, Weights], executables: Mapping[str, str], period: float | None = None) -> str:
    """One line a stack, ``main;parse;memcpy 42``: root first, counted in samples of `period`, without it in the least weight. The
    program's own processes only; all frames in the kernel are one."""
    own: Weights = {}
    for path, weights in stacks.items():
        if path in executables:
            for stack, weight in weights.items():
                own[stack] = own.get(stack, 0) + weight
    lines = frames_of(own)
    unit = period or min(lines.values(), default=1)
    counts = {line: round(weight / unit) for line, weight in lines.items() if line}
    return "".join(f"{line} {count}\n" for line, count in sorted(counts.items()) if count)


def frames_of(weights: Weights) -> dict[str, int]:
    """Each stack as it is written, ``main;parse;memcpy``, and its weight."""
    named: dict[tuple[tuple[str, str], ...], int] = {}
    for stack, weight in weights.items():
        frames = _root_first(stack)
        named[frames] = named.get(frames, 0) + weight
    names = normalise_all({symbol for frames in named for symbol, _ in frames})
    lines: dict[str, int] = {}
    for frames, weight in named.items():
        line = ";".join(_label(names[symbol], dso).translate(_FOLD) for symbol, dso in frames)
        lines[line] = lines.get(line, 0) + weight
    return lines


def _root_first(stack: bytes) -> tuple[tuple[str, str], ...]:
    frames: list[tuple[str, str]] = []
    for what in reversed(stack.split(b"\n")):
        if what == _KERNEL_FRAME:
            if frames[-1:] != [(KERNEL.name, KERNEL.name)]:
                frames.append((KERNEL.name, KERNEL.name))
        elif what:
            frames.append(symbol_and_dso(what))
    return tuple(_rooted(frames))


def _rooted(frames: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """One root for each kind of thread; two programs must not differ by how far unwinding came, which is chance::

    _start;__libc_start_main;__libc_start_call_main;main;parse   ->  main;parse
    __libc_start_call_main;main;parse                            ->  main;parse
    clone3;start_thread;work                                     ->  start_thread;work
    _start;_dl_start;_dl_sysdep_start                            ->  _start;_dl_start;_dl_sysdep_start
    parse;memcpy                                                 ->  [broken];parse;memcpy
    """
    symbols = [symbol for symbol, _ in frames]
    if _MAIN in symbols:
        return frames[symbols.index(_MAIN) :]
    for begins, root in ((_PROCESS_BEGINS, "_start"), (_THREAD_BEGINS, "start_thread")):
        count = next((index for index, symbol in enumerate(symbols) if not begins.fullmatch(symbol)), len(symbols))
        if count:
            return [(root, frames[0][1]), *frames[count:]]
    # A C library without symbols is two frames above main or a thread's first function.
    unknown = next((index for index, frame in enumerate(frames) if not _is_unnamed_libc(frame)), len(frames))
    if unknown:
        return frames[unknown - 1 :]
    return frames if not frames or _OTHER_ROOTS.fullmatch(symbols[0]) else [_BROKEN_OFF, *frames]


def _is_unnamed_libc(frame: tuple[str, str]) -> bool:
    symbol, dso = frame
    return symbol == "[unknown]" and re.match(r"libc[.-]|libpthread[.-]|ld-musl", dso.rsplit("/", 1)[-1]) is not None


def _label(name: str, dso: str) -> str:
    return f"[{dso.rsplit('/', 1)[-1]}]" if name == "[unknown]" and dso.startswith("/") else name
