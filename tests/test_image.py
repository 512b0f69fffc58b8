"""The image as the runner and a laptop start it."""

from __future__ import annotations

import re
import signal
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

import autoprof_ci
from tests.image import BASE, ROOT, RunnerFolders, copied_sources, image, run, runner_command, size_bytes

needs_engine = pytest.mark.needs("docker-engine")

MB = 1_000_000
LARGEST_BYTES = 440 * MB
TOOLS = ("perf", "valgrind", "heaptrack", "setarch", "setpriv", "git", "python3")
COMPILERS = ("cc", "gcc", "g++", "c++", "clang", "ld", "as", "make", "rustc", "cargo", "go", "pip")


def shell(script: str, *options: str) -> str:
    done = run(*options, "--entrypoint", "sh", image(), "-ec", script)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_dockerfile__names_the_version_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    labels = re.findall(r'image\.(\w+)="([^"]*)"', (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    assert dict(labels) == {
        "title": "autoprof-ci",
        "description": project["description"],
        "version": project["version"],
        "licenses": project["license"],
        "source": "https://github.com/autoprof-ci/autoprof-ci",
    }
    assert project["version"] == autoprof_ci.__version__


def test_dockerfile__works_with_every_builder_and_needs_nothing_given() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^(USER|WORKDIR|ARG|ADD)\b", text, re.MULTILINE) == []
    assert re.findall(r"RUN --|--link|--chmod|<<", text) == []
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == [BASE, BASE]
    assert "ENTRYPOINT [" in text


def test_dockerfile__copies_what_is_there_and_not_ignored() -> None:
    allowed = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    for source in copied_sources():
        assert (ROOT / source).exists()
        assert any(source == path or source.startswith(f"{path}/") for path in allowed), f"{source} is ignored"


def test_requirements_lock__holds_every_dependency_with_its_digests() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[<>=]", requirement)[0] for requirement in project["dependencies"]}
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pinned = re.findall(r"^([a-z][a-z0-9-]*)==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert wanted - set(pinned) == set()
    assert len(pinned) == len(re.findall(r"^\w", text, re.MULTILINE))


@needs_engine
def test_image__is_small() -> None:
    added = size_bytes(image()) - size_bytes(BASE)
    print(f"{added / MB:.0f} MB above {BASE}")
    assert added <= LARGEST_BYTES


@needs_engine
def test_image__says_at_once_that_it_is_there() -> None:
    tag = image()
    started = time.monotonic()
    with subprocess.Popen(["docker", "run", "--rm", tag], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        took_s = time.monotonic() - started
    assert first == f"autoprof-ci {autoprof_ci.__version__}\n"
    assert took_s < 3  # `make bench` gives the figure; this only fails where something is wrong by far


@needs_engine
def test_image__has_the_tools_and_no_compiler() -> None:
    there = shell(f"for tool in {' '.join((*TOOLS, *COMPILERS))}; do command -v $tool || true; done")
    assert [Path(line).name for line in there.split()] == list(TOOLS)


@needs_engine
def test_image__holds_no_program_that_changes_its_user() -> None:
    assert shell("find / -xdev -type f -perm /6000") == ""


@needs_engine
def test_image__has_the_glibc_of_debian_trixie() -> None:
    assert re.search(r"\b2\.(\d+)\n", shell("ldd --version | head -1"))[1] == "41"  # type: ignore[index]


@needs_engine
def test_image__imports_every_module_of_ours() -> None:
    script = """
import importlib, pkgutil, autoprof_ci
names = [module.name for module in pkgutil.walk_packages(autoprof_ci.__path__, "autoprof_ci.")]
for name in names:
    importlib.import_module(name)
print(len(names))
"""
    done = run("--entrypoint", "python", image(), "-Ic", script)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == len([*(ROOT / "autoprof_ci").rglob("*.py")]) - 1


@needs_engine
def test_image__measures_what_the_host_lets_it() -> None:
    done = run("--security-opt", "seccomp=unconfined", "--tmpfs", "/dev/shm:exec", image(), "doctor")
    answers = dict(re.findall(r"^(?:ok|degraded|missing) +([^:]+): (.+)$", done.stdout, re.MULTILINE))
    assert done.returncode == 0
    assert re.match(r"valgrind 3\.\d+\.\d+ counts ", answers["instructions (valgrind)"])
    assert re.match(r"perf 6\.[\d.]+ samples |The kernel refuses perf ", answers["time (perf)"])
    assert answers["fixed addresses (setarch -R)"] == "Address randomisation can be turned off for callgrind"
    assert answers["symbols of the C library"].startswith("Debug symbols of ")
    assert re.match(r"heaptrack 1\.", answers["memory (heaptrack)"])


@needs_engine
def test_image__with_arguments_is_the_command() -> None:
    version = run(image(), "--version")
    assert (version.returncode, version.stdout, version.stderr) == (0, f"autoprof-ci {autoprof_ci.__version__}\n", "")
    wrong = run(image(), "gat")
    assert wrong.returncode == 2
    assert "invalid choice: 'gat'" in wrong.stderr


@needs_engine
def test_image__judges_bundles_of_a_laptop(tmp_path: Path) -> None:
    for side, cost in (("baseline", 1000), ("candidate", 2000)):
        for number in range(4):
            text = f"app;main;parse {cost + number}\napp;main;write 500\n"
            (tmp_path / f"{side}{number}.folded").write_text(text, encoding="utf-8")
    words = [word for side in ("baseline", "candidate") for word in (f"--{side}", *(f"{side}{n}.folded" for n in range(4)))]
    done = run(
        "-v", f"{tmp_path}:/w", "-w", "/w", "--network", "none", image(), "compare", "--interleaved", *words, "--out", "out"
    )
    assert (done.returncode, done.stderr) == (1, "")
    assert (tmp_path / "out" / "report.html").is_file()
    assert {path.name for path in (tmp_path / "out" / "charts").iterdir()} >= {
        "functions-folded-dark.png",
        "functions-folded-light.png",
    }


@needs_engine
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_image__stops_when_it_is_told_to(stop: signal.Signals) -> None:
    name = f"autoprof-ci-test-stop-{stop.name.lower()}-{time.monotonic_ns()}"
    command = ["docker", "run", "--rm", "--name", name, image(), "record", "--binary", "/usr/bin/sleep", "--", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert any(_measures(name) for _ in range(100))
        told = time.monotonic()
        subprocess.run(["docker", "kill", "--signal", stop.name, name], capture_output=True, check=True)
        said = process.communicate(timeout=30)[1]
        took_s = time.monotonic() - told
    assert process.returncode == 130
    assert re.search(r"^autoprof-ci: (Interrupted|Stopped) before anything was measured", said, re.MULTILINE)
    assert "Traceback" not in said
    assert took_s < 3


@needs_engine
def test_image__buries_orphans() -> None:
    script = "for i in 1 2 3; do (sleep 0.1 & ) ; done; sleep 0.5; grep -h State /proc/[0-9]*/status | grep -c zombie || true"
    done = run("--entrypoint", "/usr/bin/tini", image(), "-s", "--", "sh", "-c", script)
    assert (done.returncode, done.stdout) == (0, "0\n")


@needs_engine
def test_image__takes_no_module_from_the_workspace_or_the_environment(tmp_path: Path) -> None:
    folders = RunnerFolders.below(tmp_path)
    for name in ("argparse.py", "autoprof_ci.py", "sitecustomize.py", "usercustomize.py"):
        (folders.workspace / name).write_text("print('ours now')\nraise SystemExit(7)\n", encoding="utf-8")
    env = folders.environment() | {"PYTHONPATH": "/github/workspace", "PYTHONSTARTUP": "/github/workspace/argparse.py"}
    command = [*runner_command(env, folders.workspace, folders.temp, image()), "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=_with(env))
    assert (done.returncode, done.stdout) == (0, f"autoprof-ci {autoprof_ci.__version__}\n")


def test_runner_command__is_the_line_of_the_runner() -> None:
    command = runner_command({"INPUT_BINARY": "app", "HOME": "/github/home"}, Path("/w/p/p"), Path("/w/_temp"), "app:1", "net1")
    shown = re.sub(r"\b[0-9a-f]{6}\b|(?<=_)[0-9a-f]{6}\b", "HEX", " ".join(command))
    assert shown == (
        "docker run --name app1_HEX --label HEX --workdir /github/workspace --rm -e INPUT_BINARY -e HOME -e GITHUB_ACTIONS=true"
        " -e CI=true --network net1 -v /var/run/docker.sock:/var/run/docker.sock -v /w/_temp:/github/runner_temp"
        " -v /w/_temp/_github_home:/github/home -v /w/_temp/_github_workflow:/github/workflow"
        " -v /w/_temp/_runner_file_commands:/github/file_commands -v /w/p/p:/github/workspace app:1"
    )


def _measures(name: str) -> bool:
    """Whether the program runs in the container; else a tenth of a second later."""
    shown = subprocess.run(["docker", "top", name, "-o", "pid,comm"], capture_output=True, text=True, check=False).stdout
    if "sleep" in shown.split():
        return True
    time.sleep(0.1)
    return False


def _with(env: dict[str, str]) -> dict[str, str]:
    return {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} | env
