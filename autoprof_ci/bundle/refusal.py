"""Why a bundle is refused, and which text may be in one. Knows nothing of zip files, JSON or the model.

A bundle can come from a fork's pull request: what it says ends up in a terminal, in a log, in a comment. So text is checked
where it enters (and escaped where we write it), and whatever part of it an error repeats is escaped and cut.
"""

from __future__ import annotations

import re

RECORD_AGAIN = "Record it again, or update autoprof-ci if a newer version wrote it"
DOWNLOAD_AGAIN = "Download or record it again"
WRITTEN_BY_US = "Name a file that `autoprof-ci record` or `autoprof-ci gate` wrote"
DO_NOT_TRUST = "autoprof-ci does not write such files: find out where it comes from, and record it again"

SHOWN_CHARACTERS = 120

# Control characters, line and paragraph separators, marks that reorder the text around them, halves of surrogate pairs.
_UNPRINTABLE = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_ONE_UNPRINTABLE = re.compile(f"[{_UNPRINTABLE}]")
_ONE_UNPRINTABLE_IN_PROSE = re.compile(f"(?![\t\n])[{_UNPRINTABLE}]")

LINE_PATTERN = rf"^[^{_UNPRINTABLE}]*\Z"
"""One line: names, versions, paths."""
PROSE_PATTERN = rf"^(?:[\t\n]|[^{_UNPRINTABLE}])*\Z"
"""Sentences and ends of logs; may have several lines."""
FILE_NAME_PATTERN = r"^[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}\Z"
"""Safe as a file name everywhere: names of workloads and of stored programs."""
SHA256_PATTERN = r"^[0-9a-f]{64}\Z"
TIME_PATTERN = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|\+00:00))?\Z"
"""RFC 3339, in UTC; empty where nobody knows, as with the stacks of another profiler."""

PATTERN_WORDS = {
    repr(LINE_PATTERN): "text without control characters",
    repr(PROSE_PATTERN): "text without control characters",
    repr(
        FILE_NAME_PATTERN
    ): "a name of at most 100 letters, digits, '_', '.', '+' and '-' that begins with a letter, a digit or '_'",
    repr(SHA256_PATTERN): "a SHA-256 digest in hexadecimal",
    repr(TIME_PATTERN): "a time in UTC like 2026-01-31T12:00:00Z",
}


class RefusedError(Exception):
    """This part of a bundle is not to be used. `reason`: no full stop, without the bundle's own name."""

    def __init__(self, reason: str, next_step: str = RECORD_AGAIN) -> None:
        super().__init__(reason)
        self.reason = reason
        self.next_step = next_step


def escape_line(text: str) -> str:
    """`text` with everything that `LINE_PATTERN` refuses written as ``\\xNN`` or ``\\uNNNN``."""
    if text.isascii() and text.isprintable():
        return text
    return _ONE_UNPRINTABLE.sub(_escaped, text)


def escape_prose(text: str) -> str:
    """`text` with everything that `PROSE_PATTERN` refuses written as ``\\xNN`` or ``\\uNNNN``."""
    return _ONE_UNPRINTABLE_IN_PROSE.sub(_escaped, text)


def has_unprintable_in_prose(text: str) -> bool:
    """Whether `escape_prose` would change `text`."""
    return _ONE_UNPRINTABLE_IN_PROSE.search(text) is not None


def shown(text: str) -> str:
    """`text` from outside as an error may repeat it: escaped down to foreign kinds of space, and cut in the middle where it is
    long."""
    if len(text) > SHOWN_CHARACTERS:
        half = (SHOWN_CHARACTERS - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return "".join(letter if letter.isprintable() else _code(letter) for letter in text)


def _escaped(match: re.Match[str]) -> str:
    return _code(match.group())


def _code(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
