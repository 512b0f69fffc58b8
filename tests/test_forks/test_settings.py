"""Under whose settings a fork's run is judged."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from autoprof_ci.model import (
    Accept,
    FailOn,
)
from tests import factories, relayed
from tests.fake_github import FakeGithub
from tests.relayed import Forked, flat, measured, slower
from tests.test_forks.arranged import LOOSENED, RED, with_baseline


def test_relay__thresholds_of_the_fork_do_not_count_and_are_told(forked: Forked) -> None:
    baseline = with_baseline(forked)
    forked.claims(replace(baseline, policy=relayed.lenient()), replace(slower(), policy=relayed.lenient()))
    told = forked.tell()
    assert (told.first_line, told.state) == (RED, "failure")
    assert f"- {LOOSENED} (" in told.visible


def test_relay__a_fork_that_never_fails_fails(forked: Forked) -> None:
    baseline = with_baseline(forked)
    forked.claims(baseline, replace(slower(), policy=replace(factories.policy(), fail_on=FailOn.NEVER)))
    told = forked.tell()
    assert (told.first_line, told.state) == (RED, "failure")
    assert "does not fail the job" not in told.visible


def test_relay__the_base_branch_may_say_that_nothing_fails(
    github: FakeGithub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    forked = Forked.arranged(github, tmp_path, toml='fail_on = "never"\n' + relayed.TOML)
    forked.claims(with_baseline(forked), slower())
    told = forked.tell()
    assert (told.first_line, told.state) == (RED, "success")
    assert 'It does not fail the job: `fail_on = "never"` in `autoprof.toml`.' in told.visible


def test_relay__fail_on_of_the_trusted_workflow_counts(forked: Forked) -> None:
    forked.claims(with_baseline(forked), slower())
    told = forked.tell(fail_on="never")
    assert (told.first_line, told.state) == (RED, "success")


def test_relay__accepts_that_the_fork_proposes_are_shown_for_review(forked: Forked) -> None:
    baseline = with_baseline(forked)
    wish = Accept(match=("*",), up_to=2.0, reason="it is worth it\n\n# really", expires=date(2099, 1, 1))
    mine = replace(factories.policy(), accepts=(wish,))
    forked.claims(replace(baseline, policy=mine), replace(slower(), policy=mine))
    told = forked.tell()
    assert (told.outputs["outcome"], told.state) == ("pass", "success")
    assert told.first_line is not None and told.first_line.startswith("### 🟡 Accepted by this pull request, please review: ")
    assert "- This pull request itself accepts regressions (\\* by up to 200 %: " in told.visible


def test_relay__an_accept_that_our_baseline_holds_did_its_work(
    github: FakeGithub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The base branch's TOML still has it; a fork that hides it from its baseline's settings gains nothing."""
    monkeypatch.chdir(tmp_path)
    accept = '[[accept]]\nmatch = "*"\nup_to_percent = 200\nreason = "once"\nexpires = 2099-01-01\n'
    forked = Forked.arranged(github, tmp_path, toml=relayed.TOML + accept)
    used = Accept(match=("*",), up_to=2.0, reason="once", expires=date(2099, 1, 1))
    ours = measured(policy=replace(factories.policy(), accepts=(used,)))
    forked.stored(ours)
    forked.claims(replace(ours, commit=forked.base, policy=factories.policy()), slower())
    told = forked.tell()
    assert (told.first_line, told.state) == (RED, "failure")


@pytest.mark.parametrize("text", ["max = [", "[thresholds.time]\nmax_regression_percent = true\n", "\x00"])
def test_relay__a_broken_toml_of_ours_is_an_error(
    github: FakeGithub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.chdir(tmp_path)
    forked = Forked.arranged(github, tmp_path, toml=text)
    forked.claims(with_baseline(forked), flat())
    told = forked.tell()
    assert (told.code, told.state) == (2, "error")
    assert "::error::" in told.log
    assert told.first_line is not None and told.first_line.startswith("### ⚪ Not measured: autoprof.toml of main")


def test_relay__without_a_toml_the_settings_stored_with_our_baseline_count(
    github: FakeGithub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    forked = Forked.arranged(github, tmp_path, toml=None)
    ours = measured(policy=relayed.lenient())
    forked.stored(ours)
    forked.claims(replace(ours, commit=forked.base), replace(slower(), policy=None))
    told = forked.tell()
    assert (told.outputs["outcome"], told.state) == ("pass", "success")


def test_relay__a_toml_that_the_input_names_must_be_there(forked: Forked) -> None:
    forked.claims(with_baseline(forked), flat())
    told = forked.tell(config="perf/autoprof.toml")
    assert (told.code, told.state) == (2, "error")
    assert "The branch main has no perf/autoprof.toml, which the input `config` names." in told.log
