"""What bundles cost: writing, reading, imports, packing a program.

    python bench/bundles.py [PROGRAM]

Seconds of wall time, the best of some repeats: of a bundle with 20 runs of 5,000 functions by time and by instructions, of
importing what reading needs in a fresh interpreter, and of packing PROGRAM (default: the Python that runs this).
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autoprof_ci import bundle
from autoprof_ci.bundle import binaries
from autoprof_ci.model import (
    BINARY_DSO,
    Bundle,
    CallEdge,
    Function,
    Recording,
    Run,
    Samples,
    WorkloadInstructions,
    WorkloadSamples,
)

FUNCTIONS = 5_000
RUNS = 20
HOT_FUNCTIONS = 30
EDGES = 20_000
REPEATS = 5


def large_bundle() -> Bundle:
    """Names as long as Rust's are, thirty functions hot, and of the others two of three counts zero."""
    generator = random.Random(3)
    functions = tuple(
        Function(f"<krate_{number % 40}::module::Type<T> as core::trait_{number}::Trait>::method_{number}", BINARY_DSO)
        for number in range(FUNCTIONS)
    )
    runs = tuple(
        Run(
            block=number // 2,
            position=number % 2,
            wall_s=1.5,
            counts=tuple(_count(generator, hot=index < HOT_FUNCTIONS) for index in range(FUNCTIONS)),
        )
        for number in range(RUNS)
    )
    self_instructions = tuple(float(generator.randrange(10**9)) for _ in functions)
    instructions = WorkloadInstructions(
        name="analyze-sessions",
        functions=functions,
        repeats=(self_instructions,) * 3,
        inclusive=self_instructions,
        calls=self_instructions,
        edges=tuple(
            CallEdge(
                caller=generator.randrange(FUNCTIONS),
                callee=generator.randrange(FUNCTIONS),
                calls=float(generator.randrange(1000)),
                inclusive=float(generator.randrange(10**9)),
            )
            for _ in range(EDGES)
        ),
    )
    workload = WorkloadSamples(name="analyze-sessions", starts=3, functions=functions, runs=runs)
    return Bundle(
        session="bench",
        tool_version="0.1.0",
        created_at="2026-01-31T12:00:00Z",
        commit=None,
        ref=None,
        machine=None,
        policy=None,
        recording=Recording(
            samples=Samples(event="cpu-clock", period_s=0.0005, workloads=(workload,)), instructions=(instructions,)
        ),
    )


def _count(generator: random.Random, *, hot: bool) -> float:
    return float(generator.randrange(9_000, 9_400) if hot else max(0, generator.randrange(-200, 100)))


def best_s(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(REPEATS):
        begin = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - begin)
    return best


def interpreter_s(code: str) -> float:
    return best_s(lambda: subprocess.run([sys.executable, "-c", code], check=True))


def main() -> None:
    value = large_bundle()
    data = bundle.encode(value)
    print(f"{RUNS} runs x {FUNCTIONS} functions, {EDGES} call edges: {len(data) / 1e6:.2f} MB")
    print(f"  encode                    {best_s(lambda: bundle.encode(value)):6.3f} s")
    print(f"  decode                    {best_s(lambda: bundle.decode(data, source='bench')):6.3f} s")
    time_only = bundle.encode(replace(value, recording=Recording(samples=value.recording.samples)))
    print(f"  decode, time only         {best_s(lambda: bundle.decode(time_only, source='bench')):6.3f} s")

    nothing = interpreter_s("pass")
    print("imports, beyond an empty interpreter's start")
    for module in ("autoprof_ci.model", "msgspec", "autoprof_ci.bundle", "pyperf", "numpy"):
        print(f"  {module:25} {interpreter_s(f'import {module}') - nothing:6.3f} s")

    program = Path(sys.argv[1] if len(sys.argv) > 1 else sys.executable)
    content = program.read_bytes()
    stored = bundle.pack_binary(program.name, content)
    lean = binaries.without_debug_information(content)
    print(f"{program.name}: {len(content) / 2**20:.1f} MiB, packed {len(stored.packed or b'') / 2**20:.1f} MiB")
    print(f"  pack                      {best_s(lambda: bundle.pack_binary(program.name, content)):6.3f} s")
    print(f"  unpack                    {best_s(lambda: bundle.unpack_binary(stored)):6.3f} s")
    lean_s = best_s(lambda: binaries.without_debug_information(content))
    lean_mib = len(bundle.pack_binary(program.name, lean).packed or b"") / 2**20
    print(f"  without debug information {lean_s:6.3f} s, packed {lean_mib:.1f} MiB")
    with_program = replace(value, binaries=(stored,))
    print(f"  encode with it            {best_s(lambda: bundle.encode(with_program)):6.3f} s")


if __name__ == "__main__":
    main()
