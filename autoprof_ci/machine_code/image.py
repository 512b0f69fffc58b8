"""A program file as its machine code sees it: what lies at an address, by a name that survives another build.

Knows what names, constants, offset tables and linkage stubs stand for. Knows no instruction, and of the file format only what
`tables` has read.

An address is filled in by the linker and says nothing; what counts is what it leads to (`Place`):

    a function or a named variable   its names (several where the compiler or the linker folded equal ones) and the offset in it
    a constant                       its bytes, where its size is known
    a slot of the global offset table, a linkage stub      what the dynamic linker puts there
    anything else                    the section, no more
"""

from __future__ import annotations

import hashlib
import re
import struct
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from autoprof_ci.machine_code.tables import Flag, Kind, Place, Section, Symbol, Tables, read_tables, stubs
from autoprof_ci.symbols import normalise_all

LARGEST_CONSTANT = 1 << 16
_READ_ONLY_AFTER_LINKING = (".data.rel.ro", ".got", ".init_array", ".fini_array")
_ANONYMOUS = re.compile(
    r"\.L|\.str|(?:anon|str|vtable|__const|switch\.table)\.|alloc_[0-9a-f]{32}|CSWTCH|C\.\d|__unnamed_\d|__compound_literal\.\d"
)
"""Names that compilers number or hash: they differ from build to build."""
_LONGEST_TEXT = 4096
_RUST = re.compile(r"_R[A-Z]|_ZN.*17h[0-9a-f]{16}E")
_UNENDED_TEXTS = ("_gfortran_", "__gnat_")
"""Prefixes of what runtimes of languages are called whose texts do not end with a zero."""
_THUNK = re.compile(r"__(?:AArch64(?:ADRP|AbsLong|BTI)?(?:Long)?Thunk_)(.+)$|__(.+)_veneer$")
"""What a linker puts between a call and a callee that is too far away: `__AArch64ADRPThunk_f`, `__f_veneer`."""
_PRINTABLE = re.compile(r"[^\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]+")
BOUNDARY = re.compile(r"__\w+_(?:start|end)$|__(?:start|stop)_")


@dataclass(frozen=True, kw_only=True)
class Image:
    """One program file."""

    data: bytes = field(repr=False)
    tables: Tables = field(repr=False)

    @classmethod
    def read(cls, data: bytes) -> Image:
        """Raises `UnreadableError`."""
        return cls(data=data, tables=read_tables(data))

    @property
    def machine(self) -> str:
        """ELF's name of the processor."""
        return self.tables.machine

    @cached_property
    def _sections(self) -> tuple[list[int], list[Section]]:
        loaded = [s for s in self.tables.sections if s.flags & Flag.ALLOC and not s.flags & Flag.THREAD]
        loaded.sort(key=lambda section: section.address)
        return [s.address for s in loaded], loaded

    @cached_property
    def functions(self) -> Mapping[str, tuple[Symbol, ...]]:
        """Raw name -> the functions of that name (C has static ones, several of one name), each with its real size."""
        found: dict[str, list[Symbol]] = defaultdict(list)
        starts = self._code_starts
        for symbol in self.tables.symbols:
            if symbol.kind in (Kind.FUNCTION, Kind.IFUNC) and symbol.address:
                found[symbol.raw].append(
                    symbol if symbol.size else symbol._replace(size=self._up_to_next(symbol.address, starts))
                )
        return {raw: tuple(symbols) for raw, symbols in found.items()}

    @cached_property
    def _code_starts(self) -> list[int]:
        return sorted({s.address for s in self.tables.symbols if s.kind in (Kind.FUNCTION, Kind.IFUNC)})

    @cached_property
    def _starts_of_code(self) -> frozenset[int]:
        return frozenset(self._code_starts)

    @cached_property
    def _marks(self) -> Mapping[int, frozenset[str]]:
        """Labels without a kind: address -> names."""
        found: dict[int, set[str]] = defaultdict(set)
        for symbol in self.tables.symbols:
            if symbol.kind == Kind.MARK and not _ANONYMOUS.match(symbol.raw):
                found[symbol.address].add(self.names[symbol.raw])
        return {address: frozenset(names) for address, names in found.items()}

    @cached_property
    def _ends(self) -> Mapping[int, frozenset[str]]:
        """Where variables end: address -> their names; and where a linker marks the ends of a table."""
        found: dict[int, set[str]] = defaultdict(set)
        for symbol in self.tables.symbols:
            if symbol.kind == Kind.OBJECT and symbol.size and not _ANONYMOUS.match(symbol.raw):
                found[symbol.address + symbol.size].add(self.names[symbol.raw])
        for address, names in self._marks.items():
            found[address].update(filter(BOUNDARY.match, names))
        return {address: frozenset(names) for address, names in found.items() if names}

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
            if symbol.kind in (Kind.FUNCTION, Kind.IFUNC, Kind.OBJECT) and symbol.address:
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
        ends = self._ends.get(address, frozenset()) if size is None else frozenset()
        if symbols:
            constant = self._constant(symbols[0])
            if constant is not None:
                return Place(frozenset(), f"{constant}+{address - symbols[0].address}", ends)
            names = frozenset(self.names[s.raw] for s in symbols if not _ANONYMOUS.match(s.raw))
            if names:
                return Place(names, str(address - symbols[0].address), ends)
        if address in self._marks:
            return Place(self._marks[address], "0", ends)
        if size is not None and section is not None and self._is_constant(section, address, size):
            content = self.content(address, size)
            if content is not None:
                return Place(frozenset(), self._without_addresses(content).hex())
        text = self._text(section, address) if size is None and section is not None else None
        return Place(frozenset(), where if text is None else f"text {text}", ends)

    def _text(self, section: Section, address: int) -> str | None:
        """A digest of the text at an address, up to the zero that ends it in C."""
        if not self._ends_texts or not self._is_constant(section, address, 1):
            return None
        begin = section.offset + address - section.address
        end = self.data.find(b"\0", begin, min(begin + _LONGEST_TEXT, section.offset + section.size))
        try:
            text = self.data[begin:end].decode() if end > begin else ""
        except UnicodeDecodeError:
            return None
        return digest_of(text.encode()) if text and _PRINTABLE.fullmatch(text) else None

    @cached_property
    def _ends_texts(self) -> bool:
        """Whether texts in this program end with a zero: it says that C compilers made it, and has nothing of other languages."""
        comment = next((section for section in self.tables.sections if section.name == ".comment"), None)
        said = self.data[comment.offset : comment.offset + comment.size] if comment else b""
        return (b"GCC" in said or b"clang" in said) and not any(
            symbol.raw.startswith(_UNENDED_TEXTS) or _RUST.match(symbol.raw) for symbol in self.tables.symbols
        )

    def table(self, at: int, function: range, most: int) -> list[int]:
        """Where in a function the entries of a table lead to that it jumps by: distances from the table, or addresses."""
        step = 8 if self.is_address(int.from_bytes(self.content(at, 8) or b"", "little")) else 4
        found = []
        for entry in range(at, at + step * most, step):
            content = self.content(entry, step)
            number = int.from_bytes(content or b"", "little", signed=step == 4) + (at if step == 4 else 0)
            if content is None or number not in function:
                break
            found.append(number)
        return found

    def thread_place(self, offset: int) -> Place:
        """What lies `offset` bytes from the beginning of the thread-local variables."""
        for symbol in self._thread_symbols:
            if symbol.address <= offset < symbol.address + max(symbol.size, 1):
                return Place(frozenset({self.names[symbol.raw]}), f"thread {offset - symbol.address}")
        return Place(frozenset(), "thread")

    @cached_property
    def _thread_symbols(self) -> tuple[Symbol, ...]:
        """The longest first: linkers mark the beginning of all of them with one of no size."""
        return tuple(sorted((s for s in self.tables.symbols if s.kind == Kind.THREAD), key=lambda symbol: -symbol.size))

    def is_address(self, number: int) -> bool:
        """Whether a number in a file that is loaded at a fixed place may be an address."""
        if self.tables.is_relocatable:
            return False
        starts, _ = self._sections
        return bool(starts) and number >= starts[0] and (self.section(number) is not None or number in self._marks)

    def may_be_taken(self, address: int) -> bool:
        """Whether it is one of data, or where a function begins."""
        section = self.section(address)
        return section is None or not section.flags & Flag.EXECUTE or address in self._starts_of_code or address in self._marks

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
        if symbol.kind != Kind.OBJECT or not 0 < symbol.size <= LARGEST_CONSTANT or section is None:
            return None
        if not self._is_constant(section, symbol.address, symbol.size):
            return None
        content = self.content(symbol.address, symbol.size)
        return None if content is None else digest_of(self._without_addresses(content))

    def _without_addresses(self, content: bytes) -> bytes:
        """In a file that is loaded at a fixed place, tables hold addresses, and no relocation says where."""
        if self.tables.is_relocatable or len(content) % 8:
            return content
        words = struct.unpack(f"<{len(content) // 8}Q", content)
        return struct.pack(f"<{len(words)}Q", *(0 if self.is_address(word) else word for word in words))

    def _is_constant(self, section: Section, address: int, size: int) -> bool:
        writable = section.flags & Flag.WRITE and not section.name.startswith(_READ_ONLY_AFTER_LINKING)
        if writable or section.flags & Flag.EXECUTE or not section.has_bytes:
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
                for at, slot in stubs(self.machine, code, section.address):
                    target = self.tables.slots.get(slot)
                    if target is not None:
                        place = target if isinstance(target, Place) else self._lies_at(target, None)
                        found[at] = Place(place.names, "0")
        return found


def digest_of(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=12).hexdigest()


def _without_thunk(raw: str) -> str:
    found = _THUNK.match(raw) if raw.startswith("__") else None
    return (found[1] or found[2]) if found else raw
