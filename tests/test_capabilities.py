"""What this machine can measure: the real answers are well-formed, and missing or broken tools are said with their remedy."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from autoprof_ci.measure.capabilities import Capability, State, probe

NAMES = [
    "time (perf)",
    "instructions (valgrind)",
    "fixed addresses (setarch -R)",
    "scratch in memory (/dev/shm)",
    "CPUs",
    "symbols of the C library",
    "memory (heaptrack)",
]


def named(capabilities: tuple[Capability, ...], name: str) -> Capability:
    return next(capability for capability in capabilities if capability.name == name)


def tool(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_probe__this_machine() -> None:
    capabilities = probe()
    assert [capability.name for capability in capabilities] == NAMES
    for capability in capabilities:
        assert capability.detail and not capability.detail.endswith(".")
        assert (capability.fix is None) == (capability.state is State.OK)


@pytest.mark.needs("valgrind")
def test_probe__valgrind_counts() -> None:
    assert named(probe(), "instructions (valgrind)").state is State.OK


@pytest.mark.needs("valgrind")
def test_probe__valgrind_that_cannot_be_told_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the kernel forbids to trace others."""
    tool(tmp_path, "vgdb", "echo >&2 'error opening /proc/4711/mem: Operation not permitted'; exit 1")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    capability = named(probe(), "instructions (valgrind)")
    assert (capability.state, capability.fix) == (State.DEGRADED, "sysctl kernel.yama.ptrace_scope=1")
    assert re.fullmatch(
        r"Valgrind \S+ counts, but not the instructions of daemons: workload 'probe' under callgrind: valgrind could not be told "
        r"where the window begins and ends \(error opening /proc/4711/mem: Operation not permitted\)",
        capability.detail,
    )


def test_probe__nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    capabilities = probe()
    assert named(capabilities, "time (perf)").state is State.MISSING
    assert named(capabilities, "instructions (valgrind)") == Capability(
        name="instructions (valgrind)", state=State.MISSING, detail="Valgrind is not installed", fix="apt-get install valgrind"
    )
    assert named(capabilities, "fixed addresses (setarch -R)") == Capability(
        name="fixed addresses (setarch -R)", state=State.DEGRADED, detail="There is no setarch", fix="apt-get install util-linux"
    )
    assert named(capabilities, "memory (heaptrack)").fix == "apt-get install heaptrack"


def test_probe__tools_that_refuse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "valgrind", "echo >&2 'valgrind: mkdir of /x failed'; exit 1")
    tool(tmp_path, "setarch", "echo >&2 'setarch: failed to set personality: Operation not permitted'; exit 1")
    tool(tmp_path, "perf", "echo >&2 'Access to performance monitoring is limited: perf_event_paranoid setting is 4'; exit 255")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    capabilities = probe()
    perf = named(capabilities, "time (perf)")
    assert perf.state is State.MISSING
    # Which of the two depends on the kernel's own level.
    assert perf.fix is not None and ("perf_event_paranoid" in perf.fix or "seccomp=unconfined" in perf.fix)
    assert named(capabilities, "instructions (valgrind)").detail == "Valgrind does not run here: valgrind: mkdir of /x failed"
    fixed = named(capabilities, "fixed addresses (setarch -R)")
    assert (fixed.state, "Operation not permitted" in fixed.detail, fixed.fix) == (
        State.DEGRADED,
        True,
        "In a container, start it with --security-opt seccomp=unconfined",
    )


def test_probe__valgrind_that_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool(tmp_path, "valgrind", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    capability = named(probe(), "instructions (valgrind)")
    assert (capability.state, capability.detail) == (State.MISSING, "Callgrind left no file: No such file or directory")
