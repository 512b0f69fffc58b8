"""What `autoprof-ci profile` costs the program that it records, and the user who waits: with and without, in turns, from one run.

usage: python -m bench.profile [--rounds N] [--frequency HZ ...]

The program is the sample's `analyze` on the shipped sessions, some times in a row below a shell. Printed for each frequency: CPU
time and wall time of the program (medians, and the median of the ratios within a round), and what the user waits beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from autoprof_ci.workloads import default_cache, ensure_data

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "examples/autopilot/target/release/autopilot"
TIMES = 8
PLAIN = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Took:
    """`around_s`: what was waited beside the program. `samples`: 0 without a profile."""

    wall_s: float
    cpu_s: float
    around_s: float = 0.0
    samples: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--frequency", type=int, nargs="+", default=[499])
    options = parser.parse_args()
    sessions = ensure_data(default_cache()).path / "sessions"
    one = f"'{PROGRAM}' analyze '{sessions}' --aggregate --json > /dev/null"
    command = ["sh", "-c", " && ".join([one] * TIMES)]
    took: dict[int, list[Took]] = {frequency: [] for frequency in (PLAIN, *options.frequency)}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            # Each goes first in turn: what the one before left in caches is not always the same one's.
            order = [*took][number % len(took) :] + [*took][: number % len(took)]
            for frequency in order:
                took[frequency].append(profiled(command, frequency, Path(folder)) if frequency else plain(command))
    load = os.getloadavg()[0]
    print(f"{options.rounds} rounds, {TIMES} times `analyze` each, load {load:.1f} on {os.cpu_count()} CPUs")
    for frequency, runs in took.items():
        cpu = median(run.cpu_s / base.cpu_s for run, base in zip(runs, took[PLAIN], strict=True))
        wall = median(run.wall_s / base.wall_s for run, base in zip(runs, took[PLAIN], strict=True))
        print(
            f"{f'{frequency} Hz' if frequency else 'without':>8}: CPU {median(run.cpu_s for run in runs):.3f} s (x{cpu:.3f}),"
            f" wall {median(run.wall_s for run in runs):.3f} s (x{wall:.3f}),"
            f" beside it {median(run.around_s for run in runs):.2f} s, {median(run.samples for run in runs):.0f} samples"
        )


def plain(command: list[str]) -> Took:
    begun_s = time.monotonic()
    process = subprocess.Popen(command)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return Took(wall_s=time.monotonic() - begun_s, cpu_s=usage.ru_utime + usage.ru_stime)


def profiled(command: list[str], frequency: int, folder: Path) -> Took:
    begun_s = time.monotonic()
    profile = [sys.executable, "-m", "autoprof_ci.cli", "profile", "--archive", str(folder), "--frequency", str(frequency)]
    subprocess.run([*profile, "--", *command], check=True, stderr=subprocess.DEVNULL)
    whole_s = time.monotonic() - begun_s
    described = max(folder.glob("run-*.json"), key=lambda file: file.stat().st_mtime_ns)
    run = json.loads(described.read_text(encoding="utf-8"))
    cpu_s = run["user_s"] + run["system_s"]
    samples = run["sampling"]["samples"] if run["sampling"] else 0
    return Took(wall_s=run["wall_s"], cpu_s=cpu_s, around_s=whole_s - run["wall_s"], samples=samples)


if __name__ == "__main__":
    main()
