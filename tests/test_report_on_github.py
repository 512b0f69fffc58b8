"""What the Action adds to the words: summaries, annotations, a commit's status, and comments of runs that judged nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from autoprof_ci import report
from autoprof_ci.model import Caveat, CaveatCode, FailOn, Outcome, Source, Status, Verdict
from autoprof_ci.report import Annotation, AnnotationLevel, ChartKind, Charts, Details
from tests import factories_report as made
from tests import golden

ON_GITHUB = replace(made.details(), behind=0, run_url="https://github.example/o/r/actions/runs/1")
RUN_LINK = "[this run](https://github.example/o/r/actions/runs/1)"
REVIEW = Caveat(code=CaveatCode.ACCEPT_REVIEW, detail="autopilot::redact::* by up to 12 %: scrubs two more key formats")
FAILS = Caveat(code=CaveatCode.WORKLOAD_FAILS_ON_BASELINE, detail="run-fix-bug")
SENTENCE = "The workload run-fix-bug exited with 3 instead of 0; its last words: no such file: sessions/7.jsonl"
NEXT_STEP = "Check the command of the workload in autoprof.toml."


def _comment(verdict: Verdict, details: Details = ON_GITHUB) -> str:
    baseline = made.bundle(verdict, "baseline") if verdict.baseline_commit else None
    return report.comment(verdict, baseline, made.bundle(verdict, "candidate"), details)


def _headline(text: str) -> str:
    return next(line for line in text.splitlines() if line and not line.startswith("<!--"))


def _visible(text: str) -> str:
    return text.split("<details>")[0]


def _new_workload(*caveats: Caveat) -> Verdict:
    """There was a baseline, and nothing of it could be compared."""
    return replace(made.first_run(), baseline_commit=made.BASELINE_COMMIT, caveats=caveats)


def _was_red() -> tuple[str, ...]:
    return report.previous_regressions(_comment(made.red()))


COMMENTS = {
    "behind": lambda: _comment(made.red(), replace(ON_GITHUB, behind=2)),
    "fixed": lambda: _comment(made.green(), replace(ON_GITHUB, previous_regressions=_was_red())),
    "for-review": lambda: _comment(replace(made.accepted(), caveats=(REVIEW,))),
    "no-baseline-left": lambda: _comment(
        made.first_run(),
        replace(ON_GITHUB, no_baseline="The baseline of 1a2b3c4 has expired. The next push to main stores a new one."),
    ),
    "nothing-shared": lambda: _comment(_new_workload(FAILS)),
    "not-measured": lambda: report.not_measured(SENTENCE, NEXT_STEP, replace(ON_GITHUB, report_url=None)),
    "not-measured-hostile": lambda: report.not_measured(
        "perf said: <!-- autoprof-ci key=x --> <script>alert(1)</script> @octocat #1 | ``` \x1b[31m " * 9 + "\n```\n</details>",
        "`x` {y} ::error::z",
        replace(ON_GITHUB, report_url=None),
    ),
}


@pytest.mark.parametrize("case", COMMENTS)
def test_comment__golden(case: str) -> None:
    golden.check(Path("report") / "on-github" / f"{case}.md", COMMENTS[case]())


# --- how far the baseline is behind --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        (None, "Against `1a2b3c4`, both"),
        (0, "Against `1a2b3c4` (merge base), both"),
        (1, "Against `1a2b3c4` (1 commit before the merge base), both"),
        (1200, "Against `1a2b3c4` (1,200 commits before the merge base), both"),
    ],
)
def test_footing__says_how_far_the_baseline_is_behind(behind: int | None, told: str) -> None:
    assert told in _comment(made.red(), replace(ON_GITHUB, behind=behind))


def test_headline__green_says_how_far_the_baseline_is_behind() -> None:
    assert _headline(_comment(made.green(), replace(ON_GITHUB, behind=3))) == (
        "### 🟢 No regression in `autopilot`: 2 workloads, 20 hot functions, against `1a2b3c4` (3 commits before the merge base)"
    )


def test_notices__a_baseline_after_the_merge_base_is_not_folded_away() -> None:
    verdict = replace(made.green(), caveats=(Caveat(code=CaveatCode.BASELINE_NEWER, detail=made.BASELINE_COMMIT),))
    assert "the base branch counts too (1a2b3c4). Merge the base branch into this one" in _visible(_comment(verdict))


def test_notices__loosened_thresholds_are_one_line() -> None:
    lines = [line for line in _visible(_comment(made.red())).splitlines() if "loosens" in line]
    assert lines == [
        r"- This pull request loosens thresholds (thresholds.time.max\_regression\_percent 3 to 5). "
        "Please review the change of the TOML."
    ]


# --- nothing to compare with ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("caveats", "says"),
    [
        ((FAILS,), "Nothing could be compared: the program of `1a2b3c4` fails in `run-fix-bug`."),
        (
            (FAILS, *(replace(FAILS, detail=f"w{number}") for number in range(4))),
            "Nothing could be compared: the program of `1a2b3c4` fails in `run-fix-bug`, `w0` and 3 more workloads.",
        ),
        ((), "Nothing could be compared: `1a2b3c4` shares no workload with this run."),
    ],
)
def test_headline__a_baseline_that_shares_nothing_is_no_first_run(caveats: tuple[Caveat, ...], says: str) -> None:
    assert _headline(_comment(_new_workload(*caveats))) == f"### ⚪ {says}"


def test_headline__a_baseline_without_a_commit_that_fails_is_no_first_run() -> None:
    verdict = replace(_new_workload(FAILS), baseline_commit=None)
    assert _headline(_comment(verdict)) == "### ⚪ Nothing could be compared: the program of the baseline fails in `run-fix-bug`."


# --- what was red before -------------------------------------------------------------------------------------------------


def test_fixed__from_the_red_comment_itself() -> None:
    assert _was_red() == ("run-fix-bug/[total]", f"run-fix-bug/{made.COMPILER}")
    text = _comment(made.green(), replace(ON_GITHUB, previous_regressions=_was_red()))
    assert _headline(text) == (
        "### 🟢 Fixed: *the whole run* is back at 522 ms in `run-fix-bug` and "
        "`regex_automata::…::compiler::Compiler::c` is no longer hot."
    )
    assert report.previous_regressions(text) == ()


def test_fixed__the_program_is_the_old_one_again() -> None:
    text = _comment(made.identical(), replace(ON_GITHUB, previous_regressions=_was_red()))
    assert _headline(text) == "### 🟢 Fixed: `autopilot` does the same as that of `1a2b3c4` (merge base) again."


def test_fixed__what_is_now_accepted_is_not_called_fixed() -> None:
    text = _comment(made.accepted(), replace(ON_GITHUB, previous_regressions=(f"run-fix-bug/{made.REDACT}",)))
    assert "Fixed" not in text
    assert _headline(text).startswith("### 🟢 Accepted until 2027-01-31: ")


def test_fixed__what_is_still_a_warning_is_not_called_fixed() -> None:
    previous = ("run-fix-bug/autopilot::rlog::step_to_line",)
    text = _comment(made.watched(), replace(ON_GITHUB, previous_regressions=previous))
    assert "Fixed" not in text


def test_fixed__beside_an_accept_is_a_note() -> None:
    previous = (f"run-fix-bug/{made.REDACT}", "run-fix-bug/sqlite3VdbeExec")
    text = _comment(made.accepted(), replace(ON_GITHUB, previous_regressions=previous))
    assert _headline(text).startswith("### 🟢 Accepted until")
    assert "Fixed: `sqlite3VdbeExec` is back at 30.9 ms. " in text


@pytest.mark.parametrize("odd", ["", "/", "a", "/a", "run-fix-bug/", "run-fix-bug"])
def test_fixed__odd_memories_are_harmless(odd: str) -> None:
    assert _headline(_comment(made.green(), replace(ON_GITHUB, previous_regressions=(odd,)))).startswith("### 🟢 ")


@pytest.mark.parametrize("verdict", [made.inconclusive(), made.first_run()], ids=["inconclusive", "first run"])
def test_remembered__a_run_that_could_not_judge_passes_on_what_it_was_told(verdict: Verdict) -> None:
    assert report.previous_regressions(_comment(verdict, replace(ON_GITHUB, previous_regressions=("w/f",)))) == ("w/f",)


def test_remembered__not_measured_passes_it_on_too() -> None:
    text = report.not_measured(SENTENCE, NEXT_STEP, replace(ON_GITHUB, previous_regressions=("w/f",)))
    assert report.previous_regressions(text) == ("w/f",)


# --- accepts and fail_on -------------------------------------------------------------------------------------------------


def test_headline__an_accept_for_review_is_not_plain_green() -> None:
    assert _headline(_comment(replace(made.accepted(), caveats=(REVIEW,)))) == (
        "### 🟡 Accepted by this pull request, please review: `autopilot::redact::redact_secrets` +9.8 % and 1 more "
        '(allowed 12 %): "scrubs two more key formats".'
    )


@pytest.mark.parametrize(
    ("reason", "accepted_by"),
    [("a; b", "a; b; reviewed"), ("a; b", "reviewed; a; b"), ("; ", "; "), ("a", "a"), ("", "")],
)
def test_headline__no_reason_can_hide_that_it_is_for_review(reason: str, accepted_by: str) -> None:
    findings = tuple(replace(f, accepted_by=accepted_by) for f in made.accepted().workloads[0].findings)
    verdict = replace(made.accepted(), workloads=(replace(made.accepted().workloads[0], findings=findings),))
    caveat = replace(REVIEW, detail=f"f by up to 1 %: {reason}")
    assert _headline(_comment(replace(verdict, caveats=(caveat,)))).startswith(
        "### 🟡 Accepted by this pull request, please review: "
    )


def test_headline__an_accept_for_review_that_covers_nothing_leaves_it_green_and_is_told() -> None:
    text = _comment(replace(made.green(), caveats=(REVIEW,)))
    assert _headline(text).startswith("### 🟢 No regression")
    assert "- This pull request itself accepts regressions (" in _visible(text)


@pytest.mark.parametrize(
    ("verdict", "fail_on", "told"),
    [
        (made.red(), FailOn.NEVER, "It does not fail the job: `fail_on: never` in the workflow."),
        (made.red(), None, None),
        (made.inconclusive(), FailOn.INCONCLUSIVE, "This fails the job: `fail_on: inconclusive` in the workflow."),
        (made.inconclusive(), FailOn.REGRESSION, None),
    ],
)
def test_notes__say_who_decides_what_fails(verdict: Verdict, fail_on: FailOn | None, told: str | None) -> None:
    text = _comment(verdict, replace(ON_GITHUB, fail_on=fail_on))
    assert told in text if told else "the job: " not in text


def test_notes__an_input_overrides_the_settings() -> None:
    verdict = made.never_failing()
    candidate = made.candidate_of("never-failing", verdict)
    strict = replace(ON_GITHUB, fail_on=FailOn.REGRESSION)
    assert "It does not fail the job" not in report.comment(verdict, None, candidate, strict)
    assert 'It does not fail the job: `fail_on = "never"` in `autoprof.toml`.' in report.comment(
        verdict, None, candidate, ON_GITHUB
    )


# --- the machine ---------------------------------------------------------------------------------------------------------


def test_machine__says_how_the_program_was_kept_apart() -> None:
    verdict = made.green()
    candidate = made.bundle(verdict, "candidate")
    machine = replace(made.MACHINE, sandbox="container with CAP_SYS_ADMIN")
    text = report.comment(verdict, None, replace(candidate, machine=machine), ON_GITHUB)
    assert "- Sandbox of the measured program: container with CAP\\_SYS\\_ADMIN\n" in text
    assert "Sandbox" not in report.comment(verdict, None, candidate, ON_GITHUB)


def test_notes__a_note_on_the_commit_is_never_folded() -> None:
    note = "Measured is 9f8e7d6, which is no longer the newest commit."
    for verdict in (made.red(), made.green(), made.first_run()):
        assert note in _visible(_comment(verdict, replace(ON_GITHUB, measured_commit_note=note)))


# --- not measured --------------------------------------------------------------------------------------------------------


def test_not_measured__says_what_happened_what_helps_and_where() -> None:
    note = "Measured was to be 9f8e7d6."
    details = replace(ON_GITHUB, report_url=None, key="linux", measured_commit_note=note)
    assert report.not_measured(SENTENCE, NEXT_STEP, details) == (
        "<!-- autoprof-ci key=linux -->\n\n"
        "### ⚪ Not measured: the workload run-fix-bug exited with 3 instead of 0; its last words: no such file: "
        "sessions/7.jsonl.\n\n"
        f"{NEXT_STEP} {note} {RUN_LINK}\n"
    )


def test_not_measured__a_long_story_is_cut_and_told_in_full_below() -> None:
    lines = "\n".join(f"line {number} of what it said" for number in range(40))
    text = report.not_measured(lines, NEXT_STEP, ON_GITHUB)
    assert len(_headline(text)) < 230
    assert _headline(text).endswith(" …")
    assert "line 39 of what it said\n```" in text


@given(st.text(max_size=400), st.text(max_size=100))
def test_not_measured__any_text(what: str, next_step: str) -> None:
    text = report.not_measured(what, next_step, ON_GITHUB)
    assert text.count("<!--") == 1
    assert _headline(text).startswith("### ⚪ Not measured: ")
    text.encode()


def test_not_measured__flood_stays_below_the_limit() -> None:
    assert len(report.not_measured("x\n" * 500_000, "y" * 500_000, ON_GITHUB)) <= 60_000


# --- the summary ---------------------------------------------------------------------------------------------------------


def test_summary__is_the_comment_without_hidden_lines() -> None:
    verdict = made.red()
    sides = made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate")
    text = report.comment(verdict, *sides, ON_GITHUB)
    hidden = [line for line in text.splitlines() if line.startswith("<!--")]
    assert len(hidden) == 2
    assert report.summary(verdict, *sides, ON_GITHUB) == text.removeprefix("\n".join([*hidden, "", ""]))


def test_summary__relative_pictures_become_bars_and_hosted_ones_stay() -> None:
    verdict = made.red()
    sides = made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate")
    relative = replace(ON_GITHUB, charts=Charts(kind=ChartKind.IMAGES), report_url="report.html")
    text = report.summary(verdict, *sides, relative)
    assert "<picture>" not in text
    assert "█" in text
    assert "report.html" not in text
    hosted = replace(ON_GITHUB, charts=Charts(kind=ChartKind.IMAGES, folder_url="https://raw.example/1/"))
    assert "<picture>" in report.summary(verdict, *sides, hosted)


def test_summary__stays_below_a_mebibyte_in_bytes() -> None:
    verdict = made.red_many(2_000)
    long = replace(verdict, caveats=tuple(Caveat(code=code, detail="\U0001f980" * 20_000) for code in CaveatCode))
    text = report.summary(long, made.bundle(long, "baseline"), made.bundle(long, "candidate"), ON_GITHUB)
    assert len(text.encode()) <= 1 << 20


# --- pictures, as GitHub lets them through -------------------------------------------------------------------------------

ALLOWED = {
    "picture": set[str](),
    "source": {"media", "srcset"},
    "img": {"alt", "src", "width"},
    **{tag: {"href"} if tag == "a" else set[str]() for tag in (
        "a", "code", "details", "em", "h3", "li", "p", "pre", "strong", "summary",
        "table", "tbody", "td", "th", "thead", "tr", "ul",
    )},
}  # fmt: skip


class _Rendered(HTMLParser):
    """All start tags with their attributes, in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.started: list[tuple[str, dict[str, str]]] = []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table"]).render(text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.started.append((tag, {key: value or "" for key, value in attrs}))


def _with_pictures(case: str) -> str:
    verdict = made.CASES[case]()
    hosted = Charts(kind=ChartKind.IMAGES, folder_url="https://github.example/o/r/raw/5ca2701/default/")
    return _comment(verdict, replace(ON_GITHUB, charts=hosted))


@pytest.mark.parametrize("case", ["red", "hostile", "red-many", "watched"])
def test_pictures__nothing_that_githubs_sanitiser_would_take_away(case: str) -> None:
    for tag, attributes in _Rendered(_with_pictures(case)).started:
        assert tag in ALLOWED
        assert set(attributes) - {"class", "start"} <= ALLOWED[tag], tag


def test_pictures__dark_first_then_light_and_the_numbers_in_words() -> None:
    started = _Rendered(_with_pictures("red")).started
    at = [tag for tag, _ in started].index("picture")
    folder = "https://github.example/o/r/raw/5ca2701/default/functions-run-fix-bug"
    assert started[at : at + 3] == [
        ("picture", {}),
        ("source", {"media": "(prefers-color-scheme: dark)", "srcset": f"{folder}-dark.png"}),
        (
            "img",
            {
                "alt": "hot functions of run-fix-bug, main → here: regex_automata::…::Compiler::c 2.1 → 148 ms; "
                "autopilot::rlog::step_to_line 9.8 → 10.3 ms; …::build_from_noncontiguous 0.8 → 6.1 ms",
                "src": f"{folder}-light.png",
                "width": "760",
            },
        ),
    ]


def test_pictures__the_files_that_are_linked_are_the_files_that_are_drawn() -> None:
    verdict = made.red()
    sides = made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate")
    drawn = set(report.render(verdict, *sides, ON_GITHUB).charts)
    linked = set(re.findall(r"raw/5ca2701/default/([^\"]+)", _with_pictures("red")))
    assert linked
    assert linked <= drawn


# --- annotations ---------------------------------------------------------------------------------------------------------


def test_annotations__one_for_a_cause_on_the_line_that_did_it() -> None:
    assert report.annotations(made.red()) == (
        Annotation(
            level=AnnotationLevel.ERROR,
            title="Performance regression in run-fix-bug",
            message="The program got 31 % slower in run-fix-bug: autopilot::redact::redact_secrets makes "
            "regex_automata::…::compiler::Compiler::c run 39 times as often, and 1 more function with it",
            file="src/redact.rs",
            line=152,
        ),
    )


def test_annotations__none_without_a_regression() -> None:
    for case in ("green", "watched", "first-run", "accepted", "identical", "inconclusive"):
        assert report.annotations(made.CASES[case]()) == ()


def test_annotations__ten_at_most_those_on_changed_lines_first() -> None:
    findings = list(made.red_many(30).workloads[0].findings)
    findings[1] = replace(findings[1], source=Source(file="src/a.rs", line=3, changed_here=False))
    findings[2] = replace(findings[2], source=Source(file="src/b.rs", line=4, changed_here=True))
    verdict = made.verdict(Outcome.FAIL, made.workload("w", *findings))
    places = [(annotation.file, annotation.line) for annotation in report.annotations(verdict)]
    assert places == [("src/b.rs", 4), ("src/a.rs", 3), *[(None, None)] * 8]


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("src/redact.rs", "src/redact.rs"),
        ("crates/my crate/src/a.rs", "crates/my crate/src/a.rs"),
        ("/rustc/4d91de4e48198da2e33413efdcd9cd2cc0c46688/library/core/src/str.rs", None),
        ("C:\\src\\a.rs", None),
        ("../../etc/passwd", None),
        ("src/a\n::error::b.rs", None),
        ("", None),
    ],
)
def test_annotations__only_files_of_the_repository(file: str, kept: str | None) -> None:
    finding = replace(made.dearer_calls(), status=Status.REGRESSION, source=Source(file=file, line=7, changed_here=True))
    verdict = made.verdict(Outcome.FAIL, made.workload("w", finding))
    (annotation,) = report.annotations(verdict)
    assert (annotation.file, annotation.line) == (kept, 7 if kept else None)


def test_annotations__hostile_names_stay_on_one_printable_line() -> None:
    texts = [text for one in report.annotations(made.hostile()) for text in (one.title, one.message, one.file or "x")]
    assert all(text.isprintable() for text in texts)
    assert max(map(len, texts)) <= 4096


# --- one line ------------------------------------------------------------------------------------------------------------


def _every_verdict() -> Iterator[Verdict]:
    yield from (case() for case in made.CASES.values())


def test_status_line__is_the_first_line_as_plain_text() -> None:
    assert report.status_line(made.green(), ON_GITHUB) == (
        "No regression in autopilot: 2 workloads, 20 hot functions, against 1a2b3c4 (merge base)"
    )


def test_status_line__names_get_shorter_before_words_are_left_out() -> None:
    assert report.status_line(made.red(), ON_GITHUB) == (
        "autopilot got 31 % slower in run-fix-bug: autopilot::redact::redact_secrets makes regex_automata::…::Compiler::c "
        "run 39 times as often"
    )


def test_status_line__fits_whatever_the_verdict() -> None:
    for verdict in _every_verdict():
        said = report.status_line(verdict, ON_GITHUB)
        assert 0 < len(said) <= 140
        assert said.isprintable()


def test_outcome_word__of_every_outcome() -> None:
    assert [report.outcome_word(outcome) for outcome in Outcome] == ["no regression", "regression", "no baseline", "not sure"]
