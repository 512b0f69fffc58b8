"""A whole session in the measuring container: what it answers, which rights it takes, how it ends when something goes wrong."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from docker.errors import APIError

from autoprof_ci.errors import ProgramError, ToolError
from autoprof_ci.measure.plan import Progress
from autoprof_ci.model import CaveatCode, Instrument, Recording
from autoprof_ci.sandbox import container, volumes
from autoprof_ci.sandbox import session as session_module
from autoprof_ci.sandbox.engine import Engine
from autoprof_ci.sandbox.own_image import TITLE, TITLE_LABEL
from autoprof_ci.sandbox.rights import BASE
from autoprof_ci.sandbox.session import ContainerSession
from tests.image import image
from tests.in_a_container import QUICK, TIMED, both, engine, ignore, left_behind, measured, one_program, session
from tests.programs import built

pytestmark = [pytest.mark.needs("docker-engine"), pytest.mark.needs("cc")]

WORK = ("work", "3000000")


def codes(recording: Recording) -> set[CaveatCode]:
    return {caveat.code for caveat in recording.caveats}


def test_session__measures_as_outside() -> None:
    plan = both(
        one_program(built("acts"), *WORK, settings=replace(TIMED, instruments=(Instrument.TIME, Instrument.INSTRUCTIONS)))
    )
    here, told = session(), []
    recordings = here.measure(plan, told.append)
    assert list(recordings) == ["baseline", "candidate"]
    for recording in recordings.values():
        assert recording.samples is not None
        functions = recording.samples.workloads[0].functions
        assert {"first", "second", "third", "fourth"} <= {name for name, dso in functions if dso == "{binary}"}
        assert [workload.name for workload in recording.instructions] == ["w"]
        assert "w" in recording.stacks
        assert CaveatCode.TIME_UNAVAILABLE not in codes(recording)
    assert here.rights in ("plain", "CAP_PERFMON", "CAP_SYS_ADMIN")
    assert here.machine().sandbox == ("container" if here.rights == "plain" else f"container with {here.rights}")
    assert here.machine().libc.startswith("glibc ")
    assert told[0] == Progress(done=0, total=told[0].total, text="w: warm-up (baseline)")
    assert told[-1].text == "measured"
    assert left_behind(here.name) == []


def test_session__more_runs_of_an_earlier_one() -> None:
    """By the same session as before, as a second look asks it: as many starts as then, and nothing but runs."""
    plan = both(one_program(built("acts"), "work", "300000", settings=TIMED))
    on = session()
    first = measured(plan, on)
    known = {label: recording.samples for label, recording in first.items()}
    starts = {workload.name: workload.starts + 1 for samples in known.values() if samples for workload in samples.workloads}
    again = measured(replace(plan, continues=starts), on)
    for recording in again.values():
        assert recording.samples is not None
        assert {workload.name: workload.starts for workload in recording.samples.workloads} == starts
        assert [len(workload.runs) for workload in recording.samples.workloads] == [TIMED.runs]
        assert (recording.stacks, recording.code, recording.instructions) == ({}, (), ())
    assert left_behind(on.name) == []


def test_session__program_fails() -> None:
    here = session()
    with pytest.raises(ProgramError) as caught:
        measured(one_program(built("acts"), "exit", "3"), here)
    assert caught.value.what == (
        "workload 'w' (candidate), warm-up: start 1 of 1 ended with exit code 3 instead of 0; its last words: "
        "cannot open the thing"
    )
    assert left_behind(here.name) == []


def test_session__files_lie_in_the_image_where_they_are_started_from() -> None:
    dockerfile = (Path(__file__).parents[1] / "Dockerfile").read_text(encoding="utf-8")
    entry = json.loads(re.search(r"^ENTRYPOINT (.*)$", dockerfile, re.MULTILINE)[1])
    assert (entry[0], entry[3]) == (container.REAPER, container.PYTHON)
    assert f'{TITLE_LABEL}="{TITLE}"' in dockerfile


def test_session__clears_away_what_a_program_locked() -> None:
    """Folders that may not be entered, folders in which only owners may remove."""
    locked = "mkdir -p a/b sticky && touch a/b/f sticky/f && chmod 1777 sticky && chmod 0 a/b a"
    plan = one_program(built("acts"), *WORK, setup=(("sh", "-c", locked),))
    assert codes(measured(plan)["candidate"]) == set()


class PickyApi:
    """The engine's interface, of an engine that forbids some options; all else is the real one's answer."""

    def __init__(self, real: object, may_have: Callable[[dict[str, object]], bool]) -> None:
        self._real, self._may_have = real, may_have

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def create_container(self, *words: object, host_config: dict[str, object], **options: object) -> object:
        if not self._may_have(host_config):
            raise APIError("no", response=Answer(), explanation='{"message": "this option is not allowed here"}')
        return self._real.create_container(*words, host_config=host_config, **options)


class KeepsSeccompApi(PickyApi):
    """Of an engine that keeps its own profile, whatever it is told, and grants no more than some capabilities."""

    def create_host_config(self, *words: object, **options: object) -> object:
        if options.get("security_opt"):
            options["security_opt"] = [option for option in options["security_opt"] if "seccomp" not in option]
            options["cap_add"] = [capability for capability in options["cap_add"] if capability != "SYS_ADMIN"]
        return self._real.create_host_config(*words, **options)


class Answer:
    url, reason, status_code = "http+docker://localhost/x", "Bad", 400


class Client:
    def __init__(self, api: object) -> None:
        self.api = api


def picky(may_have: Callable[[dict[str, object]], bool], kind: type[PickyApi] = PickyApi) -> ContainerSession:
    real = engine()
    return ContainerSession(Engine(name="docker", version="28", client=Client(kind(real.client.api, may_have))), image())


def capabilities(host_config: dict[str, object]) -> list[str]:
    return host_config.get("CapAdd") or []


def security(host_config: dict[str, object]) -> list[str]:
    return host_config.get("SecurityOpt") or []


@pytest.mark.parametrize(
    ("may_have", "rights"),
    [
        # An engine of 2020 does not know the second rung's capability, and says so.
        (lambda config: capabilities(config) != list(BASE), {"CAP_PERFMON", "CAP_SYS_ADMIN"}),
        (lambda config: not security(config) or "SYS_ADMIN" in capabilities(config), {"CAP_SYS_ADMIN"}),
        (lambda config: "seccomp=unconfined" not in security(config), {"no perf, the engine's own seccomp profile"}),
    ],
    ids=["second", "third", "last"],
)
def test_rights__refused_options_lead_to_the_next_rung(may_have: Callable[[dict[str, object]], bool], rights: set[str]) -> None:
    here = picky(may_have)
    plan = one_program(built("acts"), *WORK, settings=replace(TIMED, instruments=(Instrument.TIME, Instrument.INSTRUCTIONS)))
    recordings = measured(plan, here)
    assert here.rights in rights
    assert (recordings["candidate"].samples is None) == here.rights.startswith("no perf")
    assert left_behind(here.name) == []


def test_rights__perf_refused_everywhere_is_said_with_what_a_runner_can_do() -> None:
    here = picky(lambda _: True, KeepsSeccompApi)
    plan = one_program(built("acts"), *WORK, settings=replace(TIMED, instruments=(Instrument.TIME, Instrument.INSTRUCTIONS)))
    recording = measured(plan, here)["candidate"]
    assert here.rights == "no perf"
    (caveat,) = (caveat for caveat in recording.caveats if caveat.code is CaveatCode.TIME_UNAVAILABLE)
    assert caveat.detail.startswith("the kernel refuses perf (kernel.perf_event_paranoid = ")
    assert caveat.detail.endswith("). Allow it in an earlier step of the job: sudo sysctl kernel.perf_event_paranoid=1.")
    assert [workload.name for workload in recording.instructions] == ["w"]


def test_rights__nothing_but_time_is_wanted_and_refused() -> None:
    here = picky(lambda _: True, KeepsSeccompApi)
    with pytest.raises(ToolError) as caught:
        measured(one_program(built("acts"), *WORK, settings=TIMED), here)
    assert caught.value.what.startswith("Nothing can be measured: the kernel refuses perf")
    assert caught.value.next_step == "Allow it in an earlier step of the job: sudo sysctl kernel.perf_event_paranoid=1."
    assert left_behind(here.name) == []


def test_rights__everything_is_refused() -> None:
    here = picky(lambda config: not security(config))
    with pytest.raises(ToolError) as caught:
        measured(one_program(built("acts"), *WORK), here)
    assert caught.value.what == ("The container engine refuses to make the measuring container: this option is not allowed here")
    assert left_behind(here.name) == []


def test_rights__without_time_nothing_is_probed() -> None:
    here = session()
    measured(one_program(built("acts"), *WORK), here)
    assert here.rights == "no perf"


def measuring(name: str) -> str:
    """The session's measuring container, once it runs."""
    while True:
        words = ("docker", "ps", "--filter", f"name=autoprof-ci-{name}-measuring", "--format", "{{.Names}}")
        found = subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()
        if found:
            return found[0]
        time.sleep(0.05)


def while_measuring(here: ContainerSession, *words: str) -> Callable[[Progress], None]:
    """Do something to the container as soon as the program runs in it."""
    done = threading.Event()

    def report(progress: Progress) -> None:
        if not done.is_set() and "warm-up" in progress.text:
            done.set()
            threading.Thread(
                target=lambda: subprocess.run(("docker", *words, measuring(here.name)), capture_output=True, check=True)
            ).start()

    return report


def test_session__container_is_killed_from_outside() -> None:
    here = session()
    with pytest.raises(ToolError) as caught:
        here.measure(one_program(built("inmate"), "nap"), while_measuring(here, "kill"))
    assert str(caught.value) == (
        "The measuring container was killed from outside, most likely because the machine had no memory left. "
        "Give the workload smaller inputs, or use a runner with more memory."
    )
    assert left_behind(here.name) == []


def test_session__container_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MARGIN_S", 1.0)
    here = session()
    plan = one_program(built("inmate"), "nap", settings=replace(QUICK, time_limit_s=3.0))
    with pytest.raises(ToolError) as caught:
        here.measure(plan, while_measuring(here, "pause"))
    assert caught.value.what == "The measuring container did not end 1 s after the time limit, and was removed"
    assert left_behind(here.name) == []


def test_session__image_is_gone() -> None:
    here = ContainerSession(engine(), "autoprof-ci:no-such-tag")
    with pytest.raises(ToolError) as caught:
        here.measure(one_program(built("acts"), *WORK), ignore)
    assert caught.value.what.startswith("The container engine has lost the image it needs to make a container")
    assert left_behind(here.name) == []


def test_session__image_is_another_one() -> None:
    here = ContainerSession(engine(), "debian:trixie-slim")
    with pytest.raises(ToolError) as caught:
        here.measure(one_program(built("acts"), *WORK), ignore)
    assert "/usr/bin/tini" in caught.value.what
    assert left_behind(here.name) == []


class OneSessionApi:
    """The engine's interface, as if it knew one session only: others may be at work beside this test."""

    def __init__(self, real: object, name: str) -> None:
        self._real, self._filters = real, {"label": f"{volumes.SESSION_LABEL}={name}"}

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)

    def containers(self, **options: object) -> object:
        return self._real.containers(**{**options, "filters": self._filters})

    def volumes(self, **options: object) -> object:
        return self._real.volumes(**{**options, "filters": self._filters})


def test_sweep__removes_what_dead_sessions_left_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    name, real = secrets.token_hex(6), engine()
    only_this = Engine(name="docker", version="28", client=Client(OneSessionApi(real.client.api, name)))
    with volumes.Volumes(real, image(), name):
        volumes.sweep(only_this)
        assert len(left_behind(name)) == 3
        monkeypatch.setattr(volumes, "DEAD_AFTER_S", -3600.0)
        volumes.sweep(only_this)
        assert left_behind(name) == []
