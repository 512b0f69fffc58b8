"""The image of the Action: what it adds to Debian, and how long a container of it takes to its first line of output.

usage: python -m bench.image TAG        such as autoprof-ci:test, built before
"""

from __future__ import annotations

import json
import subprocess
import sys
import time

BASE = "debian:trixie-slim"
LARGEST_MB = 440
SLOWEST_S = 1.0
REPEATS = 5


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    tag = sys.argv[1]
    added_mb = (_size_bytes(tag) - _size_bytes(BASE)) / 1e6
    print(f"size above {BASE}: {added_mb:.0f} MB (at most {LARGEST_MB})")
    for layer in _layers(tag)[len(_layers(BASE)) :]:
        size, _, command = layer.partition("\t")
        if not size.startswith("0B"):
            print(f"  {size:>8}  {command.removeprefix('/bin/sh -c ').removeprefix('#(nop) ')[:90]}")
    first_s = min(_first_line_s(tag) for _ in range(REPEATS))
    empty_s = min(_first_line_s(BASE, "echo", "ready") for _ in range(REPEATS))
    print(f"first line of output: {first_s:.2f} s (at most {SLOWEST_S}), of which an empty container takes {empty_s:.2f} s")
    return 0 if added_mb <= LARGEST_MB and first_s <= SLOWEST_S else 1


def _size_bytes(tag: str) -> int:
    return int(json.loads(_docker("image", "inspect", tag))[0]["Size"])


def _layers(tag: str) -> list[str]:
    """``SIZE TAB COMMAND``, the lowest first."""
    return _docker("history", "--no-trunc", "--format", "{{.Size}}\t{{.CreatedBy}}", tag).splitlines()[::-1]


def _first_line_s(*words: str) -> float:
    """From the start of ``docker run`` to the first line; best of some, since the engine's own time varies."""
    started = time.perf_counter()
    with subprocess.Popen(("docker", "run", "--rm", *words), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        took_s = time.perf_counter() - started
        process.stdout.read()
    return took_s


def _docker(*words: str) -> str:
    return subprocess.run(("docker", *words), capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    sys.exit(main())
