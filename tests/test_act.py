"""Our examples as whole workflows, run by act with the sample program: what a maintainer sees after copying one of them."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoprof_ci.actions import artifact_names
from autoprof_ci.workloads import ensure_data
from tests.act import Done, Project, project
from tests.sample import Variant, program

pytestmark = [pytest.mark.needs("act", "docker-engine", "cargo"), pytest.mark.slow]

CULPRIT = "autopilot::redact::redact_command"
COUNTED = """
binary = "target/release/autopilot"
[measure]
instruments = ["instructions"]
"""
ONE = """
[[workload]]
name = "analyze-sessions"
inputs = ["bench/session.json"]
command = ["{binary}", "analyze", "bench/session.json", "--json"]
"""
ALL = f"""{ONE}
[[workload]]
name = "run-fix-bug"
command = ["{{binary}}", "run", "Fix the bug", "--output-dir", "{{scratch}}/logs"]
agent = "bench/agent.jsonl"
[[workload]]
name = "run-secrets"
command = ["{{binary}}", "run", "Rotate the keys", "--output-dir", "{{scratch}}/logs"]
agent = "bench/agent.jsonl"
"""
"""Workloads that the matrix names, at a hundredth of their size."""
LEFT_OUT = "          - replay, compare\n          - issue-import\n"
"""Two of the four parts of the example say as much as all of them, in half of the time."""
LENIENT = "[thresholds.instructions]\nmax_regression_percent = 100000\nwarn_percent = 100000\n"


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Small files of the kind that the shipped workloads have."""
    data = ensure_data(tmp_path_factory.mktemp("cache")).path
    session = json.loads((data / "session-a.json").read_text(encoding="utf-8"))
    return {
        "bench/session.json": json.dumps({**session, "steps": session["steps"][:200]}),
        "bench/agent.jsonl": (data / "agent" / "answer-question.jsonl").read_text(encoding="utf-8"),
    }


def body(here: Project, number: int = 7) -> str:
    """Of the one comment there is."""
    [comment] = here.repository.comments(number)
    return str(comment["body"])


def headline(text: str) -> str:
    return next(line for line in text.splitlines() if line.startswith("### "))


def artifacts(here: Project, done: Done) -> list[str]:
    return sorted(artifact.name for artifact in here.repository.artifacts.values() if artifact.run_id == done.run_id)


def verdict(here: Project, done: Done) -> dict[str, Any]:
    """Out of the run's report."""
    data = here.repository.artifact_data(int(done.outputs["report_artifact_id"]))
    assert data is not None
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return dict(json.loads(archive.read("verdict.json")))


def states(here: Project, sha: str) -> list[object]:
    return [status["state"] for status in here.repository.statuses(sha)]


def written(here: Project) -> list[str]:
    """What was changed on GitHub, beside the own run's artifacts, which every run may leave."""
    changes = [entry for entry in here.github.log if entry.path.startswith("/repos/") and entry.method != "GET"]
    return [f"{entry.method} {entry.path}" for entry in changes if entry.status < 300]


def test_plain__baseline_then_red_then_the_same_comment_green(here: Project, inputs: dict[str, str]) -> None:
    here.workflow("plain")
    here.write("autoprof.toml", COUNTED + ONE)
    here.write("bench/session.json", inputs["bench/session.json"])
    here.build(program(Variant.PLAIN))
    recorded = here.run("push", "plain")
    slower = here.repository.commit("compile it at every call", parents=(here.head,))
    here.repository.pull(7, slower)
    here.build(program(Variant.SLOW))
    red = here.run("pull_request", "plain", pull=7)
    [red_comment] = here.repository.comments(7)
    fixed = here.repository.commit("compile it once", parents=(slower,))
    here.repository.push(7, fixed)
    here.build(program(Variant.PLAIN))
    green = here.run("pull_request", "plain", pull=7)
    [green_comment] = here.repository.comments(7)

    assert (recorded.code, red.code, green.code) == (0, 1, 0), recorded.log + red.log + green.log
    assert artifacts(here, recorded) == ["autoprof-baseline", "autoprof-report-1"]
    assert headline(str(red_comment["body"])).startswith("### 🔴 `autopilot` ")
    assert f"`{CULPRIT}`" in str(red_comment["body"])
    assert headline(str(green_comment["body"])).startswith("### 🟢 Fixed:")
    assert green_comment["id"] == red_comment["id"]
    assert (states(here, slower), states(here, fixed)) == (["failure"], ["success"])
    assert red.outputs["baseline_artifact_id"] == recorded.outputs["baseline_artifact_id"]


def test_fork_pair__second_half_says_what_the_first_could_not(here: Project, inputs: dict[str, str]) -> None:
    for name in ("pull-request", "comment"):
        here.workflow(name)
    here.write("autoprof.toml", COUNTED + ONE)
    here.write("bench/session.json", inputs["bench/session.json"])
    here.build(program(Variant.PLAIN))
    recorded = here.run("push", "pull-request")
    fork = here.repository.fork("stranger/app")
    change = fork.commit("faster, trust me", parents=(here.head,), files={"autoprof.toml": COUNTED + LENIENT + ONE})
    here.repository.pull(7, change, head_repository=fork, head_ref="main", login="stranger")
    (here.checkout / "autoprof.toml").write_text(COUNTED + LENIENT + ONE, encoding="utf-8")
    here.build(program(Variant.SLOW))
    first = here.run("pull_request", "pull-request", pull=7)
    by_the_first = (here.repository.comments(7), states(here, change), written(here))
    second = here.run("workflow_run", "comment", triggering_run=first.run_id)

    assert (recorded.code, first.code, second.code) == (0, 0, 0), recorded.log + first.log + second.log
    assert by_the_first == ([], [], [])
    assert (artifacts(here, first), artifacts(here, second)) == (["autoprof-report-1"], [])
    assert verdict(here, first)["outcome"] == "pass"
    assert headline(body(here)).startswith("### 🔴 `autopilot` ")
    assert CULPRIT in body(here)
    assert states(here, change) == ["failure"]
    assert second.outputs["outcome"] == "fail"


def test_matrix__parts_are_judged_once_in_one_comment(here: Project, inputs: dict[str, str]) -> None:
    here.workflow("matrix")
    two = here.checkout / ".github/workflows/matrix.yml"
    told = two.read_text(encoding="utf-8")
    assert LEFT_OUT in told
    two.write_text(told.replace(LEFT_OUT, ""), encoding="utf-8")
    for path, text in {"autoprof.toml": COUNTED + ALL, **inputs}.items():
        here.write(path, text)
    here.build(program(Variant.PLAIN))
    recorded = here.run("push", "matrix")
    slower = here.repository.commit("compile it at every call", parents=(here.head,))
    here.repository.pull(7, slower)
    here.build(program(Variant.SLOW))
    red = here.run("pull_request", "matrix", pull=7)

    measured_by = (("analyze-sessions",), ("run-fix-bug", "run-secrets"))
    parts = sorted(artifact_names.part(artifact_names.DEFAULT_KEY, names, 1) for names in measured_by)
    assert (recorded.code, red.code) == (0, 1), recorded.log + red.log
    assert artifacts(here, recorded) == ["autoprof-baseline", *parts, "autoprof-report-1"]
    assert sorted(workload["name"] for workload in verdict(here, red)["workloads"]) == sorted(sum(measured_by, ()))
    assert headline(body(here)).startswith("### 🔴 `autopilot` ")
    assert CULPRIT in body(here)


def test_minimal__is_told_in_bars_of_characters_against_the_nightly_baseline(here: Project, inputs: dict[str, str]) -> None:
    for name in ("scheduled", "minimal"):
        here.workflow(name)
    here.write("autoprof.toml", COUNTED + ONE)
    here.write("bench/session.json", inputs["bench/session.json"])
    here.build(program(Variant.PLAIN))
    recorded = here.run("schedule", "scheduled")
    slower = here.repository.commit("compile it at every call", parents=(here.head,))
    here.repository.pull(7, slower)
    here.build(program(Variant.SLOW))
    red = here.run("pull_request", "minimal", pull=7)

    assert (recorded.code, red.code) == (0, 1), recorded.log + red.log
    assert artifacts(here, recorded) == ["autoprof-baseline", "autoprof-report-1"]
    assert headline(body(here)).startswith("### 🔴 `autopilot` ")
    assert "<img" not in body(here)
    assert "█" in body(here)
    assert written(here) == ["POST /repos/octo/app/issues/7/comments"]
