"""A workload with every key finds in the measuring container exactly what it finds where it is measured as we are."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.plan import CANDIDATE, Plan, Program, Progress
from autoprof_ci.measure.session import measure
from autoprof_ci.model import Recording, Workload
from tests.in_a_container import QUICK, ignore, session
from tests.programs import built

pytestmark = [pytest.mark.needs("docker-engine"), pytest.mark.needs("cc")]

Measure = Callable[[Plan, Callable[[Progress], None]], Mapping[str, Recording]]
LONG_AGO = 1_500_000_000


def folder_of_inputs(root: Path) -> Path:
    """Folders in folders, an empty one, a link, a script, modes, names that are not ASCII; all of them old."""
    inputs = root / "in"
    (inputs / "deep" / "deeper").mkdir(parents=True)
    (inputs / "empty").mkdir()
    (inputs / "deep" / "deeper" / "größe ü.txt").write_text("content")
    (inputs / "script.sh").write_text("#!/bin/sh\ntrue\n")
    (inputs / "script.sh").chmod(0o755)
    (inputs / "private").write_text("mine")
    (inputs / "private").chmod(0o600)
    (inputs / "deep" / "link").symlink_to("../private")
    (inputs / "closed").mkdir(mode=0o700)
    (root / "words.txt").write_text("what stands on standard input\n" * 1000)
    for path in (*inputs.rglob("*"), inputs, root / "words.txt"):
        os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)
    return inputs


def everything(root: Path) -> Plan:
    """Every key that changes what a program finds."""
    folder_of_inputs(root)
    data = root / "generated"
    (data / "sessions").mkdir(parents=True)
    (data / "sessions" / "one.json").write_text("{}")
    os.utime(data / "sessions" / "one.json", (LONG_AGO, LONG_AGO))
    helper = root / "seer-helper"
    helper.write_bytes(built("acts").read_bytes())
    helper.chmod(0o755)
    workload = Workload(
        name="all",
        command=("{binary}", "{data}", "{seer_helper} work 10", "{scratch}/made", "{{literal}}", "ü", ""),
        inputs=("in", "words.txt"),
        stdin="words.txt",
        setup=(
            ("sh", "-c", "cat in/private > made && echo $KEY > $HOME/home && mkdir $TMPDIR/made"),
            ("{seer_helper}", "work", "10"),
            ("chmod", "700", "made"),
        ),
        env={"KEY": "a value", "EMPTY": "", "LANG": "C", "WHERE": "{scratch}/x", "DATA": "{data}/sessions"},
    )
    return Plan(
        programs=(Program(label=CANDIDATE, binary=built("seer"), extra_binaries={"seer_helper": helper}),),
        workloads=(workload,),
        settings=QUICK,
        data=data,
        config_folder=root,
    )


def told(plan: Plan, measure: Measure) -> str:
    with pytest.raises(ProgramError) as caught:
        measure(plan, ignore)
    return caught.value.what


def test_session__workload_with_every_key_finds_what_it_finds_outside(tmp_path: Path) -> None:
    plan = everything(tmp_path)
    outside = told(plan, measure)
    assert "helper 1" in outside
    assert told(plan, session().measure) == outside


def test_session__other_inputs_are_told_apart(tmp_path: Path) -> None:
    """The control: each number speaks of what it is named after."""
    plan = everything(tmp_path)
    first = told(plan, measure)
    (tmp_path / "in" / "private").write_text("other")
    second = told(replace(plan, workloads=(replace(plan.workloads[0], env={"KEY": "other"}),)), measure)
    parts = [dict(part.rsplit(" ", 1) for part in said.split("last words: ")[1].split(", ")) for said in (first, second)]
    assert {name for name in parts[0] if parts[0][name] != parts[1][name]} == {"environment", "files"}
