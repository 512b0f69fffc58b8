"""Baselines that will not do, events that say little, environments and workspaces that are not as they should be: whole steps.

Where two programs are compared they are the same one, so that nothing is measured; without a baseline one count takes a second.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import hostile_bundles, step
from tests.fake_github import FakeGithub
from tests.programs import built
from tests.step import Project, Said, artifact_of

pytestmark = [pytest.mark.needs("cc"), pytest.mark.needs("valgrind")]

NEXT = "The next push to `main` uploads one, if this workflow runs there too."
UNUSABLE = "No artifact called autoprof-baseline of the branch main could be used. The baseline of commit {base} was passed over:"
NO_FIRST = "No artifact called autoprof-baseline is from"


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        base = repository.commit("first", branch="main")
        yield Project(github=github, folder=tmp_path, repository=repository, base=base, front_door=step.IMPATIENT)


def kept(said: Said) -> list[str]:
    """What the workspace holds of the report."""
    folder = said.workspace / "autoprof-report"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def bomb() -> bytes:
    return hostile_bundles.zipped(("manifest.json", bytes(1 << 28)))


def of_a_fork(project: Project) -> None:
    fork = project.repository.fork("mallory/app")
    project.recorded(1, head_repository_id=fork.id)


UNUSABLE_BASELINES: dict[str, tuple[Callable[[Project], object], str]] = {
    "expired": (
        lambda project: project.recorded(1, expired=True),
        "Every artifact called autoprof-baseline of the branch main has expired. Run the workflow on `main` once more; a"
        " `schedule`"
        " keeps a fresh one there.",
    ),
    "truncated": (
        lambda project: project.recorded(1, data=step.unmeasured_bundle(1, project.base)[:500]),
        f"{UNUSABLE} autoprof-baseline: it is cut off: the zip has no end. {NEXT}",
    ),
    "of-a-fork-that-calls-its-branch-main": (of_a_fork, f"{NO_FIRST} the branch main of this repository. {NEXT}"),
    "of-a-pull-request": (
        lambda project: project.recorded(1, event="pull_request"),
        f"{NO_FIRST} a push to the branch main. The baseline of commit {{base}} was passed over: it was made by a run for"
        f" `pull_request`, not by a push. {NEXT}",
    ),
    "of-another-branch": (
        lambda project: project.recorded(1, head_branch="feature"),
        f"{NO_FIRST} the branch main of this repository. {NEXT}",
    ),
    "digest-wrong": (
        lambda project: project.recorded(1, digest=f"sha256:{'0' * 64}"),
        f"{UNUSABLE} The artifact autoprof-baseline is damaged: its bytes are not those that were uploaded, 3 times. {NEXT}",
    ),
    "zip-bomb": (
        lambda project: project.recorded(1, data=bomb()),
        f"{UNUSABLE} autoprof-baseline: member manifest.json unpacks to more than 4 MiB. {NEXT}",
    ),
    "newer-schema": (
        lambda project: project.recorded(1, data=hostile_bundles.changed("manifest", "schema", to=99)),
        f"{UNUSABLE} autoprof-baseline: its schema 99 is newer than this autoprof-ci, which reads up to 1. {NEXT}",
    ),
    "html": (
        lambda project: project.recorded(1, data=b"<html>Sign in</html>"),
        f"{UNUSABLE} autoprof-baseline: it is not a bundle. {NEXT}",
    ),
}


@pytest.mark.parametrize(("arrange", "why"), UNUSABLE_BASELINES.values(), ids=UNUSABLE_BASELINES)
def test_unusable_baseline__is_green_and_said(project: Project, arrange: Callable[[Project], object], why: str) -> None:
    project.pull()
    arrange(project)
    said = project.step("pull_request", 1, pull=7)
    sentence = why.format(base=project.base[:7])
    assert (said.code, said.outputs["outcome"], said.annotations) == (0, "no_baseline", [f"notice::No baseline: {sentence}"])
    assert "### ⚪ Nothing to compare `worker` with: the baseline is missing." in project.body()
    assert "an older one was taken" not in project.body()
    assert "candidate.bundle.zip" in artifact_of(project.repository, "autoprof-report")


def test_unusable_baseline__gives_way_to_an_older_one(project: Project) -> None:
    newest = project.repository.commit("second", branch="main")
    head = project.repository.commit("change", parents=(newest,))
    project.repository.pull(7, head)
    project.recorded(1)
    project.recorded(1, data=b"junk", commit=newest)
    said = project.step("pull_request", 1, pull=7)
    assert (said.code, said.outputs["outcome"], said.outputs["baseline_commit"]) == (0, "pass", project.base)
    assert f"The baseline of commit {newest[:7]} was passed over: autoprof-baseline: it is not a bundle" in project.body()


def test_baseline__of_other_workloads_is_measured_on_ours(project: Project) -> None:
    """Its program runs what this pull request wants to know; what was stored under other names is not compared."""
    project.pull()
    project.recorded(2)
    said = project.step("pull_request", 1, pull=7, toml=step.TOML.replace('"work"', '"another"'))
    assert (said.code, said.outputs["outcome"]) == (0, "pass")
    assert [workload["name"] for workload in step.verdict(said)["workloads"]] == ["another"]  # type: ignore[attr-defined]


def test_baseline_input__of_a_file_that_is_not_there(project: Project) -> None:
    project.pull()
    said = project.step("pull_request", 1, pull=7, baseline="base.bundle.zip")
    [sentence] = said.annotations
    assert (said.code, sentence.endswith("base.bundle.zip does not exist. Check the path.")) == (2, True)


def test_moved_head__the_comment_says_what_was_measured(project: Project) -> None:
    """Somebody pushes while we measure: nobody shall take the old numbers for those of the new commit."""
    measured = project.pull()
    project.recorded(1)
    env = project.environment("pull_request", 1, pull=7)
    pushed = project.repository.commit("more", parents=(measured,))
    project.repository.push(7, pushed)
    said = step.run(env, front_door=step.IMPATIENT)
    note = f"This is about commit {measured[:7]}: {pushed[:7]} was pushed while it was measured, and has a run of its own."
    assert (said.code, note in project.body(), note in said.summary) == (0, True, True)
    assert [len(project.repository.statuses(commit)) for commit in (measured, pushed)] == [1, 0]


def test_two_runs__of_one_pull_request_at_once(project: Project) -> None:
    """One comment, and it is the newer run's, whoever ends first."""
    project.pull()
    project.recorded(1)
    runs = [project.environment("pull_request", 1, pull=7) for _ in range(2)]
    processes = [step.started(env, front_door=step.IMPATIENT) for env in runs]
    ended = [(process.communicate(timeout=step.LIMIT_S)[0], process.returncode) for process in processes]
    assert [code for _, code in ended] == [0, 0]
    assert f"/actions/runs/{project.runs})" in project.body()


def event(change: Callable[[dict[str, object]], object]) -> Callable[[dict[str, str]], dict[str, str]]:
    def changed(env: dict[str, str]) -> dict[str, str]:
        file = Path(env["GITHUB_EVENT_PATH"])
        told = json.loads(file.read_text())
        change(told)
        file.write_text(json.dumps(told))
        return env

    return changed


def gate(project: Project, change: Callable[[dict[str, str]], dict[str, str]], **more: str) -> Said:
    """A pull request with the program of its baseline, in an environment that was changed."""
    project.pull()
    project.recorded(1)
    return step.run(change(project.environment("pull_request", 1, pull=7, **more)), front_door=step.IMPATIENT)


def test_event__without_a_pull_request_leaves_the_summary(project: Project) -> None:
    said = gate(project, event(lambda told: told.pop("pull_request")))
    assert (said.code, said.outputs["outcome"], project.repository.comments(7)) == (0, "pass", [])
    assert said.annotations == ["warning::The event names no pull request to comment on: the report is in the job summary only."]
    assert "### 🟢 Nothing to measure" in said.summary


def test_event__of_a_fork_that_was_deleted(project: Project) -> None:
    said = gate(project, event(lambda told: told["pull_request"]["head"].update(repo=None)))  # type: ignore[index]
    assert (said.code, said.annotations, len(project.repository.comments(7))) == (0, [], 1)


@pytest.mark.parametrize(
    ("variables", "warnings"),
    [
        ({"GITHUB_OUTPUT": "", "GITHUB_STEP_SUMMARY": ""}, []),
        (
            {"GITHUB_OUTPUT": "/nowhere/output", "GITHUB_STEP_SUMMARY": "/nowhere/summary"},
            [
                "warning::The job summary cannot be written to /nowhere/summary: No such file or directory.",
                "warning::The outputs of this step cannot be written to /nowhere/output: No such file or directory.",
            ],
        ),
    ],
    ids=["not-named", "not-writable"],
)
def test_step_files__that_lack_cost_nothing_else(project: Project, variables: dict[str, str], warnings: list[str]) -> None:
    said = gate(project, lambda env: {**env, **variables})
    assert (said.code, len(project.repository.comments(7))) == (0, 1)
    assert [line.partition(" The runner prepares")[0] for line in said.annotations] == warnings


MISTAKES: dict[str, tuple[dict[str, str], int, str]] = {
    "toml": (
        {"toml": "binary = \n"},
        2,
        "autoprof.toml: line 1, column 10: this is not TOML: invalid value. The language is described at https://toml.io.",
    ),
    "key": ({"toml": step.TOML + "[mesure]\nruns = 4\n"}, 2, "autoprof.toml: mesure: unknown key. Did you mean measure?"),
    "no-binary-named": (
        {"toml": step.TOML.replace('binary = "bin/worker"', "")},
        2,
        "No program to measure is named. Name it in the input `binary`, or as `binary` in autoprof.toml.",
    ),
    "unknown-workload": (
        {"workloads": "work, wrok"},
        2,
        "The input \"workloads\" names 'wrok', which autoprof.toml does not have. Known are: work.",
    ),
    "binary-outside": (
        {"binary": "../../worker"},
        2,
        "../../worker is {parent}/worker, which lies outside of the workspace, and the Action's container sees nothing"
        " else of the"
        " runner. Build into the workspace or copy the file there, and name it relative to {workspace}.",
    ),
    "binary-outside-on-the-runner": (
        {"binary": "/home/runner/elsewhere/worker"},
        2,
        "/home/runner/elsewhere/worker lies outside of the workspace, and the Action's container sees nothing else of"
        " the runner."
        " Build into the workspace or copy the file there, and name it relative to {workspace}.",
    ),
    "binary-missing": (
        {"binary": "bin/nothing"},
        3,
        "There is no program at {workspace}/bin/nothing. Build it first, or correct the path.",
    ),
    "binary-is-a-folder": (
        {"binary": "bin"},
        3,
        "{workspace}/bin is a folder, not a program. Name the program in it, such as {workspace}/bin/bin.",
    ),
    "config-missing": (
        {"config": "ci/perf.toml"},
        2,
        "the configuration {workspace}/ci/perf.toml does not exist. Check the path.",
    ),
}


@pytest.mark.parametrize(("given", "code", "sentence"), MISTAKES.values(), ids=MISTAKES)
def test_mistake__is_one_sentence_for_everybody(project: Project, given: dict[str, str], code: int, sentence: str) -> None:
    said = gate(project, lambda env: env, **given)
    workspace = str(said.workspace)
    expected = sentence.replace("{workspace}", workspace).replace("{parent}", str(said.workspace.parent.parent))
    assert (said.code, said.annotations, said.outputs) == (code, [f"error::{expected}"], {})
    assert "### ⚪ Not measured: " in said.summary
    assert "### ⚪ Not measured: " in project.body()
    [status] = project.repository.statuses(project.repository.pulls[7].head_sha)
    assert (status["state"], str(status["description"]).startswith("not measured: ")) == ("error", True)
    assert kept(said) == ["failed.json"]


BEFORE_ANYTHING: dict[str, tuple[dict[str, str], int, str]] = {
    "mode": (
        {"INPUT_MODE": "gte"},
        2,
        'The input "mode" is "gte", not one of auto, gate, record, part, merge, comment. Did you mean "gate"?',
    ),
    "event": (
        {"GITHUB_EVENT_NAME": "issue_comment"},
        2,
        'The mode "auto" has no answer to the event "issue_comment". Say `mode: gate` to judge or `mode: record` to make a'
        " baseline, or run on push and pull_request.",
    ),
    "pull-request-target": (
        {"GITHUB_EVENT_NAME": "pull_request_target"},
        2,
        'The mode "gate" would start the program of a pull request on pull_request_target, where it runs beside a token that can'
        " write and the secrets of this repository. Measure on `pull_request`, and let a second workflow on `workflow_run` with"
        " `mode: comment` write the comment (examples/workflows/ has the pair).",
    ),
    "token": (
        {"INPUT_GITHUB_TOKEN": "two words"},
        3,
        "The input `github_token` is not a token: it has blanks or special characters in it. Leave the input out to use"
        " the job's"
        " own token, or store the secret again.",
    ),
}


@pytest.mark.parametrize(("variables", "code", "sentence"), BEFORE_ANYTHING.values(), ids=BEFORE_ANYTHING)
def test_beginning__that_cannot_be_is_in_log_and_summary(
    project: Project, variables: dict[str, str], code: int, sentence: str
) -> None:
    said = gate(project, lambda env: {**env, **variables})
    assert (said.code, said.annotations) == (code, [f"error::{sentence}"])
    assert "### ⚪ Not measured: " in said.summary
    assert (project.github.log, kept(said)) == ([], [])


def test_beginning__outside_of_a_job(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, step.PATIENT], cwd=tmp_path, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (2, b"")
    assert (
        b"::error::This is no GitHub Actions job: GITHUB_EVENT_NAME is not set. This command is the Action's own;" in ended.stdout
    )


def test_runtime__without_a_token_for_artifacts(project: Project) -> None:
    said = gate(project, lambda env: {**env, "ACTIONS_RUNTIME_TOKEN": ""})
    assert (said.code, len(project.repository.comments(7))) == (0, 1)
    assert said.annotations == [
        "notice::This job has no artifact service to upload to: the report stays in autoprof-report/ of the workspace;"
        " keep it with a"
        " step actions/upload-artifact, as examples/workflows/ghes.yml does."
    ]
    assert "candidate.bundle.zip" in kept(said)


def test_report_folder__that_is_a_link_is_not_followed(project: Project, tmp_path: Path) -> None:
    """Root would write wherever it leads, and store whatever is there."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "secret").write_text("token")

    def change(env: dict[str, str]) -> dict[str, str]:
        Path(env["GITHUB_WORKSPACE"], "autoprof-report").symlink_to(elsewhere)
        return env

    said = gate(project, change)
    assert (said.code, said.annotations) == (
        2,
        [
            "error::autoprof-report in the workspace is a symbolic link, and the report would be written there. Remove"
            " the link from"
            " the repository."
        ],
    )
    assert [path.name for path in elsewhere.iterdir()] == ["secret"]
    assert [*artifact_of(project.repository, "autoprof-report")] == ["failed.json"]


def test_report_folder__forgets_what_an_earlier_run_concluded(project: Project) -> None:
    def change(env: dict[str, str]) -> dict[str, str]:
        folder = Path(env["GITHUB_WORKSPACE"], "autoprof-report")
        folder.mkdir()
        for name in ("failed.json", "candidate.bundle.zip", "verdict.json", "mine.txt"):
            (folder / name).write_text("of an earlier run")
        return {**env, "INPUT_BINARY": "bin/nothing"}

    assert kept(gate(project, change)) == ["failed.json", "mine.txt"]
    assert json.loads(artifact_of(project.repository, "autoprof-report")["failed.json"])["what"].startswith(
        "There is no program at "
    )


BROKEN_PROGRAMS: dict[str, tuple[str, str, str]] = {
    "crashes": (
        "acts",
        'command = ["{binary}", "crash"]',
        "was ended by signal SIGSEGV; its last words: about to crash. Run the command by hand in an empty folder; if"
        " that is how it"
        " should end, set `expect_exit`.",
    ),
    "hangs": (
        "acts",
        'command = ["{binary}", "hang"]\ntimeout_seconds = 0.5',
        "did not end within 0.5 s and was killed; its last words: waiting for godot. Raise `timeout_seconds` of the"
        " workload, or find"
        " out what it waits for: it has no network and no terminal.",
    ),
    "ends-otherwise": (
        "acts",
        'command = ["{binary}", "exit", "9"]',
        "ended with exit code 9 instead of 0; its last words: cannot open the thing. Run the command by hand in an empty"
        " folder; if"
        " that is how it should end, set `expect_exit`.",
    ),
}


@pytest.mark.parametrize(("program", "workload", "how"), BROKEN_PROGRAMS.values(), ids=BROKEN_PROGRAMS)
def test_broken_program__is_told_to_everybody(project: Project, program: str, workload: str, how: str) -> None:
    project.pull()
    env = project.environment("pull_request", 1, pull=7, toml=step.TOML.replace('command = ["{binary}"]', workload))
    Path(env["GITHUB_WORKSPACE"], "bin", "worker").write_bytes(built(program).read_bytes())
    said = step.run(env, front_door=step.IMPATIENT)
    sentence = f"workload 'work' (candidate), warm-up: start 1 of 1 {how}"
    assert (said.code, said.annotations[1:]) == (3, [f"error::{sentence}"])
    assert json.loads(artifact_of(project.repository, "autoprof-report")["failed.json"])["what"] == sentence.partition(". ")[0]
    assert "### ⚪ Not measured: workload" in project.body()
    assert f"/actions/runs/{project.runs})" in project.body()
    assert "### ⚪ Not measured: workload" in said.summary


def test_broken_program__keeps_in_mind_what_was_red(project: Project) -> None:
    """The comment in between must not make the next one forget to say that something is fixed."""
    project.pull()
    project.recorded(100)
    red = project.step("pull_request", 150, pull=7)
    broken = project.step("pull_request", 150, pull=7, toml=step.TOML.replace('["{binary}"]', '["{binary}", "{nothing}"]'))
    in_between = project.body()
    green = project.step("pull_request", 100, pull=7)
    assert (red.code, broken.code, green.code) == (1, 2, 0)
    assert "### ⚪ Not measured: " in in_between
    assert "### 🟢 Fixed: " in project.body()
