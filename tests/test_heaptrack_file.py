"""Heaptrack's raw record: what it says, in any pieces, and what a hostile one leads to."""

from __future__ import annotations

import pytest

from autoprof_ci.errors import DataError
from autoprof_ci.measure import heaptrack_file
from autoprof_ci.measure.heaptrack_file import HeapReader, HeapRecord, Place
from tests.golden import GOLDEN

# Stack 1 is main, 2 is called by it. What 2 asks for first is given back at once, its second piece is held at the peak, its third
# comes after; main's is never given back.
RECORD = b"""\
v 10400 3
x 9 /srv/my a
X /srv/my a --fast
I 1000 5e2922
m 1 -
m 1 x 5000 0 100 200 100
m 9 /lib/c.so 9000 0 1000
t 5210 0
t 5020 1
t 9008 2
+ 10 2 aa
- aa
+ 64 2 bb
+ 20 1 cc
c 3
R 3bb
- bb
+ 8 3 dd
- dd
c 5
R 3bb
"""


def read(*pieces: bytes) -> HeapRecord:
    reader = HeapReader()
    for piece in pieces:
        reader.feed(piece)
    return reader.record()


EXPECTED = HeapRecord(
    program="/srv/my a",
    places=(Place("/srv/my a", 0x210), Place("/srv/my a", 0x20), Place("/lib/c.so", 0x8)),
    callers=(-1, 0, 1),
    allocations=(1, 2, 1),
    temporary=(0, 1, 1),
    peak_bytes=(0x20, 0x64, 0),
    leaked_bytes=(0x20, 0, 0),
    unreadable_lines=0,
    ended=True,
)


def test_read__whole() -> None:
    assert read(RECORD) == EXPECTED


def test_read__byte_by_byte() -> None:
    assert read(*(RECORD[at : at + 1] for at in range(len(RECORD)))) == EXPECTED


@pytest.mark.parametrize("version", ["1.4.0", "1.5.0"])
def test_read__what_each_version_writes(version: str) -> None:
    """`heap count 3` of tests/programs, recorded with the versions of Debian bookworm and trixie."""
    record = read((GOLDEN / "heaptrack" / f"{version}.raw").read_bytes())
    own = [place.module is not None and place.module.endswith("/heap") for place in record.places]
    assert (record.ended, record.unreadable_lines) == (True, 0)
    columns = (record.allocations, record.temporary, record.peak_bytes, record.leaked_bytes)
    # 1 + 3 held, 6 thrown away
    assert [sum(count for count, is_own in zip(column, own, strict=True) if is_own) for column in columns] == [10, 6, 324, 0]


def test_read__format_2_has_names_without_lengths() -> None:
    record = read(b"v 10200 2\nx /srv/a\nm x 5000 0 100\nt 5020 0\n+ 10 1 aa\nc 1\nR 1\n")
    assert (record.program, record.places, record.allocations) == ("/srv/a", (Place("/srv/a", 0x20),), (1,))


def test_read__cut_off() -> None:
    assert not read(RECORD[:-9]).ended
    assert not read(RECORD[: RECORD.index(b"c 5")]).ended


def test_read__an_address_given_twice__the_first_was_given_back_unseen() -> None:
    record = read(b"v 1 3\nt 5 0\n+ 10 1 aa\n+ 20 1 aa\nc 1\nR 1\n")
    assert (record.allocations, record.peak_bytes, record.leaked_bytes) == ((2,), (0x20,), (0x20,))


def test_read__given_back_without_having_been_asked_for() -> None:
    assert read(b"v 1 3\nt 5 0\n- aa\n+ 10 1 aa\n- bb\n- aa\nR 1\n").temporary == (0,)


@pytest.mark.parametrize(
    "line",
    ["+ zz 1 aa", "+ 10 9 aa", "+ 10 0 aa", "+ -1 1 aa", "+ ffffffffffffffffffff 1 aa", "t zz 0", "t 5 9", "t", "m 1 x zz", "+"],
)
def test_read__line_that_makes_no_sense__counted(line: str) -> None:
    record = read(b"v 1 3\nt 5 0\n+ 10 1 bb\n" + line.encode() + b"\nc 1\nR 1\n")
    assert (record.unreadable_lines, record.allocations) == (1, (1,))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (b"+ 1 1 1\n" * 100, "100 of 100 lines of heaptrack's record cannot be read"),
        (b"x" * 70_000, "heaptrack's record has a line without an end"),
    ],
)
def test_read__hostile(record: bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        read(record)
    assert caught.value.what == message


def test_read__hostile__more_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heaptrack_file, "MAX_HELD", 10)
    with pytest.raises(DataError, match="holds more than 10 pieces"):
        read(b"t 5 0\n", *(f"+ 1 1 {number:x}\n".encode() for number in range(12)))
    monkeypatch.setattr(heaptrack_file, "MAX_STACKS", 10)
    with pytest.raises(DataError, match="from more than 10 places"):
        read(*(f"t {number:x} 0\n".encode() for number in range(12)))
