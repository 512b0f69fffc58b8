"""The same function under another name: the baseline's is called as the candidate calls it, and is compared as one.

Knows which functions each side has, and the digests of their code. Knows no calls, no tests, no verdict. What was renamed *and*
changed is not found here: that is left to the balance of neighbours (`evidence`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from autoprof_ci.model import Bundle, Function, Recording

MOST_ALIKE = 64
"""More functions of one code (empty ones, those that only drop something) say nothing about which is which."""
CLOSE = 0.02
"""Where several functions are alike, one whose cost differs by no more than this is taken for the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aligned:
    """`baseline`: with the candidate's names. `was`: function of the candidate -> its name in the baseline."""

    baseline: Bundle
    was: Mapping[Function, Function] = field(default_factory=dict)


def align(baseline: Bundle, candidate: Bundle) -> Aligned:
    was = _renamed(baseline.recording, candidate.recording)
    if not was:
        return Aligned(baseline=baseline)
    now = {old: new for new, old in was.items()}
    return Aligned(baseline=replace(baseline, recording=_called(baseline.recording, lambda f: now.get(f, f))), was=was)


def _renamed(baseline: Recording, candidate: Recording) -> dict[Function, Function]:
    """New function -> the one that is gone and had the same code."""
    there = _functions(baseline), _functions(candidate)
    gone = _by_digest(baseline, there[1])
    new = _by_digest(candidate, there[0])
    costs = _costs(baseline), _costs(candidate)
    found: dict[Function, Function] = {}
    for digest, now in new.items():
        before = gone.get(digest, [])
        if len(before) == len(now) == 1:
            found[now[0]] = before[0]
            continue
        if max(len(before), len(now)) > MOST_ALIKE:
            continue
        # several are alike: by the last part of the name, then by what they cost
        for is_it in (_same_last_name, lambda old, this: _cost_alike(costs[0].get(old), costs[1].get(this))):
            for this in [each for each in now if each not in found]:
                taken = set(found.values())
                fitting = [old for old in before if old not in taken and is_it(old, this)]
                if len(fitting) == 1:
                    found[this] = fitting[0]
    return found


def _same_last_name(old: Function, new: Function) -> bool:
    return old.name.rpartition("::")[2] == new.name.rpartition("::")[2]


def _cost_alike(old: float | None, new: float | None) -> bool:
    return bool(old) and bool(new) and abs((new or 0.0) - (old or 0.0)) <= CLOSE * max(old or 0.0, new or 0.0)


def _functions(recording: Recording) -> frozenset[Function]:
    listed: set[Function] = {code.function for code in recording.code}
    for tables in (recording.samples.workloads if recording.samples else (), recording.instructions, recording.memory):
        for table in tables:
            listed.update(table.functions)
    return frozenset(listed)


def _by_digest(recording: Recording, others: Iterable[Function]) -> dict[str, list[Function]]:
    """Functions that the other side does not have, by the digest of their code."""
    known = frozenset(others)
    found: dict[str, list[Function]] = defaultdict(list)
    for code in recording.code:
        if code.digest is not None and code.function not in known:
            found[code.digest].append(code.function)
    return found


def _costs(recording: Recording) -> dict[Function, float]:
    """Instructions of each function in all workloads."""
    found: dict[Function, float] = defaultdict(float)
    for workload in recording.instructions:
        for function, cost in zip(workload.functions, workload.inclusive, strict=True):
            found[function] += cost
    return found


def _called(recording: Recording, name: Callable[[Function], Function]) -> Recording:
    samples = recording.samples
    return replace(
        recording,
        samples=samples
        and replace(samples, workloads=tuple(replace(w, functions=tuple(map(name, w.functions))) for w in samples.workloads)),
        instructions=tuple(replace(w, functions=tuple(map(name, w.functions))) for w in recording.instructions),
        memory=tuple(replace(w, functions=tuple(map(name, w.functions))) for w in recording.memory),
        code=tuple(replace(code, function=name(code.function)) for code in recording.code),
    )
