"""What a measured program finds when it looks for a way out of the measuring container: nothing."""

from __future__ import annotations

import os
import re
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci.errors import ProgramError
from autoprof_ci.model import Network
from autoprof_ci.sandbox import container
from autoprof_ci.sandbox import session as session_module
from autoprof_ci.sandbox.memory import Memory
from tests.in_a_container import QUICK, both, left_behind, measured, one_program, session
from tests.programs import built

pytestmark = [pytest.mark.needs("docker-engine"), pytest.mark.needs("cc")]

TOKEN = "ghs_planted4711"


def code(token: str) -> str:
    """As the program wants it: it must not find the token in its own command line."""
    return "".join(chr(ord(letter) + 1) for letter in token)


@pytest.fixture
def port() -> Iterator[str]:
    """Of a server on this machine's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield str(server.getsockname()[1])


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with its persisted token, the token in our environment too, and inputs beside it."""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "config").write_text(f"[http]\n\textraheader = AUTHORIZATION: basic {TOKEN}\n")
    (tmp_path / "cases").mkdir()
    (tmp_path / "cases" / "one.txt").write_text("harmless")
    program = tmp_path / "target" / "inmate"
    program.parent.mkdir()
    program.write_bytes(built("inmate").read_bytes())
    program.chmod(0o755)
    monkeypatch.setenv("ACTIONS_RUNTIME_TOKEN", TOKEN)
    monkeypatch.setenv("INPUT_GITHUB_TOKEN", TOKEN)
    return tmp_path


def test_inmate__finds_what_there_is_to_find(workspace: Path, port: str) -> None:
    """The control: outside, as we are, the same search finds all of it."""
    words = [str(workspace / "target" / "inmate"), "search", str(workspace), code(TOKEN), port]
    said = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60).stderr.splitlines()
    expected = {
        f"token in {workspace}/.git/config",
        "token in the environment",
        "variable ACTIONS_RUNTIME_TOKEN",
        f"may connect to port {port}",
        f"may write into {workspace}",
        f"may write to {workspace}/cases/one.txt",
        f"may change the mode of {workspace}",
    }
    assert expected <= set(said)
    if Path("/var/run/docker.sock").exists() and os.getuid() == 0:
        assert "may talk to /var/run/docker.sock" in said
        assert "may become root" in said
        assert any(re.fullmatch(r"may read /proc/\d+/environ", line) for line in said)


def test_measured_program__finds_nothing(workspace: Path, port: str) -> None:
    plan = both(one_program(workspace / "target" / "inmate", "search", "/", code(TOKEN), port, inputs=("cases",)))
    here = session()
    recordings = measured(replace(plan, config_folder=workspace), here)
    assert {label: recording.failed_workloads for label, recording in recordings.items()} == {"baseline": {}, "candidate": {}}
    assert left_behind(here.name) == []


def test_measured_program__searches_inside_as_outside(workspace: Path, port: str) -> None:
    """The control inside: what is in the image is found, and the error repeats the program's last words."""
    plan = one_program(workspace / "target" / "inmate", "search", "/etc", code("nobody:x:65534"), port)
    with pytest.raises(ProgramError) as caught:
        measured(plan)
    assert caught.value.what == (
        "workload 'w' (candidate), warm-up: start 1 of 1 ended with exit code 7 instead of 0; its last words: "
        "token in /etc/passwd"
    )


def test_measured_program__has_the_host_s_network_where_the_toml_says_so(workspace: Path, port: str) -> None:
    settings = replace(QUICK, network=Network.HOST)
    plan = one_program(workspace / "target" / "inmate", "search", "/nothing", code(TOKEN), port, settings=settings)
    with pytest.raises(ProgramError, match=rf"may connect to port {port}"):
        measured(plan)


def test_measured_program__kills_whatever_it_can(workspace: Path) -> None:
    recordings = measured(one_program(workspace / "target" / "inmate", "killall"))
    assert len(recordings["candidate"].instructions) == 1


def test_measured_program__forks_without_end(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounded by the number of processes, and by its time."""
    monkeypatch.setattr(container, "MAX_PROCESSES", 200)
    here = session()
    with pytest.raises(ProgramError) as caught:
        measured(one_program(workspace / "target" / "inmate", "bomb", timeout_s=2.0), here)
    assert caught.value.what.startswith("workload 'w' (candidate), warm-up: start 1 of 1 did not end within 2 s and was killed")
    assert left_behind(here.name) == []


def test_measured_program__is_a_new_process_all_the_time() -> None:
    """Whoever kills by number is too late for it."""
    here = session()
    recordings = measured(one_program(built("stayer"), "chain"), here)
    assert len(recordings["candidate"].instructions) == 1
    assert left_behind(here.name) == []


def test_measured_program__leaves_objects_that_outlive_it() -> None:
    """Shared memory of one program is not there for the other, nor held until there is none left."""
    leaves = one_program(built("stayer"), "objects")
    fails_on_any = built("stayer", "-DFRESH=1")
    plan = replace(both(leaves), programs=(both(leaves).programs[0], replace(leaves.programs[0], binary=fails_on_any)))
    recordings = measured(plan)
    assert {label: recording.failed_workloads for label, recording in recordings.items()} == {"baseline": {}, "candidate": {}}


def test_measured_program__takes_all_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, and nothing else: neither its session nor anything on the machine."""
    small = Memory(scratch_bytes=320 << 20, all_bytes=512 << 20)
    monkeypatch.setattr(session_module, "memory_of", lambda *_: small)
    here = session()
    with pytest.raises(ProgramError) as caught:
        measured(one_program(built("stayer"), "hog"), here)
    assert str(caught.value) == (
        "workload 'w' (candidate), warm-up: start 1 of 1 was ended by signal SIGKILL. "
        "It most likely needed more memory than the runner has: give the workload smaller inputs, or use a larger runner."
    )
    assert left_behind(here.name) == []


def test_measured_program__is_told_where_it_may_write() -> None:
    with pytest.raises(ProgramError) as caught:
        measured(one_program(built("stayer"), "tmp"))
    assert str(caught.value) == (
        "workload 'w' (candidate), warm-up: start 1 of 1 ended with exit code 1 instead of 0; its last words: "
        "/tmp/state: Permission denied. In the measuring container a program may write to its working folder, $HOME and $TMPDIR, "
        'and not to /tmp or /dev/shm: have it use $TMPDIR, or set `sandbox = "none"`.'
    )


def test_measured_program__floods() -> None:
    """A gigabyte to standard output, and none of it is kept anywhere."""
    settings = replace(QUICK, time_limit_s=200)
    recordings = measured(one_program(built("acts"), "flood", str(1 << 30), settings=settings))
    assert len(recordings["candidate"].instructions) == 1


def test_measured_program__leaves_daemons() -> None:
    recordings = measured(one_program(built("acts"), "daemon"))
    assert len(recordings["candidate"].instructions) == 1
