"""Every code has its words, and the glossary has every code."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import pytest

from autoprof_ci.model import CaveatCode, Instrument, Outcome, Reason, ReasonCode, Signal, Status
from autoprof_ci.report import caveat_places, text, wording
from autoprof_ci.report.caveat_words import CAVEATS, sentences
from tests import factories_report as made

GLOSSARY = Path(__file__).parent.parent / "docs" / "glossary.md"


def _rows(title: str) -> dict[str, list[str]]:
    """Code -> the other cells of the table under a heading of the glossary."""
    section = GLOSSARY.read_text(encoding="utf-8").split(f"\n## {title}\n")[1].split("\n## ")[0]
    rows = (line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `"))
    return {cells[0].strip(" `"): [cell.strip() for cell in cells[1:]] for cells in rows}


@pytest.mark.parametrize(
    ("title", "words"),
    [("Outcomes", Outcome), ("Statuses", Status), ("Signals", Signal), ("Reasons", ReasonCode), ("Caveats", CaveatCode)],
)
def test_glossary__has_the_codes_and_no_others(title: str, words: type[StrEnum]) -> None:
    rows = _rows(title)
    assert list(rows) == [word.value for word in words]
    assert all(cells[0].endswith(".") for cells in rows.values())


def test_glossary__says_of_caveats_what_reports_say() -> None:
    assert _rows("Caveats") == {code.value: [f"{words.says}.", words.next_step or ""] for code, words in CAVEATS.items()}


def test_caveats__worded_in_the_order_of_their_codes() -> None:
    assert list(CAVEATS) == list(CaveatCode)


@pytest.mark.parametrize("code", CaveatCode)
def test_caveats__are_sentences(code: CaveatCode) -> None:
    words = CAVEATS[code]
    assert re.fullmatch(r"[A-Zp`][^{}]*[^.\s]", words.says)
    assert words.next_step is None or re.fullmatch(r"[A-Z][^{}]*\.", words.next_step)
    assert (words.says + (words.next_step or "")).count("`") % 2 == 0


@pytest.mark.parametrize("code", ReasonCode)
def test_why__every_reason_says_something(code: ReasonCode) -> None:
    for detail in ("", "autopilot::redact::scrub 0.61", "2.39"):
        finding = replace(made.dearer_calls(), reasons=(Reason(code=code, detail=detail),), source=None)
        said = text.inline(wording.why(finding, None))
        assert said
        assert "  " not in said
        assert code.value not in said


@pytest.mark.parametrize("status", Status)
def test_status__has_words(status: Status) -> None:
    assert wording.STATUS_WORDS[status]


@pytest.mark.parametrize("instrument", Instrument)
def test_instrument__has_verbs(instrument: Instrument) -> None:
    assert wording.verb_of(instrument, 0.1) != wording.verb_of(instrument, -0.1)


def test_sentences__one_for_a_code_with_all_its_details() -> None:
    caveats = [made.Caveat(code=CaveatCode.WORKLOAD_CHANGED, detail=f"w{i}") for i in (1, 2, 2, 3)]
    caveats.append(made.Caveat(code=CaveatCode.LOST_SAMPLES))
    assert [text.inline(sentence) for sentence in sentences(caveats)] == [
        "The workload itself changed in this pull request; both programs were measured on the new one (w1, w2, w3).",
        "perf lost samples. Lower frequency_hz.",
    ]


def test_sentences__many_details_are_counted() -> None:
    caveats = [made.Caveat(code=CaveatCode.WORKLOAD_CHANGED, detail=f"w{i}") for i in range(9)]
    (sentence,) = sentences(caveats)
    assert text.inline(sentence).endswith("(w0, w1, w2, and 6 more).")


@pytest.mark.parametrize(
    ("details", "says"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "in both workloads"),
        (["valgrind is not installed"], "valgrind is not installed"),
        (["a (candidate): 1.7 processors"], "about 2 processors in a of the candidate"),
        (["a (candidate): 0.6 processors", "a (baseline): 1.2 processors"], "about 1 processor in a"),
        ([f"{w} ({s}): 1.{n} processors" for n, w in enumerate("ab", 6) for s in ("candidate", "baseline")],
         "about 2 processors in both workloads"),
        (["a (candidate): ±4 %", "b (candidate): ±31 %"], "±4 to ±31 % in both workloads of the candidate"),
        (["a (candidate): 12 events", "a (baseline): 1300 events"], "12 to 1,300 events in a"),
        (["a (candidate): odd", "a (baseline): odd"], "odd in a"),
        (["a (candidate)", "b (baseline)"], "in both workloads"),
        (["a (candidate): x", "other"], "a (candidate): x, other"),
    ],
)  # fmt: skip
def test_summary__places_in_few_words(details: list[str], says: str) -> None:
    assert caveat_places.summary(details, ["a", "b"]) == says


@pytest.mark.parametrize(
    ("baseline_calls", "candidate_calls", "baseline", "candidate", "code", "says"),
    [
        (30, 1183, 1e6, 40e6, ReasonCode.MORE_CALLS, "called 30 → 1,183 times"),
        (980, 980, 5.9e6, 6.2e6, ReasonCode.DEARER_CALLS, "same calls, each call 5.1 % dearer"),
        (980, 990, 5.9e6, 18e6, ReasonCode.DEARER_CALLS, "each call 3 times as dear"),
        (100, 100, 2e6, 1e6, ReasonCode.CHEAPER_CALLS, "same calls, each call 50 % cheaper"),
        (0, 100, 0.0, 1e6, ReasonCode.DEARER_CALLS, "each call dearer"),
    ],
)
def test_why__calls_and_their_cost(
    baseline_calls: int, candidate_calls: int, baseline: float, candidate: float, code: ReasonCode, says: str
) -> None:
    measurement = made.instructions_of(baseline or None, candidate, signal=Signal.MORE)
    finding = replace(
        made.function("f", Status.REGRESSION, measurement),
        calls=made.Calls(baseline=baseline_calls, candidate=candidate_calls),
        reasons=(Reason(code=code),),
    )
    assert text.inline(wording.why(finding, None)) == says


@pytest.mark.parametrize(
    ("name", "dso", "says"),
    [
        ("[kernel]", "[kernel]", "the kernel"),
        ("[unknown]", "libz.so.1", "code without a name in libz.so.1"),
        ("[helper]", "git", "the helper git"),
        ("sha", "{binary}", "sha"),
    ],
)
def test_function__rows_that_stand_for_more(name: str, dso: str, says: str) -> None:
    assert text.inline(wording.function(name, dso)) == says
