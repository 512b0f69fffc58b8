"""EDGE: ``autoprof-ci profile -- CMD``: run anything in our place, record it from the side, save what was seen.

The program comes first: whatever fails around it (no perf, no right, no space), it runs to its end and its exit code is ours.
What was not recorded or saved is said in one sentence, after it has ended: until then the terminal is its own.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autoprof_ci.errors import AutoprofError, UsageError
from autoprof_ci.measure import perf_record
from autoprof_ci.measure.perf_attach import Attached
from autoprof_ci.measure.perf_record import Perf, Refusal
from autoprof_ci.measure.waiting_program import Ended, WaitingProgram, end_like

DEFAULT_HZ = 499
RANGE_HZ = (1, 20_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known before it runs, and may be otherwise after it: an agent commits."""

    when: datetime
    command: tuple[str, ...]
    commit: str | None
    branch: str | None
    is_dirty: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What perf recorded, in `file`, or why it did not."""

    perf: Perf | None = None
    file: Path | None = None
    is_cut_off: bool = False
    refusal: Refusal | None = None


def profile(options: argparse.Namespace) -> int:
    """Run the command, save its profile, end as it ended."""
    command = _command(options.arguments)
    frequency_hz = _frequency(options.frequency)
    circumstances = _circumstances(command)
    with WaitingProgram(command) as program, _temporary() as folder:
        ended, seen = _recorded(program, frequency_hz, folder)
        try:
            # imported here: the program need not wait for what is only needed after it
            from autoprof_ci.commands import profile_saving

            said = profile_saving.save(Path(options.archive), circumstances, ended, seen)
        except (AutoprofError, OSError) as error:
            said = f"The profile could not be saved: {error}"
        except KeyboardInterrupt:
            said = "The profile was not saved: interrupted."
    _say(said)
    return end_like(ended)


def _command(arguments: list[str] | None) -> tuple[str, ...]:
    if not arguments:
        raise UsageError("There is no command to profile", "Name it after --, as in: autoprof-ci profile -- autopilot run PROMPT")
    if shutil.which(arguments[0]) is None:
        raise UsageError(f"There is no program {arguments[0]}", "Check its name, and that it may be executed")
    return tuple(arguments)


def _frequency(asked: int | None) -> int:
    lowest, highest = RANGE_HZ
    if asked is not None and not lowest <= asked <= highest:
        raise UsageError(
            f"--frequency {asked}: between {lowest} and {highest} samples a second are possible", "Try --frequency 499"
        )
    return asked or DEFAULT_HZ


def _circumstances(command: tuple[str, ...]) -> Circumstances:
    from autoprof_ci.commands import repository

    here = Path.cwd()
    commit = repository.commit(here)
    return Circumstances(
        when=datetime.now().astimezone(),
        command=command,
        commit=commit,
        branch=repository.ref(here) if commit else None,
        is_dirty=repository.is_dirty(here) if commit else None,
    )


def _recorded(program: WaitingProgram, frequency_hz: int, folder: Path | None) -> tuple[Ended, Seen]:
    """Run it with perf beside it where that can be."""
    found = perf_record.of_clock(frequency_hz)
    if folder is None:
        found = Refusal(reason="nothing can be written to the temporary folder", next_step="Let TMPDIR name one that can.")
    if isinstance(found, Refusal) or folder is None:
        return program.run(), Seen(refusal=found if isinstance(found, Refusal) else None)
    try:
        attached = Attached(found, program.pid, folder)
    except OSError as error:
        return program.run(), Seen(
            refusal=Refusal(reason=f"perf could not be started ({error.strerror})", next_step=perf_record.TRY_IT)
        )
    try:
        refusal = attached.ready()
        ended = program.run()
    finally:
        attached.stop()
    if refusal is not None:
        return ended, Seen(refusal=refusal)
    return ended, Seen(perf=found, file=attached.file, is_cut_off=attached.is_cut_off())


@contextmanager
def _temporary() -> Iterator[Path | None]:
    """A folder for the recording; ``None`` where there can be none."""
    try:
        folder = Path(tempfile.mkdtemp(prefix="autoprof-ci-"))
    except OSError:
        yield None
        return
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads it; the program's end still counts
        print(f"autoprof-ci: {text}", file=sys.stderr, flush=True)  # noqa: T201
