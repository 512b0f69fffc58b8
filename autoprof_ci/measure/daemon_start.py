# ruff: noqa: PTH208
# Runs within the starter: pathlib would double the time that needs to begin.
"""One start of a daemon, below a measuring tool: until it is ready, its window, until it has stopped.

    starting ── a line holds `ready` ──> window ── driver ends, or time ──> stopping ── signal, end ──> ended

Knows processes only, as `starter` does, and writes down when the window began and ended. What a tool has to be told at both of
its ends is a command that it is given. Imports the standard library, and its neighbours that do the same.
"""

from __future__ import annotations

import os
import select
import signal
import time

from autoprof_ci.measure import starter
from autoprof_ci.measure.process_tree import cpu_s, descendants, is_running
from autoprof_ci.measure.starter import Output, StoppedError

TYPE_CHECKING = False  # see `starter`
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

STARTING, WINDOW, STOPPING, ENDED = "starting", "window", "stopping", "ended"
DAEMON, OTHER, READY = "daemon", "other", "ready"
MARK_S = 60.0
"""For a tool to write down what it has of one process; mostly it takes a fifth of a second."""
CRASH_S = 0.2
"""A driver often fails because its daemon is about to be gone: after so long that is known."""
LONGEST_POLL_S = 10.0**6


class MarkingError(Exception):
    """The tool could not be told where the window begins or ends."""


class ReadyOutput(Output):
    """What a daemon writes. Looks for the text that says it is ready, which may come in pieces, but on one stream."""

    def __init__(self, ready: str) -> None:
        super().__init__()
        self.ready = ready.encode()
        self.is_ready = False
        self._ends: dict[int, bytes] = {}

    def take(self, descriptor: int, chunk: bytes) -> None:
        super().take(descriptor, chunk)
        if not self.is_ready:
            seen = self._ends.get(descriptor, b"") + chunk
            self.is_ready = self.ready in seen
            self._ends[descriptor] = seen[-len(self.ready) :]


def run_one(start: dict[str, Any], patience: float) -> dict[str, object]:
    """What `starter.run_one` does, for a daemon: the same fields, of the window where they say how much, and ``watched`` with
    those of `daemon_window.Watched`."""
    watch = Watch(start)
    begun_s = time.monotonic()
    usage = [0.0, 0.0]
    status, left, died, error = None, 0, False, None
    try:
        try:
            begun_s = watch.begin()
            watch.go()
        except OSError as failure:
            error = failure.strerror
        except MarkingError as failure:
            watch.marking_failed = str(failure)
        went_wrong = watch.phase != ENDED
        if watch.pid:
            died = went_wrong and not is_running(watch.pid)
            if went_wrong and not died:
                starter.kill(-watch.pid)
            _, status, used = os.wait4(watch.pid, 0)
            usage = [used.ru_utime, used.ru_stime]
            grace_s = 0.0 if went_wrong else patience * float(start["grace_s"])
            left = starter.reap_all(grace_s, usage, starter.alone(start))
            watch.output.read_rest()
    except BaseException:
        for child in starter.children():
            starter.kill(child)
        starter.reap_all(0.0, usage, starter.alone(start))
        raise
    finally:
        watch.close()
    ended_s = time.monotonic()
    window_s = watch.window_s or (begun_s, ended_s)
    printed = watch.driver_output or watch.output
    return {
        **exit_state(status),
        "wall_s": window_s[1] - window_s[0],
        "user_s": watch.window_cpu_s[0],
        "system_s": watch.window_cpu_s[1],
        "stdout_sha256": printed.digest.hexdigest(),
        "stdout_bytes": printed.stdout_bytes,
        "stderr_tail": watch.output.tail.decode("utf-8", "replace"),
        "timed_out": watch.timed_out,
        "left_children": 0 if went_wrong else left,
        "error": error,
        "begun_s": window_s[0],
        "watched": {
            "phase": watch.phase,
            "whole_s": ended_s - begun_s,
            "whole_cpu_s": sum(usage) + watch.driver_cpu_s,
            "window_s": watch.window_s,
            "driver": watch.driver,
            "died": died,
            "marking_failed": watch.marking_failed,
            **watch.processes,
        },
    }


def as_expected(start: Mapping[str, Any], result: Mapping[str, Any]) -> bool:
    """Stopped by its own exit, or by the signal that is to stop it; and its driver did its work."""
    by_signal = result["signal"] == getattr(signal, start["window"]["stop_signal"])
    return bool(result["watched"]["phase"] == ENDED and (by_signal or result["exit_code"] == start["expect_exit"]))


class Watch:
    """A daemon and what belongs to its start. `phase`: where it is; at the end, where something went wrong."""

    def __init__(self, start: dict[str, Any]) -> None:
        self.start, self.order = start, start["window"]
        self.output = ReadyOutput(self.order["ready"])
        self.pid = 0
        self.phase = STARTING
        self.timed_out = False
        self.window_s: tuple[float, float] | None = None
        self.window_cpu_s = (0.0, 0.0)
        self.driver: dict[str, object] | None = None
        self.driver_output: Output | None = None
        self.driver_cpu_s = 0.0
        self.processes: dict[str, list[int]] = {}
        self.marking_failed: str | None = None

    def begin(self) -> float:
        """The moment when it began. Raises `OSError`."""
        try:
            self.pid, begun_s, _ = starter.spawn(self.start, self.output)
        finally:
            self.output.close_ends()
        return begun_s

    def go(self) -> None:
        """Until it has ended, or something goes wrong; then it may still be running."""
        timeout_s = float(self.start["timeout_s"])
        happened = self.follow(time.monotonic() + timeout_s, look_for_ready=self.output)
        if happened != READY or not is_running(self.pid):  # what goes into the background may say so in the same moment
            self.timed_out = happened is None
            return
        self.phase = WINDOW
        self.mark("begin")
        if not self.window(timeout_s):
            return
        self.mark("end")
        self.phase = STOPPING
        if is_running(self.pid):
            os.kill(self.pid, getattr(signal, self.order["stop_signal"]))
        self.timed_out = self.follow(time.monotonic() + timeout_s) is None
        if not self.timed_out:
            self.phase = ENDED

    def window(self, timeout_s: float) -> bool:
        """True when it went as it should."""
        duration_s, driver = self.order["duration_s"], self.order["driver"]
        lasts_s = timeout_s if duration_s is None else float(duration_s)
        user_s, system_s = cpu_s(descendants())
        begin_s = time.monotonic()
        driver_s = 0.0, 0.0
        try:
            if driver is None:
                return self.follow(begin_s + lasts_s) is None
            went_well, driver_s = self.drive(driver, begin_s + lasts_s)
            return went_well
        finally:
            self.window_s = begin_s, time.monotonic()
            later_user_s, later_system_s = cpu_s(descendants())
            # The driver has been waited for: it is in neither sum.
            self.window_cpu_s = (
                max(0.0, later_user_s - user_s) + driver_s[0],
                max(0.0, later_system_s - system_s) + driver_s[1],
            )

    def drive(self, command: dict[str, Any], deadline_s: float) -> tuple[bool, tuple[float, float]]:
        """Run the driver to its end; where the window has a duration, one that takes longer is cut short. Whether it went as it
        should, and its CPU seconds."""
        state: dict[str, object] = {"timed_out": False, "cut": False, "error": None, "stderr_tail": "", **exit_state(None)}
        self.driver, self.driver_output = state, (output := Output())
        try:
            pid, _, _ = starter.spawn({**self.start, **command, "stdin": None}, output)
        except OSError as failure:
            state["error"] = failure.strerror
            return False, (0.0, 0.0)
        finally:
            output.close_ends()
        happened = self.follow(deadline_s, pid, output)
        if happened is None:
            state["timed_out" if self.order["duration_s"] is None else "cut"] = True
        if happened != OTHER:
            starter.kill(-pid)
        _, status, used = os.wait4(pid, 0)
        state |= exit_state(status)
        self.driver_cpu_s = used.ru_utime + used.ru_stime
        if happened == OTHER and status != 0:
            self.follow(time.monotonic() + CRASH_S)
        read_what_is_there(output)
        state["stderr_tail"] = output.tail.decode("utf-8", "replace")
        went_well = bool(state["cut"]) or (happened == OTHER and status == 0)
        return went_well, (used.ru_utime, used.ru_stime)

    def mark(self, end: str) -> None:
        """Let the tool know of this end of the window in every process that it has hold of. Raises `MarkingError`."""
        marks = self.order["marks"]
        if marks is None:
            return
        known = {int(name[:-4]) for name in os.listdir(marks["logs"]) if name.endswith(".log") and name[:-4].isdecimal()}
        told: list[int] = []
        self.processes |= {f"known_at_{end}": sorted(known), f"marked_at_{end}": told}
        for pid in [pid for pid in descendants() if pid in known and is_running(pid)]:
            said = self.run_marker([word.replace("{pid}", str(pid)) for word in marks[end]], marks["env"])
            if said is None:
                told.append(pid)
            elif is_running(pid):
                raise MarkingError(said)

    def run_marker(self, argv: list[str], env: dict[str, str]) -> str | None:
        """Why it failed, in its own words; ``None`` when it did not."""
        output = Output()
        try:
            changed = {"argv": argv, "env": env, "stdin": None, "phase_s": 0.0}
            pid, _, _ = starter.spawn({**self.start, **changed}, output)
        finally:
            output.close_ends()
        deadline_s = time.monotonic() + MARK_S
        # The daemon may end meanwhile: the command goes on then.
        while (happened := self.follow(deadline_s, pid, output)) == DAEMON and time.monotonic() < deadline_s:
            time.sleep(0.01)
        if happened != OTHER:
            starter.kill(-pid)
        _, status, _ = os.wait4(pid, 0)
        read_what_is_there(output)
        output.close()
        lines = output.tail.decode("utf-8", "replace").strip().splitlines()
        return None if status == 0 else (lines[-1] if lines else "it did not answer")

    def follow(
        self, deadline_s: float, other: int = 0, output: Output | None = None, look_for_ready: ReadyOutput | None = None
    ) -> str | None:
        """Read along until the daemon ends, `other` does, or the daemon is ready where that is looked for; ``None`` when
        `deadline_s` (monotonic) passes first."""
        outputs = {descriptor: one for one in (self.output, output) if one for descriptor in one.open}
        processes = {os.pidfd_open(pid): name for pid, name in ((other, OTHER), (self.pid, DAEMON)) if pid}
        poll = select.poll()
        for descriptor in (starter.LIFELINE, *outputs, *processes):
            poll.register(descriptor, select.POLLIN)
        try:
            while (left_s := deadline_s - time.monotonic()) > 0:
                seen = [descriptor for descriptor, _ in poll.poll(min(left_s, LONGEST_POLL_S) * 1000 + 1)]
                if starter.LIFELINE in seen:
                    raise StoppedError
                for descriptor in set(seen) & set(outputs):
                    if not outputs[descriptor].read(descriptor):
                        poll.unregister(descriptor)
                if look_for_ready is not None and look_for_ready.is_ready:
                    return READY
                ended = [name for descriptor, name in processes.items() if descriptor in seen]
                if ended:
                    return ended[0]
            return None
        finally:
            for descriptor in processes:
                os.close(descriptor)

    def close(self) -> None:
        self.output.close()
        if self.driver_output is not None:
            self.driver_output.close()


def read_what_is_there(output: Output) -> None:
    """Of a process that has ended; children of its may still hold the pipe open."""
    for descriptor in tuple(output.open):
        os.set_blocking(descriptor, False)
        try:
            while output.read(descriptor):
                pass
        except BlockingIOError:
            continue


def exit_state(status: int | None) -> dict[str, int | None]:
    return {
        "exit_code": os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None,
    }
