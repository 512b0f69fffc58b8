"""From what a session gathered to one recording per program. Pure.

Knows which runs make whole blocks and which shortcomings are said. Knows nothing of how things were measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from autoprof_ci.machine_code import KnownProgram
from autoprof_ci.measure import heaptrack_table
from autoprof_ci.measure.callgrind_run import Counted
from autoprof_ci.measure.callgrind_table import combine, inlined
from autoprof_ci.measure.heaptrack_table import HeapRepeat
from autoprof_ci.measure.lanes import LANES
from autoprof_ci.measure.output_check import outputs_differ
from autoprof_ci.measure.perf_record import Perf
from autoprof_ci.measure.plan import Plan, Program, Work
from autoprof_ci.measure.runner import StartResult
from autoprof_ci.measure.schedule import RUNS_A_SIDE_IN_A_BLOCK
from autoprof_ci.measure.time_runs import FoldedRun, WarmUp
from autoprof_ci.measure.time_table import NANOSECOND_S, PlacedRun, caveats_of_runs, clock_table, cycles_table
from autoprof_ci.model import Caveat, CaveatCode, Instrument, Recording, Samples, Workload

MAX_REPEATS = 3


@dataclass(slots=True, kw_only=True)
class Pair:
    """One workload on one program, as far as it is measured; the only thing in a session that grows.

    `failed`: why it cannot be measured. `uncountable`: why callgrind cannot count it. `has_no_task`: its window ends by
    the clock. `count_s`: what the last count took. `unwatched`: why heaptrack cannot watch it; `watch_s`: what the last time
    took. `no_stacks`: why there is no flamegraph of it.
    """

    program: Program
    workload: Workload
    warm_up: WarmUp | None = None
    starts: int = 1
    failed: str | None = None
    uncountable: str | None = None
    has_no_task: bool = False
    count_s: float | None = None
    counted: list[Counted] = field(default_factory=list)
    unwatched: str | None = None
    watch_s: float | None = None
    watched: list[HeapRepeat] = field(default_factory=list)
    runs: list[PlacedRun] = field(default_factory=list)
    results: list[StartResult] = field(default_factory=list)
    stacks: FoldedRun | None = None
    no_stacks: str | None = None

    def lane(self, number: int) -> int:
        """Where its task of this number is done. Daemons take turns: two at once might want the same port."""
        return 0 if self.workload.daemon is not None else number % LANES

    @property
    def work(self) -> Work:
        return Work(program=self.program, workload=self.workload, starts=self.starts)


def instruments(plan: Plan, workload: Workload) -> tuple[Instrument, ...]:
    return workload.instruments or plan.settings.instruments


def wanted_runs(plan: Plan, workload: Workload) -> int:
    """A side."""
    return workload.runs or plan.settings.runs


def whole_blocks(pairs: Sequence[Pair]) -> frozenset[int]:
    """The blocks of one workload in which every program that can do it has all of its runs."""
    of_each = []
    for pair in pairs:
        blocks = [placed.block for placed in pair.runs]
        of_each.append(frozenset(block for block in blocks if blocks.count(block) == RUNS_A_SIDE_IN_A_BLOCK))
    return frozenset.intersection(*of_each) if of_each else frozenset()


def recordings(
    plan: Plan,
    pairs: Sequence[Pair],
    perf: Perf | None,
    shared: Sequence[Caveat],
    code: Mapping[str, KnownProgram],
) -> Mapping[str, Recording]:
    """Label -> recording. `shared`: caveats of the whole session. `code`: label -> what is known of the functions that ran."""
    shared = (*shared, *_caveats_of_outputs(plan, pairs))
    for workload in plan.workloads:
        able = [pair for pair in pairs if pair.workload == workload and pair.failed is None]
        whole = whole_blocks(able)
        for pair in able:
            pair.runs = [placed for placed in pair.runs if placed.block in whole]
    found = {}
    for program in plan.programs:
        own = [pair for pair in pairs if pair.program == program]
        found[program.label] = _with_code(_recording(plan, own, perf, shared), own, code.get(program.label))
    return found


def _recording(plan: Plan, pairs: Sequence[Pair], perf: Perf | None, shared: Sequence[Caveat]) -> Recording:
    able = [pair for pair in pairs if pair.failed is None]
    return Recording(
        samples=_samples(able, perf),
        instructions=tuple(combine(pair.workload.name, [one.repeat for one in pair.counted]) for pair in able if pair.counted),
        memory=tuple(heaptrack_table.combine(pair.workload.name, pair.watched) for pair in able if pair.watched),
        stacks={pair.workload.name: pair.stacks.text for pair in able if pair.stacks is not None},
        failed_workloads={pair.workload.name: pair.failed for pair in pairs if pair.failed is not None},
        caveats=(
            *shared,
            *(caveat for pair in able for caveat in _caveats(plan, pair, perf, frozenset(caveat.code for caveat in shared))),
        ),
    )


def _with_code(recording: Recording, pairs: Sequence[Pair], known: KnownProgram | None) -> Recording:
    """`pairs`: of the same program."""
    if known is None:
        return recording
    repeats = {pair.workload.name: [one.repeat for one in pair.counted] for pair in pairs}
    return replace(
        recording,
        code=known.code,
        instructions=tuple(
            replace(workload, inlined=inlined(workload.functions, repeats[workload.name], known.origins))
            for workload in recording.instructions
        ),
    )


def _samples(pairs: Sequence[Pair], perf: Perf | None) -> Samples | None:
    timed = [pair for pair in pairs if pair.runs]
    if perf is None or not timed:
        return None
    event = perf.event if perf.kernel_seen else f"{perf.event}:u"
    if perf.is_clock:
        tables = [clock_table(pair.workload.name, pair.starts, pair.runs, perf.period_ns) for pair in timed]
        return Samples(event=event, period_s=perf.period_ns * NANOSECOND_S, workloads=tuple(tables))
    tables = [cycles_table(pair.workload.name, pair.starts, pair.runs) for pair in timed]
    return Samples(event=event, period_s=1.0, workloads=tuple(tables))


def _caveats_of_outputs(plan: Plan, pairs: Sequence[Pair]) -> list[Caveat]:
    found = []
    for workload in plan.workloads:
        results = [pair.results for pair in pairs if pair.workload == workload and pair.failed is None]
        if outputs_differ(results):
            found.append(Caveat(code=CaveatCode.OUTPUT_DIFFERS, detail=workload.name))
    return found


def _caveats(plan: Plan, pair: Pair, perf: Perf | None, shared: frozenset[CaveatCode]) -> list[Caveat]:
    """What weakens one workload on one program; `detail` begins with both names."""
    who = f"{pair.workload.name} ({pair.program.label})"
    wanted = instruments(plan, pair.workload)
    found: list[tuple[CaveatCode, str]] = []
    if perf is not None and Instrument.TIME in wanted:
        runs, all_runs = len(pair.runs), wanted_runs(plan, pair.workload)
        if runs < all_runs and CaveatCode.INTERRUPTED not in shared:
            found.append((CaveatCode.TIME_LIMIT, f"{runs} of {all_runs} runs"))
        found += caveats_of_runs([placed.run for placed in pair.runs], plan.settings.min_run_s)
    if pair.has_no_task and set(wanted) - {Instrument.TIME}:
        found.append((CaveatCode.NO_FIXED_TASK, ""))
        wanted = (Instrument.TIME,)
    if Instrument.INSTRUCTIONS in wanted:
        if pair.uncountable is not None:
            found.append((CaveatCode.INSTRUCTIONS_UNAVAILABLE, pair.uncountable))
        elif not pair.counted and CaveatCode.INSTRUCTIONS_UNAVAILABLE not in shared:
            found.append((CaveatCode.INSTRUCTIONS_SKIPPED, ""))
        elif len(pair.counted) == 1:
            found.append((CaveatCode.INSTRUCTIONS_ONCE, ""))
        found += _caveats_of_counts(pair.counted)
    if Instrument.MEMORY in wanted:
        found += _caveats_of_memory(pair, shared)
    if pair.stacks is not None and pair.stacks.unreadable:
        found.append((CaveatCode.UNREADABLE_LINES, f"{pair.stacks.unreadable} lines of stacks"))
    if pair.no_stacks is not None:
        found.append((CaveatCode.STACKS_UNAVAILABLE, pair.no_stacks))
    left = sum(result.left_children for result in pair.results)
    if left:
        found.append((CaveatCode.LEFT_CHILDREN, f"{left} in {len(pair.results)} starts"))
    return [Caveat(code=code, detail=f"{who}: {detail}" if detail else who) for code, detail in found]


def _caveats_of_memory(pair: Pair, shared: frozenset[CaveatCode]) -> list[tuple[CaveatCode, str]]:
    if pair.unwatched is not None:
        # what is so; what helps is said once for all
        return [(CaveatCode.MEMORY_UNAVAILABLE, pair.unwatched.partition(". ")[0])]
    if not pair.watched and CaveatCode.MEMORY_UNAVAILABLE not in shared:
        return [(CaveatCode.MEMORY_SKIPPED, "")]
    return [(CaveatCode.MEMORY_ONCE, "")] if len(pair.watched) == 1 else []


def _caveats_of_counts(counted: Sequence[Counted]) -> list[tuple[CaveatCode, str]]:
    """The worst repeat speaks for all: the others miss the same."""
    found = []
    if uncounted := max((one.uncounted_processes for one in counted), default=0):
        found.append((CaveatCode.PROCESSES_NOT_COUNTED, f"{uncounted} in each count"))
    if unreadable := max((one.unreadable_lines for one in counted), default=0):
        found.append((CaveatCode.UNREADABLE_LINES, f"{unreadable} lines of callgrind's"))
    return found
