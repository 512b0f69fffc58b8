"""A story as plain text, for a terminal and a job's log: the same sentences as in the comment, without what it folds.

Knows lines and columns, and nothing of verdicts. Colour is left to whoever prints it.
"""

from __future__ import annotations

import textwrap
from dataclasses import replace

from autoprof_ci.report.phrase import Phrase
from autoprof_ci.report.story import Story, Table

_WIDTH = 100
_ROWS = 5


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


def _table(table: Table) -> list[str]:
    """As many rows as a log bears; what is left is in the files."""
    lines = _rows(replace(table, rows=table.rows[:_ROWS]))
    return [*lines, "  and more causes in the full report"] if len(table.rows) > _ROWS else lines


def terminal(story: Story) -> str:
    """The story in lines of about 100 columns, short enough for a job's log: what is folded elsewhere is left to the files."""
    lines = [_wrapped(f"{story.state.value} {inline(story.headline)}", indent="   ", first="")]
    lines.extend(_wrapped(inline(note)) for note in story.notes)
    if story.table is not None:
        lines += ["", *_table(story.table)]
    if story.chart is not None and story.chart.bars:
        lines += ["", *("  " + line for line in story.chart.bars.splitlines())]
    after = [_wrapped(inline(line)) for line in (*story.footing, *story.asides)]
    after += [_wrapped(inline(notice), indent="  ", first="- ") for notice in story.notices]
    if story.report_url:
        after.append(f"Full report: {story.report_url}")
    if story.table is not None:
        lines.append("")
    return "\n".join((*lines, *after)) + "\n"
