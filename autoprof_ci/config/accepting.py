"""Writes an ``[[accept]]`` into the text of an ``autoprof.toml``; every character that was there stays.

The entry goes to the end of the text. (Tried: tomlkit puts it behind the last accept, there tears the next table from the comment
above it, mixes line ends and breaks a list in brackets; appending text can do none of that.)
"""

from __future__ import annotations

import json
from dataclasses import replace

import tomli

from autoprof_ci.config.reading import parse_settings
from autoprof_ci.errors import ConfigError
from autoprof_ci.model import Accept, Policy

SOURCE = "autoprof.toml"


def accept_entry(text: str, accept: Accept) -> str:
    """The text with one more entry. Raises `ConfigError` if the text or the entry is wrong, or the entry is there already."""
    before = parse_settings(text, source=SOURCE)
    accept = replace(accept, up_to=float(_percent(accept)) / 100)  # as it will be read, to the last bit
    if accept in before.policy.accepts:
        number = before.policy.accepts.index(accept) + 1
        raise ConfigError(
            f"{SOURCE}: accept[#{number}]: this entry is there already",
            "Raise its up_to_percent, or give the new one another day.",
        )
    newline = "\r\n" if "\r\n" in text else "\n"
    above = text + newline * (2 if text and not text.endswith("\n") else 1 if text else 0)
    added = above + newline.join((*entry_lines(accept), ""))
    try:
        tomli.loads(added)
    except tomli.TOMLDecodeError:
        raise ConfigError(
            f"{SOURCE}: accept: is written as a list in brackets", "Write each of its entries below a line [[accept]] of its own."
        ) from None
    after = parse_settings(added, source=SOURCE)
    # What others decide by must be what was asked for, and nothing else may have changed.
    assert _is_added(before.policy, after.policy, accept)
    return added


def entry_lines(accept: Accept) -> tuple[str, ...]:
    """The entry as the TOML shows it, line by line; the comment offers the same lines for pasting."""
    match = [toml_text(pattern) for pattern in accept.match]
    lines = ["[[accept]]", f"match = {match[0] if len(match) == 1 else '[' + ', '.join(match) + ']'}"]
    if accept.workload is not None:
        lines.append(f"workload = {toml_text(accept.workload)}")
    if accept.instrument is not None:
        lines.append(f"instrument = {toml_text(accept.instrument.value)}")
    lines.append(f"up_to_percent = {_percent(accept)}")
    lines.append(f"reason = {toml_text(accept.reason)}")
    lines.append(f"expires = {accept.expires.isoformat()}")
    return tuple(lines)


def toml_text(text: str) -> str:
    """A TOML string: as JSON's, but that TOML also wants the delete character escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _percent(accept: Accept) -> str:
    return f"{accept.up_to * 100:.10g}"


def _is_added(before: Policy, after: Policy, accept: Accept) -> bool:
    return after == replace(before, accepts=(*before.accepts, accept))
