"""How the tools that write diffs spell the names of files, and which of these can be a path of a repository."""

from __future__ import annotations

import re

from autoprof_ci.model import in_repository

NOWHERE = "/dev/null"

_PREFIX = re.compile(r"\A[abciow12]/")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(rb"\\([0-3][0-7]{2}|.)", re.DOTALL)
_ESCAPED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


def in_header(pair: str, names: list[str]) -> str:
    """The one name that stands twice in `pair`, each time after a prefix: ``a/my file b/my file``, ``my file my file``.

    `names`: the lines below, which say it where `pair` does not.
    """
    first = _QUOTED.match(pair)
    if first is not None or pair.endswith('"'):
        before = first[0] if first else pair[: max(pair.find(' "'), 0)]
        named = common(unquoted(before), unquoted(pair[len(before) + 1 :]))
        if named:
            return named
    half = len(pair) // 2
    before, after = pair[:half], pair[half + 1 :]
    if pair[half : half + 1] == " " and (before == after or before.partition("/")[2] == after.partition("/")[2] != ""):
        return common(before, after)
    told = [name for line in names if line.startswith(("--- ", "+++ ")) and (name := without_date(line[4:])) != NOWHERE]
    return (common(told[0], told[-1]) if len(told) > 1 else "") or (without_prefix(told[-1]) if told else "")


def common(before: str, after: str) -> str:
    """What two names share from the end on, in whole folders; empty where that is nothing."""
    if before == after:
        return after
    shared: list[str] = []
    for one, other in zip(reversed(before.split("/")), reversed(after.split("/")), strict=False):
        if one != other:
            break
        shared.append(one)
    return "/".join(reversed(shared))


def without_date(told: str) -> str:
    """A name without the date behind it."""
    quoted = _QUOTED.match(told)
    return unquoted(quoted[0]) if quoted else told.partition("\t")[0].rstrip()


def unquoted(name: str) -> str:
    r"""``"src/\303\244.rs"``, as git writes what is not ASCII, and what it does not write in this way."""
    quoted = _QUOTED.fullmatch(name)
    if quoted is None:
        return name

    def one(match: re.Match[bytes]) -> bytes:
        told = match[1]
        return bytes([int(told, 8)]) if len(told) == 3 else _ESCAPED.get(told, told)

    return _ESCAPE.sub(one, quoted[1].encode(errors="replace")).decode(errors="replace")


def path(name: str) -> str | None:
    """A path that can be one of a repository's; ``None`` for everything else."""
    relative = name.removeprefix("./")
    return relative if in_repository(relative) else None


def without_prefix(name: str) -> str:
    """Without the letter that git puts before it."""
    return _PREFIX.sub("", name, count=1)
