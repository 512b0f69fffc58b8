"""Which baseline the numbers of a fork's run are held against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci import bundle
from autoprof_ci.model import (
    Bundle,
)
from tests import relayed
from tests.fake_github import FakeGithub
from tests.relayed import OURS, SLOWER, THEIRS, Forked, flat, instructions, measured, report, slower
from tests.test_forks.arranged import GREEN, NOT_OURS, RED, with_baseline


def test_relay__tells_the_verdict_in_comment_and_status(forked: Forked) -> None:
    forked.claims(with_baseline(forked), slower())
    told = forked.tell()
    assert (told.code, told.first_line, told.state) == (0, RED, "failure")
    assert told.description == "worker executes 25 % more instructions in work: each call of check is 50 % dearer"
    assert "Against `" + forked.base[:7] + "` (merge base), both programs measured on this machine." in told.visible
    assert (told.outputs["outcome"], told.outputs["baseline_commit"]) == ("fail", forked.base)
    # lines of a fork's commit are not lines of the commit that this job is shown at
    assert "::error" not in told.log
    [status] = forked.repository.statuses(forked.head)
    assert status["target_url"] == f"{forked.github.url}/octo/app/actions/runs/{relayed.RUN}"


def test_relay__a_run_without_a_regression_is_green(forked: Forked) -> None:
    forked.claims(with_baseline(forked), flat())
    told = forked.tell()
    assert (told.code, told.first_line, told.state) == (0, GREEN.format(base=forked.base[:7]), "success")
    assert "\n- " not in told.visible


def test_relay__without_any_baseline_it_is_a_first_run(forked: Forked) -> None:
    forked.claims(None, slower())
    told = forked.tell()
    assert (told.code, told.state) == (0, "success")
    assert told.first_line == "### ⚪ First run: no baseline yet to compare `worker` with."


def test_relay__a_newer_run_updates_the_comment(forked: Forked) -> None:
    baseline = with_baseline(forked)
    forked.claims(baseline, slower())
    forked.tell()
    forked.head = forked.repository.commit("fix", parents=(forked.head,))
    forked.repository.push(7, forked.head)
    forked.ran(id=6)
    forked.repository.artifact("autoprof-report-1", report(baseline, flat()), 6)
    told = forked.tell(run_id=6)
    assert told.first_line is not None and told.first_line.startswith("### 🟢 Fixed:")
    assert told.state == "success"


@pytest.mark.parametrize(
    "theirs",
    [
        None,
        measured(instructions("work", SLOWER), binaries=(THEIRS,)),
        measured(instructions("work", SLOWER), binaries=()),
        measured(instructions("work", SLOWER), binaries=(OURS, replace(THEIRS, name="more"))),
        measured(instructions("work", SLOWER), session="another"),
    ],
    ids=["none", "another-program", "no-program", "one-program-more", "not-beside"],
)
def test_relay__a_baseline_that_is_not_ours_is_not_compared_with(forked: Forked, theirs: Bundle | None) -> None:
    """All of them make the candidate look as if it were as fast as the baseline."""
    with_baseline(forked)
    forked.claims(theirs, slower())
    told = forked.tell()
    assert (told.code, told.first_line, told.state) == (0, RED, "failure")
    recognised = theirs is not None and theirs.session == "another"
    assert (f"- {NOT_OURS} ({forked.base[:7]})." in told.visible) is not recognised
    assert f"Against the stored measurement of `{forked.base[:7]}` (merge base)." in told.visible


def test_relay__our_stored_numbers_were_never_measured_beside_theirs(forked: Forked) -> None:
    """A run that claims the session of our own baseline gets no more trust for its pairs."""
    forked.stored(measured(session="stored-session"))
    forked.claims(measured(binaries=(THEIRS,)), replace(slower(), session="stored-session"))
    told = forked.tell()
    assert told.first_line == RED
    assert "Against the stored measurement of" in told.visible


def test_relay__the_commit_of_the_baseline_is_ours_and_not_what_is_claimed(forked: Forked) -> None:
    baseline = with_baseline(forked)
    forked.claims(replace(baseline, commit="f" * 40), flat())
    told = forked.tell()
    assert told.first_line == GREEN.format(base=forked.base[:7])
    assert "fffffff" not in (told.body or "")


@pytest.mark.parametrize("commit", ["f" * 40, "main", "../../x", None, "<!-- -->"])
def test_relay__a_baseline_nobody_can_check_is_said_to_be_one(forked: Forked, commit: str | None) -> None:
    forked.claims(measured(commit=commit), slower())
    told = forked.tell()
    assert (told.code, told.first_line, told.state) == (0, RED, "failure")
    said = "What the run calls the baseline could not be compared with a baseline of this repository"
    assert f"- {said} (no baseline was ever stored). The next push to the base branch stores one." in told.visible
    assert told.outputs.get("baseline_commit") == (commit if commit == "f" * 40 else None)


def test_relay__an_expired_baseline_is_told(forked: Forked) -> None:
    forked.stored(measured(), expired=True)
    forked.claims(measured(commit=forked.base), flat())
    told = forked.tell()
    assert (told.code, told.state) == (0, "success")
    assert "(every artifact called autoprof-baseline of the branch main has expired)" in told.visible


def test_relay__a_baseline_from_the_forks_own_main_is_not_ours(forked: Forked) -> None:
    pushed = forked.repository.run(2, event="push", head_branch="main", head_sha=forked.base, head_repository_id=forked.fork.id)
    forked.repository.artifact("autoprof-baseline", bundle.encode(measured(instructions("work", SLOWER))), pushed)
    forked.claims(measured(instructions("work", SLOWER)), slower())
    told = forked.tell()
    assert "(no artifact called autoprof-baseline is from the branch main of this repository)" in told.visible


def test_relay__another_baseline_of_ours_is_taken_and_told(forked: Forked) -> None:
    """The nearest one was stored after the run had chosen."""
    old = measured(binaries=(replace(OURS, sha256="0c" * 32),))
    first = forked.base
    forked.stored(old, first)
    second = forked.repository.commit("second", branch="main")
    forked.head = forked.repository.commit("change", parents=(second,))
    forked.repository.push(7, forked.head)
    forked.ran()
    forked.stored(measured(), second, run_id=2)
    forked.claims(replace(old, commit=first), slower())
    told = forked.tell()
    assert told.first_line == RED
    assert f"Against `{first[:7]}` (1 commit before the merge base), both programs measured on this machine." in told.visible
    said = "The run compared with another baseline of this repository than the nearest one"
    assert f"- {said} ({first[:7]}, where {second[:7]} is nearer)." in told.visible


def test_relay__a_baseline_newer_than_the_merge_base_is_told(forked: Forked) -> None:
    newer = forked.repository.commit("second", branch="main")
    forked.stored(measured(), newer)
    forked.claims(measured(commit=newer), flat())
    told = forked.tell()
    assert "- The baseline is of a commit that this pull request does not contain" in told.visible


def test_relay__the_base_branch_is_that_of_the_pull_request(
    github: FakeGithub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    forked = Forked.arranged(github, tmp_path)
    strict = "[thresholds.instructions]\nmax_regression_percent = 60\nwarn_percent = 55\n"
    release = forked.repository.commit("release", branch="release/1.x", files={"autoprof.toml": strict})
    forked.head = forked.repository.commit("change", parents=(release,))
    forked.pull = forked.repository.pull(7, forked.head, base="release/1.x", head_repository=forked.fork, head_ref="feature")
    forked.ran()
    forked.stored(measured(instructions("work", SLOWER)), forked.base, run_id=8)
    forked.repository.runs[8].head_branch = "main"
    forked.stored(measured(), release)
    forked.claims(measured(commit=release), slower())
    told = forked.tell()
    assert (told.state, told.outputs["baseline_commit"]) == ("success", release)
    assert "release/1.x → here" in (told.body or "") or "🔴" not in (told.body or "")
