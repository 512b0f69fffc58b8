"""The fingerprint of this machine: what has to be equal before stored numbers may be compared with fresh ones.

Knows where Linux and the tools say what they are. Knows nothing of what the numbers are for.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from autoprof_ci.model import Machine

CPUINFO = Path("/proc/cpuinfo")
VERSION_S = 10.0

PASSED_ON = frozenset(
    (
        "pni",
        "ssse3",
        "sse4_1",
        "sse4_2",
        "cx16",
        "abm",
        "avx",
        "rdtscp",
        "bmi1",
        "bmi2",
        "avx2",
        "fma",
        "rdrand",
        "f16c",
        "rdseed",
    )
)
"""The flags of an x86 CPU that a program sees under valgrind. By the others (avx512, erms, ...) two machines of one pool differ,
and an instruction count does not; for times the CPU's model is compared."""


def machine() -> Machine:
    """This machine, now. Starts perf, valgrind and heaptrack for their versions; a tool that is not there has no version."""
    cpuinfo = CPUINFO.read_text(encoding="utf-8", errors="replace") if CPUINFO.exists() else ""
    return Machine(
        architecture=platform.machine(),
        cpu_model=cpu_model(cpuinfo),
        cpu_features=cpu_features(cpuinfo),
        cpus=len(os.sched_getaffinity(0)),
        kernel=platform.release(),
        libc=libc_version(),
        perf=tool_version("perf"),
        valgrind=tool_version("valgrind"),
        heaptrack=tool_version("heaptrack"),
    )


def cpu_model(cpuinfo: str) -> str:
    """The name x86 kernels give, ``Intel(R) Xeon(R) Processor 8370C``; on arm64 implementer and part, ``arm64 0x41 0xd49``."""
    fields = _first_processor(cpuinfo)
    if "model name" in fields:
        return " ".join(fields["model name"].split())
    if "CPU part" in fields:
        return f"arm64 {fields.get('CPU implementer', '?')} {fields['CPU part']}"
    return "unknown"


def cpu_features(cpuinfo: str) -> str:
    """Sixteen hexadecimal digits: equal where a program under valgrind sees the same CPU."""
    fields = _first_processor(cpuinfo)
    flags = frozenset(fields["flags"].split()) & PASSED_ON if "flags" in fields else frozenset(fields.get("Features", "").split())
    return hashlib.sha256(" ".join(sorted(flags)).encode()).hexdigest()[:16]


def libc_version() -> str:
    """``glibc 2.36``; ``unknown`` where the C library does not say (musl does not)."""
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or "unknown"
    except (ValueError, OSError):
        return "unknown"


def tool_version(tool: str) -> str | None:
    """``3.19.0`` of ``valgrind-3.19.0``, ``6.1.187`` of ``perf version 6.1.187``; ``None``: not there, or it does not start."""
    path = shutil.which(tool)
    if path is None:
        return None
    try:
        said = subprocess.run(
            (path, "--version"), capture_output=True, text=True, errors="replace", timeout=VERSION_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    version = re.search(r"\d+(?:\.[\w-]+)+", said.stdout)
    return version[0] if said.returncode == 0 and version else None


def _first_processor(cpuinfo: str) -> dict[str, str]:
    """``model name : Intel(R) Xeon(R)`` -> {"model name": "Intel(R) Xeon(R)"}, of the first block."""
    lines = (line.partition(":") for line in cpuinfo.split("\n\n", 1)[0].splitlines())
    return {key.strip(): value.strip() for key, separator, value in lines if separator}
