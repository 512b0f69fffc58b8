"""Who is told, and what the second half never does."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from autoprof_ci.commands.on_github import run
from tests import relayed, step
from tests.fake_github import FakeGithub
from tests.relayed import Forked, flat, slower
from tests.test_forks.arranged import LEFT_OUT, NOT_OURS, RED, with_baseline


@pytest.mark.parametrize("conclusion", ["cancelled", "skipped", "action_required", "stale", "neutral"])
def test_relay__a_run_that_did_not_end_by_itself_says_nothing(forked: Forked, conclusion: str) -> None:
    forked.claims(with_baseline(forked), flat())
    forked.ran(conclusion=conclusion)
    told = forked.tell()
    assert (told.code, told.body, told.state) == (0, None, None)
    assert f"::notice::Nothing to tell: the run 5 ended as {conclusion}" in told.log


@pytest.mark.parametrize("event", ["push", "schedule", "merge_group", "pull_request_target"])
def test_relay__a_run_for_something_else_says_nothing(forked: Forked, event: str) -> None:
    forked.claims(with_baseline(forked), flat())
    forked.ran(event=event)
    told = forked.tell()
    assert (told.code, told.body, told.state) == (0, None, None)
    assert f"::notice::Nothing to tell: the run 5 was for the event {event}, not for a pull request" in told.log


def test_relay__a_closed_pull_request_is_left_alone(forked: Forked) -> None:
    forked.claims(with_baseline(forked), flat())
    forked.repository.close(7)
    told = forked.tell()
    assert (told.code, told.body, told.state) == (0, None, None)
    assert "::notice::Nobody to tell: No open pull request has 'stranger:feature' as its head" in told.log


def test_relay__a_head_that_moved_is_left_to_its_own_run(forked: Forked) -> None:
    forked.claims(with_baseline(forked), flat())
    forked.repository.push(7, forked.repository.commit("more", parents=(forked.head,)))
    told = forked.tell()
    assert (told.code, told.body, told.state) == (0, None, None)
    assert "::notice::Nobody to tell: Pull request #7 has moved on to" in told.log


def test_relay__a_deleted_fork_is_said(forked: Forked) -> None:
    forked.claims(with_baseline(forked), flat())
    forked.repository.delete_fork(7)
    told = forked.tell()
    assert (told.code, told.body, told.state) == (0, None, None)
    assert "::notice::Nobody to tell: The fork that this run came from was deleted" in told.log


def test_relay__a_second_pull_request_of_the_same_commit_is_no_way_around(forked: Forked) -> None:
    forked.claims(with_baseline(forked), slower())
    forked.repository.commit("release", branch="release")
    forked.repository.pull(8, forked.head, base="release", head_repository=forked.fork, login="stranger")
    told = forked.tell()
    assert (told.code, told.body, told.state) == (0, None, "error")
    assert told.description == "not judged: several open pull requests have this commit as their head"
    assert "::warning::Nobody to tell: Commit" in told.log


@pytest.mark.parametrize("head_ref", ["main", "feature/#1-ü", "x%2Fy&a=b", "{0}", "-x", "ünï/çødé/🙂"])
def test_relay__branches_may_be_called_anything(
    github: FakeGithub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head_ref: str
) -> None:
    monkeypatch.chdir(tmp_path)
    forked = Forked.arranged(github, tmp_path, head_ref=head_ref)
    forked.claims(with_baseline(forked), slower())
    told = forked.tell()
    assert (told.code, told.first_line, told.state) == (0, RED, "failure")


def test_relay__a_comment_that_may_not_be_written_costs_the_comment_only(forked: Forked) -> None:
    forked.claims(with_baseline(forked), slower())
    told = forked.tell(permissions={**relayed.TRUSTED, "pull-requests": "read"})
    assert (told.code, told.body, told.state) == (0, None, "failure")
    assert "pull-requests: write" in told.log
    assert told.first_line is None and RED in told.summary


@pytest.mark.parametrize(
    ("lacking", "doing"),
    [
        ("actions: read", "list the artifacts of run 5"),
        ("contents: read", "compare {head} with main"),
        ("pull-requests: read", "list the open pull requests of 'stranger:feature'"),
    ],
)
def test_relay__a_token_that_lacks_something_is_no_pass(forked: Forked, lacking: str, doing: str) -> None:
    """In a private repository, where reading needs a permission too."""
    forked.repository.private = True
    forked.claims(with_baseline(forked), flat())
    told = forked.tell(permissions={name: level for name, level in relayed.TRUSTED.items() if not lacking.startswith(name)})
    assert told.code == 3
    assert told.state == (None if lacking.startswith("pull") else "error")
    asked = doing.format(head=forked.head[:12])
    assert f"::error::GitHub refused to {asked}: the token lacks `{lacking}`. Give the job `permissions: {{" in told.log


def test_relay__a_store_that_does_not_answer_is_no_pass(forked: Forked) -> None:
    forked.claims(with_baseline(forked), flat())
    forked.github.fail("GET", r"/1001/5/", status=503, times=50)
    told = forked.tell()
    assert (told.code, told.state) == (3, "error")
    assert told.first_line is not None and told.first_line.startswith("### ⚪ Not measured: ")


def test_relay__github_that_does_not_answer_about_our_baseline_is_no_pass(forked: Forked) -> None:
    forked.claims(with_baseline(forked), flat())
    forked.github.fail("GET", r"/actions/artifacts\?.*name=autoprof-baseline", status=500, times=50)
    told = forked.tell()
    assert (told.code, told.state) == (3, "error")
    assert "::error::" in told.log


WATCH = """
import os, sys
_seen = os.open(os.environ["WATCHED"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
def _hook(event, arguments):
    if event in ("subprocess.Popen", "os.exec", "os.posix_spawn", "os.system", "os.fork", "os.forkpty", "pty.spawn"):
        os.write(_seen, f"start {event} {arguments!r}\\n".encode())
    elif event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITES:
        os.write(_seen, f"write {str(arguments[0])!r}\\n".encode())
    elif event in ("os.mkdir", "os.rename", "os.symlink", "os.link", "os.chmod", "zipfile.extract"):
        os.write(_seen, f"write {str(arguments[0])!r}\\n".encode())
sys.addaudithook(_hook)
"""


def test_relay__starts_nothing_and_writes_nowhere_but_for_the_runner(forked: Forked, tmp_path: Path) -> None:
    """The whole process, watched by the interpreter's own audit hook."""
    forked.claims(with_baseline(forked), slower())
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCH)
    seen = tmp_path / "seen"
    env = forked.environment()
    said = step.run(
        env,
        {"PYTHONPATH": str(tmp_path / "watch"), "WATCHED": str(seen), "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert (said.code, forked.tell().first_line) == (0, RED)
    lines = seen.read_text().splitlines()
    # the library that draws pictures asks for the fonts there are, and remembers them in HOME
    fonts = ("start subprocess.Popen ('fc-list'", f"write '{env['HOME']}/.cache", f"write '{env['HOME']}/.config")
    to_runner = {f"write '{env[name]}'" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    assert to_runner == {line for line in lines if not line.startswith(fonts)}


@pytest.mark.needs("valgrind")
@pytest.mark.needs("cc")
def test_pair__the_first_half_measures_and_the_second_tells(forked: Forked, tmp_path: Path) -> None:
    """Both halves as processes, with the program really measured, and a token that can only read in the first."""
    toml = step.TOML.replace("[measure]", 'fail_on = "never"\n[measure]')
    reading = forked.github.token(permissions={"contents": "read", "actions": "read", "pull-requests": "read"})
    writing = forked.github.token(permissions=relayed.TRUSTED)
    step.workspace(tmp_path / "push", 100)
    pushed = step.run(forked.repository.environment(tmp_path / "push", event="push", run_id=30, token=writing))
    step.workspace(tmp_path / "pull", 150, toml)
    env = forked.repository.environment(tmp_path / "pull", event="pull_request", run_id=31, pull=7, token=reading)
    first = step.run(env)
    forked.repository.runs[31].conclusion = "success"
    forked.repository.runs[31].status = "completed"

    assert (pushed.code, first.code, first.outputs["outcome"]) == (0, 0, "fail")
    assert forked.repository.comments(7) == [] and forked.repository.statuses(forked.head) == []
    notices = [line for line in first.log.splitlines() if line.startswith(("::notice", "::warning"))]
    assert notices == [
        "::notice::No comment from here, since GitHub gives the pull request of a fork a token that can only read: the report is "
        "in the job summary. A second workflow on workflow_run with `mode: comment` writes the comment "
        "(examples/workflows/comment.yml)"
    ]
    assert "### 🔴" in first.summary

    told = forked.tell(run_id=31)
    assert (told.code, told.state) == (0, "failure")
    assert told.first_line == ("### 🔴 `worker` executes 15 % more instructions in `work`: each call of `check` is 50 % dearer")
    assert f"Against `{forked.base[:7]}` (merge base), both programs measured on this machine." in told.visible
    for caveat in (NOT_OURS, LEFT_OUT, "The workload itself changed"):
        assert caveat not in told.visible


def test_relay__refuses_to_measure_on_pull_request_target(forked: Forked) -> None:
    env = forked.repository.environment(
        forked.folder / "target", event="pull_request_target", run_id=20, pull=7, token=forked.github.token()
    )
    stream = io.StringIO()
    assert run.step(dict(env), stream, relayed.PATIENCE) == 2
    assert (
        '::error::The mode "gate" would start the program of a pull request on pull_request_target, where it runs beside a token '
        "that can write and the secrets of this repository. Measure on `pull_request`, and let a second workflow on "
        "`workflow_run` with `mode: comment` write the comment" in stream.getvalue()
    )
