"""Which of two bundles' numbers may be held against each other at all.

Knows what time, instruction counts and allocations depend on besides the program. Knows no numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from autoprof_ci.model import Bundle, Caveat, CaveatCode, Machine

INSTRUCTION_FIELDS = ("architecture", "cpu_features", "libc", "valgrind")
"""Of the machine: what decides which instructions a program executes, and how they are counted."""
MEMORY_FIELDS = ("architecture", "libc", "heaptrack")
TIME_FIELDS = ("architecture", "cpu_model", "cpu_features", "cpus", "kernel", "libc", "perf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparable:
    """What may be compared. `interleaved`: measured together, run by run, so that totals may be too."""

    interleaved: bool
    time: bool
    instructions: bool
    memory: bool
    caveats: tuple[Caveat, ...] = ()


def comparable(baseline: Bundle, candidate: Bundle) -> Comparable:
    """Bundles of one session always are; others as far as their machines agree. Without a machine (folded stacks) time is."""
    if baseline.session and baseline.session == candidate.session:
        return Comparable(interleaved=True, time=True, instructions=True, memory=True)
    caveats = [Caveat(code=CaveatCode.NOT_INTERLEAVED), Caveat(code=CaveatCode.TOTALS_NOT_JUDGED)]
    if baseline.machine is None or candidate.machine is None:
        return Comparable(interleaved=False, time=True, instructions=False, memory=False, caveats=tuple(caveats))
    time_differs = differing(baseline.machine, candidate.machine, TIME_FIELDS)
    instructions_differ = differing(baseline.machine, candidate.machine, INSTRUCTION_FIELDS)
    memory_differs = differing(baseline.machine, candidate.machine, MEMORY_FIELDS)
    if memory_differs and not instructions_differ and candidate.recording.memory:
        caveats.append(Caveat(code=CaveatCode.BASELINE_INCOMPATIBLE, detail=", ".join(memory_differs)))
    if time_differs:
        caveats.append(Caveat(code=CaveatCode.MACHINE_DIFFERS, detail=", ".join(time_differs)))
    if instructions_differ:
        caveats.append(Caveat(code=CaveatCode.BASELINE_INCOMPATIBLE, detail=", ".join(instructions_differ)))
    return Comparable(
        interleaved=False,
        time=not time_differs,
        instructions=not instructions_differ,
        memory=not memory_differs,
        caveats=tuple(caveats),
    )


def differing(baseline: Machine, candidate: Machine, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in fields if getattr(baseline, name) != getattr(candidate, name))


def same_workload(name: str, baseline: Bundle, candidate: Bundle) -> bool:
    """Whether both sides ran the same task: equal digests, or none known on either side."""
    return baseline.workload_digests.get(name) == candidate.workload_digests.get(name)
