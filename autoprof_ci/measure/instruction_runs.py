"""EDGE: one workload on one program counted once: joins the stage, the runner and callgrind.

Knows what callgrind needs of the stage. Knows nothing of callgrind's files, of repeats or of schedules.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.measure.callgrind_run import Counted, CountJob, count, setarch_command
from autoprof_ci.measure.plan import Program
from autoprof_ci.measure.runner import run_starts
from autoprof_ci.measure.staging import Stage
from autoprof_ci.measure.time_runs import dsos
from autoprof_ci.model import Workload


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """How this machine counts. `setarch`: the command line that turns address randomisation off; empty where refused."""

    setarch: tuple[str, ...]


def find_counter() -> Counter | None:
    """``None`` where valgrind is not installed."""
    if shutil.which("valgrind") is None:
        return None
    setarch = setarch_command()
    permitted = setarch and subprocess.run((*setarch, "true"), capture_output=True, check=False).returncode == 0
    return Counter(setarch=setarch if permitted else ())


def count_once(stage: Stage, program: Program, workload: Workload, counter: Counter) -> Counted:
    """One repeat. Raises `ProgramError`, `ToolError` and `DataError`."""
    folder = Path(tempfile.mkdtemp(prefix="callgrind-", dir=stage.logs))
    try:
        with stage.prepare(program, workload, 1) as starts:
            job = CountJob(
                workload=workload.name,
                starts=tuple(stage.instructions_start(workload, start) for start in starts),
                dsos=dsos(stage, program),
                folder=folder,
                setarch=counter.setarch,
            )
            return count(job, run_starts)
    finally:
        shutil.rmtree(folder)
