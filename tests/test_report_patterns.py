"""What stands out in stacks and counts: each kind of pattern on stacks made by hand."""

from __future__ import annotations

import pytest

from autoprof_ci.model import BINARY_DSO, CallEdge, Function, WorkloadInstructions
from autoprof_ci.report import call_patterns, stack_patterns
from autoprof_ci.report.call_patterns import Called
from autoprof_ci.report.chains import Segment, fold
from autoprof_ci.report.chance import by_chance
from autoprof_ci.report.stack_patterns import Repeated, Shares, Tall, Weighed, Wide
from autoprof_ci.report.stack_tree import grow


def _alone(candidate: str) -> Weighed:
    return Weighed(grow({}, {"w": candidate}))


def _both(baseline: str, candidate: str) -> Weighed:
    return Weighed(grow({"w": baseline}, {"w": candidate}))


def _once(*names: str) -> tuple[Segment, ...]:
    return tuple(Segment(frames=(name,)) for name in names)


@pytest.mark.parametrize(
    ("path", "segments"),
    [
        ("", ()),
        ("a;b;c", _once("a", "b", "c")),
        ("a;b;b;b;b;c", (*_once("a"), Segment(frames=("b",), times=4), *_once("c"))),
        ("a;x;y;x;y;x;y;c", (*_once("a"), Segment(frames=("x", "y"), times=3), *_once("c"))),
        ("x;y;x;c", _once("x", "y", "x", "c")),
        ("b;b;c;b;b;c", (Segment(frames=("b", "b", "c"), times=2),)),
        ("a;a;a;a", (Segment(frames=("a",), times=4),)),
    ],
)
def test_fold__repeats_in_a_row(path: str, segments: tuple[Segment, ...]) -> None:
    assert fold(path.split(";") if path else []) == segments


def test_fold__thousands_of_frames() -> None:
    assert fold(["a", *["b"] * 20_000, "c"]) == (*_once("a"), Segment(frames=("b",), times=20_000), *_once("c"))


def test_wide_by_itself__sums_all_places_without_a_baseline() -> None:
    tree = _alone("m;a;x 200\nm;b;x 200\nm;b 100\nm;c 490\nm;d 10\n")
    assert stack_patterns.wide_by_itself(tree, 9) == (
        Wide(name="c", own=Shares(candidate=0.49), whole=Shares(candidate=0.49)),
        Wide(name="x", own=Shares(candidate=0.4), whole=Shares(candidate=0.4)),
        Wide(name="b", own=Shares(candidate=0.1), whole=Shares(candidate=0.3)),
    )
    assert [one.name for one in stack_patterns.wide_by_itself(tree, 1)] == ["c"]


def test_wide_by_itself__says_what_moved_beyond_chance() -> None:
    tree = _both("m;a 100\nm;b 500\nm;c 400\n", "m;a 300\nm;b 310\nm;c 390\n")
    assert [(one.name, one.own) for one in stack_patterns.wide_by_itself(tree, 9)] == [
        ("c", Shares(candidate=0.39, baseline=0.4)),
        ("b", Shares(candidate=0.31, baseline=0.5, moved=True)),
        ("a", Shares(candidate=0.3, baseline=0.1, moved=True)),
    ]


def test_wide_with_callees__recursion_counts_once_and_who_only_hands_on_is_left_out() -> None:
    tree = _alone("m;run;r;r;r;x 300\nm;run;r;y 300\nm;run;z 350\nm;other 50\n")
    assert stack_patterns.wide_with_callees(tree, 9) == (
        Wide(name="run", own=Shares(candidate=0.0), whole=Shares(candidate=0.95)),
        Wide(name="r", own=Shares(candidate=0.0), whole=Shares(candidate=0.6)),
    )


def test_wide_with_callees__what_is_the_whole_program_is_no_news() -> None:
    assert stack_patterns.wide_with_callees(_alone("m;run;x 300\nm;run;y 300\n"), 9) == ()


def test_wide_with_callees__unknown_frames_are_no_functions() -> None:
    assert stack_patterns.wide_with_callees(_alone("[broken];x 50\n[broken];y 50\n"), 9) == ()


def test_tall__deepest_with_recursion_folded() -> None:
    tree = _both("m;a;b;c 1000\n", "m;a;b;b;b;b;c;d;e 500\nm;x 490\nm;p;q;r;s;t;u;v;w 4\nm;q;y 6\n")
    assert stack_patterns.tall(tree, 1) == (
        Tall(
            path=("m", "a", "b", "b", "b", "b", "c", "d", "e"),
            segments=(*_once("m", "a"), Segment(frames=("b",), times=4), *_once("c", "d", "e")),
            share=Shares(candidate=0.5, baseline=0.0, moved=True),
            baseline_levels=4,
        ),
    )


def test_tall__then_the_one_that_recurs_most_and_none_twice() -> None:
    deep = ";".join(f"f{i}" for i in range(12))
    tree = _alone(f"m;{deep};x 100\nm;{deep};y 100\nm;walk;walk;walk;leaf 100\n")
    chosen = stack_patterns.tall(tree, 3)
    assert [(one.path[-1], one.levels) for one in chosen] == [("x", 14), ("leaf", 3)]


def test_tall__what_recurs_without_being_in_a_row() -> None:
    (one,) = stack_patterns.tall(_alone("m;visit;a;visit;b;visit;c 100\n"), 3)
    assert (one.levels, one.recurring) == (7, ("visit", 3))


def test_repeated__the_same_subtree_under_many_parents() -> None:
    tree = _both(
        "m;a;alloc;bins 50\nm;b;alloc;bins 50\nm;x 900\n",
        "m;a;alloc;bins 60\nm;b;alloc;bins 70\nm;b;alloc;big 20\nm;c;alloc 30\nm;d;alloc;bins 20\nm;x 800\n",
    )
    assert stack_patterns.repeated(tree, 9) == (
        Repeated(
            name="alloc",
            callees=("bins", "big"),
            callers=("b", "a", "c", "d"),
            share=Shares(candidate=0.2, baseline=0.1, moved=True),
            baseline_callers=2,
        ),
    )


@pytest.mark.parametrize(
    "stacks",
    ["m;a;f 500\nm;b;f 500\n", "m;a;f 900\nm;b;f 50\nm;c;f 50\n", "m;a;f 6\nm;b;f 6\nm;c;f 6\nm;x 982\n"],
    ids=["two-callers", "nearly-all-in-one-place", "small"],
)
def test_repeated__not_these(stacks: str) -> None:
    assert stack_patterns.repeated(_alone(stacks), 9) == ()


def test_by_chance__three_standard_errors_of_a_difference() -> None:
    assert by_chance(0.5, 0.5, 1000, 1000) == pytest.approx(3 * (0.25 * 2 / 1000) ** 0.5)
    assert by_chance(0.1, 0.2, 1000, 500) == by_chance(0.2, 0.1, 500, 1000)
    assert by_chance(0.1, 0.2, 0, 500) == 0.0
    assert by_chance(0.0, 0.0, 10, 10) == by_chance(1.0, 1.0, 10, 10) == 0.0


_NAMES = ("main", "run", "compile", "parse", "free")


def _counted(calls: dict[str, float], edges: tuple[tuple[str, str, float, float], ...]) -> WorkloadInstructions:
    inclusive = {"main": 1000.0, "run": 980.0, "compile": 600.0, "parse": 500.0, "free": 30.0}
    return WorkloadInstructions(
        name="w",
        functions=tuple(Function(name, "libc.so.6" if name == "free" else BINARY_DSO) for name in _NAMES),
        repeats=(tuple(200.0 for _ in _NAMES),),
        inclusive=tuple(inclusive[name] for name in _NAMES),
        calls=tuple(calls.get(name, 0.0) for name in _NAMES),
        edges=tuple(
            CallEdge(caller=_NAMES.index(caller), callee=_NAMES.index(callee), calls=times, inclusive=cost)
            for caller, callee, times, cost in edges
        ),
    )


CANDIDATE = _counted(
    {"main": 1, "run": 1, "compile": 1183, "parse": 1183, "free": 4000},
    (
        ("main", "run", 1, 980), ("run", "compile", 1180, 590), ("main", "compile", 3, 10), ("compile", "compile", 7, 1),
        ("compile", "parse", 1183, 500), ("parse", "free", 4000, 30),
    ),
)  # fmt: skip
BASELINE = _counted({"main": 1, "run": 1, "compile": 30, "parse": 30, "free": 3900}, ())


def test_called_again__counts_and_places_without_what_follows_one_to_one() -> None:
    compiler = Function("compile", BINARY_DSO)
    assert call_patterns.called_again(CANDIDATE, BASELINE, 9) == (
        Called(function=compiler, calls=1183, places=2, baseline_calls=30, share=0.6, each=600 / 1183),
        Called(function=Function("free", "libc.so.6"), calls=4000, places=1, baseline_calls=3900, share=0.03, each=30 / 4000),
    )
    assert [one.moved for one in call_patterns.called_again(CANDIDATE, BASELINE, 9)] == [True, False]


def test_called__without_a_baseline_nothing_is_known_of_it() -> None:
    every = call_patterns.called(CANDIDATE, None)
    assert {function.name: (one.calls, one.places, one.baseline_calls, one.moved) for function, one in every.items()} == {
        "main": (1, 0, None, False), "run": (1, 1, None, False), "compile": (1183, 2, None, False),
        "parse": (1183, 1, None, False), "free": (4000, 1, None, False),
    }  # fmt: skip
