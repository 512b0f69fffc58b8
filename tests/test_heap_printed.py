"""The sums out of heaptrack_print's text."""

from __future__ import annotations

import pytest

from autoprof_ci.measure.heap_printed import Heap, read_printed

PRINTED = """\
reading file "heap.zst" - please wait, this might take some time...
Debuggee command was: ./a
finished reading file, now analyzing data:

total runtime: 1.097000s.
calls to allocation functions: 62507 (56979/s)
temporary memory allocations: 5888 (5367/s)
peak heap memory consumption: 4.39M
peak RSS (including heaptrack overhead): 11.20M
total memory leaked: 747.12K
"""


def test_read_printed__the_four_sums() -> None:
    assert read_printed(PRINTED) == Heap(allocations=62507, temporary=5888, peak_bytes=4_390_000, leaked_bytes=747_120)


@pytest.mark.parametrize(("said", "held"), [("0B", 0), ("72B", 72), ("1.5G", 1_500_000_000), ("-12B", 0)])
def test_read_printed__units(said: str, held: int) -> None:
    heap = read_printed(PRINTED.replace("747.12K", said))
    assert heap is not None
    assert heap.leaked_bytes == held


@pytest.mark.parametrize("text", ["", PRINTED[:300], PRINTED.replace("62507", "0"), PRINTED.replace("4.39M", "much")])
def test_read_printed__nothing_was_recorded(text: str) -> None:
    assert read_printed(text) is None
