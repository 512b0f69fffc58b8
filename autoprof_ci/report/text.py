"""A story as plain text, for a terminal and a job's log: the same sentences as in the comment.

Knows lines and columns, and nothing of verdicts. Colour is left to whoever prints it.
"""

from __future__ import annotations

import textwrap

from autoprof_ci.report.phrase import Phrase
from autoprof_ci.report.story import Block, Code, Lines, Section, Story, Table

_WIDTH = 100
_NOT_HERE = ("Accept it",)


def inline(phrase: Phrase) -> str:
    return "".join(span.text for span in phrase)


def _wrapped(text: str, indent: str = "", first: str | None = None) -> str:
    return textwrap.fill(
        text, width=_WIDTH, initial_indent=indent if first is None else first, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def _rows(table: Table) -> list[str]:
    """A row is one line; where the last column, the cause, does not fit, it goes under it: nothing is cut off."""
    cells = [[inline(cell) for cell in row] for row in table.rows]
    columns = list(zip(*cells, strict=True)) if cells else []
    widths = [max(len(text) for text in column) for column in columns[:-1]]
    lines = []
    for row in cells:
        line = "  " + "  ".join(f"{text:<{width}}" for text, width in zip(row[:-1], widths, strict=True))
        if len(line) + 2 + len(row[-1]) <= _WIDTH:
            lines.append(f"{line}  {row[-1]}".rstrip())
        else:
            lines += [line.rstrip(), _wrapped(row[-1], indent="      ")]
    return lines


def _block(block: Block) -> list[str]:
    if isinstance(block, Table):
        return _rows(block)
    if isinstance(block, Lines):
        return [_wrapped(inline(item), indent="    ", first="  - ") for item in block.items]
    if isinstance(block, Code):
        return ["  " + line for line in block.text.splitlines()]
    return [_wrapped(inline(block.phrase), indent="  ")]


def _section(section: Section) -> list[str]:
    return ["", section.title, *(line for block in section.blocks for line in _block(block))]


def terminal(story: Story) -> str:
    """The story in lines of about 100 columns; sections that are for pasting into a pull request's settings are left to the
    files."""
    lines = [f"{story.state.value} {inline(story.headline)}"]
    lines.extend(_wrapped(inline(note)) for note in story.notes)
    if story.table is not None:
        lines += ["", *_rows(story.table)]
    if story.chart is not None and story.chart.bars:
        lines += ["", *("  " + line for line in story.chart.bars.splitlines())]
    if story.footing:
        lines += ["", *(_wrapped(inline(line)) for line in story.footing)]
    if story.notices:
        lines += ["", *(_wrapped(inline(notice), indent="  ", first="- ") for notice in story.notices)]
    for section in story.sections:
        if section.title not in _NOT_HERE:
            lines += _section(section)
    if story.report_url:
        lines += ["", f"Full report: {story.report_url}"]
    return "\n".join(lines) + "\n"
