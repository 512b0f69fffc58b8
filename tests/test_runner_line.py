"""The step under the very line with which GitHub's runner starts it: with all that a runner has, and with less."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest

from tests import step
from tests.fake_github import FakeGithub, Repository
from tests.image import RunnerFolders, image, runner_command
from tests.sample import Variant, program

pytestmark = [pytest.mark.needs("docker-engine"), pytest.mark.slow]

SOCKET = "/var/run/docker.sock"
LIMIT_S = 400
RIGHTS = {"contents": "write", "actions": "read", "pull-requests": "write", "statuses": "write"}
PLAIN, SLOW = 100, 150
TOML = """
binary = "target/release/autopilot"
[measure]
runs = 4
min_run_seconds = 0.2
[[workload]]
name = "analyze"
command = ["{binary}", "analyze", "{data}/sessions-small", "--aggregate", "--json"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    code: int
    log: str


@dataclass(slots=True, kw_only=True)
class Runner:
    """One runner, with a new work folder for each job. `socket`: where the engine's lies on the host; ``None``: nowhere.

    `volume`: the workspace is this one; ``None``: a folder.
    """

    github: FakeGithub
    repository: Repository
    tmp: Path
    runs: int = 0
    socket: Path | None = Path(SOCKET)
    volume: str | None = None

    def folders(self) -> RunnerFolders:
        """Of a job to come."""
        return RunnerFolders.below(Path(tempfile.mkdtemp(dir=self.tmp)))

    def run(self, folders: RunnerFolders, event: str, *, pull: int | None = None, **inputs: str) -> Said:
        self.runs += 1
        env = self.repository.environment(
            folders.temp.parent / "told",
            event=event,
            run_id=self.runs,
            pull=pull,
            token=self.github.token(permissions=RIGHTS),
            inputs=inputs,
        )
        folders.write_event(json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8")))
        env |= folders.environment()
        ended = subprocess.run(
            self._line(env, folders),
            env={**os.environ, **env, "HOME": os.environ["HOME"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        )
        assert "Traceback" not in ended.stdout, ended.stdout
        return Said(code=ended.returncode, log=ended.stdout)

    def _line(self, env: Mapping[str, str], folders: RunnerFolders) -> list[str]:
        """The runner's own, but for the mounts that a test takes away."""
        line = runner_command(env, folders.workspace, folders.temp, image(), network="host")
        mounts = {f"{SOCKET}:{SOCKET}": f"{self.socket}:{SOCKET}" if self.socket else None}
        if self.volume:
            mounts[f"{folders.workspace}:/github/workspace"] = f"{self.volume}:/github/workspace"
        for known, wanted in mounts.items():
            place = line.index(known)
            line[place - 1 : place + 1] = ["-v", wanted] if wanted else []
        return line


@pytest.fixture
def runner(tmp_path: Path) -> Iterator[Runner]:
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        repository.commit("first", branch="main")
        yield Runner(github=github, repository=repository, tmp=tmp_path)


def pull(runner: Runner) -> str:
    """Opens number 7."""
    head = runner.repository.commit("change", parents=(runner.repository.refs["refs/heads/main"],))
    runner.repository.pull(7, head)
    return head


def body(runner: Runner) -> str:
    """Of the one comment there is."""
    [comment] = runner.repository.comments(7)
    return str(comment["body"])


def headline(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("### "))


def checkout(folders: RunnerFolders, variant: Variant) -> RunnerFolders:
    """The sample program, as a checkout and a build leave it."""
    built = folders.workspace / "target" / "release"
    built.mkdir(parents=True)
    shutil.copy2(program(variant), built)
    (folders.workspace / "autoprof.toml").write_text(TOML, encoding="utf-8")
    return folders


@pytest.mark.needs("cargo")
def test_runner__baseline_then_red_then_the_same_comment_green(runner: Runner) -> None:
    recorded = runner.run(checkout(runner.folders(), Variant.PLAIN), "push")
    slower = pull(runner)
    folders = checkout(runner.folders(), Variant.SLOW)
    red = runner.run(folders, "pull_request", pull=7)
    red_comment = body(runner)
    runner.repository.push(7, runner.repository.commit("compile it once", parents=(slower,)))
    green = runner.run(checkout(runner.folders(), Variant.PLAIN), "pull_request", pull=7)

    assert (recorded.code, red.code, green.code) == (0, 1, 0), recorded.log + red.log + green.log
    assert headline(red_comment).startswith("### 🔴 `autopilot` ")
    assert "`autopilot::redact::redact_command`" in headline(red_comment)
    assert headline(body(runner)).startswith("### 🟢 Fixed:")
    verdict = json.loads((folders.workspace / "autoprof-report" / "verdict.json").read_text(encoding="utf-8"))
    assert (verdict["outcome"], verdict["instruments"]) == ("fail", ["time", "instructions"])
    assert "no_sandbox" not in [caveat["code"] for caveat in verdict["caveats"]]


@contextmanager
def named_volume(name: str, content: Path) -> Iterator[str]:
    """A volume with the files of a folder."""
    subprocess.run(["docker", "volume", "create", name], check=True, capture_output=True)
    try:
        copy = ["docker", "run", "--rm", "-v", f"{name}:/to", "-v", f"{content}:/from:ro", "--entrypoint", "cp", image()]
        subprocess.run([*copy, "-a", "/from/.", "/to/"], check=True, capture_output=True)
        yield name
    finally:
        subprocess.run(["docker", "volume", "rm", "--force", name], check=True, capture_output=True)


@pytest.mark.needs("cc")
def test_runner__measures_in_a_container_where_the_workspace_is_a_volume(runner: Runner) -> None:
    recorded = in_a_volume(runner, PLAIN, "push")
    pull(runner)
    red = in_a_volume(runner, SLOW, "pull_request", pull=7)
    assert (recorded.code, red.code) == (0, 1), recorded.log + red.log
    assert headline(body(runner)).startswith("### 🔴 `worker` executes 15 % more instructions in `work`")
    assert "Sandbox of the measured program: container" in body(runner)


def in_a_volume(runner: Runner, rounds: int, event: str, pull: int | None = None) -> Said:
    folders = runner.folders()
    step.fill(folders.workspace, rounds)
    with named_volume(f"autoprof-ci-test-{os.getpid()}", folders.workspace) as runner.volume:
        return runner.run(folders, event, pull=pull)


class _Refusing(BaseHTTPRequestHandler):
    """An engine that lets nobody in."""

    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"message": "authorization denied by plugin"}')

    def address_string(self) -> str:
        return "a container"

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def engine(kind: str, folder: Path) -> Iterator[Path | None]:
    """An engine's socket of this kind."""
    path = folder / "docker.sock"
    if kind == "missing":
        yield None
    elif kind == "nobody":
        with socket.socket(socket.AF_UNIX) as abandoned:
            abandoned.bind(str(path))
        yield path
    else:
        with ThreadingUnixStreamServer(str(path), _Refusing) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield path
            server.shutdown()


@pytest.mark.needs("cc")
@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("missing", "no container engine listens at /var/run/docker.sock"),
        ("nobody", "nobody listens at /var/run/docker.sock"),
        ("refusing", "the container engine at /var/run/docker.sock refuses us"),
    ],
)
def test_runner__without_an_engine_counts_instructions_as_another_user_and_says_so(runner: Runner, kind: str, why: str) -> None:
    both = step.TOML.replace('instruments = ["instructions"]', "runs = 4\nmin_run_seconds = 0.1")
    before, after = runner.folders(), runner.folders()
    step.fill(before.workspace, PLAIN, both)
    step.fill(after.workspace, SLOW, both)
    with engine(kind, runner.tmp) as runner.socket:
        recorded = runner.run(before, "push")
        pull(runner)
        red = runner.run(after, "pull_request", pull=7)

    assert (recorded.code, red.code) == (0, 1), recorded.log + red.log
    assert headline(body(runner)).startswith("### 🔴 `worker` executes 15 % more instructions in `work`")
    assert why in body(runner)
    verdict = json.loads((after.workspace / "autoprof-report" / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["instruments"] == ["instructions"]
