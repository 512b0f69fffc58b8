from __future__ import annotations

from pathlib import Path

import pytest

from autoprof_ci.errors import ToolError
from autoprof_ci.measure.perf_record import Perf, Refusal, probe, read, refusal

PERF = Perf(command="/usr/bin/perf", event="cpu-clock", kernel_seen=True, frequency_hz=1999)


@pytest.mark.parametrize(
    ("level", "next_step"),
    [
        ("4", "Allow it with: sudo sysctl kernel.perf_event_paranoid=1."),
        ("2", "In a container, start it with: --security-opt seccomp=unconfined."),
    ],
)
def test_refusal__paranoid_level(level: str, next_step: str) -> None:
    said = "Error:\nNo permission to enable cpu-clock event.\n"
    reason = f"the kernel refuses perf (kernel.perf_event_paranoid = {level})"
    assert refusal(said, level) == Refusal(reason=reason, next_step=next_step)


def test_refusal__kernel_without_events() -> None:
    assert refusal("", None).reason == "this kernel has no performance events"


def test_refusal__something_else() -> None:
    assert refusal("WARNING: x\nnot a valid event\n", "1").reason == "perf failed: not a valid event"


def test_perf__period_is_a_whole_number_of_nanoseconds() -> None:
    assert PERF.period_ns == 500_250


def test_probe__no_perf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert probe(1999, tmp_path) == Refusal(
        reason="perf is not installed", next_step="Install it with: apt-get install linux-perf."
    )


@pytest.mark.needs("perf")
def test_probe__this_machine(tmp_path: Path) -> None:
    found = probe(1999, tmp_path)
    assert isinstance(found, Perf)
    assert found.event in ("cycles", "cpu-clock")


@pytest.mark.needs("perf")
def test_read__no_recording(tmp_path: Path) -> None:
    (tmp_path / "run.data").write_bytes(b"nothing of the kind")
    found = probe(1999, tmp_path)
    assert isinstance(found, Perf)
    with pytest.raises(ToolError, match=r"^`perf script` failed on a recording: "):
        read(found, tmp_path / "run.data", "ip", list)
