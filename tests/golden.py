"""Golden files: what a piece of code printed when somebody looked at it and found it right."""

from __future__ import annotations

import os
from pathlib import Path

GOLDEN = Path(__file__).parent / "golden"


def check(path: Path, actual: str) -> None:
    """Compare `actual` with the golden file at `path`, which is relative to ``tests/golden``.

    A missing golden fails; ``make bless`` (AUTOPROF_BLESS=1) writes it anew, to be looked at in the diff.
    """
    golden = GOLDEN / path
    if os.environ.get("AUTOPROF_BLESS") == "1":
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(actual, encoding="utf-8")
        return
    assert golden.exists(), f"no golden file {golden.relative_to(GOLDEN.parent)}: run `make bless` and look at what it wrote"
    assert actual == golden.read_text(encoding="utf-8")
