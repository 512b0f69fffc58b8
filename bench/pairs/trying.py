"""One pair, from its sources to its score; and which pairs this machine can make."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from pathlib import Path

from bench.pairs import gating
from bench.pairs.pair import Pair
from bench.pairs.scoring import Score, score

COUNTED = ("instructions",)
TIMED = ("time", "instructions")


def makeable(pairs: Iterable[Pair]) -> tuple[Pair, ...]:
    """rustc links by lld of its own accord on x86-64 only; elsewhere its arguments mean nothing."""
    has_lld = platform.machine() == "x86_64"
    return tuple(pair for pair in pairs if has_lld or not pair.build.needs_lld)


def by_instructions(pair: Pair, folder: Path) -> Score:
    return score(pair, gating.gate(pair, COUNTED, folder))


def with_time(pair: Pair, folder: Path) -> Score:
    return score(pair, gating.gate(pair, TIMED, folder))


def again(pair: Pair, folder: Path) -> Score | None:
    """What was measured before, judged by today's rules; ``None`` where nothing was."""
    measured = (folder / "candidate.bundle.zip").exists()
    return score(pair, gating.judge_again(folder)) if measured else None
