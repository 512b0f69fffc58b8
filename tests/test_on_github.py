"""The whole step against the fake GitHub: what a maintainer, a reviewer and a later step see of it."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoprof_ci import bundle
from tests import step
from tests.fake_github import FakeGithub
from tests.step import FULL, Project

pytestmark = [pytest.mark.needs("valgrind"), pytest.mark.needs("cc")]

PLAIN, SLOW = 100, 150


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        yield Project(github=github, folder=tmp_path, repository=repository, base=repository.commit("first", branch="main"))


def first_line(body: str) -> str:
    return next(line for line in body.splitlines() if line.startswith("### "))


def test_step__records_then_goes_red_then_green_in_one_comment(project: Project) -> None:
    recorded = project.step("push", PLAIN)
    head = project.pull()
    red = project.step("pull_request", SLOW, pull=7)
    red_body = project.body()
    fixed = project.repository.commit("fix", parents=(head,))
    project.repository.push(7, fixed)
    green = project.step("pull_request", PLAIN, pull=7)

    assert (recorded.code, red.code, green.code) == (0, 1, 0)
    assert (
        first_line(red_body) == "### 🔴 `worker` executes 15 % more instructions in `work`: each call of `check` is 50 % dearer"
    )
    assert first_line(project.body()).startswith("### 🟢 Fixed:")
    assert (red.outputs["outcome"], red.outputs["regressions"], red.outputs["baseline_commit"]) == ("fail", "2", project.base)
    assert red.outputs["baseline_artifact_id"] == recorded.outputs["baseline_artifact_id"]
    assert "::error title=Performance regression in work::" in red.log
    assert first_line(red.summary) == first_line(red_body)
    assert "<!--" not in red.summary
    assert [status["state"] for status in project.repository.statuses(head)] == ["failure"]
    assert [status["state"] for status in project.repository.statuses(fixed)] == ["success"]
    assert step.verdict(red)["outcome"] == "fail"


def test_step__the_baseline_artifact_is_a_bundle(project: Project) -> None:
    recorded = project.step("push", PLAIN)
    data = project.repository.artifact_data(int(recorded.outputs["baseline_artifact_id"]))
    assert data is not None
    read = bundle.decode(data, source="the artifact")
    assert (read.commit, read.binaries[0].name, [*read.workload_digests]) == (project.base, "worker", ["work"])


def test_step__the_report_artifact_is_the_output_folder(project: Project) -> None:
    project.step("push", PLAIN)
    project.pull()
    red = project.step("pull_request", SLOW, pull=7)
    data = project.repository.artifact_data(int(red.outputs["report_artifact_id"]))
    assert data is not None
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = {name for name in archive.namelist() if not name.startswith(("charts/", "flamegraph"))}
        assert json.loads(archive.read("verdict.json"))["outcome"] == "fail"
    assert names == {"verdict.json", "comment.md", "report.html", "candidate.bundle.zip", "baseline.bundle.zip"}


def test_step__without_a_baseline_it_is_green_and_says_so(project: Project) -> None:
    project.pull()
    said = project.step("pull_request", SLOW, pull=7)
    assert (said.code, said.outputs["outcome"]) == (0, "no_baseline")
    assert first_line(project.body()) == "### ⚪ First run: no baseline yet to compare `worker` with."


def test_step__parts_of_a_matrix_are_judged_once(project: Project) -> None:
    two = step.TOML + '[[workload]]\nname = "again"\ncommand = ["{binary}"]\n'
    project.step("push", PLAIN, toml=two)
    project.pull()
    project.runs += 1
    said = []
    for mode, workloads in (("part", "work"), ("part", "again"), ("merge", "")):
        tmp = project.folder / f"{mode}-{workloads}"
        step.workspace(tmp, SLOW, two)
        env = project.repository.environment(
            tmp,
            event="pull_request",
            run_id=project.runs,
            pull=7,
            token=project.github.token(permissions=FULL),
            inputs={"mode": mode, "workloads": workloads},
        )
        said.append(step.run(env))
    assert [each.code for each in said] == [0, 0, 1]
    verdict = step.verdict(said[-1])
    assert sorted(workload["name"] for workload in verdict["workloads"]) == ["again", "work"]  # type: ignore[attr-defined]
    assert len(project.repository.comments(7)) == 1


def test_step__a_merge_does_not_pass_what_no_part_measured(project: Project) -> None:
    two = step.TOML + '[[workload]]\nname = "again"\ncommand = ["{binary}"]\n'
    project.pull()
    project.runs += 1
    for mode, workloads in (("part", "work"), ("merge", "")):
        tmp = project.folder / mode
        step.workspace(tmp, PLAIN, two)
        env = project.repository.environment(
            tmp,
            event="pull_request",
            run_id=project.runs,
            pull=7,
            token=project.github.token(permissions=FULL),
            inputs={"mode": mode, "workloads": workloads},
        )
        said = step.run(env)
    assert said.code == 2
    assert "::error::No part measured again. Name every workload" in said.log
