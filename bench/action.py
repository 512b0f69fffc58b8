"""What the Action costs beside the measured programs, and where: its step, as the real runner starts it, in its own image.

usage: python -m bench.action [--runs N]

A push records the sample program as a baseline; a pull request brings the slow variant, and pictures may be hosted. Both
sides of every figure are of one run of the step, told by its own stopwatch and by a clock outside of it. GitHub is ours and on
this machine, so a request takes milliseconds: how many there were is printed, for those who want to add a network's time.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.workloads import SHIPPED_CONFIG
from bench import image as image_size
from tests.fake_github import FakeGithub, Repository
from tests.image import RunnerFolders, image, runner_command, size_bytes

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "examples/autopilot/target"
FAST, SLOW = TARGET / "release/autopilot", TARGET / "slow/release/autopilot"
AIM_S = 30.0
PERMISSIONS = {"contents": "write", "actions": "read", "pull-requests": "write", "statuses": "write"}
MEASURING = "measuring"
"""The stage whose time beside the programs grows with theirs: it reads what perf recorded, and has an aim of its own."""
STAGE = re.compile(r"([a-z ]+) ([0-9.]+)(?:, |$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One step. `first_s`, `whole_s`: from ``docker run`` to its first byte, and to its end. `line`: the step's own words."""

    code: int
    first_s: float
    whole_s: float
    line: str
    requests: int
    writes: int

    @property
    def inside_s(self) -> float:
        found = re.search(r"of it ([0-9.]+) s in measured programs", self.line)
        assert found, self.line
        return float(found[1])

    @property
    def own_s(self) -> float:
        found = re.match(r"time: ([0-9.]+) s", self.line)
        assert found, self.line
        return float(found[1])

    @property
    def stages(self) -> Mapping[str, float]:
        return {name: float(seconds) for name, seconds in STAGE.findall(self.line.partition("beside them: ")[2])}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4, help="a side and workload; more only make the programs' own time longer")
    options = parser.parse_args()
    if shutil.which("docker") is None or subprocess.run(("docker", "info"), capture_output=True, check=False).returncode != 0:
        print("left out: the Action starts in a container, and no Docker engine answers here")
        return 0
    tag = image()
    added_mb = (size_bytes(tag) - size_bytes(image_size.BASE)) / 1e6
    print(f"the image: {added_mb:.0f} MB above {image_size.BASE}")
    with FakeGithub() as github, tempfile.TemporaryDirectory(prefix="autoprof-ci-bench-") as folder:
        steps = _steps(github, Path(folder), options.runs)
        missed = [title for title, timed in steps.items() if not _told(title, timed)]
    return 1 if missed else 0


def _steps(github: FakeGithub, folder: Path, runs: int) -> Mapping[str, Timed]:
    repository = github.repository("octo/autopilot")
    base = repository.commit("first", branch="main")
    toml = (
        f'binary = "autopilot"\n[measure]\nruns = {runs}\n' + SHIPPED_CONFIG.partition('binary = "target/release/autopilot"')[2]
    )
    recorded = _step(github, repository, Run(folder=folder / "1", id=1, event="push", pull=None, program=FAST, toml=toml))
    repository.pull(7, repository.commit("slower", parents=(base,)))
    gated = _step(github, repository, Run(folder=folder / "2", id=2, event="pull_request", pull=7, program=SLOW, toml=toml))
    return {"a push to the base branch": recorded, "a pull request that regresses, with pictures": gated}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run of the workflow. `program`: what its build has left."""

    folder: Path
    id: int
    event: str
    pull: int | None
    program: Path
    toml: str


def _step(github: FakeGithub, repository: Repository, run: Run) -> Timed:
    folders = RunnerFolders.below(run.folder)
    binary = folders.workspace / "autopilot"
    binary.write_bytes(run.program.read_bytes())
    binary.chmod(0o755)
    (folders.workspace / "autoprof.toml").write_text(run.toml)
    env = repository.environment(
        run.folder, event=run.event, run_id=run.id, pull=run.pull, token=github.token(permissions=PERMISSIONS)
    )
    folders.write_event(json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text()))
    there = {**env, **folders.environment()}
    asked_before = len(github.log)
    command = runner_command(there, folders.workspace, folders.temp, image(), network="host")
    begun_s = time.perf_counter()
    with subprocess.Popen(
        command,
        env={**os.environ, **there, "HOME": os.environ["HOME"], "DOCKER_CONFIG": str(folders.temp)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as process:
        assert process.stdout is not None
        log = process.stdout.read(1)
        first_s = time.perf_counter() - begun_s
        log += process.stdout.read()
    whole_s = time.perf_counter() - begun_s
    said = log.decode("utf-8", "replace")
    line = next((line for line in reversed(said.splitlines()) if line.startswith("time: ")), "")
    if process.returncode not in (0, 1) or "in measured programs" not in line:
        raise SystemExit(f"the step ended with {process.returncode}:\n{said}")
    asked = github.log[asked_before:]
    return Timed(
        code=process.returncode,
        first_s=first_s,
        whole_s=whole_s,
        line=line,
        requests=len(asked),
        writes=sum(each.method != "GET" for each in asked),
    )


def _told(title: str, timed: Timed) -> bool:
    """Print where it went; whether the aim is met."""
    beside_s = timed.whole_s - timed.inside_s
    print(f"\n{title} (exit code {timed.code}, {timed.requests} requests, {timed.writes} of them writing)")
    print(f"{timed.whole_s:7.1f} s  from `docker run` to its end")
    print(f"{timed.inside_s:7.1f} s  inside measured processes (at least one of them running)")
    print(f"{beside_s:7.1f} s  beside them:")
    print(f"{timed.first_s:11.2f} s  `docker run` to the first byte of output")
    for stage, seconds in timed.stages.items():
        print(f"{seconds:11.1f} s  {stage}")
    print(f"{timed.whole_s - timed.own_s:11.2f} s  starting and ending the container, all but its processes")
    session_s = timed.stages[MEASURING]
    share = session_s / timed.inside_s
    print(f"{beside_s - session_s:.1f} s are the Action's own, of at most {AIM_S:.0f} s")
    print(f"{session_s:.1f} s are the measuring session's, {share:.0%} of what is inside; its own aim is in the part `overhead`")
    return beside_s - session_s <= AIM_S


if __name__ == "__main__":
    sys.exit(main())
