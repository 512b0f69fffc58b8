"""Programs that bring their C library along, whichever it is, are gated like any other."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from autoprof_ci import cli

pytestmark = pytest.mark.needs("valgrind")
SOURCE = Path(__file__).parent / "programs" / "words.c"
LINKED = pytest.mark.parametrize(
    ("compiler", "options"),
    [
        pytest.param("musl-gcc", ("-static",), marks=pytest.mark.needs("musl-gcc"), id="musl"),
        pytest.param("cc", ("-static",), marks=pytest.mark.needs("cc"), id="static"),
        pytest.param("cc", ("-static-pie",), marks=pytest.mark.needs("cc"), id="static-pie"),
        pytest.param("cc", ("-no-pie",), marks=pytest.mark.needs("cc"), id="fixed address"),
    ],
)


def built(folder: Path, compiler: str, options: tuple[str, ...]) -> Path:
    folder.mkdir()
    subprocess.run([compiler, "-O2", "-g", *options, "-o", folder / "words", SOURCE], check=True, capture_output=True)
    return folder / "words"


def gated(folder: Path, baseline: Path, candidate: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, dict[str, Any]]:
    monkeypatch.chdir(folder)
    words = ["gate", "--force", "--instrument", "instructions", "--baseline-binary", str(baseline), "--binary", str(candidate)]
    code = cli.main([*words, "--", "60"])
    (workload,) = json.loads((folder / "out" / "verdict.json").read_text())["workloads"]
    return code, {f["subject"]: f for f in workload["findings"]}


@LINKED
def test_gate__static_programs(compiler: str, options: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = built(tmp_path / "plain", compiler, options)
    code, found = gated(tmp_path, plain, plain, monkeypatch)
    assert code == 0
    assert {f["status"] for f in found.values()} == {"unchanged"}
    dearer = built(tmp_path / "dearer", compiler, (*options, "-DMORE=5"))
    code, found = gated(tmp_path, plain, dearer, monkeypatch)
    assert code == 1
    assert found["hashed"]["status"] == "regression"
    assert [reason["code"] for reason in found["hashed"]["reasons"]] == ["dearer_calls", "code_changed"]
    red = {name for name, f in found.items() if f["status"] in ("regression", "warning")}
    assert red <= {"hashed", "main", "[total]"}  # gcc does a part of the additional work before the call
