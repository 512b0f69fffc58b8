"""Skips what needs a tool this machine lacks and says how to get the tool; where nothing may be skipped, fails instead."""

from __future__ import annotations

import os
import shutil

import pytest

HOW_TO_GET = {
    "perf": "apt-get install linux-perf",
    "valgrind": "apt-get install valgrind",
    "heaptrack": "apt-get install heaptrack",
    "cargo": "https://rustup.rs, or apt-get install cargo",
    "cc": "apt-get install gcc",
    "chromium": "apt-get install chromium",
    "docker": "a Docker engine: apt-get install docker.io",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    missing = {tool for tool in HOW_TO_GET if shutil.which(tool) is None}
    for item in items:
        needed = {tool for marker in item.iter_markers("needs") for tool in marker.args}
        for tool in sorted(needed & missing):
            if os.environ.get("AUTOPROF_NO_SKIPS") == "1":
                raise pytest.UsageError(f"{item.nodeid} needs {tool}, get it with: {HOW_TO_GET[tool]}")
            item.add_marker(pytest.mark.skip(reason=f"needs {tool}, get it with: {HOW_TO_GET[tool]}"))
