"""A project whose workflow is one of ours, run by act on this machine: for tests of whole workflows, against the fake GitHub.

The workflow stays byte for byte what we ship. What is ours in it comes as a release brings it: an ``action.yml`` that names a
built image. The jobs run in Debian with a `cargo` that finds the program built already; which one, a test says for each run.

act names its containers after workflow and job, so one run at a time on a machine.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from autoprof_ci.commands.setting_up import ACTION
from tests.fake_github import FakeGithub, Repository
from tests.image import BASE, ROOT, image

EXAMPLES = ROOT / "examples" / "workflows"
LIMIT_S = 420
JOB_IMAGE = "autoprof-ci:test-job"
_LOCK = Path(tempfile.gettempdir()) / f"autoprof-ci-act-{os.getuid()}.lock"
_LABELS = ("ubuntu-24.04", "self-hosted", "linux", "perf")
_JOB_DOCKERFILE = f"""FROM {BASE}
RUN printf '#!/bin/sh\\nset -e\\nmkdir -p target/release\\ncp built/* target/release/\\n' >/usr/local/bin/cargo \\
    && chmod 755 /usr/local/bin/cargo
"""
_OF_THE_RUN = (
    *("GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_NUMBER", "GITHUB_RUN_ATTEMPT"),
    *("ACTIONS_RUNTIME_URL", "ACTIONS_RESULTS_URL", "ACTIONS_RUNTIME_TOKEN"),
)
"""What act cannot know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A finished workflow. `log`: all that act said, the summaries too. `run_id`: as GitHub counts."""

    code: int
    log: str
    run_id: int

    @property
    def outputs(self) -> dict[str, str]:
        """Of the last step that set each."""
        return dict(re.findall(r"⚙  ::set-output:: (\w+)=(.*)$", self.log, re.MULTILINE))


@dataclass(slots=True, kw_only=True)
class Project:
    """`checkout`: what act hands to the jobs as their checkout; `tmp`: for all that no job may see."""

    github: FakeGithub
    repository: Repository
    tmp: Path
    runs: int = 0
    head: str = field(init=False)

    def __post_init__(self) -> None:
        (self.checkout / "built").mkdir(parents=True)
        (self.tmp / "home").mkdir()
        self.head = self.repository.commit("first", branch="main")

    @property
    def checkout(self) -> Path:
        return self.tmp / "checkout"

    def workflow(self, name: str) -> None:
        """Takes over one of the examples."""
        self.write(f".github/workflows/{name}.yml", (EXAMPLES / f"{name}.yml").read_text(encoding="utf-8"))

    def write(self, path: str, text: str) -> None:
        """A file of the project, with its next commit on main."""
        file = self.checkout / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        self.head = self.repository.file(path, text, "main")

    def build(self, program: Path) -> None:
        """From now on this is what the build step makes."""
        built = self.checkout / "built" / program.name
        built.unlink(missing_ok=True)
        shutil.copy2(program, built)

    def run(self, event: str, workflow: str, *, pull: int | None = None, triggering_run: int | None = None) -> Done:
        """The workflow, as it is on this event. Its token may what the workflow's jobs ask for; for a fork it only reads."""
        self.runs += 1
        path = self.checkout / ".github" / "workflows" / f"{workflow}.yml"
        token = self.github.token(permissions=_rights(path, from_fork=event == "pull_request" and self._from_fork(pull)))
        env = self.repository.environment(
            self.tmp / f"run-{self.runs}",
            event=event,
            run_id=self.runs,
            pull=pull,
            token=token,
            layout="act",
            triggering_run=triggering_run,
        )
        given = {name: env[name] for name in _OF_THE_RUN} | {"SHA_REF": env["GITHUB_SHA"]}
        said = _act(
            [
                *(event, "--workflows", str(path), "--eventpath", env["GITHUB_EVENT_PATH"], "--actor", env["GITHUB_ACTOR"]),
                *(f"--platform={label}={_job_image()}" for label in _LABELS),
                *(f"--local-repository={name}={folder}" for name, folder in _actions(path, self.tmp / "actions").items()),
                *(f"--env={name}={value}" for name, value in given.items()),
                f"--secret=GITHUB_TOKEN={token}",
                f"--action-cache-path={self.tmp / 'cache'}",
                *("--action-offline-mode", "--no-cache-server", "--pull=false", "--rebuild=false", "--rm"),
            ],
            self.checkout,
            self.tmp / "home",
        )
        run = self.repository.runs[self.runs]
        run.status, run.conclusion = "completed", "success" if said.returncode == 0 else "failure"
        return Done(code=said.returncode, log=said.stdout, run_id=self.runs)

    def _from_fork(self, pull: int | None) -> bool:
        return pull is not None and self.repository.pulls[pull].head_repository_id != self.repository.id


@contextmanager
def project(tmp: Path, name: str = "octo/app") -> Iterator[Project]:
    """A repository with a first commit, on a GitHub that ends with it."""
    with FakeGithub() as github:
        here = Project(github=github, repository=github.repository(name), tmp=tmp)
        for words in (("init", "-q", "-b", "main"), ("commit", "-q", "--allow-empty", "-m", "first")):
            subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *words], cwd=here.checkout, check=True)
        yield here


def _rights(workflow: Path, *, from_fork: bool) -> dict[str, str]:
    """What all jobs together may: act knows one token."""
    jobs = yaml.safe_load(workflow.read_text(encoding="utf-8"))["jobs"].values()
    granted = sorted((right, level) for job in jobs for right, level in job["permissions"].items())
    return {right: "read" if from_fork else level for right, level in granted}


def _actions(workflow: Path, folder: Path) -> Mapping[str, Path]:
    """Folders that stand for the actions of a workflow: ours with the image under test, others that do nothing."""
    ours = (ROOT / "action.yml").read_text(encoding="utf-8").replace("image: Dockerfile", f"image: docker://{image()}")
    texts = {ACTION: ours}
    for name in re.findall(r"uses: (actions/upload-artifact@\S+)", workflow.read_text(encoding="utf-8")):
        texts[name] = "runs: {using: composite, steps: [{run: 'true', shell: sh}]}\n"
    places = {}
    for number, (name, text) in enumerate(texts.items()):
        places[name] = folder / str(number)
        places[name].mkdir(parents=True, exist_ok=True)
        (places[name] / "action.yml").write_text(text, encoding="utf-8")
    return places


@cache
def _job_image() -> str:
    subprocess.run(
        ["docker", "build", "--quiet", "--tag", JOB_IMAGE, "-"],
        input=_JOB_DOCKERFILE,
        capture_output=True,
        text=True,
        check=True,
        timeout=LIMIT_S,
    )
    return JOB_IMAGE


def _act(words: list[str], folder: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Ended gently where it takes too long, so that it takes its containers along."""
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(
            ["act", *words],
            cwd=folder,
            env=os.environ | {"HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as running:
            try:
                log, _ = running.communicate(timeout=LIMIT_S)
            except subprocess.TimeoutExpired:
                running.terminate()
                log, _ = running.communicate(timeout=60)
                raise AssertionError(f"act took more than {LIMIT_S} s:\n{log[-3000:]}") from None
            finally:
                if running.poll() is None:
                    running.terminate()
    return subprocess.CompletedProcess(words, running.returncode, log)
