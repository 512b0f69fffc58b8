"""The tables of a program file: sections, symbols, and what the dynamic linker puts where.

Knows ELF (System V ABI 4.1; x86-64 and AArch64 supplements; RELR: generic ABI proposal of 2018). Knows no instruction but those
of linkage stubs. Bytes in, values out; files may be hostile: whatever is wrong in them is `UnreadableError`. Tables are unpacked
whole: a reader that makes an object of each of 60,000 relocations takes seconds.
"""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile

from autoprof_ci.symbols import normalise_all

DAMAGED = (ELFError, ConstructError, ValueError, OverflowError, AttributeError, TypeError, IndexError, KeyError, struct.error)
"""What the ELF reader raises at damaged files: its own errors, and whatever a wrong number leads to."""

MOST_SECTIONS = 100_000
_SYMBOL, _RELA, _WORD = struct.Struct("<IBBHQQ"), struct.Struct("<QQq"), struct.Struct("<Q")
_RELR = 19
_RESERVED = 0xFF00
"""Section indexes from here on are no sections (SHN_LORESERVE)."""
_RELATIVE = {"EM_X86_64": (8, 37), "EM_AARCH64": (1027, 1032)}
"""Relocations that hold an address of the file itself: RELATIVE, IRELATIVE (its resolver's)."""
_MAPPING = re.compile(r"\$[axdt](?:\.\w*)?$")


class Kind:
    """Of a symbol. Those without one are labels: of hand-written code, or of the ends of tables that a linker makes."""

    MARK, OBJECT, FUNCTION, THREAD, IFUNC = 0, 1, 2, 6, 10
    ALL = (OBJECT, FUNCTION, THREAD, IFUNC)


class Flag:
    """Of a section."""

    WRITE, ALLOC, EXECUTE, THREAD = 0x1, 0x2, 0x4, 0x400


class UnreadableError(Exception):
    """This file is no ELF file of a processor that is known here, or a damaged one. Says which, without a full stop."""


class Place(NamedTuple):
    """What an address leads to. `names`: of a function or a variable, all that share the address; empty where there is none.
    `detail`: what else must be the same: an offset, a section, a digest of constant bytes. `ends`: names of variables that end
    where this begins: a loop over an array compares with its end."""

    names: frozenset[str]
    detail: str
    ends: frozenset[str] = frozenset()


class Section(NamedTuple):
    name: str
    address: int
    size: int
    offset: int
    flags: int
    has_bytes: bool


class Symbol(NamedTuple):
    """`raw`: as in the file. `kind`: of ELF, such as a function."""

    address: int
    size: int
    raw: str
    kind: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """`machine`: ELF's name of the processor. `is_relocatable`: loaded anywhere. `thread_size`: of thread-local variables,
    aligned. `slots`: address -> what the dynamic linker puts there: a symbol of elsewhere, or an address of this file."""

    machine: str
    is_relocatable: bool
    thread_size: int
    thread_align: int
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    slots: Mapping[int, Place | int]


def read_tables(data: bytes) -> Tables:
    """Raises `UnreadableError`."""
    try:
        return _read(data)
    except DAMAGED as error:
        raise UnreadableError(f"it is no ELF file, or a damaged one ({error or type(error).__name__})") from None


def read_symbols(data: bytes) -> tuple[Symbol, ...]:
    """The symbols alone. Raises `UnreadableError`."""
    try:
        elf = ELFFile(io.BytesIO(data))
        if elf.elfclass != 64 or not elf.little_endian:
            raise UnreadableError("it is not of this machine's kind")
        return tuple(_symbols(elf, data))
    except DAMAGED as error:
        raise UnreadableError(f"it is no ELF file, or a damaged one ({error or type(error).__name__})") from None


def load_address(data: bytes) -> int:
    """Where the file wants to begin in memory: 0 of one that is loaded anywhere, and of what is no readable file."""
    try:
        segments = ELFFile(io.BytesIO(data)).iter_segments()
        return next((int(segment["p_vaddr"]) for segment in segments if segment["p_type"] == "PT_LOAD"), 0)
    except DAMAGED:
        return 0


def _read(data: bytes) -> Tables:
    elf = ELFFile(io.BytesIO(data))
    machine = str(elf["e_machine"])
    if machine not in _RELATIVE or elf.elfclass != 64 or not elf.little_endian:
        raise UnreadableError(f"machine code of {machine.removeprefix('EM_').lower()} is not known here")
    sections = tuple(_sections(elf))
    threads = [segment for segment in elf.iter_segments() if segment["p_type"] == "PT_TLS"]
    align = max(1, int(threads[0]["p_align"])) if threads else 1
    return Tables(
        machine=machine,
        is_relocatable=elf["e_type"] == "ET_DYN",
        thread_size=-(-int(threads[0]["p_memsz"]) // align) * align if threads else 0,
        thread_align=align,
        sections=sections,
        symbols=tuple(_symbols(elf, data)),
        slots=_slots(elf, data, machine),
    )


def _sections(elf: ELFFile) -> Iterator[Section]:
    if elf.num_sections() > MOST_SECTIONS:
        raise UnreadableError("it has more sections than any program")
    for section in elf.iter_sections():
        yield Section(
            section.name,
            section["sh_addr"],
            section["sh_size"],
            section["sh_offset"],
            section["sh_flags"],
            section["sh_type"] != "SHT_NOBITS",
        )


def _symbols(elf: ELFFile, data: bytes) -> Iterator[Symbol]:
    """Of the full table, and of the dynamic one where that is all there is."""
    for name in (".symtab", ".dynsym"):
        section = elf.get_section_by_name(name)
        if section is None or section["sh_type"] not in ("SHT_SYMTAB", "SHT_DYNSYM"):
            continue
        strings = _bytes_of(elf.get_section(section["sh_link"]), data)
        count = 0
        for at, info, _, index, address, size in _SYMBOL.iter_unpack(_whole(_bytes_of(section, data), _SYMBOL)):
            if index and (info & 15 in Kind.ALL or (info & 15 == Kind.MARK and index < _RESERVED)):
                raw = strings[at : max(at, strings.find(b"\0", at))].decode("utf-8", "replace")
                if raw and not _MAPPING.match(raw):
                    count += 1
                    yield Symbol(address, size, raw, info & 15)
        if count:
            return


def _slots(elf: ELFFile, data: bytes, machine: str) -> Mapping[int, Place | int]:
    found: dict[int, Place | int] = {}
    relative = _RELATIVE[machine]
    for section in elf.iter_sections():
        if section["sh_type"] == "SHT_RELA" and section["sh_flags"] & Flag.ALLOC:
            names = _dynamic_names(elf, section["sh_link"], data)
            for address, info, addend in _RELA.iter_unpack(_whole(_bytes_of(section, data), _RELA)):
                if info & 0xFFFFFFFF in relative:
                    found[address] = addend
                else:
                    name = names[info >> 32] if info >> 32 < len(names) else ""
                    found[address] = Place(frozenset({name}) if name else frozenset(), str(addend))
        elif section["sh_type"] in ("SHT_RELR", _RELR):
            found.update(_packed_slots(elf, _bytes_of(section, data), data))
    for section in elf.iter_sections():
        # a file loaded at a fixed place needs no relocation for what lies in itself: the address is there already
        if elf["e_type"] != "ET_DYN" and section.name.startswith(".got") and section["sh_type"] != "SHT_NOBITS":
            words = _WORD.iter_unpack(_whole(_bytes_of(section, data), _WORD))
            for number, (value,) in enumerate(words):
                if value:
                    found.setdefault(section["sh_addr"] + 8 * number, value)
    return found


def _packed_slots(elf: ELFFile, packed: bytes, data: bytes) -> Iterator[tuple[int, int]]:
    """RELR: an even word is an address, an odd one a bit map of the 63 words behind."""
    segments = [(s["p_vaddr"], s["p_filesz"], s["p_offset"]) for s in elf.iter_segments() if s["p_type"] == "PT_LOAD"]

    def value(address: int) -> int:
        for begin, size, offset in segments:
            if begin <= address < begin + size:
                return int(_WORD.unpack_from(data, offset + address - begin)[0])
        return 0

    base = 0
    for (word,) in _WORD.iter_unpack(_whole(packed, _WORD)):
        if not word & 1:
            yield word, value(word)
            base = word + 8
        else:
            for bit in range(63):
                if word >> (bit + 1) & 1:
                    yield base + 8 * bit, value(base + 8 * bit)
            base += 8 * 63


def _dynamic_names(elf: ELFFile, link: int, data: bytes) -> list[str]:
    section = elf.get_section(link) if link else None
    if section is None or section["sh_type"] not in ("SHT_DYNSYM", "SHT_SYMTAB"):
        return []
    strings = _bytes_of(elf.get_section(section["sh_link"]), data)
    raws = [
        strings[at : max(at, strings.find(b"\0", at))].decode("utf-8", "replace")
        for at, *_ in _SYMBOL.iter_unpack(_whole(_bytes_of(section, data), _SYMBOL))
    ]
    normal = normalise_all(raw for raw in raws if raw)
    return [normal[raw] if raw else "" for raw in raws]


def _bytes_of(section: object, data: bytes) -> bytes:
    offset, size = section["sh_offset"], section["sh_size"]  # type: ignore[index]
    return data[offset : offset + size]


def _whole(content: bytes, record: struct.Struct) -> bytes:
    return content[: len(content) // record.size * record.size]


def _x86_stubs(code: bytes, begin: int) -> Iterator[tuple[int, int]]:
    """``jmp *slot(%rip)`` (ff 25), alone or as the second instruction of a stub of 16 bytes that begins with ``endbr64``."""
    at = code.find(b"\xff\x25")
    while at >= 0 and at + 6 <= len(code):
        slot = begin + at + 6 + int.from_bytes(code[at + 2 : at + 6], "little", signed=True)
        yield begin + (at // 16 * 16 if at % 16 in (4, 5) else at), slot
        at = code.find(b"\xff\x25", at + 2)


def _aarch64_stubs(code: bytes, begin: int) -> Iterator[tuple[int, int]]:
    """``adrp x16, page; ldr x17, [x16, offset]; …``, also behind ``bti c``."""
    words = [word for (word,) in struct.iter_unpack("<I", code[: len(code) // 4 * 4])]
    for number in range(len(words) - 1):
        page, load = words[number], words[number + 1]
        if page & 0x9F00001F == 0x90000010 and load & 0xFFC003FF == 0xF9400211:
            immediate = (page >> 5 & 0x7FFFF) << 2 | page >> 29 & 3
            immediate -= (immediate & 0x100000) << 1
            at = begin + 4 * number
            slot = (at & ~0xFFF) + (immediate << 12) + (load >> 10 & 0xFFF) * 8
            yield at, slot
            if number and words[number - 1] == 0xD503245F:
                yield at - 4, slot


_STUBS = {"EM_X86_64": _x86_stubs, "EM_AARCH64": _aarch64_stubs}


def stubs(machine: str, code: bytes, begin: int) -> Iterator[tuple[int, int]]:
    """The address of each linkage stub in `code`, which lies at `begin`, and of the slot of the offset table that it jumps by."""
    return _STUBS[machine](code, begin)
