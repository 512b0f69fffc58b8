"""The fixed quarter of the pairs, by instructions and machine code: what lies elsewhere, or is arranged otherwise, is green."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.pairs import catalogue
from bench.pairs.pair import Kind, Pair, PairClass, base_files, edited
from bench.pairs.regression import PERCENTS
from bench.pairs.scoring import EQUAL_TOTAL, wrong
from bench.pairs.trying import by_instructions, makeable

NOTHING_RUNS = 0.001
"""Of total instructions: what the heap's layout and the seeds of hash maps do."""


def _quarter(pair_class: PairClass) -> tuple[Pair, ...]:
    return tuple(pair for pair in makeable(catalogue.quarter()) if pair.pair_class is pair_class)


@pytest.mark.parametrize("pair", _quarter(PairClass.PLACEMENT), ids=lambda pair: pair.id)
@pytest.mark.needs("cargo", "valgrind")
@pytest.mark.slow
def test_placement__fails_nothing(pair: Pair, tmp_path: Path) -> None:
    scored = by_instructions(pair, tmp_path)
    assert abs(scored.truth.total or 0.0) < NOTHING_RUNS
    assert wrong(pair, scored) is None


@pytest.mark.parametrize("pair", _quarter(PairClass.REFACTORING), ids=lambda pair: pair.id)
@pytest.mark.needs("cargo", "valgrind")
@pytest.mark.slow
def test_refactoring__fails_nothing(pair: Pair, tmp_path: Path) -> None:
    scored = by_instructions(pair, tmp_path)
    assert abs(scored.truth.total or 0.0) < EQUAL_TOTAL
    assert wrong(pair, scored) is None


def test_pairs__are_as_many_as_promised() -> None:
    counts = {pair_class: sum(pair.pair_class is pair_class for pair in catalogue.ALL) for pair_class in PairClass}
    least = {PairClass.PLACEMENT: 40, PairClass.REFACTORING: 20, PairClass.REGRESSION: 40, PairClass.HIDDEN: 5}
    assert {name: count for name, count in counts.items() if count < least[name]} == {}
    assert len({pair.id for pair in catalogue.ALL}) == len(catalogue.ALL)


def test_pairs__every_edit_finds_its_place() -> None:
    for pair in catalogue.ALL:
        files = base_files(pair.program)
        assert edited(files, pair.edits) != files or pair.build.rustc or pair.build.folder != "here", pair.id


def test_quarter__has_every_kind_and_every_size_that_instructions_see() -> None:
    seeded = [pair for pair in catalogue.quarter() if pair.pair_class is PairClass.REGRESSION]
    assert {pair.kind for pair in seeded} == set(Kind) - {Kind.FAR_ACCESS}
    assert {pair.percent for pair in seeded} == set(PERCENTS)
