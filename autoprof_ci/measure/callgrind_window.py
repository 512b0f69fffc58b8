"""The window of a daemon under callgrind: how its processes are told where it begins and ends, and which of them were in it.

Knows valgrind's own control program, vgdb, and that callgrind can be told to write down what it has and begin anew, with a word
that then stands in its file (see `callgrind_file`): between the two words lies the window. A process that is born in the window
counts from its beginning. Knows nothing of how starts are made.

vgdb reaches a process through pipes in a folder; one that waits in the kernel it wakes by ptrace, so it runs as the same user.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from autoprof_ci.errors import ToolError
from autoprof_ci.measure.callgrind_file import WINDOW_BEGINS, WINDOW_ENDS
from autoprof_ci.measure.daemon_window import Driver, Marks, Watched, Window
from autoprof_ci.measure.runner import Start

LOOK_BLOCKS = 500
"""After so many basic blocks a process looks whether it is asked for something: one with a clock of its own answers by itself."""
WAKE_MS = 100
"""So long it may take for that, before it is woken: which ends some waiting in the kernel early (EINTR), see ``signal(7)``."""
APPEAR_S = 5
"""So long a process may take to open its pipes."""
NAMING = ("LOGNAME", "USER", "HOST", "HOSTNAME")
"""Variables that the pipes are named by, so that both sides must have the same."""


def control_command() -> str:
    """Raises `ToolError`."""
    vgdb = shutil.which("vgdb")
    if vgdb is None:
        raise ToolError(
            "Instructions of a daemon cannot be counted: vgdb, which comes with valgrind, is not installed",
            "Install it with: apt-get install valgrind.",
        )
    return vgdb


def options(folder: Path) -> tuple[str, ...]:
    """Valgrind's, to be put behind those that close these doors for other programs."""
    return ("--vgdb=yes", f"--vgdb-poll={LOOK_BLOCKS}", f"--vgdb-prefix={folder}/vgdb")


def marked(window: Window, start: Start, folder: Path, valgrind: Sequence[str], slower: float) -> Window:
    """The same window with callgrind told of it. A driver that is of the program runs under `valgrind` too, and any may take
    `slower` times as long."""
    patience = (f"--wait={APPEAR_S}", f"--max-invoke-ms={WAKE_MS}")
    command = (control_command(), f"--vgdb-prefix={folder}/vgdb", "--pid={pid}", *patience)
    driver = window.driver
    if driver is not None and driver.of_program:
        driver = Driver(argv=(*valgrind, "--", *driver.argv), env=driver.env, of_program=True)
    return replace(
        window,
        driver=driver,
        duration_s=None if window.duration_s is None else window.duration_s * slower,
        marks=Marks(
            begin=(*command, "dump", WINDOW_BEGINS),
            end=(*command, "dump", WINDOW_ENDS),
            env={name: start.env[name] for name in NAMING if name in start.env},
            logs=folder,
        ),
    )


def was_in_window(pid: int, watched: Watched) -> bool:
    """Neither gone before it began nor born after it had ended."""
    return pid in watched.known_at_end and (pid in watched.marked_at_begin or pid not in watched.known_at_begin)
