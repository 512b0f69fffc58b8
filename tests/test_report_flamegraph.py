"""Flamegraphs: the tree, the layout, and the picture in a real browser."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from autoprof_ci.report import flamegraph
from autoprof_ci.report.flame_layout import LARGEST_BYTES, WIDTH, Box, View, layout
from autoprof_ci.report.stack_tree import StackTree, grow
from tests import factories_report as made

SVG = "{http://www.w3.org/2000/svg}"


def _tree(baseline: str, candidate: str) -> StackTree:
    return grow({"w": baseline}, {"w": candidate})


def _by_name(boxes: tuple[Box, ...]) -> dict[str, tuple[int, float, float]]:
    return {box.name: (box.depth, round(box.x, 3), round(box.width, 3)) for box in boxes}


def test_grow__shares_of_both_sides() -> None:
    tree = _tree("main;a 30\nmain;b 10\n", "main;a 10\nmain;b 10\nmain;c;d 20\n")
    main = tree.root.children["main"]
    assert (tree.baseline_total, tree.candidate_total) == (40, 40)
    assert {name: (frame.baseline, frame.candidate) for name, frame in main.children.items()} == {
        "a": (30, 10), "b": (10, 10), "c": (0, 20),
    }  # fmt: skip


def test_grow__unreadable_lines_are_counted() -> None:
    tree = _tree("main;a 3\nmain\nmain;a x\nmain;a -1\nmain;a nan\nmain;a inf\n\n# comment 3\n", "")
    assert (tree.baseline_total, tree.unreadable) == (3, 5)


def test_grow__names_with_blanks_and_escaped_semicolons() -> None:
    tree = _tree("main;<A as B>::c;operator\\;x 3\n", "")
    assert list(tree.root.children["main"].children["<A as B>::c"].children) == ["operator;x"]


def test_grow__workloads_are_equally_wide_on_both_sides_and_keep_their_samples() -> None:
    tree = grow({"x": "m 10\n", "y": "m 10\n"}, {"x": "m 300\n", "y": "m 100\n"})
    assert {name: (frame.baseline, frame.candidate, frame.baseline_samples) for name, frame in tree.root.children.items()} == {
        "x": (300, 300, 10),
        "y": (100, 100, 10),
    }


def test_layout__alphabetical_and_as_wide_as_the_share() -> None:
    tree = _tree("", "main;b 10\nmain;a 30\n")
    assert _by_name(layout(tree, View.CANDIDATE).boxes) == {
        "all": (0, 0, WIDTH), "main": (1, 0, WIDTH), "a": (2, 0, WIDTH * 0.75), "b": (2, WIDTH * 0.75, WIDTH * 0.25),
    }  # fmt: skip


def test_layout__difference_shows_what_vanished_apart() -> None:
    tree = _tree("main;a 30\nmain;old;deep 10\n", "main;a 10\nmain;new 10\n")
    placed = layout(tree, View.DIFFERENCE)
    assert _by_name(placed.boxes).keys() == {"all", "main", "a", "new"}
    assert _by_name(placed.gone) == {"old": (0, 0, WIDTH / 4), "deep": (1, 0, WIDTH / 4)}
    assert all(box.gone for box in placed.gone)


def test_layout__narrow_frames_are_left_out_and_counted() -> None:
    stacks = "".join(f"main;f{i} 1\n" for i in range(100)) + "main;hot 10000000\n"
    placed = layout(_tree("", stacks), View.CANDIDATE)
    assert set(_by_name(placed.boxes)) == {"all", "main", "hot"}
    assert placed.left_out == 100


@pytest.mark.parametrize("depth", [10, 20_000])
def test_layout__deep_stacks(depth: int) -> None:
    placed = layout(_tree("", ";".join(f"f{i}" for i in range(depth)) + " 1\n"), View.CANDIDATE)
    assert placed.boxes[0].name == "all"
    assert placed.boxes[-1].depth == len(placed.boxes) - 1
    assert len(placed.boxes) + placed.left_out == depth + 1
    assert depth > 10 or placed.left_out == 0


def test_svg__stays_below_its_size() -> None:
    stacks = "".join(f"main;{'module::' * 9}f{i % 97};{'crate::' * 9}g{i};leaf{i % 13} {1 + i % 7}\n" for i in range(30_000))
    picture = flamegraph.of_tree(_tree(stacks, stacks.replace("leaf3", "leaf99")))
    assert set(picture) == {"baseline", "candidate", "difference"}
    for svg in picture.values():
        assert len(svg.encode()) <= LARGEST_BYTES * 1.05
        assert "too narrow to show" in svg


def test_svg__is_xml_with_every_name_escaped() -> None:
    stacks = "".join(f"main;{text.replace(';', '').splitlines()[0] if text else 'x'} 10\n" for text in made.HOSTILE_NAMES)
    for svg in flamegraph.of_tree(_tree(stacks, stacks)).values():
        root = ElementTree.fromstring(svg)
        assert [element.tag for element in root.iter(f"{SVG}script")] == [f"{SVG}script"]
        assert {element.tag for element in root.iter()} <= {
            SVG + tag for tag in ("svg", "style", "defs", "pattern", "rect", "line", "text", "g", "title", "script")
        }
        titles = [element.text for element in root.iter(f"{SVG}title")]
        assert any("<script>alert(1)</script>" in (title or "") for title in titles)


def test_svg__without_stacks_there_is_none() -> None:
    assert flamegraph.of_tree(_tree("", "")) == {}
    assert set(flamegraph.of_tree(_tree("", "a 1\n"))) == {"candidate"}


def test_svg__a_scripts_end_in_a_name_does_not_end_the_script() -> None:
    svg = flamegraph.of_tree(_tree("", "main;]]></script><script>alert(1) 3\n"))["candidate"]
    assert svg.count("<script") == 1
    assert svg.count("]]>") == 1


def _box(baseline: float, candidate: float, *, gone: bool = False) -> Box:
    samples = {"baseline_samples": baseline * 2_000, "candidate_samples": candidate * 10_000}
    return Box(name="f", depth=1, x=0, width=1, baseline=baseline, candidate=candidate, gone=gone, **samples)


@pytest.mark.parametrize(
    ("box", "view", "says"),
    [
        (_box(0.1, 0.2), View.BASELINE, "f: 10 %, 200 samples"),
        (_box(0.1, 0.2), View.CANDIDATE, "f: 20 %, 2,000 samples"),
        (_box(0.1, 0.0001), View.CANDIDATE, "f: 0.01 %, 1 sample"),
        (_box(0.1, 0.156), View.DIFFERENCE, "f: 10 % → 16 % (+5.6 points), 200 → 1,560 samples"),
        (_box(0.156, 0.1), View.DIFFERENCE, "f: 16 % → 10 % (−5.6 points), 312 → 1,000 samples"),
        (_box(0.1, 0.1), View.DIFFERENCE, "f: 10 % → 10 %, 200 → 1,000 samples"),
        (_box(0.0, 0.1), View.DIFFERENCE, "f: new, 10 %, 1,000 samples"),
        (_box(0.1, 0.0, gone=True), View.DIFFERENCE, "f: gone, was 10 %, 200 samples"),
    ],
)
def test_tooltip__shares_and_samples(box: Box, view: View, says: str) -> None:
    assert flamegraph.tooltip(box, view) == says


def _fills(svg: str) -> dict[str, str]:
    pairs = re.findall(r'<title>(.*?): [^<]*</title><rect [^>]*fill="([^"]+)"', svg)
    return dict(pairs)


def test_svg__red_grew_blue_shrank_hatched_is_gone() -> None:
    fills = _fills(
        flamegraph.of_tree(_tree("m;up 10\nm;down 40\nm;same 30\nm;old 20\n", "m;up 40\nm;down 15\nm;same 30\nm;fresh 15\n"))[
            "difference"
        ]
    )

    def channels(name: str) -> tuple[int, int, int]:
        return int(fills[name][1:3], 16), int(fills[name][3:5], 16), int(fills[name][5:7], 16)

    assert channels("up")[0] > channels("up")[2]
    assert channels("fresh")[0] > channels("fresh")[2]
    assert channels("down")[2] > channels("down")[0]
    assert fills["same"] == fills["m"] == "#eeeeee"
    assert fills["old"] == "url(#gone)"


def test_svg__difference_of_equal_programs_is_neutral() -> None:
    stacks = "m;a 300\nm;b;c 700\n"
    assert set(_fills(flamegraph.of_tree(_tree(stacks, stacks))["difference"]).values()) == {"#eeeeee"}


def test_svg__difference_of_equal_programs_sampled_anew_is_neutral_too() -> None:
    fills = _fills(flamegraph.of_tree(_tree("m;a 300\nm;b;c 700\n", "m;a 330\nm;b;c 670\n"))["difference"])
    assert set(fills.values()) == {"#eeeeee"}


def test_svg__a_small_change_beyond_chance_is_pale() -> None:
    fills = _fills(flamegraph.of_tree(_tree("m;a 10000\nm;b 990000\n", "m;a 11000\nm;b 989000\n"))["difference"])
    assert fills["m"] == "#eeeeee"
    assert int(fills["a"][3:5], 16) > 180 > 44


def test_svg__same_name_same_colour_on_both_sides() -> None:
    made_of = flamegraph.of_tree(_tree("m;a 10\nm;b 20\n", "m;a 30\n"))
    assert _fills(made_of["baseline"])["a"] == _fills(made_of["candidate"])["a"]


@pytest.mark.parametrize(
    ("stack", "frames"),
    [
        ("_start;__libc_start_main;__libc_start_call_main;main;work", ["main", "work"]),
        ("main;std::rt::lang_start_internal;std::rt::lang_start::{closure};a::main;a::run", ["a::main", "a::run"]),
        ("clone3;start_thread;std::sys::backtrace::__rust_begin_short_backtrace;a::b", ["a::b"]),
        ("[unknown];a::b;[unknown]", ["a::b", "[unknown]"]),
        ("_start;_dl_start", ["_dl_start"]),
        ("_start", ["_start"]),
    ],
)
def test_grow__begins_where_the_program_does(stack: str, frames: list[str]) -> None:
    node = grow({}, {"w": f"{stack} 3\n"}).root
    found = []
    while node.children:
        (node,) = node.children.values()
        found.append(node.name)
    assert found == frames
