"""Watching a heap: real ones of small programs, and what failures become."""

from __future__ import annotations

import os
import shutil
import tempfile
from functools import partial
from pathlib import Path

import pytest

from autoprof_ci.errors import AutoprofError, ProgramError, ToolError
from autoprof_ci.measure import memory_runs
from autoprof_ci.measure.heaptrack_names import Names
from autoprof_ci.measure.heaptrack_run import HeapJob, find_library, watch
from autoprof_ci.measure.heaptrack_table import Asked, HeapRepeat, fold
from autoprof_ci.measure.limit import Limit
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Identity, Plan, Program
from autoprof_ci.measure.runner import Start, run_starts
from autoprof_ci.measure.session import measure
from autoprof_ci.model import BINARY_DSO, CaveatCode, Daemon, Function, Instrument, MeasureSettings, Recording, Workload
from tests.programs import built

pytestmark = pytest.mark.needs("cc", "heaptrack")

HOLD, THROW, LOSE = (Function(name, BINARY_DSO) for name in ("hold", "throw_away", "lose"))


def watched(folder: Path, program: Path, *arguments: str, identity: Identity | None = None) -> HeapRepeat:
    library = find_library()
    assert library is not None
    start = Start(argv=(str(program), *arguments), env={"PATH": "/usr/bin:/bin"}, cwd=folder, identity=identity)
    job = HeapJob(workload="w", start=start, folder=folder, library=library)
    with Limit(60) as limit:
        record = watch(job, partial(run_starts, limit=limit)).record
    return fold(record, Names({str(program): BINARY_DSO}).name)


@pytest.mark.parametrize("options", [(), ("-no-pie",), ("-s",)])
def test_watch__books_to_who_asked(tmp_path: Path, options: tuple[str, ...]) -> None:
    repeat = watched(tmp_path, built("heap", *options), "", "5000")
    own = {function.name: asked for function, asked in repeat.asked.items() if function.dso == BINARY_DSO}
    if options == ("-s",):
        assert own == {"[unknown]": Asked(allocations=15501, temporary=10000, peak_bytes=540000, leaked_bytes=32000)}
        return
    assert own == {
        "hold": Asked(allocations=5001, temporary=0, peak_bytes=540000, leaked_bytes=0),
        "throw_away": Asked(allocations=10000, temporary=10000, peak_bytes=0, leaked_bytes=0),
        "lose": Asked(allocations=500, temporary=0, peak_bytes=0, leaked_bytes=32000),
    }
    assert repeat.inlined[THROW, "drop"] == 10000
    assert repeat.edges[Function("main", BINARY_DSO), HOLD] == 5001
    assert {(BINARY_DSO, "hold"), (BINARY_DSO, "lose")} <= repeat.symbols


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_watch__as_another_user() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o711)
        program = Path(shutil.copy(built("heap"), folder / "program"))
        repeat = watched(folder, program, "", "100", identity=Identity(uid=65534, gid=65534))
    assert repeat.asked[LOSE] == Asked(allocations=10, temporary=0, peak_bytes=0, leaked_bytes=640)


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        (("fails",), ProgramError, "workload 'w' under heaptrack: start 1 of 1 ended with exit code 3 instead of 0"),
        (("shy",), ProgramError, "workload 'w' under heaptrack: start 1 of 1 was ended by signal SIGABRT"),
        (("cut-off", "5000"), ToolError, "workload 'w' under heaptrack: heaptrack's record is cut off"),
    ],
)
def test_watch__failures(tmp_path: Path, arguments: tuple[str, ...], kind: type[AutoprofError], message: str) -> None:
    with pytest.raises(kind) as caught:
        watched(tmp_path, built("heap"), *arguments)
    assert caught.value.what == message


def test_watch__static_program__nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="heaptrack wrote nothing"):
        watched(tmp_path, built("heap", "-static"))


def test_why_not() -> None:
    assert memory_runs.why_not(built("heap")) is None
    assert (memory_runs.why_not(built("heap", "-static")) or "").startswith("the program is linked statically, and heaptrack")


def session(folder: Path, program: Path, *command: str, instruments: tuple[Instrument, ...]) -> Recording:
    settings = MeasureSettings(instruments=instruments, runs=2, min_run_s=0.05)
    programs = (Program(label=BASELINE, binary=program), Program(label=CANDIDATE, binary=program))
    workload = Workload(name="w", command=command)
    plan = Plan(programs=programs, workloads=(workload,), settings=settings, data=None, config_folder=folder)
    return measure(plan, lambda _: None)[CANDIDATE]


def test_measure__memory_alone(tmp_path: Path) -> None:
    recording = session(tmp_path, built("heap"), "{binary}", "", "100", instruments=(Instrument.MEMORY,))
    (memory,) = recording.memory
    own = {function.name: index for index, function in enumerate(memory.functions) if function.dso == BINARY_DSO}
    assert [repeat.allocations[own["hold"]] for repeat in memory.repeats] == [101, 101, 101]
    assert [repeat.leaked_bytes[own["lose"]] for repeat in memory.repeats] == [640, 640, 640]
    assert recording.caveats == ()
    assert {code.function.name for code in recording.code} >= {"hold", "throw_away", "lose"}


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize(
    ("command", "options", "detail"),
    [
        (("{binary}", "shy"), (), "w (candidate): workload 'w' under heaptrack: start 1 of 1 was ended by signal SIGABRT"),
        (
            ("{binary}",),
            ("-static",),
            "w (candidate): the program is linked statically, and heaptrack watches only dynamic ones",
        ),
        (
            ("/bin/sh", "-c", '"$0"', "{binary}"),
            (),
            "w (candidate): workload 'w' begins with 'sh', and heaptrack watches only the process that it begins with",
        ),
    ],
)
def test_measure__memory_fails__the_rest_is_not_lost(
    tmp_path: Path, command: tuple[str, ...], options: tuple[str, ...], detail: str
) -> None:
    recording = session(tmp_path, built("heap", *options), *command, instruments=(Instrument.INSTRUCTIONS, Instrument.MEMORY))
    assert (len(recording.instructions), recording.memory) == (1, ())
    (caveat,) = [caveat for caveat in recording.caveats if caveat.code is CaveatCode.MEMORY_UNAVAILABLE]
    assert caveat.detail == detail


def test_measure__memory_fails_and_nothing_else_measures(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="under heaptrack: start 1 of 1 was ended by signal SIGABRT"):
        session(tmp_path, built("heap"), "{binary}", "shy", instruments=(Instrument.MEMORY,))
    with pytest.raises(ToolError) as caught:
        session(tmp_path, built("heap", "-static"), "{binary}", instruments=(Instrument.MEMORY,))
    assert str(caught.value) == (
        "Workload 'w' cannot be measured: the program is linked statically, and heaptrack watches only dynamic ones."
        " Leave `memory` out of `instruments`, or link it dynamically."
    )


def test_measure__daemon__said_and_nothing_else_lost(tmp_path: Path) -> None:
    daemon = Daemon(ready="up", driver=("/bin/true",))
    workload = Workload(name="w", command=("{binary}", "daemon"), daemon=daemon)
    program = Program(label=CANDIDATE, binary=built("heap"))
    settings = MeasureSettings(instruments=(Instrument.MEMORY,))
    plan = Plan(programs=(program,), workloads=(workload,), settings=settings, data=None, config_folder=tmp_path)
    with pytest.raises(ToolError) as caught:
        measure(plan, lambda _: None)
    assert caught.value.what == (
        "Workload 'w' cannot be measured: a daemon is measured in its window only, and heaptrack watches a whole run"
    )


def test_measure__no_heaptrack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolError) as caught:
        session(tmp_path, built("heap"), "{binary}", instruments=(Instrument.MEMORY,))
    assert str(caught.value) == (
        "Nothing can be measured: heaptrack is not installed. Install it with: apt-get install heaptrack."
    )
