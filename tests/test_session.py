from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autoprof_ci.errors import ProgramError, ToolError
from autoprof_ci.measure.places import Places
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Program, Progress
from autoprof_ci.measure.session import measure, measure_on, workload_digests
from autoprof_ci.measure.staging import Stage
from autoprof_ci.model import CaveatCode, ExpectOutput, Instrument, MeasureSettings, Recording, Workload, WorkloadSamples
from tests.programs import built

pytestmark = pytest.mark.needs("cc", "perf")

QUICK = MeasureSettings(instruments=(Instrument.TIME,), runs=2, min_run_s=0.05)
WORK = Workload(name="work", command=("{binary}", "work", "300000"), runs=4)
FORKS = Workload(name="forks", command=("{binary}", "forks", "3000000"))
THREADS = Workload(name="threads", command=("{binary}", "threads", "3000000"))
DAEMON = Workload(name="daemon", command=("{binary}", "daemon"))
PID = Workload(name="pid", command=("{binary}", "pid"))


def plan(folder: Path, *workloads: Workload, settings: MeasureSettings = QUICK) -> Plan:
    acts = built("acts")
    programs = (Program(label=BASELINE, binary=acts), Program(label=CANDIDATE, binary=acts))
    return Plan(programs=programs, workloads=workloads, settings=settings, data=None, config_folder=folder)


def alone(of_two: Plan) -> Plan:
    return replace(of_two, programs=(of_two.judged,))


def silent(_: Progress) -> None:
    pass


def caveats(recording: Recording) -> list[tuple[CaveatCode, str]]:
    """Without those that depend on who else uses the machine."""
    noise = {CaveatCode.BUSY_MACHINE, CaveatCode.RUNS_DISAGREE, CaveatCode.SHORT_RUNS, CaveatCode.COARSE_SAMPLING}
    return [(caveat.code, caveat.detail) for caveat in recording.caveats if caveat.code not in noise]


def codes(recording: Recording) -> list[CaveatCode]:
    return [code for code, _ in caveats(recording)]


def in_folder(the_plan: Plan, folder: Path) -> Stage:
    """A stage whose folders are all below `folder`, so that what is left behind can be seen."""
    folder.mkdir()
    return Stage(the_plan, Places(programs=folder, work=folder))


@dataclass(frozen=True)
class Measured:
    recordings: Mapping[str, Recording]
    progress: list[Progress]


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    seen: list[Progress] = []
    the_plan = plan(tmp_path_factory.mktemp("config"), WORK, FORKS, THREADS, DAEMON, PID)
    return Measured(measure(the_plan, seen.append), seen)


def samples_of(recording: Recording, name: str) -> WorkloadSamples:
    assert recording.samples is not None
    return next(workload for workload in recording.samples.workloads if workload.name == name)


@pytest.mark.parametrize(("label", "positions"), [(BASELINE, [0, 3]), (CANDIDATE, [1, 2])])
def test_measure__two_programs_in_turns(label: str, positions: list[int], measured: Measured) -> None:
    workload = samples_of(measured.recordings[label], "work")
    assert [(run.block, run.position) for run in workload.runs] == [(block, place) for block in (0, 1) for place in positions]
    own = {f.name: sum(run.counts[i] for run in workload.runs) for i, f in enumerate(workload.functions) if f.dso == "{binary}"}
    work = [own[name] for name in ("first", "second", "third", "fourth")]
    assert min(work) > 0.3 * max(work), work
    # a busy machine leaves a dozen samples of stacks, and one function may have none of them
    stacks = measured.recordings[label].stacks["work"]
    assert sum(f"main;{name} " in stacks for name in ("first", "second", "third", "fourth")) >= 2, stacks


def test_measure__progress_is_counted_to_the_end(measured: Measured) -> None:
    assert [progress.done for progress in measured.progress] == list(range(len(measured.progress)))
    assert measured.progress[-1].done == measured.progress[-1].total


def test_measure__caveats(measured: Measured) -> None:
    """Children left behind are one; output that is another at every start says nothing."""
    assert codes(measured.recordings[CANDIDATE]) == [CaveatCode.LEFT_CHILDREN]


def test_measure__children_by_executable_whatever_threads_are_called(measured: Measured) -> None:
    forks, threads = (
        {(f.name, f.dso) for i, f in enumerate(samples.functions) if sum(run.counts[i] for run in samples.runs) >= 4}
        for samples in (samples_of(measured.recordings[CANDIDATE], name) for name in ("forks", "threads"))
    )
    assert {("first", "{binary}"), ("second", "{binary}")} <= forks
    assert {dso for name, dso in forks if name == "[helper]"} & {"dash", "bash", "busybox", "sh"}
    assert ("third", "{binary}") in threads
    assert not any(name == "[helper]" for name, _ in threads)


def test_measure__one_program(tmp_path: Path) -> None:
    recording = measure(alone(plan(tmp_path, WORK)), silent)[CANDIDATE]
    assert recording.samples is not None
    assert [(run.block, run.position) for run in recording.samples.workloads[0].runs] == [(0, 0), (0, 1), (1, 0), (1, 1)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("crash",),
            r"workload 'w' \(candidate\), warm-up: start 1 of 1 was ended by signal SIGSEGV; its last words: about to",
        ),
        (("exit", "3"), r"exit code 3 instead of 0; its last words: cannot open the thing"),
        (("hang",), r"did not end within 0.2 s and was killed; its last words: waiting for godot"),
    ],
)
def test_measure__candidate_that_fails(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    stage = in_folder(plan(tmp_path, Workload(name="w", command=("{binary}", *words), timeout_s=0.2)), tmp_path / "stage")
    with pytest.raises(ProgramError, match=message):
        measure_on(stage, silent)
    assert list((tmp_path / "stage").iterdir()) == []


def test_measure__baseline_that_fails_is_written_down(tmp_path: Path) -> None:
    false = Path("/bin/false")
    the_plan = plan(tmp_path, WORK)
    programs = (Program(label=BASELINE, binary=false), the_plan.judged)
    recordings = measure(Plan(programs=programs, workloads=(WORK,), settings=QUICK, data=None, config_folder=tmp_path), silent)
    assert recordings[BASELINE].samples is None
    assert recordings[BASELINE].failed_workloads == {
        "work": "workload 'work' (baseline), warm-up: start 1 of 1 ended with exit code 1 instead of 0"
    }
    samples = recordings[CANDIDATE].samples
    assert samples is not None and len(samples.workloads[0].runs) == 4


def test_measure__time_limit_leaves_whole_blocks_and_says_so(tmp_path: Path) -> None:
    settings = MeasureSettings(instruments=(Instrument.TIME,), runs=1000, min_run_s=0.05, time_limit_s=8.0)
    work, other = (Workload(name=name, command=WORK.command) for name in ("work", "other"))
    recording = measure(plan(tmp_path, work, other, settings=settings), silent)[BASELINE]
    assert recording.samples is not None
    counts = [len(workload.runs) for workload in recording.samples.workloads]
    assert all(2 <= count < 1000 and count % 2 == 0 for count in counts)
    assert max(counts) - min(counts) <= 2
    assert CaveatCode.TIME_LIMIT in codes(recording)


def test_measure__time_limit_before_anything_is_measured(tmp_path: Path) -> None:
    settings = replace(QUICK, time_limit_s=2.5)
    hanging = Workload(name="w", command=("{binary}", "hang"))
    begun = time.monotonic()
    expected = (
        r"^The time limit of 2.5 s for all measuring has passed, and nothing is measured yet; it ended in w: warm-up \(baseline\)"
    )
    with pytest.raises(ToolError, match=expected):
        measure(plan(tmp_path, hanging, settings=settings), silent)
    assert time.monotonic() - begun < 10


@pytest.mark.needs("valgrind")
def test_measure__hang_under_callgrind_leaves_time_for_the_rest(tmp_path: Path) -> None:
    settings = MeasureSettings(runs=2, min_run_s=0.05, time_limit_s=12.0)
    hanging = Workload(name="w", command=WORK.command, instructions_command=("{binary}", "hang"))
    begun = time.monotonic()
    recording = measure(alone(plan(tmp_path, hanging, settings=settings)), silent)[CANDIDATE]
    assert time.monotonic() - begun < 12 + 8
    assert samples_of(recording, "w").runs != ()
    assert recording.instructions == ()
    assert CaveatCode.INSTRUCTIONS_UNAVAILABLE in codes(recording)


class StopAt:
    """A user who presses Ctrl-C when a progress line says something."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __call__(self, progress: Progress) -> None:
        if self.words in progress.text:
            raise KeyboardInterrupt


def test_measure__interrupted_keeps_whole_blocks(tmp_path: Path) -> None:
    recording = measure_on(in_folder(plan(tmp_path, WORK), tmp_path / "stage"), StopAt("block 2"))[CANDIDATE]
    assert recording.samples is not None
    assert [(run.block, run.position) for run in recording.samples.workloads[0].runs] == [(0, 1), (0, 2)]
    assert codes(recording) == [CaveatCode.INTERRUPTED]
    assert list((tmp_path / "stage").iterdir()) == []


def test_measure__different_output(tmp_path: Path) -> None:
    other = tmp_path / "acts"
    other.write_bytes(built("acts").read_bytes().replace(b"%lu\n\0", b"=%u\n\0"))
    programs = (Program(label=BASELINE, binary=built("acts")), Program(label=CANDIDATE, binary=other))

    def measured(expected: ExpectOutput) -> Recording:
        workload = Workload(name="work", command=WORK.command, expect_output=expected)
        the_plan = replace(plan(tmp_path, workload), programs=programs)
        return measure(the_plan, silent)[CANDIDATE]

    assert codes(measured(ExpectOutput.ANY)) == [CaveatCode.OUTPUT_DIFFERS]
    with pytest.raises(ProgramError, match="print different output"):
        measured(ExpectOutput.SAME)


def test_measure__no_tool_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built("acts")
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = MeasureSettings(runs=4)
    with pytest.raises(ToolError, match=r"^Nothing can be measured: perf is not installed, and valgrind is not installed"):
        measure(plan(tmp_path, WORK, settings=settings), silent)


@pytest.mark.needs("valgrind")
def test_measure__interrupted_while_counting_two_at_once(tmp_path: Path) -> None:
    settings = MeasureSettings(instruments=(Instrument.INSTRUCTIONS,))
    workloads = (replace(WORK, name="a"), replace(WORK, name="b", instructions_command=("{binary}", "hang")))
    stage = in_folder(plan(tmp_path, *workloads, settings=settings), tmp_path / "stage")
    begun = time.monotonic()
    recording = measure_on(stage, StopAt("a: instructions (candidate)"))[BASELINE]
    assert time.monotonic() - begun < 30
    assert [counted.name for counted in recording.instructions] == ["a"]
    assert CaveatCode.INTERRUPTED in codes(recording)
    assert list((tmp_path / "stage").iterdir()) == []


@pytest.mark.needs("valgrind")
def test_measure__processes_that_callgrind_cannot_count(tmp_path: Path) -> None:
    settings = MeasureSettings(instruments=(Instrument.INSTRUCTIONS,))
    recording = measure(alone(plan(tmp_path, DAEMON, settings=settings)), silent)[CANDIDATE]
    assert caveats(recording) == [
        (CaveatCode.PROCESSES_NOT_COUNTED, "daemon (candidate): 2 in each count"),
        (CaveatCode.LEFT_CHILDREN, "daemon (candidate): 12 in 6 starts"),
    ]


@pytest.mark.needs("valgrind")
def test_measure__without_perf_instructions_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built("acts")
    only_valgrind(tmp_path, monkeypatch.setenv)
    recording = measure(plan(tmp_path, WORK, settings=MeasureSettings(runs=4)), silent)[CANDIDATE]
    assert codes(recording) == [CaveatCode.TIME_UNAVAILABLE]
    (counted,) = recording.instructions
    assert len(counted.repeats) == 3 and recording.samples is None


def only_valgrind(folder: Path, setenv: Callable[[str, str], None]) -> None:
    tools = folder / "tools"
    tools.mkdir()
    (tools / "valgrind").write_text('#!/bin/sh\nexec /usr/bin/valgrind "$@"\n')
    (tools / "valgrind").chmod(0o755)
    setenv("PATH", str(tools))


def test_workload_digests__definition_and_inputs_count(tmp_path: Path) -> None:
    (tmp_path / "in.txt").write_text("1")
    given = Workload(name="w", command=("{binary}",), inputs=("in.txt",))
    first = workload_digests(plan(tmp_path, given))
    assert first == workload_digests(plan(tmp_path, Workload(name="w", command=("{binary}",), inputs=("in.txt",), runs=6)))
    other_command = workload_digests(plan(tmp_path, Workload(name="w", command=("{binary}", "x"), inputs=("in.txt",))))
    (tmp_path / "in.txt").write_text("2")
    assert len({first["w"], other_command["w"], workload_digests(plan(tmp_path, given))["w"]}) == 3
