from __future__ import annotations

from pathlib import Path

import pytest

from autoprof_ci.errors import DataError
from autoprof_ci.measure.perf_stacks import folded, read_stacks
from autoprof_ci.model import BINARY_DSO
from tests import golden

PROGRAM = "/stage/programs/a/acts"


def test_folded__real_recording() -> None:
    lines = (golden.GOLDEN / "perf" / "stacks.script").read_bytes().splitlines(keepends=True)
    recorded = read_stacks(lines)
    assert recorded.unreadable == 0
    golden.check(Path("perf") / "stacks.expected", folded(recorded.weights, {PROGRAM: BINARY_DSO}))


def test_folded__weights_are_relative_and_semicolons_cannot_split_a_frame() -> None:
    stacks = {PROGRAM: {b"leaf (/x)\nma;in (/x)": 3000, b"ma;in (/x)": 1000}, "/usr/bin/git": {b"other (/y)": 9000}}
    assert folded(stacks, {PROGRAM: BINARY_DSO}) == "ma:in 1\nma:in;leaf 3\n"


def test_folded__nothing_of_the_program() -> None:
    assert folded({"/usr/bin/git": {b"other (/y)": 9000}}, {PROGRAM: BINARY_DSO}) == ""


def test_read_stacks__too_many_unreadable_lines_are_fatal() -> None:
    with pytest.raises(DataError, match="11 of the 11 lines"):
        read_stacks([b"what is this\n"] * 11)
