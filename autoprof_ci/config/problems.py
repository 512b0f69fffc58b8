"""How a problem in a configuration is said: its key path, the value as found, the nearest known name.

Knows wording only; neither keys nor shapes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

LONGEST_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong. `what` is a clause without its full stop, `hint` a sentence: what to do about it."""

    path: str
    what: str
    hint: str = ""


def shown(value: object) -> str:
    """A value as a message quotes it: short, on one line, printable, as TOML would write it."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if abs(value) < 10**18 else "a number of more than 18 digits"
        case float():
            return repr(value)
        case str():
            return quoted(value)
        case date():
            return value.isoformat()
        case Mapping():
            return "a table"
        case list() | tuple():
            return "an empty list" if not value else "a list"
        case _:
            return f"a {type(value).__name__}"


def quoted(text: str) -> str:
    clipped = text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
    inner = json.dumps(clipped, ensure_ascii=False)[1:-1]
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in inner) + '"'


def joined(path: str, name: str) -> str:
    bare = name if re.fullmatch(r"[A-Za-z0-9_-]{1,60}", name) else quoted(name)
    return f"{path}.{bare}" if path else bare


def entry_label(item: object, number: int) -> str:
    """How a path names an entry of a list: by the entry's own simple name, else `#2` for the second."""
    name = item.get("name") if isinstance(item, Mapping) else None
    return name if isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_. -]{1,60}", name) else f"#{number}"


def did_you_mean(name: str, known: Sequence[str], path: str = "") -> str:
    """A hint: the nearest of the `known` names, below `path`; else all of them."""
    near = nearest(name, known)
    return f"Did you mean {joined(path, near)}?" if near else f"Known here: {', '.join(known)}."


def nearest(name: str, known: Sequence[str]) -> str | None:
    from difflib import get_close_matches  # imported late: only a wrong file needs it

    return next(iter(get_close_matches(name[:LONGEST_SHOWN], known, n=1)), None)
