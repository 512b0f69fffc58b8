"""The sample's autopilotd with a scripted agent: a daemon with a worker, driven until two sessions are recorded."""

from __future__ import annotations

from pathlib import Path

import pytest

from autoprof_ci.measure.plan import CANDIDATE, Plan, Program
from autoprof_ci.measure.session import measure
from autoprof_ci.model import BINARY_DSO, Daemon, Function, Instrument, MeasureSettings, Workload
from autoprof_ci.workloads import ensure_data
from autoprof_ci.workloads.agent import ensure_player
from tests.in_a_container import ignore
from tests.sample import Variant, program

pytestmark = pytest.mark.needs("cargo", "valgrind", "cc")

UNTIL_TWO = "until [ $(ls docs/logs/*/*.json | wc -l) -ge 2 ]; do sleep 0.05; done"


def test_autopilotd__two_sessions_are_a_fixed_task(tmp_path: Path) -> None:
    """Its worker counts the same at every repeat, in what it does for each line of a session; its own start is not among it."""
    binary = program(Variant.PLAIN)
    workload = Workload(
        name="two-sessions",
        command=("{autopilotd}", "start"),
        agent="{data}/agent/answer-question.jsonl",
        daemon=Daemon(ready="Worker started", driver=("sh", "-c", UNTIL_TWO)),
    )
    plan = Plan(
        programs=(Program(label=CANDIDATE, binary=binary, extra_binaries={"autopilotd": binary.with_name("autopilotd")}),),
        workloads=(workload,),
        settings=MeasureSettings(instruments=(Instrument.INSTRUCTIONS,), runs=4, time_limit_s=300),
        data=ensure_data(tmp_path / "cache").path,
        config_folder=tmp_path,
        player=ensure_player(tmp_path / "cache"),
    )
    (counted,) = measure(plan, ignore)[CANDIDATE].instructions
    one_line = counted.functions.index(Function("autopilot::text::one_line", BINARY_DSO))
    assert len(counted.repeats) > 1
    of_each = [repeat[one_line] for repeat in counted.repeats]
    assert max(of_each) < 1.3 * min(of_each)  # the driver may see the second session a little late, but not one more
    assert Function("autopilotd::main", "autopilotd") not in counted.functions  # it began before the window
