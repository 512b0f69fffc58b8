"""EDGE: the time that all measuring may take, and waiting for a process within it.

Knows how to wait so that a process's end, the end of the time, and a signal to us are each seen at once. Knows nothing of what
runs.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType

from autoprof_ci.errors import ToolError

LIMIT_GRACE_S = 1.0
"""A run that is nearly over when time is up may end."""


class TimeIsUpError(ToolError):
    """The time for all measuring ended in the middle of a run, which is lost; what was measured before is not."""


class Limit:
    """Until when measuring may go on: a context manager. `stop` ends it at once, from any thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end_s = time.monotonic() + seconds
        self._stopped = os.eventfd(0)

    def __enter__(self) -> Limit:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        os.close(self._stopped)

    def left_s(self) -> float:
        return self._end_s - time.monotonic()

    def stop(self) -> None:
        self._end_s = 0.0
        os.eventfd_write(self._stopped, 1)

    def wait_for(self, process: subprocess.Popen[bytes], timeout_s: float) -> bool:
        """Wait for the process to end: True when it did, False when `timeout_s` or this limit came first.

        `subprocess` would look every 50 ms whether it has ended: each look disturbs what is measured, and comes late.
        """
        ended = os.pidfd_open(process.pid)
        try:
            poll = select.poll()
            poll.register(ended, select.POLLIN)
            poll.register(self._stopped, select.POLLIN)
            until_s = time.monotonic() + max(0.0, min(timeout_s, self.left_s() + LIMIT_GRACE_S))
            with _signals_wake(poll) as woken:
                while True:
                    left_s = max(0.0, until_s - time.monotonic())
                    found = poll.poll(min(left_s * 1000 + 1, 2**31 - 1))
                    if [descriptor for descriptor, _ in found] != [woken]:
                        return (ended, select.POLLIN) in found
                    os.read(woken, 4096)
        finally:
            os.close(ended)


@contextmanager
def _signals_wake(poll: select.poll) -> Iterator[int]:
    """A signal that comes just before `poll` begins to wait would be seen when it has waited: with this it ends the waiting.
    Yields what can be read then; -1 in all threads but the main one, whose signals are."""
    if threading.current_thread() is not threading.main_thread():
        yield -1
        return
    woken, wakes = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    before = signal.set_wakeup_fd(wakes, warn_on_full_buffer=False)
    poll.register(woken, select.POLLIN)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wakes)
