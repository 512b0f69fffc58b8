"""EDGE: a pair through the gate: measured and judged by the product's own functions, in this process.

Knows how the command `gate` is put together. Bundles are kept, so that a run can be judged again by changed rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from autoprof_ci import bundle, pipeline
from autoprof_ci.commands import apart, programs
from autoprof_ci.commands.measuring import Asked, candidate_of, load, locator_of, plan_of, real_edges, same_programs
from autoprof_ci.measure.plan import BASELINE, Progress
from autoprof_ci.model import Policy
from autoprof_ci.pipeline import Judged, Measured
from bench.pairs import building
from bench.pairs.pair import PROGRAMS, Pair

WORKLOAD = "run"

_TOML = """binary = "{program}"

[measure]
instruments = [{instruments}]
runs = {runs}
min_run_seconds = {min_run_seconds}
sandbox = "none"

[[workload]]
name = "{workload}"
command = ["{{binary}}", "run", "{size}"]
instructions_command = ["{{binary}}", "run", "{counted_size}"]
"""

RUNS = 10
MIN_RUN_SECONDS = 0.3
FAR_MIN_RUN_SECONDS = 1.0
"""Where nothing but time can find it: as long as the product measures by default."""


def configuration(pair: Pair, instruments: Sequence[str]) -> str:
    """The autoprof.toml of a pair; thresholds are the product's defaults."""
    program = PROGRAMS[pair.program]
    return _TOML.format(
        program=pair.program,
        instruments=", ".join(f'"{name}"' for name in instruments),
        runs=RUNS,
        min_run_seconds=FAR_MIN_RUN_SECONDS if pair.sees_time_only else MIN_RUN_SECONDS,
        workload=WORKLOAD,
        size=program.size,
        counted_size=program.counted_size,
    )


def gate(pair: Pair, instruments: Sequence[str], folder: Path) -> Judged:
    """Build, measure, judge; the configuration and both bundles stay in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "autoprof.toml"
    config.write_text(configuration(pair, instruments), encoding="utf-8")
    wanted = Asked(config=str(config), binary=str(building.candidate(pair)))
    loaded = load(wanted)
    place = apart.on_a_laptop(loaded.config.measure)
    candidate = candidate_of(wanted, loaded, place)
    named = programs.Named(binary=building.baseline(pair), folder=Path("/"))
    baseline = programs.side(BASELINE, named, place.check)
    edges = real_edges(_silent, place, locator_of(loaded))
    plan = plan_of(loaded, (baseline, candidate), place)
    policy = loaded.config.policy
    if same_programs(baseline, candidate):
        measured = pipeline.unmeasured(plan, (baseline, candidate), policy, edges)
    else:
        measured = pipeline.measure(plan, (baseline, candidate), policy, edges)
    _keep(measured, folder)
    return pipeline.judge(measured, policy, datetime.now(UTC))


def judge_again(folder: Path) -> Judged:
    """What was measured before, by the rules of today."""
    sides = {name: bundle.decode((folder / f"{name}.bundle.zip").read_bytes(), source=name) for name in ("baseline", "candidate")}
    measured = Measured(baseline=sides["baseline"], candidate=sides["candidate"])
    return pipeline.judge(measured, _policy(measured), datetime.now(UTC))


def _policy(measured: Measured) -> Policy:
    assert measured.candidate.policy is not None, "bundles of this bench hold their policy"
    return measured.candidate.policy


def _keep(measured: Measured, folder: Path) -> None:
    assert measured.baseline is not None
    (folder / "baseline.bundle.zip").write_bytes(bundle.encode(measured.baseline))
    (folder / "candidate.bundle.zip").write_bytes(bundle.encode(measured.candidate))


def _silent(_: Progress) -> None:
    """Nobody watches a single pair."""
