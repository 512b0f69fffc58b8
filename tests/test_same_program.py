"""Which pairs of programs do the same: pairs as compilers and linkers make them, single bytes changed by hand, damaged files."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given, settings
from hypothesis import strategies as st

from autoprof_ci.measure.same_program import same_program

SOURCES = Path(__file__).parent / "programs" / "panics"
COMMENT = "// Why it is as it is,\n// in some\n// lines.\n"


def documented(sources: Path) -> None:
    """A comment in each file, above all that can panic, and one between two functions."""
    for path in sources.glob("*.rs"):
        text = path.read_text()
        above, mark, below = text.rpartition("#[inline(never)]\n")
        path.write_text(f"//! Documented.\n{COMMENT}\n{above}{300 * COMMENT if mark else ''}{mark}{below}")


def with_tests(sources: Path) -> None:
    for path in sources.glob("*.rs"):
        body = '#[cfg(test)]\nmod tests {\n#[test]\nfn works() { assert_eq!(1, 1); panic!("x"); }\n}\n'
        first, _, rest = path.read_text().rpartition("\npub fn ")
        path.write_text(f"{first}\npub fn {rest}{body}" if first else f"{rest}{body}")


def nothing(sources: Path) -> None:
    """As it is."""


def replaced(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(sources: Path) -> None:
        text = (sources / name).read_text()
        assert old in text
        (sources / name).write_text(text.replace(old, new))

    return edit


def moved_to_another_file(sources: Path) -> None:
    (sources / "table.rs").rename(sources / "other.rs")
    replaced("main.rs", "mod table;", "mod other;\nuse other as table;")(sources)
    replaced("tally.rs", "crate::table", "crate::other")(sources)


RELEASE = ("-Copt-level=3", "-Cdebuginfo=limited")


def rust(folder: Path, edit: Callable[[Path], None], flags: tuple[str, ...] = RELEASE) -> bytes:
    """The program, built in a new folder of its own from edited sources."""
    sources = folder / "src"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCES, sources)
    edit(sources)
    command = ["rustc", "--edition=2021", "-Awarnings", *flags, "-o", "tool", "src/main.rs"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return (folder / "tool").read_bytes()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return rust(tmp_path_factory.mktemp("plain"), nothing)


@pytest.fixture(scope="module")
def commented(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return rust(tmp_path_factory.mktemp("commented"), documented)


@pytest.mark.needs("cargo")
@pytest.mark.parametrize(
    "flags",
    [
        RELEASE,
        ("-Copt-level=3", "-Cdebuginfo=full"),
        ("-Copt-level=3", "-Cdebuginfo=none"),
        ("-Copt-level=3", "-Cstrip=symbols"),
        ("-Copt-level=0",),
        (*RELEASE, "-Cpanic=abort", "-Ccodegen-units=1"),
        (*RELEASE, "-Clto=thin"),
        (*RELEASE, "-Ctarget-feature=+crt-static"),
        (*RELEASE, "-Ctarget-feature=+crt-static", "-Crelocation-model=static"),
        (*RELEASE, "-Clink-arg=-fuse-ld=bfd"),
        (*RELEASE, "-Clink-arg=-fuse-ld=bfd", "-Clink-arg=-Wl,-z,pack-relative-relocs"),
    ],
    ids=lambda flags: " ".join(flag.removeprefix("-C") for flag in flags),
)
def test_same_program__comments_in_rust(flags: tuple[str, ...], tmp_path: Path) -> None:
    before, after = (rust(tmp_path / "a", edit, flags) for edit in (nothing, documented))
    assert before != after
    assert same_program(before, after)
    assert same_program(after, before)


@pytest.mark.needs("cargo")
@pytest.mark.parametrize("linker", [pytest.param(name, marks=pytest.mark.needs(f"ld.{name}")) for name in ("lld", "mold")])
def test_same_program__comments_in_rust__linkers(linker: str, tmp_path: Path) -> None:
    flags = (*RELEASE, f"-Clink-arg=-fuse-ld={linker}", "-Clink-arg=-Wl,--pack-dyn-relocs=relr")
    before, after = (rust(tmp_path / "a", edit, flags) for edit in (nothing, documented))
    assert before != after
    assert same_program(before, after)


@pytest.mark.needs("cargo")
def test_same_program__tests_added_and_other_folder(plain: bytes, tmp_path: Path) -> None:
    assert same_program(plain, rust(tmp_path / "one", with_tests))
    elsewhere = rust(tmp_path / "another" / "and" / "deeper", documented)
    assert plain != elsewhere
    assert same_program(plain, elsewhere)


@pytest.mark.needs("cargo")
@pytest.mark.parametrize(
    "tool", [("strip",), ("objcopy", "--strip-debug", "--add-gnu-debuglink=tool.debug")], ids=lambda tool: tool[0]
)
def test_same_program__debug_information_taken_out(tool: tuple[str, ...], plain: bytes, tmp_path: Path) -> None:
    path = tmp_path / "tool"
    path.write_bytes(plain)
    subprocess.run(("objcopy", "--only-keep-debug", path, tmp_path / "tool.debug"), check=True)
    subprocess.run((*tool, path), cwd=tmp_path, check=True)
    assert plain != path.read_bytes()
    assert same_program(plain, path.read_bytes())


@pytest.mark.needs("cargo")
@pytest.mark.parametrize(
    "edit",
    [
        replaced("tally.rs", "1_000", "1_001"),
        replaced("parse.rs", '"a digit"', '"a Digit"'),
        replaced("tally.rs", '("second.rs", 2)', '("second.rs", 3)'),
        replaced("table.rs", "+= value", "+= value + 1"),
        moved_to_another_file,
    ],
    ids=["a constant", "a string", "a number after the name of a file", "code", "the name of a file"],
)
def test_same_program__other_rust(edit: Callable[[Path], None], plain: bytes, tmp_path: Path) -> None:
    assert not same_program(plain, rust(tmp_path / "a", edit))


@pytest.mark.needs("cargo")
def test_same_program__places_that_may_be_written__are_data(tmp_path: Path) -> None:
    flags = (*RELEASE, "-Crelro-level=off")
    assert not same_program(*(rust(tmp_path / "a", edit, flags) for edit in (nothing, documented)))


@pytest.mark.needs("cargo")
class TestByHand:
    """One place in a real program, found by what differs when comments are added."""

    def test_same_program__another_line(self, plain: bytes, commented: bytes) -> None:
        at = place(plain, commented)
        assert same_program(plain, patched(plain, at + 16, struct.pack("<II", 7, 9)))

    @pytest.mark.parametrize(
        ("offset", "content"),
        [(8, struct.pack("<Q", 3)), (16, struct.pack("<I", 0)), (20, struct.pack("<I", 0)), (20, struct.pack("<I", 1 << 31))],
        ids=["length of the name", "no line", "no column", "an impossible column"],
    )
    def test_same_program__what_is_no_place(self, offset: int, content: bytes, plain: bytes, commented: bytes) -> None:
        assert not same_program(plain, patched(plain, place(plain, commented) + offset, content))

    def test_same_program__pointer_to_another_name(self, plain: bytes, commented: bytes) -> None:
        entry = relocation_of(plain, place(plain, commented))
        (addend,) = struct.unpack_from("<q", plain, entry + 16)
        assert not same_program(plain, patched(plain, entry + 16, struct.pack("<q", addend + 1)))
        both = [patched(data, entry + 16, struct.pack("<q", addend - 3)) for data in (plain, commented)]
        assert not same_program(*both), "a pointer into the middle names no file of that length"

    def test_same_program__the_name_itself(self, plain: bytes, commented: bytes) -> None:
        (addend,) = struct.unpack_from("<q", plain, relocation_of(plain, place(plain, commented)) + 16)
        assert plain[addend : addend + 4] == b"src/"
        assert not same_program(plain, patched(plain, addend, b"Src/"))

    @pytest.mark.parametrize("name", [".text", ".rodata", ".eh_frame", ".dynsym", ".data", ".init_array"])
    def test_same_program__a_byte_of_a_section(self, name: str, plain: bytes) -> None:
        begin, size = section(plain, name)
        for at in (begin, begin + size // 2, begin + size - 1):
            assert not same_program(plain, patched(plain, at, bytes([plain[at] ^ 1])))

    @pytest.mark.parametrize("name", [".note.gnu.build-id", ".comment", ".debug_info", ".strtab"])
    def test_same_program__a_byte_that_nobody_executes(self, name: str, plain: bytes) -> None:
        begin, size = section(plain, name)
        assert same_program(plain, patched(plain, begin + size - 1, bytes([plain[begin + size - 1] ^ 1])))

    def test_same_program__another_entry_point_or_segment(self, plain: bytes) -> None:
        assert not same_program(plain, patched(plain, 24, struct.pack("<Q", struct.unpack_from("<Q", plain, 24)[0] + 4)))
        (segments,) = struct.unpack_from("<Q", plain, 32)
        for number in range(2, 6):
            at = segments + 56 * number + 40
            assert not same_program(plain, patched(plain, at, struct.pack("<Q", struct.unpack_from("<Q", plain, at)[0] + 16)))

    @settings(max_examples=300, deadline=None)
    @given(data=st.data())
    def test_same_program__damaged(self, data: st.DataObject, plain: bytes, commented: bytes) -> None:
        """Headers and tables with anything in them: an answer, and soon."""
        (segments, sections) = struct.unpack_from("<QQ", plain, 32)
        at = data.draw(st.integers(0, 63) | st.integers(segments, segments + 56 * 12) | st.integers(sections, len(plain) - 9))
        content = data.draw(st.binary(min_size=1, max_size=8))
        begin = time.process_time()
        same_program(plain, patched(commented, at, content))
        same_program(patched(commented, at, content), patched(plain, at, content))
        assert time.process_time() - begin < 1

    def test_same_program__cut_off(self, plain: bytes, commented: bytes) -> None:
        for size in (0, 1, 16, 63, 64, 3000, len(plain) // 2, len(plain) - 1):
            assert not same_program(plain[:size], commented)
            assert not same_program(commented, plain[:size])
        assert not same_program(b"a", b"b")

    def test_same_program__many_sections_without_end_of_name(self, plain: bytes, commented: bytes) -> None:
        """Each names the same megabytes, as content and as name."""
        header = struct.pack("<IIQQQQIIQQ", 0, 1, 2, 0, 0, len(commented), 0, 0, 1, 0)
        hostile = patched(commented, 60, struct.pack("<HH", 4999, 0)) + b"x" * (1 << 20) + header * 5000
        hostile = patched(hostile, 40, struct.pack("<Q", len(commented) + (1 << 20)))
        begin = time.process_time()
        assert not same_program(plain, hostile)
        assert time.process_time() - begin < 1


def place(plain: bytes, commented: bytes) -> int:
    """Where in the file the first Location begins of which the line differs."""
    begin, size = section(plain, ".data.rel.ro")
    words = zip(*(struct.iter_unpack("<Q", data[begin : begin + size]) for data in (plain, commented)), strict=True)
    return begin + 8 * next(number for number, (one, other) in enumerate(words) if one != other) - 16


def relocation_of(data: bytes, at: int) -> int:
    """Where in the file the entry lies that fills in the pointer at the offset `at` of the file."""
    constants = ELFFile(io.BytesIO(data)).get_section_by_name(".data.rel.ro")
    assert constants is not None
    address = at - constants["sh_offset"] + constants["sh_addr"]
    begin, size = section(data, ".rela.dyn")
    return next(entry for entry in range(begin, begin + size, 24) if struct.unpack_from("<Q", data, entry)[0] == address)


def section(data: bytes, name: str) -> tuple[int, int]:
    found = ELFFile(io.BytesIO(data)).get_section_by_name(name)
    assert found is not None, name
    return found["sh_offset"], found["sh_size"]


def patched(data: bytes, at: int, content: bytes) -> bytes:
    return data[:at] + content + data[at + len(content) :]


C_SOURCE = """\
#include <assert.h>
int number = 7;
__attribute__((noinline)) int twice(int n) { return 2 * n + number; }
int main(int argc, char **argv) { (void)argv; assert(argc < 9); return twice(0) != 7; }
"""


def compiled(folder: Path, source: str, *flags: str) -> bytes:
    folder.mkdir(exist_ok=True)
    (folder / "tool.c").write_text(source)
    subprocess.run(("cc", "-O1", *flags, "-o", "tool", "tool.c"), cwd=folder, check=True)
    return (folder / "tool").read_bytes()


@pytest.mark.needs("cc")
@pytest.mark.parametrize("link", [(), ("-static",), ("-static-pie",), ("-no-pie",)], ids=str)
def test_same_program__c(link: tuple[str, ...], tmp_path: Path) -> None:
    tool = compiled(tmp_path, C_SOURCE, *link, "-Wl,--build-id=0x0102030405060708")
    assert same_program(
        tool, compiled(tmp_path / "elsewhere", C_SOURCE + "/* the end */\n", *link, "-g", "-Wl,--build-id=0x0999999999999999")
    )
    assert same_program(tool, compiled(tmp_path, C_SOURCE, *link, "-g3", "-s", "-Wl,--build-id=0x0102030405060708"))
    for old, new in (("2 * n", "3 * n"), ("number = 7", "number = 8"), ("int number", "/* a line of its own */\nint number")):
        changed = compiled(tmp_path, C_SOURCE.replace(old, new), *link, "-Wl,--build-id=0x0102030405060708")
        assert not same_program(tool, changed), "the line of an assertion in C is part of the code"
