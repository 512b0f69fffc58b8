"""What of a recording lies inside of windows of time: of a daemon, only that is measured.

Knows the time in the lines of ``perf script -F pid,time,... --ns``, where the recording was made with ``-k CLOCK_MONOTONIC``, the
clock of `time.monotonic`. Pure: lines in, fewer lines out, without the time. Events on processes and mappings stay: what a daemon
did before its window says what its samples are of::

    19187  1372.231370194:     500250      55e32a820255 a (/dev/shm/t/hot)
    19187  1372.231623109: PERF_RECORD_FORK(19188:19188):(19187:19187)
    19187  1372.231370194:     500250                       a stack, until the empty line
            55e32a820255 a (/dev/shm/t/hot)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

WINDOW_FIELDS = "pid,time"
"""In place of the field ``pid``."""

_TIMED = re.compile(rb"\s*(-?\d+)\s+(\d+)\.(\d{9}):\s*(.*)", re.DOTALL)
_EVENT = b"PERF_RECORD_"


def inside(lines: Iterable[bytes], windows_s: Sequence[tuple[float, float]]) -> Iterator[bytes]:
    """`windows_s`: begin and end of each, none inside of another. A line that is neither sample nor event stays as it is."""
    begins_ns = sorted(round(begin_s * 1e9) for begin_s, _ in windows_s)
    ends_ns = sorted(round(end_s * 1e9) for _, end_s in windows_s)
    is_inside = False
    for line in lines:
        timed = None if line.startswith(b"\t") else _TIMED.match(line)
        if timed is not None and timed[4].startswith(_EVENT):
            yield b"%s %s" % (timed[1], timed[4])
        elif timed is not None:
            moment_ns = int(timed[2]) * 10**9 + int(timed[3])
            number = bisect_right(begins_ns, moment_ns) - 1
            is_inside = number >= 0 and moment_ns < ends_ns[number]
            if is_inside:
                yield b"%s %s" % (timed[1], timed[4])
        elif is_inside or (line.strip() and not line.startswith(b"\t")):
            yield line
