"""How much memory the measuring container is given. Pure.

Knows that its files lie in memory too, and that the machine also has a runner to keep alive. Knows nothing of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass

KEPT_BYTES = 1 << 30
"""Of the machine's memory no less is left to the runner; a large machine keeps an eighth."""
ROOM_FACTOR = 4
"""Files in memory, in times of the files that go in: programs are copied, inputs once for every start."""
ROOM_BYTES = 512 << 20
"""For what the program and the tools write, however little goes in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`scratch_bytes`: the most that files may take of it. `all_bytes`: those and all processes; ``None`` is no limit."""

    scratch_bytes: int
    all_bytes: int | None


def memory_of(total_bytes: int, needed_bytes: int) -> Memory:
    """What a container is given on a machine with so much memory, for files of so many bytes; 0: the engine does not tell.

    A program that takes all there is ends, and not the job. Files get half of the machine's memory, as in its own /dev/shm; more
    where they alone need it and it is there.
    """
    wanted = max(total_bytes // 2, ROOM_FACTOR * needed_bytes + ROOM_BYTES)
    if not total_bytes:
        return Memory(scratch_bytes=wanted, all_bytes=None)
    limit = max(total_bytes - max(KEPT_BYTES, total_bytes // 8), total_bytes // 2)
    return Memory(scratch_bytes=min(wanted, limit * 3 // 4), all_bytes=limit)
