"""EDGE: the terminal. Progress is a bar where somebody watches and plain lines in a log; both go to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from autoprof_ci.measure.plan import Progress

LOG_INTERVAL_S = 10.0
"""A log gets a line when the text changes, but no more often than this."""


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """A function that shows how far the measuring is, for as long as the context lasts."""
    if sys.stderr.isatty():
        yield from _bar()
    else:
        yield lines(say)


def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    columns = (
        BarColumn(bar_width=30),
        TextColumn("{task.completed:.0f}/{task.total:.0f}"),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
    )
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None)
        yield lambda step: bar.update(task, completed=step.done, total=step.total, description=step.text)


def lines(write: Callable[[str], None]) -> Callable[[Progress], None]:
    """Progress for a log: a line now and then, through `write`."""
    last_said_s = float("-inf")

    def show(step: Progress) -> None:
        nonlocal last_said_s
        now_s = time.monotonic()
        if now_s - last_said_s >= LOG_INTERVAL_S or step.done >= step.total:
            last_said_s = now_s
            write(f"autoprof-ci: {step.done}/{step.total} {step.text}")

    return show


def say(text: str) -> None:
    """One line for the user, on standard error."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201
