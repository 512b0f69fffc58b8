"""The rules on runs recorded now: the sample program against itself and against its slow variant, on this machine.

    python -m bench.statistics_fresh [--rounds N]

Records both pairs through the real measuring session, time alone, then draws reports of ten runs a side out of the rounds and
prints what our rule and the others make of them: how often they are red where nothing changed, and where it did. Reports overlap,
as rounds are few: the upper bounds hold for these rounds, not for the machine's every day. Needs ``make sample`` and perf.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from autoprof_ci import config
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Program, Progress
from autoprof_ci.measure.session import measure
from autoprof_ci.model import Instrument, Recording, WorkloadSamples
from autoprof_ci.workloads import SHIPPED_CONFIG, default_cache, ensure_data
from bench.statistics_data import Recorded
from bench.statistics_rules import RULES
from bench.statistics_table import SEED, Tally, resampled

ROOT = Path(__file__).parent.parent
PROGRAM = ROOT / "examples/autopilot/target/release/autopilot"
SLOW = ROOT / "examples/autopilot/target/slow/release/autopilot"
WORKLOAD = "analyze-sessions"
ROUNDS = 24
MIN_RUN_S = 0.5
RUNS = 10
REPORTS = 300
THRESHOLDS = (0.02, 0.03)
UNTOUCHED = "serde_json::read::"
"""What the slow variant asks as often as the other, and executes the same instructions in."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="runs a side that are recorded, even")
    rounds = parser.parse_args().rounds
    same, slow = (recorded(candidate, rounds) for candidate in (PROGRAM, SLOW))
    print("\r\033[K", end="", file=sys.stderr)
    print(f"{WORKLOAD}, {rounds} rounds of at least {MIN_RUN_S} s a side, {RUNS} of them a report, {REPORTS} reports a cell\n")
    heads = ["rule", "threshold", "red, nothing changed, interleaved", "same, base measured earlier", "red, slow variant"]
    heads.append("... and blames JSON parsing, which did not change")
    print("| " + " | ".join(heads) + " |\n" + "| --- " * len(heads) + "|")
    for rule in RULES:
        for threshold in THRESHOLDS:
            cells = [
                red(rule, same, threshold, "together"),
                red(rule, same, threshold, ""),
                red(rule, slow, threshold, "together"),
                red(rule, slow, threshold, "together", UNTOUCHED),
            ]
            print(f"| {rule} | {100 * threshold:g} % | " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def recorded(candidate: Path, rounds: int) -> Recorded:
    """`PROGRAM` against `candidate`, run in turns."""
    shipped = config.parse(SHIPPED_CONFIG, source="the shipped autopilot.toml")
    plan = Plan(
        programs=(Program(label=BASELINE, binary=PROGRAM), Program(label=CANDIDATE, binary=candidate)),
        workloads=tuple(replace(w, runs=None) for w in shipped.workloads if w.name == WORKLOAD),
        settings=replace(shipped.measure, runs=rounds, min_run_s=MIN_RUN_S, instruments=(Instrument.TIME,)),
        data=ensure_data(default_cache()).path,
        config_folder=ROOT,
    )
    return _counts(measure(plan, _show))


def red(rule: str, runs: Recorded, threshold: float, together: str, of: str = "") -> Tally:
    """Reports in which `rule` flags anything whose name begins with `of`."""
    draw = resampled(runs, (BASELINE, CANDIDATE), RUNS, threshold, together)
    rng = np.random.default_rng([SEED, *rule.encode(), *together.encode()])
    alarms = 0
    for _ in range(REPORTS):
        alarms += any(flag for function, flag in RULES[rule](draw(rng)).items() if function.name.startswith(of))
    return Tally(alarms=alarms, reports=REPORTS)


def _counts(recordings: Mapping[str, Recording]) -> Recorded:
    sides = {label: _only(recording) for label, recording in recordings.items()}
    functions = tuple(dict.fromkeys(f for side in sides.values() for f in side.functions))
    counts = {}
    for label, side in sides.items():
        rows = {function: row for row, function in enumerate(side.functions)}
        runs = np.array([run.counts for run in side.runs]).T / side.starts
        empty = np.zeros(runs.shape[1])
        counts[label] = np.array([runs[rows[f]] if f in rows else empty for f in functions]) * next(iter(sides.values())).starts
    return Recorded(functions=functions, counts=counts)


def _only(recording: Recording) -> WorkloadSamples:
    if recording.samples is None:
        raise SystemExit("time could not be measured: see `autoprof-ci doctor`")
    return recording.samples.workloads[0]


def _show(progress: Progress) -> None:
    print(f"\r\033[K{progress.done}/{progress.total} {progress.text}", end="", flush=True, file=sys.stderr)


if __name__ == "__main__":
    main()
