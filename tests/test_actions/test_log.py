"""What is printed is a command only where it is ours."""

from __future__ import annotations

import io
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from autoprof_ci.actions import harmless
from autoprof_ci.actions.log import Log, Place
from tests.test_actions import runner_parser
from tests.test_actions.runner_parser import Command


class Job:
    """The log of a job: a stream as strict as standard output is, and what came through it."""

    def __init__(self) -> None:
        self.bytes = io.BytesIO()
        self.log = Log(io.TextIOWrapper(self.bytes, encoding="utf-8", errors="strict", newline="\n"))

    @property
    def text(self) -> str:
        return self.bytes.getvalue().decode()


UNSEEN = [
    "\u200b",
    "\u00ad",
    "\ufeff",
    "\u2060",
    "\u200d",
    "\u034f",
    "\ufe0f",
    "\U000e0041",
    "\0",
    "\x08",
    "\x7f",
    "\x9c",
    "\u180e",
]
BREAKS = ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"]
BLANKS = ["", " ", "\t", "\u00a0", "\u3000", "\u2003", "\u1680", "\x1f"]
COMMANDS = [
    "::error::pwned",
    "::ERROR file=a,line=1::pwned",
    "::set-output name=outcome::pass",
    "::save-state name=a::b",
    "::stop-commands::token",
    "::add-mask::a",
    "::add-matcher::/tmp/m.json",
    "::group::x",
    "::endgroup::",
    "::echo::on",
    "::debug::x",
    "##[error]pwned",
    "##[group]pwned",
    "##[set-output name=outcome;]pass",
    "##[add-mask]a",
    "##[section]x",
    "##[command]x",
    "###[error]x",
    "##[##[error]x",
]
CORPUS = [
    *COMMANDS,
    *(f"a{line_break}{command}" for line_break in BREAKS for command in COMMANDS[:2] + COMMANDS[11:13]),
    *(f"{blank}{command}" for blank in BLANKS for command in COMMANDS[:2] + COMMANDS[11:13]),
    *(f"{unseen}::error::x" for unseen in UNSEEN),
    *(f":{unseen}:error:{unseen}:x" for unseen in UNSEEN),
    *(f"#{unseen}#{unseen}[{unseen}error]x" for unseen in UNSEEN),
    *(f"{break_}{blank}{unseen}::error::x" for break_ in BREAKS[:3] for blank in BLANKS for unseen in UNSEEN),
    "text ##[error]in the middle",
    "text\x1b[1m##\x1b[0m[error]coloured",
    "\x1b[31m::error::coloured",
    "\x1b]0;title\x07::error::x",
    "\x1b]8;;https://x\x1b\\##[error]x\x1b]8;;\x1b\\",
    "\x1b]0;never ended ::error::x\n::error::y",
    "\x9b31m::error::x",
    "\x1b(B::error::x",
    "\x1bc::error::x",
    "\x1b\x1b[m[1m::error::x",
    "#\x1b[m#\x1b[m[error]x",
    "##\x1b[m[error]x",
    "\udcff::error::x",
    "\udcff\n::error::\udcfe",
    "##\ud800[error]x",
    "%0A::error::x",
    "%0D%0A##[error]x",
    "a" * 5000 + "##[error]x",
    "a" * 1999 + "\r::error::x",
    "a" * 1998 + "##[error]x",
    " " * 5000 + "::error::x",
    "\u202e::error::x",
    "::\u200berror::x\r\n\r\n\r::error::y",
]


def test_runner_parser__finds_the_commands_that_are_there() -> None:
    assert [text for text in COMMANDS if not runner_parser.found(text.encode())] == ["##[##[error]x"]
    assert len([text for text in CORPUS if runner_parser.found(text.encode(errors="replace"))]) > 200


def test_say__is_never_a_command() -> None:
    for text in CORPUS:
        job = Job()
        job.log.say(text)
        assert runner_parser.found(job.bytes.getvalue()) == [], ascii(text)


def test_annotations__are_one_command_whatever_they_say() -> None:
    for text in CORPUS:
        job = Job()
        job.log.error(text, place=Place(file=text, line=3), title=text)
        job.log.warning(text)
        job.log.notice(text, place=Place(file=text))
        obeyed = runner_parser.obeyed(job.bytes.getvalue())
        assert [command.name for command in obeyed] == ["error", "warning", "notice"], ascii(text)
        assert {key for command in obeyed for key, _ in command.properties} <= {"title", "file", "line"}
        assert "##[" not in "".join(runner_parser.weighted_lines(job.text))


NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from([*":#[] =,;%", "e", "\x1b", "m", *UNSEEN, *"".join(BREAKS), *"".join(BLANKS)]), st.characters()
    )
)


@given(st.lists(st.one_of(NASTY, st.sampled_from([*COMMANDS, *UNSEEN, *BREAKS, "::", "##[", "#", "[", "\x1b["]))).map("".join))
def test_say__is_never_a_command_in_any_mixture(text: str) -> None:
    job = Job()
    job.log.say(text)
    assert runner_parser.found(job.bytes.getvalue()) == []


@given(NASTY)
def test_harmless__changes_nothing_the_second_time(text: str) -> None:
    once = harmless.lines(text)
    assert harmless.lines("".join(f"{each}\n" for each in once)) == once


def test_harmless__no_character_without_weight_comes_through() -> None:
    text = "".join(map(chr, range(sys.maxunicode + 1)))
    through = "".join(harmless.lines(text.replace("\x1b", "")))
    assert {unicodedata.category(character) for character in through} & {"Cc", "Cf", "Cs"} == set()


def test_say__leaves_plain_words_alone() -> None:
    job = Job()
    job.log.say("std::vec::Vec<T> is 31 % slower: 🔴 “quoted” ## [x] a::b\n\n  indented\tby a tab")
    assert job.text == "std::vec::Vec<T> is 31 % slower: 🔴 “quoted” ## [x] a::b\n\n  indented    by a tab\n"


def test_say__shows_what_it_made_harmless() -> None:
    job = Job()
    job.log.say("::error::x\na ##[error]b\r\x1b[31m::warning::y\x1b[0m\udcff")
    assert job.text == "| ::error::x\na #·#[error]b\n| ::warning::y\ufffd\n"


def test_say__cuts_a_long_line() -> None:
    job = Job()
    job.log.say("a" * 5000)
    assert job.text == "a" * 1999 + "…\n"


def test_annotations__are_written_as_the_runner_reads_them() -> None:
    job = Job()
    job.log.error("50 % slower:\nwhy, a,b", place=Place(file="src/a,b:c.rs", line=42), title="a: b, c")
    job.log.warning("plain")
    job.log.notice("here", place=Place(file="x"))
    assert job.text == (
        "::error title=a%3A b%2C c,file=src/a%2Cb%3Ac.rs,line=42::50 %25 slower:%0Awhy, a,b\n"
        "::warning::plain\n"
        "::notice file=x::here\n"
    )
    assert runner_parser.obeyed(job.bytes.getvalue())[0] == Command(
        "error", (("title", "a: b, c"), ("file", "src/a,b:c.rs"), ("line", "42")), "50 % slower:\nwhy, a,b"
    )


def test_annotations__more_than_the_runner_shows_are_said_in_plain_words() -> None:
    job = Job()
    for number in range(12):
        job.log.error(f"number {number}", place=Place(file="a.rs", line=7))
    job.log.warning("still room")
    obeyed = [command.data for command in runner_parser.obeyed(job.bytes.getvalue())]
    assert obeyed == [*(f"number {number}" for number in range(10)), "still room"]
    assert "error: a.rs:7: number 10\nerror: a.rs:7: number 11\n" in job.text


def test_annotations__are_cut_where_the_runner_would() -> None:
    job = Job()
    job.log.error("x" * 10_000, title="t" * 1000)
    (command,) = runner_parser.obeyed(job.bytes.getvalue())
    assert (command.data, command.properties) == ("x" * 4095 + "…", (("title", "t" * 254 + "…"),))


def test_mask__each_line_of_a_secret() -> None:
    job = Job()
    job.log.mask("first%line\nsecond\n\n")
    job.log.mask("")
    assert job.text == "::add-mask::first%25line\n::add-mask::second\n"
