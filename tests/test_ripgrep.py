"""A second real program besides the sample: two published versions of ripgrep, built from their crates, gated as a user would.

The first run builds both versions (one to two minutes on two cores) into ``.cache/ripgrep``; the next ones find them there.
"""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "ripgrep"
OLDER, NEWER = "13.0.0", "14.1.1"
BUILD_SECONDS = 1500
GATE_SECONDS = 240

pytestmark = [pytest.mark.needs("cargo", "perf", "valgrind"), pytest.mark.slow]

CONFIG = """
binary = "rg"

[measure]
runs = 4
min_run_seconds = 0.3

[[group]]
name = "Matching"
match = ["regex*::*", "aho_corasick::*", "memchr::*"]

[[workload]]
name = "search"
command = ["{binary}", "--no-config", "-j1", "--json", "[a-z]+e", "large.txt"]
instructions_command = ["{binary}", "--no-config", "-j1", "--json", "[a-z]+e", "small.txt"]
inputs = ["large.txt", "small.txt"]
"""


def build(version: str) -> Path:
    """The program of one published version, with the symbols that autopilot's release has; one build at a time."""
    CACHE.mkdir(parents=True, exist_ok=True)
    program = CACHE / version / "bin" / "rg"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            words = ["cargo", "install", "ripgrep", "--version", version, "--root", str(CACHE / version)]
            # optimised a little: enough for a second program, in half of the time
            profile = {"CARGO_PROFILE_RELEASE_DEBUG": "limited", "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1"}
            env = {**os.environ, **profile, "CARGO_TARGET_DIR": str(CACHE / "target")}
            subprocess.run(words, env=env, check=True, timeout=BUILD_SECONDS)
            shutil.rmtree(CACHE / "target", ignore_errors=True)
    return program


@pytest.fixture(scope="module")
def older() -> Path:
    return build(OLDER)


@pytest.fixture(scope="module")
def newer() -> Path:
    return build(NEWER)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with a configuration and two texts, the same on every machine."""
    draw = random.Random(7)
    words = ["".join(draw.choices("etaoinshrdlucmfwypvbgkjqxz", k=draw.randint(2, 11))) for _ in range(5000)]
    for name, lines in (("large.txt", 30_000), ("small.txt", 3_000)):
        text = "".join(" ".join(draw.choices(words, k=draw.randint(3, 14))) + "\n" for _ in range(lines))
        (tmp_path / name).write_text(text)
    (tmp_path / "autoprof.toml").write_text(CONFIG)
    return tmp_path


def gate(project: Path, baseline: Path, candidate: Path, *words: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "autoprof_ci.cli", "gate", "--baseline-binary", baseline, "--binary", candidate, *words]
    done = subprocess.run(
        list(map(str, command)),
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=GATE_SECONDS,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads((project / "out" / "verdict.json").read_text())


def findings(verdict: dict[str, Any]) -> dict[str, dict[str, Any]]:
    (workload,) = verdict["workloads"]
    assert (workload["name"], workload["state"]) == ("search", "compared")
    return {finding["subject"]: finding for finding in workload["findings"]}


def instructions(finding: dict[str, Any]) -> dict[str, Any]:
    return next(measured for measured in finding["measurements"] if measured["instrument"] == "instructions")


def test_gate__one_version_of_ripgrep_against_another__functions_that_changed(older: Path, newer: Path, project: Path) -> None:
    code, verdict = gate(project, older, newer)
    found = findings(verdict)
    assert (code, verdict["outcome"]) in ((0, "pass"), (0, "inconclusive"), (1, "fail"))
    assert verdict["instruments"] == ["time", "instructions"]
    # The names are those of the sources, from both builds: nothing mangled, no hash, no clone of an optimiser.
    assert not [name for name in found if "_ZN" in name or "17h" in name or ".llvm." in name or name.startswith("_R")]
    crates = ("grep_printer::", "grep_searcher::", "serde_json::", "regex_automata::", "regex::", "memchr::")
    hot = [finding for name, finding in found.items() if name.lstrip("<").startswith(crates)]
    assert len(hot) >= 3
    changed = [finding for finding in hot if abs(instructions(finding).get("change", 1.0)) > 0.05]
    assert changed, "two years of work on a program change what its functions cost"
    assert {finding["kind"] for finding in found.values()} == {"function", "group", "total"}


def test_gate__ripgrep_against_itself__nothing_found(newer: Path, project: Path) -> None:
    code, verdict = gate(project, newer, newer, "--force")
    found = findings(verdict)
    statuses = {finding["status"] for finding in found.values()}
    assert (code, verdict["outcome"] in ("pass", "inconclusive")) == (0, True)
    assert not statuses & {"regression", "improvement", "warning", "added", "removed"}
    assert abs(instructions(found["[total]"])["change"]) < 0.002


def test_gate__ripgrep_unchanged__green_without_measuring(newer: Path, project: Path) -> None:
    code, verdict = gate(project, newer, newer)
    assert (code, verdict["outcome"]) == (0, "pass")
    assert "identical_programs" in [caveat["code"] for caveat in verdict["caveats"]]
