"""Programs in bundles: the same bytes come back, or the same program without what a profiler does not need."""

from __future__ import annotations

import hashlib
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from autoprof_ci import bundle
from autoprof_ci.bundle import binaries
from autoprof_ci.errors import DataError, ProgramError
from autoprof_ci.model import StoredBinary

SOURCE = """
#include <stdio.h>
__attribute__((noinline)) int busy(int n) { int s = 0; for (int i = 0; i < n; i++) s += i ^ n; return s; }
int main(void) { printf("%d\\n", busy(1000)); return 0; }
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program with debug information and symbols."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "busy.c").write_text(SOURCE)
    command = ["cc", "-g", "-O1", "-Wl,--build-id=0x00112233445566778899aabbccddeeff00112233", "busy.c", "-o", "busy"]
    subprocess.run(command, cwd=folder, check=True)
    return folder / "busy"


@pytest.mark.needs("cc")
def test_pack_binary__small__whole(program: Path) -> None:
    data = program.read_bytes()
    stored = bundle.pack_binary("busy", data)
    assert replace(stored, packed=None) == StoredBinary(
        name="busy",
        sha256=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        build_id="00112233445566778899aabbccddeeff00112233",
    )
    assert bundle.unpack_binary(stored) == data


def test_pack_binary__equal_data__equal_bytes() -> None:
    assert bundle.pack_binary("a", b"\x7fELF" * 100_000) == bundle.pack_binary("a", b"\x7fELF" * 100_000)


@pytest.mark.needs("cc")
def test_pack_binary__too_large_whole__without_debug_information(program: Path) -> None:
    data = program.read_bytes()
    whole = bundle.pack_binary("busy", data)
    assert whole.packed is not None
    stored = bundle.pack_binary("busy", data, limit_bytes=len(whole.packed) - 1)
    content = bundle.unpack_binary(stored)
    assert (stored.sha256, stored.debug_removed) == (whole.sha256, True)
    assert stored.content_sha256 == hashlib.sha256(content).hexdigest() != whole.sha256
    assert content == binaries.without_debug_information(data)


def test_pack_binary__too_large_even_so() -> None:
    with pytest.raises(ProgramError) as error:
        bundle.pack_binary("huge", random.Random(1).randbytes(2 << 20), limit_bytes=1 << 20)
    assert error.value.what == "the program huge packs to more than 1 MiB even without debug information"
    assert error.value.next_step == "Leave large data out of the program file, or build it with less inlined into it"


@pytest.mark.needs("cc")
def test_without_debug_information__runs_and_has_its_symbols(program: Path, tmp_path: Path) -> None:
    lean = tmp_path / "busy"
    lean.write_bytes(binaries.without_debug_information(program.read_bytes()))
    lean.chmod(0o755)
    assert _printed(str(lean)) == _printed(str(program)) != ""
    assert _printed("nm", str(lean)) == _printed("nm", str(program))
    assert ".debug_info" in _printed("readelf", "-SW", str(program))
    assert ".debug_" not in _printed("readelf", "-SW", str(lean))
    assert binaries.build_id_of(lean.read_bytes()) == binaries.build_id_of(program.read_bytes())


@pytest.mark.needs("cc")
@pytest.mark.needs("valgrind")
def test_without_debug_information__callgrind_names_its_functions(program: Path, tmp_path: Path) -> None:
    lean = tmp_path / "busy"
    lean.write_bytes(binaries.without_debug_information(program.read_bytes()))
    lean.chmod(0o755)
    _printed("valgrind", "--tool=callgrind", f"--callgrind-out-file={tmp_path / 'out'}", str(lean))
    assert " busy\n" in (tmp_path / "out").read_text()


def _printed(*command: str) -> str:
    """Standard output; a warning or an error of the tool fails the test, what valgrind says of itself does not."""
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert run.stderr == "" or command[0] == "valgrind", run.stderr
    return run.stdout


def test_without_debug_information__no_elf() -> None:
    assert binaries.without_debug_information(b"#!/bin/sh\n") == b"#!/bin/sh\n"


@pytest.mark.needs("cc")
def test_without_debug_information__damaged_elf(program: Path) -> None:
    """Whatever the section headers claim: nothing is raised, the size stays."""
    whole = program.read_bytes()
    generator = random.Random(7)
    table = int.from_bytes(whole[0x28:0x30], "little")
    for _ in range(400):
        data = bytearray(whole)
        for _ in range(generator.randrange(1, 6)):
            where = generator.choice([range(0x40), range(table, len(whole))])
            data[generator.choice(where)] = generator.randrange(256)
        assert len(binaries.without_debug_information(bytes(data))) == len(whole)
        binaries.build_id_of(bytes(data))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_without_debug_information__anything_after_the_magic_number(data: bytes) -> None:
    assert len(binaries.without_debug_information(b"\x7fELF\x02\x01\x01" + data)) == len(data) + 7
    binaries.build_id_of(b"\x7fELF\x02\x01\x01" + data)


# --- hostile -------------------------------------------------------------------------------------------------------------

DO_NOT_TRUST = "autoprof-ci does not write such files: find out where it comes from, and record it again"
DOWNLOAD_AGAIN = "Download or record it again"
STORED = bundle.pack_binary("autopilot", b"program" * 1000)


def _windowed(window_log: int) -> bytes:
    """A frame that asks for a window of 2**`window_log` bytes."""
    parameters = zstandard.ZstdCompressionParameters(window_log=window_log, enable_ldm=True)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(b"program" * 1000) + compressor.flush()


@pytest.mark.parametrize(
    ("stored", "what", "next_step"),
    [
        (
            replace(STORED, packed=None),
            "the bundle does not hold the program autopilot",
            "Name the program with `--baseline-binary`",
        ),
        (replace(STORED, packed=b""), "the stored program autopilot is not what its digest says", DOWNLOAD_AGAIN),
        (
            replace(STORED, packed=b"no zstd"),
            "the stored program autopilot does not unpack (zstd decompress error: Unknown frame descriptor)",
            DOWNLOAD_AGAIN,
        ),
        (
            replace(STORED, packed=(STORED.packed or b"")[:-5]),
            "the stored program autopilot is not what its digest says",
            DOWNLOAD_AGAIN,
        ),
        (replace(STORED, sha256="0" * 64), "the stored program autopilot is not what its digest says", DOWNLOAD_AGAIN),
        (
            replace(STORED, content_sha256="0" * 64, debug_removed=True),
            "the stored program autopilot is not what its digest says",
            DOWNLOAD_AGAIN,
        ),
        (
            replace(STORED, size_bytes=6999),
            "the stored program autopilot unpacks to more than the bundle says",
            DO_NOT_TRUST,
        ),
        (
            replace(STORED, size_bytes=1 << 40),
            "the stored program autopilot claims to be larger than 2048 MiB",
            DO_NOT_TRUST,
        ),
        (
            replace(STORED, packed=_windowed(30)),
            "the stored program autopilot does not unpack (zstd decompress error: Frame requires too much memory for decoding)",
            DOWNLOAD_AGAIN,
        ),
    ],
    ids=["none", "empty", "no-zstd", "cut", "digest", "content-digest", "size-small", "size-huge", "window-huge"],
)
def test_unpack_binary__hostile(stored: StoredBinary, what: str, next_step: str) -> None:
    with pytest.raises(DataError) as error:
        bundle.unpack_binary(stored)
    assert (error.value.what, error.value.next_step) == (what, next_step)


BOMB = """
import sys, resource
from autoprof_ci import bundle
from autoprof_ci.errors import DataError
from autoprof_ci.model import StoredBinary
packed = sys.stdin.buffer.read()
resource.setrlimit(resource.RLIMIT_AS, (600 << 20, 600 << 20))
try:
    bundle.unpack_binary(StoredBinary(name="bomb", sha256="0" * 64, size_bytes=10 << 20, packed=packed))
except DataError as error:
    print(error.what)
"""


def test_unpack_binary__bomb__stops_at_the_size_it_claims() -> None:
    compressor = zstandard.ZstdCompressor().compressobj()
    bomb = b"".join(compressor.compress(bytes(1 << 24)) for _ in range(128)) + compressor.flush()
    run = subprocess.run([sys.executable, "-c", BOMB], input=bomb, capture_output=True, check=True)
    assert run.stdout == b"the stored program bomb unpacks to more than the bundle says\n"
