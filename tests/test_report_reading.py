"""What stands out, in sentences and with the place in the picture; in the comment only what did not before."""

from __future__ import annotations

from dataclasses import replace

from autoprof_ci import report
from autoprof_ci.model import BINARY_DSO, Bundle, CallEdge, Function, Recording, WorkloadInstructions
from autoprof_ci.report import compose, html_reading, markdown, reading
from autoprof_ci.report.flame_links import fragment
from autoprof_ci.report.reading import Kind
from tests import factories_report as made

RED = made.red()
TEXT = made.details().charts
BASELINE_STACKS = "main;run;redact 100\nmain;run;parse;walk;value 500\nmain;run;parse;memcpy 400\n"
CANDIDATE_STACKS = (
    "main;run;redact;compile;memcpy 200\nmain;run;redact;compile 200\nmain;run;redact;memcpy 20\n"
    "main;run;parse;walk;walk;walk;value 400\nmain;run;parse;memcpy 180\n"
)


def _counts(calls: float) -> WorkloadInstructions:
    return WorkloadInstructions(
        name="run-fix-bug",
        functions=(Function("redact", BINARY_DSO), Function("compile", BINARY_DSO)),
        repeats=((200.0, 800.0),),
        inclusive=(1000.0, 800.0),
        calls=(1.0, calls),
        edges=(CallEdge(caller=0, callee=1, calls=calls, inclusive=800.0),),
    )


def _bundle(side: str, stacks: str, calls: float) -> Bundle:
    recording = Recording(stacks={"run-fix-bug": stacks}, instructions=(_counts(calls),))
    return replace(made.bundle(RED, side), recording=recording)


BASELINE, CANDIDATE = _bundle("baseline", BASELINE_STACKS, 30), _bundle("candidate", CANDIDATE_STACKS, 1183)


def _said(found: reading.Reading) -> dict[Kind, list[tuple[str, str | None, bool]]]:
    return {part.kind: [(made.phrase_text(item.phrase), item.place, item.grew) for item in part.items] for part in found.parts}


def test_of_workload__against_the_baseline() -> None:
    (found,) = reading.readings(BASELINE, CANDIDATE)
    compiled = "called 30 → 1,183 times from 1 place"
    assert (found.workload, _said(found)) == (
        "run-fix-bug",
        {
            Kind.WIDE: [
                ("memcpy: 40 % by itself", "f=memcpy", False),
                ("value: 40 % (was 50 %) by itself", "f=value", False),
                (
                    f"compile: 20 % (new) by itself, 40 % (new) with what it calls; {compiled}",
                    "f=compile",
                    True,
                ),
                ("parse: 58 % (was 90 %) with what it calls", "f=parse", False),
            ],
            Kind.TALL: [
                (
                    "5 levels, 40 % (new) of the samples: main → run → parse → walk ×3 → value",
                    "p=main/run/parse/walk/walk/walk/value",
                    True,
                ),
                ("5 levels, 20 % (new) of the samples: main → run → redact → compile → memcpy",
                 "p=main/run/redact/compile/memcpy", True),
            ],
            Kind.REPEATED: [
                ("memcpy: 40 % in all, below 3 functions: compile, parse, redact", "f=memcpy", False),
            ],
            Kind.CALLED: [
                (f"compile: {compiled}, 80 % of the instructions with what it calls, 0.676 instr. a call", "f=compile", True),
            ],
        },
    )  # fmt: skip


def test_of_workload__the_candidate_alone() -> None:
    (found,) = reading.readings(None, CANDIDATE)
    texts = [text for items in _said(found).values() for text, _, _ in items]
    assert "compile: 20 % by itself, 40 % with what it calls; called 1,183 times from 1 place" in texts
    assert not any(word in text for text in texts for word in ("was", "new", "→ 1,183"))
    assert not any(grew for items in _said(found).values() for _, _, grew in items)


def test_of_workload__counts_without_stacks_point_nowhere() -> None:
    counted = replace(CANDIDATE, recording=replace(CANDIDATE.recording, stacks={}))
    (found,) = reading.readings(None, counted)
    assert {kind: [place for _, place, _ in items] for kind, items in _said(found).items()} == {Kind.CALLED: [None]}


def test_readings__several_workloads_are_zoomed_to() -> None:
    stacks = {"one/a": "main;x 10\n", "two": "main;y 10\n"}
    (first, second) = reading.readings(None, replace(CANDIDATE, recording=Recording(stacks=stacks)))
    assert first.parts[0].items[0].place == "p=one%2Fa&f=x"
    assert second.parts[1].items[0].place == "p=two/main/y"


def test_readings__nothing_measured() -> None:
    assert reading.readings(None, replace(CANDIDATE, recording=Recording())) == ()


def test_readings__long_chains_show_their_ends_and_what_repeats() -> None:
    frames = [f"f{i}" for i in range(20)]
    stack = ";".join(["main", *frames[:10], "again", "again", *frames[10:]])
    before = replace(BASELINE, recording=Recording(stacks={"w": "main;f0 50\n"}))
    (found,) = reading.readings(before, replace(CANDIDATE, recording=Recording(stacks={"w": f"{stack} 50\n"})))
    text = next(made.phrase_text(part.items[0].phrase) for part in found.parts if part.kind is Kind.TALL)
    assert text == "22 levels (the baseline's tallest: 2), 100 % (new) of the samples: main → … → again ×2 → … → f18 → f19"


def test_readings__many_callers_are_counted() -> None:
    stacks = "".join(f"main;caller{i};malloc 20\n" for i in range(5))
    (found,) = reading.readings(None, replace(CANDIDATE, recording=Recording(stacks={"w": stacks})))
    (told,) = [part.items[0] for part in found.parts if part.kind is Kind.REPEATED]
    assert made.phrase_text(told.phrase) == "malloc: 100 % in all, below 5 functions: caller0, caller1, caller2 and 2 more"


def test_fragment__names_are_written_as_the_picture_has_them() -> None:
    assert fragment(path=("a/b", "<T as U>::c"), named="x;&y\n") == "p=a%2Fb/%3CT%20as%20U%3E%3A%3Ac&f=x%3B%26y"
    assert fragment() == ""


def test_grown_section__only_what_stands_out_more_than_before() -> None:
    section = reading.grown_section("run-fix-bug", BASELINE, CANDIDATE, TEXT)
    assert section is not None
    compiled = "called 30 → 1,183 times from 1 place"
    assert markdown.section(section).splitlines() == [
        "<details><summary>What stands out more than before</summary>",
        "",
        "In the flamegraph of `run-fix-bug`, in shares of its samples:",
        "",
        f"- `compile`: 20 % (new) by itself, 40 % (new) with what it calls; {compiled}",
        f"- `compile`: {compiled}, 80 % of the instructions with what it calls, 0.676 instr. a call",
        "- 5 levels, 40 % (new) of the samples: `main` → `run` → `parse` → `walk` ×3 → `value`",
        "- 5 levels, 20 % (new) of the samples: `main` → `run` → `redact` → `compile` → `memcpy`",
        "",
        "</details>",
    ]
    assert reading.grown_section("run-fix-bug", CANDIDATE, CANDIDATE, TEXT) is None
    assert reading.grown_section("run-fix-bug", None, CANDIDATE, TEXT) is None


def test_comment__says_it_in_a_red_report_and_not_in_a_green_one() -> None:
    words = "What stands out more than before"
    assert words in report.comment(RED, BASELINE, CANDIDATE, made.details())
    assert words not in report.comment(made.green(), BASELINE, CANDIDATE, made.details())
    titles = [section.title for section in compose.story(RED, BASELINE, CANDIDATE, made.details()).sections if section.in_page]
    assert words not in titles


def test_block__links_open_the_picture_where_there_is_one() -> None:
    found = reading.readings(BASELINE, CANDIDATE)
    assert '<a href="#flame=candidate&amp;f=compile">show</a>' in html_reading.block(found, ("candidate", "baseline"))
    assert "<a " not in html_reading.block(found, ())
    assert html_reading.block((), ("candidate",)) == ""


def test_stands_out__plain_sentences() -> None:
    assert report.stands_out(None, CANDIDATE)["run-fix-bug"][0] == "memcpy: 40 % by itself"
