"""Skips what needs a tool this machine lacks and says how to get the tool; where nothing may be skipped, fails instead. And
lets no test leave the process otherwise than it found it: the next one would fail for it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

MEMORY, ENOUGH_BYTES = Path("/dev/shm"), 1 << 28

HOW_TO_GET = {
    "perf": "apt-get install linux-perf",
    "valgrind": "apt-get install valgrind",
    "heaptrack": "apt-get install heaptrack",
    "cargo": "https://rustup.rs, or apt-get install cargo",
    "cc": "apt-get install gcc",
    "musl-gcc": "apt-get install musl-tools",
    "aarch64-linux-gnu-gcc": "apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross",
    "ld.lld": "apt-get install lld",
    "ld.mold": "apt-get install mold",
    "chromium": "apt-get install chromium",
    "docker-engine": "a Docker engine: apt-get install docker.io, and start it",
    "act": "go install github.com/nektos/act@latest",
}


def _is_here(tool: str) -> bool:
    if tool == "docker-engine":
        return (
            shutil.which("docker") is not None
            and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
        )
    return shutil.which(tool) is not None


def pytest_configure() -> None:
    """A job in the background of a script begins with Ctrl-C switched off, one under `nohup` with SIGHUP; both hand that on to
    all that the tests interrupt."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    _longest_first(items)
    wanted = {tool for item in items for marker in item.iter_markers("needs") for tool in marker.args}
    missing = {tool for tool in wanted if not _is_here(tool)}
    for item in items:
        needed = {tool for marker in item.iter_markers("needs") for tool in marker.args}
        for tool in sorted(needed & missing):
            if os.environ.get("AUTOPROF_NO_SKIPS") == "1":
                raise pytest.UsageError(f"{item.nodeid} needs {tool}, get it with: {HOW_TO_GET[tool]}")
            item.add_marker(pytest.mark.skip(reason=f"needs {tool}, get it with: {HOW_TO_GET[tool]}"))


def _longest_first(items: list[pytest.Item]) -> None:
    """Files with slow tests: begun last, one worker would still be at them when the others have nothing left to do."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """`tmp_path`, but in memory where there is some: for programs that wait for the disk after every few lines."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ENOUGH_BYTES):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="autoprof-test-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def _leaves_the_process_as_it_was() -> Iterator[None]:
    folder, heard = Path.cwd(), signal.getsignal(signal.SIGINT)
    yield
    left, now_heard = Path.cwd(), signal.getsignal(signal.SIGINT)
    os.chdir(folder)
    signal.signal(signal.SIGINT, heard)
    assert left == folder
    assert (now_heard is signal.SIG_IGN) == (heard is signal.SIG_IGN)
