"""One instruction, apart from where it lies. Values only."""

from __future__ import annotations

from typing import NamedTuple

from autoprof_ci.machine_code.tables import Place


class Word(NamedTuple):
    """`text`: the instruction without what the linker filled in. `refers`: what it refers to, a place elsewhere or an address
    within the function. `kind`: what it does, whatever registers it uses; empty for what only moves things about."""

    address: int
    text: bytes | str
    refers: Place | int | None
    kind: str
