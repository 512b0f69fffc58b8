"""The sums that heaptrack_print ends with. Pure: text in, numbers out."""

from __future__ import annotations

import re
from dataclasses import dataclass

_SCALES = {"B": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heap:
    """What heaptrack_print says of a whole record. Bytes have the three digits that it prints."""

    allocations: int
    temporary: int
    peak_bytes: int
    leaked_bytes: int


def read_printed(text: str) -> Heap | None:
    """The sums that heaptrack_print 1.2 to 1.5 ends with; ``None`` where they are not there, or nothing was recorded::

    calls to allocation functions: 62507 (56979/s)
    temporary memory allocations: 5888 (5367/s)
    peak heap memory consumption: 4.39M
    total memory leaked: 747.12K
    """
    sums = dict(re.findall(r"^([a-z ]+): (-?[\d.]+[BKMGT]?)\b", text, re.MULTILINE))
    try:
        heap = Heap(
            allocations=int(sums["calls to allocation functions"]),
            temporary=int(sums["temporary memory allocations"]),
            peak_bytes=_bytes(sums["peak heap memory consumption"]),
            leaked_bytes=_bytes(sums["total memory leaked"]),
        )
    except (KeyError, ValueError):
        return None
    return heap if heap.allocations > 0 else None


def _bytes(text: str) -> int:
    """``4390000`` for ``4.39M``."""
    return max(0, round(float(text.rstrip("BKMGT")) * _SCALES.get(text[-1], 1)))
