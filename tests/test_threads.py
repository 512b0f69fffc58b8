"""A program whose threads wait for one another: how often they do is nobody's doing, and hides nobody's either."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from autoprof_ci import cli

pytestmark = pytest.mark.needs("cargo", "valgrind")
SOURCE = Path(__file__).parent / "programs" / "threads.rs"
MORE = ("for turn in 0..turns {", "for turn in 0..turns + turns / 33 {")


def built(folder: Path, *edit: str) -> Path:
    text = SOURCE.read_text()
    folder.mkdir()
    (folder / "threads.rs").write_text(text.replace(*edit) if edit else text)
    assert not edit or edit[0] in text
    command = ["rustc", "--edition=2021", "-Copt-level=3", "-g", "-o", "threads", "threads.rs"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder / "threads"


def gated(folder: Path, baseline: Path, candidate: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any]]:
    monkeypatch.chdir(folder)
    words = ["gate", "--force", "--instrument", "instructions", "--baseline-binary", str(baseline), "--binary", str(candidate)]
    code = cli.main([*words, "--", "2000"])
    return code, json.loads((folder / "out" / "verdict.json").read_text())


def test_gate__threads_that_wait_otherwise_fail_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = built(tmp_path / "one")
    code, verdict = gated(tmp_path, program, program, monkeypatch)
    assert (code, verdict["outcome"] in ("pass", "inconclusive")) == (0, True)
    (workload,) = verdict["workloads"]
    assert [f["subject"] for f in workload["findings"] if f["status"] == "regression"] == []


def test_gate__three_per_cent_more_in_a_worker_is_found_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = built(tmp_path / "one"), built(tmp_path / "two", *MORE)
    code, verdict = gated(tmp_path, *programs, monkeypatch)
    assert code == 1
    (workload,) = verdict["workloads"]
    found = {f["subject"]: f for f in workload["findings"]}["threads::mixed"]
    assert found["status"] == "regression"
    assert {"code": "dearer_calls"}.items() <= {**found["reasons"][0]}.items()
    assert found["calls"] == {"baseline": 400, "candidate": 400}
