"""AArch64 instructions, each as a word that stays the same wherever the linker puts it and what it refers to.

Knows the encoding as far as addresses are in it (Arm ARM DDI 0487, C4.1): branches, pages (`adrp`) and the offset in the page
that a later instruction adds, literals, offsets of thread-local variables; through capstone. Knows no file format: what an
address leads to, it asks the `Image`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

import capstone

from autoprof_ci.machine_code.image import Image
from autoprof_ci.machine_code.tables import Place
from autoprof_ci.machine_code.word import Word

_BRANCH = re.compile(r"(?:bl?|b\.\w+|bc\.\w+|cbn?z|tbn?z)$")
_TARGET = re.compile(r"#0x([0-9a-f]+)$")
_ADD = re.compile(r"(x\d+|sp), (x\d+|sp), #(0x[0-9a-f]+|\d+)(, lsl #12)?$")
_MEMORY = re.compile(r"^(\w+)(?:, \w+)?, \[(x\d+)(?:, #(0x[0-9a-f]+|\d+))?\]$")
_COPY = re.compile(r"(x\d+), (x\d+)$")
_STACK = re.compile(r"(x\d+|xzr)(?:, (x\d+|xzr))?, \[(sp|x29)(?:, #(0x[0-9a-f]+|\d+))?\]$")
_LITERAL = re.compile(r"^(\w+), #0x([0-9a-f]+)$")
_REGISTER_BYTES = {"w": 4, "x": 8, "b": 1, "h": 2, "s": 4, "d": 8, "q": 16}
_READS_FIRST = re.compile(r"st(?!l?x[rp])|cm[np]|tst|[ct]bn?z|b(?:$|\.|c\.|l|r)|ret|prf|f?ccm[np]|fcmp|msr")
"""Mnemonics whose first operand is not written."""
_BASE = re.compile(r"\[(\w+)")
_BYTES_OF_LITERAL = {"ldrsw": 4}
_HALF = re.compile(r"(x\d+), #(0x[0-9a-f]+|\d+)(, lsl #16)?$")
_IMMEDIATE_12, _PAGE = 0xFFF << 10, 1 << 12


_Registers = dict[str, int]


class _Known:
    """What registers, and places on the stack, hold at an instruction, as far as it is known: pages, offsets from the thread
    pointer, and halves of such offsets that are being put together.

    Code is read from its first instruction to its last. What follows a jump that is always taken was jumped to, and a jump takes
    along what is known where it is; behind a jump by a table lie its targets. Where two ways meet, what is known on one is taken
    for known: compiled code that uses a register as a page put a page there on every way. `from_behind`: what jumps back take
    along, once the code has been read.
    """

    def __init__(self, from_behind: Mapping[int, tuple[_Registers, ...]] = MappingProxyType({})) -> None:
        self.pages: _Registers = {}
        self.threads: _Registers = {}
        self.offsets: _Registers = {}
        self.unknown: set[int] = set()
        self.jumped: dict[int, tuple[_Registers, ...]] = {}
        self._from_behind = from_behind
        self._by_table: tuple[_Registers, ...] | None = None
        self._is_reached = True

    def at(self, address: int) -> None:
        """Before the instruction there is read."""
        taken = self.jumped.pop(address, None)
        if taken is None and not self._is_reached:
            taken = self._from_behind.get(address, self._by_table)
            self.unknown.add(address)
        if taken is not None:
            for known, other in zip(self._all(), taken, strict=True):
                if not self._is_reached:
                    known.clear()
                known.update(other)
        self._is_reached = True

    def jumps(self, mnemonic: str, to: int | None) -> None:
        if mnemonic == "br":
            self._by_table = tuple(known.copy() for known in self._all())
        elif to is not None and mnemonic != "bl":
            for known, other in zip(self.jumped.setdefault(to, ({}, {}, {})), self._all(), strict=True):
                known.update(other)
        self._is_reached = mnemonic not in ("b", "br", "ret")

    def _all(self) -> tuple[_Registers, ...]:
        return self.pages, self.threads, self.offsets

    def forget(self, register: str) -> None:
        self.pages.pop(register, None)
        self.threads.pop(register, None)
        self.offsets.pop(register, None)

    def copy(self, register: str, to: str) -> None:
        for known in self._all():
            if register in known:
                known[to] = known[register]
            else:
                known.pop(to, None)

    def calls(self) -> None:
        """A call returns something; a compiler that sees what is called uses any other register across it."""
        for register in ("x0", "x1", "x16", "x17", "x30"):
            self.forget(register)


def words(image: Image, code: bytes, address: int) -> Iterator[Word]:
    """The instructions of the function at `address`, and its padding as words of no text."""
    known = _Known()
    found = list(_words(image, code, address, known))
    if known.unknown & known.jumped.keys():
        found = list(_words(image, code, address, _Known(known.jumped)))
    return iter(found)


def _words(image: Image, code: bytes, address: int, known: _Known) -> Iterator[Word]:
    end = address + len(code)
    has_threads = b"\x3b\xd5" in code
    for at, size, mnemonic, operands in _decoder().disasm_lite(code, address):
        raw = code[at - address : at - address + size]
        known.at(at)
        if mnemonic == "nop":
            yield Word(at, b"", None, "")
            continue
        if mnemonic == "b" and (moved := _moved(image, at, operands, address, end)) is not None:
            raw, mnemonic, operands = moved
        kind = _kind(mnemonic, operands)
        if mnemonic in ("br", "ret", "blr"):
            known.calls() if mnemonic == "blr" else known.jumps(mnemonic, None)
        elif _BRANCH.match(mnemonic) and (target := _TARGET.search(operands)) is not None:
            to = int(target[1], 16)
            if mnemonic == "bl":
                known.calls()
            known.jumps(mnemonic, to)
            yield Word(at, f"{mnemonic} {operands[: target.start()]}", to if address <= to < end else image.place(to), kind)
            continue
        if mnemonic in ("adrp", "adr"):
            register, _, value = operands.partition(", #")
            to = int(value, 0)
            known.forget(register)
            # a linker that works around an erratum of a processor turns the one into the other
            if mnemonic == "adrp" or (to % _PAGE == 0 and not address <= to < end):
                known.pages[register] = to
                yield Word(at, f"adrp {register}", None, "")
            else:
                yield Word(at, f"adr {register}", to if address <= to < end else image.place(to), kind)
            continue
        if mnemonic.startswith("ldr") and (literal := _LITERAL.match(operands)) is not None:
            known.forget(literal[1])
            to = int(literal[2], 16)
            refers = to if address <= to < end else image.place(to, _BYTES_OF_LITERAL.get(mnemonic, _size_of(literal[1])))
            yield Word(at, f"{mnemonic} {literal[1]}", refers, kind)
            continue
        if has_threads and mnemonic in ("movz", "movk") and (offset := _offset(image, mnemonic, operands, known)) is not None:
            yield Word(at, f"{mnemonic} {operands.partition(',')[0]}", offset, "")
            continue
        found = _relative(image, (mnemonic, operands), known)
        if mnemonic == "mrs" and operands.endswith("tpidr_el0"):
            known.forget(operands.partition(",")[0])
            known.threads[operands.partition(",")[0]] = 0
        elif mnemonic in ("str", "stp"):
            _stored(operands, known)
        elif not _READS_FIRST.match(mnemonic):
            _written(mnemonic, operands, known)
        if "]!" in operands or "], #" in operands:
            known.forget(_BASE.split(operands, maxsplit=1)[1])
        if found is not None:
            kind = _IMMEDIATE.sub("", kind)
        yield Word(at, raw if found is None else _without_immediate(raw), found, kind)


@lru_cache(maxsize=1)
def _decoder() -> capstone.Cs:
    decoder = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN)
    decoder.skipdata = True
    return decoder


def _moved(image: Image, at: int, operands: str, begin: int, end: int) -> tuple[bytes, str, str] | None:
    """What a linker has moved elsewhere, to keep it from an unlucky place in a page (erratum 843419 of Cortex-A53): a load or
    store, and behind it a jump back. Which ones it moves depends on where the function lies."""
    target = _TARGET.search(operands)
    to = int(target[1], 16) if target else begin
    if begin <= to < end:
        return None
    code = image.content(to, 8)
    if code is None:
        return None
    moved, *back = _decoder().disasm_lite(code, to)
    if not back or back[0][2:] != ("b", f"#{at + 4:#x}") or not moved[2].startswith(("ld", "st")):
        return None
    return code[:4], moved[2], moved[3]


def _offset(image: Image, mnemonic: str, operands: str, known: _Known) -> Place | None:
    """An offset from the thread pointer, in halves: ``movz x0, #0, lsl #16; movk x0, #0x10``. No compiler writes the first one
    so, linkers do where they know the offset after all."""
    found = _HALF.match(operands)
    if found is None:
        return None
    register, value, is_upper = found[1], int(found[2], 0), found[3] is not None
    if mnemonic == "movz":
        known.forget(register)
        if not is_upper or value << 16 > image.tables.thread_size + image.tables.thread_align + 16:
            return None
        known.offsets[register] = value << 16
        return Place(frozenset(), "thread, upper part")
    upper = known.offsets.pop(register, None)
    return _thread_place(image, upper + value) if upper is not None and not is_upper else None


_REGISTER = re.compile(r"\b([xwbhsdqvz])\d+\b")
_IMMEDIATE = re.compile(r", #-?(?:0x[0-9a-f]+|\d+)")
_DROPPED = ("b", "ret", "bti", "paciasp", "autiasp")
"""What comes and goes with the order of blocks, and does no work."""


@lru_cache(maxsize=1 << 16)
def _kind(mnemonic: str, operands: str) -> str:
    """What an instruction does, whatever registers it does it in: ``add x, x, #0x10``; empty for what only moves things about."""
    if mnemonic in _DROPPED or "sp" in operands or (mnemonic == "mov" and "#" not in operands):
        return ""
    for family in ("b.", "cb", "tb"):
        if mnemonic.startswith(family):
            return family
    if mnemonic == "bl":
        return "bl"
    if mnemonic in ("adr", "adrp") or (mnemonic.startswith("ldr") and "[" not in operands):
        return mnemonic
    if mnemonic.startswith(("cs", "cc")):
        return f"{mnemonic} {_REGISTER.sub(_class_of, operands.rpartition(', ')[0])}"
    return f"{mnemonic} {_REGISTER.sub(_class_of, operands)}"


def _class_of(found: re.Match[str]) -> str:
    return found[1]


def _relative(image: Image, instruction: tuple[str, str], known: _Known) -> Place | None:
    """What an instruction refers to by a page, or by the thread pointer, that an earlier one put into a register."""
    mnemonic, operands = instruction
    if mnemonic == "add" and (added := _ADD.match(operands)) is not None:
        amount = int(added[3], 0) << (12 if added[4] else 0)
        if added[2] in known.pages:
            return image.place(known.pages[added[2]] + amount)
        if added[2] in known.threads:
            offset = known.threads[added[2]] + amount
            known.threads[added[1]] = offset
            return Place(frozenset(), "thread, upper part") if added[4] else _thread_place(image, offset)
        return None
    memory = _MEMORY.match(operands)
    if memory is None or not mnemonic.startswith(("ld", "st", "prfm")):
        return None
    offset = int(memory[3] or "0", 0)
    if memory[2] in known.pages:
        return image.place(known.pages[memory[2]] + offset, _size_of(memory[1]) if mnemonic.startswith("ld") else None)
    return _thread_place(image, known.threads[memory[2]] + offset) if memory[2] in known.threads and offset else None


def _size_of(register: str) -> int | None:
    return _REGISTER_BYTES.get(register[0])


def _thread_place(image: Image, offset: int) -> Place:
    """Thread-local variables begin behind two words of the thread pointer (variant I of ELF's TLS)."""
    before = -(-16 // image.tables.thread_align) * image.tables.thread_align
    return image.thread_place(offset - before)


def _written(mnemonic: str, operands: str, known: _Known) -> None:
    """What an instruction writes is no page any more, unless it copies one, or fetches one that was put on the stack."""
    copied = _COPY.match(operands) if mnemonic == "mov" else None
    if copied is not None:
        known.copy(copied[2], copied[1])
        return
    on_stack = _STACK.match(operands) if mnemonic in ("ldr", "ldp") else None
    if on_stack is not None:
        known.copy(_slot(on_stack, 0), on_stack[1])
        if on_stack[2]:
            known.copy(_slot(on_stack, 8), on_stack[2])
        return
    if mnemonic == "add" and (added := _ADD.match(operands)) is not None and added[2] in known.threads:
        thread = known.threads[added[1]]
        known.forget(added[1])
        known.threads[added[1]] = thread
        return
    for word in operands.split(", ")[: 2 if mnemonic in ("ldp", "ldpsw", "ldxp", "ldaxp") else 1]:
        known.forget(f"x{word[1:]}" if word[:1] == "w" else word)


def _stored(operands: str, known: _Known) -> None:
    on_stack = _STACK.match(operands)
    if on_stack is not None:
        known.copy(on_stack[1], _slot(on_stack, 0))
        if on_stack[2]:
            known.copy(on_stack[2], _slot(on_stack, 8))


def _slot(on_stack: re.Match[str], more: int) -> str:
    return f"{on_stack[3]}+{int(on_stack[4] or '0', 0) + more}"


def _without_immediate(raw: bytes) -> bytes:
    return (int.from_bytes(raw, "little") & ~_IMMEDIATE_12).to_bytes(4, "little")
