"""What runs inside of the measuring container: reads the plan, measures, writes down what came of it.

Usage: ``python -m autoprof_ci.sandbox.contained JOB_FOLDER RESULT_FOLDER leave|go-on``. Standard output is progress, a JSON line
each; standard input is a lifeline: at its end, everything here ends. Knows nothing of the engine.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from autoprof_ci import __version__, bundle
from autoprof_ci.errors import AutoprofError, InterruptedByUserError, ToolError
from autoprof_ci.measure import perf_record, session
from autoprof_ci.measure.libraries import complete
from autoprof_ci.measure.machine import machine
from autoprof_ci.measure.plan import Plan, Progress
from autoprof_ci.model import Bundle, Recording
from autoprof_ci.sandbox import job as job_format
from autoprof_ci.sandbox.job import HOST, HOST_LIBRARIES, OUTCOME, PERF_REFUSED, PLAN, Job, Outcome, ProgressLine, WithoutPerf

LIFELINE = 0
LIFELINE_LOST = 92
OURS_ALONE = (Path("/tmp"), Path("/dev/mqueue"))
"""Places where everybody may write in a container; the measured program has its scratch."""
CONTAINER_MARKS = (Path("/.dockerenv"), Path("/run/.containerenv"))
LEFT_IN_ENVIRONMENT = ("PATH", "LANG", "TZ")


def main(arguments: list[str]) -> int:
    if not any(mark.exists() for mark in CONTAINER_MARKS):
        sys.exit("This closes a container against the program that is measured in it, and is of no use elsewhere.")
    folder, result, without_perf = Path(arguments[0]), Path(arguments[1]), WithoutPerf(arguments[2])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    threading.Thread(target=_end_with_lifeline, daemon=True).start()
    _close_doors(result)
    try:
        job = job_format.decode((folder / PLAN).read_bytes(), Job)
        job_format.check_version(job)
        if without_perf is WithoutPerf.LEAVE and not _perf_works(job.plan):
            return PERF_REFUSED
        recordings = session.measure(_completed(job, folder), _report)
        _no_more_signals()
        outcome = _write_bundles(result, recordings)
    except AutoprofError as error:
        outcome = Outcome(failure=job_format.failure_of(error))
    except OSError as error:
        outcome = Outcome(failure=job_format.failure_of(_refused_by_system(error)))
    except KeyboardInterrupt:
        stopped = InterruptedByUserError("Stopped before anything was measured", "Start again.")
        outcome = Outcome(failure=job_format.failure_of(stopped))
    _no_more_signals()
    _write(result / OUTCOME, job_format.encode(outcome))
    return 0


def _refused_by_system(error: OSError) -> ToolError:
    where = f" at {error.filename}" if error.filename else ""
    return ToolError(f"The measuring container's system refused{where}: {error.strerror or error}", "Start it again.")


def _close_doors(result: Path) -> None:
    for name in set(os.environ) - set(LEFT_IN_ENVIRONMENT):
        del os.environ[name]
    os.umask(0o022)
    result.chmod(0o700)
    for folder in OURS_ALONE:
        if folder.exists():
            folder.chmod(0o700)


def _perf_works(plan: Plan) -> bool:
    with tempfile.TemporaryDirectory(prefix="autoprof-ci-") as folder:
        return isinstance(perf_record.probe(plan.settings.frequency_hz, Path(folder)), perf_record.Perf)


def _completed(job: Job, folder: Path) -> Plan:
    """The plan, with the libraries that only the host has. Raises `ProgramError` where that lacks them too."""
    programs = list(job.plan.programs)
    for number in job.lacking:
        program = programs[number]
        own = folder / job_format.libraries_folder(number)
        known = (own, *(HOST / name.lstrip("/") for name in HOST_LIBRARIES))
        folders = tuple(place for place in known if place.is_dir())
        libraries = dict(program.libraries)
        for file in (program.binary, *program.extra_binaries.values()):
            libraries = {**complete(file, folders, HOST), **libraries}
        programs[number] = replace(program, libraries=libraries)
    return replace(job.plan, programs=tuple(programs))


def _report(progress: Progress) -> None:
    line = job_format.encode(
        ProgressLine(done=progress.done, total=progress.total, text=progress.text, inside_s=progress.inside_s)
    )
    try:
        os.write(1, line + b"\n")
    except OSError:
        # Nobody listens any more; the lifeline ends us in a moment.
        return


def _write_bundles(result: Path, recordings: Mapping[str, Recording]) -> Outcome:
    here = machine()
    for label, recording in recordings.items():
        measured = Bundle(
            session="contained",
            tool_version=__version__,
            created_at="",
            commit=None,
            ref=None,
            machine=here,
            policy=None,
            recording=recording,
        )
        _write(result / f"{label}.zip", bundle.encode(measured))
    return Outcome(labels=tuple(recordings))


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    unfinished = path.with_suffix(".part")
    try:
        unfinished.write_bytes(data)
        unfinished.rename(path)
    except OSError as error:
        what = f"What was measured cannot be written: {error.strerror}"
        raise ToolError(what, "Free some space where the container engine keeps its volumes.") from None


def _no_more_signals() -> None:
    """What is measured is about to be written: no signal may lose it now."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _end_with_lifeline() -> NoReturn:
    """Whoever started us holds the other end. Once we are gone, the kernel ends all that is left in this container."""
    while os.read(LIFELINE, 4096):
        pass
    os._exit(LIFELINE_LOST)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
