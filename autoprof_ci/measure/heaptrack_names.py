"""EDGE: names for the places in program files and libraries that heaptrack saw.

Knows where a file's own symbols and debug information are found, and that several runs of a session share them. Knows nothing of
memory.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

from autoprof_ci.machine_code import Addresses
from autoprof_ci.measure.heaptrack_file import Place
from autoprof_ci.measure.heaptrack_table import Named
from autoprof_ci.model import Function, unknown_row
from autoprof_ci.symbols import normalise_all

MAX_FILE_BYTES = 2 << 30
UNKNOWN_OBJECT = "[unknown]"


class Names:
    """Of the files that one program maps. `dsos`: path of each of its own files -> dso."""

    def __init__(self, dsos: Mapping[str, str]) -> None:
        self._dsos = dsos
        self._files: dict[str, Addresses | None] = {}
        self._known: dict[Place, Named] = {}
        self.in_use = threading.Lock()
        """To be held while names are asked for: two lanes may want the same file."""

    def is_own(self, path: str) -> bool:
        """Whether that is a file of the program."""
        return path in self._dsos

    def name(self, place: Place) -> Named:
        if place not in self._known:
            self._known[place] = self._named(place)
        return self._known[place]

    def _named(self, place: Place) -> Named:
        if place.module is None:
            return Named(function=unknown_row(UNKNOWN_OBJECT))
        dso = self._dsos.get(place.module) or place.module.rpartition("/")[2]
        table = self._table(place.module)
        symbol = table.symbol(place.address) if table is not None else None
        if table is None or symbol is None:
            return Named(function=unknown_row(dso))
        own = place.module in self._dsos
        inlined = table.inlined(place.address) if own else ()
        names = normalise_all((symbol, *inlined))
        return Named(
            function=Function(names[symbol], dso),
            inlined=tuple(names[each] for each in inlined),
            own_symbol=symbol if own else None,
        )

    def _table(self, path: str) -> Addresses | None:
        """Files that are gone (`/memfd:...`, the kernel's page of code) have no names. The program names what it maps: nothing
        but a plain file is read."""
        if path not in self._files:
            file = Path(path)
            readable = file.is_absolute() and file.is_file() and file.stat().st_size <= MAX_FILE_BYTES
            self._files[path] = Addresses(file.read_bytes()) if readable else None
        return self._files[path]
