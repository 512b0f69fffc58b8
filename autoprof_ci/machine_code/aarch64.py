"""AArch64 instructions, each as a word that stays the same wherever the linker puts it and what it refers to.

Knows the encoding as far as addresses are in it (Arm ARM DDI 0487, C4.1): branches, pages (`adrp`) and the offset in the page
that a later instruction adds, literals, offsets of thread-local variables; through capstone. Knows no file format: what an
address leads to, it asks the `Image`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import capstone

from autoprof_ci.machine_code.image import Image
from autoprof_ci.machine_code.tables import Place
from autoprof_ci.machine_code.word import Word

_BRANCH = re.compile(r"(?:bl?|b\.\w+|bc\.\w+|cbn?z|tbn?z)$")
_TARGET = re.compile(r"#0x([0-9a-f]+)$")
_ADD = re.compile(r"(x\d+|sp), (x\d+|sp), #(0x[0-9a-f]+|\d+)(, lsl #12)?$")
_MEMORY = re.compile(r"^(\w+)(?:, \w+)?, \[(x\d+)(?:, #(0x[0-9a-f]+|\d+))?\]$")
_LITERAL = re.compile(r"^(\w+), #0x([0-9a-f]+)$")
_REGISTER_BYTES = {"w": 4, "x": 8, "b": 1, "h": 2, "s": 4, "d": 8, "q": 16}
_READS_FIRST = ("st", "cmp", "cmn", "tst", "cb", "tb", "b", "ret", "prfm", "ccmp", "ccmn", "fcmp")
"""Mnemonics whose first operand is not written."""
_CALLEE_SAVED = frozenset(f"x{number}" for number in range(19, 29))
_IMMEDIATE_12, _PAGE_BITS = 0xFFF << 10, 0x60FFFFE0


def words(image: Image, code: bytes, address: int) -> Iterator[Word]:
    """The instructions of the function at `address`."""
    end = address + len(code)
    decoder = capstone.Cs(capstone.CS_ARCH_ARM64, capstone.CS_MODE_LITTLE_ENDIAN)
    decoder.skipdata = True
    pages: dict[str, int] = {}
    threads: dict[str, int] = {}
    for at, size, mnemonic, operands in decoder.disasm_lite(code, address):
        raw = code[at - address : at - address + size]
        if mnemonic == "nop":
            continue
        kind = _kind(mnemonic, operands)
        if _BRANCH.match(mnemonic) and (target := _TARGET.search(operands)) is not None:
            to = int(target[1], 16)
            if mnemonic == "bl":
                _forget_scratch(pages, threads)
            yield Word(at, f"{mnemonic} {operands[: target.start()]}", to if address <= to < end else image.place(to), kind)
            continue
        if mnemonic in ("adrp", "adr"):
            register, _, value = operands.partition(", #")
            threads.pop(register, None)
            if mnemonic == "adrp":
                pages[register] = int(value, 0)
                yield Word(at, f"adrp {register}", None, "")
            else:
                pages.pop(register, None)
                to = int(value, 0)
                yield Word(at, f"adr {register}", to if address <= to < end else image.place(to), kind)
            continue
        if mnemonic.startswith("ldr") and (literal := _LITERAL.match(operands)) is not None:
            pages.pop(literal[1], None)
            yield Word(at, f"{mnemonic} {literal[1]}", Place(frozenset(), "literal"), kind)
            continue
        found = _relative(image, (mnemonic, operands), pages, threads)
        if mnemonic == "mrs" and operands.endswith("tpidr_el0"):
            threads[operands.partition(",")[0]] = 0
        elif not mnemonic.startswith(_READS_FIRST):
            _written(mnemonic, operands, pages, threads)
        if found is not None:
            kind = _IMMEDIATE.sub("", kind)
        yield Word(at, raw if found is None else _without_immediate(raw), found, kind)


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


def _relative(image: Image, instruction: tuple[str, str], pages: dict[str, int], threads: dict[str, int]) -> Place | None:
    """What an instruction refers to by a page, or by the thread pointer, that an earlier one put into a register."""
    mnemonic, operands = instruction
    if mnemonic == "add" and (added := _ADD.match(operands)) is not None:
        amount = int(added[3], 0) << (12 if added[4] else 0)
        if added[2] in pages:
            return image.place(pages[added[2]] + amount)
        if added[2] in threads:
            # The register may hold the bare thread pointer again where it is jumped to, so an upper part begins anew.
            offset = amount if added[4] else threads[added[2]] + amount
            threads[added[1]] = offset
            return Place(frozenset(), "thread, upper part") if added[4] else _thread_place(image, offset)
        return None
    memory = _MEMORY.match(operands)
    if memory is None or not mnemonic.startswith(("ld", "st", "prfm")):
        return None
    offset = int(memory[3] or "0", 0)
    if memory[2] in pages:
        return image.place(pages[memory[2]] + offset, _REGISTER_BYTES.get(memory[1][0]) if mnemonic.startswith("ld") else None)
    return _thread_place(image, threads[memory[2]] + offset) if memory[2] in threads and offset else None


def _thread_place(image: Image, offset: int) -> Place:
    """Thread-local variables begin behind two words of the thread pointer (variant I of ELF's TLS)."""
    before = -(-16 // image.tables.thread_align) * image.tables.thread_align
    return image.thread_place(offset - before)


def _written(mnemonic: str, operands: str, pages: dict[str, int], threads: dict[str, int]) -> None:
    """Registers that an instruction writes hold no page any more; `add` of a thread pointer keeps what `_relative` put there."""
    registers = [f"x{word[1:]}" if word[:1] == "w" else word for word in operands.split(", ")[: 2 if mnemonic == "ldp" else 1]]
    if mnemonic.startswith("ld") and "[sp" in operands:
        # The end of the function, where its caller's registers come back: what follows it was jumped to from before.
        registers = [register for register in registers if register not in _CALLEE_SAVED]
    for register in registers:
        pages.pop(register, None)
        if mnemonic != "add":
            threads.pop(register, None)


def _forget_scratch(pages: dict[str, int], threads: dict[str, int]) -> None:
    """A call may overwrite x0 to x18 (AAPCS64)."""
    for known in (pages, threads):
        for number in range(19):
            known.pop(f"x{number}", None)


def _without_immediate(raw: bytes) -> bytes:
    return (int.from_bytes(raw, "little") & ~_IMMEDIATE_12).to_bytes(4, "little")
