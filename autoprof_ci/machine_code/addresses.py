"""By which names an address of a program file goes: its symbol's, and those of the functions compiled into it there.

The symbol comes from the file's symbols alone: debug information may be missing on one side of a comparison.
"""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property

from autoprof_ci.machine_code.lines import DebugInformation
from autoprof_ci.machine_code.tables import Kind, Symbol, UnreadableError, read_symbols


class Addresses:
    """Those of one file, whatever it is: one that cannot be read has no names."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def symbol(self, address: int) -> str | None:
        """Raw; ``None`` where no symbol covers the address."""
        starts, symbols = self._symbols
        at = bisect_right(starts, address) - 1
        return symbols[at].raw if at >= 0 and address < symbols[at].address + symbols[at].size else None

    def inlined(self, address: int) -> tuple[str, ...]:
        """Raw names of the functions whose bodies are part of the symbol's there, the innermost first."""
        return tuple(frame.symbol for frame in self._debug.frames(address)[:-1])

    @cached_property
    def _debug(self) -> DebugInformation:
        return DebugInformation(self._data)

    @cached_property
    def _symbols(self) -> tuple[list[int], list[Symbol]]:
        """Functions by where they begin; of several at one address the largest."""
        try:
            listed = read_symbols(self._data)
        except UnreadableError:
            return [], []
        largest: dict[int, Symbol] = {}
        for symbol in listed:
            if symbol.kind in (Kind.FUNCTION, Kind.IFUNC) and symbol.size > getattr(largest.get(symbol.address), "size", 0):
                largest[symbol.address] = symbol
        ordered = sorted(largest.values(), key=lambda symbol: symbol.address)
        return [symbol.address for symbol in ordered], ordered
