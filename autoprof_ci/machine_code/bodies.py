"""What a function's machine code does, without where anything lies: equal bodies do the same, instruction by instruction.

Knows how words and places make a body. Knows neither processors nor file formats, and one program only: when bodies of two
programs are equal is in `sameness`.

    shape    a digest of all instructions, addresses left out
    kinds    a digest of what they do, in whatever order and whatever registers
    targets  what they refer to elsewhere, in order: each the names that share the place, and what else must agree there
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from autoprof_ci.machine_code import aarch64, x86_64
from autoprof_ci.machine_code.image import Image
from autoprof_ci.machine_code.tables import Place, Symbol
from autoprof_ci.machine_code.word import Word

_WORDS = {"EM_X86_64": x86_64.words, "EM_AARCH64": aarch64.words}
MOST_CODE_BYTES = 64 << 20
"""Of all functions together; what is beyond is not read. A program of 80 MB has 9 MB of code in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """`size_bytes`: of the machine code."""

    shape: str
    kinds: str
    targets: tuple[Place, ...]
    size_bytes: int

    def exact(self) -> str:
        """Equal for equal bodies, but for folded functions: of several names the first in the alphabet stands for all."""
        return _digest((self.shape, *map(_said, self.targets)))

    def alike(self) -> str:
        """Equal also where only registers differ, or the order of instructions."""
        return _digest((self.kinds, *sorted(map(_said, self.targets))))


def _said(place: Place) -> str:
    return f"{min(place.names, default='')}\t{place.detail}"


def _digest(lines: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(lines).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def read_bodies(image: Image, raws: Iterable[str]) -> Mapping[str, tuple[Body, ...]]:
    """Raw symbol -> its bodies (C has static functions, several of one name); symbols without code are left out."""
    found: dict[str, tuple[Body, ...]] = {}
    left = MOST_CODE_BYTES
    known: dict[int, Body | None] = {}
    for raw in raws:
        bodies = []
        for symbol in image.functions.get(raw, ()):
            if symbol.address not in known:
                left -= symbol.size
                known[symbol.address] = body_of(image, symbol) if left > 0 else None
            body = known[symbol.address]
            if body is not None:
                bodies.append(body)
        if bodies:
            found[raw] = tuple(bodies)
    return found


def body_of(image: Image, symbol: Symbol) -> Body | None:
    code = image.content(symbol.address, symbol.size)
    if not code:
        return None
    return _body(_WORDS[image.machine](image, code, symbol.address), symbol)


def _body(words: Iterable[Word], symbol: Symbol) -> Body:
    """Padding, words of no text, is left out; who jumps to it jumps to what is behind it."""
    instructions: list[Word] = []
    number_at: dict[int, int] = {}
    for word in words:
        number_at.setdefault(word.address, len(instructions))
        if word.text:
            instructions.append(word)
    said: list[bytes] = []
    targets = []
    for _, text, refers, _ in instructions:
        said.append(text if isinstance(text, bytes) else text.encode())
        if isinstance(refers, int):
            # the middle of an instruction: no compiler jumps there, and it is told from everywhere else
            number = number_at.get(refers)
            said.append(b">%d" % number if number is not None else b">+%d" % (refers - symbol.address))
        elif refers is not None:
            said.append(b"?")
            targets.append(refers)
        said.append(b"\n")
    kinds = sorted(word.kind for word in instructions if word.kind)
    return Body(
        shape=hashlib.blake2b(b"".join(said), digest_size=16).hexdigest(),
        kinds=_digest(kinds),
        targets=tuple(targets),
        size_bytes=symbol.size,
    )
