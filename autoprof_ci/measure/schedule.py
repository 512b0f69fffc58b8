"""Who is measured when: blocks in which the programs take turns, so that a drifting machine hurts both alike. Pure.

    block 0                        block 1
    w1: base head head base        w1: base head head base      ...
    w2: base head head base        w2: ...

All workloads have their block 0 before any has its block 1: whatever stops the session leaves each with whole blocks.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

RUNS_A_SIDE_IN_A_BLOCK = 2
LONGEST_DAEMON_RUN = 10
"""Times `min_run_s`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One block of one workload."""

    block: int
    workload: str


def order(programs: int) -> tuple[int, ...]:
    """Index of the program at each position of a block: base-head-head-base, which cancels a drift in time."""
    return (0, 1, 1, 0) if programs == 2 else (0,) * RUNS_A_SIDE_IN_A_BLOCK


def blocks(runs: int) -> int:
    """How many blocks hold so many runs a side; an odd number is rounded up."""
    return math.ceil(runs / RUNS_A_SIDE_IN_A_BLOCK)


def turns(runs: Mapping[str, int]) -> Iterator[Turn]:
    """Every block of every workload, round robin. `runs`: workload -> runs a side."""
    blocks_of = {workload: blocks(count) for workload, count in runs.items()}
    for block in range(max(blocks_of.values(), default=0)):
        for workload, count in blocks_of.items():
            if block < count:
                yield Turn(block=block, workload=workload)


def affordable_starts(wholes_s: Sequence[float], min_run_s: float) -> int:
    """How many starts of a daemon a run may have, when each takes `wholes_s` with what lies before and after its window: one that
    takes seconds to stop would make a run of short windows last for hours."""
    return max(1, int(LONGEST_DAEMON_RUN * min_run_s / max(*wholes_s, 1e-6)))


def starts_per_run(walls_s: Sequence[float], min_run_s: float, largest: int) -> int:
    """How many starts fill a run: as many on both sides, so that the quicker program's run is long enough too.

    `walls_s`: one start of each program; `largest`: no more can be prepared at once.
    """
    shortest_s = max(min(walls_s), 1e-6)
    return max(1, min(largest, math.ceil(min_run_s / shortest_s)))
