"""Shared libraries that lie beside a program are a part of it: kept in its bundle, measured with it, compared like it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci import bundle
from autoprof_ci.commands import programs
from autoprof_ci.commands.measuring import same_programs
from autoprof_ci.measure.plan import BASELINE, CANDIDATE
from autoprof_ci.measure.program import check_program
from autoprof_ci.pipeline import Side
from tests import factories

pytestmark = pytest.mark.needs("cc")

LIBRARY_C = "unsigned long answer(unsigned long n) { unsigned long s = FACTOR; while (n--) s = s * 31 + n; return s; }\n"
MAIN_C = "unsigned long answer(unsigned long); int main(void) { return answer(1000) == 0; }\n"


def build(folder: Path, factor: int) -> Path:
    """`tool`, which finds libs/libanswer.so.1 by where it lies itself."""
    (folder / "libs").mkdir(parents=True)
    (folder / "answer.c").write_text(LIBRARY_C)
    (folder / "main.c").write_text(MAIN_C)
    soname = "libanswer.so.1"
    for words in (
        ("-shared", "-fPIC", f"-DFACTOR={factor}", f"-Wl,-soname,{soname}", "-o", f"libs/{soname}", "answer.c"),
        ("-o", "tool", "main.c", f"libs/{soname}", "-Wl,-rpath,$ORIGIN/libs"),
    ):
        subprocess.run(("cc", "-O1", *words), cwd=folder, check=True)
    return folder / "tool"


def side_of(folder: Path, factor: int) -> Side:
    return programs.side(CANDIDATE, programs.Named(binary=build(folder, factor), folder=folder), check_program)


def test_from_bundle__brings_its_own_libraries(tmp_path: Path) -> None:
    """Not the candidate's, which may be what has become slower."""
    recorded = side_of(tmp_path / "old", 1)
    assert recorded.program is not None
    stored = bundle.decode(bundle.encode(replace(factories.bundle(), binaries=recorded.binaries)), source="a baseline")
    back = programs.from_bundle(BASELINE, stored, tmp_path / "unpacked", check_program).program
    assert back is not None
    assert (back.binary.name, back.extra_binaries, list(back.libraries)) == ("tool", {}, ["libanswer.so.1"])
    for kept, original in (
        (back.binary, recorded.program.binary),
        *zip(back.libraries.values(), recorded.program.libraries.values(), strict=True),
    ):
        assert kept.read_bytes() == original.read_bytes()


def test_same_programs__only_a_library_differs(tmp_path: Path) -> None:
    one, same, other = side_of(tmp_path / "a", 1), side_of(tmp_path / "b", 1), side_of(tmp_path / "c", 2)
    assert [binary.name for binary in one.binaries] == ["tool", "libanswer.so.1"]
    assert same_programs(one, same)
    assert not same_programs(one, other)
