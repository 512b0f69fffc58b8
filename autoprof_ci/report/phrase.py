"""Sentences with marked parts, independent of where they are shown.

A phrase is a tuple of spans: plain words, names, emphasis, links. The wording makes phrases; Markdown, the terminal and the
page each
know how to write one, and that is the one place where text from outside is escaped for them. Knows no verdict and no markup.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

_FIELD = re.compile(r"\{([a-z_]+)\}")
_LONGEST = 2_000


class Style(StrEnum):
    PLAIN = "plain"
    NAME = "name"
    STRONG = "strong"
    EMPHASIS = "emphasis"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of text in one style; `url` makes it a link (only http, https and relative ones are followed)."""

    text: str
    style: Style = Style.PLAIN
    url: str | None = None


Phrase = tuple[Span, ...]


def clean(text: str) -> str:
    """One line without control, formatting or direction characters, of bounded length: what may be shown of text from outside."""
    if len(text) > _LONGEST:
        text = text[: _LONGEST // 2] + "…" + text[-_LONGEST // 2 :]
    spaced = " ".join(text.split())
    if spaced.isprintable():
        return spaced
    return "".join("\N{REPLACEMENT CHARACTER}" if unicodedata.category(c)[0] == "C" else c for c in spaced)


def plain(text: str) -> Phrase:
    return (Span(text=clean(text)),)


def marked(text: str) -> Phrase:
    """A sentence whose names stand between backticks. Where it quotes a stranger, a stray one makes a name of something more."""
    return tuple(_literal(clean(text))) or plain("")


def name(text: str) -> Phrase:
    return (Span(text=clean(text) or "?", style=Style.NAME),)


def strong(text: str) -> Phrase:
    return (Span(text=clean(text), style=Style.STRONG),)


def emphasis(text: str) -> Phrase:
    return (Span(text=clean(text), style=Style.EMPHASIS),)


def link(text: str, url: str | None) -> Phrase:
    """A link on a name; the name alone where there is no address."""
    return (Span(text=clean(text), style=Style.NAME, url=url),)


def say(template: str, **parts: str | Phrase) -> Phrase:
    """`template` with its ``{parts}`` filled in and its `` `names` `` marked. Strings become plain text, phrases keep their
    styles.

    Raises KeyError for a field without a part: a slip of ours, not of the data.
    """
    spans: list[Span] = []
    position = 0
    for match in _FIELD.finditer(template):
        spans.extend(_literal(template[position : match.start()]))
        part = parts[match.group(1)]
        if isinstance(part, str):
            if part:
                spans.append(Span(text=clean(part)))
        else:
            spans.extend(part)
        position = match.end()
    spans.extend(_literal(template[position:]))
    return tuple(spans)


def _literal(text: str) -> list[Span]:
    """Our own words; every second piece between backticks is a name."""
    styles = (Style.PLAIN, Style.NAME)
    return [Span(text=piece, style=styles[i % 2]) for i, piece in enumerate(text.split("`")) if piece]


def join(phrases: list[Phrase] | tuple[Phrase, ...], between: str) -> Phrase:
    """The phrases that say something, with `between` between them."""
    spans: list[Span] = []
    for phrase in phrases:
        if not phrase:
            continue
        if spans:
            spans.append(Span(text=between))
        spans.extend(phrase)
    return tuple(spans)


def listed(phrases: list[Phrase] | tuple[Phrase, ...]) -> Phrase:
    """``a, b and c``."""
    if len(phrases) <= 1:
        return join(phrases, "")
    return join((join(phrases[:-1], ", "), phrases[-1]), " and ")
