"""Two things at once where two processors are free: counting instructions and reading recordings need no quiet machine.

Knows threads and how to end them together. Knows nothing of what the tasks do. Never used while time is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass

from autoprof_ci.measure.limit import Limit

LANES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """`lane`: 0 or 1; tasks of one lane never overlap, and are done in their order."""

    lane: int
    act: Callable[[], None]


def run_tasks(tasks: Sequence[Task], limit: Limit) -> None:
    """Do all of them, two lanes at once unless there is one processor only.

    What one raises ends the other lane's task too (through `limit`) and is raised here; so does Ctrl-C.
    """
    lanes = [[task for task in tasks if task.lane == lane] for lane in range(LANES)]
    if len(os.sched_getaffinity(0)) < LANES or not all(lanes):
        for task in tasks:
            task.act()
        return
    with ThreadPoolExecutor(LANES) as pool:
        futures = [pool.submit(_in_order, lane) for lane in lanes]
        try:
            wait(futures, return_when=FIRST_EXCEPTION)
            for future in futures:
                if future.done():
                    future.result()
        except BaseException:
            limit.stop()
            raise


def _in_order(tasks: Sequence[Task]) -> None:
    for task in tasks:
        task.act()
