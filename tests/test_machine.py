"""The machine's fingerprint: from kernels' words of both architectures."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from autoprof_ci.measure.machine import cpu_features, cpu_model, machine, tool_version

X86 = """\
processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7763   64-Core Processor
flags\t\t: fpu sse2 pni ssse3 avx avx2 bmi1 rdseed {more}

processor\t: 1
model name\t: another
"""
ARM = """\
processor\t: 0
BogoMIPS\t: 2000.00
Features\t: fp asimd evtstrm aes crc32 atomics {more}
CPU implementer\t: 0x41
CPU part\t: 0xd49
"""


@pytest.mark.parametrize(
    ("cpuinfo", "model"), [(X86, "AMD EPYC 7763 64-Core Processor"), (ARM, "arm64 0x41 0xd49"), ("", "unknown"), ("x", "unknown")]
)
def test_cpu_model__first_processor(cpuinfo: str, model: str) -> None:
    assert cpu_model(cpuinfo) == model


def test_cpu_features__only_what_a_program_sees_under_valgrind() -> None:
    plain = cpu_features(X86.format(more=""))
    assert len(plain) == 16
    assert cpu_features(X86.format(more="erms avx512f")) == plain
    assert cpu_features(X86.format(more="").replace("avx avx2 bmi1", "bmi1 avx2 avx")) == plain
    assert cpu_features(X86.format(more="").replace("avx2", "")) != plain


def test_cpu_features__arm() -> None:
    assert cpu_features(ARM.format(more="")) != cpu_features(ARM.format(more="sve"))


def test_machine__this_one() -> None:
    here = machine()
    assert (here.architecture, here.kernel) == (platform.machine(), platform.release())
    assert here.cpus == len(os.sched_getaffinity(0))
    assert here == machine()


@pytest.mark.parametrize(
    ("script", "version"),
    [
        ("echo valgrind-3.19.0", "3.19.0"),
        ("echo perf version 6.1.187", "6.1.187"),
        ("echo perf version 6.12.gabc-dirty", "6.12.gabc-dirty"),
        ("echo heaptrack 1.4.0", "1.4.0"),
        ("echo WARNING: perf not found for kernel 6.1; exit 2", None),
        ("echo none", None),
    ],
)
def test_tool_version__as_tools_say_it(script: str, version: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "tool"
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    assert tool_version("tool") == version


def test_tool_version__not_there() -> None:
    assert tool_version("no-such-tool") is None
