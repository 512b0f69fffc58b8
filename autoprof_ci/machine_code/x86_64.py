"""x86-64 instructions, each as a word that stays the same wherever the linker puts it and what it refers to.

Knows the encoding as far as addresses are in it (Intel SDM vol. 2, 2.1; displacements relative to rip, branch targets, offsets of
thread-local variables), through capstone. Knows no file format: what an address leads to, it asks the `Image`.

A branch is its mnemonic and its target: within the function the number of an instruction, so that neither padding nor the choice
between short and long branches shows. Padding is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import capstone

from autoprof_ci.machine_code.image import Image
from autoprof_ci.machine_code.tables import Place
from autoprof_ci.machine_code.word import Word

_BRANCH = re.compile(r"(?:(?:bnd|notrack) )?(?:j\w+|call|loop\w*|xbegin)$")
_RIP = re.compile(r"\[rip(?: ([+-]) (0x[0-9a-f]+|\d+))?\]")
_THREAD = re.compile(r"fs:\[(0x[0-9a-f]+)\]")
_THREAD_BASE = re.compile(r"(\w+), qword ptr fs:\[0\]$")
_FROM_BASE = re.compile(r"\[(\w+) ([+-]) (0x[0-9a-f]+|\d+)\]")
_OFFSET = re.compile(r"(r\w+), (0xf[0-9a-f]{15})$")
_INDEXED = re.compile(r"fs:\[(r\w+)(?: [+-] \w+)?\]")
_NUMBER = re.compile(r"(?<![\w.])0x[0-9a-f]{5,16}\b")
_SIZE = re.compile(r"(byte|word|dword|qword|xmmword|ymmword|zmmword) ptr")
_BYTES = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "xmmword": 16, "ymmword": 32, "zmmword": 64}
_PADDING = ("nop", "int3")
_64_BITS = 1 << 64


def words(image: Image, code: bytes, address: int) -> Iterator[Word]:
    """The instructions of the function at `address`."""
    end = address + len(code)
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    decoder.skipdata = True
    bases: set[str] = set()
    indexes = _thread_indexes(code, address)
    for at, size, mnemonic, operands in decoder.disasm_lite(code, address):
        if mnemonic in _PADDING or (mnemonic == "xchg" and operands == "ax, ax"):
            continue
        raw = code[at - address : at - address + size]
        kind = _kind(mnemonic, operands)
        if operands[:2] == "0x" and _BRANCH.match(mnemonic):
            target = int(operands, 16)
            yield Word(at, mnemonic, target if address <= target < end else image.place(target), kind)
            continue
        if "rip" in operands and (found := _RIP.search(operands)) is not None:
            offset = int(found[2] or "0", 0) * (-1 if found[1] == "-" else 1)
            yield Word(at, _masked(raw, offset, 4), image.place(at + size + offset, _accessed(mnemonic, operands)), kind)
            continue
        if "fs:" in operands:
            base = _THREAD_BASE.match(operands)
            if base is not None and mnemonic == "mov":
                bases.add(base[1])
            elif (found := _THREAD.search(operands)) is not None and int(found[1], 16) >> 63:
                offset = int(found[1], 16) - _64_BITS
                yield Word(at, _masked(raw, offset, 4), _thread_place(image, offset), kind)
                continue
        elif bases:
            place = _from_base(image, operands, bases)
            written = operands.partition(",")[0]
            bases.discard(written)
            if place is not None:
                offset, where = place
                yield Word(at, _masked(raw, offset, 4 if abs(offset) > 128 else 1), where, kind)
                continue
        if mnemonic == "mov" and indexes and (found := _OFFSET.match(operands)) is not None and found[1] in indexes:
            offset = int(found[2], 0) - _64_BITS
            if -image.tables.thread_size <= offset < 0:
                yield Word(at, _masked(raw, offset, 4), _thread_place(image, offset), kind)
                continue
        if not image.tables.is_relocatable and "0x" in operands:
            place_of = next((n for n in map(_value, _NUMBER.findall(operands)) if image.is_address(n)), None)
            if place_of is not None:
                yield Word(at, _masked(raw, place_of, 4), image.place(place_of, _accessed(mnemonic, operands)), kind)
                continue
        yield Word(at, raw, None, kind)


def _thread_indexes(code: bytes, address: int) -> frozenset[str]:
    """Registers that hold an offset of a thread-local variable somewhere: ``mov r14, -40`` and then ``fs:[r14 + 0x10]``."""
    if b"\x64" not in code:
        return frozenset()
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    decoder.skipdata = True
    operands = (text for _, _, _, text in decoder.disasm_lite(code, address) if "fs:[r" in text)
    return frozenset(found[1] for text in operands for found in _INDEXED.finditer(text))


_REGISTER = re.compile(
    r"\b(?:(r[a-d]x|r[sd]i|r[bs]p|r\d+)|(e[a-d]x|e[sd]i|e[bs]p|r\d+d)|([a-d]x|[sd]i|[bs]p|r\d+w)"
    r"|([a-d][lh]|[sd]il|[bs]pl|r\d+b)|([xyz]mm)\d+|(k)\d)\b"
)
_CLASSES = ("q", "d", "w", "b", None, "k")
_ON_STACK = re.compile(r"\[r[bs]p(?: [+-] \w+)?\]")
_ADDRESS = re.compile(r"\[rip[^\]]*\]|fs:\[\w+\]")
_DROPPED = ("push", "pop", "jmp", "ret", "leave", "endbr64")
"""What comes and goes with the choice of registers and the order of blocks, and does no work."""


@lru_cache(maxsize=1 << 16)
def _kind(mnemonic: str, operands: str) -> str:
    """What an instruction does, whatever registers it does it in: ``add d, 0x10``; empty for what only moves things about."""
    if mnemonic in _DROPPED or operands.startswith("rsp, "):
        return ""
    if mnemonic[0] == "j":
        return "j"
    if mnemonic == "call" and operands[:2] == "0x":
        return "call"
    if "[" in operands:
        operands = _ADDRESS.sub("[place]", _ON_STACK.sub("[stack]", operands))
    left, _, right = operands.partition(", ")
    if "[" not in operands and ((mnemonic == "mov" and _REGISTER.fullmatch(right)) or (mnemonic == "xor" and left == right)):
        return ""
    for family in ("cmov", "set"):
        if mnemonic.startswith(family):
            mnemonic = family
    return f"{mnemonic} {_REGISTER.sub(_class_of, operands)}"


def _class_of(found: re.Match[str]) -> str:
    return found[5] or str(_CLASSES[(found.lastindex or 1) - 1])


def _value(text: str) -> int:
    return int(text, 16)


def _accessed(mnemonic: str, operands: str) -> int | None:
    """Bytes that a memory operand reads; ``None`` where only its address is taken."""
    found = _SIZE.search(operands)
    return None if found is None or mnemonic == "lea" else _BYTES[found[1]]


def _masked(raw: bytes, number: int, size: int) -> bytes:
    """`raw` without the number that the linker has put into it."""
    wanted = (number % (1 << 8 * size)).to_bytes(size, "little")
    at = raw.find(wanted, 1)
    return raw if at < 0 else raw[:at] + bytes(size) + raw[at + size :]


def _thread_place(image: Image, offset: int) -> Place:
    """Thread-local variables end where the thread pointer points (variant II of ELF's TLS)."""
    return image.thread_place(image.tables.thread_size + offset)


def _from_base(image: Image, operands: str, bases: set[str]) -> tuple[int, Place] | None:
    """An operand relative to a register that holds the thread pointer."""
    found = _FROM_BASE.search(operands)
    if found is None or found[1] not in bases or found[2] != "-":
        return None
    offset = -int(found[3], 0)
    return (offset, _thread_place(image, offset)) if -image.tables.thread_size <= offset else None
