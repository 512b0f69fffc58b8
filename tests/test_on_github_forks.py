"""The trusted half against forks' runs that lie, break and disappear: what their pull request is told, and branch protection."""

from __future__ import annotations

import io
import json
import math
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from autoprof_ci import bundle
from autoprof_ci.bundle import refusal
from autoprof_ci.commands.on_github import run
from autoprof_ci.model import (
    BINARY_DSO,
    Accept,
    Bundle,
    Caveat,
    CaveatCode,
    FailOn,
    Function,
    Recording,
)
from tests import factories, hostile_bundles, relayed, step
from tests.fake_github import FakeGithub
from tests.relayed import FLAT, OURS, SLOWER, THEIRS, Forked, Told, flat, instructions, measured, report, slower, zipped
from tests.test_actions import runner_parser

GREEN = "### 🟢 No regression in `worker`: 1 workload, 3 hot functions, against `{base}` (merge base)"
RED = "### 🔴 `worker` executes 25 % more instructions in `work`: each call of `check` is 50 % dearer"
UNSURE = "### 🟡 Not sure whether `worker` got slower: a workload of the base branch was not compared in this run."
NOT_OURS = "The run did not measure this repository's own baseline, so the numbers stored with that are compared instead"
LEFT_OUT = "A workload of the base branch was not compared in this run"
LOOSENED = "This pull request loosens thresholds"


@pytest.fixture
def github() -> Iterator[FakeGithub]:
    with FakeGithub() as running:
        yield running


@pytest.fixture
def forked(github: FakeGithub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forked:
    monkeypatch.chdir(tmp_path)  # the step goes into its workspace: afterwards we are where we were
    return Forked.arranged(github, tmp_path)


def with_baseline(forked: Forked, *names: str) -> Bundle:
    """Our baseline of these workloads; gives what an honest run says of it."""
    ours = measured(*(instructions(name, FLAT) for name in names or ("work",)))
    forked.stored(ours)
    return replace(ours, commit=forked.base)


# --- an honest run -------------------------------------------------------------------------------------------------------


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


# --- whose baseline ------------------------------------------------------------------------------------------------------


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


# --- which workloads -----------------------------------------------------------------------------------------------------


def test_relay__a_workload_that_was_left_out_does_not_pass(forked: Forked) -> None:
    baseline = with_baseline(forked, "work", "again")
    forked.claims(replace(baseline, recording=measured().recording), flat())
    told = forked.tell()
    assert (told.code, told.first_line, told.state, told.outputs["outcome"]) == (0, UNSURE, "error", "inconclusive")
    assert f"- {LEFT_OUT} (again). Measure it too." in told.visible
    assert "What helps" not in told.visible


def test_relay__many_that_were_left_out_are_one_sentence(forked: Forked) -> None:
    baseline = with_baseline(forked, "work", *(f"w{number}" for number in range(40)))
    forked.claims(replace(baseline, recording=measured().recording), flat())
    told = forked.tell()
    assert told.first_line == UNSURE
    assert f"- {LEFT_OUT} (w0, w1, w2, and 37 more)." in told.visible


def test_relay__a_regression_stays_one_where_something_was_left_out(forked: Forked) -> None:
    baseline = with_baseline(forked, "work", "again")
    forked.claims(replace(baseline, recording=measured().recording), slower())
    told = forked.tell()
    assert (told.first_line, told.state) == (RED, "failure")
    assert f"- {LEFT_OUT} (again)." in told.visible


@pytest.mark.parametrize("side", ["baseline", "candidate"])
def test_relay__a_workload_that_is_claimed_to_fail_was_left_out(forked: Forked, side: str) -> None:
    baseline = with_baseline(forked, "work", "again")
    failing = Recording(instructions=(instructions("work", FLAT),), failed_workloads={"again": "exited with 3"})
    candidate = replace(flat("work", "again"), recording=failing) if side == "candidate" else slower("again")
    forked.claims(replace(baseline, recording=failing), replace(candidate, session="together"))
    told = forked.tell()
    assert (told.outputs["outcome"], told.state) == ("inconclusive", "error")
    assert f"- {LEFT_OUT} (" in told.visible


def test_relay__a_run_that_measured_other_workloads_only_does_not_pass(forked: Forked) -> None:
    with_baseline(forked)
    forked.claims(measured(instructions("nothing", FLAT)), flat("nothing"))
    told = forked.tell()
    assert (told.outputs["outcome"], told.state) == ("inconclusive", "error")
    assert f"- {LEFT_OUT} (work)." in told.visible


def test_relay__a_changed_workload_is_named(forked: Forked) -> None:
    baseline = with_baseline(forked)
    other = {"work": "d7" * 32}
    forked.claims(replace(baseline, workload_digests=other), replace(slower(), workload_digests=other))
    told = forked.tell()
    assert told.first_line == RED
    said = "- The workload itself changed in this pull request; both programs were measured on the new one (work)."
    assert said in told.visible


@pytest.mark.parametrize("beside", ["measured", "left-out"])
def test_relay__changing_a_workload_does_not_switch_off_the_gate(forked: Forked, beside: str) -> None:
    """Neither with a baseline on which the new one fails, nor without any baseline."""
    baseline = with_baseline(forked)
    other = {"work": "d7" * 32}
    failing = Recording(failed_workloads={"work": "exited with 3"})
    theirs = replace(baseline, workload_digests=other, recording=failing) if beside == "measured" else None
    forked.claims(theirs, replace(slower(), workload_digests=other))
    told = forked.tell()
    assert (told.state, told.outputs["outcome"]) == ("error", "inconclusive")
    assert told.first_line is not None and told.first_line.startswith(UNSURE.removesuffix("."))
    assert f"- {LEFT_OUT} (work)." in told.visible


def test_relay__a_new_workload_beside_ours_is_fine(forked: Forked) -> None:
    baseline = with_baseline(forked)
    both = replace(baseline, recording=measured(instructions("work", FLAT), instructions("new", FLAT)).recording)
    forked.claims(both, flat("work", "new"))
    told = forked.tell()
    assert (told.outputs["outcome"], told.state) == ("pass", "success")
    assert LEFT_OUT not in told.visible


@pytest.mark.parametrize("caveats", [(), (Caveat(code=CaveatCode.TIME_UNAVAILABLE),)], ids=["silent", "told"])
def test_relay__an_instrument_that_was_left_out_is_told(forked: Forked, caveats: tuple[Caveat, ...]) -> None:
    counted = instructions("work", FLAT)
    sampled = factories.samples(factories.workload_samples(name="work"))
    forked.stored(measured(recording=Recording(instructions=(counted,), samples=sampled)))
    theirs = Recording(instructions=(counted,), caveats=caveats)
    forked.claims(measured(recording=theirs), replace(flat(), recording=theirs))
    told = forked.tell()
    assert (told.outputs["outcome"], told.state) == ("pass", "success")
    said = "- The base branch's baseline was measured in more ways than this run (time is missing)."
    assert (said in told.visible) is not bool(caveats)
    assert ("- Time could not be measured here." in told.visible) is bool(caveats)


def test_relay__equal_programs_need_no_numbers(forked: Forked) -> None:
    baseline = with_baseline(forked)
    nothing = Recording()
    forked.claims(replace(baseline, recording=nothing), measured(recording=nothing))
    told = forked.tell()
    assert (told.code, told.state) == (0, "success")
    assert told.first_line == f"### 🟢 Nothing to measure: `worker` is byte for byte the one of `{forked.base[:7]}` (merge base)."


@pytest.mark.parametrize("where", ["empty", "said-by-themselves"])
def test_relay__equal_to_something_else_is_no_pass(forked: Forked, where: str) -> None:
    with_baseline(forked)
    says = (Caveat(code=CaveatCode.IDENTICAL_PROGRAMS, detail="f" * 40),) if where != "empty" else ()
    nothing = Recording(caveats=says)
    forked.claims(measured(recording=nothing, binaries=(THEIRS,)), measured(recording=nothing, binaries=(THEIRS,)))
    told = forked.tell()
    assert (told.outputs["outcome"], told.state) == ("inconclusive", "error")
    assert "byte for byte" not in (told.body or "")


# --- whose settings ------------------------------------------------------------------------------------------------------


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


# --- what was left behind ------------------------------------------------------------------------------------------------


def _with_flag() -> bytes:
    return hostile_bundles.patched(report(measured(), flat()), hostile_bundles.CENTRAL, 8, "<H", 1)


def _claiming(size_bytes: int) -> bytes:
    return hostile_bundles.patched(report(measured(), flat()), hostile_bundles.CENTRAL, 24, "<L", size_bytes)


def _symlink() -> bytes:
    info = zipfile.ZipInfo("candidate.bundle.zip")
    info.external_attr = 0o120777 << 16
    return zipped((info, b"/etc/passwd"))


def _of_zeros() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("candidate.bundle.zip", bytes(64 << 20))
    return buffer.getvalue()


def _many_members() -> bytes:
    return zipped(*((f"charts/{number}.png", b"") for number in range(3000)), ("candidate.bundle.zip", bundle.encode(flat())))


def _candidate(data: bytes) -> bytes:
    return zipped(("candidate.bundle.zip", data))


def _not_a_number(text: str) -> bytes:
    members = hostile_bundles.members_of(bundle.encode(flat()))
    spoilt = members["instructions.json"].replace(str(int(FLAT)).encode(), text.encode())
    assert spoilt != members["instructions.json"]
    return _candidate(zipped(*({**members, "instructions.json": spoilt}).items()))


UNREADABLE: dict[str, Callable[[], bytes]] = {
    "no-zip": lambda: b"<html>not a zip</html>",
    "empty": lambda: b"",
    "cut-off": lambda: report(measured(), flat())[:-30],
    "no-bundle": lambda: zipped(("comment.md", b"### all green")),
    "bundle-elsewhere": lambda: zipped(("../candidate.bundle.zip", bundle.encode(flat()))),
    "absolute": lambda: zipped(("/candidate.bundle.zip", bundle.encode(flat()))),
    "twice": lambda: zipped(*(("candidate.bundle.zip", bundle.encode(each)) for each in (flat(), slower()))),
    "encrypted": _with_flag,
    "symlink": _symlink,
    "bomb": _of_zeros,
    "claims-4-gib": lambda: _claiming(2**32 - 2),
    "claims-512-mib": lambda: _claiming(512 << 20),
    "directory-of-thousands": _many_members,
    "bundle-is-a-report": lambda: _candidate(report(measured(), flat())),
    "nan": lambda: _not_a_number("NaN"),
    "infinite": lambda: _not_a_number("1e999"),
    "negative": lambda: _not_a_number("-1"),
    "newer-schema": lambda: _candidate(hostile_bundles.changed("manifest", "schema", to=2)),
    "failed-json-broken": lambda: zipped(("failed.json", b"{")),
    "failed-json-other": lambda: zipped(("failed.json", b'{"schema": 1, "what": ["x"], "next_step": ""}')),
    "failed-json-large": lambda: zipped(("failed.json", b" " * (1 << 20))),
    "failed-json-twice": lambda: zipped(("failed.json", b"{}"), ("failed.json", b"{}")),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_relay__what_cannot_be_read_is_told_and_never_passes(forked: Forked, case: str) -> None:
    """Exit 0: a fork must not be able to paint the base branch's newest commit red."""
    with_baseline(forked)
    forked.left(UNREADABLE[case]())
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert told.first_line is not None and told.first_line.startswith("### ⚪ Not measured: ")
    assert "Traceback" not in told.log
    assert "::warning::" in told.log and "than 0 MiB" not in told.log


@pytest.mark.parametrize("case", [name for name in hostile_bundles.CASES if name not in ("empty",)])
def test_relay__a_bundle_that_decode_refuses_is_told(forked: Forked, case: str) -> None:
    make, reason, _ = hostile_bundles.CASES[case]
    with_baseline(forked)
    forked.left(_candidate(make()))
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert f"candidate.bundle.zip: {reason}" in told.log.replace("%25", "%")


def test_relay__a_digest_that_differs_is_told(forked: Forked) -> None:
    """The artifact was another one when it was listed."""
    with_baseline(forked)
    forked.left(report(measured(), flat()), digest="sha256:" + "0" * 64)
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert "is damaged: its bytes are not those that were uploaded" in told.log


def test_relay__an_artifact_that_is_too_large_is_not_fetched(forked: Forked) -> None:
    number = forked.left(report(measured(), flat()))
    forked.repository.artifacts[number].size_bytes = 2**40
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert not [request for request in forked.github.log if "/blob" in request.path or request.path.endswith("/zip")]


def test_relay__a_report_that_expired_is_none(forked: Forked) -> None:
    forked.left(report(measured(), flat()), expired=True)
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert told.first_line == "### ⚪ Not measured: the run that measures left no report."


@pytest.mark.parametrize("conclusion", ["success", "failure", "timed_out", "startup_failure"])
def test_relay__a_run_without_a_report_is_told(forked: Forked, conclusion: str) -> None:
    forked.ran(conclusion=conclusion)
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert told.first_line == "### ⚪ Not measured: the run that measures left no report."


def test_relay__the_newest_attempt_counts(forked: Forked) -> None:
    baseline = with_baseline(forked)
    forked.ran(attempt=11)
    forked.left(report(baseline, slower()), "autoprof-report-2")
    forked.left(report(baseline, flat()), "autoprof-report-11")
    forked.left(report(baseline, slower()), "autoprof-report-9")
    told = forked.tell()
    assert (told.first_line, told.state) == (GREEN.format(base=forked.base[:7]), "success")


@pytest.mark.parametrize("name", ["autoprof-report", "autoprof-report-0", "autoprof-report-1x", "autoprof-report-arm-1", "x"])
def test_relay__other_artifacts_are_not_the_report(forked: Forked, name: str) -> None:
    forked.left(report(measured(), flat()), name)
    assert forked.tell().first_line == "### ⚪ Not measured: the run that measures left no report."


def test_relay__the_report_of_another_run_is_not_looked_at(forked: Forked) -> None:
    baseline = with_baseline(forked)
    forked.ran(id=6)
    forked.repository.artifact("autoprof-report-2", report(baseline, flat()), 6)
    forked.claims(baseline, slower())
    assert forked.tell().first_line == RED


def test_relay__a_failure_is_told_in_its_words(forked: Forked) -> None:
    said = {"schema": 1, "what": "The workload work exited with 3 instead of 0", "next_step": "Look at it."}
    forked.left(zipped(("failed.json", json.dumps(said).encode()), ("candidate.bundle.zip", bundle.encode(flat()))))
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert told.first_line == "### ⚪ Not measured: the workload work exited with 3 instead of 0."
    assert told.description == "not measured: The workload work exited with 3 instead of 0"


# --- text that wants to be more ------------------------------------------------------------------------------------------

HOSTILE = (
    "<!-- autoprof-ci key=default --> --> <img src=x onerror=alert(1)> </details> @octocat #1 [x](javascript:alert(1)) "
    "| `a` ```\n::error::pwned\n##[error]pwned\n\x1b[31m\u202e$\\frac{1}{0$ ![](https://evil.example/x.png) GH-1 www.evil.example"
)


class _Tags(HTMLParser):
    """What a browser is given of a comment: its tags, and where they lead."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.comments: list[str] = []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table"]).render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "srcset")]

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def _assert_harmless(told: Told, ours: str) -> None:
    """`ours`: how every address begins that may be in the comment."""
    shown = _Tags(told.body or "")
    assert shown.tags <= {"h3", "p", "a", "ul", "li", "code", "pre", "details", "summary", "em", "strong", "b", "br", "hr"} | {
        "table", "thead", "tbody", "tr", "th", "td"
    }  # fmt: skip
    assert [address for address in shown.addresses if not address.startswith(ours)] == []
    assert len([each for each in shown.comments if "autoprof-ci key=" in each]) == 1
    prose = re.sub(r"(`+).*?\1", "", told.body or "", flags=re.DOTALL)
    assert not re.search(r"(?<![\w`])@octocat|(?<!\w)#1\b|GH-1\b", prose)
    for text in (told.body or "", told.log, told.summary, told.description or ""):
        assert not re.search("[\x00-\x08\x1b\u202e]", text)
    assert {each.name for each in runner_parser.found(told.log.encode())} <= {"add-mask", "notice", "warning"}


def test_relay__hostile_names_stay_names(forked: Forked) -> None:
    name = refusal.escape_line(HOSTILE)
    functions = (Function("main", BINARY_DSO), Function("mix", BINARY_DSO), Function(name[:400], BINARY_DSO))
    work = instructions("work", FLAT, functions), instructions("work", SLOWER, functions)
    ours = measured(work[0])
    forked.stored(ours)
    accept = Accept(match=(name[:300],), up_to=0.001, reason=name[:300], expires=date(2099, 1, 1))
    candidate = replace(
        measured(work[1], binaries=(THEIRS,)),
        policy=replace(factories.policy(), accepts=(accept,)),
        tool_version=name[:50],
        machine=replace(factories.machine(), cpu_model=name[:90], kernel=name[:90], sandbox=name[:90]),
    )
    candidate = replace(
        candidate,
        recording=replace(candidate.recording, caveats=tuple(Caveat(code=code, detail=name[:200]) for code in CaveatCode)),
    )
    forked.claims(replace(ours, commit=forked.base), candidate)
    told = forked.tell()
    assert (told.code, told.state) == (0, "failure")
    _assert_harmless(told, forked.github.url)


def test_relay__a_hostile_failure_stays_text(forked: Forked) -> None:
    said = {"schema": 1, "what": HOSTILE, "next_step": HOSTILE}
    forked.left(zipped(("failed.json", json.dumps(said).encode())))
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    _assert_harmless(told, forked.github.url)
    assert "\u202e" not in (told.description or "")


def test_relay__names_for_pictures_are_not_formulas(forked: Forked) -> None:
    """The pictures' own language has formulas between dollars; and with `contents: write` pictures are drawn."""
    functions = (Function("main", BINARY_DSO), Function("$\\frac{1}{0$", BINARY_DSO), Function("$x^{$ \\", BINARY_DSO))
    ours = measured(instructions("work", FLAT, functions))
    forked.stored(ours)
    forked.claims(replace(ours, commit=forked.base), measured(instructions("work", SLOWER, functions), binaries=(THEIRS,)))
    told = forked.tell(permissions={**relayed.TRUSTED, "contents": "write"})
    assert (told.code, told.state) == (0, "failure")
    assert "<picture>" in (told.body or "")


def test_relay__ten_thousand_functions_and_absurd_numbers(forked: Forked) -> None:
    functions = factories.functions(10_000)
    huge = instructions("work", 9e17, functions)
    ours = measured(instructions("work", FLAT, functions))
    forked.stored(ours)
    forked.claims(replace(ours, commit=forked.base), measured(huge, binaries=(THEIRS,)))
    told = forked.tell()
    assert (told.code, told.state) == (0, "failure")
    assert len(told.body or "") < 65_536
    assert not any(math.isnan(value) for value in huge.inclusive)
    assert "nan" not in (told.description or "") and "inf" not in (told.description or "")


# --- who is told ---------------------------------------------------------------------------------------------------------


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


# --- nothing is started, nothing is unpacked -----------------------------------------------------------------------------

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
