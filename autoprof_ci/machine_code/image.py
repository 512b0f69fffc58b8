"""A program file as its machine code sees it: what lies at an address, by a name that survives another build.

Knows ELF (System V ABI 4.1; x86-64 and AArch64 supplements; RELR: generic ABI proposal of 2018): sections, symbols, dynamic
relocations, linkage stubs. Knows no instruction. Bytes in, values out; files may be hostile: whatever is wrong in them is
`UnreadableError`.

An address is filled in by the linker and says nothing; what counts is what it leads to (`Place`):

    a function or a named variable   its names (several where the compiler or the linker folded equal ones) and the offset in it
    a constant                       its bytes, where its size is known
    a slot of the global offset table, a linkage stub      what the dynamic linker puts there
    anything else                    the section, no more
"""

from __future__ import annotations

import io
import re
import struct
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.elffile import ELFFile

from autoprof_ci.symbols import normalise_all

DAMAGED = (ELFError, ConstructError, ValueError, OverflowError, AttributeError, TypeError, IndexError, KeyError, struct.error)
"""What the ELF reader raises at damaged files: its own errors, and whatever a wrong number leads to."""

LARGEST_CONSTANT = 1 << 16
MOST_SECTIONS = 100_000
_SYMBOL, _RELA, _WORD = struct.Struct("<IBBHQQ"), struct.Struct("<QQq"), struct.Struct("<Q")
_OBJECT, _FUNCTION, _TLS, _IFUNC = 1, 2, 6, 10
_WRITE, _ALLOC, _EXECUTE, _THREAD = 0x1, 0x2, 0x4, 0x400
_NO_BITS, _RELR = 8, 19
_RELATIVE = {"EM_X86_64": (8, 37), "EM_AARCH64": (1027, 1032)}
"""Relocations that hold an address of the file itself: RELATIVE, IRELATIVE (its resolver's)."""
_READ_ONLY_AFTER_LINKING = (".data.rel.ro", ".got", ".init_array", ".fini_array")
_ANONYMOUS = re.compile(r"(?:\.L|anon\.|alloc_|str\.|switch\.table|vtable\.|__const\.|CSWTCH|C\.\d|__unnamed_|\.str)")
"""Names that compilers number or hash: they differ from build to build."""
_THUNK = re.compile(r"__(?:AArch64(?:ADRP|AbsLong|BTI)?(?:Long)?Thunk_)(.+)$|__(.+)_veneer$")
"""What a linker puts between a call and a callee that is too far away: `__AArch64ADRPThunk_f`, `__f_veneer`."""
_MAPPING = re.compile(r"\$[axdt](?:\.\w*)?$")
_COLD = re.compile(r"\.(?:cold|unlikely|part)(?:\.\d+)?$")


class UnreadableError(Exception):
    """This file is no ELF file of a processor that is known here, or a damaged one. Says which, without a full stop."""


class Place(NamedTuple):
    """What an address leads to. `names`: of a function or a variable, all that share the address; empty where there is none.
    `detail`: what else must be the same: an offset, a section, a digest of constant bytes."""

    names: frozenset[str]
    detail: str


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
class _Tables:
    sections: tuple[Section, ...]
    symbols: tuple[Symbol, ...]
    slots: Mapping[int, Place | int]
    """Address -> what the dynamic linker puts there: a symbol of elsewhere, or an address of this file."""


@dataclass(frozen=True, kw_only=True)
class Image:
    """One program file. `machine`: ELF's name of the processor. `thread_size`: of its thread-local variables, aligned."""

    data: bytes = field(repr=False)
    machine: str
    is_relocatable: bool
    thread_size: int
    thread_align: int
    tables: _Tables = field(repr=False)

    @classmethod
    def read(cls, data: bytes) -> Image:
        """Raises `UnreadableError`."""
        try:
            return _read(data)
        except DAMAGED as error:
            raise UnreadableError(f"it is no ELF file, or a damaged one ({error or type(error).__name__})") from None

    @cached_property
    def _sections(self) -> tuple[list[int], list[Section]]:
        loaded = sorted((s for s in self.tables.sections if s.flags & _ALLOC and not s.flags & _THREAD), key=lambda s: s.address)
        return [s.address for s in loaded], loaded

    @cached_property
    def functions(self) -> Mapping[str, tuple[Symbol, ...]]:
        """Raw name -> the functions of that name (C has static ones, several of one name), each with its real size."""
        found: dict[str, list[Symbol]] = defaultdict(list)
        starts = self._code_starts
        for symbol in self.tables.symbols:
            if symbol.kind in (_FUNCTION, _IFUNC) and symbol.address:
                found[symbol.raw].append(
                    symbol if symbol.size else symbol._replace(size=self._up_to_next(symbol.address, starts))
                )
        return {raw: tuple(symbols) for raw, symbols in found.items()}

    @cached_property
    def _code_starts(self) -> list[int]:
        return sorted({s.address for s in self.tables.symbols if s.kind in (_FUNCTION, _IFUNC)})

    def _up_to_next(self, address: int, starts: list[int]) -> int:
        section = self.section(address)
        end = section.address + section.size if section else address
        after = bisect_right(starts, address)
        return max(0, min(end, starts[after]) - address) if after < len(starts) else max(0, end - address)

    @cached_property
    def _named(self) -> tuple[list[int], list[tuple[Symbol, ...]]]:
        """Functions and variables by address; those of one address together, the longest first."""
        by_address: dict[int, list[Symbol]] = defaultdict(list)
        for symbol in self.tables.symbols:
            if symbol.kind in (_FUNCTION, _IFUNC, _OBJECT) and symbol.address:
                by_address[symbol.address].append(symbol)
        addresses = sorted(by_address)
        return addresses, [tuple(sorted(by_address[a], key=lambda s: -s.size)) for a in addresses]

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Raw name -> the name of the source function; what linkers put before a far callee is that callee."""
        raws = {symbol.raw for symbol in self.tables.symbols}
        bare = {raw: _without_thunk(raw) for raw in raws}
        normal = normalise_all(bare.values())
        return {raw: normal[name] for raw, name in bare.items()}

    def section(self, address: int) -> Section | None:
        starts, sections = self._sections
        at = bisect_right(starts, address) - 1
        if at < 0:
            return None
        found = sections[at]
        return found if address < found.address + max(found.size, 1) else None

    def content(self, address: int, size: int) -> bytes | None:
        """Bytes of the file at an address; ``None`` where the file has none, or not so many."""
        section = self.section(address)
        if section is None or not section.has_bytes or address + size > section.address + section.size:
            return None
        begin = section.offset + address - section.address
        found = self.data[begin : begin + size]
        return found if len(found) == size else None

    def place(self, address: int, size: int | None = None) -> Place:
        """What `address` leads to. `size`: of the access, where the instruction says."""
        slot = self.tables.slots.get(address)
        section = self.section(address)
        where = section.name if section else "nowhere"
        if slot is not None and where.startswith(".got"):
            found = slot if isinstance(slot, Place) else self._lies_at(slot, None)
            return Place(found.names, f"slot {found.detail}")
        if where.startswith((".plt", ".iplt")):
            return self._stubs.get(address, Place(frozenset(), where))
        return self._lies_at(address, size)

    def _lies_at(self, address: int, size: int | None) -> Place:
        """Without looking at what the dynamic linker puts there: a damaged file's slots may lead to one another in a circle."""
        section = self.section(address)
        where = section.name if section else "nowhere"
        symbols = self._covering(address)
        if symbols:
            constant = self._constant(symbols[0])
            if constant is not None:
                return Place(frozenset(), f"{constant}+{address - symbols[0].address}")
            names = frozenset(self.names[s.raw] for s in symbols if not _ANONYMOUS.match(s.raw))
            if names:
                cold = all(_COLD.search(s.raw) for s in symbols)
                return Place(names, "cold" if cold else str(address - symbols[0].address))
        if size is not None and section is not None and self._is_constant(section, address, size):
            content = self.content(address, size)
            if content is not None:
                return Place(frozenset(), content.hex())
        return Place(frozenset(), where)

    def thread_place(self, offset: int) -> Place:
        """What lies `offset` bytes from the beginning of the thread-local variables."""
        for symbol in self._thread_symbols:
            if symbol.address <= offset < symbol.address + max(symbol.size, 1):
                return Place(frozenset({self.names[symbol.raw]}), f"thread {offset - symbol.address}")
        return Place(frozenset(), "thread")

    @cached_property
    def _thread_symbols(self) -> tuple[Symbol, ...]:
        return tuple(symbol for symbol in self.tables.symbols if symbol.kind == _TLS)

    def is_address(self, number: int) -> bool:
        """Whether a number in the code of a file that is loaded at a fixed place is an address."""
        starts, _ = self._sections
        return not self.is_relocatable and bool(starts) and number >= starts[0] and self.section(number) is not None

    def _covering(self, address: int) -> tuple[Symbol, ...]:
        addresses, symbols = self._named
        at = bisect_right(addresses, address) - 1
        if at < 0:
            return ()
        found = symbols[at]
        return found if address < addresses[at] + max(found[0].size, 1) else ()

    def _constant(self, symbol: Symbol) -> str | None:
        """A digest of the bytes of a variable that nobody writes and the linker did not fill in; ``None`` for any other."""
        section = self.section(symbol.address)
        if symbol.kind != _OBJECT or not 0 < symbol.size <= LARGEST_CONSTANT or section is None:
            return None
        if not self._is_constant(section, symbol.address, symbol.size):
            return None
        content = self.content(symbol.address, symbol.size)
        return None if content is None else digest_of(content)

    def _is_constant(self, section: Section, address: int, size: int) -> bool:
        writable = section.flags & _WRITE and not section.name.startswith(_READ_ONLY_AFTER_LINKING)
        if writable or section.flags & _EXECUTE or not section.has_bytes:
            return False
        at = bisect_left(self._slot_addresses, address - 7)
        return not (at < len(self._slot_addresses) and self._slot_addresses[at] < address + size)

    @cached_property
    def _slot_addresses(self) -> list[int]:
        return sorted(self.tables.slots)

    @cached_property
    def _stubs(self) -> Mapping[int, Place]:
        """Linkage stubs: address -> what they jump to, found by the slot of the offset table that each one loads."""
        found: dict[int, Place] = {}
        for section in self.tables.sections:
            if section.name.startswith((".plt", ".iplt")) and section.has_bytes:
                code = self.data[section.offset : section.offset + section.size]
                for at, slot in _STUBS.get(self.machine, _no_stubs)(code, section.address):
                    target = self.tables.slots.get(slot)
                    if target is not None:
                        place = target if isinstance(target, Place) else self._lies_at(target, None)
                        found[at] = Place(place.names, "0")
        return found


def digest_of(content: bytes) -> str:
    import hashlib

    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _without_thunk(raw: str) -> str:
    found = _THUNK.match(raw) if raw.startswith("__") else None
    return (found[1] or found[2]) if found else raw


def _read(data: bytes) -> Image:
    elf = ELFFile(io.BytesIO(data))
    machine = str(elf["e_machine"])
    if machine not in _RELATIVE or elf.elfclass != 64 or not elf.little_endian:
        raise UnreadableError(f"machine code of {machine.removeprefix('EM_').lower()} is not known here")
    sections = tuple(_sections(elf))
    threads = [segment for segment in elf.iter_segments() if segment["p_type"] == "PT_TLS"]
    align = max(1, int(threads[0]["p_align"])) if threads else 1
    return Image(
        data=data,
        machine=machine,
        is_relocatable=elf["e_type"] == "ET_DYN",
        thread_size=-(-int(threads[0]["p_memsz"]) // align) * align if threads else 0,
        thread_align=align,
        tables=_Tables(
            sections=sections,
            symbols=tuple(_symbols(elf, data)),
            slots=_slots(elf, data, machine),
        ),
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
            if index and info & 15 in (_OBJECT, _FUNCTION, _TLS, _IFUNC):
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
        if section["sh_type"] == "SHT_RELA" and section["sh_flags"] & _ALLOC:
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


def _no_stubs(code: bytes, begin: int) -> Iterator[tuple[int, int]]:
    del code, begin
    return iter(())


_STUBS = {"EM_X86_64": _x86_stubs, "EM_AARCH64": _aarch64_stubs}
