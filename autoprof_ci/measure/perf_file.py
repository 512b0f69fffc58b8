"""What perf's data file says besides samples: events lost, sampling throttled.

Knows the file's layout as far as the headers of its records (linux/tools/perf/Documentation/perf.data-file-format.txt). Pure:
bytes in, counts out. ``perf script`` prints neither in every version.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from autoprof_ci.errors import DataError

_MAGIC = b"PERFILE2"
_HEADER = struct.Struct("<8sQQ QQ QQ")  # magic, header's size, attribute's size, attributes, data: offset and size each
_RECORD = struct.Struct("<IHH")  # type, misc, size
_COUNT = struct.Struct("<Q")

_LOST, _THROTTLE, _LOST_SAMPLES = 2, 5, 13
_LOST_OFFSET = {_LOST: 16, _LOST_SAMPLES: 8}
"""Where in the record the count is: PERF_RECORD_LOST has the event's id before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """`lost`: events that the kernel could not hand over; `throttled`: how often it paused sampling."""

    lost: int = 0
    throttled: int = 0


def read_losses(data: bytes) -> Losses:
    """Walk the records. Raises `DataError` for what is no whole perf data file of this machine."""
    if len(data) < _HEADER.size or data[:8] != _MAGIC:
        raise DataError("perf wrote a file that does not begin like one of its own", "Measure again.")
    *_, offset, size = _HEADER.unpack_from(data)
    end = offset + size
    if size == 0 or end > len(data):
        raise DataError(
            "perf's data file is cut off", "Free some space in /dev/shm and the temporary folder, then measure again."
        )
    lost = throttled = 0
    unpack = _RECORD.unpack_from
    while offset + _RECORD.size <= end:
        kind, _, length = unpack(data, offset)
        if length < _RECORD.size:
            raise DataError(f"perf's data file has a record of {length} bytes", "Measure again.")
        if kind in _LOST_OFFSET:
            if length < _LOST_OFFSET[kind] + _COUNT.size:
                raise _cut_off()
            lost += _COUNT.unpack_from(data, offset + _LOST_OFFSET[kind])[0]
        elif kind == _THROTTLE:
            throttled += 1
        offset += length
    if offset != end:
        raise _cut_off()
    return Losses(lost=lost, throttled=throttled)


def _cut_off() -> DataError:
    return DataError("perf's data file is cut off", "Free some space in /dev/shm and the temporary folder, then measure again.")
