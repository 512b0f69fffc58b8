"""The hidden lines of a comment: its marker, and which run wrote it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoprof_ci.actions import comments
from autoprof_ci.actions.comments import Draft, Stamp, complete, length, stamp_of
from autoprof_ci.report import markdown


def test_length__counts_what_takes_two_units_twice() -> None:
    assert [length(text) for text in ("", "abc", "äöü", "🔴🟢", "\ud800")] == [0, 3, 3, 4, 1]


@pytest.mark.parametrize("key", ["default", "linux-arm64", "a_b.c", "a--b", "-->", "x y", "ä", "k" * 200, ""])
def test_marker__is_the_one_that_the_report_writes(key: str) -> None:
    assert comments.marker(key) == markdown.marker(key)


def test_stamp__comes_back_as_it_was_written() -> None:
    stamp = Stamp(run_id=12_345_678_901, run_attempt=3, run_number=17, commit="0123456789abcdef0123456789abcdef01234567")
    assert stamp_of(complete(Draft(body="b", key="k", stamp=stamp))) == stamp


def test_stamp__cannot_end_the_hidden_line() -> None:
    stamp = Stamp(run_id=1, commit='--> <img src=x> "')
    assert complete(Draft(body="b", key="k", stamp=stamp)).splitlines()[1] == (
        '<!-- autoprof-ci-run {"attempt":1,"commit":null,"run_id":1,"run_number":null} -->'
    )


@pytest.mark.parametrize(
    "line",
    [
        "",
        "<!-- autoprof-ci-run -->",
        "<!-- autoprof-ci-run {} -->",
        "<!-- autoprof-ci-run [] -->",
        '<!-- autoprof-ci-run {"run_id":1} -->',
        '<!-- autoprof-ci-run {"run_id":"1","attempt":1} -->',
        '<!-- autoprof-ci-run {"run_id":true,"attempt":1} -->',
        '<!-- autoprof-ci-run {"run_id":1.5,"attempt":1} -->',
        '<!-- autoprof-ci-run {"run_id":-1,"attempt":1} -->',
        '<!-- autoprof-ci-run {"run_id":0,"attempt":1} -->',
        '<!-- autoprof-ci-run {"run_id":1e300,"attempt":1} -->',
        '<!-- autoprof-ci-run {"run_id":NaN,"attempt":1} -->',
        f'<!-- autoprof-ci-run {{"run_id":{"9" * 200},"attempt":1}} -->',
        f'<!-- autoprof-ci-run {{"run_id":{"[" * 250}}} -->',
        '<!-- autoprof-ci-run {"run_id":1,"attempt":1} --> <b>',
        '<!-- autoprof-ci-run {"run_id":1,"attempt":1,"x":"-->"} -->',
        '`<!-- autoprof-ci-run {"run_id":1,"attempt":1} -->`',
    ],
)
def test_stamp__of_a_line_that_we_did_not_write(line: str) -> None:
    assert stamp_of(f"{comments.marker('default')}\n{line}\nbody") is None


def test_stamp__is_read_from_the_second_line_only() -> None:
    assert stamp_of(f'{comments.marker("k")}\ntext\n<!-- autoprof-ci-run {{"run_id":1,"attempt":1}} -->') is None


@given(st.text(max_size=400))
def test_stamp__of_any_text(text: str) -> None:
    found = stamp_of(f"{comments.marker('k')}\n<!-- autoprof-ci-run {text} -->\n")
    assert found is None or found.run_id > 0
