"""Whether two programs do the same although their files differ: what documentation, comments and tests leave behind.

Knows which parts of an ELF file nobody executes, and which of those that are loaded nobody looks at before the program panics.
Runs nothing, reads no debug information, knows nothing of measuring. Files may be hostile: what cannot be read is not the same.

Not compared are: what is not loaded (debug information, symbol names, ``.comment``, the order and place of such sections), notes
(the build id is one), and the line and column in places of Rust source. A comment above a function shifts the lines of all that
may panic below it; they are stored in constants of 24 bytes, which code only ever hands on by their address:

    core::panic::Location    0  pointer to the file's name ─► "src/redact.rs", in read-only memory
                             8  length of that name
                            16  line, column: two words of 4 bytes

Everything else must be equal, all addresses too: what moved is measured, since placement alone can cost time.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from autoprof_ci.measure.elf_file import DAMAGED

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_RELOCATION = struct.Struct("<QQQ")
_WORD = struct.Struct("<Q")
_PLACE = struct.Struct("<QQII")
_BEFORE_LINE = 16
"""Bytes of a Location before its line."""

_PROGBITS, _RELA, _NOTE, _NOBITS, _RELR = 1, 4, 7, 8, 19
_WRITE, _ALLOC, _EXECUTE, _THREAD = 1, 2, 4, 0x400
_PT_LOAD, _PT_NOTE, _PT_GNU_RELRO = 1, 4, 0x6474E552
_ET_EXEC = 2
_RELATIVE = {62: 8, 183: 1027}
"""Machine (x86-64, AArch64) -> the kind of relocation that is "base of the program + addend"."""

_NO_POINTER, _IN_PLACE = -1, -2
"""Of what the loader writes to an address: nothing that is known here, and what lies in the file there, moved."""

_BLOCK_BYTES = 4096
_MOST_LINES = 1 << 24
_MOST_SECTIONS, _MOST_SEGMENTS, _MOST_PLACES, _MOST_NAME_BYTES = 5000, 100, 200_000, 200
"""What a damaged file could claim is unbounded; real programs stay far below."""
_FILE_NAME = re.compile(rb"[^\x00-\x1f\x7f]{1,4096}\.rs\x00?")
"""The zero behind the name counts in its length in some versions of the standard library (1.87 to 1.91)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """One that is loaded, as its header describes it."""

    name: bytes
    kind: int
    flags: int
    address: int
    size: int
    offset: int = field(compare=False)

    @property
    def end(self) -> int:
        return self.address + self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class _Segment:
    """What the loader is told of one piece of memory. Where it lies in the file changes nothing."""

    kind: int
    flags: int
    address: int
    file_bytes: int
    memory_bytes: int
    offset: int = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Image:
    """A program as it will lie in memory."""

    data: bytes = field(compare=False, repr=False)
    machine: int
    kind: int
    entry: int
    sections: tuple[_Section, ...]
    segments: tuple[_Segment, ...]

    def content(self, section: _Section) -> bytes:
        return b"" if section.kind == _NOBITS else self.data[section.offset : section.offset + section.size]


def same_program(baseline: bytes, candidate: bytes) -> bool:
    """Whether two ELF files do the same: equal in all they load into memory, apart from notes and the lines of panic messages.

    ``False`` when either cannot be read. 0.2 s for two files of 78 MB.
    """
    if baseline == candidate:
        return True
    try:
        one, other = _image(baseline), _image(candidate)
        if one != other:
            return False
        # what cannot be excused first: it is the cheaper question
        pairs = [(a, b) for a, b in zip(one.sections, other.sections, strict=True) if one.content(a) != other.content(b)]
        return all(_may_hold_places(section, one) for section, _ in pairs) and all(
            _differ_in_lines(_Places(one, mine), _Places(other, theirs)) for mine, theirs in pairs
        )
    except (*DAMAGED, struct.error):
        return False


def _image(data: bytes) -> _Image:
    """Raises `ValueError` where there are no sections, or one does not come into memory where it says."""
    (ident, kind, machine, _, entry, segments_at, sections_at, _, _, _, segments, _, sections, names) = _HEADER.unpack_from(data)
    if ident[:6] != b"\x7fELF\x02\x01" or not 0 < sections <= _MOST_SECTIONS or segments > _MOST_SEGMENTS:
        raise ValueError("no ELF file of 64 bits with sections")
    headers = [_SECTION.unpack_from(data, sections_at + number * _SECTION.size) for number in range(sections)]
    first_name = headers[names][4]
    image = _Image(
        data=data,
        machine=machine,
        kind=kind,
        entry=entry,
        sections=tuple(
            _Section(
                name=data[first_name + name : data.index(b"\0", first_name + name, first_name + name + _MOST_NAME_BYTES)],
                kind=kind,
                flags=flags & (_WRITE | _ALLOC | _EXECUTE | _THREAD),  # the others are for linkers; `strip` changes them
                address=address,
                size=size,
                offset=offset,
            )
            for name, kind, flags, address, offset, size, *_ in headers
            if flags & _ALLOC and kind != _NOTE
        ),
        segments=tuple(
            _Segment(kind=kind, flags=flags, address=address, file_bytes=file_bytes, memory_bytes=memory_bytes, offset=offset)
            for kind, flags, offset, address, _, file_bytes, memory_bytes, _ in (
                _SEGMENT.unpack_from(data, segments_at + number * _SEGMENT.size) for number in range(segments)
            )
            if kind != _PT_NOTE
        ),
    )
    _check(image)
    return image


def _check(image: _Image) -> None:
    stored = [section for section in image.sections if section.kind != _NOBITS and section.size]
    if sum(section.size for section in stored) > len(image.data):
        raise ValueError("sections overlap")
    loaded = [segment for segment in image.segments if segment.kind == _PT_LOAD]
    for section in stored:
        if not any(
            segment.offset <= section.offset
            and section.offset + section.size <= segment.offset + segment.file_bytes
            and section.offset - segment.offset == section.address - segment.address
            for segment in loaded
        ):
            raise ValueError("a section is not in memory where it says")
    if not any(section.flags & _EXECUTE and section.address <= image.entry < section.end for section in stored):
        raise ValueError("the program begins outside its code")


def _may_hold_places(section: _Section, image: _Image) -> bool:
    """Constants only: what is written while the program is loaded and never after."""
    if section.flags & _EXECUTE or section.kind != _PROGBITS or section.address % _WORD.size:
        return False
    return not section.flags & _WRITE or any(
        segment.kind == _PT_GNU_RELRO
        and segment.address <= section.address <= section.end <= segment.address + segment.memory_bytes
        for segment in image.segments
    )


def _differ_in_lines(one: _Places, other: _Places) -> bool:
    for count, at in enumerate(_different_words(one.content, other.content)):
        file = one.file_of(at - _BEFORE_LINE)
        if file is None or file != other.file_of(at - _BEFORE_LINE) or count == _MOST_PLACES:
            return False
    return True


def _different_words(one: bytes, other: bytes) -> Iterator[int]:
    """Where words of 8 bytes differ, from the beginning of the section."""
    for begin in range(0, len(one), _BLOCK_BYTES):
        mine, theirs = (content[begin : begin + _BLOCK_BYTES] for content in (one, other))
        if mine != theirs:
            words = zip(*(_WORD.iter_unpack(block.ljust(_BLOCK_BYTES, b"\0")) for block in (mine, theirs)), strict=True)
            yield from (begin + number * _WORD.size for number, (word, other_word) in enumerate(words) if word != other_word)


class _Places:
    """The Locations in one section of constants."""

    def __init__(self, image: _Image, section: _Section) -> None:
        self.content = image.content(section)
        self._image, self._address = image, section.address
        self._pointers = dict(_pointers(image, section.address, section.end))
        self._constant = sorted(
            (part.address, part.offset, part.size)
            for part in image.sections
            if part.kind == _PROGBITS and not part.flags & _WRITE
        )

    def file_of(self, begin: int) -> bytes | None:
        """The name of the file in the Location that begins there; ``None`` where none does."""
        if begin < 0 or begin + _PLACE.size > len(self.content):
            return None
        in_place, length, line, column = _PLACE.unpack_from(self.content, begin)
        address = self._address + begin
        if not (0 < line < _MOST_LINES and 0 < column < _MOST_LINES):
            return None
        if address + 8 in self._pointers or address + _BEFORE_LINE in self._pointers:
            return None
        # without a relocation only a program that is always loaded to one place has a pointer there
        to = self._pointers.get(address, _IN_PLACE if self._image.kind == _ET_EXEC else _NO_POINTER)
        name = self._constant_bytes(in_place if to == _IN_PLACE else to, length)
        return name if _FILE_NAME.fullmatch(name) else None

    def _constant_bytes(self, address: int, length: int) -> bytes:
        at = bisect_right(self._constant, (address, len(self._image.data), 0)) - 1
        if at < 0:
            return b""
        start, offset, size = self._constant[at]
        begin = offset + address - start
        return self._image.data[begin : begin + length] if address + length <= start + size else b""


def _pointers(image: _Image, low: int, high: int) -> Iterator[tuple[int, int]]:
    """What the loader writes between two addresses: the address, and to where it will point."""
    relative = _RELATIVE.get(image.machine)
    for section in image.sections:
        if section.kind == _RELA:
            table = image.content(section)
            for at, info, addend in _RELOCATION.iter_unpack(table[: len(table) // _RELOCATION.size * _RELOCATION.size]):
                if low <= at < high:
                    yield at, addend if info == relative else _NO_POINTER
        elif section.kind == _RELR:
            yield from ((at, _IN_PLACE) for at in _packed(image.content(section), low, high))


def _packed(table: bytes, low: int, high: int) -> Iterator[int]:
    """Addresses of packed relative relocations (ELF gABI, SHT_RELR): an even word is an address, an odd one 63 bits that say
    which of the words behind have one too."""
    at, left = 0, (high - low) // _WORD.size  # none is named twice
    for (word,) in _WORD.iter_unpack(table[: len(table) // _WORD.size * _WORD.size]):
        if word & 1 == 0:
            found = [word]
            at = word + _WORD.size
        else:
            found = [at + bit * _WORD.size for bit in range(63) if word >> bit + 1 & 1] if at < high and at + 504 > low else []
            at += 63 * _WORD.size
        inside = [address for address in found if low <= address < high]
        left -= len(inside)
        if left < 0:
            raise ValueError("packed relocations repeat")
        yield from inside
