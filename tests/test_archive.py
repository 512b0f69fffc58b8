"""The archive's pure part: names, descriptions, stacks, notes, trends, and flamegraphs that other tools drew."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from pathlib import Path

import msgspec
import pytest

from autoprof_ci.archive import facts, foreign_svg, names, notes, stacks, trends
from autoprof_ci.archive.facts import Facts, Sampling
from autoprof_ci.archive.names import Entry, Kind
from autoprof_ci.archive.stacks import Cost
from autoprof_ci.archive.trends import Dated
from autoprof_ci.errors import DataError
from autoprof_ci.model import Group
from autoprof_ci.report import reading
from tests import golden

FOREIGN = Path(__file__).parent / "golden/archive"
WHEN = datetime(2026, 11, 29, 8, 14, 45)
RUN = Facts(
    tool_version="0.1.0",
    started_at="2026-11-29T08:14:45+01:00",
    command=("target/release/autopilot", "run", "Fix the `bug` in a|b"),
    wall_s=12.34,
    user_s=1.9,
    system_s=0.2,
    exit_code=0,
    peak_bytes=61_000_000,
    commit="1a2b3c4d5e6f" + "0" * 28,
    branch="topic_1",
    is_dirty=True,
    sampling=Sampling(event="cpu-clock", frequency_hz=499, samples=1046, lost=0, kernel_seen=True, is_cut_off=False),
)
STACKS = (
    (("autopilot", "main", "parse"), 50.0),
    (("autopilot", "main", "walk", "walk", "walk"), 20.0),
    (("autopilot", "main", "walk", "parse"), 10.0),
    (("git", "main"), 20.0),
)


def test_names__files_of_one_run_belong_together() -> None:
    listed = [
        "notes-20261129.md", ".gitignore", "flamegraph-20261129-081445.svg", "stacks-20261129-081445.folded.gz",
        "run-20261129-081445.json", "heaptrack-20261128-235959.gz", "flamegraph-before.svg", "flamegraph-20261129-081445-2.svg",
        "flamegraph-20261129-081445-10.svg", "flamegraph-20269999-999999.svg", "flamegraph-.svg", "run-x.svg",
        "flamegraph-a b.svg",
    ]  # fmt: skip
    assert names.entries(listed) == (
        Entry(identity="20269999-999999", when=None, files={Kind.FLAMEGRAPH: "flamegraph-20269999-999999.svg"}),
        Entry(identity="before", when=None, files={Kind.FLAMEGRAPH: "flamegraph-before.svg"}),
        Entry(
            identity="20261128-235959",
            when=datetime(2026, 11, 28, 23, 59, 59),
            files={Kind.HEAPTRACK: "heaptrack-20261128-235959.gz"},
        ),
        Entry(
            identity="20261129-081445",
            when=WHEN,
            files={
                Kind.FLAMEGRAPH: "flamegraph-20261129-081445.svg",
                Kind.RUN: "run-20261129-081445.json",
                Kind.STACKS: "stacks-20261129-081445.folded.gz",
            },
        ),
        Entry(identity="20261129-081445-2", when=WHEN, files={Kind.FLAMEGRAPH: "flamegraph-20261129-081445-2.svg"}),
        Entry(identity="20261129-081445-10", when=WHEN, files={Kind.FLAMEGRAPH: "flamegraph-20261129-081445-10.svg"}),
    )


def test_names__what_a_run_may_be_called() -> None:
    called = [names.file_name(Kind.FLAMEGRAPH, identity) for identity in islice(names.identities(WHEN), 3)]
    assert called == [
        "flamegraph-20261129-081445.svg", "flamegraph-20261129-081445-2.svg", "flamegraph-20261129-081445-3.svg"
    ]  # fmt: skip
    assert names.file_name(Kind.HEAPTRACK, "x", ".gz") == "heaptrack-x.gz"
    assert names.notes_name(WHEN) == "notes-20261129.md"


def test_facts__round_trip() -> None:
    assert facts.decode(facts.encode(RUN), source="run.json") == RUN


@pytest.mark.parametrize(
    ("command", "task"),
    [
        (("/bin/autopilot", "run", "x"), "autopilot run"),
        (("autopilot", "--help"), "autopilot"),
        (("python3", "a.py"), "python3"),
        (("sh", "-c", "run"), "sh"),
        (("a b",), "a b"),
        ((), "?"),
    ],
)
def test_facts__what_may_be_compared(command: tuple[str, ...], task: str) -> None:
    assert msgspec.structs.replace(RUN, command=command).task == task


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b"\xff", b"[" * 100_000, facts.encode(RUN).replace(b"12.34", b"-1"), facts.encode(RUN)[:-9]],
)
def test_facts__what_is_no_description_is_refused(data: bytes) -> None:
    with pytest.raises(DataError, match=r"^run\.json is no description of a run: "):
        facts.decode(data, source="run.json")


def test_stacks__cost_of_functions() -> None:
    assert stacks.costs(STACKS) == (
        Cost(name="parse", self_share=0.6, total_share=0.6),
        Cost(name="main", self_share=0.2, total_share=1.0),
        Cost(name="walk", self_share=0.2, total_share=0.3),
        Cost(name="autopilot", self_share=0.0, total_share=0.8),
        Cost(name="git", self_share=0.0, total_share=0.2),
    )
    assert stacks.of_pattern(STACKS, "*a*") == Cost(name="*a*", self_share=1.0, total_share=1.0)
    assert stacks.of_pattern(STACKS, "w*") == Cost(name="w*", self_share=0.2, total_share=0.3)
    assert stacks.costs(()) == ()


def test_stacks__groups_take_what_matches_first() -> None:
    groups = (Group(name="A", match=("pa*",)), Group(name="B", match=("*",)), Group(name="C", match=("walk",)))
    assert stacks.of_groups(stacks.costs(STACKS), groups) == (("A", 0.6), ("B", 0.4), ("other", 0.0))


def test_stacks__as_we_write_them() -> None:
    text = "a;b c 3\na 1.5\n"
    assert stacks.read(text, source="s") == ((("a", "b c"), 3.0), (("a",), 1.5))
    assert stacks.text_of(stacks.read(text, source="s")) == text


@pytest.mark.parametrize("text", ["a", "a x", " 1", "a -1", "a nan", "a 1e99"])
def test_stacks__a_line_without_a_count(text: str) -> None:
    with pytest.raises(DataError, match=r"^Line 2 of s is no stack with its count"):
        stacks.read(f"a 1\n{text}", source="s")


def test_notes__a_section() -> None:
    entry = Entry(identity="20261129-081445", when=WHEN, files={Kind.FLAMEGRAPH: "flamegraph-20261129-081445.svg", Kind.RUN: "r"})
    found = (*stacks.costs(STACKS)[:2], Cost(name="<a|b as `c`>::d", self_share=0.0004, total_share=0.2))
    section = notes.Section(
        entry=entry,
        facts=RUN,
        costs=found,
        groups=(("JSON | x", 0.6), ("other", 0.4)),
        parts=reading.of_one(stacks.text_of(STACKS)),
    )
    golden.check(Path("archive/notes.md"), notes.heading(WHEN) + notes.section(section))


def test_notes__nothing_was_recorded() -> None:
    bare = Facts(
        tool_version="0.1.0", started_at="2026-11-29T08:14:45+01:00", command=("a\nb",), wall_s=0.01, user_s=0.0, system_s=0.0,
        signal=9, not_recorded="No profile was recorded: perf is not installed. Install it with: apt-get install linux-perf.",
    )  # fmt: skip
    entry = Entry(identity="20261129-081445", when=WHEN, files={Kind.RUN: "run-20261129-081445.json"})
    text = notes.section(notes.Section(entry=entry, facts=bare, costs=(), groups=()))
    golden.check(Path("archive/notes-not-recorded.md"), text)


def test_trends__run_by_run() -> None:
    later = ((("autopilot", "main", "parse"), 1.0), (("autopilot", "main", "draw"), 3.0))
    runs = [
        Dated(identity=name, stacks=found, costs=stacks.costs(found), cpu_s=2.0) for name, found in (("1", STACKS), ("2", later))
    ]
    assert trends.widest(runs) == (("parse", (0.6, 0.25)), ("draw", (0.0, 0.75)), ("main", (0.2, 0.0)), ("walk", (0.2, 0.0)))
    assert trends.of(runs, "draw") == (
        Cost(name="draw", self_share=0.0, total_share=0.0),
        Cost(name="draw", self_share=0.75, total_share=0.75),
    )


def drawn(*frames: tuple[str, int, int, int], head: str = "") -> bytes:
    """Frames (title, left, width, row) as inferno writes them."""
    groups = "".join(
        f'<g><title>{title}</title><rect x="0%" y="{4000 - 16 * row}" width="0%" height="15" fg:x="{left}" fg:w="{width}"/>'
        f'<text x="1%" y="5">..</text></g>'
        for title, left, width, row in frames
    )
    return f'{head}<svg xmlns="http://www.w3.org/2000/svg" xmlns:fg="x"><title>no frame</title>{groups}</svg>'.encode()


def test_foreign_svg__frames_lie_on_their_callers() -> None:
    svg = drawn(
        ("all (1,000 samples, 100%)", 0, 1000, 0), ("main (1,000 samples, 100.00%)", 0, 1000, 1),
        ("a (300 samples, 30.00%)", 0, 300, 2), ("b&lt;T&gt; (500 samples, 50.00%)", 400, 500, 2),
        ("a (100 samples, 10.00%; +1.00%)", 450, 100, 3), ("f (x, y) (50 samples, 5.00%)", 550, 50, 3),
    )  # fmt: skip
    assert sorted(foreign_svg.read(svg, source="s")) == [
        (("main",), 200.0),
        (("main", "a"), 300.0),
        (("main", "b<T>"), 350.0),
        (("main", "b<T>", "a"), 100.0),
        (("main", "b<T>", "f (x, y)"), 50.0),
    ]


@pytest.mark.parametrize(("name", "whole"), [("inferno.svg", 47.0), ("inferno-inverted.svg", 47.0)])
def test_foreign_svg__what_inferno_drew(name: str, whole: float) -> None:
    """Drawn by inferno-flamegraph 0.12 from the stacks in `inferno.folded`, scripts and styles taken out."""
    expected = stacks.read((FOREIGN / "inferno.folded").read_text(), source="folded")
    found = foreign_svg.read((FOREIGN / name).read_bytes(), source=name)
    assert sorted(found) == sorted(expected)
    assert sum(seen for _, seen in found) == whole


@pytest.mark.parametrize(
    "svg",
    [
        b"",
        b"<svg",
        b"\xff\xfe\x00",
        b"no xml",
        b"<svg/>",
        drawn(("no count", 0, 1, 0)),
        drawn(("main (1 samples, 100%)", 0, 1, 0), head='<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'),
        drawn(("main (1 samples, 100%)", 0, 1, 0), head='<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        b"<g>" * 1000,
        b"<svg>" + b"<g><title>a (1 samples, 1%)</title></g>" * 10,
        drawn(("a (1e5 samples, 1%)", 0, 1, 0)),
        drawn(("a (" + "9" * 400 + " samples, 1%)", 0, 1, 0))[:-8],
    ],
)
def test_foreign_svg__what_is_no_flamegraph_is_refused(svg: bytes) -> None:
    with pytest.raises(DataError, match=r"^s (is no flamegraph that can be read|holds no frame with a count)"):
        foreign_svg.read(svg, source="s")


def test_foreign_svg__an_entity_is_never_fetched(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("parse (1 samples, 100%)")
    head = f'<!DOCTYPE svg SYSTEM "{secret.as_uri()}">'
    assert foreign_svg.read(drawn(("main (1 samples, 100%)", 0, 1, 0), head=head), source="s") == ((("main",), 1.0),)


def test_foreign_svg__caps(monkeypatch: pytest.MonkeyPatch) -> None:
    deep = drawn(*((f"f{row} (1 samples, 1%)", 0, 1, row) for row in range(200)))
    assert len(foreign_svg.read(deep, source="s")[0][0]) == 200
    for name, value in (("MAX_FRAMES", 100), ("MAX_STACK", 100), ("MAX_STACKED", 100), ("MAX_BYTES", 100)):
        with monkeypatch.context() as patched:
            patched.setattr(foreign_svg, name, value)
            with pytest.raises(DataError):
                foreign_svg.read(deep, source="s")


def test_foreign_svg__impossible_places() -> None:
    """Frames that lie nowhere, and on nothing, and more in the children than in the caller."""
    svg = drawn(
        ("main (10 samples, 100%)", 0, 10, 0), ("a (20 samples, 1%)", 0, 5, 1), ("lost (5 samples, 1%)", 500, 5, 1),
    )  # fmt: skip
    assert foreign_svg.read(svg, source="s") == ((("main", "a"), 20.0),)
