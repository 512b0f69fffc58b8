"""A story as GitHub's Markdown: a pull-request comment or a job summary.

Knows how GitHub reads Markdown, what of it must be escaped, and how long a comment may be. Knows no verdict: a story comes in,
text goes
out. Everything in a span may come from outside (a function's name is chosen by the pull request's author), so all of it is
escaped here
and nowhere else.
"""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from urllib.parse import quote

from autoprof_ci.report import format as fmt
from autoprof_ci.report import remembered
from autoprof_ci.report.phrase import Phrase, Span, Style
from autoprof_ci.report.story import Block, Chart, Code, Lines, Picture, Section, State, Story, Table

LIMIT = 60_000
"""Characters. GitHub refuses a comment above 65,536; the rest is left for what others put around it."""
SUMMARY_LIMIT = 250_000
"""Characters, of at most four bytes each: GitHub drops a job summary above 1 MiB without a word."""
_BREAK = "\u200b"
_SPECIAL = re.compile(r"([\\`*_\[\]<>&~$])")
_REFERENCE = re.compile(r"(?<=[@#])(?=\S)|(?=://)|(?<=www)(?=\.)|(?<=\bGH)(?=-\d)", re.IGNORECASE)
_SHORT = 60
_QUIET = (State.GREEN, State.WHITE)


def escape_text(text: str) -> str:
    """Plain text that stays plain: no markup, no mention, no issue reference, no link; safe in a table cell too."""
    # a zero-width space breaks what GitHub links by itself after the Markdown has been read, when escapes are gone
    broken = _REFERENCE.sub(_BREAK, text)
    return _SPECIAL.sub(r"\\\1", broken).replace("|", "&#124;")


def code_span(text: str) -> str:
    """`text` in backticks, as many as it takes."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * (longest + 1)
    # one space is taken off on each side again by whoever reads it
    padding = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def fenced(text: str, language: str = "") -> str:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def safe_url(url: str) -> str | None:
    """`url` percent-encoded; ``None`` unless it is http, https or relative."""
    if re.match(r"[a-z][a-z0-9+.-]*:", url, re.IGNORECASE) and not re.match(r"https?://", url, re.IGNORECASE):
        return None
    if url.startswith("//"):
        return None
    return quote(url, safe="/:?=&%#+,.~_-@")


def _span(span: Span) -> str:
    if span.style is Style.NAME:
        shown = code_span(span.text)
    else:
        shown = escape_text(span.text)
        if span.style is Style.STRONG:
            shown = f"**{shown}**"
        elif span.style is Style.EMPHASIS:
            shown = f"*{shown}*"
    url = safe_url(span.url) if span.url is not None else None
    return f"[{shown}]({url})" if url is not None else shown


def inline(phrase: Phrase) -> str:
    return "".join(_span(span) for span in phrase)


def _cell(phrase: Phrase) -> str:
    # GitHub splits a row at every bar that has no backslash before it, even inside of backticks
    text = "".join(_span(span).replace("|", "\\|") for span in phrase)
    numbers = all(span.style is Style.PLAIN for span in phrase) and len(text) <= _SHORT
    return _together(text) if numbers else text


def _together(text: str) -> str:
    """``520 → 681 ms`` that a narrow column does not break into three lines."""
    return re.sub(r"(?<=\d) (?=%|[a-zµkMG])", "\u00a0", text.replace(" → ", "\u00a0→\u00a0"))


def _table(table: Table) -> str:
    lines = [
        "| " + " | ".join(_together(escape_text(title)) for title in table.header) + " |",
        "|" + " --- |" * len(table.header),
    ]
    lines.extend("| " + " | ".join(_cell(cell) for cell in row) + " |" for row in table.rows)
    return "\n".join(lines)


def block(one: Block) -> str:
    """One block of a story."""
    if isinstance(one, Table):
        return _table(one)
    if isinstance(one, Lines):
        return "\n".join(f"- {inline(item)}" for item in one.items)
    if isinstance(one, Code):
        return fenced(one.text, one.language)
    if isinstance(one, Picture):
        return _picture(one.alt, one.light_url, one.dark_url)
    return inline(one.phrase)


def section(one: Section) -> str:
    """A folded section."""
    body = "\n\n".join(block(b) for b in one.blocks)
    return f"<details><summary>{escape(one.title)}</summary>\n\n{body}\n\n</details>"


def _picture(alt: str, light_url: str | None, dark_url: str | None) -> str:
    """The one that fits the reader's colours; empty where an address leads nowhere."""
    light = safe_url(light_url) if light_url else None
    dark = safe_url(dark_url) if dark_url else None
    if light is None or dark is None:
        return ""
    return (
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{escape(dark)}">'
        f'<img alt="{escape(alt)}" src="{escape(light)}" width="760"></picture>'
    )


def chart(one: Chart) -> str:
    """The pictures; bars where nobody hosts pictures."""
    return _picture(one.alt, one.light_url, one.dark_url) or fenced(one.bars)


def marker(key: str) -> str:
    """The line by which the comment is found again."""
    safe = re.sub(r"[^A-Za-z0-9._]+|-{2,}", "-", key)[:80]
    return f"<!-- autoprof-ci key={safe} -->"


def _link(text: str, address: str | None) -> str:
    url = safe_url(address) if address else None
    return f"[{text}]({url})" if url is not None else ""


def _report_link(story: Story) -> str:
    return _link("Full report", story.report_url)


def _links(story: Story) -> str:
    return " · ".join(filter(None, (_report_link(story), _link("this run", story.run_url))))


def _head(story: Story) -> list[str]:
    parts = [f"### {story.state.value} {inline(story.headline)}"]
    notes = [inline(note) for note in story.notes]
    if story.table is None and _links(story):
        notes.append(_links(story))
    if notes:
        parts.append(" ".join(notes))
    if story.table is not None:
        parts.append(_table(story.table))
    if story.chart is not None:
        parts.append(chart(story.chart))
    footing = [inline(line) for line in story.footing]
    if story.table is not None and _links(story):
        footing.append(f"{_links(story)}.")
    if footing:
        parts.append(" ".join(footing))
    if story.notices:
        parts.append("\n".join(f"- {inline(notice)}" for notice in story.notices))
    return parts


def _folded(story: Story) -> list[str]:
    """Sections by themselves under a red report; behind one line under a quiet one."""
    if story.table is None and story.state in _QUIET and story.sections:
        inner = "\n\n".join(section(s) for s in story.sections)
        return [f"<details><summary>details</summary>\n\n{inner}\n\n</details>"]
    return [section(s) for s in story.sections]


def _left_out(count: int, story: Story) -> str:
    where = _report_link(story) or "the full report"
    return f"{fmt.plural(count, 'section')} left out, for the length of this comment: see {where}."


def comment(story: Story, key: str, limit: int = LIMIT) -> str:
    """The whole comment, at most `limit` characters (at least 2,000): it loses sections from the bottom, then the chart, then
    rows. Its first line is the marker, the next one what it remembers, and nothing else in it looks like either."""
    hidden = [marker(key), *filter(None, (remembered.line(story.remembered, limit // 4),))]
    first = "\n".join(hidden) + "\n\n"
    return first + _visible(story, limit - len(first))


def summary(story: Story, limit: int = SUMMARY_LIMIT) -> str:
    """The same for the page of the job, at most `limit` characters (at least 2,000), without the hidden lines."""
    return _visible(story, limit)


def _visible(story: Story, limit: int) -> str:
    # a character for a character: the length stays what it was
    return _fitting(story, limit).replace("<!--", "‹!--")


def _fitting(story: Story, limit: int) -> str:
    full = "\n\n".join([*_head(story), *_folded(story)]) + "\n"
    if len(full) <= limit:
        return full
    for kept in range(len(story.sections) - 1, -1, -1):
        less = replace(story, sections=story.sections[:kept])
        parts = [*_head(less), *_folded(less), _left_out(len(story.sections) - kept, story)]
        text = "\n\n".join(parts) + "\n"
        if len(text) <= limit:
            return text
    bare = replace(story, sections=(), chart=None)
    rows = len(story.table.rows) if story.table is not None else 0
    for kept in range(rows, -1, -1):
        table = replace(story.table, rows=story.table.rows[:kept]) if story.table is not None and kept else None
        note = _left_out(len(story.sections), story)
        if kept < rows:
            note = f"{fmt.plural(rows - kept, 'row')} and {note}"
        text = "\n\n".join([*_head(replace(bare, table=table)), note]) + "\n"
        if len(text) <= limit:
            return text
    return f"### {story.state.value} {inline(story.headline)[:500]}\n"
