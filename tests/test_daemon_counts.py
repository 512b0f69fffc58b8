"""What is measured of a daemon: its window, and nothing before and after it. With callgrind, with perf, in a container."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from autoprof_ci.errors import ConfigError
from autoprof_ci.measure.callgrind_window import was_in_window
from autoprof_ci.measure.daemon_window import Watched
from autoprof_ci.measure.plan import CANDIDATE, Plan, Program
from autoprof_ci.measure.session import measure
from autoprof_ci.measure.session_result import Pair
from autoprof_ci.model import BINARY_DSO, CaveatCode, Daemon, Function, Instrument, MeasureSettings, Recording, Workload
from tests.in_a_container import ignore, session
from tests.programs import built

pytestmark = pytest.mark.needs("cc")

ANSWER = Function("answer", BINARY_DSO)
ASK = Function("ask", BINARY_DSO)
OUTSIDE = {Function("before_the_window", BINARY_DSO), Function("after_the_window", BINARY_DSO)}
PING = ("{binary}", "drive", "20", "100000")


def plan(*instruments: Instrument, mode: str = "", **keys: object) -> Plan:
    daemon = Daemon(**{"ready": "listening", "driver": PING, **keys})  # type: ignore[arg-type]
    return Plan(
        programs=(Program(label=CANDIDATE, binary=built("server")),),
        workloads=(Workload(name="w", command=("{binary}", "serve", mode), daemon=daemon),),
        settings=MeasureSettings(instruments=instruments, runs=4, min_run_s=0.2, time_limit_s=300),
        data=None,
        config_folder=Path("/"),
    )


def counts(recording: Recording) -> Mapping[Function, float]:
    (workload,) = recording.instructions
    return dict(zip(workload.functions, workload.repeats[0], strict=True))


def calls(recording: Recording, function: Function) -> float:
    (workload,) = recording.instructions
    return workload.calls[workload.functions.index(function)]


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("mode", ["", "spawn"])
def test_instructions__of_the_window_alone(mode: str) -> None:
    """Also of processes that begin and end in it."""
    recording = measure(plan(Instrument.INSTRUCTIONS, mode=mode), ignore)[CANDIDATE]
    counted = counts(recording)
    assert set(counted) & OUTSIDE == set()
    assert counted[ANSWER] == pytest.approx(20 * counted[ASK] / 20 * 10, rel=0.01)
    assert (calls(recording, ANSWER), calls(recording, ASK)) == (20, 20)
    (workload,) = recording.instructions
    assert {repeat[workload.functions.index(ANSWER)] for repeat in workload.repeats} == {counted[ANSWER]}
    assert [c for c in recording.caveats if c.code is CaveatCode.PROCESSES_NOT_COUNTED] == []


@pytest.mark.needs("valgrind")
def test_instructions__of_a_daemon_driven_by_another_program() -> None:
    """The helper runs as it is: python would take a minute under callgrind."""
    script = "import socket,struct;s=socket.socket(socket.AF_UNIX);s.connect('socket');s.send(struct.pack('Q',100000));s.recv(8)"
    recording = measure(plan(Instrument.INSTRUCTIONS, driver=("python3", "-c", script)), ignore)[CANDIDATE]
    assert calls(recording, ANSWER) == 1
    assert {function.name for function in counts(recording) if "python" in function.name} == set()


@pytest.mark.needs("perf")
def test_time__of_the_window_alone() -> None:
    driver = ("{binary}", "drive", "20", "10000000")
    recording = measure(plan(Instrument.TIME, driver=driver), ignore)[CANDIDATE]
    assert recording.samples is not None
    (workload,) = recording.samples.workloads
    seconds = {
        function: recording.samples.period_s * sum(run.counts[index] for run in workload.runs)
        for index, function in enumerate(workload.functions)
    }
    assert set(seconds) & OUTSIDE == set()
    assert seconds[ANSWER] > 0.8 * sum(seconds.values())
    assert 0 < seconds[ASK] < 0.3 * seconds[ANSWER]
    stacks = recording.stacks["w"]
    assert "main;answer " in stacks and "_the_window" not in stacks


@pytest.mark.needs("perf", "valgrind")
def test_duration__instructions_are_left_out_and_said_so() -> None:
    wanted = plan(Instrument.TIME, Instrument.INSTRUCTIONS, driver=None, duration_s=0.2)
    recording = measure(wanted, ignore)[CANDIDATE]
    assert recording.instructions == ()
    assert recording.samples is not None
    assert CaveatCode.NO_FIXED_TASK in {caveat.code for caveat in recording.caveats}
    (workload,) = recording.samples.workloads
    assert [run.wall_s / workload.starts for run in workload.runs] == pytest.approx([0.2] * 4, rel=0.2)


@pytest.mark.needs("valgrind")
def test_duration__with_instructions_alone_is_a_mistake() -> None:
    with pytest.raises(ConfigError) as caught:
        measure(plan(Instrument.INSTRUCTIONS, driver=("{binary}", "hang"), duration_s=0.1), ignore)
    assert str(caught.value) == (
        "workload 'w': its window ends by the clock, so there is no fixed task to count. "
        "Give it a `driver` that ends by itself, or measure its time."
    )


@pytest.mark.needs("docker-engine")
@pytest.mark.parametrize("mode", ["", "spawn"])
def test_container__the_window_alone_as_another_user(mode: str) -> None:
    recording = session().measure(plan(Instrument.TIME, Instrument.INSTRUCTIONS, mode=mode), ignore)[CANDIDATE]
    assert set(counts(recording)) & OUTSIDE == set()
    assert (calls(recording, ANSWER), calls(recording, ASK)) == (20, 20)
    assert recording.samples is not None
    (workload,) = recording.samples.workloads
    assert set(workload.functions) & OUTSIDE == set()
    assert ANSWER in workload.functions


def test_lanes__two_daemons_never_run_at_once() -> None:
    """They may want the same port."""
    wanted = plan(Instrument.TIME)
    daemon = Pair(program=wanted.judged, workload=wanted.workloads[0])
    command = Pair(program=wanted.judged, workload=Workload(name="c", command=("{binary}",)))
    assert [[pair.lane(number) for number in range(4)] for pair in (daemon, command)] == [[0, 0, 0, 0], [0, 1, 0, 1]]


def test_was_in_window__by_when_a_process_was_seen() -> None:
    """1 died before it, 2 lived when it began, 3 was born in it, 4 after it."""
    watched = Watched(whole_s=1.0, known_at_begin=(1, 2), marked_at_begin=(2,), known_at_end=(1, 2, 3))
    assert [pid for pid in (1, 2, 3, 4) if was_in_window(pid, watched)] == [2, 3]
