"""A job is cancelled, or killed, while it measures in a container: what is measured is kept, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image import image
from tests.in_a_container import left_behind
from tests.programs import built

pytestmark = [pytest.mark.needs("docker-engine"), pytest.mark.needs("cc")]

SCRIPT = """
import sys
from pathlib import Path
from autoprof_ci.errors import AutoprofError
from autoprof_ci.measure.plan import Plan, Program
from autoprof_ci.model import Instrument, MeasureSettings, Workload
from autoprof_ci.sandbox.session import ContainerSession
from tests.in_a_container import engine

session = ContainerSession(engine(), sys.argv[1])
print(session.name, flush=True)
plan = Plan(
    programs=(Program(label="candidate", binary=Path(sys.argv[2])),),
    workloads=(Workload(name="w", command=("{binary}", *sys.argv[3:]), instructions_command=("{binary}", "work", "1000")),),
    settings=MeasureSettings(runs=20, min_run_s=0.5, time_limit_s=120),
    data=None,
    config_folder=Path("/"),
)
try:
    recordings = session.measure(plan, lambda progress: print(progress.text, flush=True))
    print({label: [caveat.code.value for caveat in recording.caveats] for label, recording in recordings.items()})
except AutoprofError as error:
    print(type(error).__name__, error)
"""

NOTHING = "InterruptedByUserError Stopped before anything was measured. Start again."
PATIENCE_S = 12
"""A cancelled job has ten seconds; here two of them are the interpreter's and the test's own."""


@dataclass(kw_only=True)
class Running:
    """A session in a process of its own."""

    process: subprocess.Popen[str]
    name: str

    def wait_for(self, text: str) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return
        raise AssertionError(f"it never said {text!r}")

    def wait_for_container(self, kind: str) -> None:
        words = ("docker", "ps", "-aq", "--filter", f"name=autoprof-ci-{self.name}-{kind}")
        while not subprocess.run(words, capture_output=True, check=True).stdout:
            assert self.process.poll() is None
            time.sleep(0.01)

    def interrupt(self) -> str:
        """What it says last."""
        self.process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        said, _ = self.process.communicate(timeout=60)
        assert time.monotonic() - begun < PATIENCE_S
        return said.strip().splitlines()[-1]


@contextmanager
def running(program: Path, *arguments: str) -> Iterator[Running]:
    command = [sys.executable, "-c", SCRIPT, image(), str(program), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            yield Running(process=process, name=process.stdout.readline().strip())
        finally:
            process.kill()


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A program that takes a while to hand over."""
    program = tmp_path / "acts"
    program.write_bytes(built("acts").read_bytes() + bytes(200 << 20))
    return program


@pytest.mark.parametrize(
    "stage",
    [
        lambda session: session.wait_for_container("files"),
        lambda session: session.wait_for_container("measuring"),
        lambda session: session.wait_for("warm-up"),
    ],
    ids=["files-go-in", "container-starts", "program-runs"],
)
def test_interrupted__before_anything_is_measured(large: Path, stage: Callable[[Running], None]) -> None:
    with running(large, "hang") as session:
        stage(session)
        assert session.interrupt() == NOTHING
    assert left_behind(session.name) == []


def test_interrupted__what_is_measured_is_kept() -> None:
    with running(built("acts"), "work", "3000000") as session:
        session.wait_for("block 2 of")
        last = session.interrupt()
    assert last.startswith("{'candidate': [")
    assert "'interrupted'" in last
    assert left_behind(session.name) == []


def test_killed__the_container_ends_by_itself() -> None:
    """No time to clear away: the container notices, and the next session removes what is left."""
    with running(built("acts"), "hang") as session:
        session.wait_for("warm-up")
        session.process.kill()
    words = ("docker", "ps", "-q", "--filter", f"name=autoprof-ci-{session.name}-measuring")
    until = time.monotonic() + 20
    while subprocess.run(words, capture_output=True, check=True).stdout:
        assert time.monotonic() < until
        time.sleep(0.1)
    left = left_behind(session.name)
    assert len(left) == 4  # two containers, two volumes
    subprocess.run(("docker", "rm", "-f", *left[:2]), capture_output=True, check=True)
    subprocess.run(("docker", "volume", "rm", *left[2:]), capture_output=True, check=True)
