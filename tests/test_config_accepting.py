from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoprof_ci import config
from autoprof_ci.errors import ConfigError
from autoprof_ci.model import Accept, Instrument
from tests.test_config import EVERY_KEY

ACCEPT = Accept(match=("autopilot::redact::*",), up_to=0.12, reason='says "no" \\ yes', expires=date(2027, 1, 31))
LINES = """\
[[accept]]
match = "autopilot::redact::*"
up_to_percent = 12
reason = "says \\"no\\" \\\\ yes"
expires = 2027-01-31
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", LINES),
        ("# only a comment\n", "# only a comment\n\n" + LINES),
        ('binary = "x"   # the program', 'binary = "x"   # the program\n\n' + LINES),
        ('[[accept]]\nmatch = "q"\nup_to_percent = 1\nreason = "r"\nexpires = 2027-01-31\n# end\n', None),
    ],
    ids=["empty", "comment", "no-line-end", "another-accept"],
)
def test_accept_entry__is_added_below_what_was_there(text: str, expected: str | None) -> None:
    assert config.accept_entry(text, ACCEPT) == (expected or f"{text}\n{LINES}")


def test_accept_entry__all_keys() -> None:
    accept = replace(ACCEPT, match=("a", "[total]"), workload="second", instrument=Instrument.TIME, up_to=0.015)
    added = config.accept_entry(EVERY_KEY, accept)
    assert added.removeprefix(EVERY_KEY) == (
        '\n[[accept]]\nmatch = ["a", "[total]"]\nworkload = "second"\ninstrument = "time"\nup_to_percent = 1.5\n'
        'reason = "says \\"no\\" \\\\ yes"\nexpires = 2027-01-31\n'
    )
    before = config.parse(EVERY_KEY, source="autoprof.toml")
    after = config.parse(added, source="autoprof.toml")
    assert after == replace(before, policy=replace(before.policy, accepts=(*before.policy.accepts, accept)))


def test_accept_entry__keeps_the_line_ends() -> None:
    assert config.accept_entry('binary = "x"\r\n', ACCEPT) == 'binary = "x"\r\n\r\n' + LINES.replace("\n", "\r\n")


def test_accept_entry__twice() -> None:
    with pytest.raises(ConfigError) as caught:
        config.accept_entry(config.accept_entry("", ACCEPT), ACCEPT)
    assert str(caught.value) == (
        "autoprof.toml: accept[#1]: this entry is there already. Raise its up_to_percent, or give the new one another day."
    )


@pytest.mark.parametrize("text", ["accept = []\n", '[[workload]]\nname = "a"\ncommand = ["{binary}"]\n[accept]\n'])
def test_accept_entry__to_something_else_than_tables(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^autoprof\.toml: accept: "):
        config.accept_entry(text, ACCEPT)


@pytest.mark.parametrize(
    ("accept", "message"),
    [
        (replace(ACCEPT, reason="a\nb"), "autoprof.toml: accept[#1].reason: expected a text on one line"),
        (replace(ACCEPT, up_to=-0.1), "autoprof.toml: accept[#1].up_to_percent: expected a number of per cent"),
        (replace(ACCEPT, match=()), "autoprof.toml: accept[#1].match: expected at least one pattern"),
        (replace(ACCEPT, match=("",)), "autoprof.toml: accept[#1].match: expected a pattern"),
    ],
)
def test_accept_entry__impossible_entry(accept: Accept, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config.accept_entry("", accept)
    assert str(caught.value).startswith(message)


def test_accept_entry__file_that_is_wrong_already() -> None:
    with pytest.raises(ConfigError, match=r"^autoprof\.toml: runs: unknown key"):
        config.accept_entry("runs = 3\n", ACCEPT)


PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=40)
ACCEPTS = st.builds(
    Accept,
    match=st.lists(PRINTABLE, min_size=1, max_size=3).map(tuple),
    up_to=st.integers(1, 10**6).map(lambda hundredths: hundredths / 10_000),
    reason=PRINTABLE,
    expires=st.dates(),
    workload=st.sampled_from((None, "second", "folded")),
    instrument=st.sampled_from((None, *Instrument)),
)


@given(st.lists(ACCEPTS, max_size=4))
def test_accept_entry__any_entries_are_read_back(accepts: list[Accept]) -> None:
    text = EVERY_KEY
    for accept in dict.fromkeys(accepts):
        text = config.accept_entry(text, accept)
    assert text.startswith(EVERY_KEY)
    policy = config.parse(text, source="autoprof.toml").policy
    as_given = [replace(entry, up_to=round(entry.up_to, 9)) for entry in policy.accepts[2:]]
    assert as_given == [replace(entry, up_to=round(entry.up_to, 9)) for entry in dict.fromkeys(accepts)]


@given(ACCEPTS)
def test_accept_entry__any_entry_twice(accept: Accept) -> None:
    with pytest.raises(ConfigError, match="is there already"):
        config.accept_entry(config.accept_entry("", accept), accept)
