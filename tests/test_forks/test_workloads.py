"""Workloads that a fork's run left out, changed or added."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoprof_ci.model import (
    Caveat,
    CaveatCode,
    Recording,
)
from tests import factories
from tests.relayed import FLAT, THEIRS, Forked, flat, instructions, measured, slower
from tests.test_forks.arranged import LEFT_OUT, RED, UNSURE, with_baseline


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
    says = f"### 🟢 Nothing to measure: `worker` does the same as that of `{forked.base[:7]}` (merge base);"
    assert told.first_line is not None
    assert told.first_line.startswith(says)


@pytest.mark.parametrize("where", ["empty", "said-by-themselves"])
def test_relay__equal_to_something_else_is_no_pass(forked: Forked, where: str) -> None:
    with_baseline(forked)
    says = (Caveat(code=CaveatCode.IDENTICAL_PROGRAMS, detail="f" * 40),) if where != "empty" else ()
    nothing = Recording(caveats=says)
    forked.claims(measured(recording=nothing, binaries=(THEIRS,)), measured(recording=nothing, binaries=(THEIRS,)))
    told = forked.tell()
    assert (told.outputs["outcome"], told.state) == ("inconclusive", "error")
    assert "does the same" not in (told.body or "")
