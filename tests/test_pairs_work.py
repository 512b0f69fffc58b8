"""The fixed quarter of the pairs, by instructions and machine code: more work is found, and blamed on who does it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.pairs import catalogue
from bench.pairs.pair import Pair, PairClass
from bench.pairs.scoring import wrong
from bench.pairs.trying import by_instructions, makeable

pytestmark = [pytest.mark.needs("cargo", "valgrind"), pytest.mark.slow]


def _quarter(pair_class: PairClass) -> tuple[Pair, ...]:
    return tuple(pair for pair in makeable(catalogue.quarter()) if pair.pair_class is pair_class)


@pytest.mark.parametrize("pair", _quarter(PairClass.REGRESSION), ids=lambda pair: pair.id)
def test_regression__is_found_and_rightly_named(pair: Pair, tmp_path: Path) -> None:
    assert wrong(pair, by_instructions(pair, tmp_path)) is None


@pytest.mark.parametrize("pair", _quarter(PairClass.HIDDEN), ids=lambda pair: pair.id)
def test_refactoring_that_does_more_work__hides_nothing(pair: Pair, tmp_path: Path) -> None:
    assert wrong(pair, by_instructions(pair, tmp_path)) is None
