"""What stands out in the flamegraphs, as a section of the page whose links open them at the place. Knows no patterns."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from autoprof_ci.report import html_blocks
from autoprof_ci.report.flame_layout import View
from autoprof_ci.report.flame_links import page_fragment
from autoprof_ci.report.phrase import clean
from autoprof_ci.report.reading import EXPLAINED, Item, Part, Reading

_INTRODUCTION = (
    "A bar is a function, on top of the one that called it, as wide as its share of the samples; the order from left to right is "
    "alphabetical, not that of time. “Was” is said where the share differs from the baseline by more than chance explains."
)


def block(readings: Sequence[Reading], drawn: Sequence[str]) -> str:
    """Nothing where nothing stands out. `drawn`: the names of the pictures that the page holds."""
    if not readings:
        return ""
    view = View.CANDIDATE if View.CANDIDATE.value in drawn else None
    folded = [
        f"<details{' open' if index == 0 else ''}><summary>{escape(clean(one.workload))}</summary>{_parts(one, view)}</details>"
        for index, one in enumerate(readings)
    ]
    inner = _parts(readings[0], view) if len(readings) == 1 else "".join(folded)
    return f'<section id="reading"><h2>What stands out</h2><p>{_INTRODUCTION}</p>{inner}</section>'


def _parts(reading: Reading, view: View | None) -> str:
    return "".join(_part(part, view) for part in reading.parts)


def _part(part: Part, view: View | None) -> str:
    items = "".join(f"<li>{_item(item, view)}</li>" for item in part.items)
    return f"<h3>{part.kind.value}</h3><p>{escape(EXPLAINED[part.kind])}</p><ul>{items}</ul>"


def _item(item: Item, view: View | None) -> str:
    said = html_blocks.inline(item.phrase)
    if item.place is None or view is None:
        return said
    return f'{said} <a href="#{escape(page_fragment(view, item.place))}">show</a>'
