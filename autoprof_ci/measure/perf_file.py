"""What perf's data file says besides samples: events lost, sampling throttled; and what it must not say, for whole stacks.

Knows the file's layout as far as the headers of its records (linux/tools/perf/Documentation/perf.data-file-format.txt). Pure:
bytes in, counts out. ``perf script`` prints neither in every version.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from mmap import mmap

from autoprof_ci.errors import DataError

_MAGIC = b"PERFILE2"
HEADER = struct.Struct("<8sQQ QQ QQ")  # magic, header's size, attribute's size, attributes, data: offset and size each
RECORD = struct.Struct("<IHH")  # type, misc, size
_COUNT = struct.Struct("<Q")

PROCESS = struct.Struct("<II")  # of a fork: child, parent; of a name: process, thread

_LOST, COMM, _THROTTLE, FORK, _LOST_SAMPLES = 2, 3, 5, 7, 13
BY_EXEC = 1 << 13
"""In the misc of a name: exec gave it. In that of a fork: the child has none of its parent's memory."""
_LOST_OFFSET = {_LOST: 16, _LOST_SAMPLES: 8}
"""Where in the record the count is: PERF_RECORD_LOST has the event's id before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """`lost`: events that the kernel could not hand over; `throttled`: how often it paused sampling."""

    lost: int = 0
    throttled: int = 0


def read_losses(data: bytes) -> Losses:
    """Walk the records. Raises `DataError` for what is no whole perf data file of this machine."""
    lost = throttled = 0
    for offset, kind, _, length in records(data):
        if kind in _LOST_OFFSET:
            if length < _LOST_OFFSET[kind] + _COUNT.size:
                raise _cut_off()
            lost += _COUNT.unpack_from(data, offset + _LOST_OFFSET[kind])[0]
        elif kind == _THROTTLE:
            throttled += 1
    return Losses(lost=lost, throttled=throttled)


def forget_parents(data: bytearray | mmap) -> int:
    """Let no process that is started by another one have that one's memory: say so in the records of the forks that an exec
    follows, in place. Returns their number; raises `DataError` like `read_losses`.

    perf copies the map of a parent's memory to its child, and keeps it when the child becomes another program. The C library is
    in both, at two addresses; perf takes the lower one for where its unwind tables are, and the stacks of every second start
    break off in the C library (tried with perf 6.1 and 6.12).
    """
    forks: list[tuple[int, int]] = []
    execed: set[int] = set()
    for offset, kind, misc, length in records(data):
        if kind not in (FORK, COMM) or length < RECORD.size + PROCESS.size:
            continue
        first, second = PROCESS.unpack_from(data, offset + RECORD.size)
        if kind == COMM and misc & BY_EXEC:
            execed.add(first)
        elif kind == FORK and first != second:
            forks.append((offset, first))
    told = [offset for offset, child in forks if child in execed]
    for offset in told:
        kind, misc, length = RECORD.unpack_from(data, offset)
        RECORD.pack_into(data, offset, kind, misc | BY_EXEC, length)
    return len(told)


def records(data: bytes | bytearray | mmap) -> Iterator[tuple[int, int, int, int]]:
    """Offset, type, misc and length of every record."""
    if len(data) < HEADER.size or data[:8] != _MAGIC:
        raise DataError("perf wrote a file that does not begin like one of its own", "Measure again.")
    *_, offset, size = HEADER.unpack_from(data)
    end = offset + size
    if size == 0 or end > len(data):
        raise _cut_off()
    unpack = RECORD.unpack_from
    while offset + RECORD.size <= end:
        kind, misc, length = unpack(data, offset)
        if length < RECORD.size:
            raise DataError(f"perf's data file has a record of {length} bytes", "Measure again.")
        yield offset, kind, misc, length
        offset += length
    if offset != end:
        raise _cut_off()


def _cut_off() -> DataError:
    return DataError("perf's data file is cut off", "Free some space in /dev/shm and the temporary folder, then measure again.")
