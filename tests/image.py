"""The image under test, and the command line with which GitHub's runner starts it.

`image` builds it once for each content of what goes into it. `runner_command` is the runner's own line, word by word
(`DockerCommandManager.DockerRun`, `ContainerActionHandler.RunAsync` of runner 2.336).
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
BASE = "debian:trixie-slim"
_LOCK = Path(tempfile.gettempdir()) / f"autoprof-ci-image-{os.getuid()}.lock"
_BUILD_S = 900


@functools.cache
def image() -> str:
    """The tag of the image of this checkout, built if it is not there yet; one build at a time on a machine.

    Needs a Docker engine. The tag names the content, so that a change is never tested with yesterday's image.
    """
    tag = f"autoprof-ci:test-{content_digest()}"
    with _LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _docker("image", "inspect", tag).returncode != 0:
            built = _docker("build", "--network", "host", "-t", tag, "-f", str(ROOT / "Dockerfile"), str(ROOT))
            if built.returncode != 0:
                lines = (built.stdout + built.stderr).strip().splitlines()
                raise RuntimeError("the image was not built:\n" + "\n".join(lines[-30:]))
        _docker("tag", tag, "autoprof-ci:test")
    return tag


def content_digest() -> str:
    """Of the Dockerfile and of everything it copies, with names and modes."""
    digest = hashlib.sha256()
    for path in sorted({ROOT / "Dockerfile", *(file for source in copied_sources() for file in _files(ROOT / source))}):
        digest.update(f"{path.relative_to(ROOT)} {path.stat().st_mode & 0o111} ".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def copied_sources() -> tuple[str, ...]:
    """What the Dockerfile's ``COPY`` lines take out of the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    return tuple(source for line in lines for source in line.split()[:-1])


def size_bytes(tag: str) -> int:
    """As ``docker images`` counts: of all layers, unpacked."""
    inspected = _docker("image", "inspect", tag)
    return int(json.loads(inspected.stdout)[0]["Size"])


def run(*arguments: str, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
    """``docker run --rm ARGUMENTS``, which name the image."""
    return _docker("run", "--rm", *arguments, timeout_s=timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerFolders:
    """The folders of a runner on the host: ``_work/_temp`` and the workspace."""

    temp: Path
    workspace: Path

    @classmethod
    def below(cls, root: Path, repository: str = "program") -> RunnerFolders:
        """Made as the runner makes them, with the files that take commands, all empty."""
        folders = cls(temp=root / "_work" / "_temp", workspace=root / "_work" / repository / repository)
        folders.workspace.mkdir(parents=True)
        for name in ("_github_home", "_github_workflow", "_runner_file_commands"):
            (folders.temp / name).mkdir(parents=True)
        for name in FILE_COMMANDS.values():
            (folders.temp / "_runner_file_commands" / name).touch()
        return folders

    def command_file(self, variable: str) -> Path:
        """Where on the host lies what the Action wrote to ``$GITHUB_OUTPUT`` and its like."""
        return self.temp / "_runner_file_commands" / FILE_COMMANDS[variable]

    def write_event(self, event: Mapping[str, object]) -> None:
        (self.temp / "_github_workflow" / "event.json").write_text(json.dumps(event), encoding="utf-8")

    def environment(self) -> dict[str, str]:
        """The variables that hold paths: translated, but for `RUNNER_WORKSPACE` and the tool cache, which stay the host's."""
        translated = {name: f"/github/file_commands/{file}" for name, file in FILE_COMMANDS.items()}
        return translated | {
            "GITHUB_EVENT_PATH": "/github/workflow/event.json",
            "GITHUB_WORKSPACE": "/github/workspace",
            "HOME": "/github/home",
            "RUNNER_TEMP": "/github/runner_temp",
            "RUNNER_TOOL_CACHE": "/opt/hostedtoolcache",
            "RUNNER_WORKSPACE": str(self.workspace.parent),
        }


FILE_COMMANDS = {
    "GITHUB_ENV": "set_env_0f0e7a40-6d0c-4b59-9f9a-8a9f3a0f9a11",
    "GITHUB_OUTPUT": "set_output_0f0e7a40-6d0c-4b59-9f9a-8a9f3a0f9a11",
    "GITHUB_PATH": "add_path_0f0e7a40-6d0c-4b59-9f9a-8a9f3a0f9a11",
    "GITHUB_STATE": "save_state_0f0e7a40-6d0c-4b59-9f9a-8a9f3a0f9a11",
    "GITHUB_STEP_SUMMARY": "step_summary_0f0e7a40-6d0c-4b59-9f9a-8a9f3a0f9a11",
}


def runner_command(env: Mapping[str, str], workspace: Path, temp: Path, image: str, network: str | None = None) -> list[str]:
    """The line with which the runner starts a container action.

    `env`: only the names are in it, so start it with these values in the environment of the process. `workspace`, `temp`:
    folders of the host. `network`: that of a job with services; ``None``: the engine's default.
    """
    mounts = {
        "/var/run/docker.sock": "/var/run/docker.sock",
        str(temp): "/github/runner_temp",
        str(temp / "_github_home"): "/github/home",
        str(temp / "_github_workflow"): "/github/workflow",
        str(temp / "_runner_file_commands"): "/github/file_commands",
        str(workspace): "/github/workspace",
    }
    label = secrets.token_hex(3)
    command = ["docker", "run", "--name", f"{re.sub('[^a-z0-9]', '', image)}_{secrets.token_hex(3)}", "--label", label]
    command += ["--workdir", "/github/workspace", "--rm"]
    command += [word for name in env for word in ("-e", name)]
    command += ["-e", "GITHUB_ACTIONS=true"]
    command += [] if "CI" in env else ["-e", "CI=true"]
    command += ["--network", network] if network else []
    command += [word for source, target in mounts.items() for word in ("-v", f"{source}:{target}")]
    return [*command, image]


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from (file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)
    else:
        yield path


def _docker(*arguments: str, timeout_s: float = _BUILD_S) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("docker", *arguments), capture_output=True, text=True, check=False, timeout=timeout_s)
