"""What can be known of a program's code before anything is measured: for whoever asks what a build lacks."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from autoprof_ci.machine_code.image import Image
from autoprof_ci.machine_code.lines import DebugInformation

TRIED = 200
"""Functions whose lines are asked for: a program with debug information has those of most of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """`functions`: with code and a name. `has_lines`: debug information says where they come from."""

    functions: int
    has_lines: bool


def readable(data: bytes) -> Readable:
    """Raises `UnreadableError` for files whose machine code cannot be compared."""
    functions = Image.read(data).functions
    tried = [symbol for symbols in islice(functions.values(), TRIED) for symbol in symbols]
    return Readable(functions=len(functions), has_lines=bool(DebugInformation(data).lines(tried)))
