"""What a step says about its own time, and that nobody waits for what the comment does not need."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoprof_ci.actions.charts_branch import BRANCH
from tests import step
from tests.fake_github import FakeGithub
from tests.step import Project

pytestmark = [pytest.mark.needs("valgrind"), pytest.mark.needs("cc")]

PLAIN, SLOW = 100, 150
PICTURES = {**step.FULL, "contents": "write"}
TWO = step.TOML + '[[workload]]\nname = "again"\ncommand = ["{binary}"]\n'
MEASURED = ["start", "program", "baseline", "staging", "measuring", "results", "judging", "report", "upload"]


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        base = repository.commit("first", branch="main")
        yield Project(github=github, folder=tmp_path, repository=repository, base=base, front_door=step.IMPATIENT)


def stages(log: str) -> dict[str, float]:
    """Of the log's last line, after it was checked that they are all there is."""
    line = log.splitlines()[-1]
    told = re.fullmatch(r"time: ([\d.]+) s(?:, of it ([\d.]+) s in measured programs; beside them)?: (.*)", line)
    assert told, log
    found = {name: float(seconds) for name, seconds in (part.rsplit(" ", 1) for part in told[3].split(", "))}
    assert float(told[1]) == pytest.approx(sum(found.values()) + float(told[2] or 0), abs=0.05 * (len(found) + 2))
    return found


def test_step__ends_with_where_its_time_went(project: Project) -> None:
    recorded = project.step("push", PLAIN)
    project.pull()
    gated = project.step("pull_request", SLOW, pull=7, token=project.github.token(permissions=PICTURES))
    assert [*stages(recorded.log)] == [*MEASURED, "summary and comment"]
    assert [*stages(gated.log)] == [*MEASURED, "summary and comment", "charts"]


def test_step__that_fails_says_where_its_time_went(project: Project) -> None:
    failed = project.step("push", PLAIN, toml="binary = 7")
    assert failed.code == 2
    assert [*stages(failed.log)] == ["start", "program", "summary and comment"]


def test_step__that_merges_tells_what_it_fetched_apart_from_its_start(project: Project) -> None:
    project.pull()
    merged = project.step("pull_request", PLAIN, pull=7, mode="merge")
    assert merged.code == 2
    assert [*stages(merged.log)] == ["start", "fetching", "summary and comment"]


def test_step__hosts_the_pictures_that_the_comment_shows_and_no_others(project: Project) -> None:
    project.step("push", PLAIN, toml=TWO)
    project.pull()
    gated = project.step("pull_request", SLOW, pull=7, toml=TWO, token=project.github.token(permissions=PICTURES))
    hosted = {path.rpartition("/")[2] for path in project.repository.tree_of(BRANCH)} - {"README.md"}
    drawn = {path.name for path in (gated.workspace / "autoprof-report" / "charts").iterdir()}
    shown = set(re.findall(r"pr-7/([\w.-]+\.png)", project.body()))
    assert hosted == shown
    assert len(hosted) == 2
    assert hosted < drawn
