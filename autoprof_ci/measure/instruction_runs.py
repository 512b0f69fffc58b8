"""EDGE: one workload on one program counted once: joins the stage, the runner and callgrind.

Knows what callgrind needs of the stage. Knows nothing of callgrind's files, of repeats or of schedules.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

from autoprof_ci.measure.agents import untraced
from autoprof_ci.measure.callgrind_run import Counted, CountJob, count, setarch_command
from autoprof_ci.measure.plan import Work
from autoprof_ci.measure.removal import fresh_folder
from autoprof_ci.measure.staging import Lane, Stage
from autoprof_ci.measure.time_runs import dsos


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """How this machine counts. `setarch`: the command line that turns address randomisation off; empty where refused.
    `limit_s`: no count may take longer; one that hangs would leave no time for anything else."""

    setarch: tuple[str, ...]
    limit_s: float


def find_counter(limit_s: float) -> Counter | None:
    """``None`` where valgrind is not installed."""
    if shutil.which("valgrind") is None:
        return None
    setarch = setarch_command()
    permitted = setarch and subprocess.run((*setarch, "true"), capture_output=True, check=False).returncode == 0
    return Counter(setarch=setarch if permitted else (), limit_s=limit_s)


def count_once(stage: Stage, work: Work, counter: Counter, lane: Lane) -> Counted:
    """One repeat: one start, since a count does not vary as time does. Raises `ProgramError`, `ToolError` and `DataError`."""
    workload = work.workload
    with fresh_folder(lane.counts) as folder, stage.prepare(work.program, workload, 1, lane) as starts:
        job = CountJob(
            workload=workload.name,
            starts=tuple(stage.instructions_start(workload, start) for start in starts),
            dsos=dsos(stage, work.program),
            folder=folder,
            setarch=counter.setarch,
            limit_s=counter.limit_s,
            untraced=untraced(stage.agent_folder(workload)) if workload.agent is not None else (),
        )
        return count(job, stage.run)
