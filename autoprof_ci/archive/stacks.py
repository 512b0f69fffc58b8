"""What a run's folded stacks say: each function's cost, alone and with what it calls, and the tallest stacks.

Knows stacks as tuples of names, root first, with how often each was seen. The root is the process: ``autopilot``, ``git``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autoprof_ci import patterns
from autoprof_ci.errors import DataError
from autoprof_ci.model import Group

Stacks = tuple[tuple[tuple[str, ...], float], ...]
MAX_UNPACKED_BYTES = 256 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Ratios of the whole run. `total_share`: whoever calls it, recursion counted once."""

    name: str
    self_share: float
    total_share: float


def read(text: str, *, source: str) -> Stacks:
    """Folded stacks as we write them. Raises `DataError` for anything else."""
    stacks = []
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        stack, _, count = line.rpartition(" ")
        try:
            seen = float(count)
        except ValueError:
            seen = math.nan
        if not stack or not 0 <= seen < 1e15:
            raise DataError(f"Line {number} of {source} is no stack with its count", "Remove the file, or restore it from a copy")
        stacks.append((tuple(stack.split(";")), seen))
    return tuple(stacks)


def costs(stacks: Stacks) -> tuple[Cost, ...]:
    """Of every function, the dearest by itself first."""
    whole = sum(seen for _, seen in stacks)
    own: dict[str, float] = {}
    total: dict[str, float] = {}
    for frames, seen in stacks:
        if not seen:
            continue
        own[frames[-1]] = own.get(frames[-1], 0.0) + seen
        for name in set(frames):
            total[name] = total.get(name, 0.0) + seen
    found = [Cost(name=name, self_share=own.get(name, 0.0) / whole, total_share=seen / whole) for name, seen in total.items()]
    return tuple(sorted(found, key=lambda cost: (-cost.self_share, -cost.total_share, cost.name)))


def of_pattern(stacks: Stacks, pattern: str) -> Cost:
    """All functions that `pattern` matches as one."""
    whole = sum(seen for _, seen in stacks) or 1.0
    wanted = patterns.matcher((pattern,))
    matching = {name for name in {name for frames, _ in stacks for name in frames} if wanted(name)}
    own = sum(seen for frames, seen in stacks if frames[-1] in matching)
    total = sum(seen for frames, seen in stacks if not matching.isdisjoint(frames))
    return Cost(name=pattern, self_share=own / whole, total_share=total / whole)


def of_groups(found: Sequence[Cost], groups: Sequence[Group]) -> tuple[tuple[str, float], ...]:
    """Name and self share of each group that was seen, largest first, then what is in none: a function is in the first that
    matches."""
    shares: dict[str, float] = {}
    tests = [(group.name, patterns.matcher(group.match)) for group in groups]
    other = 0.0
    for cost in found:
        name = next((name for name, matches in tests if matches(cost.name)), None)
        if name is None:
            other += cost.self_share
        else:
            shares[name] = shares.get(name, 0.0) + cost.self_share
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return (*((name, share) for name, share in ranked if share > 0), ("other", other))


def text_of(stacks: Stacks) -> str:
    """As folded stacks are written."""
    return "".join(f"{';'.join(frames)} {seen:.10g}\n" for frames, seen in stacks)
