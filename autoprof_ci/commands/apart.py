"""EDGE: how the measured program is kept apart from everything else: a container of its own, another user, or not at all.

Knows which of these there are and in which order they are tried. How each works is in `sandbox` and `measure`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from autoprof_ci.errors import ToolError
from autoprof_ci.measure import hiding, session
from autoprof_ci.measure.machine import machine
from autoprof_ci.measure.plan import Identity, Plan, Progress
from autoprof_ci.measure.program import ProgramFacts, check_program, read_program
from autoprof_ci.model import Caveat, CaveatCode, Machine, MeasureSettings, Network, Recording, SandboxKind
from autoprof_ci.workloads import default_cache

Report = Callable[[Progress], None]

NOBODY = Identity(uid=65534, gid=65534)
UNHIDDEN_CACHE = Path("/var/tmp/autoprof-ci")
"""For generated inputs, where another user can read them whatever is hidden."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """`check`: whether a program can be started there, as far as that can be known here. `data_cache`: where inputs are made."""

    measure: Callable[[Plan, Report], Mapping[str, Recording]]
    machine: Callable[[], Machine]
    check: Callable[[Path], ProgramFacts]
    data_cache: Callable[[], Path]


AS_WE_ARE = Apart(measure=session.measure, machine=machine, check=check_program, data_cache=default_cache)
"""In a clean environment and nothing more: for programs of one's own."""


def on_a_laptop(settings: MeasureSettings) -> Apart:
    """A container only where it is asked for. Raises `ToolError` where it is and there is no engine."""
    return _in_a_container(os.environ) if settings.sandbox is SandboxKind.CONTAINER else AS_WE_ARE


def in_the_action(settings: MeasureSettings, env: Mapping[str, str]) -> Apart:
    """A container wherever there is an engine; else another user, from whom is hidden what the runner mounted.

    Raises `ToolError` where a container is asked for and there is no engine.
    """
    if settings.sandbox is SandboxKind.CONTAINER:
        return _in_a_container(env)
    if settings.sandbox is SandboxKind.NONE:
        return _as_another_user("sandbox = 'none' is set")
    try:
        return _in_a_container(env)
    except ToolError as error:
        return _as_another_user(error.what)


def _in_a_container(env: Mapping[str, str]) -> Apart:
    # imported here: on a laptop nobody waits for the SDK
    from autoprof_ci.sandbox.engine import NoEngine, find_engine
    from autoprof_ci.sandbox.own_image import own_image
    from autoprof_ci.sandbox.session import ContainerSession

    engine = find_engine(env)
    if isinstance(engine, NoEngine):
        raise ToolError(f"No container can be started for the measured program: {engine.reason}", engine.next_step)
    container = ContainerSession(engine, own_image(engine, env))
    return Apart(measure=container.measure, machine=container.machine, check=read_program, data_cache=default_cache)


def _as_another_user(why: str) -> Apart:
    """Where we may change the user; elsewhere as we are. Either is said in the report."""
    identity = NOBODY if os.geteuid() == 0 else None

    def measure(plan: Plan, report: Report) -> Mapping[str, Recording]:
        with hiding.hidden_from(NOBODY) if identity and hiding.in_a_container() else nullcontext():
            recordings = session.measure(replace(plan, identity=identity), report)
        weak = (Caveat(code=CaveatCode.NO_SANDBOX, detail=why), *_network(plan.settings))
        return {label: _weakened(recording, weak) for label, recording in recordings.items()}

    return Apart(
        measure=measure,
        machine=lambda: replace(machine(), sandbox="own user" if identity else None),
        check=check_program,
        data_cache=lambda: UNHIDDEN_CACHE,
    )


def _weakened(recording: Recording, weak: tuple[Caveat, ...]) -> Recording:
    """Nobody can change how the Action's own container is started, so what perf lacks there is a container of its own."""
    if hiding.in_a_container():
        detail = "perf needs a container of its own for the measured program: give the runner a Docker socket."
        known = tuple(
            replace(each, detail=detail) if each.code is CaveatCode.TIME_UNAVAILABLE else each for each in recording.caveats
        )
        recording = replace(recording, caveats=known)
    return replace(recording, caveats=(*recording.caveats, *weak))


def _network(settings: MeasureSettings) -> tuple[Caveat, ...]:
    return (Caveat(code=CaveatCode.NETWORK_OPEN),) if settings.network is Network.NONE else ()
