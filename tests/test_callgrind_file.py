"""Reading callgrind's format: by hand-made lines for the grammar, by real recordings for the numbers."""

from __future__ import annotations

import re
import subprocess
import time
from collections import defaultdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoprof_ci.errors import DataError
from autoprof_ci.measure.callgrind_file import CallgrindEdge, CallgrindFunction, ProcessCosts, read_callgrind
from tests.golden import GOLDEN

RECORDINGS = sorted((GOLDEN / "callgrind").glob("*/*.out"))
PLAIN = [path for path in RECORDINGS if "part: 2" not in path.read_text() and "calls=0" not in path.read_text()]
"""Those callgrind_annotate reads as well: it skips what it calls malformed in a second part, and takes `calls=0` for no call."""

COMPRESSED = """\
# callgrind format
version: 1
creator: hand
pid: 42
cmd:  /p/tool --fast
part: 1
desc: Trigger: Program termination
positions: line
events: Ir
summary: 60

ob=(1) /p/tool
fl=(1) tool.c
fn=(1) main
10 4
cfn=(2) fib
calls=1 +5
* 30
cob=(2) /lib/libc.so.6
cfi=(2) malloc.c
cfn=(3) malloc
calls=2 7
* 20
+2 1
fi=(3) inline.h
-3 1
fe=(1)
* 1

fn=(2)
15 6
jcnd=3/10 +4
*
jump=7 -2
*
cfn=(4) fib'2
calls=3 *
* 24

fn=(4)
15 20
cfn=(4)
calls=5 *
* 40

ob=(2)
fl=(2)
fn=(3)
7 27

totals: 60
"""


def read(text: str) -> ProcessCosts:
    return read_callgrind(text.encode(), "sample")


def test_read_callgrind__compressed_names_and_positions() -> None:
    tool, libc = "/p/tool", "/lib/libc.so.6"
    assert read(COMPRESSED) == ProcessCosts(
        command="/p/tool --fast",
        pid=42,
        functions=(
            CallgrindFunction("main", tool, 1),
            CallgrindFunction("fib", tool, 1),
            CallgrindFunction("malloc", libc, 1),
            CallgrindFunction("fib", tool, 2),
        ),
        self_costs=(7, 6, 27, 20),
        edges=(
            CallgrindEdge(0, 1, 1, 30),
            CallgrindEdge(0, 2, 2, 20),
            CallgrindEdge(1, 3, 3, 24),
            CallgrindEdge(3, 3, 5, 40),
        ),
        total=60,
        parts=1,
        unreadable_lines=0,
    )


def test_read_callgrind__lines_belong_to_the_file_that_was_inlined() -> None:
    text = """\
positions: line
events: Ir
ob=(1) /p/tool
fl=(1) /src/main.rs
fn=(1) main
10 3
fi=(2) /src/redact.rs
42 100
43 7
cfi=(3) /src/deep/leaf.rs
cfn=(2) leaf
calls=1 5
43 11
fe=(1)
11 1
10 2

fl=(3)
fn=(2)
5 11

totals: 124
"""
    read_ = read(text)
    assert read_.line_costs == {
        (0, "/src/main.rs"): {10: 5, 11: 1},
        (0, "/src/redact.rs"): {42: 100, 43: 7},
        (1, "/src/deep/leaf.rs"): {5: 11},
    }
    assert (read_.self_costs, read_.unreadable_lines) == ((113, 11), 0)


def test_read_callgrind__relative_lines_are_nobodys() -> None:
    text = "positions: line\nevents: Ir\nfl=(1) a.c\nfn=(1) main\n10 3\n+1 4\n\ntotals: 7\n"
    assert (read(text).line_costs, read(text).self_costs) == ({}, (7,))


def test_read_callgrind__plain_names_two_positions_several_events_missing_zeros() -> None:
    text = """\
positions: instr line
events: Dr Ir Dw
fn=main
0x10 3 1 5 2
+4 +1 0 7
* * 9
0x20 9 0 0x1f
cfn=leaf
calls=1 0x40 8
0x24 9 1 11

fn=leaf
0x40 8 0 11

totals: 10 54 2
"""
    assert read(text) == ProcessCosts(
        command="",
        pid=None,
        functions=(CallgrindFunction("main", "???", 1), CallgrindFunction("leaf", "???", 1)),
        self_costs=(43, 11),
        edges=(CallgrindEdge(0, 1, 1, 11),),
        total=54,
        parts=1,
        unreadable_lines=0,
    )


def test_read_callgrind__parts_are_summed_and_share_their_names() -> None:
    part = "events: Ir\nob=(1) /p/x\nfn=(1) work\n1 5\n\ntotals: 5\npart: 2\nevents: Ir\nob=(1)\nfn=(1)\n1 6\n\ntotals: 6\n"
    result = read(part)
    assert (result.functions, result.self_costs, result.total, result.parts) == ((("work", "/p/x", 1),), (11,), 11, 2)


def test_read_callgrind__same_name_in_two_objects_stays_apart() -> None:
    result = read("events: Ir\nob=a\nfn=init\n1 5\nob=b\nfn=init\n1 6\ntotals: 11\n")
    assert dict(zip(result.functions, result.self_costs, strict=True)) == {("init", "a", 1): 5, ("init", "b", 1): 6}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is empty"),
        ("hello\n", "is not a file of callgrind"),
        ("events: Cycles\nfn=a\n1 5\ntotals: 5\n", "counts Cycles, not instructions"),
        (COMPRESSED[: COMPRESSED.index("totals")], "is cut off"),
        (COMPRESSED[: COMPRESSED.index("fn=(4)\n15")], "is cut off"),
        (COMPRESSED + "* 5\n", "is cut off"),
        (COMPRESSED.replace("7 27", "7 26"), "adds up to 59 instructions where it says 60"),
        (COMPRESSED.replace("totals: 60", "totals: x"), "adds up to 60 instructions where it says x"),
        (COMPRESSED.replace("7 27", "7 -27"), "adds up to"),
        (COMPRESSED.replace("7 27", "7 " + "9" * 5000), "adds up to 33 instructions"),
        (COMPRESSED + "nonsense\n" * 11, "not in callgrind's format, such as 'nonsense'"),
    ],
)
def test_read_callgrind__unusable_file(text: str, complaint: str) -> None:
    with pytest.raises(DataError) as caught:
        read(text)
    assert complaint in caught.value.what
    assert caught.value.next_step


@pytest.mark.parametrize("line", ["nonsense", "-----", "fn=(99)", "calls=x 1\n+1 5", "later: news"])
def test_read_callgrind__a_few_unreadable_lines_are_counted(line: str) -> None:
    assert read(COMPRESSED.replace("\ntotals", f"\n{line}\ntotals")).unreadable_lines == 1


def test_read_callgrind__cost_before_any_function() -> None:
    result = read("events: Ir\n5 3\nfn=a\n1 5\ntotals: 5\n")
    assert (result.unreadable_lines, result.total) == (1, 5)


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_read_callgrind__recordings_are_read_whole(path: Path) -> None:
    text = path.read_text()
    result = read_callgrind(text.encode(), path.name)
    totals = [int(total) for total in re.findall(r"^totals: (\d+)", text, re.MULTILINE)]
    assert (result.total, result.parts, result.unreadable_lines) == (sum(totals), len(totals), 0)


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("path", PLAIN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_read_callgrind__agrees_with_callgrind_annotate(path: Path) -> None:
    printed = subprocess.run(
        ("callgrind_annotate", "--threshold=100", "--auto=no", "--show=Ir", str(path)), capture_output=True, text=True, check=True
    ).stdout
    # 2,563 (90.85%)  ???:fib'2 [/tmp/sample/recursion]
    lines = re.findall(r"^ *([\d,]+) \([ \d.]+%\)  (?:\S+:)(\S+)", printed, re.MULTILINE)
    theirs: defaultdict[str, int] = defaultdict(int)
    for cost, name in lines:
        theirs[name] += int(cost.replace(",", ""))
    result = read_callgrind(path.read_bytes(), path.name)
    ours: defaultdict[str, int] = defaultdict(int)
    for function, cost in zip(result.functions, result.self_costs, strict=True):
        ours[function.name if function.level == 1 else f"{function.name}'{function.level}"] += cost
    assert theirs and {name: cost for name, cost in ours.items() if name in theirs} == dict(theirs)
    assert sum(theirs.values()) >= 0.95 * result.total


def test_read_callgrind__twenty_megabytes_in_seconds() -> None:
    block = "".join(f"fn=({i})\n" + "16 3\n+2 117\n-1 5\n* 2\n" * 200 for i in range(2, 2000))
    block += "fn=(1) main\n1 1\n"
    names = "".join(f"fn=({i}) name{i}\n0 0\n" for i in range(2, 2000))
    text = f"events: Ir\n{names}{block}totals: {1998 * 200 * 127 + 1}\n".encode()
    begun = time.process_time()
    result = read_callgrind(text, "large")
    taken_s = time.process_time() - begun
    assert result.total == 1998 * 200 * 127 + 1
    assert len(text) / taken_s > 3e6, f"{len(text) / taken_s / 1e6:.1f} MB/s"


@given(st.lists(st.tuples(st.integers(0, len(COMPRESSED)), st.text(alphabet="()=:*+-'0x123 \nfncals", max_size=6)), max_size=8))
@settings(max_examples=300, deadline=None)
def test_read_callgrind__damaged_anywhere(damage: list[tuple[int, str]]) -> None:
    """Costs that add up, or a `DataError`; never anything else."""
    text = COMPRESSED
    for position, inserted in damage:
        text = text[:position] + inserted + text[position + len(inserted) :]
    try:
        result = read(text)
    except DataError:
        return
    assert sum(result.self_costs) == result.total


WINDOW = """# callgrind format
version: 1
cmd:  ./served
part: 1
desc: Trigger: --dump-before=fork
events: Ir
ob=(1) /bin/served
fl=(1) served.c
fn=(1) startup
1 500
cfn=(2) answer
calls=3 9
* 30
fn=(2)
9 30
totals: 530
part: 2
desc: Trigger: dump autoprof-window-begins
events: Ir
fn=(1)
1 70
totals: 70
part: 3
desc: Trigger: --dump-before=fork
events: Ir
fn=(2)
9 20
totals: 20
part: 4
desc: Trigger: dump autoprof-window-ends
events: Ir
fn=(3) loop
4 5
cfn=(2)
calls=2 9
* 20
totals: 5
part: 5
desc: Trigger: Program termination
events: Ir
fn=(4) shutdown
1 900
"""


def test_read__a_window_between_two_parts() -> None:
    """Names of left-out parts are recalled by later ones; what follows the window need not even be whole."""
    costs = read(WINDOW)
    own = {function.name: cost for function, cost in zip(costs.functions, costs.self_costs, strict=True)}
    assert own == {"startup": 0, "answer": 20, "loop": 5}
    assert [(costs.functions[edge.caller].name, edge.calls, edge.inclusive) for edge in costs.edges] == [("loop", 2, 20)]
    assert (costs.total, costs.parts) == (25, 3)
    answer = next(index for index, function in enumerate(costs.functions) if function.name == "answer")
    assert costs.line_costs[answer, "served.c"] == {9: 20}


def test_read__a_window_that_is_still_open() -> None:
    """Of a process that ended in it."""
    text = WINDOW[: WINDOW.index("part: 4")]
    costs = read(text)
    assert (costs.total, sum(costs.self_costs)) == (20, 20)
