"""What one comment tells the next: the hidden line, as it is written and as a stranger may have left it."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoprof_ci import report
from autoprof_ci.report import remembered
from tests import factories_report as made

readable = st.text(st.characters(blacklist_categories=("C", "Z")), max_size=60)


def _line(value: object) -> str:
    return f"<!-- autoprof-ci-state {b64encode(json.dumps(value).encode()).decode()} -->"


@given(st.lists(st.builds("{}/{}".format, readable, readable), max_size=60, unique=True))
def test_read__what_line_wrote(regressions: list[str]) -> None:
    body = f"<!-- autoprof-ci key=default -->\n{remembered.line(regressions)}\n\n### \n"
    assert list(remembered.read(body)) == regressions[: len(remembered.read(body))]
    assert len(remembered.read(body)) == min(len(regressions), remembered.MOST)


@given(st.lists(st.text(max_size=1_200), max_size=80), st.integers(0, 9_000))
def test_line__never_ends_early_and_never_exceeds(regressions: list[str], longest: int) -> None:
    line = remembered.line(regressions, longest)
    assert len(line) <= min(longest, 8_000)
    assert line.count("-->") == (1 if line else 0)
    assert "\n" not in line


def test_line__too_long_a_name_is_left_out_and_the_others_stay() -> None:
    assert remembered.read(remembered.line([f"w/{'x' * 2_000}", "w/f"])) == ("w/f",)


@pytest.mark.parametrize(
    "body",
    [
        "<!-- autoprof-ci key=default -->\n<!-- autoprof-ci-run {\"run\": 7} -->\n{state}\n\n### red",
        "<!-- autoprof-ci key=default -->\n{state}\n<!-- autoprof-ci-run {} -->\n\n### red",
        "<!-- autoprof-ci key=default -->\r\n{state}\r\n\r\n### red",
        "{state}",
        "words\n{state}\nwords",
    ],
)  # fmt: skip
def test_read__wherever_the_line_stands(body: str) -> None:
    assert remembered.read(body.replace("{state}", _line(["w/f"]))) == ("w/f",)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<!-- autoprof-ci-state -->",
        "<!-- autoprof-ci-state  -->",
        "<!-- autoprof-ci-state !!! -->",
        "<!-- autoprof-ci-state abc -->",
        "<!-- autoprof-ci-state AAAA -->",
        f"<!-- autoprof-ci-state {b64encode(b'[' * 5_000).decode()} -->",
        f"<!-- autoprof-ci-state {'A' * 20_000} -->",
        f"> {_line(['w/f'])}",
        _line({"w": "f"}),
        _line("w/f"),
        _line(["w/f", 7]),
        _line(["w/f"] * 51),
        _line(["w/" + "f" * 1_000]),
        _line([["w/f"]]),
        _line(["no workload"]),
        _line(["w/\u202ef"]),
        _line(["w/\ud800"]),
        _line(["w/\nf"]),
        _line([float("nan")]),
    ],
)
def test_read__garbage_is_nothing(body: str) -> None:
    assert remembered.read(body) == ()


@given(st.text(max_size=500))
def test_read__any_body(body: str) -> None:
    assert isinstance(remembered.read(body), tuple)
    assert isinstance(remembered.read(f"<!-- autoprof-ci-state {body} -->"), tuple)


def test_previous_regressions__of_a_comment_with_hostile_names_are_text_at_most() -> None:
    verdict = made.hostile()
    body = report.comment(verdict, made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate"), made.details())
    assert "w|`@x`/<!-- autoprof-ci key=default -->" in report.previous_regressions(body)
    assert all(entry.isprintable() for entry in report.previous_regressions(body))
