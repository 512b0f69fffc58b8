"""What it means that a daemon's start did not go as its workload says, in one sentence, and what to do about it.

Knows the phases of such a start. Knows nothing of how it is made or of what is measured.
"""

from __future__ import annotations

from autoprof_ci.measure.daemon_window import Driven, Phase, Watched
from autoprof_ci.measure.last_words import last_words
from autoprof_ci.measure.runner import Start, StartResult, signal_name


def daemon_failure(start: Start, result: StartResult, watched: Watched) -> str | None:
    """To be read after "start 3 of 10"; ``None`` when it went as expected."""
    assert start.window is not None
    within, said = f"within {start.timeout_s:g} s", last_words(result.stderr_tail)
    stop_signal = start.window.stop_signal
    match watched.phase:
        case Phase.STARTING if result.timed_out:
            return f"was not ready {within}: it did not print {start.window.ready!r}, and was killed{said}"
        case Phase.STARTING:
            return f"{_end(result)} before it was ready{said}"
        case Phase.STOPPING:
            return f"did not end {within} after {stop_signal} and was killed{said}"
        case Phase.ENDED:
            if result.exit_code == start.expect_exit or (result.signal and signal_name(result.signal) == stop_signal):
                return None
            instead = "" if result.exit_code is None else f" instead of {start.expect_exit}"
            return f"{_end(result)}{instead} after {stop_signal}{said}"
    if watched.died:
        return f"{_end(result)} in its window, before it was told to stop{said}"
    if watched.marking_failed is not None:
        return f"could not be marked where its window begins and ends: {watched.marking_failed}"
    driver = watched.driver or Driven()
    if driver.error is not None:
        path = start.window.driver.argv[0] if start.window.driver else ""
        return f"has a driver that could not be begun: {path}: {driver.error}"
    driver_said = last_words(driver.stderr_tail)
    if driver.timed_out:
        return f"has a driver that did not end {within} and was killed{driver_said}"
    return f"has a driver that {_end(driver)}{driver_said}"


def daemon_remedy(result: StartResult, watched: Watched) -> str:
    """What the reader can do about it."""
    driver = watched.driver
    match watched.phase:
        case Phase.STARTING if result.timed_out:
            return "Compare `ready` with what it prints, or raise `timeout_seconds`; it has no network and no terminal."
        case Phase.STARTING | Phase.WINDOW if watched.died and result.exit_code == 0:
            return "Let it stay in the foreground; most daemons have an option for that."
        case Phase.STARTING:
            return "Run the command by hand in an empty folder."
        case Phase.STOPPING:
            return "Name the `stop_signal` that ends it, or raise `timeout_seconds`."
        case Phase.ENDED:
            return "Run the command by hand in an empty folder; if that is how it should end, set `expect_exit`."
    if watched.died or driver is None:
        return "Run the daemon and its driver by hand in an empty folder."
    if driver.error is not None:
        return "Check `driver`: the program first, then its arguments; no shell."
    if driver.timed_out:
        return "Raise `timeout_seconds`, or find out what the driver waits for: there is no network and no terminal."
    return "Run the daemon and its driver by hand in an empty folder: a driver that did its work ends with exit code 0."


def _end(of: StartResult | Driven) -> str:
    if of.signal is not None:
        return f"was ended by signal {signal_name(of.signal)}"
    return f"ended with exit code {of.exit_code}"
