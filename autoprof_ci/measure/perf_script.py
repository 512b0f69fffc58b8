"""Self time per function out of what ``perf script -F pid,period,ip,sym,dso`` prints of a recording without stacks.

Knows those lines and what counts as the program's. Pure: lines in, a table out. Three layers: lines (`read_lines`), records
by executable (`perf_processes`), policy (`self_weights`)::

    19187    500250      55e32a820255 a (/dev/shm/t/hot)
    19187    500250  ffffffff8158e3f5 next_uptodate_folio ([kernel.kallsyms])
    19187    500250      7f403253d360 [unknown] (/usr/lib/x86_64-linux-gnu/libc.so.6)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoprof_ci.errors import DataError
from autoprof_ci.measure.perf_processes import STARTER, Processes, Weights
from autoprof_ci.model import KERNEL, Function, helper_row, unknown_row
from autoprof_ci.symbols import normalise_all

SCRIPT_FIELDS = "pid,period,ip,sym,dso"
MAX_UNREADABLE_RATIO = 0.01
MAX_UNREADABLE_ALWAYS = 10
"""Fewer unreadable lines are a caveat, whatever their ratio."""

_KERNEL_KEY = b"[kernel]"
_UNKNOWN = "[unknown]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A recording by executable. `weights`: path -> what was sampled -> sum of the samples' periods; the starter has the
    path ``STARTER``. `period`: that of every sample, ``None`` where it varied."""

    weights: Mapping[str, Weights]
    samples: int
    period: int | None
    unreadable: int


def read_lines(lines: Iterable[bytes]) -> Recorded:
    """Sum the samples up. Raises `DataError` when too many lines are neither sample nor event."""
    processes = Processes()
    by_pid = processes.by_pid
    periods: set[bytes] = set()
    samples = count = unreadable = 0
    for line in lines:
        count += 1
        try:
            pid, period, address, what = line.split(None, 3)
            weight = int(period)
            if not what.endswith(b")\n"):
                raise ValueError
        except ValueError:
            if not processes.follow(line.rstrip(b"\n")) and line.strip():
                unreadable += 1
            continue
        samples += 1
        periods.add(period)
        weights = by_pid.get(pid)
        if weights is None:
            weights = processes.of_unknown(pid)
        # The upper half of the address space is the kernel's, with or without names for it.
        if len(address) == 16 and address > b"8":
            what = _KERNEL_KEY
        weights[what] = weights.get(what, 0) + weight
    check_readable(unreadable, count)
    return Recorded(
        weights=processes.finish(),
        samples=samples,
        period=int(periods.pop()) if len(periods) == 1 else None,
        unreadable=unreadable,
    )


def check_readable(unreadable: int, lines: int) -> None:
    """Raise `DataError` when so many lines are neither sample nor event that what was read cannot be trusted."""
    if unreadable > max(MAX_UNREADABLE_ALWAYS, MAX_UNREADABLE_RATIO * lines):
        raise DataError(
            f"{unreadable} of the {lines} lines that `perf script` printed cannot be read",
            "Run `autoprof-ci doctor` and report the version of perf that it prints.",
        )


def self_weights(recorded: Recorded, executables: Mapping[str, str]) -> dict[Function, int]:
    """Weight per function. `executables`: path of each of the program's files -> the dso name of its functions.

    The kernel's work for the program is one row, samples without a symbol are one row per dso, every other executable is a
    row of its own, the starter none.
    """
    rows: dict[Function, int] = {}
    named: dict[tuple[str, str], int] = {}
    for path, weights in recorded.weights.items():
        if path == STARTER:
            continue
        if path not in executables:
            _add(rows, helper_row(base_name(path)), sum(weights.values()))
            continue
        for what, weight in weights.items():
            if what == _KERNEL_KEY:
                _add(rows, KERNEL, weight)
                continue
            symbol, dso = symbol_and_dso(what)
            dso_name = executables.get(dso) or base_name(dso)
            if symbol == _UNKNOWN:
                _add(rows, unknown_row(dso_name), weight)
            else:
                named[symbol, dso_name] = named.get((symbol, dso_name), 0) + weight
    names = normalise_all({symbol for symbol, _ in named})
    for (symbol, dso_name), weight in named.items():
        _add(rows, Function(names[symbol], dso_name), weight)
    return {row: weight for row, weight in rows.items() if weight > 0}


def seen_symbols(recorded: Recorded, executables: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Dso and raw name of each function of the program's own files that was sampled. `executables`: as of `self_weights`."""
    named = {
        symbol_and_dso(what)
        for path, weights in recorded.weights.items()
        if path in executables
        for what in weights
        if what != _KERNEL_KEY
    }
    return frozenset((executables[dso], symbol) for symbol, dso in named if dso in executables and symbol != _UNKNOWN)


def symbol_and_dso(what: bytes) -> tuple[str, str]:
    """``b"a (/dev/hot)\\n"`` -> ``("a", "/dev/hot")``. A dso may be ``x (deleted)``; a mangled symbol has no space."""
    symbol, _, dso = what.decode("utf-8", "replace").strip().partition(" (")
    return symbol, dso.removesuffix(")").removesuffix(" (deleted)")


def base_name(path: str) -> str:
    """Of a file; perf's names for what is no file stay as they are, but for ``//anon``, memory without a name."""
    if path.startswith("//anon"):
        return "[anon]"
    return path.rsplit("/", 1)[-1]


def _add(rows: dict[Function, int], row: Function, weight: int) -> None:
    rows[row] = rows.get(row, 0) + weight
