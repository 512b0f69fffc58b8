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
    assert folded(stacks, {PROGRAM: BINARY_DSO}) == "[broken];ma:in 1\n[broken];ma:in;leaf 3\n"


LIBC = "/usr/lib/libc.so.6"


@pytest.mark.parametrize(
    ("stack", "expected"),
    [
        ("_start __libc_start_main_impl __libc_start_call_main main parse", "main;parse"),
        ("__libc_start_call_main main parse", "main;parse"),
        ("main parse main", "main;parse;main"),
        ("_start _dl_start _dl_sysdep_start", "_start;_dl_start;_dl_sysdep_start"),
        ("__libc_start_main exit atexit_handler", "_start;exit;atexit_handler"),
        ("clone3 start_thread work", "start_thread;work"),
        ("__GI___clone3 start_thread work", "start_thread;work"),
        ("start_thread work", "start_thread;work"),
        ("[unknown] [unknown] main parse", "main;parse"),
        ("[unknown] [unknown] work", "[libc.so.6];work"),
        ("parse copy", "[broken];parse;copy"),
        ("runtime.goexit.abi0 main.main", "runtime.goexit.abi0;main.main"),
    ],
)
def test_folded__one_root_for_each_kind_of_thread(stack: str, expected: str) -> None:
    leaf_first = "\n".join(f"{symbol} ({LIBC})" for symbol in reversed(stack.split(" ")))
    assert folded({PROGRAM: {leaf_first.encode(): 500}}, {PROGRAM: BINARY_DSO}) == f"{expected} 1\n"


def test_folded__kernel_before_the_program_has_a_stack() -> None:
    stacks = {PROGRAM: {b"[kernel]\n[kernel]": 500}}
    assert folded(stacks, {PROGRAM: BINARY_DSO}) == "[kernel] 1\n"


def test_folded__nothing_of_the_program() -> None:
    assert folded({"/usr/bin/git": {b"other (/y)": 9000}}, {PROGRAM: BINARY_DSO}) == ""


def test_read_stacks__too_many_unreadable_lines_are_fatal() -> None:
    with pytest.raises(DataError, match="11 of the 11 lines"):
        read_stacks([b"what is this\n"] * 11)


def test_folded__periods_that_vary_are_counted_in_samples() -> None:
    lines = ["6 PERF_RECORD_COMM exec: python:6/6", "6 PERF_RECORD_FORK(7:7):(6:6)", "7 PERF_RECORD_COMM exec: acts:7/7"]
    lines.append(f"7 PERF_RECORD_MMAP2 7/7: [0x1000(0x1000) @ 0x1000 00:1b 332 1]: r-xp {PROGRAM}")
    for period, leaf in ((1, "first"), (999, "rare"), (2000, "often"), (3000, "often")):
        lines += [f"7 {period}", f"\t1 {leaf} (x)", "\t2 main (x)", ""]
    recorded = read_stacks(f"{line}\n".encode() for line in lines)
    assert recorded.period == 1500
    assert folded(recorded.weights, {PROGRAM: BINARY_DSO}, recorded.period) == "main;often 3\nmain;rare 1\n"


def test_folded__the_clock_counts_samples_also_where_no_stack_was_seen_once() -> None:
    twice = {PROGRAM: {b"a (x)\nmain (x)": 2_000_000, b"b (x)\nmain (x)": 4_000_000}}
    assert folded(twice, {PROGRAM: BINARY_DSO}, 1_000_000) == "main;a 2\nmain;b 4\n"
