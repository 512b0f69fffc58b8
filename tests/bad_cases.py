"""What the tests of bad programs, workloads and machines share: programs that misbehave, and what the gate said of them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.as_a_user import Place
from tests.programs import built

USAGE, FAILED = 2, 3


def acts() -> Path:
    return built("acts")


def vandal(*options: str) -> Path:
    return built("vandal", *options)


def caveats(place: Place) -> dict[str, list[str]]:
    """Code -> details, of the verdict. What a busy or quick machine adds is left out: it is not what is tested."""
    passing = ("busy_machine", "coarse_sampling", "short_runs", "runs_disagree", "few_runs", "kernel_not_seen")
    found: dict[str, list[str]] = {}
    for caveat in json.loads((place.folder / "out/verdict.json").read_text())["caveats"]:
        if caveat["code"] not in passing:
            found.setdefault(caveat["code"], []).append(caveat["detail"])
    return found


def comment(place: Place) -> str:
    """What the gate says at length."""
    return (place.folder / "out/comment.md").read_text(encoding="utf-8").replace("`", "")
