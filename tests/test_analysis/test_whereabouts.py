"""Lines of functions against lines of a change."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from autoprof_ci.analysis import callgraph, whereabouts
from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.analysis.whereabouts import Ground, Reach
from autoprof_ci.model import (
    BINARY_DSO,
    CallEdge,
    Diff,
    Function,
    FunctionCode,
    InlinedCode,
    LineSpan,
    Reason,
    ReasonCode,
    Source,
    WorkloadInstructions,
)

FILE = "src/redact.rs"
STD = "/rustc/abc/library/core/src/str.rs"


def function(name: str) -> Function:
    return Function(name, BINARY_DSO)


def code(name: str, first: int | None, last: int | None = None, *inlined: InlinedCode, file: str | None = FILE) -> FunctionCode:
    return FunctionCode(function=function(name), file=file, line=first, end_line=last, inlined_from=inlined)


def diff(*lines: tuple[int, int], file: str = FILE, **others: tuple[LineSpan, ...]) -> Diff:
    return Diff(files={file: tuple(LineSpan(*span) for span in lines), **others})


KEYS = InlinedCode(name="keys", file="src/keys.rs", line=7, end_line=9)
IN_KEYS = Source(file="src/keys.rs", line=8, changed_here=True)


@pytest.mark.parametrize(
    ("of", "change", "expected"),
    [
        (code("f", 40, 61), diff((42, 43), (50, 50)), Source(file=FILE, line=42, changed_here=True)),
        (code("f", 40, 61), diff((1, 3), (30, 90)), Source(file=FILE, line=40, changed_here=True)),
        (code("f", 40, 61), diff((1, 39), (62, 70)), Source(file=FILE, line=40, changed_here=False)),
        (code("f", 40, 61), Diff(), Source(file=FILE, line=40, changed_here=False)),
        (code("f", 40, 61), None, Source(file=FILE, line=40)),
        (code("f", 40, 61), diff(), Source(file=FILE, line=40)),
        (code("f", 40), diff((40, 40)), Source(file=FILE, line=40, changed_here=True)),
        (code("f", 40), diff((41, 41)), Source(file=FILE, line=40, changed_here=False)),
        (code("f", 40, 2), diff((40, 40)), Source(file=FILE, line=40, changed_here=True)),
        (code("f", None), diff((41, 41)), Source(file=FILE, line=None, changed_here=False)),
        (code("f", 40, 61, KEYS), diff((8, 20), file="src/keys.rs"), IN_KEYS),
        (
            code("f", 40, 61, KEYS),
            Diff(files={"src/keys.rs": (LineSpan(8, 8),), FILE: (LineSpan(50, 50),)}),
            Source(file=FILE, line=50, changed_here=True),
        ),
        (code("f", 40, 61, KEYS), diff((10, 20), file="src/keys.rs"), Source(file=FILE, line=40, changed_here=False)),
        (code("f", 40, 61, file=STD), diff((40, 40), file=STD), None),
        (code("f", 1, 2, KEYS, file=STD), diff((9, 9), file="src/keys.rs"), replace(IN_KEYS, line=9)),
        (code("f", 40, 61, file="../x.rs"), None, None),
        (code("f", 40, 61, file="C:\\x.rs"), None, None),
        (code("f", None, None, file=None), diff((1, 1)), None),
        (None, diff((1, 1)), None),
    ],
)  # fmt: skip
def test_source_of__points_at_the_first_changed_line(
    of: FunctionCode | None, change: Diff | None, expected: Source | None
) -> None:
    assert whereabouts.source_of(of, change) == expected


def graph(*calls: tuple[str, str]) -> CallGraph:
    names = sorted({name for call in calls for name in call})
    number = {name: at for at, name in enumerate(names)}
    side = WorkloadInstructions(
        name="w",
        functions=tuple(function(name) for name in names),
        repeats=(tuple(1.0 for _ in names),),
        inclusive=tuple(1.0 for _ in names),
        calls=tuple(1.0 for _ in names),
        edges=tuple(CallEdge(caller=number[a], callee=number[b], calls=1.0, inclusive=1.0) for a, b in calls),
    )
    return callgraph.build(side, side)


# main ─► scrub ─► find ─► next ─► find;  main ─► render ─► find
CALLS = graph(("main", "scrub"), ("scrub", "find"), ("find", "next"), ("next", "find"), ("main", "render"), ("render", "draw"))
CODE = {
    each.function: each
    for each in (
        code("main", 1, 9, file="src/main.rs"),
        code("scrub", 10, 19),
        code("find", 20, 29, KEYS),
        code("next", 5, 6, file=STD),
        code("render", 30, 39, file="src/render.rs"),
        code("draw", 40, 49, file="src/render.rs"),
    )
}


def ground(change: Diff) -> Ground:
    return whereabouts.survey(CODE, change)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (diff((25, 25)), Reach.CHANGED),
        (diff((15, 15)), Reach.CHANGED),
        (diff((1, 1), file="src/main.rs"), Reach.CHANGED),
        (diff((7, 7), file="src/keys.rs"), Reach.CHANGED),
        (diff((31, 31), (45, 45), file="src/render.rs"), Reach.NOTHING),
        (diff((100, 120), file="src/render.rs"), Reach.NOTHING),
        (diff((100, 120)), Reach.CHANGED),
        (diff((100, 120), file="src/main.rs"), Reach.CHANGED),
        (diff(), Reach.CHANGED),
        (diff(file="src/main.rs"), Reach.CHANGED),
        (diff((1, 5), file="README.md"), Reach.NOTHING),
        (diff((1, 5), file="include/x.h"), Reach.CHANGED),
        (Diff(removed=("include/x.hpp",)), Reach.CHANGED),
        (Diff(), Reach.NOTHING),
    ],
)
def test_reached__looks_up_and_down(change: Diff, expected: Reach) -> None:
    assert whereabouts.reached(function("find"), CALLS, ground(change)) is expected


def test_reached__knows_when_it_does_not_know() -> None:
    elsewhere = diff((31, 31), file="src/render.rs")
    assert whereabouts.reached(function("find"), None, ground(elsewhere)) is Reach.UNKNOWN
    assert whereabouts.reached(function("find"), None, ground(diff((25, 25)))) is Reach.CHANGED
    assert whereabouts.reached(function("memcpy"), CALLS, ground(elsewhere)) is Reach.UNKNOWN
    stripped = {function("find"): code("find", 20, 29)}
    assert whereabouts.reached(function("find"), CALLS, whereabouts.survey(stripped, elsewhere)) is Reach.UNKNOWN


def test_not_reached__names_a_build_file() -> None:
    def reason(change: Diff) -> Reason | None:
        return whereabouts.not_reached(function("find"), CALLS, ground(change))

    assert reason(Diff()) == Reason(code=ReasonCode.NOT_REACHED)
    assert reason(diff((25, 25))) is None
    built = Diff(files={"crates/x/Cargo.toml": (LineSpan(1, 1),), "Cargo.lock": ()}, removed=("CMakeLists.txt",))
    assert reason(built) == Reason(code=ReasonCode.NOT_REACHED, detail="CMakeLists.txt")


@pytest.mark.parametrize(
    ("file", "is_one"),
    [
        ("Cargo.lock", True),
        ("crates/x/build.rs", True),
        (".cargo/config.toml", True),
        ("x/.cargo/config.toml", True),
        ("rust-toolchain", True),
        ("cmake/find.cmake", True),
        ("go.mod", True),
        ("src/rebuild.rs", False),
        ("config.toml", False),
        ("x.cargo/config.toml", False),
        ("docs/Makefile.md", False),
    ],
)
def test_build_files__by_their_names(file: str, is_one: bool) -> None:
    assert whereabouts.build_files(diff((1, 1), file=file)) == ((file,) if is_one else ())


def test_reached__of_a_deep_graph_takes_no_recursion() -> None:
    names = [f"f{number:05}" for number in range(20_000)]
    deep = graph(*pairwise(names))
    known = {function(name): code(name, number + 1) for number, name in enumerate(names)}
    survey = whereabouts.survey(known, diff((20_000, 20_000)))
    assert whereabouts.reached(function(names[0]), deep, survey) is Reach.CHANGED
    assert whereabouts.reached(function(names[0]), deep, whereabouts.survey(known, diff((1, 1), file="x.rs"))) is Reach.NOTHING
