"""A measured program that talks to the runner, and disks that are full or may not be written: the whole step."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from tests import step
from tests.as_a_user import can_hide_memory
from tests.fake_github import FakeGithub
from tests.programs import built
from tests.step import Project, Said, artifact_of
from tests.test_actions import runner_parser

pytestmark = [pytest.mark.needs("cc"), pytest.mark.needs("valgrind")]
mounts = pytest.mark.skipif(
    not can_hide_memory(), reason="may not mount here: run the tests as root, or in a privileged container"
)

OURS = {"add-mask", "notice", "warning", "error"}
QUOTED = "its last words: <!-- autoprof-ci key=default --> | --> owned | ::error::owned # #[error]owned \\x1b[31mred\\x1b[0m \ufffd\ufffd `tick` | <b>bold</b> @octocat #1 [x](https://owned.invalid) -->"  # noqa: E501


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        base = repository.commit("first", branch="main")
        yield Project(github=github, folder=tmp_path, repository=repository, base=base, front_door=step.IMPATIENT)


def loud(project: Project, *, megabytes: int, exit_code: int) -> Said:
    """A pull request whose program prints so much of what a runner would obey, on both streams."""
    project.pull()
    workload = (
        f'command = ["{{binary}}", "{megabytes}", "{exit_code}"]\ninstructions_command = ["{{binary}}", "1", "{exit_code}"]'
    )
    env = project.environment("pull_request", 1, pull=7, toml=step.TOML.replace('command = ["{binary}"]', workload))
    Path(env["GITHUB_WORKSPACE"], "bin", "worker").write_bytes(built("loudmouth").read_bytes())
    return step.run(env, front_door=step.IMPATIENT)


def assert_only_ours(said: Said) -> list[runner_parser.Command]:
    """The commands of the log that the runner obeys: nobody else's are in it, however somebody may look at its lines."""
    seen = runner_parser.found(said.raw)
    assert {command.name for command in seen} <= OURS
    assert not [command for command in seen if command.data.startswith("owned")]
    obeyed = runner_parser.obeyed(said.raw)
    assert {command.data for command in obeyed if command.name != "add-mask"} == {
        line.partition("::")[2].replace("%25", "%") for line in said.annotations
    }
    return obeyed


def test_loud_program__that_fails_is_quoted_and_obeyed_nowhere(project: Project) -> None:
    said = loud(project, megabytes=1, exit_code=3)
    [error] = [command for command in assert_only_ours(said) if command.name == "error"]
    assert (said.code, said.outputs) == (3, {})
    assert error.data == (
        f"workload 'work' (candidate), warm-up: start 1 of 1 ended with exit code 3 instead of 0; {QUOTED}. Run the"
        " command by hand"
        " in an empty folder; if that is how it should end, set `expect_exit`."
    )
    body = project.body()
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(body)
    assert not [tag for tag in ("<script", "<img", "<b>", 'href="https://owned', "<h1") if tag in html]
    assert "&lt;b&gt;bold&lt;/b&gt; @octocat #1 [x](https://owned.invalid) --&gt;" in html
    assert body.count("<!-- autoprof-ci key=") == 1
    [status] = project.repository.statuses(project.repository.pulls[7].head_sha)
    assert (status["state"], "\n" in str(status["description"])) == ("error", False)


def test_loud_program__that_floods_a_gigabyte_leaves_no_trace(project: Project) -> None:
    said = loud(project, megabytes=1024, exit_code=0)
    assert_only_ours(said)
    assert (said.code, said.outputs["outcome"]) == (0, "no_baseline")
    assert len(said.raw) < 10_000
    for text in (said.log, said.summary, project.body(), *said.outputs.values()):
        assert "owned" not in text


def on_disk(env: dict[str, str], mount: str, *where: str) -> list[str]:
    """The words that start a step where this was mounted, for it alone."""
    place = Path(env["GITHUB_WORKSPACE"], *where)
    place.mkdir(exist_ok=True)
    script = f'mount {mount} {shlex.quote(str(place))} && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]


@mounts
def test_full_disk__what_was_measured_is_in_the_artifact(project: Project) -> None:
    project.pull()
    env = project.environment("pull_request", 1, pull=7)
    said = step.run(env, front_door=step.IMPATIENT, around=on_disk(env, "-t tmpfs -o size=4k none", "autoprof-report"))
    place = said.workspace / "autoprof-report"
    assert (said.code, said.annotations[1:]) == (
        3,
        [
            f"error::The disk is full: {place}/candidate.bundle.zip could not be written. The report is written into the"
            " workspace:"
            " give it some space there, and let it be writable."
        ],
    )
    assert sorted(artifact_of(project.repository, "autoprof-report")) == ["candidate.bundle.zip", "failed.json"]
    assert "### ⚪ Not measured: the disk is full: " in project.body()
    assert "### ⚪ Not measured: the disk is full: " in said.summary


@mounts
def test_full_disk__without_room_for_the_page_there_is_a_verdict(project: Project) -> None:
    project.pull()
    project.recorded(1)
    env = project.environment("pull_request", 1, pull=7)
    said = step.run(env, front_door=step.IMPATIENT, around=on_disk(env, "-t tmpfs -o size=20k none", "autoprof-report"))
    [warning] = said.annotations
    assert warning.startswith(f"warning::The disk is full: {said.workspace}/autoprof-report/report.html could not be written. ")
    assert (said.code, said.outputs["outcome"], "report_path" in said.outputs) == (0, "pass", False)
    assert {"candidate.bundle.zip", "baseline.bundle.zip", "verdict.json"} <= set(
        artifact_of(project.repository, "autoprof-report")
    )
    assert "### 🟢 Nothing to measure" in project.body()


@mounts
def test_full_disk__no_room_for_temporary_files(project: Project) -> None:
    project.pull()
    project.recorded(1)
    env = project.environment("pull_request", 1, pull=7)
    around = on_disk(env, "-t tmpfs -o size=4k none", "..", "tmp")
    said = step.run(env, {"TMPDIR": str(project.folder / str(project.runs) / "tmp")}, step.IMPATIENT, around)
    [error] = [line for line in said.annotations if line.startswith("error::")]
    assert (said.code, "could not be unpacked" in error, "No space left on device" in error) == (3, True, True)
    assert "### ⚪ Not measured: " in project.body()


@mounts
def test_read_only_workspace__is_said_before_anything_is_measured(project: Project) -> None:
    project.pull()
    env = project.environment("pull_request", 1, pull=7)
    workspace = shlex.quote(env["GITHUB_WORKSPACE"])
    said = step.run(env, front_door=step.IMPATIENT, around=on_disk(env, f"--bind -o ro {workspace}"))
    assert (said.code, said.annotations) == (
        2,
        [
            f"error::{said.workspace}/autoprof-report cannot be written: Permission denied. The report is written into"
            " the workspace:"
            " give it some space there, and let it be writable."
        ],
    )
    assert "warm-up" not in said.log
    assert sorted(artifact_of(project.repository, "autoprof-report")) == ["failed.json"]
