"""Which workloads of two bundles stand against each other, with which instruments' numbers.

Knows what a bundle holds and what makes two recordings of a workload incomparable. Knows no numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from autoprof_ci.analysis.comparable import Comparable, same_workload
from autoprof_ci.model import (
    Bundle,
    Caveat,
    CaveatCode,
    WorkloadInstructions,
    WorkloadMemory,
    WorkloadSamples,
)

MIN_RUNS = 3
"""Fewer a side: every number rests on what other functions' noise suggests; said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The same workload on both sides, as far as it may be compared; ``None`` where an instrument has nothing to compare."""

    name: str
    samples: tuple[WorkloadSamples, WorkloadSamples] | None
    instructions: tuple[WorkloadInstructions, WorkloadInstructions] | None
    memory: tuple[WorkloadMemory, WorkloadMemory] | None = None

    @property
    def is_empty(self) -> bool:
        return self.samples is None and self.instructions is None and self.memory is None


def names(bundle: Bundle) -> tuple[str, ...]:
    recording = bundle.recording
    sampled = [w.name for w in recording.samples.workloads] if recording.samples else []
    others = [*(w.name for w in recording.instructions), *(w.name for w in recording.memory)]
    return tuple(dict.fromkeys([*sampled, *others]))


def pair_of(name: str, bundles: tuple[Bundle, Bundle], allowed: Comparable, caveats: list[Caveat]) -> Pair:
    """What of a workload may be compared; what may not, and why, is added to `caveats`."""
    baseline, candidate = bundles
    nothing = Pair(name=name, samples=None, instructions=None)
    if name in baseline.recording.failed_workloads:
        caveats.append(Caveat(code=CaveatCode.WORKLOAD_FAILS_ON_BASELINE, detail=name))
        return nothing
    if name not in names(baseline):
        return nothing
    if not allowed.interleaved and not same_workload(name, baseline, candidate):
        caveats.append(Caveat(code=CaveatCode.WORKLOAD_CHANGED, detail=name))
        return nothing
    return Pair(
        name=name,
        samples=_sample_pair(name, bundles, caveats) if allowed.time else None,
        instructions=_instruction_pair(name, bundles, caveats) if allowed.instructions else None,
        memory=_memory_pair(name, bundles, caveats) if allowed.memory else None,
    )


def _sample_pair(
    name: str, bundles: tuple[Bundle, Bundle], caveats: list[Caveat]
) -> tuple[WorkloadSamples, WorkloadSamples] | None:
    both = [bundle.recording.samples for bundle in bundles]
    if both[0] is None or both[1] is None:
        return None
    if (both[0].event, both[0].period_s is None) != (both[1].event, both[1].period_s is None):
        caveats.append(Caveat(code=CaveatCode.BASELINE_INCOMPATIBLE, detail=f"event {both[0].event}, {both[1].event}"))
        return None
    found = [next((w for w in samples.workloads if w.name == name and w.runs), None) for samples in both if samples]
    if found[0] is None or found[1] is None:
        return None
    if min(len(found[0].runs), len(found[1].runs)) < MIN_RUNS:
        caveats.append(Caveat(code=CaveatCode.FEW_RUNS, detail=name))
    return found[0], found[1]


def _instruction_pair(
    name: str, bundles: tuple[Bundle, Bundle], caveats: list[Caveat]
) -> tuple[WorkloadInstructions, WorkloadInstructions] | None:
    found = [next((w for w in bundle.recording.instructions if w.name == name and w.repeats), None) for bundle in bundles]
    if found[0] is None or found[1] is None:
        return None
    if max(len(found[0].repeats), len(found[1].repeats)) < 2:
        caveats.append(Caveat(code=CaveatCode.INSTRUCTIONS_ONCE, detail=name))
    return found[0], found[1]


def _memory_pair(
    name: str, bundles: tuple[Bundle, Bundle], caveats: list[Caveat]
) -> tuple[WorkloadMemory, WorkloadMemory] | None:
    found = [next((w for w in bundle.recording.memory if w.name == name and w.repeats), None) for bundle in bundles]
    if found[0] is None or found[1] is None:
        return None
    if max(len(found[0].repeats), len(found[1].repeats)) < 2:
        caveats.append(Caveat(code=CaveatCode.MEMORY_ONCE, detail=name))
    return found[0], found[1]


def blocks_match(baseline: WorkloadSamples, candidate: WorkloadSamples) -> bool:
    """Every block holds runs of both sides, so that what a block has in common cancels."""
    return {run.block for run in baseline.runs} == {run.block for run in candidate.runs}
