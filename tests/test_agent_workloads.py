"""Workloads with an agent: who finds it, what is counted of it (nothing), what a gate sees, and what is said of a bad session."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from autoprof_ci import config
from autoprof_ci.agent_sessions import record
from autoprof_ci.errors import ConfigError
from autoprof_ci.measure.agents import untraced
from autoprof_ci.measure.places import Places
from autoprof_ci.measure.plan import CANDIDATE, Plan, Program
from autoprof_ci.measure.session import measure, workload_digests
from autoprof_ci.measure.staging import Stage
from autoprof_ci.model import AgentDelays, CaveatCode, Function, Instrument, MeasureSettings, Recording, Workload
from autoprof_ci.workloads.agent import Whereabouts, building, ensure_player, whereabouts
from autoprof_ci.workloads.sessions import make_session
from autoprof_ci.workloads.texts import make_corpus
from tests.as_a_user import Place, assert_refused
from tests.in_a_container import measured
from tests.players import INIT, RESULT, installed, jsonl, player, text
from tests.programs import built
from tests.sample import Variant, program

pytestmark = pytest.mark.needs("cc")

ASKING = {"type": "control_request", "request_id": "r-1", "request": {"subtype": "can_use_tool"}}
SESSION = jsonl(INIT, *(text(number, 40 * number) for number in range(60)), ASKING, text(7), RESULT)
COUNTED = MeasureSettings(instruments=(Instrument.INSTRUCTIONS,), runs=4, min_run_s=0.05)
TIMED = MeasureSettings(instruments=(Instrument.TIME,), runs=4, min_run_s=0.3)
RUN = Workload(name="run", command=("{binary}",), agent="sessions/a.jsonl")
WORK = Function("work", "{binary}")


def plan(folder: Path, workload: Workload = RUN, settings: MeasureSettings = COUNTED) -> Plan:
    (folder / "sessions").mkdir(exist_ok=True)
    (folder / "sessions/a.jsonl").write_bytes(SESSION)
    program = Program(label=CANDIDATE, binary=built("caller"))
    return Plan(programs=(program,), workloads=(workload,), settings=settings, data=None, config_folder=folder, player=player())


def counts(recording: Recording) -> dict[Function, set[float]]:
    """Self instructions of each function in every repeat."""
    [workload] = recording.instructions
    return {function: {repeat[index] for repeat in workload.repeats} for index, function in enumerate(workload.functions)}


def test_stage__puts_the_agent_first_on_the_path_for_everybody(tmp_path: Path) -> None:
    here, workload = tmp_path / "stage", replace(RUN, env={"PATH": "/bin"})
    here.mkdir()
    the_plan = plan(tmp_path, workload)
    with Stage(the_plan, Places(programs=here, work=here)) as stage:
        folder = stage.agent_folder(workload)
        with stage.prepare(the_plan.judged, workload, 2, stage.lanes[0]) as starts:
            assert {start.env["PATH"] for start in starts} == {f"{folder}:/bin"}
            assert set(starts[0].env) == {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "AUTOPROF_PADDING"}
        assert {file.name: oct(file.stat().st_mode & 0o777) for file in folder.iterdir()} == {
            "claude": "0o755", "codex": "0o755", "session.jsonl": "0o644",
        }  # fmt: skip
        assert (folder / "session.jsonl").read_bytes() == SESSION
        assert folder.stat().st_mode & 0o777 == 0o755
        assert untraced(folder) == (f"*/{folder.parent.name}/agent-0/claude", f"*/{folder.parent.name}/agent-0/codex")
    assert list(here.iterdir()) == []


def test_stage__delays_are_played_where_they_are_wanted(tmp_path: Path) -> None:
    for delays, there in ((AgentDelays.NONE, False), (AgentDelays.RECORDED, True)):
        workload = replace(RUN, agent_delays=delays)
        with Stage(plan(tmp_path, workload)) as stage:
            assert (stage.agent_folder(workload) / "recorded-delays").exists() is there


def test_digests__know_the_session_and_leave_all_others_as_they_were(tmp_path: Path) -> None:
    def digest(workload: Workload) -> str:
        return workload_digests(plan(tmp_path, workload))[workload.name]

    plain = Workload(name="w", command=("{binary}",))
    # Baselines of last week have this one.
    assert digest(plain) == "fdff099c493f544fb461b5fd724c3d43d0f2f6cab16ac5e29744b63d5810879a"
    (tmp_path / "sessions/b.jsonl").write_bytes(SESSION + b"\n")
    found = [
        digest(w) for w in (plain, RUN, replace(RUN, agent_delays=AgentDelays.RECORDED), replace(RUN, agent="sessions/b.jsonl"))
    ]
    assert len(set(found)) == 4
    the_plan = plan(tmp_path)
    (tmp_path / "sessions/a.jsonl").write_bytes(SESSION.replace(b"xx", b"xy", 1))
    assert workload_digests(the_plan)["run"] not in found


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("name", ["claude", "codex"])
def test_instructions__count_nothing_of_the_agent_and_all_of_the_program(name: str, tmp_path: Path) -> None:
    played = measure(plan(tmp_path, replace(RUN, command=("{binary}", name))), lambda _: None)[CANDIDATE]
    alone = replace(RUN, agent=None, command=("{binary}", "-f", "sessions/a.jsonl"), inputs=("sessions/a.jsonl",))
    own = measure(plan(tmp_path, alone), lambda _: None)[CANDIDATE]
    assert played.caveats == own.caveats == ()
    assert [function for function in counts(played) if function.name == "[helper]"] == []
    assert counts(played)[WORK] == counts(own)[WORK]
    assert len(counts(played)[WORK]) == 1


@pytest.mark.needs("perf")
def test_time__of_the_agent_is_a_row_of_its_own(tmp_path: Path) -> None:
    recording = measure(plan(tmp_path, settings=TIMED), lambda _: None)[CANDIDATE]
    assert recording.samples is not None
    [workload] = recording.samples.workloads
    sums = {function: sum(run.counts[index] for run in workload.runs) for index, function in enumerate(workload.functions)}
    assert sums[Function("[helper]", "claude")] > 0
    assert sums[WORK] > 0
    assert not [function for function in sums if function.dso in ("claude", "codex") and function.name != "[helper]"]


@pytest.mark.needs("docker-engine", "valgrind")
def test_container__plays_the_same(tmp_path: Path) -> None:
    recording = measured(plan(tmp_path))[CANDIDATE]
    assert len(counts(recording)[WORK]) == 1
    assert [function for function in counts(recording) if function.name == "[helper]"] == []
    assert CaveatCode.PROCESSES_NOT_COUNTED not in {caveat.code for caveat in recording.caveats}


def place_with_session(tmp_path: Path, session: bytes = SESSION, *lines: str) -> Place:
    place = Place.make(tmp_path)
    place.workload('agent = "a.jsonl"', *lines)
    (place.folder / "a.jsonl").write_bytes(session)
    return place


@pytest.mark.needs("valgrind")
@pytest.mark.slow
def test_gate__sees_what_the_program_does_and_nothing_of_the_agent(tmp_path: Path) -> None:
    place = place_with_session(tmp_path)
    words = ("gate", "--instrument", "instructions", "--force", "--baseline-binary", built("caller"), "--binary")
    assert place.run(*words, built("caller")).code == 0
    verdict = json.loads((place.folder / "out/verdict.json").read_text())
    assert {finding["status"] for workload in verdict["workloads"] for finding in workload["findings"]} == {"unchanged"}
    slower = tmp_path / "caller"
    shutil.copy(built("caller", "-DROUNDS=9"), slower)
    assert place.run(*words, slower).code == 1
    verdict = json.loads((place.folder / "out/verdict.json").read_text())
    red = {
        finding["subject"]
        for workload in verdict["workloads"]
        for finding in workload["findings"]
        if finding["status"] == "regression"
    }
    assert red == {"work", "[total]"}


def test_gate__agent_that_is_called_for_and_not_there(tmp_path: Path) -> None:
    """Without `agent` the program finds none: no agent of this machine may slip in."""
    place = Place.make(tmp_path)
    place.workload()
    answer = place.run("record", "--instrument", "instructions", "--binary", built("caller"))
    assert answer.code == 3
    assert "ended with exit code 1 instead of 0" in answer.said


@pytest.mark.parametrize(
    ("session", "sentence"),
    [
        (b"", "is empty. Make it from a real session with `autoprof-ci agent record FILE`."),
        (
            jsonl(INIT) + b"oops\n",
            "line 2: is no JSON (Expecting value at column 1): oops. A session is what the agent prints with",
        ),
        (jsonl(text(1), RESULT), 'has no line of type "system" and subtype "init", with which a session begins. Make it from'),
        (
            jsonl(INIT, text(1)),
            'has no line of type "result": it was cut off before its end. Record it again; that adds an ending.',
        ),
    ],
)
def test_record__session_that_cannot_be_played(tmp_path: Path, session: bytes, sentence: str) -> None:
    place = place_with_session(tmp_path, session)
    answer = place.run("record", "--binary", built("caller"))
    assert answer.code == 2
    assert answer.said.startswith(f"autoprof-ci: workload 'w', agent: a.jsonl: {sentence}")


@pytest.mark.parametrize(
    ("agent", "sentence"),
    [
        ("none.jsonl", "'none.jsonl' does not exist in HERE. Correct the path, or make the file first."),
        ("folder", "'folder' is a folder. Name the file of one session, as `autoprof-ci agent record` writes it."),
        ("out-of-here", "'out-of-here' is outside of the folder of the configuration. Name files beside it."),
    ],
)
def test_record__session_that_is_not_there(tmp_path: Path, agent: str, sentence: str) -> None:
    place = Place.make(tmp_path)
    (place.folder / "folder").mkdir()
    (place.folder / "out-of-here").symlink_to("/etc/passwd")
    place.workload(f'agent = "{agent}"')
    answer = place.run("record", "--binary", built("caller"))
    assert_refused(place, answer, 2, f"workload 'w', agent: {sentence.replace('HERE', str(place.folder))}")


def test_record__shipped_session_that_does_not_exist(tmp_path: Path) -> None:
    place = Place.make(tmp_path)
    place.workload('agent = "{data}/agent/fix.jsonl"')
    answer = place.run("record", "--binary", built("caller"))
    assert answer.code == 2
    begin = "autoprof-ci: workload 'w', agent: '{data}/agent/fix.jsonl' does not exist; there are answer-question.jsonl, "
    assert answer.said.startswith(begin)
    assert ", fix-bug.jsonl, " in answer.said


def test_record__without_a_compiler_says_what_to_install(tmp_path: Path) -> None:
    place = place_with_session(tmp_path)
    place.tools()
    place.env["XDG_CACHE_HOME"] = str(tmp_path / "cache")
    answer = place.run("record", "--binary", built("caller"))
    assert_refused(
        place,
        answer,
        3,
        "The scripted agent cannot be compiled: there is no C compiler. "
        "Install one, with `apt-get install gcc libc6-dev` or `dnf install gcc`.",
    )


def test_player__is_compiled_once_and_told_apart_by_its_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path / "cache"
    assert whereabouts(cache) is Whereabouts.TO_BE_COMPILED
    first = ensure_player(cache)
    begun = first.stat()
    assert ensure_player(cache) == first
    assert (first.stat().st_mtime_ns, first.stat().st_ino) == (begun.st_mtime_ns, begun.st_ino)
    assert whereabouts(cache) is Whereabouts.BUILT
    other = tmp_path / "other.c"
    other.write_bytes(building.SOURCE.read_bytes() + b"// changed\n")
    monkeypatch.setattr(building, "SOURCE", other)
    assert ensure_player(cache) != first
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ensure_player(cache).exists()
    assert whereabouts(tmp_path / "nothing") is Whereabouts.NO_COMPILER


def test_player__needs_nothing_of_the_system_it_runs_on() -> None:
    """Statically linked where the C library is there for that; it is, wherever these tests run."""
    listed = subprocess.run(["ldd", player()], capture_output=True, text=True, check=False)
    assert "not a dynamic executable" in listed.stdout + listed.stderr


@pytest.mark.needs("cargo")
@pytest.mark.slow
def test_sample__takes_a_recorded_trajectory_whole(memory_path: Path) -> None:
    """A field that autopilot's reader does not find is a step that is missing."""
    given = json.loads(make_session(11, 980, make_corpus(11)).content)
    installed(memory_path / "agent", record(json.dumps(given).encode(), source="s").content)
    environment = {"HOME": str(memory_path), "PATH": f"{memory_path}/agent:/usr/bin:/bin", "TMPDIR": str(memory_path)}
    command = [program(Variant.PLAIN), "run", "go", "--output-dir", "logs"]
    subprocess.run(command, cwd=memory_path, env=environment, check=True, timeout=120, capture_output=True)
    [written] = (memory_path / "logs").glob("*.json")
    taken = json.loads(written.read_text(encoding="utf-8"))
    assert len(taken["steps"]) == len(given["steps"])
    kinds = [(step["type"], step.get("tool"), step.get("tool_id"), step.get("success")) for step in taken["steps"]]
    assert kinds == [(step["type"], step.get("tool"), step.get("tool_id"), step.get("success")) for step in given["steps"]]
    assert taken["result"]["num_turns"] == given["result"]["num_turns"]
    assert taken["usage"] == given["usage"]


def test_agent_session__outside_of_the_data_folder_cannot_be_named() -> None:
    with pytest.raises(ConfigError, match="agent"):
        config.parse('[[workload]]\nname = "a"\ncommand = ["{binary}"]\nagent = "{data}/../x"\n', source="t")


@pytest.mark.needs("cargo", "valgrind")
@pytest.mark.slow
def test_gate__shipped_runs_of_the_sample(tmp_path: Path) -> None:
    """The same program twice is green, and what is counted twice is the same but for the allocator's insides."""
    place = Place.make(tmp_path)
    shutil.copy(program(Variant.PLAIN), place.folder / "autopilot")
    (place.folder / "autoprof.toml").unlink()
    words = ("gate", "--force", "--instrument", "instructions", "--binary", "autopilot", "--baseline-binary", "autopilot")
    answer = place.run(*words, "--workload", "run-fix-bug", "--workload", "run-secrets")
    assert answer.code == 0
    verdict = json.loads((place.folder / "out/verdict.json").read_text())
    assert (verdict["outcome"], verdict["caveats"]) == ("pass", [])
    inside = ("Memory", "[total]", "malloc_consolidate", "unlink_chunk", "_int_malloc", "_int_free", "memmove")
    for workload in verdict["workloads"]:
        changes = {f["subject"]: m["change"] for f in workload["findings"] for m in f["measurements"] if "change" in m}
        assert len(changes) > 15
        assert {name: change for name, change in changes.items() if abs(change) > 0.001 and name not in inside} == {}
        assert abs(changes["[total]"]) < 0.01


@pytest.mark.needs("cargo", "valgrind")
@pytest.mark.slow
def test_gate__slow_sample_is_found_in_its_run(tmp_path: Path) -> None:
    """It compiles a regular expression for every command of the agent."""
    place = Place.make(tmp_path)
    shutil.copy(program(Variant.SLOW), place.folder / "autopilot")
    (place.folder / "autoprof.toml").unlink()
    words = ("gate", "--instrument", "instructions", "--binary", "autopilot", "--baseline-binary", program(Variant.PLAIN))
    assert place.run(*words, "--workload", "run-fix-bug").code == 1
    [workload] = json.loads((place.folder / "out/verdict.json").read_text())["workloads"]
    red = {f["subject"]: f for f in workload["findings"] if f["status"] == "regression"}
    compiling = red["regex_automata::nfa::thompson::builder::Builder::build"]
    assert "more_calls" in [reason["code"] for reason in compiling["reasons"]]
    assert {"Regex matching", "[total]"} <= red.keys()
    assert 0.1 < red["[total]"]["measurements"][0]["change"] < 0.5
