"""Samples inside of windows, events anywhere; lines as perf prints them."""

from __future__ import annotations

from autoprof_ci.measure.perf_script import read_lines, self_weights
from autoprof_ci.measure.perf_stacks import folded, read_stacks
from autoprof_ci.measure.perf_windows import inside
from autoprof_ci.model import BINARY_DSO, Function

EVENTS = [
    b" 8488  1372.230873553: PERF_RECORD_COMM exec: python:8488/8488\n",
    b" 8488  1372.231623109: PERF_RECORD_FORK(8493:8493):(8488:8488)\n",
    b" 8493  1372.239408059: PERF_RECORD_COMM exec: served:8493/8493\n",
    b" 8493  1372.239444578: PERF_RECORD_MMAP2 8493/8493: [0x556e4c71c000(0x1000) @ 0x1000 fe:00 1 2]: r-xp /p/served\n",
]
AT = (1372.25, 1372.254, 1372.26, 1372.264, 1372.27)
WINDOWS = ((1372.252, 1372.26), (1372.264, 1372.265))


def sample(at_s: float, symbol: str) -> bytes:
    return f" 8493  {at_s:.9f}:     500250      556e4c71c2c4 {symbol} (/p/served)\n".encode()


def stack(at_s: float, leaf: str) -> list[bytes]:
    frames = [f"\t          c71{i} {symbol} (/p/served)\n".encode() for i, symbol in enumerate((leaf, "main"))]
    return [f" 8493  {at_s:.9f}:     500250 \n".encode(), *frames, b"\n"]


def test_inside__samples_of_the_windows_in_a_process_begun_before() -> None:
    lines = [*EVENTS, *(sample(at_s, f"at{number}") for number, at_s in enumerate(AT))]
    recorded = read_lines(inside(lines, WINDOWS))
    assert self_weights(recorded, {"/p/served": BINARY_DSO}) == {
        Function("at1", BINARY_DSO): 500250,  # an end is outside, a beginning inside
        Function("at3", BINARY_DSO): 500250,
    }
    assert (recorded.samples, recorded.unreadable) == (2, 0)


def test_inside__whole_stacks() -> None:
    lines = [*EVENTS, *(line for number, at_s in enumerate(AT) for line in stack(at_s, f"at{number}"))]
    recorded = read_stacks(inside(lines, WINDOWS))
    assert folded(recorded.weights, {"/p/served": BINARY_DSO}) == "main;at1 1\nmain;at3 1\n"
    assert recorded.unreadable == 0


def test_inside__what_cannot_be_read_is_still_seen() -> None:
    assert list(inside([b"Warning: something\n", sample(AT[0], "a"), b"\n"], WINDOWS)) == [b"Warning: something\n"]
