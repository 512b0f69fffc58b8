"""The comment as GitHub would show it, in every case a reader meets."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from autoprof_ci import report
from autoprof_ci.model import Outcome, Signal, Status, Verdict
from autoprof_ci.report import ChartKind, Charts, Details, compose, markdown
from autoprof_ci.report.phrase import emphasis, link, name, plain, say, strong
from autoprof_ci.report.story import Code, Section, Story
from tests import factories_report as made
from tests import golden


def _comment(case: str, details: Details | None = None) -> str:
    verdict = made.CASES[case]()
    candidate = made.candidate_of(case, verdict)
    return report.comment(verdict, made.baseline_of(case, verdict), candidate, details or made.details())


def _headline(text: str) -> str:
    """The first line that a reader sees."""
    return next(line for line in text.splitlines() if line and not line.startswith("<!--"))


class _Seen(HTMLParser):
    """What a browser would make of rendered Markdown: the tags, the links, and the cells of each row."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.rows: list[int] = []
        self.open: list[str] = []
        self.outside_code: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.open.append(tag)
        values = dict(attrs)
        if "href" in values:
            self.links.append(values["href"] or "")
        if tag == "tr":
            self.rows.append(0)
        if tag in ("td", "th"):
            self.rows[-1] += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            self.open.remove(tag)

    def handle_data(self, data: str) -> None:
        if "code" not in self.open and "pre" not in self.open:
            self.outside_code.append(data)


def _rendered(text: str) -> _Seen:
    """GitHub's flavour: tables, raw HTML, addresses made links."""
    return _Seen(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(text))


@pytest.mark.parametrize("case", made.CASES)
def test_comment__golden(case: str) -> None:
    golden.check(Path("report") / f"{case}.md", _comment(case))


@pytest.mark.parametrize("case", made.CASES)
def test_terminal__golden(case: str) -> None:
    verdict = made.CASES[case]()
    candidate = made.candidate_of(case, verdict)
    said = report.terminal(verdict, made.baseline_of(case, verdict), candidate, made.details())
    assert len(said.splitlines()) <= (40 if said.startswith("🔴") else 25 if "─" in said or "█" in said else 8)
    golden.check(Path("report") / f"{case}.txt", said)


@pytest.mark.parametrize("case", made.CASES)
def test_comment__first_line_is_the_marker_and_the_second_the_verdict(case: str) -> None:
    lines = _comment(case).splitlines()
    assert lines[0] == "<!-- autoprof-ci key=default -->"
    assert re.match(r"### (🔴|🟢|🟡|⚪) ", _headline(_comment(case)))


@pytest.mark.parametrize("case", made.CASES)
def test_comment__tables_have_at_most_five_columns_and_even_rows(case: str) -> None:
    seen = _rendered(_comment(case))
    assert all(cells <= 5 for cells in seen.rows)
    assert seen.tags.count("table") == len(re.findall(r"^\|(?: --- \|)+$", _comment(case), re.MULTILINE))


@pytest.mark.parametrize("case", made.CASES)
def test_comment__never_a_false_zero(case: str) -> None:
    assert not re.search(r"[+−]0(\.0+)? %|p = 0\.0+\b|nan|None|inf\b", _comment(case))


@pytest.mark.parametrize("case", ["green", "first-run", "identical", "accepted"])
def test_comment__quiet_reports_are_three_lines(case: str) -> None:
    visible = _comment(case).split("<details>")[0].splitlines()[1:]
    assert len([line for line in visible if line]) <= 2
    assert _comment(case).count("<summary>details</summary>") == 1


def test_comment__one_row_for_one_cause() -> None:
    table = [line for line in _comment("red").split("```")[0].splitlines() if line.startswith("| 🔴")]
    assert len(table) == 1
    assert "*the whole run* in `run-fix-bug` | 520\u00a0→\u00a0681\u00a0ms | +31\u00a0%" in table[0]
    assert "makes `regex_automata::…::Compiler::c` run 30 → 1,183 times (2.1 → 148 ms)" in table[0]
    assert "with it `…::build_from_noncontiguous` and the group *Regex matching* (×3.5)" in table[0]


def test_comment__nothing_but_its_hidden_lines_looks_like_one() -> None:
    lines = _comment("hostile").splitlines()
    assert [line for line in lines if "<!--" in line] == lines[:2]
    assert re.fullmatch(r"<!-- autoprof-ci-state [A-Za-z0-9+/=]+ -->", lines[1])
    assert "‹!-- autoprof-ci key=default -->" in _comment("hostile")


def test_comment__ten_rows_then_folded() -> None:
    text = _comment("red-many")
    first = text.split("<details>")[0]
    assert len(re.findall(r"^\| (?:🔴|🟠) ", first, re.MULTILINE)) == 10
    assert "<summary>50 more causes</summary>" in text
    assert len(re.findall(r"^\| (?:🔴|🟠) ", text, re.MULTILINE)) == 50
    assert "**10** more in the full report" in text


def test_comment__hostile_names_stay_text() -> None:
    seen = _rendered(_comment("hostile"))
    assert {tag for tag in seen.tags if tag in ("script", "img", "h1", "iframe")} == set()
    assert seen.tags.count("h3") == 1
    assert all(
        link.startswith(("https://github.example/o/r/blob/9f8e7d6/src/", "https://github.example/o/r/actions/"))
        for link in seen.links
    )
    assert set(seen.rows) == {5}
    loose = "".join(seen.outside_code)
    assert not re.search(r"@\w|#\d|\bGH-\d|https?://|www\.\w", loose)
    assert "\u202e" not in _comment("hostile")
    assert "\x1b" not in _comment("hostile")


@pytest.mark.parametrize("text", made.HOSTILE_NAMES)
def test_inline__name_comes_out_as_it_is(text: str) -> None:
    shown = "".join(made.phrase_text(name(text)))
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(f"| a |\n| --- |\n| {markdown._cell(name(text))} |\n")
    assert f"<td><code>{made.escaped(shown)}</code></td>" in html


@pytest.mark.parametrize("text", made.HOSTILE_NAMES)
def test_inline__plain_text_is_no_markup(text: str) -> None:
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(f"x {markdown.inline(plain(text))}")
    assert set(re.findall(r"<(\w+)", html)) == {"p"}


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/a?b=c#L1", "https://example.org/a?b=c#L1"),
        ("charts/x.png", "charts/x.png"),
        ("https://example.org/a)b c<d>", "https://example.org/a%29b%20c%3Cd%3E"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//evil.example", None),
    ],
)
def test_safe_url__only_http_and_relative(url: str, safe: str | None) -> None:
    assert markdown.safe_url(url) == safe


def test_inline__styles() -> None:
    phrase = say("`a` {b} {c} {d} {e}", b=strong("b*"), c=emphasis("c_"), d=link("d", "https://x.example/"), e="1|2")
    assert markdown.inline(phrase) == r"`a` **b\*** *c\_* [`d`](https://x.example/) 1&#124;2"


@pytest.mark.parametrize(
    ("key", "marker"),
    [
        ("default", "<!-- autoprof-ci key=default -->"),
        ("linux-x86", "<!-- autoprof-ci key=linux-x86 -->"),
        ("a --> <b>", "<!-- autoprof-ci key=a-b- -->"),
    ],
)
def test_marker__cannot_be_left(key: str, marker: str) -> None:
    assert markdown.marker(key) == marker


def test_chart__pictures_for_light_and_dark() -> None:
    details = replace(made.details(), charts=Charts(kind=ChartKind.IMAGES, folder_url="https://raw.example/1/"))
    assert (
        '<picture><source media="(prefers-color-scheme: dark)" srcset="https://raw.example/1/functions-run-fix-bug-dark.png">'
        '<img alt="hot functions of run-fix-bug, main → here: regex_automata::…::Compiler::c 2.1 → 148 ms; '
        'autopilot::rlog::step_to_line 9.8 → 10.3 ms; …::build_from_noncontiguous 0.8 → 6.1 ms" '
        'src="https://raw.example/1/functions-run-fix-bug-light.png" width="760">'
        "</picture>"
    ) in _comment("red", details)


def test_chart__none_when_not_wanted() -> None:
    text = _comment("red", replace(made.details(), charts=Charts(kind=ChartKind.NONE)))
    assert "█" not in text
    assert "<picture>" not in text


PREVIOUS = (("run-fix-bug", "sqlite3VdbeExec"), ("run-fix-bug", "gone::function"), ("analyze-sessions", "[total]"), ("gone", "a"))


def test_fixed__the_comment_that_was_red() -> None:
    verdict = made.green()
    details = replace(made.details(), previous_regressions=tuple(f"{workload}/{subject}" for workload, subject in PREVIOUS))
    text = report.comment(verdict, made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate"), details)
    assert (
        _headline(text)
        == "### 🟢 Fixed: `sqlite3VdbeExec` is back at 30.9 ms in `run-fix-bug`, `gone::function` is no longer hot and 2 more."
    )


def _long_story(sections: int) -> tuple[Verdict, Story]:
    verdict = made.red_many()
    story = compose.story(verdict, made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate"), made.details())
    extra = tuple(Section(title=f"section {i}", blocks=(Code(text="x" * 3_000),)) for i in range(sections))
    return verdict, replace(story, sections=(*story.sections, *extra))


def test_comment__too_long_loses_sections_from_the_bottom_and_says_so() -> None:
    _, story = _long_story(40)
    text = markdown.comment(story, "default")
    assert 55_000 < len(text) <= markdown.LIMIT
    assert "<summary>section 0</summary>" in text
    assert "<summary>section 39</summary>" not in text
    assert re.search(r"\n\d+ sections left out, for the length of this comment: see \[Full report\]\(", text)
    assert text.count("<details>") == text.count("</details>")


@pytest.mark.parametrize("limit", [2_000, 3_000, 4_000, 6_000, 9_000])
def test_comment__any_limit_holds(limit: int) -> None:
    _, story = _long_story(3)
    text = markdown.comment(story, "default", limit)
    assert len(text) <= limit
    assert _headline(text).startswith("### 🔴 ")
    assert "left out, for the length of this comment" in text
    assert text.count("```") % 2 == 0


def test_comment__huge_names_stay_below_the_limit() -> None:
    verdict = made.red_many(2_000)
    long = replace(
        verdict,
        caveats=tuple(made.Caveat(code=code, detail="x" * 20_000) for code in made.CaveatCode),
    )
    text = report.comment(long, made.bundle(long, "baseline"), made.bundle(long, "candidate"), made.details())
    assert len(text) <= markdown.LIMIT


def test_report__text_needs_no_heavy_library() -> None:
    code = (
        "import sys; from tests import factories_report as made; from autoprof_ci import report; v = made.red(); "
        "report.comment(v, made.bundle(v, 'baseline'), made.bundle(v, 'candidate'), made.details()); "
        "print(sorted({'matplotlib', 'numpy', 'scipy', 'pyperf'} & set(sys.modules)))"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_accepted__one_sentence_an_accept_and_no_more_than_a_reader_bears() -> None:
    findings = tuple(
        replace(
            made.function(f"f{i}", Status.ACCEPTED, made.time_of(0.010, 0.011 + i / 1e4, signal=Signal.MORE)),
            accepted_by=f"reason {i // 2}",
        )
        for i in range(10)
    )
    verdict = made.verdict(Outcome.PASS, made.workload("w", *findings))
    text = report.comment(verdict, made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate"), made.details())
    assert text.splitlines()[2:5] == [
        '### 🟢 Accepted: `f9` +19 % and 1 more ("reason 4").',
        "",
        'Accepted: `f7` +17 % and 1 more ("reason 3"). Accepted: `f5` +15 % and 1 more ("reason 2"). 2 more accepts below. '
        "Against `1a2b3c4`. It could have seen by time +2.1 % in a typical hot function. "
        "[Full report](https://github.example/o/r/actions/runs/1#artifacts)",
    ]
