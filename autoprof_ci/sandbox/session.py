"""Measuring in a container beside ours: the story of one session, with the same question and answer as `measure.session`.

Knows the order of things: files in, the container started with as few rights as perf works with, progress out, results out,
everything removed. What was measured is never lost for a reason that lies on this side of the wall.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from autoprof_ci import __version__, bundle
from autoprof_ci.errors import InterruptedByUserError, ToolError
from autoprof_ci.measure import machine as this_machine
from autoprof_ci.measure import places
from autoprof_ci.measure.libraries import missing
from autoprof_ci.measure.plan import Plan, Program, Progress
from autoprof_ci.measure.runner import describe_exit
from autoprof_ci.measure.session_result import instruments
from autoprof_ci.model import Caveat, CaveatCode, Instrument, Machine, Network, Recording
from autoprof_ci.sandbox import job as job_format
from autoprof_ci.sandbox import packing, rights
from autoprof_ci.sandbox.container import Ended, Making, MeasuringContainer, NotStartedError, host_library_mounts
from autoprof_ci.sandbox.engine import Engine
from autoprof_ci.sandbox.faults import engine_asked
from autoprof_ci.sandbox.job import HOST_LIBRARIES, JOB, OUTCOME, PERF_REFUSED, RESULT, Job, Outcome, ProgressLine, WithoutPerf
from autoprof_ci.sandbox.memory import Memory, memory_of
from autoprof_ci.sandbox.printable import shown
from autoprof_ci.sandbox.remedies import for_a_runner
from autoprof_ci.sandbox.rights import Rights
from autoprof_ci.sandbox.volumes import Volumes, sweep

STOP_S = 4.0
"""For the session inside to end in order when it is interrupted; a cancelled job has ten seconds in all."""
MARGIN_S = 180.0
"""The session keeps its time limit itself, and reads and packs afterwards: after so much longer it hangs."""
KILLED, NOT_FOUND = 128 + 9, 127
TRY_AGAIN = "Start it again; if it repeats, please report it."


class ContainerSession:
    """Measures in a container of `image`.

    `rights` says what that was allowed, once something is measured; `name` is in the names of its containers and volumes.
    """

    def __init__(self, engine: Engine, image: str) -> None:
        self._engine, self._image = engine, image
        self._machine: Machine | None = None
        self.rights = ""
        self.name = secrets.token_hex(6)

    def measure(self, plan: Plan, report: Callable[[Progress], None]) -> Mapping[str, Recording]:
        """Label -> recording, as `measure.session.measure` gives it and with the same errors; `ToolError` also for all that can
        go wrong between the container engine and us."""
        try:
            return self._measure(plan, report)
        except KeyboardInterrupt:
            raise InterruptedByUserError("Stopped before anything was measured", "Start again.") from None

    def machine(self) -> Machine:
        """Where it was measured. The kernel and, by the image, all else is the same on both sides of the wall."""
        return self._machine or this_machine.machine()

    def _measure(self, plan: Plan, report: Callable[[Progress], None]) -> Mapping[str, Recording]:
        sweep(self._engine)
        found: _Found | None = None
        stopped = False
        try:
            with Volumes(self._engine, self._image, self.name) as volumes:
                errand = self._load(plan, volumes)
                found = self._climb(errand, report)
        except KeyboardInterrupt:
            # What is found by now is kept, though the clearing away was interrupted.
            if found is None:
                raise InterruptedByUserError("Stopped before anything was measured", "Start again.") from None
            stopped = True
        recordings = self._read(plan, found)
        return {label: _interrupted(one) if stopped else one for label, one in recordings.items()}

    def _load(self, plan: Plan, volumes: Volumes) -> _Errand:
        """Everything that is needed inside into the volume."""
        inside = job_format.inside(plan)
        packed = packing.members(inside, plan)
        memory = self._memory(packing.size_bytes(packed))
        lacking = tuple(number for number, program in enumerate(plan.programs) if _lacks_libraries(program))
        job = job_format.encode(Job(version=__version__, plan=inside.plan, lacking=lacking))
        volumes.put(packing.tar(job, packed))
        return _Errand(
            plan=plan,
            volumes=volumes,
            memory=memory,
            host_libraries=HOST_LIBRARIES if lacking else (),
        )

    def _memory(self, needed_bytes: int) -> Memory:
        """Raises `ToolError` where there is not enough for files of so many bytes."""
        with engine_asked("describe its machine"):
            total = int(self._engine.client.api.info().get("MemTotal") or 0)
        memory = memory_of(total, needed_bytes)
        room = memory.scratch_bytes - places.ROOM_BYTES
        if needed_bytes > room:
            raise ToolError(
                f"The program and the inputs of its workloads have {needed_bytes >> 20} MiB, and the measuring container has "
                f"{room >> 20} MiB of memory for them",
                "Give the workloads smaller inputs, or use a runner with more memory.",
            )
        return memory

    def _climb(self, errand: _Errand, report: Callable[[Progress], None]) -> _Found:
        """Rung by rung, until one is high enough."""
        timed = any(Instrument.TIME in instruments(errand.plan, workload) for workload in errand.plan.workloads)
        ladder = [*((rung, WithoutPerf.LEAVE) for rung in rights.WITH_PERF if timed)]
        ladder += [(rung, WithoutPerf.GO_ON) for rung in rights.WITHOUT_PERF]
        refused: NotStartedError | None = None
        while ladder:
            rung, without_perf = ladder.pop(0)
            try:
                found = self._run(errand, rung, without_perf, report)
            except NotStartedError as error:
                absent = _absent(error, errand.host_libraries)
                if absent:
                    left = tuple(folder for folder in errand.host_libraries if folder != absent)
                    errand = replace(errand, host_libraries=left)
                    ladder.insert(0, (rung, without_perf))
                # Else the engine does not know one of these options, or may not grant it.
                refused = error
                continue
            if found is not None:
                return found
        assert refused is not None
        raise refused

    def _run(self, errand: _Errand, rung: Rights, without_perf: WithoutPerf, report: Callable[[Progress], None]) -> _Found | None:
        """``None``: perf is refused with these rights, and that was to be told."""
        making = Making(
            image=self._image,
            session=errand.volumes.session,
            rights=rung,
            arguments=(str(JOB), str(RESULT), without_perf.value),
            mounts=(*errand.volumes.mounts(), *host_library_mounts(errand.host_libraries)),
            network="host" if errand.plan.settings.network is Network.HOST else "none",
            memory=errand.memory,
        )
        with MeasuringContainer(self._engine, making) as container:
            self.rights = rung.name
            until = time.monotonic() + errand.plan.settings.time_limit_s + MARGIN_S
            try:
                for line in container.lines(until):
                    report(_progress(line))
                ended = container.ended()
            except TimeoutError:
                raise ToolError(
                    f"The measuring container did not end {MARGIN_S:.0f} s after the time limit, and was removed",
                    "Start it again; if it repeats, look at the memory and the disk of the runner.",
                ) from None
            except KeyboardInterrupt:
                return self._stopped(container, errand)
            if ended.exit_code == PERF_REFUSED and without_perf is WithoutPerf.LEAVE:
                return None
            files = self._taken(errand)
            if OUTCOME not in files:
                raise _died(ended, container.last_words())
            return _Found(files=files)

    def _stopped(self, container: MeasuringContainer, errand: _Errand) -> _Found:
        """Let the session inside end in order, and take what it has."""
        with contextlib.suppress(ToolError):
            container.signal("SIGINT")
            with contextlib.suppress(TimeoutError):
                for _ in container.lines(time.monotonic() + STOP_S):
                    pass
        files = self._taken(errand)
        if OUTCOME not in files:
            raise InterruptedByUserError("Stopped before anything was measured", "Start again.")
        return _Found(files=files)

    def _taken(self, errand: _Errand) -> Mapping[str, bytes]:
        names = (OUTCOME, *(f"{program.label}.zip" for program in errand.plan.programs))
        try:
            return errand.volumes.take(names)
        except KeyboardInterrupt:
            # It is measured: to take it again takes less than to measure it again.
            return errand.volumes.take(names)

    def _read(self, plan: Plan, found: _Found) -> Mapping[str, Recording]:
        outcome = job_format.decode(found.files[OUTCOME], Outcome)
        if outcome.failure is not None:
            raise for_a_runner(job_format.error_of(outcome.failure))
        recordings: dict[str, Recording] = {}
        for program in plan.programs:
            data = found.files.get(f"{program.label}.zip", b"")
            measured = bundle.decode(data, source=f"what was measured of the {program.label}")
            recordings[program.label] = _caveats_for_a_runner(measured.recording)
            self._machine = measured.machine
        if self._machine is not None:
            self._machine = replace(self._machine, sandbox=_sandbox(self.rights))
        return recordings


@dataclass(frozen=True, slots=True, kw_only=True)
class _Errand:
    """What every rung of the ladder has in common. `host_libraries`: folders of the host that are looked into."""

    plan: Plan
    volumes: Volumes
    memory: Memory
    host_libraries: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What lay in the result's volume, by name."""

    files: Mapping[str, bytes]


def _lacks_libraries(program: Program) -> bool:
    """Our image is what we run in, as a rule, so what is missing here is missing there."""
    files = (program.binary, *program.extra_binaries.values(), *program.libraries.values())
    return any(set(missing(file)) - set(program.libraries) for file in files)


def _absent(refused: NotStartedError, folders: tuple[str, ...]) -> str | None:
    """The folder that the host does not have: ``bind source path does not exist: /usr/lib64``."""
    if not re.search(r"does not exist|no such file", refused.what, re.IGNORECASE):
        return None
    return next((folder for folder in folders if re.search(rf"(?<!\S){folder}(?![\w/])", refused.what)), None)


def _progress(line: bytes) -> Progress:
    told = job_format.decode(line, ProgressLine)
    return Progress(done=told.done, total=told.total, text=shown(told.text), inside_s=told.inside_s)


def _interrupted(recording: Recording) -> Recording:
    caveat = Caveat(code=CaveatCode.INTERRUPTED)
    return recording if caveat in recording.caveats else replace(recording, caveats=(*recording.caveats, caveat))


def _caveats_for_a_runner(recording: Recording) -> Recording:
    return replace(recording, caveats=tuple(_caveat_for_a_runner(caveat) for caveat in recording.caveats))


def _caveat_for_a_runner(caveat: Caveat) -> Caveat:
    if caveat.code is not CaveatCode.TIME_UNAVAILABLE:
        return caveat
    return replace(caveat, detail=rights.for_a_runner(caveat.detail))


def _sandbox(name: str) -> str:
    return f"container with {name}" if name.startswith("CAP_") else "container"


def _died(ended: Ended, said: str) -> ToolError:
    """The session inside ended without a word about how it went."""
    if ended.out_of_memory or ended.exit_code == KILLED:
        return ToolError(
            "The measuring container was killed from outside, most likely because the machine had no memory left",
            "Give the workload smaller inputs, or use a runner with more memory.",
        )
    if "No module named" in said or ended.exit_code == NOT_FOUND:
        return ToolError(
            f"The image to measure in does not hold autoprof-ci: {shown(said)}",
            f"Build it again: docker build -t autoprof-ci:{__version__} .",
        )
    how = describe_exit(128 - ended.exit_code) if ended.exit_code > 128 else describe_exit(ended.exit_code)
    words = f"; its last words: {shown(said)}" if said.strip() else ""
    return ToolError(f"The measuring container ended with {how} before it could say what it measured{words}", TRY_AGAIN)
