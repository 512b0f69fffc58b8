"""Ctrl-C, a runner that cancels, a terminal that is closed: children die, finished runs are kept, nothing else is left behind.

The measured program takes a quarter of a second, so a run is one start. Its Nth start says that it is there and stays, deaf to
signals and with a child in a session of its own: that is the moment.
"""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from autoprof_ci import bundle
from autoprof_ci.model import Recording
from tests.as_a_user import Answer, Place
from tests.programs import built

pytestmark = pytest.mark.needs("cc")

INTERRUPTED = 130
NOTHING = "autoprof-ci: Stopped before anything was measured. Start again.\n"
RECORD_KEPT = (
    "autoprof-ci: Interrupted; finished runs are kept in out/candidate.bundle.zip. It can serve as a baseline as it is.\n"
)
GATE_KEPT = (
    "autoprof-ci: Interrupted; finished runs are kept in out. Judge them with: autoprof-ci compare "
    "--baseline out/baseline.bundle.zip --candidate out/candidate.bundle.zip.\n"
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


def stopped(place: Place, nth_start: int, words: tuple[str | Path, ...], *signals: signal.Signals) -> Answer:
    """The command, sent these signals while the `nth_start` of its programs stays."""
    turns = place.folder.parent / "turns"
    turns.mkdir()
    with place.started(*words, "--", "turn", str(nth_start), turns) as running:
        running.wait_for(turns / "waiting")
        for number in signals:
            running.process.send_signal(number)
    assert running.answer is not None
    return running.answer


def record(instrument: str) -> tuple[str | Path, ...]:
    return ("record", "--binary", built("vandal"), "--instrument", instrument)


def gate(*words: str) -> tuple[str | Path, ...]:
    return ("gate", "--binary", built("vandal"), "--baseline-binary", built("vandal", "-DOLD"), *words)


def kept(place: Place, side: str = "candidate") -> Recording:
    path = place.folder / f"out/{side}.bundle.zip"
    return bundle.decode(path.read_bytes(), source=str(path)).recording


def runs(recording: Recording) -> int:
    return sum(len(workload.runs) for workload in recording.samples.workloads) if recording.samples else 0


def repeats(recording: Recording) -> int:
    return sum(len(workload.repeats) for workload in recording.instructions)


def assert_stopped(place: Place, answer: Answer, said: str) -> None:
    assert (answer.code, answer.said, answer.out, answer.survivors) == (INTERRUPTED, said, "", ())
    assert place.left() == []
    if said == NOTHING:
        assert not (place.folder / "out").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt__before_the_first_run(number: signal.Signals, place: Place) -> None:
    assert_stopped(place, stopped(place, 1, gate(), number), NOTHING)


@pytest.mark.needs("perf")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt__in_a_timed_run(number: signal.Signals, place: Place) -> None:
    """A warm-up, a block of two, and one run of the next block, which is not kept without its fellow; the fifth start stays."""
    assert_stopped(place, stopped(place, 5, record("time"), number), RECORD_KEPT)
    assert (runs(kept(place)), repeats(kept(place))) == (2, 0)


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt__under_callgrind(number: signal.Signals, place: Place) -> None:
    assert_stopped(place, stopped(place, 3, record("instructions"), number), RECORD_KEPT)
    assert (runs(kept(place)), repeats(kept(place))) == (0, 1)


@pytest.mark.needs("valgrind")
def test_interrupt__under_callgrind_with_nothing_counted(place: Place) -> None:
    assert_stopped(place, stopped(place, 2, record("instructions"), signal.SIGINT), NOTHING)


@pytest.mark.needs("perf", "valgrind")
def test_interrupt__of_a_gate__what_is_kept_can_be_judged(place: Place) -> None:
    """Two warm-ups, two counts, one block of four; the tenth start, in the second block, stays."""
    assert_stopped(place, stopped(place, 10, gate(), signal.SIGINT), GATE_KEPT)
    assert sorted(path.name for path in (place.folder / "out").iterdir()) == ["baseline.bundle.zip", "candidate.bundle.zip"]
    for side in ("baseline", "candidate"):
        assert (runs(kept(place, side)), repeats(kept(place, side))) == (2, 1)
    sides = ("--baseline", "out/baseline.bundle.zip", "--candidate", "out/candidate.bundle.zip")
    answer = place.run("compare", *sides, "--markdown", "comment.md")
    assert (answer.code, answer.said) == (0, "")
    assert "Measuring was interrupted; the finished runs are judged" in (place.folder / "comment.md").read_text()


@pytest.mark.needs("valgrind")
def test_interrupt__takes_away_what_an_earlier_run_concluded(place: Place) -> None:
    (place.folder / "out/charts").mkdir(parents=True)
    for name in ("verdict.json", "comment.md", "charts/old.png", "mine.txt"):
        (place.folder / "out" / name).write_text("of an earlier run")
    assert_stopped(place, stopped(place, 5, gate("--instrument", "instructions"), signal.SIGINT), GATE_KEPT)
    left = sorted(path.name for path in (place.folder / "out").rglob("*") if path.is_file())
    assert left == ["baseline.bundle.zip", "candidate.bundle.zip", "mine.txt"]


@pytest.mark.needs("valgrind")
def test_interrupt__again_and_again(place: Place) -> None:
    """Somebody holds Ctrl-C down: it is put in order all the same, and what was measured is kept."""
    turns = place.folder.parent / "turns"
    turns.mkdir()
    with place.started(*record("instructions"), "--", "turn", "3", turns) as running:
        running.wait_for(turns / "waiting")
        while running.process.poll() is None:
            running.process.send_signal(signal.SIGINT)
            time.sleep(0.003)
    assert running.answer is not None
    assert_stopped(place, running.answer, RECORD_KEPT)


@pytest.mark.needs("valgrind")
def test_interrupt__terminal_is_closed(place: Place) -> None:
    assert_stopped(place, stopped(place, 3, record("instructions"), signal.SIGHUP), RECORD_KEPT)


@pytest.mark.parametrize("nth_start", [1, 2], ids=["warm-up", "under-a-tool"])
def test_killed__nothing_keeps_running(nth_start: int, place: Place) -> None:
    """Not even when it is killed without a word. Its stage in memory stays then: nobody is left to take it away."""
    turns = place.folder.parent / "turns"
    turns.mkdir()
    with place.started(*record("instructions"), "--", "turn", str(nth_start), turns) as running:
        running.wait_for(turns / "waiting")
        running.process.kill()
        time.sleep(1.0)
    assert running.answer is not None
    assert (running.answer.code, running.answer.survivors) == (-signal.SIGKILL, ())
