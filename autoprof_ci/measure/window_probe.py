"""EDGE: tries whether the instructions of a daemon can be counted here, on a shell that waits for something that never comes.

Knows that callgrind has to be told of a window in a process that waits. Knows nothing of how the answer is shown.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from autoprof_ci.errors import AutoprofError
from autoprof_ci.measure.callgrind_run import CountJob, count
from autoprof_ci.measure.daemon_window import Window
from autoprof_ci.measure.limit import Limit
from autoprof_ci.measure.runner import Start, run_starts

PROBE_S = 30.0
WINDOW_S = 0.001
"""As for a plain start: a hundred times as long under callgrind."""


def window_refused(folder: Path) -> str | None:
    """Why not, as what went wrong says it; ``None`` where it works. `folder`: an existing one, for what is written meanwhile."""
    counts = folder / "counts"
    counts.mkdir()
    never = folder / "never"
    os.mkfifo(never)
    start = Start(
        argv=("/bin/sh", "-c", 'echo up; read line <"$0"', str(never)),
        env={},
        cwd=folder,
        window=Window(ready="up", duration_s=WINDOW_S),
    )
    job = CountJob(workload="probe", starts=(start,), dsos={}, folder=counts, limit_s=PROBE_S)
    with Limit(PROBE_S) as limit:
        try:
            count(job, partial(run_starts, limit=limit))
        except AutoprofError as error:
            return error.what
    return None
