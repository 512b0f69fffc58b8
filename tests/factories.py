"""Small values of the model for tests: each factory gives a whole one, and takes what the test is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from autoprof_ci.model import (
    BINARY_DSO,
    Accept,
    AskedEdge,
    Bundle,
    CallEdge,
    Caveat,
    CaveatCode,
    FailOn,
    Function,
    FunctionCode,
    Group,
    InlinedCost,
    Instrument,
    Machine,
    MemoryRepeat,
    Override,
    Policy,
    Recording,
    Run,
    Samples,
    StoredBinary,
    Threshold,
    WorkloadInstructions,
    WorkloadMemory,
    WorkloadSamples,
)

FUNCTIONS = (
    Function("autopilot::redact::redact_secrets", BINARY_DSO),
    Function("<serde_json::read::StrRead as serde_json::read::Read>::parse_str", BINARY_DSO),
    Function("malloc", "libc.so.6"),
    Function("[kernel]", "[kernel]"),
)


def functions(count: int) -> tuple[Function, ...]:
    """`count` functions with different names, all of the program."""
    return tuple(Function(f"autopilot::module_{number % 40}::function_{number}", BINARY_DSO) for number in range(count))


def run(counts: Sequence[float], *, number: int = 0, wall_s: float = 1.5) -> Run:
    """The `number`-th run of its side in a schedule of base-head-head-base."""
    return Run(block=number // 2, position=number % 2, wall_s=wall_s, counts=tuple(counts))


def workload_samples(
    counts_by_run: Sequence[Sequence[float]] = ((300, 200.5, 100, 0), (310, 190.25, 90, 1)),
    *,
    name: str = "analyze-sessions",
    starts: int = 3,
    of: tuple[Function, ...] | None = None,
) -> WorkloadSamples:
    """`of`: the functions, `FUNCTIONS` where there are four counts a run, else numbered ones."""
    width = len(counts_by_run[0]) if counts_by_run else len(FUNCTIONS)
    if of is None:
        of = FUNCTIONS if width == len(FUNCTIONS) else functions(width)
    runs = tuple(run(counts, number=number) for number, counts in enumerate(counts_by_run))
    return WorkloadSamples(name=name, starts=starts, functions=of, runs=runs)


def samples(*workloads: WorkloadSamples, event: str = "cpu-clock", period_s: float | None = 0.0005) -> Samples:
    return Samples(event=event, period_s=period_s, workloads=workloads or (workload_samples(),))


def workload_instructions(
    repeats: Sequence[Sequence[float]] = ((4e6, 3e6, 1e6, 0), (4e6, 3e6, 1.001e6, 0)),
    *,
    name: str = "analyze-sessions",
) -> WorkloadInstructions:
    """The first function calls all others."""
    width = len(repeats[0])
    first = tuple(float(count) for count in repeats[0])
    edges = tuple(CallEdge(caller=0, callee=number, calls=30.0, inclusive=first[number]) for number in range(1, width))
    return WorkloadInstructions(
        name=name,
        functions=FUNCTIONS if width == len(FUNCTIONS) else functions(width),
        repeats=tuple(tuple(float(count) for count in repeat) for repeat in repeats),
        inclusive=(sum(first), *first[1:]),
        calls=(1.0, *(30.0,) * (width - 1)),
        edges=edges,
    )


def memory_repeat(
    allocations: Sequence[float],
    *,
    temporary: Sequence[float] | None = None,
    peak_bytes: Sequence[float] | None = None,
    leaked_bytes: Sequence[float] | None = None,
) -> MemoryRepeat:
    """Without more, a tenth of the allocations is temporary, each holds 100 bytes at the peak, and nothing is leaked."""
    return MemoryRepeat(
        allocations=tuple(allocations),
        temporary=tuple(count // 10 for count in allocations) if temporary is None else tuple(temporary),
        peak_bytes=tuple(100 * count for count in allocations) if peak_bytes is None else tuple(peak_bytes),
        leaked_bytes=tuple(0 for _ in allocations) if leaked_bytes is None else tuple(leaked_bytes),
    )


def workload_memory(
    *repeats: MemoryRepeat | Sequence[float], name: str = "analyze-sessions", of: tuple[Function, ...] | None = None
) -> WorkloadMemory:
    """The first function calls all others; what is inlined into it asks for a tenth of its own. A repeat: allocations alone, or
    a whole one."""
    made = tuple(
        repeat if isinstance(repeat, MemoryRepeat) else memory_repeat(repeat)
        for repeat in (repeats or ((3000, 2000, 100, 0), (3000, 2000, 100, 0)))
    )
    first = made[0].allocations
    width = len(first)
    if of is None:
        of = FUNCTIONS if width == len(FUNCTIONS) else functions(width)
    return WorkloadMemory(
        name=name,
        functions=of,
        repeats=made,
        edges=tuple(AskedEdge(caller=0, callee=number, allocations=first[number]) for number in range(1, width)),
        inlined=(InlinedCost(function=0, name="autopilot::redact::patterns", cost=first[0] / 10),),
    )


def machine(*, kernel: str = "6.12.48", perf: str | None = "6.12", valgrind: str | None = "3.24.0") -> Machine:
    return Machine(
        architecture="x86_64",
        cpu_model="AMD EPYC 7763 64-Core Processor",
        cpu_features="9f86d081884c",
        cpus=2,
        kernel=kernel,
        libc="glibc 2.41",
        perf=perf,
        valgrind=valgrind,
    )


def policy(*, false_alarm_rate: float = 0.001, accepts: tuple[Accept, ...] = ()) -> Policy:
    """Thresholds as they are without a TOML, one override, one group."""
    return Policy(
        false_alarm_rate=false_alarm_rate,
        fail_on=FailOn.REGRESSION,
        thresholds={
            Instrument.TIME: Threshold(max_regression=0.03, warn=0.015, min_share=0.01),
            Instrument.INSTRUCTIONS: Threshold(max_regression=0.01, warn=0.005, min_share=0.01),
        },
        overrides=(Override(match=("serde_json::*",), instrument=Instrument.TIME, max_regression=0.1),),
        groups=(Group(name="Regex matching", match=("regex*::*", "memchr::*")),),
        accepts=accepts,
    )


def accept(*, up_to: float = 0.12, expires: date = date(2027, 1, 31)) -> Accept:
    return Accept(match=("autopilot::redact::*",), up_to=up_to, reason="scrubs two more key formats", expires=expires)


def recording(*, time: Samples | None = None, instructions: tuple[WorkloadInstructions, ...] | None = None) -> Recording:
    """One workload with everything in it."""
    return Recording(
        samples=samples() if time is None else time,
        instructions=(workload_instructions(),) if instructions is None else instructions,
        code=(FunctionCode(function=FUNCTIONS[0], digest="5f2c", size_bytes=812, file="src/redact.rs", line=42),),
        stacks={"analyze-sessions": "main;redact_secrets 300\nmain;malloc 100\n"},
        failed_workloads={"replay-list": "exited with 3 instead of 0"},
        caveats=(Caveat(code=CaveatCode.FEW_RUNS, detail="2"),),
    )


def binary(*, name: str = "autopilot", packed: bytes | None = None) -> StoredBinary:
    """Its digest only, unless `packed` is given; then `packed` is taken for what `pack_binary` would have made."""
    return StoredBinary(name=name, sha256="ab" * 32, size_bytes=81_608_888, build_id="c0ffee", packed=packed)


def bundle(
    *,
    of: Recording | None = None,
    judged_by: Policy | None = None,
    binaries: tuple[StoredBinary, ...] = (),
    session: str = "3f6c1f0e8a0b4a6f",
    commit: str = "a9743d4c37d93b",
) -> Bundle:
    return Bundle(
        session=session,
        tool_version="0.1.0",
        created_at="2026-11-22T22:30:00Z",
        commit=commit,
        ref="refs/heads/main",
        machine=machine(),
        policy=policy(accepts=(accept(),)) if judged_by is None else judged_by,
        workload_digests={"analyze-sessions": "d1" * 32, "replay-list": "d2" * 32},
        recording=recording() if of is None else of,
        binaries=binaries,
    )
