"""The sample program's daemon: keeps a worker alive, answers at its socket, and ends cleanly."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sample import Variant, program

pytestmark = pytest.mark.needs("cargo")

CONFIG = """\
working_dir = "{folder}"
socket_path = "{folder}/run/control.sock"
pid_file = "{folder}/run/daemon.pid"
model = "opus"
max_budget = 2.5
max_turns = 40

[worker_command]
type = "Binary"
path = "{worker}"

[memory]
min_available_bytes = 0
critical_threshold_bytes = 0
poll_interval_ms = 1000
node_kill_threshold_bytes = 0

[restart]
initial_backoff_ms = 50
max_backoff_ms = 100
backoff_multiplier = 2.0
success_threshold_ms = 60000
max_consecutive_restarts = 2
stall_timeout_ms = 60000
"""
SESSION = """\
{"type": "system", "subtype": "init", "model": "opus", "session_id": "s1"}
{"type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "result": "done"}
"""


class Place:
    """A working folder with an empty home, an agent on PATH, a configuration, and at most one daemon."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "home").mkdir()
        (folder / "bin").mkdir()
        (folder / "session.jsonl").write_text(SESSION)
        self.script("bin/claude", f"while read prompt; do cat {folder}/session.jsonl; sleep 0.05; done")
        self.configure(program(Variant.PLAIN))
        self.daemon: subprocess.Popen[str] | None = None

    def script(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return path

    def configure(self, worker: Path) -> None:
        (self.folder / "daemon.toml").write_text(CONFIG.format(folder=self.folder, worker=worker))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [str(program(Variant.PLAIN).with_name("autopilotd")), "--config", "daemon.toml", *arguments]
        environment = {"HOME": str(self.folder / "home"), "PATH": f"{self.folder}/bin:{os.environ['PATH']}"}
        with (self.folder / "stderr").open("a") as stderr:
            return subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=stderr, text=True)

    def start_daemon(self, *arguments: str) -> subprocess.Popen[str]:
        self.daemon = self.start(*arguments)
        wait_until(lambda: bool(self.workers()))
        return self.daemon

    def ask(self, command: str) -> tuple[int, str]:
        asking = self.start(command)
        stdout, _ = asking.communicate(timeout=30)
        return asking.returncode, stdout

    def said(self) -> list[str]:
        """The daemon's own lines, without those of its worker."""
        lines = (self.folder / "stderr").read_text().splitlines()
        return [line for line in lines if not line.startswith(("Recorded in ", "Error: stopped by signal", "warning: "))]

    def workers(self) -> list[int]:
        return [int(line.rsplit(" ", 1)[-1]) for line in self.said() if line.startswith("Worker started with PID ")]

    def sessions(self) -> int:
        return len(list((self.folder / "docs").rglob("*.json")))


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    if made.daemon is not None and made.daemon.poll() is None:
        made.daemon.terminate()
        made.daemon.wait(timeout=30)


def wait_until(condition: Callable[[], bool], limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(process: int) -> bool:
    try:
        return re.search(r"^State:\s+Z", Path(f"/proc/{process}/status").read_text(), re.MULTILINE) is None
    except OSError:
        return False


def test_daemon__works_until_it_is_told_to_end(place: Place) -> None:
    daemon = place.start_daemon("--project", "nightly")
    wait_until(lambda: place.sessions() >= 3)
    (worker,) = place.workers()
    assert place.said() == [
        "Starting autopilotd...",
        f'Control socket listening at "{place.folder}/run/control.sock"',
        f"Worker started with PID {worker}",
    ]
    arguments = Path(f"/proc/{worker}/cmdline").read_text().split("\0")[1:-1]
    assert " ".join(arguments) == ("run --full-auto --with-issues --model opus --max-turns 40 --max-budget 2.5 --slug nightly")
    assert (place.folder / "run/daemon.pid").read_text() == f"{daemon.pid}\n"
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(timeout=30) == 0
    assert place.said()[3:] == ["Worker stopped gracefully", "Daemon stopped"]
    assert not is_running(worker)
    assert list((place.folder / "run").iterdir()) == []
    assert {path.name[6:] for path in (place.folder / "docs").rglob("*-nightly.json")} == {"-nightly.json"}


def test_daemon__answers_at_its_socket(place: Place) -> None:
    daemon = place.start_daemon()
    (first,) = place.workers()
    code, status = place.ask("status")
    assert (code, re.sub(r"\d+", "N", status)) == (0, "worker running, PID N, since N s, failures in a row: N\n")
    assert place.ask("restart-worker") == (0, "the worker is started again\n")
    wait_until(lambda: len(place.workers()) == 2)
    assert not is_running(first)
    assert place.ask("stop-worker") == (0, "the worker is stopped\n")
    assert place.ask("status") == (0, "worker stopped\n")
    assert not any(is_running(worker) for worker in place.workers())
    assert place.ask("stop") == (0, "autopilotd stops\n")
    assert daemon.wait(timeout=30) == 0
    assert place.said()[-1] == "Daemon stopped"
    assert place.ask("status") == (1, "")
    assert place.said()[-1] == f"Error: no daemon is running: nobody listens at {place.folder}/run/control.sock"


def test_daemon__starts_a_dead_worker_again(place: Place) -> None:
    place.start_daemon()
    os.kill(place.workers()[0], signal.SIGKILL)
    wait_until(lambda: len(place.workers()) == 2)
    assert place.said()[-2:] == [
        "Worker ended (signal: 9 (SIGKILL)), starting it again in 50 ms",
        f"Worker started with PID {place.workers()[1]}",
    ]


def test_daemon__gives_up_a_worker_that_ends_at_once(place: Place) -> None:
    place.configure(place.script("worker", "exit 3"))
    assert place.start().wait(timeout=30) == 1
    assert [re.sub(r"PID \d+", "PID N", line) for line in place.said()[2:]] == [
        "Worker started with PID N",
        "Worker ended (exit status: 3), starting it again in 50 ms",
        "Worker started with PID N",
        "Worker ended (exit status: 3), starting it again in 100 ms",
        "Worker started with PID N",
        "Error: the worker ended 3 times in a row, the last time with exit status: 3: see what it says above",
    ]


def test_daemon__kills_a_worker_that_does_not_stop_and_all_it_started(place: Place) -> None:
    place.configure(place.script("worker", "trap '' TERM; sleep 60 & echo $! > child; wait; wait"))
    daemon = place.start_daemon()
    wait_until(lambda: (place.folder / "child").exists() and (place.folder / "child").read_text() != "")
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait(timeout=30) == 0
    assert place.said()[3:] == ["Worker did not stop within 5 s, and was killed", "Daemon stopped"]
    wait_until(lambda: not is_running(int((place.folder / "child").read_text())))


def test_daemon__one_at_a_socket_and_after_a_killed_one(place: Place) -> None:
    first = place.start_daemon()
    (worker,) = place.workers()
    assert place.start().wait(timeout=30) == 1
    assert place.said()[-1] == (
        f"Error: a daemon is running already, and listens at {place.folder}/run/control.sock: stop it first"
    )
    first.kill()
    first.wait()
    os.killpg(worker, signal.SIGTERM)
    wait_until(lambda: not is_running(worker))
    place.daemon = place.start()
    wait_until(lambda: len(place.workers()) == 2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("model =", "# model ="), "missing field `model`"),
        (('type = "Binary"', 'type = "Cargo"'), "unknown variant `Cargo`, expected `Binary`"),
        (("max_turns =", "max_turn ="), "unknown field `max_turn`"),
    ],
)
def test_daemon__configuration_that_is_none(place: Place, change: tuple[str, str], sentence: str) -> None:
    path = place.folder / "daemon.toml"
    path.write_text(path.read_text().replace(*change))
    assert place.start().wait(timeout=30) == 1
    assert (place.folder / "stderr").read_text().startswith("Error: daemon.toml is no configuration: ")
    assert sentence in (place.folder / "stderr").read_text()


def test_daemon__worker_that_is_not_there(place: Place) -> None:
    place.configure(Path("/nowhere/autopilot"))
    assert place.start().wait(timeout=30) == 1
    assert place.said()[-1] == (
        f"Error: cannot start the worker /nowhere/autopilot in {place.folder}: No such file or directory (os error 2)"
    )
    assert list((place.folder / "run").iterdir()) == []
