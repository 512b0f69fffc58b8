"""What measuring costs beside the measured programs: the wall time of a session, less the time inside them.

Run it with ``python -m bench.overhead [--runs N]``: it measures the sample program against itself with two of the shipped
workloads, and prints seconds inside measured processes by instrument, and the rest by step. The aim: the rest is at most 20 % of
what is inside, or 10 s, whichever is more. Under callgrind and perf the time inside counts as it is under them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from autoprof_ci import config
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Program, Progress
from autoprof_ci.measure.session import measure_on
from autoprof_ci.measure.staging import Stage
from autoprof_ci.measure.stopwatch import Interval, Step, covered_s
from autoprof_ci.workloads import SHIPPED_CONFIG, default_cache, ensure_data
from autoprof_ci.workloads.agent import ensure_player

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "examples/autopilot/target/release/autopilot"
WORKLOADS = ("analyze-sessions", "replay")
AIM_RATIO, AIM_S = 0.2, 10.0
WITHIN_OTHERS = (Step.READING, Step.FOLDERS)
"""Steps that are parts of others, and are counted on their own."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--all", action="store_true", help="all shipped workloads")
    options = parser.parse_args()
    stage = Stage(plan(options.runs, None if options.all else WORKLOADS))
    begun_s = time.monotonic()
    measure_on(stage, show)
    whole_s = time.monotonic() - begun_s
    return report(stage, whole_s)


def plan(runs: int, names: Sequence[str] | None) -> Plan:
    shipped = config.parse(SHIPPED_CONFIG, source="the shipped autopilot.toml")
    return Plan(
        programs=tuple(Program(label=label, binary=PROGRAM) for label in (BASELINE, CANDIDATE)),
        workloads=tuple(workload for workload in shipped.workloads if names is None or workload.name in names),
        settings=replace(shipped.measure, runs=runs),
        data=ensure_data(default_cache()).path,
        config_folder=ROOT,
        player=ensure_player(default_cache()),
    )


def show(progress: Progress) -> None:
    print(f"\r\033[K{progress.done}/{progress.total} {progress.text}", end="", flush=True, file=sys.stderr)


def report(stage: Stage, whole_s: float) -> int:
    """Print both sides of the ratio; 1 when the aim is missed."""
    steps, starts = stage.watch.steps, stage.watch.starts
    own = {step: steps[step] for step in WITHIN_OTHERS}
    inside_s = covered_s(starts)
    print(f"\n{whole_s:7.1f} s  the session")
    print(f"{inside_s:7.1f} s  inside measured processes (at least one of them running):")
    for step in (Step.WARM_UP, Step.INSTRUCTIONS, Step.TIME, Step.STACKS):
        within = [common for start in starts for common in overlaps(start, steps[step])]
        print(f"{covered_s(within):11.1f} s  {step}, {sum(i.end_s - i.begin_s for i in within):.1f} s added up")
    rest_s = whole_s - inside_s
    print(f"{rest_s:7.1f} s  beside them:")
    accounted_s = 0.0
    for step, intervals in steps.items():
        others = [] if step in own else list(chain.from_iterable(own.values()))
        excluded = [common for one in (*starts, *others) for common in overlaps(one, intervals)]
        beside_s = covered_s(intervals) - covered_s(excluded)
        accounted_s += beside_s
        print(f"{beside_s:11.1f} s  {step}")
    print(f"{rest_s - accounted_s:11.1f} s  the end")
    allowed_s = max(AIM_RATIO * inside_s, AIM_S)
    print(f"{rest_s:.1f} s beside {inside_s:.1f} s are {rest_s / inside_s:.0%}; allowed are {allowed_s:.1f} s")
    return 0 if rest_s <= allowed_s else 1


def overlaps(one: Interval, others: Iterable[Interval]) -> list[Interval]:
    """The parts of `one` that lie in one of the others."""
    cut = (Interval(max(one.begin_s, other.begin_s), min(one.end_s, other.end_s)) for other in others)
    return [part for part in cut if part.begin_s < part.end_s]


if __name__ == "__main__":
    sys.exit(main())
