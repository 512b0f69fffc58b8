"""How the cost of functions went over the runs of an archive. Knows runs in their order; judges nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoprof_ci.archive import stacks
from autoprof_ci.archive.stacks import Cost, Stacks
from autoprof_ci.report.chance import by_chance

WIDEST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A function's self share in two profiles."""

    name: str
    baseline: float
    candidate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dated:
    """One run. `cpu_s`: what all its processes computed; ``None`` where the profile's tool did not write it down."""

    identity: str
    stacks: Stacks
    costs: tuple[Cost, ...]
    cpu_s: float | None


def of(runs: Sequence[Dated], pattern: str) -> tuple[Cost, ...]:
    """The cost of all that `pattern` matches, run by run."""
    return tuple(stacks.of_pattern(run.stacks, pattern) for run in runs)


def widest(runs: Sequence[Dated]) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """The functions that were dearest by themselves, over all runs, each with its self share run by run."""
    shares = [{cost.name: cost.self_share for cost in run.costs} for run in runs]
    summed: dict[str, float] = {}
    for run in shares:
        for name, share in run.items():
            summed[name] = summed.get(name, 0.0) + share
    names = sorted(summed, key=lambda name: (-summed[name], name))[:WIDEST]
    return tuple((name, tuple(run.get(name, 0.0) for run in shares)) for name in names if summed[name] > 0)


def moved(baseline: Stacks, candidate: Stacks) -> tuple[Moved, ...]:
    """The functions whose self share differs by more than chance explains, what moved furthest first."""
    totals = [sum(seen for _, seen in side) for side in (baseline, candidate)]
    before, after = ({cost.name: cost.self_share for cost in stacks.costs(side)} for side in (baseline, candidate))
    found = [Moved(name=name, baseline=before.get(name, 0.0), candidate=after.get(name, 0.0)) for name in {**before, **after}]
    sure = [one for one in found if abs(one.candidate - one.baseline) > by_chance(one.baseline, one.candidate, *totals)]
    return tuple(sorted(sure, key=lambda one: (-abs(one.candidate - one.baseline), one.name))[:WIDEST])
