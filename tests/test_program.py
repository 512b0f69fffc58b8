"""Checking the program file: every kind of wrong file, and the facts of right ones."""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.program import ProgramFacts, check_program

pytestmark = pytest.mark.needs("cc")

SOURCE = """\
int number = 7;
__attribute__((noinline)) int twice(int n) { return 2 * n + number; }
int main(void) { return twice(0) != 7; }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `tool` (dynamic), `tool-static`, `tool-stripped`, `needy` (asks for a library that is not there)."""
    folder = tmp_path_factory.mktemp("programs")
    (folder / "tool.c").write_text(SOURCE)
    (folder / "missing.c").write_text("int answer(void) { return 42; }\n")
    (folder / "needy.c").write_text("int answer(void);\nint main(void) { return answer(); }\n")
    compile_in(folder, "tool.c", "-o", "tool", "-Wl,--build-id=0x0102030405060708")
    compile_in(folder, "tool.c", "-o", "tool-static", "-static", "-Wl,--build-id=none")
    compile_in(folder, "tool.c", "-o", "tool-stripped", "-s")
    compile_in(folder, "tool.c", "-c", "-o", "tool.o")
    compile_in(folder, "missing.c", "-shared", "-fPIC", "-o", "libanswer.so")
    compile_in(folder, "needy.c", "-o", "needy", "-L.", "-lanswer", "-Wl,-rpath,/opt/answers/lib")
    (folder / "libanswer.so").rename(folder / "library")
    return folder


def compile_in(folder: Path, *arguments: str) -> None:
    subprocess.run(("cc", "-O1", *arguments), cwd=folder, check=True)


def executable(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(ProgramError) as caught:
        check_program(path)
    assert caught.value.exit_code == 3
    return str(caught.value).replace(str(path.parent), "DIR")


def test_check_program__dynamic(folder: Path) -> None:
    path = folder / "tool"
    facts = check_program(path)
    assert facts == ProgramFacts(
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        size_bytes=path.stat().st_size,
        architecture=platform.machine(),
        build_id="0102030405060708",
        stripped=False,
        static=False,
        needed_libraries=("libc.so.6",),
        interpreter=facts.interpreter,
    )
    assert facts.interpreter is not None and Path(facts.interpreter).exists()


def test_check_program__static_and_stripped(folder: Path) -> None:
    static, stripped = check_program(folder / "tool-static"), check_program(folder / "tool-stripped")
    assert (static.static, static.interpreter, static.needed_libraries, static.build_id) == (True, None, (), None)
    assert (static.stripped, stripped.stripped) == (False, True)


def test_check_program__not_there(tmp_path: Path) -> None:
    assert complaint(tmp_path / "tool") == "There is no program at DIR/tool. Build it first, or correct the path."


def test_check_program__folder(tmp_path: Path) -> None:
    (tmp_path / "tool").mkdir()
    assert complaint(tmp_path / "tool") == "DIR/tool is a folder, not a program. Name the program in it, such as DIR/tool/tool."


def test_check_program__not_executable(folder: Path, tmp_path: Path) -> None:
    path = executable(tmp_path / "tool", (folder / "tool").read_bytes())
    path.chmod(0o644)
    assert complaint(path) == "DIR/tool may not be executed. Allow it: chmod +rx DIR/tool."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"#!/usr/bin/env python3\nprint()\n", "is a script for /usr/bin/env python3, not a native program"),
        (b"#!\n", "is a script for a shell, not a native program"),
        (b"", "is empty"),
        (b"hello", "is not a native program: it does not begin like an ELF file"),
        (b"\x7fELF", "is a damaged ELF file"),
        (b"\x7fELF" + b"\xff" * 200, "is a damaged ELF file"),
    ],
)
def test_check_program__not_native(content: bytes, words: str, tmp_path: Path) -> None:
    assert f"DIR/tool {words}" in complaint(executable(tmp_path / "tool", content))


def test_check_program__another_architecture(folder: Path, tmp_path: Path) -> None:
    other, name = (62, "x86_64") if platform.machine() == "aarch64" else (183, "aarch64")
    content = bytearray((folder / "tool").read_bytes())
    content[18:20] = other.to_bytes(2, "little")
    here = platform.machine()
    assert complaint(executable(tmp_path / "tool", content)) == (
        f"DIR/tool is built for {name}, this machine is {here}. Build it for {here}."
    )


@pytest.mark.parametrize("part", [0.2, 0.5, 0.9, 0.999])
def test_check_program__cut_off(part: float, folder: Path, tmp_path: Path) -> None:
    content = (folder / "tool").read_bytes()
    left = int(len(content) * part)
    assert complaint(executable(tmp_path / "tool", content[:left])) == (
        f"DIR/tool is cut off: it has {left} bytes of {len(content)}. Build it, or download it, again."
    )


def test_check_program__wrong_bytes_anywhere_in_the_headers(folder: Path, tmp_path: Path) -> None:
    """Never anything but facts or a `ProgramError`."""
    content = (folder / "tool").read_bytes()
    outcomes = set()
    for position in range(4, 64):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        try:
            check_program(executable(tmp_path / "tool", damaged))
            outcomes.add("facts")
        except ProgramError:
            outcomes.add("error")
    assert outcomes == {"facts", "error"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tool.o", "is not an executable but an object file or a core"),
        ("library", "is a shared library, not a program"),
    ],
)
def test_check_program__not_a_program(name: str, words: str, folder: Path) -> None:
    (folder / name).chmod(0o755)
    assert complaint(folder / name).startswith(f"DIR/{name} {words}")


def test_check_program__missing_library(folder: Path) -> None:
    assert complaint(folder / "needy") == (
        "DIR/needy needs the shared library libanswer.so, which was not found in its run path /opt/answers/lib and the system's "
        "library folders. Install the package that holds it, or link it statically."
    )


def test_check_program__missing_loader(folder: Path, tmp_path: Path) -> None:
    content = (folder / "tool").read_bytes()
    loader = check_program(folder / "tool").interpreter
    assert loader is not None
    absent = "/lib/absent".ljust(len(loader), "x")
    path = executable(tmp_path / "tool", content.replace(loader.encode(), absent.encode(), 1))
    assert complaint(path).startswith(f"DIR/tool needs the loader {absent}, which is not installed")


def test_check_program__large_file_is_quick(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "large"
    shutil.copy(folder / "tool", path)
    os.truncate(path, 78 << 20)
    begun = os.times()
    check_program(path)
    ended = os.times()
    assert (ended.user - begun.user) + (ended.system - begun.system) < 2.0
