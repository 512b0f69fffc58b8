"""The shape of a report before it has a form: a headline, a table, lines, and folded sections, all made of phrases.

Whoever writes a form (Markdown, terminal, page) needs to know these few kinds of block and nothing of verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from autoprof_ci.report.phrase import Phrase


class State(StrEnum):
    """The one sign of a report; the sign is never the only carrier of its meaning."""

    RED = "🔴"
    YELLOW = "🟡"
    GREEN = "🟢"
    WHITE = "⚪"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """At most five columns, as many as a phone bears."""

    header: tuple[str, ...]
    rows: tuple[tuple[Phrase, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Points of a list."""

    items: tuple[Phrase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Text to be copied, verbatim. `language` is for highlighting only."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """A paragraph."""

    phrase: Phrase


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One that is nothing but a picture: where it cannot be shown, its section does without."""

    alt: str
    light_url: str
    dark_url: str


Block = Table | Lines | Code | Words | Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Folded until asked for."""

    title: str
    blocks: tuple[Block, ...]
    in_page: bool = True
    """Whether the page shows it too: it says some things elsewhere, at greater length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Pictures of one name in a light and a dark form, or bars of text where nobody hosts pictures."""

    alt: str
    light_url: str | None
    dark_url: str | None
    bars: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """`notes`: lines under the headline. `footing`: lines under the table and the chart.

    `notices`: what must not be folded away. `sections`: the most useful first. `asides`: what sections say, in a line each, for
    forms that cannot fold. `remembered`: the regressions that the comment after this one is to know of, ``WORKLOAD/SUBJECT``."""

    state: State
    headline: Phrase
    notes: tuple[Phrase, ...]
    table: Table | None
    chart: Chart | None
    footing: tuple[Phrase, ...]
    notices: tuple[Phrase, ...]
    sections: tuple[Section, ...]
    asides: tuple[Phrase, ...]
    report_url: str | None
    run_url: str | None = None
    remembered: tuple[str, ...] = ()
