"""Starts of a daemon: its window, and every way in which it can fail. Sentences are compared whole."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci.measure import runner
from autoprof_ci.measure.daemon_window import Driven, Driver, Phase, Watched, Window, cut_short
from autoprof_ci.measure.failures import failure, next_step
from autoprof_ci.measure.limit import Limit, TimeIsUpError
from autoprof_ci.measure.runner import Start, StartResult
from autoprof_ci.measure.schedule import affordable_starts, starts_per_run
from tests.programs import built
from tests.test_runner import run_starts

pytestmark = pytest.mark.needs("cc")

BY_HAND = "Run the daemon and its driver by hand in an empty folder"


def serving(folder: Path, mode: str = "", *, window: Window | None = None, timeout_s: float = 20.0) -> Start:
    program = str(built("server"))
    return Start(
        argv=(program, "serve", mode),
        env={},
        cwd=folder,
        timeout_s=timeout_s,
        window=window or Window(ready="listening", driver=driver("drive", "20", "1000000")),
    )


def driver(*words: str) -> Driver:
    return Driver(argv=(str(built("server")), *words), env={})


def one(start: Start) -> StartResult:
    (result,) = run_starts([start], log_folder=start.cwd)
    return result


def running(program: str = "server") -> list[str]:
    """Processes of the test program in this folder's copy of it."""
    path = str(built(program))
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == path.encode():
            found.append(b" ".join(words).decode())
    return found


def test_daemon__ends_well(tmp_path: Path) -> None:
    results = run_starts([serving(tmp_path / name) for name in made(tmp_path, "a", "b")], log_folder=tmp_path)
    for result in results:
        watched = result.watched
        assert watched is not None and watched.window_s is not None
        assert (result.exit_code, result.signal, result.timed_out, result.left_children) == (0, None, False, 0)
        assert (watched.phase, watched.died, watched.driver) == (Phase.ENDED, False, Driven(exit_code=0))
        assert watched.window_s[0] == result.begun_s
        assert result.wall_s == pytest.approx(watched.window_s[1] - watched.window_s[0])
        assert result.stdout_bytes == len("20 answers\n")
        assert result.stderr_tail == "begun\n"


def made(folder: Path, *names: str) -> tuple[str, ...]:
    for name in names:
        (folder / name).mkdir()
    return names


def test_daemon__cpu_time_is_that_of_the_window(tmp_path: Path) -> None:
    """Before and after it does 20 million steps each; 20 answers of a million, and a tenth of that by its driver."""
    result = one(serving(tmp_path))
    assert result.watched is not None
    assert (result.user_s + result.system_s) / result.watched.whole_cpu_s == pytest.approx(22 / 62, rel=0.4)


def test_daemon__ready_on_errors_and_in_pieces(tmp_path: Path) -> None:
    script = "printf 'a lis' >&2; sleep 0.1; printf tening >&2; exec sleep 60"
    start = Start(argv=("/bin/sh", "-c", script), env={}, cwd=tmp_path, window=Window(ready="listening", duration_s=0.1))
    result = one(start)
    assert (result.signal, failure(start, result)) == (15, None)


@pytest.mark.parametrize("stop_signal", ["SIGINT", "SIGHUP", "SIGQUIT", "SIGKILL"])
def test_daemon__other_signals(stop_signal: str, tmp_path: Path) -> None:
    start = serving(tmp_path, "signal", window=Window(ready="listening", duration_s=0.05, stop_signal=stop_signal))
    result = one(start)
    assert failure(start, result) is None
    assert result.left_children == 1  # its worker: nobody told it to end


@pytest.mark.parametrize(
    ("mode", "said", "remedy"),
    [
        (
            "early",
            "ended with exit code 3 before it was ready; its last words: cannot find its settings",
            "Run the command by hand in an empty folder.",
        ),
        (
            "silent",
            "was not ready within 1 s: it did not print 'listening', and was killed; its last words: begun",
            "Compare `ready` with what it prints, or raise `timeout_seconds`; it has no network and no terminal.",
        ),
        (
            "background",
            "ended with exit code 0 before it was ready",
            "Let it stay in the foreground; most daemons have an option for that.",
        ),
        (
            "crash",
            "was ended by signal SIGSEGV in its window, before it was told to stop; its last words: begun",
            f"{BY_HAND}.",
        ),
        (
            "deaf",
            "did not end within 1 s after SIGTERM and was killed; its last words: begun",
            "Name the `stop_signal` that ends it, or raise `timeout_seconds`.",
        ),
        (
            "five",
            "ended with exit code 5 instead of 0 after SIGTERM; its last words: begun",
            "Run the command by hand in an empty folder; if that is how it should end, set `expect_exit`.",
        ),
    ],
)
def test_daemon__fails(mode: str, said: str, remedy: str, tmp_path: Path) -> None:
    window = Window(ready="listening", driver=driver("drive", "1", "1000"))
    start = serving(tmp_path, mode, window=window, timeout_s=1.0 if mode in ("silent", "deaf") else 20.0)
    result = one(start)
    assert (failure(start, result), next_step(result)) == (said, remedy)
    assert running() == []


@pytest.mark.parametrize(
    ("words", "said", "remedy"),
    [
        (
            ("drive", "1", "1000"),
            "has a driver that ended with exit code 4; its last words: socket: No such file or directory",
            f"{BY_HAND}: a driver that did its work ends with exit code 0.",
        ),
        (
            ("hang",),
            "has a driver that did not end within 1 s and was killed",
            "Raise `timeout_seconds`, or find out what the driver waits for: there is no network and no terminal.",
        ),
    ],
)
def test_driver__fails(words: tuple[str, ...], said: str, remedy: str, tmp_path: Path) -> None:
    """Of a daemon that is ready long before it listens."""
    window = Window(ready="up", driver=driver(*words))
    start = Start(argv=("/bin/sh", "-c", "echo up; exec sleep 60"), env={}, cwd=tmp_path, timeout_s=1.0, window=window)
    result = one(start)
    assert (failure(start, result), next_step(result)) == (said, remedy)


def test_driver__does_not_exist(tmp_path: Path) -> None:
    start = serving(tmp_path, window=Window(ready="listening", driver=Driver(argv=("/nowhere/ping",), env={})))
    result = one(start)
    assert failure(start, result) == "has a driver that could not be begun: /nowhere/ping: No such file or directory"
    assert next_step(result) == "Check `driver`: the program first, then its arguments; no shell."
    assert running() == []


def test_driver__is_cut_short_where_the_window_has_a_duration(tmp_path: Path) -> None:
    start = serving(tmp_path, window=Window(ready="listening", driver=driver("hang"), duration_s=0.3))
    result = one(start)
    assert failure(start, result) is None
    assert cut_short([result.watched])
    assert 0.3 <= result.wall_s < 3
    assert running() == []


def test_daemon__that_cannot_be_begun(tmp_path: Path) -> None:
    start = replace(serving(tmp_path), argv=("/nowhere/daemon",))
    assert failure(start, one(start)) == "could not be begun: /nowhere/daemon: No such file or directory"


def test_daemon__leaves_a_child(tmp_path: Path) -> None:
    start = serving(tmp_path, "leave")
    result = one(start)
    assert (failure(start, result), result.left_children, running()) == (None, 1, [])


def test_daemon__after_one_that_failed_nothing_is_started(tmp_path: Path) -> None:
    folders = made(tmp_path, "a", "b")
    results = run_starts([serving(tmp_path / name, "five") for name in folders], log_folder=tmp_path)
    assert [result.exit_code for result in results] == [5]


@pytest.mark.parametrize("window", [Window(ready="never"), Window(ready="listening", driver=driver("hang"))])
def test_daemon__interrupted(window: Window, tmp_path: Path) -> None:
    """While it is awaited, and in its window."""
    with Limit(60) as limit:
        timer = threading.Timer(1.0, limit.stop)
        timer.start()
        with pytest.raises(TimeIsUpError):
            runner.run_starts([serving(tmp_path, window=window, timeout_s=50)], log_folder=tmp_path, limit=limit)
        timer.join()
    assert running() == []


def test_starts__of_a_daemon_that_takes_long_around_its_window() -> None:
    """Windows of 20 ms would fill a second 50 times; at 5 s each that is no run any more."""
    assert starts_per_run([0.02], 1.0, largest=affordable_starts([5.0], 1.0)) == 2
    assert starts_per_run([0.02], 1.0, largest=affordable_starts([0.03], 1.0)) == 50
    assert affordable_starts([60.0, 1.0], 1.0) == 1


def test_watched__of_a_command() -> None:
    assert not cut_short([None, Watched(whole_s=1.0), Watched(whole_s=1.0, driver=Driven(exit_code=0))])
