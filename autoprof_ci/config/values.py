"""The shapes that values of several tables share: paths, names, percents, commands."""

from __future__ import annotations

from autoprof_ci.config.shapes import ListOf, Number, OneOf, OneOrMore, Text, Whole

NO_CONTROL = r"[^\x00-\x1f\x7f]+"
SEGMENT = r"(?!\.{1,2}(?:/|$))(?!\.git(?:/|$))[^/\x00-\x1f\x7f]+"

PERCENT = Number(words="a number of per cent, above 0 and at most 100000", above=0, maximum=100_000)
SHARE = Number(words="a number of per cent, above 0 and at most 100", above=0, maximum=100)
RUNS = Whole(words="an even whole number from 4 to 1000", minimum=4, maximum=1000, step=2)
MORE_RUNS = Whole(words="an even whole number from 0 to 1000", minimum=0, maximum=1000, step=2)
SECONDS = Number(words="a number of seconds, above 0 and at most 86400", above=0, maximum=86_400)
FILE = Text(words="a path on one line", pattern=NO_CONTROL)
INSIDE = Text(
    words='a path below this file\'s folder, without ".." and ".git"',
    pattern=rf"(?:\./)*{SEGMENT}(?:/{SEGMENT})*/?",
)
NAME = Text(
    words='a name of letters, digits, ".", "_" and "-" that begins with a letter or digit',
    pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    longest=64,
)
"""Becomes part of file names and of the names in the pyperf suite."""
TITLE_TEXT = Text(
    words='a name on one line that does not begin with "[" or a blank', pattern=r"[^\x00-\x20\x7f\[][^\x00-\x1f\x7f]*", longest=80
)
PATTERN = Text(words='a pattern such as "serde_json::*"', pattern=NO_CONTROL)
REASON = Text(words="a text on one line", pattern=NO_CONTROL)
ARGUMENT = Text(words="a text without null characters", pattern=r"[^\x00]*", longest=100_000)
VARIABLE = Text(words="a variable name of letters, digits and _", pattern=r"[A-Za-z_][A-Za-z0-9_]*", longest=200)

PATTERNS = OneOrMore(ListOf(item=PATTERN, words="at least one pattern", shortest=1))
COMMAND = ListOf(item=ARGUMENT, words="a list of texts, the program first", shortest=1)
INSTRUMENT = OneOf(("time", "instructions", "memory"))
INSTRUMENTS = ListOf(item=INSTRUMENT, words='a list of "time", "instructions" and "memory"', shortest=1, unique=True)
