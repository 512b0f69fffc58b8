"""The sample program in both variants, built when a test first asks for it; an up-to-date build takes cargo a moment."""

from __future__ import annotations

import subprocess
from enum import StrEnum
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent


class Variant(StrEnum):
    PLAIN = "release/autopilot"
    SLOW = "slow/release/autopilot"
    """A regular expression is compiled at every call."""


def program(variant: Variant) -> Path:
    """The built program. Cargo's own lock keeps parallel tests apart."""
    _build()
    return ROOT / "examples/autopilot/target" / variant


@cache
def _build() -> None:
    built = subprocess.run([ROOT / "tools/build-sample"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
