"""The Action's step, run as the runner runs it: an environment, a workspace, a process. For tests against the fake GitHub.

The program is a small one in C, measured by instructions only, so that a whole step takes some seconds.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from autoprof_ci import bundle
from autoprof_ci.model import Recording
from tests import factories
from tests.fake_github import FakeGithub, Repository
from tests.image import RunnerFolders, image, runner_command

ROOT = Path(__file__).parents[1]
PATIENT = ROOT / "entrypoint.py"
NO_ENGINE = "unix:///nowhere/docker.sock"
"""A step that is no container finds no image of its own; another test's container must not be taken for it."""
IMPATIENT = ROOT / "tests" / "impatient.py"
"""Where GitHub fails, nobody here waits as long as a job would."""
FULL = {"contents": "read", "actions": "read", "pull-requests": "write", "statuses": "write"}
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
    raw: bytes = b""

    @property
    def annotations(self) -> list[str]:
        """What the runner shows beside the run, the kind in front."""
        return [
            line.removeprefix("::") for line in self.log.splitlines() if line.startswith(("::error", "::warning", "::notice"))
        ]


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


def run(
    env: Mapping[str, str],
    extra: Mapping[str, str] | None = None,
    front_door: Path = PATIENT,
    around: Sequence[str | Path] = (),
) -> Said:
    """The step from beginning to end; `around`: words of a command that starts it."""
    process = started(env, extra, front_door, around)
    try:
        raw, _ = process.communicate(timeout=LIMIT_S)
    finally:
        process.kill()
    return said(env, process.returncode, raw)


def started(
    env: Mapping[str, str],
    extra: Mapping[str, str] | None = None,
    front_door: Path = PATIENT,
    around: Sequence[str | Path] = (),
) -> subprocess.Popen[bytes]:
    """The step as it runs, both streams in one pipe as the runner reads them."""
    return subprocess.Popen(
        [*around, sys.executable, front_door],
        cwd=env["GITHUB_WORKSPACE"],
        env={"PATH": os.environ["PATH"], "DOCKER_HOST": NO_ENGINE, **env, **(extra or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def said(env: Mapping[str, str], code: int, raw: bytes) -> Said:
    """What a step that ended has left."""
    log = raw.decode(errors="replace")
    assert "Traceback" not in log, log
    assert "Exception ignored" not in log, log
    output, summary = Path(env.get("GITHUB_OUTPUT") or os.devnull), Path(env.get("GITHUB_STEP_SUMMARY") or os.devnull)
    return Said(
        code=code,
        log=log,
        outputs=outputs(output) if output.is_file() else {},
        summary=summary.read_text() if summary.is_file() else "",
        workspace=Path(env["GITHUB_WORKSPACE"]),
        raw=raw,
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


def unmeasured_bundle(rounds: int, commit: str) -> bytes:
    """A bundle with the program inside and no numbers: what is held against the same program needs no measuring."""
    stored = bundle.pack_binary("worker", program(rounds))
    made = factories.bundle(of=Recording(), judged_by=factories.policy(), binaries=(stored,), commit=commit)
    return bundle.encode(replace(made, workload_digests={"work": "d1" * 32}))


def artifact_of(repository: Repository, name_prefix: str) -> dict[str, bytes]:
    """The members of the one artifact called so; none where there is none."""
    for artifact in repository.artifacts.values():
        if artifact.name.startswith(name_prefix) and artifact.finalized:
            data = repository.artifact_data(artifact.id)
            assert data is not None
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return {name: archive.read(name) for name in archive.namelist()}
    return {}


@dataclass(kw_only=True)
class Project:
    """A repository with a first commit on main, and runs one after another."""

    github: FakeGithub
    folder: Path
    repository: Repository
    base: str
    runs: int = 0
    inputs: dict[str, str] = field(default_factory=dict)
    front_door: Path = PATIENT

    def environment(
        self, event: str, rounds: int, *, pull: int | None = None, token: str | None = None, **more: str
    ) -> dict[str, str]:
        """Of the next run, whose workspace is its own and filled."""
        self.runs += 1
        tmp = self.folder / str(self.runs)
        workspace(tmp, rounds, more.pop("toml", TOML))
        return self.repository.environment(
            tmp,
            event=event,
            run_id=self.runs,
            pull=pull,
            token=token or self.github.token(permissions=FULL),
            inputs={**self.inputs, **more},
        )

    def step(self, event: str, rounds: int, *, pull: int | None = None, token: str | None = None, **more: str) -> Said:
        """The next run from beginning to end."""
        return run(self.environment(event, rounds, pull=pull, token=token, **more), front_door=self.front_door)

    def pull(self, number: int = 7) -> str:
        head = self.repository.commit(f"change {number}", parents=(self.base,))
        self.repository.pull(number, head)
        return head

    def recorded(self, rounds: int, *, data: bytes | None = None, commit: str | None = None, **more: Any) -> int:
        """The number of a baseline artifact, made without measuring.

        `more`: of its run (event, head_branch, head_repository_id) or of itself (expired, digest).
        """
        self.runs += 1
        of_run = {"event": "push", "head_branch": "main", "head_sha": commit or self.base}
        of_run |= {name: more.pop(name) for name in ("event", "head_branch", "head_repository_id") if name in more}
        made = self.repository.run(self.runs, **of_run)
        stored = unmeasured_bundle(rounds, commit or self.base) if data is None else data
        return self.repository.artifact("autoprof-baseline", stored, made, **more)

    def body(self, number: int = 7) -> str:
        [comment] = self.repository.comments(number)
        return str(comment["body"])
