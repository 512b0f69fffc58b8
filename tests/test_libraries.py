"""Shared libraries: what a program brings along, what is missing here, and what another system can add."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.libraries import C_LIBRARY, complete, missing, needed_from_elsewhere, resolved_below
from autoprof_ci.measure.plan import Plan, Program
from autoprof_ci.measure.staging import Stage
from autoprof_ci.model import MeasureSettings, Workload
from tests.programs import built

pytestmark = pytest.mark.needs("cc")

VERSIONS = "ANSWER_1 { global: answer; }; ANSWER_2 { global: question; } ANSWER_1;\n"


def compile_in(folder: Path, *arguments: str) -> None:
    subprocess.run(("cc", "-O1", *arguments), cwd=folder, check=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`built/tool` needs libouter.so.1, which needs libanswer.so.1: both in `built/libs`, named by run paths only."""
    libs = tmp_path / "built" / "libs"
    libs.mkdir(parents=True)
    (tmp_path / "answer.c").write_text("int answer(void) { return 42; }\nint question(void) { return 6; }\n")
    (tmp_path / "outer.c").write_text("int answer(void);\nint outer(void) { return answer() - 42; }\n")
    (tmp_path / "main.c").write_text("int outer(void);\nint main(void) { return outer(); }\n")
    (tmp_path / "versions").write_text(VERSIONS)
    library(tmp_path, "answer", "-Wl,--version-script=versions")
    library(tmp_path, "outer", "-L", str(libs), "-l:libanswer.so.1", "-Wl,-rpath,$ORIGIN")
    program(tmp_path, "tool", "-Wl,-rpath,$ORIGIN/libs")
    return tmp_path


def library(folder: Path, name: str, *options: str) -> None:
    soname = f"lib{name}.so.1"
    compile_in(folder, "-shared", "-fPIC", f"-Wl,-soname,{soname}", "-o", f"built/libs/{soname}", f"{name}.c", *options)


def program(folder: Path, name: str, *options: str) -> None:
    libs = folder / "built" / "libs"
    compile_in(folder, "-o", f"built/{name}", "main.c", "-L", str(libs), "-l:libouter.so.1", f"-Wl,-rpath-link,{libs}", *options)


def both(libs: Path) -> dict[str, Path]:
    return {name: libs / name for name in ("libouter.so.1", "libanswer.so.1")}


def moved(folder: Path, root: str = "host") -> Path:
    """The libraries, as they lie in another system's folders below `root`."""
    target = folder / root / "usr" / "lib"
    target.parent.mkdir(parents=True)
    (folder / "built" / "libs").rename(target)
    return target


def test_needed_from_elsewhere__by_run_path(folder: Path) -> None:
    assert needed_from_elsewhere(folder / "built" / "tool") == both(folder / "built" / "libs")
    assert missing(folder / "built" / "tool") == ()


@pytest.mark.parametrize("options", [(), ("-static",)])
def test_needed_from_elsewhere__nothing_of_the_systems(options: tuple[str, ...]) -> None:
    acts = built("acts", *options)
    assert (needed_from_elsewhere(acts), missing(acts)) == ({}, ())


def test_needed_from_elsewhere__older_run_paths_are_handed_down(folder: Path) -> None:
    library(folder, "outer", "-L", "built/libs", "-l:libanswer.so.1")
    program(folder, "old", "-Wl,--disable-new-dtags,-rpath,$ORIGIN/libs")
    assert needed_from_elsewhere(folder / "built" / "old") == both(folder / "built" / "libs")


def test_missing__with_all_that_is_not_found(folder: Path) -> None:
    moved(folder)
    assert missing(folder / "built" / "tool") == ("libouter.so.1",)


def test_complete__closed_over_its_own_needs(folder: Path) -> None:
    there = moved(folder)
    assert complete(folder / "built" / "tool", (folder / "nowhere", there), folder / "host") == both(there)


def test_complete__absolute_links_mean_the_other_system(folder: Path) -> None:
    there = moved(folder)
    (there / "libanswer.so.1").rename(there / "libanswer.so.1.0")
    (there / "libanswer.so.1").symlink_to("/usr/lib/libanswer.so.1.0")
    (folder / "host" / "lib").symlink_to("/usr/lib")
    found = complete(folder / "built" / "tool", (folder / "host" / "lib",), folder / "host")
    assert found == {"libouter.so.1": there / "libouter.so.1", "libanswer.so.1": there / "libanswer.so.1.0"}


def test_complete__all_that_is_missing_is_listed(folder: Path) -> None:
    there = moved(folder)
    (there / "libanswer.so.1").unlink()
    with pytest.raises(ProgramError) as caught:
        complete(folder / "built" / "tool", (there,), folder / "host")
    assert str(caught.value).replace(str(folder), "DIR") == (
        "DIR/built/tool needs shared libraries that are not here: libanswer.so.1 (needed by libouter.so.1); looked in the "
        "system's folders and in DIR/host/usr/lib. Build it with static libraries, or with a run path of $ORIGIN and the "
        "libraries beside it."
    )


def test_complete__what_is_here_in_too_old_a_version(folder: Path) -> None:
    """As a program built with a newer compiler needs that one's libstdc++."""
    there = moved(folder)
    (folder / "main.c").write_text("int question(void);\nint main(void) { return question() - 6; }\n")
    compile_in(folder, "-o", "built/newer", "main.c", "-L", str(there), "-l:libanswer.so.1", "-Wl,-rpath,$ORIGIN/libs")
    (folder / "versions").write_text("ANSWER_1 { global: answer; };\n")
    (folder / "built" / "libs").mkdir()
    library(folder, "answer", "-Wl,--version-script=versions")
    tool = folder / "built" / "newer"
    assert missing(tool) == ("libanswer.so.1",)
    assert complete(tool, (there,), folder / "host") == {"libanswer.so.1": there / "libanswer.so.1"}
    with pytest.raises(ProgramError, match=r"newer needs ANSWER_2, and \S+/built/libs/libanswer\.so\.1 is older"):
        complete(tool, ())


def test_missing__newer_c_library(folder: Path) -> None:
    """Nothing can complete the C library: it comes with its loader."""
    content = (folder / "built" / "tool").read_bytes()
    version = b"GLIBC_2.34" if b"GLIBC_2.34" in content else b"GLIBC_2.17"
    newer = folder / "built" / "newer"
    newer.write_bytes(content.replace(version, b"GLIBC_9.99"))
    for look in (missing, lambda path: complete(path, (folder,))):
        with pytest.raises(
            ProgramError, match=r"needs another C library than there is: libc\.so\.6 \(newer needs GLIBC_9\.99, and"
        ):
            look(newer)


def test_missing__no_loader(folder: Path) -> None:
    path = folder / "built" / "tool"
    loader = (
        b"/lib64/ld-linux-x86-64.so.2" if b"/lib64/ld-linux-x86-64.so.2" in path.read_bytes() else b"/lib/ld-linux-aarch64.so.1"
    )
    path.write_bytes(path.read_bytes().replace(loader, b"/lib/absent".ljust(len(loader), b"x")))
    with pytest.raises(ProgramError, match=r"needs the loader /lib/absentx+, which is not installed"):
        missing(path)


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"#!/bin/sh\n"])
def test_missing__not_a_program(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "tool").write_bytes(content)
    with pytest.raises(ProgramError, match="cannot be read as a native program"):
        missing(tmp_path / "tool")


def test_missing__a_pipe_in_place_of_a_library(folder: Path) -> None:
    (folder / "built" / "libs" / "libouter.so.1").unlink()
    os.mkfifo(folder / "built" / "libs" / "libouter.so.1")
    assert missing(folder / "built" / "tool") == ("libouter.so.1",)


def test_missing__damaged_anywhere(folder: Path) -> None:
    """Never anything but an answer or a `ProgramError`."""
    content = (folder / "built" / "tool").read_bytes()
    outcomes = set()
    for position in range(0, len(content), 97):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        (folder / "built" / "damaged").write_bytes(damaged)
        try:
            missing(folder / "built" / "damaged")
            outcomes.add("answer")
        except ProgramError:
            outcomes.add("error")
    assert "answer" in outcomes


@pytest.mark.parametrize(
    "name", ["libc.so.6", "ld-linux-x86-64.so.2", "libpthread.so.0", "libm.so.6", "libdl.so.2", "librt.so.1"]
)
def test_c_library__is_never_taken_from_elsewhere(name: str) -> None:
    assert C_LIBRARY.match(name)


@pytest.mark.parametrize("name", ["libcrypto.so.3", "libmagic.so.1", "libstdc++.so.6", "libgcc_s.so.1", "libcurl.so.4"])
def test_c_library__others_are(name: str) -> None:
    assert not C_LIBRARY.match(name)


def test_resolved_below__no_way_out(tmp_path: Path) -> None:
    root = tmp_path / "host"
    (root / "etc").mkdir(parents=True)
    (root / "etc" / "passwd").write_text("theirs")
    (root / "up").symlink_to("../../../../../../etc/passwd")
    (root / "round").symlink_to("round")
    assert resolved_below(root / "up", root) == root / "etc" / "passwd"
    assert resolved_below(root / "round", root) is None
    assert resolved_below(root / "none", root) is None


def test_stage__brings_libraries_along(folder: Path) -> None:
    workload = Workload(name="w", command=("{binary}",))
    tool = folder / "built" / "tool"
    programs = tuple(
        Program(label=label, binary=tool, libraries=libraries)
        for label, libraries in (("baseline", {}), ("candidate", needed_from_elsewhere(tool)))
    )
    plan = Plan(programs=programs, workloads=(workload,), settings=MeasureSettings(), data=None, config_folder=folder)
    with Stage(plan) as stage:
        exits = []
        for program in programs:
            with stage.prepare(program, workload, 1, stage.lanes[0]) as starts:
                exits.append((stage.run(starts, log_folder=stage.lanes[0].logs)[0].exit_code, starts[0].env["LD_LIBRARY_PATH"]))
    path = str(stage.lanes[0].program / ".libraries")
    assert exits == [(127, path), (0, path)]
