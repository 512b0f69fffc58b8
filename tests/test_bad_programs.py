"""Files that are no good program, as a user meets them: one sentence that says what to do, nothing left behind.

Sentences are compared whole: they are what the user gets.
"""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.as_a_user import Place, assert_refused
from tests.bad_cases import FAILED, USAGE, acts, caveats, comment

pytestmark = pytest.mark.needs("cc")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


def patched(offset: int, content: bytes, folder: Path) -> Path:
    """The program with some bytes replaced."""
    data = bytearray(acts().read_bytes())
    data[offset : offset + len(content)] = content
    return executable(folder / "patched", bytes(data))


def executable(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_binary__missing(place: Place) -> None:
    sentence = "There is no program at gone. Build it first, or correct the path."
    assert_refused(place, place.run("gate", "--binary", "gone", "--", "work"), FAILED, sentence)


def test_binary__of_the_baseline_is_missing(place: Place) -> None:
    answer = place.run("gate", "--binary", acts(), "--baseline-binary", "gone", "--", "work")
    assert_refused(place, answer, FAILED, "There is no program at gone. Build it first, or correct the path.")


def test_binary__not_named_at_all(place: Place) -> None:
    sentence = "No program to measure is named. Name it with --binary PATH, or as `binary` in autoprof.toml."
    assert_refused(place, place.run("record", "--", "work"), USAGE, sentence)


def test_binary__folder(place: Place) -> None:
    (place.folder / "target").mkdir()
    answer = place.run("gate", "--binary", "target", "--", "work")
    assert_refused(place, answer, FAILED, "target is a folder, not a program. Name the program in it, such as target/target.")


def test_binary__not_executable(place: Place) -> None:
    shutil.copyfile(acts(), place.folder / "acts")
    answer = place.run("gate", "--binary", "acts", "--", "work")
    assert_refused(place, answer, FAILED, "acts may not be executed. Allow it: chmod +rx acts.")


@pytest.mark.parametrize("name", ["my program", "new\nline", "pr{og}\u00e9", "-x"])
def test_binary__name_that_a_bundle_cannot_keep(name: str, place: Place) -> None:
    executable(place.folder / name, acts().read_bytes())
    answer = place.run("gate", f"--binary={place.folder / name}", "--", "work")
    shown = str(place.folder / name).replace("\n", "\\x0a")
    sentence = f"{shown} has a name that a bundle cannot keep. Rename it, or name it by a link, with letters and digits only."
    assert_refused(place, answer, USAGE, sentence)


def test_binary__shell_script(place: Place) -> None:
    executable(place.folder / "run", b"#!/bin/sh\nexec ./real\n")
    sentence = "run is a script for /bin/sh, not a native program. Name the program it runs instead."
    assert_refused(place, place.run("gate", "--binary", "run", "--", "work"), FAILED, sentence)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs another architecture than the one it names, aarch64")
def test_binary__another_architecture(place: Place) -> None:
    patched(18, b"\xb7\x00", place.folder)
    sentence = "patched is built for aarch64, this machine is x86_64. Build it for x86_64."
    assert_refused(place, place.run("gate", "--binary", "patched", "--", "work"), FAILED, sentence)


def test_binary__cut_off(place: Place) -> None:
    whole = acts().read_bytes()
    executable(place.folder / "half", whole[:9000])
    sentence = f"half is cut off: it has 9000 bytes of {len(whole)}. Build it, or download it, again."
    assert_refused(place, place.run("gate", "--binary", "half", "--", "work"), FAILED, sentence)


def test_binary__shared_library_is_missing(place: Place) -> None:
    folder = place.folder
    (folder / "there.c").write_text("int there(void) { return 0; }\n")
    (folder / "main.c").write_text("int there(void); int main(void) { return there(); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "libthere.so", "there.c"], cwd=folder, check=True)
    subprocess.run(["cc", "-o", "needy", "main.c", "-L.", "-lthere"], cwd=folder, check=True)
    (folder / "libthere.so").unlink()
    sentence = (
        "needy needs the shared library libthere.so, which was not found in the system's library folders. "
        "Install the package that holds it, or link it statically."
    )
    assert_refused(place, place.run("gate", "--binary", "needy", "--", "work"), FAILED, sentence)


def test_binary__c_library_is_too_old(place: Place) -> None:
    """Its version of a symbol, in the table of names and by its hash, is made one that no C library has yet."""
    data = acts().read_bytes()
    versions = sorted({word for word in data.split(b"\0") if word.startswith(b"GLIBC_2.")}, key=len)
    old = versions[-1]
    new = b"GLIBC_9." + b"9" * (len(old) - len(b"GLIBC_9."))
    data = data.replace(b"\0" + old + b"\0", b"\0" + new + b"\0").replace(elf_hash(old), elf_hash(new))
    executable(place.folder / "modern", data)
    sentence = (
        f"modern needs {new.decode()} of a shared library, which is older on this machine. "
        "Build it on a system no newer than the one that measures."
    )
    assert_refused(place, place.run("gate", "--binary", "modern", "--", "work"), FAILED, sentence)


def elf_hash(name: bytes) -> bytes:
    """System V ABI, chapter 5, "Hash Table"; little endian."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value.to_bytes(4, "little")


@pytest.mark.needs("valgrind")
def test_binary__stripped_is_measured(place: Place) -> None:
    subprocess.run(["strip", "-o", place.folder / "bare", acts()], check=True)
    answer = place.run("gate", "--binary", "bare", "--instrument", "instructions", "--", "work", "1000")
    assert (answer.code, answer.said) == (0, "")
    assert caveats(place) == {"binary_stripped": ["bare"]}
    assert "The program has no symbols, so its functions have no names (bare). Build it with symbols: " in comment(place)
