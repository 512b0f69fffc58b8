from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autoprof_ci.errors import ProgramError, ToolError
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Program, Progress
from autoprof_ci.measure.session import measure, workload_digests
from autoprof_ci.model import CaveatCode, ExpectOutput, Instrument, MeasureSettings, Recording, Workload
from tests.programs import built

pytestmark = pytest.mark.needs("cc", "perf")

QUICK = MeasureSettings(instruments=(Instrument.TIME,), runs=4, min_run_s=0.05)
WORK = Workload(name="work", command=("{binary}", "work", "300000"))


def plan(folder: Path, *workloads: Workload, settings: MeasureSettings = QUICK) -> Plan:
    acts = built("acts")
    programs = (Program(label=BASELINE, binary=acts), Program(label=CANDIDATE, binary=acts))
    return Plan(programs=programs, workloads=workloads, settings=settings, data=None, config_folder=folder)


def silent(_: Progress) -> None:
    pass


def codes(recording: Recording) -> list[CaveatCode]:
    """Without those that depend on who else uses the machine."""
    noise = {CaveatCode.BUSY_MACHINE, CaveatCode.RUNS_DISAGREE, CaveatCode.SHORT_RUNS, CaveatCode.COARSE_SAMPLING}
    return [caveat.code for caveat in recording.caveats if caveat.code not in noise]


def staged() -> set[str]:
    return {path.name for path in Path("/dev/shm").glob("autoprof-*")}


def test_measure__two_programs_in_turns(tmp_path: Path) -> None:
    seen: list[Progress] = []
    recordings = measure(plan(tmp_path, WORK), seen.append)
    assert set(recordings) == {BASELINE, CANDIDATE}
    for label, positions in ((BASELINE, [0, 3]), (CANDIDATE, [1, 2])):
        samples = recordings[label].samples
        assert samples is not None
        (workload,) = samples.workloads
        assert [(run.block, run.position) for run in workload.runs] == [(block, place) for block in (0, 1) for place in positions]
        own = {
            f.name: sum(run.counts[i] for run in workload.runs) for i, f in enumerate(workload.functions) if f.dso == "{binary}"
        }
        work = [own[name] for name in ("first", "second", "third", "fourth")]
        assert min(work) > 0.6 * max(work), work
        assert codes(recordings[label]) == []
        assert ";main;first " in recordings[label].stacks["work"]
    assert [progress.done for progress in seen] == list(range(len(seen)))
    assert seen[-1].done == seen[-1].total


def test_measure__one_program(tmp_path: Path) -> None:
    alone = Plan(
        programs=(Program(label=CANDIDATE, binary=built("acts")),),
        workloads=(WORK,),
        settings=QUICK,
        data=None,
        config_folder=tmp_path,
    )
    recording = measure(alone, silent)[CANDIDATE]
    assert recording.samples is not None
    assert [(run.block, run.position) for run in recording.samples.workloads[0].runs] == [(0, 0), (0, 1), (1, 0), (1, 1)]


def test_measure__children_by_executable_whatever_threads_are_called(tmp_path: Path) -> None:
    forks = Workload(name="forks", command=("{binary}", "forks", "3000000"))
    threads = Workload(name="threads", command=("{binary}", "threads", "3000000"))
    samples = measure(plan(tmp_path, forks, threads), silent)[CANDIDATE].samples
    assert samples is not None
    rows = [
        {(f.name, f.dso) for i, f in enumerate(w.functions) if sum(run.counts[i] for run in w.runs) >= 4}
        for w in samples.workloads
    ]
    assert {("first", "{binary}"), ("second", "{binary}")} <= rows[0]
    assert {dso for name, dso in rows[0] if name == "[helper]"} & {"dash", "bash", "busybox", "sh"}
    assert ("third", "{binary}") in rows[1]
    assert not any(name == "[helper]" for name, _ in rows[1])


def test_measure__children_left_behind_are_a_caveat(tmp_path: Path) -> None:
    recording = measure(plan(tmp_path, Workload(name="d", command=("{binary}", "daemon"))), silent)[CANDIDATE]
    assert codes(recording) == [CaveatCode.LEFT_CHILDREN]


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
    before = staged()
    with pytest.raises(ProgramError, match=message):
        measure(plan(tmp_path, Workload(name="w", command=("{binary}", *words), timeout_s=0.2)), silent)
    assert staged() - before == set()


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
    settings = MeasureSettings(instruments=(Instrument.TIME,), runs=100, min_run_s=0.1, time_limit_s=6.0)
    other = Workload(name="other", command=WORK.command)
    recording = measure(plan(tmp_path, WORK, other, settings=settings), silent)[BASELINE]
    assert recording.samples is not None
    counts = [len(workload.runs) for workload in recording.samples.workloads]
    assert len(counts) == 2 and all(2 <= count < 100 and count % 2 == 0 for count in counts)
    assert abs(counts[0] - counts[1]) <= 2
    assert CaveatCode.TIME_LIMIT in codes(recording)


class StopAt:
    """A user who presses Ctrl-C when a progress line says something."""

    def __init__(self, words: str) -> None:
        self.words = words

    def __call__(self, progress: Progress) -> None:
        if self.words in progress.text:
            raise KeyboardInterrupt


def test_measure__interrupted_keeps_whole_blocks(tmp_path: Path) -> None:
    before = staged()
    recording = measure(plan(tmp_path, WORK), StopAt("block 2"))[CANDIDATE]
    assert recording.samples is not None
    assert [(run.block, run.position) for run in recording.samples.workloads[0].runs] == [(0, 1), (0, 2)]
    assert codes(recording) == [CaveatCode.INTERRUPTED, CaveatCode.TIME_LIMIT]
    assert staged() - before == set()


def test_measure__different_output(tmp_path: Path) -> None:
    other = tmp_path / "acts"
    other.write_bytes(built("acts").read_bytes().replace(b"%lu\n\0", b"=%u\n\0"))
    programs = (Program(label=BASELINE, binary=built("acts")), Program(label=CANDIDATE, binary=other))

    def measured(expected: ExpectOutput) -> Recording:
        workload = Workload(name="work", command=WORK.command, expect_output=expected)
        settings = MeasureSettings(instruments=(Instrument.TIME,), runs=4, min_run_s=0.05)
        the_plan = Plan(programs=programs, workloads=(workload,), settings=settings, data=None, config_folder=tmp_path)
        return measure(the_plan, silent)[CANDIDATE]

    assert codes(measured(ExpectOutput.ANY)) == [CaveatCode.OUTPUT_DIFFERS]
    with pytest.raises(ProgramError, match="print different output"):
        measured(ExpectOutput.SAME)


def test_measure__output_that_always_differs_says_nothing(tmp_path: Path) -> None:
    assert codes(measure(plan(tmp_path, Workload(name="pid", command=("{binary}", "pid"))), silent)[CANDIDATE]) == []


def test_measure__no_tool_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built("acts")
    monkeypatch.setenv("PATH", str(tmp_path))
    settings = MeasureSettings(runs=4)
    with pytest.raises(ToolError, match=r"^Nothing can be measured: perf is not installed, and valgrind is not installed"):
        measure(plan(tmp_path, WORK, settings=settings), silent)


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
