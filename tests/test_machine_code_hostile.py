"""Files that are no programs, or damaged ones, or made to hurt: a clear refusal, in little time, or an answer."""

from __future__ import annotations

import struct
import subprocess
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoprof_ci.machine_code import ProgramFile, UnreadableError, known_code, readable
from autoprof_ci.machine_code.image import Image
from autoprof_ci.model import BINARY_DSO

pytestmark = pytest.mark.needs("cc")
LONGEST_S = 10.0
SOURCE = r"""
#include <stdio.h>
static __thread int depth; static int table[9] = {1, 2, 3};
__attribute__((noinline)) int f(int n) { depth += n; return table[n % 9] + depth; }
int main(int argc, char **argv) { printf("%s %d\n", argv[0], f(argc)); return 0; }
"""


@cache
def program() -> bytes:
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    (folder / "p.c").write_text(SOURCE)
    subprocess.run(["cc", "-O1", "-g", "-o", folder / "p", folder / "p.c"], check=True)
    return (folder / "p").read_bytes()


def ask(data: bytes) -> None:
    """All that is ever asked of a file."""
    begun = time.monotonic()
    try:
        names = frozenset(["main", "f", "printf", *list(Image.read(data).functions)[:50]])
        known_code(
            [
                [ProgramFile(dso=BINARY_DSO, data=program(), symbols=names)],
                [ProgramFile(dso=BINARY_DSO, data=data, symbols=names)],
            ]
        )
        readable(data)
    except UnreadableError as refused:
        assert str(refused)
    assert time.monotonic() - begun < LONGEST_S


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 40_000))
def test_known_code__cut_off(length: int) -> None:
    ask(program()[:length])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(
        st.tuples(st.one_of(st.integers(0, 64), st.integers(0, 40_000)), st.sampled_from([0, 1, 0x7F, 0x80, 0xFF])),
        min_size=1,
        max_size=8,
    )
)
def test_known_code__bytes_changed(changes: list[tuple[int, int]]) -> None:
    data = bytearray(program())
    for at, value in changes:
        data[at % len(data)] = value
    ask(bytes(data))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_known_code__tables_of_sections_and_segments_changed(draws: st.DataObject) -> None:
    """Where the numbers are that everything else is found by."""
    data = bytearray(program())
    sections = struct.unpack_from("<Q", data, 0x28)[0]
    for _ in range(draws.draw(st.integers(1, 4))):
        table, size, count = draws.draw(st.sampled_from([(sections, 64, 30), (64, 56, 12)]))
        entry = table + size * draws.draw(st.integers(0, count - 1))
        at = entry + 8 * draws.draw(st.integers(0, size // 8 - 1))
        value = draws.draw(st.sampled_from([0, 1, 2**31, 2**63, 2**64 - 1, 0xFFF, len(data), len(data) - 8]))
        if at + 8 <= len(data):
            struct.pack_into("<Q", data, at, value)
    ask(bytes(data))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=400), st.sampled_from([b"", b"\x7fELF", b"\x7fELF\x02\x01\x01" + bytes(9), b"\x7fELF\x01\x02"]))
def test_known_code__anything(tail: bytes, head: bytes) -> None:
    ask(head + tail)


def test_known_code__slots_that_lead_to_one_another() -> None:
    """The offset table's slots are addresses of the file itself, here their own."""
    image = Image.read(program())
    got = next(section for section in image.tables.sections if section.name == ".got")
    circle = {got.address + 8 * number: got.address + 8 * ((number + 1) % 4) for number in range(4)}
    turned = replace(image, tables=replace(image.tables, slots=circle))
    assert turned.place(got.address).names == frozenset()


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "it is no ELF file"),
        (b"#!/bin/sh\n", "it is no ELF file"),
        (b"\x7fELF" + bytes(60), "it is no ELF file, or a damaged one"),
    ],
)
def test_read__says_what_is_wrong(data: bytes, says: str) -> None:
    with pytest.raises(UnreadableError, match=says):
        Image.read(data)
