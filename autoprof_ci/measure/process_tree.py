# ruff: noqa: PTH123, PTH208
# The starter imports this: pathlib would double the time it needs to begin.
"""The processes that came of this one, and what processor time they have used so far.

Knows proc(5) and the clocks of other processes (include/linux/posix-timers.h). Imports the standard library only.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

USER_CLOCK, WHOLE_CLOCK = 1, 2
DEAD = "Z", "X"
CHILDREN_USER, CHILDREN_SYSTEM = 13, 14
"""Of the fields after the process's name, which may hold blanks and parentheses."""


def descendants() -> list[int]:
    """Process ids, parents before their children; those that died and were not waited for are among them."""
    found = _children(os.getpid())
    for pid in found:
        found += _children(pid)
    return found


def is_running(pid: int) -> bool:
    fields = _fields(pid)
    return bool(fields) and fields[0] not in DEAD


def cpu_s(processes: Iterable[int]) -> tuple[float, float]:
    """In the program and in the kernel, with what their own children had used that they waited for: that part to 10 ms."""
    user_s = system_s = 0.0
    tick_s = 1 / os.sysconf("SC_CLK_TCK")
    for pid in processes:
        fields = _fields(pid)
        try:
            whole_s, own_s = (time.clock_gettime(~pid << 3 | clock) for clock in (WHOLE_CLOCK, USER_CLOCK))
        except OSError:
            continue
        user_s += min(own_s, whole_s)
        system_s += max(0.0, whole_s - own_s)
        if fields:
            user_s += int(fields[CHILDREN_USER]) * tick_s
            system_s += int(fields[CHILDREN_SYSTEM]) * tick_s
    return user_s, system_s


def _children(pid: int) -> list[int]:
    """A child belongs to the thread that made it."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                found += map(int, file.read().split())
    except OSError:
        return found  # it ended meanwhile
    return found


def _fields(pid: int) -> list[str]:
    """``19187 (a name) S 19185 ...`` from the state on; empty once it is gone."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except OSError:
        return []
