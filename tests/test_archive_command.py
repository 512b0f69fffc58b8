"""`autoprof-ci archive` as a user types it, on archives with good, foreign and hostile files."""

from __future__ import annotations

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from autoprof_ci.archive import facts
from autoprof_ci.archive.facts import Facts, Sampling
from autoprof_ci.commands.archive_folder import packed
from tests.as_a_user import Place, assert_refused
from tests.test_archive import drawn

FOREIGN = drawn(("all (10 samples, 100%)", 0, 10, 0), ("main (10 samples, 100%)", 0, 10, 1), ("parse (4 samples, 40%)", 0, 4, 2))


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


def folder(place: Place) -> Path:
    made = place.folder / "docs/profiles"
    made.mkdir(parents=True, exist_ok=True)
    return made


def add(place: Place, identity: str, folded: str, program: str = "autopilot", cpu_s: float = 2.0) -> None:
    run = Facts(
        tool_version="0.1.0", started_at="2026-11-29T08:14:45+01:00", command=(f"/bin/{program}", "run"), wall_s=3.0,
        user_s=cpu_s, system_s=0.0, exit_code=0, commit="1a2b3c4" + "0" * 33, branch="main", is_dirty=False,
        sampling=Sampling(event="cpu-clock", frequency_hz=499, samples=10, lost=3, kernel_seen=False, is_cut_off=True),
    )  # fmt: skip
    (folder(place) / f"flamegraph-{identity}.svg").write_text("<svg/>")
    (folder(place) / f"stacks-{identity}.folded.gz").write_bytes(packed(folded))
    (folder(place) / f"run-{identity}.json").write_bytes(facts.encode(run))


def lines(text: str) -> list[str]:
    """Without rules and empty lines, single blanks between words."""
    words = [" ".join(line.split()) for line in text.splitlines()]
    return [line for line in words if line.strip("─ ")]


def test_archive__an_empty_one(place: Place) -> None:
    answer = place.run("archive", "list")
    told = "docs/profiles holds no profiles. Make one with: autoprof-ci profile -- CMD"
    assert (answer.code, answer.out, answer.said) == (0, f"{told}\n", "")
    assert_refused(place, place.run("archive", "show"), 2, f"{told}.")
    sentence = "No profile in docs/profiles can be counted. Make one with: autoprof-ci profile -- CMD."
    assert_refused(place, place.run("archive", "trend"), 2, sentence)


def test_archive_list__ours_and_others(place: Place) -> None:
    add(place, "20261129-081445", "autopilot;main;parse 6\nautopilot;main 4\n")
    (folder(place) / "flamegraph-20261128-120000.svg").write_bytes(FOREIGN)
    (folder(place) / "flamegraph-20261127-120000.svg").write_text("<svg>")
    (folder(place) / "heaptrack-20261126-120000.gz").write_bytes(b"\x1f\x8b")
    (folder(place) / "notes-20261129.md").write_text("mine")
    answer = place.run("archive", "list")
    assert (answer.code, answer.said) == (0, "")
    assert lines(answer.out) == [
        "profile command took CPU stands out",
        "20261126-120000 (by another tool) – – memory",
        "20261127-120000 flamegraph-20261127-120000.svg is no flamegraph… – – –",
        "20261128-120000 (by another tool) – – 60 % main",
        "20261129-081445 autopilot run 3 s 2 s 60 % parse",
    ]


def test_archive_show__the_last_or_a_named_one(place: Place) -> None:
    add(place, "20261129-081445", "autopilot;main;parse 6\nautopilot;main;a;b;c;d;e;f;g 4\n")
    (folder(place) / "flamegraph-before.svg").write_bytes(FOREIGN)
    answer = place.run("archive", "show")
    assert lines(answer.out) == [
        "20261129-081445",
        "autopilot run",
        "commit 1a2b3c4 on main",
        "3 s, 2 s of CPU (0 s in the kernel), exit code 0",
        "10 samples of cpu-clock at 499 Hz, without the kernel's share, cut off before the end, at the largest file,"
        " too few for more than a glance: run longer, or sample more often, 3 events lost",
        "docs/profiles/flamegraph-20261129-081445.svg",
        "widest by itself self with what it calls",
        "parse 60 % 60 % ████████████████████████",
        "g 40 % 40 % ████████████████",
        "Tall stacks:",
        "9 levels, 40 % of the samples: autopilot → … → f → g",
    ]
    assert lines(place.run("archive", "show", "bef").out)[:3] == [
        "before", "docs/profiles/flamegraph-before.svg", "widest by itself self with what it calls"
    ]  # fmt: skip


def test_archive_show__a_name_that_is_none_or_several(place: Place) -> None:
    add(place, "20261129-081445", "a 1\n")
    add(place, "20261129-081446", "a 1\n")
    see = "See their names with: autoprof-ci archive list."
    assert_refused(place, place.run("archive", "show", "2026"), 2, f"2 profiles begin with 2026. {see}")
    assert_refused(place, place.run("archive", "show", "x"), 2, f"There is no profile x in docs/profiles. {see}")


def test_archive_trend__of_what_the_last_one_did(place: Place) -> None:
    (folder(place) / "flamegraph-20261128-120000.svg").write_bytes(FOREIGN)
    add(place, "20261129-081445", "autopilot;main;parse 6\nautopilot;main 4\n")
    add(place, "20261129-081446", "git;main;parse 1\n", program="git")
    add(place, "20261129-081447", "autopilot;main;parse 1\nautopilot;main 9\n")
    answer = place.run("archive", "trend")
    assert lines(answer.out) == [
        "autopilot run: 3 runs, 20261128-120000 to 20261129-081447",
        "widest by itself first last self share, each run as high as its share of the highest",
        "main 60 % 90 % ▆▄█",
        "parse 40 % 10 % ▆█▂",
    ]
    assert answer.said == "left out: 1 of another task than autopilot run\n"
    answer = place.run("archive", "trend", "pars*")
    assert lines(answer.out) == [
        "pars*, run by run (the bar is its share with what it calls)",
        "profile self with what it calls self, CPU time",
        "20261128-120000 40 % 40 % – ████████████████",
        "20261129-081445 60 % 60 % 1.2 s ████████████████████████",
        "20261129-081447 10 % 10 % 200 ms ████",
    ]
    sentence = "nowhere is in none of the 3 profiles. Functions are named as `archive show` names them; `*` stands for anything."
    assert_refused(place, place.run("archive", "trend", "nowhere"), 2, sentence)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run-20261129-081445.json", b"{"),
        ("run-20261129-081445.json", b'{"schema": 1e999}'),
        ("stacks-20261129-081445.folded.gz", b"\x1f\x8b cut off"),
        ("stacks-20261129-081445.folded.gz", packed("a;b\n")),
        ("stacks-20261129-081445.folded.gz", packed("a;b \x1b[31m\n")),
    ],
)
def test_archive__a_damaged_run_spoils_no_other(place: Place, file: str, content: bytes) -> None:
    add(place, "20261129-081445", "autopilot;main 1\n")
    add(place, "20261129-081446", "autopilot;main 1\n")
    (folder(place) / file).write_bytes(content)
    for question in ("list", "trend", "show"):
        answer = place.run("archive", question)
        assert answer.code == 0
        assert "20261129-081446" in answer.out
        assert "\x1b" not in answer.out + answer.said
    assert re.fullmatch(rf"left out: (Line 1 of )?{re.escape(file)} .+\n", place.run("archive", "trend").said)


def test_archive__hostile_names_stay_words(place: Place) -> None:
    add(place, "20261129-081445", "a;[red]x[/red]\x1b]0;t\x07 3\n")
    assert "[red]x[/red]\ufffd]0" in place.run("archive", "show").out


def test_archive_diff__what_moved_by_more_than_chance(place: Place) -> None:
    add(place, "20261129-081445", "autopilot;main;parse 600\nautopilot;main 400\n")
    add(place, "20261129-081446", "autopilot;main;parse 615\nautopilot;main 185\nautopilot;main;draw 200\n")
    answer = place.run("archive", "diff", "20261129-081445", "--out", "moved.svg")
    assert lines(answer.out) == [
        "self share moved 20261129-081445 20261129-081446 points",
        "main 40 % 19 % −22",
        "draw 0 % 20 % +20",
        "wrote moved.svg",
    ]
    assert "Difference: " in (place.folder / "moved.svg").read_text()
    told = "Between 20261129-081445 and 20261129-081445 no function's share moved by more than chance\n"
    assert place.run("archive", "diff", "20261129-081445", "20261129-081445").out == told


def test_archive_diff__without_stacks(place: Place) -> None:
    add(place, "20261129-081445", "a 1\n")
    (folder(place) / "heaptrack-20261128-081445.gz").write_bytes(b"")
    sentence = "20261128-081445 holds no stacks. Take one of those that `archive trend` shows."
    assert_refused(place, place.run("archive", "diff", "20261128"), 2, sentence)


def test_archive_prune__keeps_the_last_and_all_notes(place: Place) -> None:
    now = datetime.now()
    for days in (1, 5, 9):
        add(place, f"{now - timedelta(days=days):%Y%m%d-%H%M%S}", "a 1\n")
    (folder(place) / f"flamegraph-{now - timedelta(days=7):%Y%m%d-%H%M%S}.svg").write_bytes(FOREIGN)
    for name in ("notes-20200101.md", "flamegraph-before.svg", "something"):
        (folder(place) / name).write_text("mine")
    before = sorted(os.listdir(folder(place)))  # noqa: PTH208
    answer = place.run("archive", "prune", "--keep", "2", "--dry-run")
    assert answer.out.splitlines()[-1] == "2 profiles would be removed, 2 kept; notes are never removed"
    assert sorted(os.listdir(folder(place))) == before  # noqa: PTH208
    assert place.run("archive", "prune", "--keep", "1", "--older-than", "8").out.splitlines()[1:] == [
        "1 profile removed, 3 kept; notes are never removed"
    ]
    assert place.run("archive", "prune", "--older-than", "0").code == 0
    assert sorted(os.listdir(folder(place))) == ["flamegraph-before.svg", "notes-20200101.md", "something"]  # noqa: PTH208
    assert place.run("archive", "prune", "--keep", "3").out == "0 profiles removed, 0 kept; notes are never removed\n"


def test_archive_prune__needs_to_know_what(place: Place) -> None:
    sentence = "Nothing says which profiles to remove. Say --keep N, or --older-than DAYS."
    assert_refused(place, place.run("archive", "prune"), 2, sentence)
    sentence = "--keep and --older-than take no negative numbers. Try --keep 20."
    assert_refused(place, place.run("archive", "prune", "--keep", "-1"), 2, sentence)
