"""What tests of the measuring container share: plans for little programs, and the sessions that measure them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Program, Progress
from autoprof_ci.model import Instrument, MeasureSettings, Recording, Workload
from autoprof_ci.sandbox.engine import Engine, find_engine
from autoprof_ci.sandbox.session import ContainerSession
from autoprof_ci.sandbox.volumes import SESSION_LABEL
from tests.image import image

QUICK = MeasureSettings(instruments=(Instrument.INSTRUCTIONS,), runs=4, min_run_s=0.05, time_limit_s=60)
"""Counting once begins after the warm-up, in which the command itself runs six times at most."""
TIMED = replace(QUICK, instruments=(Instrument.TIME,))


def engine() -> Engine:
    found = find_engine(os.environ)
    assert isinstance(found, Engine), found
    return found


def session() -> ContainerSession:
    return ContainerSession(engine(), image())


def one_program(program: Path, *arguments: str, settings: MeasureSettings = QUICK, **keys: object) -> Plan:
    """`keys`: of the workload. Callgrind counts a start that does next to nothing."""
    workload = Workload(name="w", command=("{binary}", *arguments), instructions_command=("{binary}", "work", "1000"), **keys)
    return Plan(
        programs=(Program(label=CANDIDATE, binary=program),),
        workloads=(workload,),
        settings=settings,
        data=None,
        config_folder=program.parent,
    )


def both(plan: Plan) -> Plan:
    """The same program on both sides."""
    return replace(plan, programs=(replace(plan.programs[0], label=BASELINE), *plan.programs))


def measured(plan: Plan, on: ContainerSession | None = None) -> Mapping[str, Recording]:
    return (on or session()).measure(plan, ignore)


def ignore(_progress: Progress) -> None:
    """Whoever listens to progress may also not."""


def left_behind(name: str) -> list[str]:
    """Containers and volumes of a session that are still there."""
    wanted = f"label={SESSION_LABEL}={name}"
    listed = [
        subprocess.run(("docker", *words, "--filter", wanted), capture_output=True, text=True, check=True).stdout.split()
        for words in (("ps", "-aq"), ("volume", "ls", "-q"))
    ]
    return listed[0] + listed[1]
