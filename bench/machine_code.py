"""What machine code costs: reading two builds of a program, digests of all their functions, and their lines.

usage: python -m bench.machine_code BASELINE CANDIDATE        two builds of one program

A session asks for the functions that ran only, a fraction of these.
"""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from pathlib import Path

from autoprof_ci.machine_code import ProgramFile, known_code
from autoprof_ci.machine_code.bodies import read_bodies
from autoprof_ci.machine_code.image import Image
from autoprof_ci.machine_code.lines import DebugInformation
from autoprof_ci.model import BINARY_DSO

LONGEST_S = 10.0
"""For what ran of two builds of a program with 20,600 symbols and 9 MB of code."""
TIMES = 3
"""As long for all functions of both."""


def main() -> int:
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    datas = [Path(name).read_bytes() for name in sys.argv[1:]]
    for name, data in zip(("baseline", "candidate"), datas, strict=True):
        _one(name, data)
    files = [[ProgramFile(dso=BINARY_DSO, data=data, symbols=frozenset(Image.read(data).functions))] for data in datas]
    begun = time.monotonic()
    before, after = known_code(files)
    took_s = time.monotonic() - begun
    digests = {code.function: code.digest for code in before.code}
    both = [code for code in after.code if code.function in digests]
    differ = [code.function.name for code in both if code.digest != digests[code.function]]
    print(f"both, all functions with lines: {took_s:.1f} s (at most {TIMES * LONGEST_S:.0f})")
    print(f"{len(both):,} names on both sides, {len(differ)} with other code: {', '.join(sorted(differ)[:5])}")
    return 0 if took_s <= TIMES * LONGEST_S else 1


def _one(name: str, data: bytes) -> None:
    marks = [time.monotonic()]
    image = Image.read(data)
    symbols = [symbol for each in image.functions.values() for symbol in each]
    marks.append(time.monotonic())
    bodies = read_bodies(image, image.functions)
    marks.append(time.monotonic())
    debug = DebugInformation(data)
    marks.append(time.monotonic())
    lines = debug.lines(symbols)
    marks.append(time.monotonic())
    tables_s, bodies_s, debug_s, lines_s = (end - begin for begin, end in pairwise(marks))
    code_mb = sum(body.size_bytes for each in bodies.values() for body in each) / 1e6
    print(
        f"{name}: {len(data) / 1e6:.0f} MB, {len(symbols):,} functions, {code_mb:.1f} MB of code: tables {tables_s:.2f} s, "
        f"digests {bodies_s:.1f} s, debug information {debug_s:.1f} s, lines of {len(lines):,} functions {lines_s:.1f} s"
    )


if __name__ == "__main__":
    sys.exit(main())
