"""Folded stacks of a whole process tree, the first frame being the executable: ``autopilot;main;parse 12``, ``git;main 3``.

Knows what ``perf script`` prints of a recording that was attached to a program, and that whoever ran it wants to see its children
apart. Pure: lines in, folded text out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from autoprof_ci.measure.perf_processes import STARTER, Processes, Weights
from autoprof_ci.measure.perf_script import base_name
from autoprof_ci.measure.perf_stacks import frames_of, read_stacks

BEGINNING = "[start]"
"""In place of an executable: what the kernel does before the program is there."""
_LOST = re.compile(rb"PERF_RECORD_LOST lost (\d+)")
_SAMPLE = re.compile(rb" *\d+ +\d+ *$")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessTree:
    """`folded`: root first, counted in samples. `lost`: events that the kernel could not hand over; `unreadable`: lines."""

    folded: str
    samples: int
    lost: int
    unreadable: int


class _Counted:
    """Lines that are counted while somebody else reads them."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        self._lines = lines
        self.samples = 0
        self.lost = 0

    def __iter__(self) -> Iterator[bytes]:
        for line in self._lines:
            if not line.startswith(b"\t"):
                if _SAMPLE.match(line):
                    self.samples += 1
                elif lost := _LOST.search(line):
                    self.lost += int(lost[1])
            yield line


def read_tree(lines: Iterable[bytes]) -> ProcessTree:
    """Every process of the tree. Raises `DataError` when too many lines cannot be read."""
    counted = _Counted(lines)
    recorded = read_stacks(counted, Processes.of_attached())
    return ProcessTree(
        folded=_folded(recorded.weights, counted.samples),
        samples=counted.samples,
        lost=counted.lost,
        unreadable=recorded.unreadable,
    )


def _folded(by_executable: Mapping[str, Weights], samples: int) -> str:
    """Periods become counts of samples: a hardware counter's vary, and a reader thinks in samples."""
    whole = sum(sum(weights.values()) for weights in by_executable.values())
    if not whole:
        return ""
    lines: dict[str, int] = {}
    for path, weights in by_executable.items():
        root = BEGINNING if path == STARTER else base_name(path)
        for stack, weight in frames_of(weights).items():
            line = f"{root};{stack}" if stack else root
            lines[line] = lines.get(line, 0) + weight
    counts = {line: round(weight * samples / whole) for line, weight in lines.items()}
    return "".join(f"{line} {count}\n" for line, count in sorted(counts.items()) if count)
