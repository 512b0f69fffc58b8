"""What was measured of one program: runs, instruction counts, code, and the bundle that holds them all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from autoprof_ci.model.policy import Policy
from autoprof_ci.model.words import CaveatCode, Function


@dataclass(frozen=True, slots=True, kw_only=True)
class Caveat:
    """One thing that weakens or explains the numbers. `detail` is data for the sentence (a count, a name), not the sentence."""

    code: CaveatCode
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One recording. `counts` is aligned with the functions of its `WorkloadSamples`, in sampling periods (zeros too)."""

    block: int
    position: int
    wall_s: float
    counts: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadSamples:
    """All time runs of one workload on one program; every run holds `starts` starts of the command.

    `first_runs`: how many of `runs` were there when it was decided to make more, a second look; ``None``: all were planned."""

    name: str
    starts: int
    functions: tuple[Function, ...]
    runs: tuple[Run, ...]
    first_runs: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples:
    """The time instrument. Seconds per start of a function in a run = count * `period_s` / starts.

    `period_s` is 1.0 where the event's period varied and the counts are weights in seconds already; it is ``None`` where the
    duration of a sample is unknown (folded stacks), and then the unit is ``samples``.
    """

    event: str
    period_s: float | None
    workloads: tuple[WorkloadSamples, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEdge:
    """Calls from one function to another: indexes into the functions of its `WorkloadInstructions`. `inclusive`: instructions."""

    caller: int
    callee: int
    calls: float
    inclusive: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinedCost:
    """Instructions inside a function, which is an index into those of its `WorkloadInstructions`, that belong to the body of
    another one, `name`, which was inlined into it."""

    function: int
    name: str
    cost: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadInstructions:
    """Instruction counts of one workload on one program, per start.

    `repeats[i][j]`: self instructions of function j in repeat i. `inclusive[j]`: with everything it called (recursion counted
    once). `calls[j]`: times entered. `inclusive`, `calls` and `edges` are medians over the repeats. `inlined`: what of the
    functions' own instructions belongs to others that were inlined into them, as far as debug information says.
    """

    name: str
    functions: tuple[Function, ...]
    repeats: tuple[tuple[float, ...], ...]
    inclusive: tuple[float, ...]
    calls: tuple[float, ...]
    edges: tuple[CallEdge, ...]
    inlined: tuple[InlinedCost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRepeat:
    """One run below heaptrack, per start; each aligned with the functions of its `WorkloadMemory`.

    `temporary`: allocations freed before the next one is made. `peak_bytes`: held at the moment when the whole program held the
    most. `leaked_bytes`: never given back.
    """

    allocations: tuple[float, ...]
    temporary: tuple[float, ...]
    peak_bytes: tuple[float, ...]
    leaked_bytes: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedEdge:
    """Allocations made while one function ran for another: indexes into the functions of its `WorkloadMemory`."""

    caller: int
    callee: int
    allocations: float


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadMemory:
    """Heap memory of one workload on one program, booked to the functions that asked for it.

    `edges`: medians over the repeats, without what is too small to matter. `inlined`: which of the functions' allocations others
    asked for that were inlined into them, as far as debug information says; its `cost` counts allocations.
    """

    name: str
    functions: tuple[Function, ...]
    repeats: tuple[MemoryRepeat, ...]
    edges: tuple[AskedEdge, ...] = ()
    inlined: tuple[InlinedCost, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class InlinedCode:
    """A source function whose body was compiled into another function. `line`, `end_line`: the first and the last line of it that
    are there; ``None`` where debug information does not say."""

    name: str
    file: str | None = None
    line: int | None = None
    end_line: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionCode:
    """What is known of a function's machine code.

    `parts`: how many symbols of the normalised name were seen running. `digest`: of what they do, without what the linker fills
    in: equal ones are equal code, and those that are equal behind the dot differ in registers and order only. `file`: relative to
    the repository where it lies in it, else as debug information has it. `line`, `end_line`: the first and the last line of the
    function's own that are in its machine code. `inlined_from`: what else of the program's own source is in it.
    """

    function: Function
    parts: int = 1
    digest: str | None = None
    size_bytes: int | None = None
    file: str | None = None
    line: int | None = None
    end_line: int | None = None
    inlined_from: tuple[InlinedCode, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """Everything one measuring session saw of one program. `stacks`: workload name -> folded stacks text."""

    samples: Samples | None = None
    instructions: tuple[WorkloadInstructions, ...] = ()
    memory: tuple[WorkloadMemory, ...] = ()
    code: tuple[FunctionCode, ...] = ()
    stacks: Mapping[str, str] = field(default_factory=dict)
    failed_workloads: Mapping[str, str] = field(default_factory=dict)
    """Workload name -> one sentence: it could not be measured on this program."""
    caveats: tuple[Caveat, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Fingerprint of where it was measured. Stored numbers are compared only where the fields that matter to them agree."""

    architecture: str
    cpu_model: str
    cpu_features: str
    """A digest of the CPU's feature flags: the C library picks its string functions by them."""
    cpus: int
    kernel: str
    libc: str
    perf: str | None
    valgrind: str | None
    heaptrack: str | None = None
    sandbox: str | None = None
    """How the measured program was kept apart, as a reader would say it: ``container``, ``container with CAP_SYS_ADMIN``,
    ``own user``; ``None``: not at all. Numbers do not depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBinary:
    """A program file as it is kept in a bundle. `packed` is zstd; ``None`` where only the digest is known."""

    name: str
    sha256: str
    size_bytes: int
    build_id: str | None = None
    debug_removed: bool = False
    content_sha256: str | None = None
    """Digest of what `packed` unpacks to where that is not the file itself: with debug information removed, else ``None``."""
    packed: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """All that was measured of one program. The baseline artifact is one of these."""

    session: str
    tool_version: str
    created_at: str
    """RFC 3339, UTC."""
    commit: str | None
    ref: str | None
    machine: Machine | None
    policy: Policy | None
    """The thresholds, groups and accepts in force when it was measured."""
    workload_digests: Mapping[str, str] = field(default_factory=dict)
    """Workload name -> digest of its definition and inputs."""
    recording: Recording = field(default_factory=Recording)
    binaries: tuple[StoredBinary, ...] = ()
    """The measured program first."""
