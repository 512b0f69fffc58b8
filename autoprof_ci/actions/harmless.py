"""Text from outside that stays text in a job log.

Knows how the runner finds commands in what a step prints: ``::name::`` at the start of a line after blanks, and ``##[name]``
anywhere in it, compared as people compare (characters that nobody sees are looked through). Pure; knows no commands of ours.

    a\\r::error::b   ->   a
                         | ::error::b
    x ##[error]b    ->   x #·#[error]b
"""

from __future__ import annotations

import re

MAX_LINE_CHARACTERS = 2000
_TAB = " " * 4
_ANSI = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c\r\n]*(?:\x07|\x1b\\|\x9c)?"  # titles, links, other strings
    r"|\x1b[ -/]*[0-~]"
    r"|\x9b[0-?]*[ -/]*[@-~]"
)
_UNSEEN = re.compile(
    "["
    # format characters
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    # joiners, fillers, variation selectors, tags
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff"
    "]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LEGACY = re.compile(r"##(?=\[)")
_COMMAND = re.compile(r"\s*:\s*:")


def line(text: str) -> str:
    """`text` on one line that is no command, without control characters, at most 2,000 characters."""
    return _harmless(" ".join(_cleaned(text).splitlines()))


def lines(text: str) -> tuple[str, ...]:
    """The lines of `text`, each one no command; what any reader may take for a line break is one."""
    return tuple(_harmless(each) for each in _cleaned(text).splitlines())


def data(text: str) -> str:
    """`text` for the inside of a command of ours, not yet escaped: line breaks stay, what else could act is gone."""
    return "\n".join(_without_legacy(each) for each in _cleaned(text).splitlines())


def _cleaned(text: str) -> str:
    """Without escape sequences and unseen characters; undecodable bytes as a replacement character; tabs as blanks."""
    text = _SURROGATE.sub("\ufffd", _ANSI.sub("", text))
    return _CONTROL.sub("", _UNSEEN.sub("", text)).replace("\t", _TAB)


def _harmless(text: str) -> str:
    text = _without_legacy(text)
    if _COMMAND.match(text):
        text = f"| {text}"
    return _short(text)


def _short(text: str) -> str:
    return text if len(text) <= MAX_LINE_CHARACTERS else f"{text[: MAX_LINE_CHARACTERS - 1]}…"


def _without_legacy(text: str) -> str:
    return _LEGACY.sub("#·#", text)
