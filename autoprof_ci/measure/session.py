"""One measuring session: the order in which programs, workloads and instruments take their turns, within a time limit.

Knows what comes first when time is short, what may go on at once, and what a failure of one program or one tool means for the
rest. Knows nothing of command lines, files of tools or statistics. The order: a warm-up of everything; instructions once (they
see the most), and the heap; timed blocks in turns, each read when it is over; instructions and the heap again, for their noise;
stacks, for the flamegraph; the machine code of all that was seen.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial

from autoprof_ci.errors import ConfigError, DataError, InterruptedByUserError, ProgramError, ToolError
from autoprof_ci.machine_code import KnownProgram
from autoprof_ci.measure import perf_record, schedule, time_runs
from autoprof_ci.measure.daemon_window import cut_short
from autoprof_ci.measure.disk_space import full_disk_said
from autoprof_ci.measure.instruction_runs import Counter, count_once, find_counter
from autoprof_ci.measure.lanes import LANES, Task, run_tasks
from autoprof_ci.measure.limit import TimeIsUpError
from autoprof_ci.measure.memory_turns import MemoryTurns
from autoprof_ci.measure.output_check import check_same_output
from autoprof_ci.measure.perf_record import Perf, Refusal
from autoprof_ci.measure.plan import Plan, Program, Progress
from autoprof_ci.measure.program_code import Seen, code_of
from autoprof_ci.measure.session_result import MAX_REPEATS, Pair, instruments, recordings, wanted_runs, whole_blocks
from autoprof_ci.measure.staging import Stage
from autoprof_ci.measure.stopwatch import Step
from autoprof_ci.measure.time_runs import Taken
from autoprof_ci.measure.time_table import PlacedRun, TimedRun
from autoprof_ci.measure.workload_digest import digest_of
from autoprof_ci.model import Caveat, CaveatCode, ExpectOutput, Instrument, Recording, Workload

CALLGRIND_BEGINS_S, CALLGRIND_SLOWER = 1.5, 50.0
"""What a first count is expected to take: callgrind's own start, and its factor on a short program."""
COUNT_SHARE = 1 / 3
"""Of the time limit, that one count may take: one that hangs must leave the most for the other instrument."""


def measure(plan: Plan, report: Callable[[Progress], None]) -> Mapping[str, Recording]:
    """Measure every workload on every program: label -> recording.

    Raises `ProgramError` when a workload fails on the judged program (of the baseline alone it is written down), `ToolError`
    when nothing here can measure, a tool fails or time is up before anything is measured. When the user interrupts, what is
    measured is returned, with a caveat.
    """
    return measure_on(Stage(plan), report)


def measure_on(prepared: Stage, report: Callable[[Progress], None]) -> Mapping[str, Recording]:
    """The same, on a stage whose stopwatch the caller wants to look at."""
    with full_disk_said(), prepared as stage:
        session = _Session(stage, report)
        try:
            session.run()
        except KeyboardInterrupt:
            if not session.has_anything:
                raise InterruptedByUserError("Stopped before anything was measured", "Start again.") from None
            session.caveats.append(Caveat(code=CaveatCode.INTERRUPTED))
        except TimeIsUpError as error:
            if not session.has_anything:
                what = f"{error.what}, and nothing is measured yet; it ended in {session.doing}"
                raise ToolError(what, error.next_step) from None
            session.caveats.append(Caveat(code=CaveatCode.TIME_LIMIT, detail=session.doing))
        return recordings(stage.plan, session.pairs, session.perf, session.caveats, session.code)


class _Session:
    """What is known so far. Lives as long as its stage."""

    def __init__(self, stage: Stage, report: Callable[[Progress], None]) -> None:
        self.stage, self.plan, self.limit = stage, stage.plan, stage.limit
        self.caveats: list[Caveat] = []
        self.pairs = [
            Pair(program=program, workload=workload) for workload in self.plan.workloads for program in self.plan.programs
        ]
        self.perf: Perf | None = None
        self.counter: Counter | None = None
        self.memory = MemoryTurns(stage, [pair for pair in self.pairs if self._wants(pair.workload, Instrument.MEMORY)])
        self.code: Mapping[str, KnownProgram] = {}
        self.doing = ""
        self._report, self._done, self._total = report, 0, len(self.pairs) + 1
        self._reporting = threading.Lock()
        self._block_s: dict[str, float] = {}

    @property
    def has_anything(self) -> bool:
        return any(pair.counted or pair.watched or whole_blocks(self._able(pair.workload)) for pair in self.pairs)

    def run(self) -> None:
        watch = self.stage.watch
        with watch.step(Step.TOOLS):
            self._find_tools()
        with watch.step(Step.WARM_UP):
            self._warm_up()
        with watch.step(Step.INSTRUCTIONS):
            self._count(1)
        with watch.step(Step.MEMORY):
            self.memory.take(1, self._measured_otherwise, self._progress)
        with watch.step(Step.TIME):
            self._time()
        with watch.step(Step.INSTRUCTIONS):
            self._count(MAX_REPEATS)
        with watch.step(Step.MEMORY):
            self.memory.take(MAX_REPEATS, self._measured_otherwise, self._progress)
        if not self.plan.continues:
            with watch.step(Step.STACKS):
                self._stacks()
            with watch.step(Step.CODE):
                self._code()
        self._progress("measured", self.stage.watch.inside_s())

    def _find_tools(self) -> None:
        refusal = None
        if timed := [workload for workload in self.plan.workloads if self._wants(workload, Instrument.TIME)]:
            probed = perf_record.probe(self.plan.settings.frequency_hz, self.stage.lanes[0].logs)
            if isinstance(probed, Perf):
                self.perf = probed
                self._total += sum(schedule.blocks(wanted_runs(self.plan, workload)) for workload in timed)
                self._total += 0 if self.plan.continues else len(timed) * len(self.plan.programs)
                if not probed.kernel_seen:
                    self._caveat(CaveatCode.KERNEL_NOT_SEEN, probed.event)
            else:
                refusal = probed
                self._caveat(CaveatCode.TIME_UNAVAILABLE, f"{probed.reason}. {probed.next_step}")
        if counted := [pair for pair in self.pairs if self._wants(pair.workload, Instrument.INSTRUCTIONS)]:
            self.counter = find_counter(COUNT_SHARE * self.plan.settings.time_limit_s if self.perf else math.inf)
            self._total += MAX_REPEATS * len(counted) if self.counter else 0
            if self.counter is None:
                self._caveat(
                    CaveatCode.INSTRUCTIONS_UNAVAILABLE, "valgrind is not installed. Install it with: apt-get install valgrind."
                )
        others = self.perf is not None or self.counter is not None
        no_heap = self.memory.find(COUNT_SHARE * self.plan.settings.time_limit_s if others else math.inf)
        if no_heap is not None and not self.memory.is_installed:
            self._caveat(CaveatCode.MEMORY_UNAVAILABLE, no_heap)
        self._total += self.memory.steps
        self.memory.check(self._measured_otherwise)
        if not (others or self.memory.is_usable):
            raise _nothing_measures(refusal, "valgrind is not installed" if counted else None, no_heap)

    def _warm_up(self) -> None:
        for pair in self.pairs:
            self._progress(f"{pair.workload.name}: warm-up ({pair.program.label})")
            try:
                pair.warm_up = time_runs.warm_up(self.stage, pair.work)
                pair.results += pair.warm_up.results
                self._look_for_task(pair)
            except ProgramError as error:
                self._failed(pair, error)
        for workload in self.plan.workloads:
            able = self._able(workload)
            if workload.expect_output is ExpectOutput.SAME:
                check_same_output(workload.name, [pair.results for pair in able])
            fixed = self.plan.continues.get(workload.name)
            starts = fixed or time_runs.starts_for(self.stage, workload, [pair.warm_up for pair in able if pair.warm_up])
            for pair in able:
                pair.starts = starts

    def _look_for_task(self, pair: Pair) -> None:
        """Where a window ends by the clock, there is none to count. Raises `ConfigError` where nothing else is wanted."""
        daemon = pair.workload.daemon
        pair.has_no_task = daemon is not None and (daemon.driver is None or cut_short([one.watched for one in pair.results]))
        if pair.has_no_task and Instrument.TIME not in instruments(self.plan, pair.workload):
            raise ConfigError(
                f"workload {pair.workload.name!r}: its window ends by the clock, so there is no fixed task to count",
                "Give it a `driver` that ends by itself, or measure its time.",
            )

    def _count(self, repeats: int) -> None:
        """Until every pair has so many repeats, or time is up. Two at once: a count needs no quiet machine.

        The same repeat of both programs is made in the same lane, so that they see the same paths.
        """
        run_tasks(
            [
                Task(lane=self._lane(pair, repeat), act=partial(self._count_one, pair, repeat))
                for repeat in range(repeats)
                for pair in self._countable()
                if len(pair.counted) <= repeat
            ],
            self.limit,
        )

    def _lane(self, pair: Pair, repeat: int) -> int:
        return pair.lane(self.plan.workloads.index(pair.workload) + repeat)

    def _count_one(self, pair: Pair, repeat: int) -> None:
        assert self.counter is not None and pair.warm_up is not None
        expected_s = pair.count_s or CALLGRIND_BEGINS_S + pair.warm_up.waits_s + CALLGRIND_SLOWER * pair.warm_up.works_s
        if pair.uncountable is not None or self.limit.left_s() < expected_s:
            return
        self._progress(f"{pair.workload.name}: instructions ({pair.program.label})")
        lane = self.stage.lanes[self._lane(pair, repeat)]
        begun = time.monotonic()
        try:
            pair.counted.append(count_once(self.stage, pair.work, self.counter, lane))
        except TimeIsUpError:
            raise
        except (ProgramError, ToolError, DataError) as error:
            if self.perf is None or not self._wants(pair.workload, Instrument.TIME):
                raise
            pair.uncountable = str(error)
        pair.count_s = time.monotonic() - begun

    def _measured_otherwise(self, workload: Workload) -> bool:
        """Whether another instrument than memory measures it."""
        timed = self.perf is not None and self._wants(workload, Instrument.TIME)
        return timed or (self.counter is not None and self._wants(workload, Instrument.INSTRUCTIONS))

    def _time(self) -> None:
        """Blocks in turns, until all are done or time is up."""
        if self.perf is None:
            return
        timed = {workload.name: workload for workload in self.plan.workloads if self._wants(workload, Instrument.TIME)}
        runs = {name: wanted_runs(self.plan, workload) for name, workload in timed.items()}
        for turn in schedule.turns(runs):
            if self.limit.left_s() < self._block_s.get(turn.workload, 0.0):
                continue
            begun = time.monotonic()
            self._progress(f"{turn.workload}: block {turn.block + 1} of {schedule.blocks(runs[turn.workload])}")
            self._block(turn.block, self._able(timed[turn.workload]), self.perf)
            self._block_s[turn.workload] = time.monotonic() - begun

    def _block(self, block: int, able: list[Pair], perf: Perf) -> None:
        """Record every run, then read them: nothing else of ours may run while time is recorded."""
        taken: list[tuple[Pair, int, Taken]] = []
        for position, index in enumerate(schedule.order(len(able))):
            pair = able[index]
            if pair.failed is not None:
                continue
            try:
                taken.append((pair, position, time_runs.record_run(self.stage, pair.work, perf)))
            except ProgramError as error:
                self._failed(pair, error)
        read: dict[int, TimedRun] = {}

        def read_one(pair: Pair, position: int, one: Taken) -> None:
            read[position] = time_runs.read_run(one, perf, time_runs.dsos(self.stage, pair.program))

        with self.stage.watch.step(Step.READING):
            run_tasks([Task(lane=one[1] % LANES, act=partial(read_one, *one)) for one in taken], self.limit)
        for pair, position, _ in taken:
            pair.runs.append(PlacedRun(block=block, position=position, run=read[position]))
            pair.results += read[position].results

    def _stacks(self) -> None:
        perf = self.perf
        if perf is None:
            return
        timed = [pair for pair in self.pairs if pair.failed is None and pair.runs]
        run_tasks(
            [Task(lane=pair.lane(self.pairs.index(pair)), act=partial(self._stacks_of, pair, perf)) for pair in timed], self.limit
        )

    def _stacks_of(self, pair: Pair, perf: Perf) -> None:
        """What fails here loses a picture only; what is measured by now is not to be lost with it."""
        if self.limit.left_s() <= 0:
            pair.no_stacks = "the time limit had passed"
            return
        self._progress(f"{pair.workload.name}: stacks ({pair.program.label})")
        lane = self.stage.lanes[pair.lane(self.pairs.index(pair))]
        try:
            pair.stacks = time_runs.record_stacks(self.stage, pair.work, perf, lane)
        except (ProgramError, ToolError, DataError) as error:
            pair.no_stacks = error.what

    def _code(self) -> None:
        """Of all that ran in any workload. Takes processors, so it comes last."""
        self._progress("machine code")
        seen = [Seen(program=program, symbols=self._symbols(program)) for program in self.plan.programs]
        self.code, caveats = code_of(self.stage, seen)
        self.caveats += caveats

    def _symbols(self, program: Program) -> frozenset[tuple[str, str]]:
        of_program = [pair for pair in self.pairs if pair.program == program]
        found: set[tuple[str, str]] = set()
        for pair in of_program:
            for counted in pair.counted:
                found |= counted.symbols
            for watched in pair.watched:
                found |= watched.symbols
            for placed in pair.runs:
                found |= placed.run.symbols
        return frozenset(found)

    def _failed(self, pair: Pair, error: ProgramError) -> None:
        """Of the judged program the end; of the baseline something to know: the workload may be new."""
        if pair.program == self.plan.judged:
            raise error
        pair.failed = error.what
        pair.runs.clear()
        pair.counted.clear()
        pair.watched.clear()

    def _able(self, workload: Workload) -> list[Pair]:
        return [pair for pair in self.pairs if pair.workload == workload and pair.failed is None]

    def _countable(self) -> list[Pair]:
        if self.counter is None:
            return []
        wanted = [pair for pair in self.pairs if self._wants(pair.workload, Instrument.INSTRUCTIONS)]
        return [pair for pair in wanted if pair.failed is None and pair.uncountable is None and not pair.has_no_task]

    def _wants(self, workload: Workload, instrument: Instrument) -> bool:
        return instrument in instruments(self.plan, workload)

    def _caveat(self, code: CaveatCode, detail: str) -> None:
        self.caveats.append(Caveat(code=code, detail=detail))

    def _progress(self, text: str, inside_s: float | None = None) -> None:
        with self._reporting:
            self.doing = text
            self._report(Progress(done=self._done, total=self._total, text=text, inside_s=inside_s))
            self._done += 1


def _nothing_measures(refusal: Refusal | None, no_counter: str | None, no_heap: str | None) -> ToolError:
    """None of the instruments that were asked for can be used. `no_heap`: why, and what to do."""
    heap, _, otherwise = (no_heap or "").partition(". ")
    lacking = [reason for reason in (refusal.reason if refusal else None, no_counter, heap) if reason]
    install = "Install it with: apt-get install valgrind." if no_counter else otherwise
    return ToolError(f"Nothing can be measured: {', and '.join(lacking)}", refusal.next_step if refusal else install)


def workload_digests(plan: Plan) -> Mapping[str, str]:
    """Workload name -> SHA-256 of its definition and of the files it works on; equal digests mean equal tasks."""
    return {workload.name: digest_of(workload, plan.config_folder, plan.data) for workload in plan.workloads}
