"""How long it takes to turn a perf recording of a million samples from thousands of processes into a self-time table.

Run it with ``python -m bench.perf_reading``: it records a short command that is started thousands of times (about half a minute),
reads the recording and prints seconds and memory; the aim is 3 s and 300 MB.
"""

from __future__ import annotations

import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from autoprof_ci.measure import perf_record
from autoprof_ci.measure.perf_record import Perf
from autoprof_ci.measure.perf_script import SCRIPT_FIELDS, Recorded, read_lines, self_weights
from autoprof_ci.model import BINARY_DSO

SAMPLES = 1_000_000
PROCESSES = 3000
ROUNDS = 180
"""Of each process: a few hundred samples."""
FREQUENCY_HZ = 49_999
AIM_S, AIM_MB = 3.0, 300.0
SHELL = Path("/bin/sh").resolve()


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="autoprof-bench-"))
    try:
        perf = perf_record.probe(1999, folder)
        if not isinstance(perf, Perf):
            print(f"{perf.reason}. {perf.next_step}")
            return 3
        fast = Perf(command=perf.command, event=perf.event, kernel_seen=perf.kernel_seen, frequency_hz=FREQUENCY_HZ)
        file = folder / "large.data"
        half = f"for i in $(seq {PROCESSES // 2}); do {SHELL} -c 'i=0; while [ $i -lt {ROUNDS} ]; do i=$((i+1)); done'; done"
        work = f"({half}) & ({half}) & wait"
        subprocess.run((*perf_record.record_outer(fast, file), "sh", "-c", work), check=True)
        begun = time.monotonic()
        recorded = perf_record.read(fast, file, SCRIPT_FIELDS, first_million)
        rows = self_weights(recorded, {str(SHELL): BINARY_DSO})
        perf_record.losses(file)
        took_s = time.monotonic() - begun
    finally:
        shutil.rmtree(folder)
    own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    children_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
    print(f"{recorded.samples} samples, {PROCESSES} processes, {len(rows)} functions")
    print(f"{took_s:.2f} s (aim {AIM_S:g}), {own_mb:.0f} MB here, {children_mb:.0f} MB in the largest child (aim {AIM_MB:g})")
    return 0 if took_s <= AIM_S and own_mb <= AIM_MB else 1


def first_million(lines: Iterable[bytes]) -> Recorded:
    recorded = read_lines(islice(lines, SAMPLES))
    for _ in lines:
        pass
    return recorded


if __name__ == "__main__":
    sys.exit(main())
