"""Phrases and blocks of a story as HTML. Everything from outside is escaped here. Knows no verdict."""

from __future__ import annotations

from html import escape

from autoprof_ci.report.markdown import safe_url
from autoprof_ci.report.phrase import Phrase, Span, Style
from autoprof_ci.report.story import Block, Code, Lines, Picture, Section, Table

_TAGS = {Style.NAME: "code", Style.STRONG: "strong", Style.EMPHASIS: "em"}


def _span(span: Span) -> str:
    tag = _TAGS.get(span.style)
    shown = escape(span.text) if tag is None else f"<{tag}>{escape(span.text)}</{tag}>"
    url = safe_url(span.url) if span.url is not None else None
    return f'<a href="{escape(url)}" rel="noreferrer">{shown}</a>' if url is not None else shown


def inline(phrase: Phrase) -> str:
    return "".join(_span(span) for span in phrase)


def table(one: Table) -> str:
    head = "".join(f"<th>{escape(title)}</th>" for title in one.header)
    rows = "".join("<tr>" + "".join(f"<td>{inline(cell)}</td>" for cell in row) + "</tr>" for row in one.rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def block(one: Block) -> str:
    if isinstance(one, Table):
        return table(one)
    if isinstance(one, Lines):
        return "<ul>" + "".join(f"<li>{inline(item)}</li>" for item in one.items) + "</ul>"
    if isinstance(one, Code):
        return f"<pre><code>{escape(one.text)}</code></pre>"
    if isinstance(one, Picture):
        return ""  # the page has the whole of it
    return f"<p>{inline(one.phrase)}</p>"


def section(one: Section) -> str:
    return f"<details><summary>{escape(one.title)}</summary>{''.join(block(b) for b in one.blocks)}</details>"
