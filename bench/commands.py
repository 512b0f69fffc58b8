"""How long the command line keeps its user waiting: help, and a comparison of two large bundles, start-up included.

usage: python -m bench.commands

Prints the median of several starts beside a bare start of the interpreter from the same minute: the machine's own part.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from autoprof_ci import __version__, bundle
from autoprof_ci.model import BINARY_DSO, Bundle, Function, Recording, Run, Samples, WorkloadSamples

STARTS = 9
RUNS = 20
FUNCTIONS = 5000


def large_bundle(seed: int) -> Bundle:
    """`RUNS` runs of `FUNCTIONS` functions, most of them cold, as in a real profile."""
    dice = random.Random(seed)
    functions = tuple(Function(f"crate_{i % 50}::module::function_{i}", BINARY_DSO) for i in range(FUNCTIONS))
    hot = [50_000 / (1 + i) for i in range(FUNCTIONS)]
    runs = tuple(
        Run(block=i // 2, position=i % 2, wall_s=1.0, counts=tuple(float(round(mean * dice.uniform(0.97, 1.03))) for mean in hot))
        for i in range(RUNS)
    )
    sampled = WorkloadSamples(name="large", starts=1, functions=functions, runs=runs)
    return Bundle(
        session="bench",
        tool_version=__version__,
        created_at="2026-01-01T00:00:00Z",
        commit=None,
        ref=None,
        machine=None,
        policy=None,
        recording=Recording(samples=Samples(event="cpu-clock", period_s=0.0005, workloads=(sampled,))),
    )


def seconds(command: Sequence[str]) -> float:
    """Wall time of one start."""
    begin = time.perf_counter()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = [str(Path(folder, f"{side}.zip")) for side in ("baseline", "candidate")]
        for seed, path in enumerate(paths):
            Path(path).write_bytes(bundle.encode(large_bundle(seed)))
        ours = [sys.executable, "-m", "autoprof_ci.cli"]
        commands = {
            "bare interpreter": ([sys.executable, "-c", "pass"], None),
            "--help": ([*ours, "--help"], 0.15),
            f"compare, {RUNS} runs x {FUNCTIONS:,} functions": (
                [*ours, "compare", "--baseline", paths[0], "--candidate", paths[1]],
                1.0,
            ),
        }
        taken: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(STARTS):  # in turns, so that a slow moment meets all of them
            for name, (command, _) in commands.items():
                taken[name].append(seconds(command))
    print(f"{'command':<42} {'median':>8} {'least':>8} {'aim':>8}")
    for name, (_, aim_s) in commands.items():
        aim = f"{aim_s:.2f} s" if aim_s else ""
        print(f"{name:<42} {median(taken[name]):>6.2f} s {min(taken[name]):>6.2f} s {aim:>8}")


if __name__ == "__main__":
    main()
