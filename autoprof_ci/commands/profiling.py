"""EDGE: ``autoprof-ci profile -- CMD``: run anything in our place, record it from the side, save what was seen.

The program comes first: whatever fails around it (no perf, no right, no space), it runs to its end and its exit code is ours.
What was not recorded or saved is said in one sentence, after it has ended: until then the terminal is its own.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autoprof_ci.commands import profile_recording
from autoprof_ci.errors import AutoprofError, UsageError
from autoprof_ci.measure.waiting_program import WaitingProgram, end_like


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is known before it runs, and may be otherwise after it: an agent commits."""

    when: datetime
    command: tuple[str, ...]
    commit: str | None
    branch: str | None
    is_dirty: bool | None


def profile(options: argparse.Namespace) -> int:
    """Run the command, save its profile, end as it ended."""
    command = _command(options.arguments)
    what = profile_recording.wanted(options)
    circumstances = _circumstances(command)
    with WaitingProgram(command) as program, profile_recording.temporary_folder() as folder:
        ended, seen = profile_recording.record(program, what, folder)
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


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads it; the program's end still counts
        print(f"autoprof-ci: {text}", file=sys.stderr, flush=True)  # noqa: T201
