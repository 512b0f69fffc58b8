"""x86-64 instructions, each as a word that stays the same wherever the linker puts it and what it refers to.

Knows the encoding as far as addresses are in it (Intel SDM vol. 2, 2.1; displacements relative to rip, branch targets, offsets of
thread-local variables), through capstone. Knows no file format: what an address leads to, it asks the `Image`.

A branch is its mnemonic and its target: within the function the number of an instruction, so that neither padding nor the choice
between short and long branches shows. Padding is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
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
_NUMBER = re.compile(r"(?<![\w.])(?<!- )(0x[0-9a-f]{5,16})\b")
_TAKES_ADDRESS = frozenset({"mov", "movabs", "cmp", "add", "sub", "push"})
_CALLEE_SAVED = frozenset({"rbx", "rbp", "r12", "r13", "r14", "r15"})
_SIZE = re.compile(r"(byte|word|dword|qword|xmmword|ymmword|zmmword) ptr")
_BYTES = {"byte": 1, "word": 2, "dword": 4, "qword": 8, "xmmword": 16, "ymmword": 32, "zmmword": 64}
_LIMIT = re.compile(r", (0x[0-9a-f]+|\d+)$")
_NEAR = 8
"""Instructions between the comparison of a `switch` and its table."""
_PADDING = ("nop", "int3")
_64_BITS = 1 << 64


def words(image: Image, code: bytes, address: int) -> Iterator[Word]:
    """The instructions of the function at `address`, and its padding as words of no text."""
    end = address + len(code)
    instructions = list(_decoder().disasm_lite(code, address))
    bases: set[str] = set()
    indexed = _thread_indexed(instructions) if b"\x64" in code else frozenset()
    is_fixed = not image.tables.is_relocatable
    for number, (at, size, mnemonic, operands) in enumerate(instructions):
        if mnemonic in _PADDING or (mnemonic == "xchg" and operands == "ax, ax"):
            yield Word(at, b"", None, "")
            continue
        if operands[:1].isdigit() and _BRANCH.match(mnemonic):
            target = int(operands, 16)
            kind = "" if mnemonic.endswith("jmp") else "call" if mnemonic.endswith("call") else "j"
            yield Word(at, mnemonic, target if address <= target < end else image.place(target), kind)
            continue
        raw = code[at - address : at - address + size]
        kind = _kind(mnemonic, operands)
        if "rip" in operands and (found := _RIP.search(operands)) is not None:
            offset = int(found[2] or "0", 0) * (-1 if found[1] == "-" else 1)
            to = at + size + offset
            if mnemonic == "lea" and (
                table := _table(image, to, instructions[max(0, number - _NEAR) : number], range(address, end))
            ):
                yield Word(at, _masked(raw, offset, 4), Place(frozenset(), "table"), kind)
                yield from (Word(at, b"entry", entry, "") for entry in table)
                continue
            yield Word(at, _masked(raw, offset, 4), image.place(to, _accessed(mnemonic, operands)), kind)
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
            written, _, copied = operands.partition(", ")
            bases.discard(written)
            if mnemonic == "mov" and copied in bases:
                bases.add(written)
            if place is not None:
                yield Word(at, _without_displacement(raw, place[0]), place[1], kind)
                continue
        if number in indexed and (found := _OFFSET.match(operands)) is not None:
            offset = int(found[2], 0) - _64_BITS
            if -image.tables.thread_size <= offset < 0:
                yield Word(at, _masked(raw, offset, 4), _thread_place(image, offset), kind)
                continue
        if is_fixed and "0x" in operands and (absolute := _absolute(image, mnemonic, operands)) is not None:
            size = 8 if mnemonic == "movabs" else 4
            table = (
                _table(image, absolute, instructions[max(0, number - _NEAR) : number], range(address, end))
                if mnemonic == "jmp"
                else []
            )
            if table:
                yield Word(at, _masked(raw, absolute, size), Place(frozenset(), "table"), kind)
                yield from (Word(at, b"entry", entry, "") for entry in table)
                continue
            yield Word(at, _masked(raw, absolute, size), image.place(absolute, _accessed(mnemonic, operands)), kind)
            continue
        yield Word(at, raw, None, kind)


@lru_cache(maxsize=1)
def _decoder() -> capstone.Cs:
    decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    decoder.skipdata = True
    return decoder


def _thread_indexed(instructions: Sequence[tuple[int, int, str, str]]) -> frozenset[int]:
    """Numbers of the instructions that put an offset of a thread-local variable into a register: ``mov r14, -40`` where
    ``fs:[r14 + 0x10]`` comes before anything else is put there. A register that calls leave alone may be used far behind."""
    found: set[int] = set()
    pending: dict[str, int] = {}
    for number, (_, _, mnemonic, operands) in enumerate(instructions):
        if "fs:[r" in operands:
            found.update(pending[used[1]] for used in _INDEXED.finditer(operands) if used[1] in pending)
        written = operands.partition(",")[0]
        if written in pending and mnemonic not in ("cmp", "test", "push"):
            del pending[written]
        if mnemonic == "mov" and (offset := _OFFSET.match(operands)) is not None:
            pending[offset[1]] = number
        elif mnemonic in ("call", "ret"):
            pending = {register: at for register, at in pending.items() if register in _CALLEE_SAVED}
        elif mnemonic == "jmp":
            pending.pop("rax", None)  # what is returned more often than used again
    return frozenset(found)


def _table(image: Image, at: int, before: Sequence[tuple[int, int, str, str]], function: range) -> list[int]:
    """The targets of ``switch``: as many as the comparison before it lets through, ``cmp edi, 6; ja …; lea rdx, [rip + …]``; the
    first one where there is no comparison."""
    limits = (_LIMIT.search(operands) for _, _, mnemonic, operands in reversed(before) if mnemonic == "cmp")
    limit = next((int(found[1], 0) for found in limits if found), 0)
    return image.table(at, function, min(limit + 1, len(function)))


def _absolute(image: Image, mnemonic: str, operands: str) -> int | None:
    """The address that an instruction of a file loaded at a fixed place holds: as a displacement, or as a number where it cannot
    be a number only, which flags and sizes often look like: nobody takes the address of the middle of a function."""
    opened, closed = operands.find("["), operands.find("]")
    for found in _NUMBER.finditer(operands):
        number = int(found[1], 16)
        if image.is_address(number):
            is_displacement = opened < found.start() < closed
            if is_displacement or (mnemonic in _TAKES_ADDRESS and image.may_be_taken(number)):
                return number
    return None


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


def _accessed(mnemonic: str, operands: str) -> int | None:
    """Bytes that a memory operand reads; ``None`` where only its address is taken."""
    found = _SIZE.search(operands)
    return None if found is None or mnemonic == "lea" else _BYTES[found[1]]


def _masked(raw: bytes, number: int, size: int) -> bytes:
    """`raw` without the number that the linker has put into it."""
    at = raw.find((number % (1 << 8 * size)).to_bytes(size, "little"), 1)
    return raw if at < 0 else raw[:at] + bytes(size) + raw[at + size :]


def _without_displacement(raw: bytes, number: int) -> bytes:
    """Of four bytes, as linkers leave it however small it is, or of one, behind the operation and its operands."""
    masked = _masked(raw, number, 4)
    if masked != raw or not -128 <= number < 128:
        return masked
    at = raw.rfind((number % 256).to_bytes(1, "little"), 2)
    return raw if at < 0 else raw[:at] + bytes(1) + raw[at + 1 :]


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
