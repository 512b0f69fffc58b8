"""How fast folded stacks are read, beside the plainest loop that does the same, in one run of this program.

    python bench/folded_reading.py

Prints megabytes a second of processor time for lines of several lengths: ours, which checks, unpacks and counts, and a plain
loop that only cuts each line at its last semicolon and counts what is behind it.
"""

from __future__ import annotations

import gzip
import random
import time
from collections.abc import Callable

from autoprof_ci.folded import parse

SIZE_BYTES = 40_000_000
REPEATS = 3


def plain_loop(data: bytes) -> None:
    seen: dict[bytes, int] = {}
    for line in data.split(b"\n"):
        leaf = line.rpartition(b";")[2]
        seen[leaf] = seen.get(leaf, 0) + 1


def ours(data: bytes) -> None:
    parse(data, source="bench")


def megabytes_per_s(read: Callable[[bytes], None], data: bytes, size_bytes: int) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        begin = time.process_time()
        read(data)
        best = min(best, time.process_time() - begin)
    return size_bytes / 1e6 / best


def stacks(depth: int, largest_count: int) -> bytes:
    draw = random.Random(1)
    functions = [f"module{number % 40}::function{number}" for number in range(2000)]
    lines = [f"{';'.join(draw.choices(functions, k=depth))} {draw.randint(1, largest_count)}\n" for _ in range(50_000)]
    text = "".join(lines).encode()
    return text * (SIZE_BYTES // len(text))


def main() -> None:
    print(f"{'stacks':24} {'bytes a line':>12} {'ours MB/s':>10} {'loop MB/s':>10} {'ratio':>6}")
    for name, depth, largest in (
        ("one frame", 1, 50),
        ("two frames", 2, 50),
        ("20 frames", 20, 50),
        ("two frames, any count", 2, 10**7),
    ):
        data = stacks(depth, largest)
        length = len(data) / data.count(b"\n")
        fast, loop = megabytes_per_s(ours, data, len(data)), megabytes_per_s(plain_loop, data, len(data))
        print(f"{name:24} {length:12.0f} {fast:10.0f} {loop:10.0f} {fast / loop:6.2f}")
    data = stacks(2, 50)
    unpacking = megabytes_per_s(ours, gzip.compress(data, 1), len(data))
    print(f"{'two frames, gzip':24} {'':12} {unpacking:10.0f}   (of unpacked text)")


if __name__ == "__main__":
    main()
