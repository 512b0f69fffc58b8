"""The Action's step, run as the runner runs it: an environment, a workspace, a process. For tests against the fake GitHub.

The program is a small one in C, measured by instructions only, so that a whole step takes some seconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.fake_github import Repository
from tests.image import RunnerFolders, image, runner_command

ROOT = Path(__file__).parents[1]
LIMIT_S = 120
SOURCE = """
#include <stdio.h>
#include <stdlib.h>
__attribute__((noinline)) unsigned mix(unsigned seed, int rounds) {
    for (int i = 0; i < rounds; i++) seed = seed * 1664525u + 1013904223u;
    return seed;
}
__attribute__((noinline)) unsigned check(unsigned seed, int rounds) {
    for (int i = 0; i < rounds; i++) seed ^= (seed << 5) + i;
    return seed;
}
int main(void) {
    volatile unsigned start = 1;
    unsigned seed = start;
    for (int i = 0; i < 2000; i++) { seed = mix(seed, 300); seed = check(seed, ROUNDS); }
    printf("%s\\n", seed ? "done" : "done too");
    return 0;
}
"""
TOML = """
binary = "bin/worker"
[measure]
instruments = ["instructions"]
[[workload]]
name = "work"
command = ["{binary}"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """How a step ended. `outputs`: what later steps see. `log`: standard output and error, as the runner reads them."""

    code: int
    log: str
    outputs: Mapping[str, str]
    summary: str
    workspace: Path


@cache
def program(rounds: int) -> bytes:
    """The worker whose function `check` makes so many rounds."""
    folder = ROOT / ".cache" / "step-programs"
    folder.mkdir(parents=True, exist_ok=True)
    source, built = folder / f"worker-{os.getpid()}.c", folder / f"worker-{os.getpid()}"
    source.write_text(SOURCE)
    subprocess.run(["cc", "-O1", f"-DROUNDS={rounds}", "-o", built, source], check=True)
    data = built.read_bytes()
    for path in (source, built):
        path.unlink()
    return data


def workspace(folder: Path, rounds: int, toml: str = TOML) -> Path:
    """What a checkout and a build have left in the workspace below `folder`."""
    return fill(folder / "workspace", rounds, toml)


def fill(here: Path, rounds: int, toml: str = TOML) -> Path:
    """The same in a workspace that has a name already."""
    (here / "bin").mkdir(parents=True, exist_ok=True)
    binary = here / "bin" / "worker"
    binary.write_bytes(program(rounds))
    binary.chmod(0o755)
    (here / "autoprof.toml").write_text(toml)
    return here


def run(env: Mapping[str, str], extra: Mapping[str, str] | None = None) -> Said:
    """The step from beginning to end."""
    ended = subprocess.run(
        [sys.executable, ROOT / "entrypoint.py"],
        cwd=env["GITHUB_WORKSPACE"],
        env={"PATH": os.environ["PATH"], **env, **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
        check=False,
    )
    assert "Traceback" not in ended.stdout, ended.stdout
    return Said(
        code=ended.returncode,
        log=ended.stdout,
        outputs=outputs(Path(env["GITHUB_OUTPUT"])),
        summary=Path(env["GITHUB_STEP_SUMMARY"]).read_text(),
        workspace=Path(env["GITHUB_WORKSPACE"]),
    )


def run_in_image(env: Mapping[str, str], folders: RunnerFolders, extra: Mapping[str, str] | None = None) -> Said:
    """The step as the real runner starts it: its own ``docker run`` line around our image. `env`: of the same event."""
    folders.write_event(json.loads(Path(env["GITHUB_EVENT_PATH"]).read_text()))
    there = {**env, **folders.environment(), **(extra or {})}
    ended = subprocess.run(
        runner_command(there, folders.workspace, folders.temp, image(), network="host"),
        env={**os.environ, **there, "HOME": os.environ["HOME"]} | {"DOCKER_CONFIG": str(folders.temp)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=LIMIT_S,
        check=False,
    )
    assert "Traceback" not in ended.stdout, ended.stdout
    return Said(
        code=ended.returncode,
        log=ended.stdout,
        outputs=outputs(folders.command_file("GITHUB_OUTPUT")),
        summary=folders.command_file("GITHUB_STEP_SUMMARY").read_text(),
        workspace=folders.workspace,
    )


def outputs(file: Path) -> dict[str, str]:
    """As the runner reads them: ``NAME<<DELIMITER``, the value, the delimiter."""
    found = re.findall(r"^(\w+)<<(\S+)\n(.*?)\n\2$", file.read_text(), re.MULTILINE | re.DOTALL)
    return {name: value for name, _, value in found}


def verdict(said: Said) -> dict[str, object]:
    return dict(json.loads((said.workspace / said.outputs["verdict_path"]).read_text()))


def push(repository: Repository, tmp: Path, token: str, *, rounds: int, run_id: int) -> Said:
    """A push to the base branch."""
    workspace(tmp, rounds)
    return run(repository.environment(tmp, event="push", run_id=run_id, token=token))
