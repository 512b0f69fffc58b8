"""The full report as one page that needs no network: the verdict first, then every finding, the charts and the flamegraphs.

Knows how the page is put together; its style and its script are assets. Findings travel as data and become rows in the
browser, so that
thousands of them cost little. A content policy in the page forbids it to load anything.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from autoprof_ci.model import Finding, Measurement, Verdict
from autoprof_ci.model.words import BINARY_DSO, TOTAL_NAME
from autoprof_ci.report import assets, html_blocks, html_reading
from autoprof_ci.report import format as fmt
from autoprof_ci.report.phrase import clean
from autoprof_ci.report.reading import Reading
from autoprof_ci.report.still import STILL
from autoprof_ci.report.story import Lines, Story
from autoprof_ci.report.text import inline as plain_text
from autoprof_ci.report.wording import STATUS_MARK, STATUS_WORDS, why

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; frame-src 'self'"
_FLAMEGRAPH_NAMES = {"difference": "Difference", "candidate": "Candidate", "baseline": "Baseline"}
_CHARTS_EMBEDDED = 24
_COLUMNS = (
    ("status", "", "text"),
    ("subject", "subject", "text"),
    ("change", "change", "number"),
    ("baseline", "baseline", "number"),
    ("candidate", "candidate", "number"),
    ("measured", "measured", "text"),
    ("workload", "workload", "text"),
    ("calls", "calls", "number"),
    ("because", "because", "text"),
    ("interval", "90 % interval", "text"),
    ("share", "share", "number"),
    ("p", "p, adjusted", "number"),
    ("seen", "could have seen", "number"),
    ("limit", "fails above", "number"),
)
"""Key, title and kind, what a reader looks for first at the left."""
_NOTHING = {"number": ["", None], "text": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """What was drawn before: file name -> PNG, and name -> SVG."""

    charts: Mapping[str, bytes]
    flamegraphs: Mapping[str, str]
    readings: tuple[Reading, ...] = ()
    """What stands out in the flamegraphs."""


def _data(value: object) -> str:
    """JSON that may stand inside of a script element."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _quantity(value: float | None, unit: str) -> str:
    return "" if value is None else fmt.quantity(value, unit)


def _measured(measurement: Measurement) -> dict[str, object]:
    """The cells of one measurement, by the key of their column."""
    e = measurement.estimate
    smallest = e.smallest_detectable_change
    return {
        "measured": e.metric.replace("_", " "),
        "baseline": [_quantity(e.baseline, e.unit), e.baseline],
        "candidate": [_quantity(e.candidate, e.unit), e.candidate],
        "change": [fmt.change(e.change), e.change],
        "interval": fmt.interval(e.change, e.ci_low, e.ci_high),
        "share": [fmt.percent(e.candidate_share) if e.candidate_share is not None else "", e.candidate_share],
        "p": [fmt.probability(e.p_adjusted) if e.p_adjusted is not None else "not tested", e.p_adjusted],
        "seen": [fmt.change(smallest) if smallest is not None else "", smallest],
        "limit": [fmt.percent(measurement.max_regression), measurement.max_regression],
    }


def _row(finding: Finding, workload: str, measurement: Measurement | None, because: str) -> list[object]:
    """Cells as ``text`` or ``[text, key to sort by]``, in the order of the columns; the status by its word."""
    name = "the whole run" if finding.subject == TOTAL_NAME else clean(finding.subject) or "?"
    cells: dict[str, object] = {
        "status": finding.status.value,
        "subject": f"{name}\n{clean(finding.dso)}" if finding.dso and finding.dso != BINARY_DSO else name,
        "workload": clean(workload),
        "because": because,
    }
    if finding.calls is not None:
        calls = finding.calls
        cells["calls"] = [fmt.change_of_count(calls.baseline, calls.candidate), calls.candidate]
    if measurement is not None:
        cells |= _measured(measurement)
    return [cells.get(key, _NOTHING[kind]) for key, _, kind in _COLUMNS]


def _findings(verdict: Verdict) -> list[list[object]]:
    rows: list[list[object]] = []
    for workload in verdict.workloads:
        for finding in workload.findings:
            because = plain_text(why(finding, None))
            rows.extend(_row(finding, workload.name, m, because) for m in finding.measurements or (None,))
    return rows


def _pictures(charts: Mapping[str, bytes]) -> str:
    # stills are for comments: the page has the flamegraphs themselves
    stems = [n.removesuffix("-light.png") for n in charts if n.endswith("-light.png") and not n.startswith(STILL)]
    shown = []
    for stem in stems[: _CHARTS_EMBEDDED // 2]:
        light, dark = (b64encode(charts[f"{stem}-{theme}.png"]).decode("ascii") for theme in ("light", "dark"))
        shown.append(
            f'<picture><source media="(prefers-color-scheme: dark)" srcset="data:image/png;base64,{dark}">'
            f'<img alt="chart {escape(stem)}" src="data:image/png;base64,{light}" width="760" loading="lazy"></picture>'
        )
    left = len(stems) - len(shown)
    more = f"<p>{fmt.plural(left, 'more chart')} in the folder <code>charts</code>.</p>" if left > 0 else ""
    return f'<section id="charts"><h2>Charts</h2>{"".join(shown)}{more}</section>' if shown else ""


def _flamegraphs(flamegraphs: Mapping[str, str]) -> str:
    names = [name for name in _FLAMEGRAPH_NAMES if name in flamegraphs]
    if not names:
        return ""
    tabs = "".join(
        f'<button role="tab" id="tab-{name}" aria-controls="flame" aria-selected="false" data-flame="{name}">'
        f"{_FLAMEGRAPH_NAMES[name]}</button>"
        for name in names
    )
    held = "".join(f'<script type="application/json" id="flame-{name}">{_data(flamegraphs[name])}</script>' for name in names)
    return (
        '<section id="flamegraphs"><h2>Flamegraphs</h2>'
        "<p>Click or press Enter to zoom, arrows to walk, / to search, "
        "Escape to reset. Width is the share of CPU time; the order from left to right is alphabetical.</p>"
        f'<div class="tabs" role="tablist">{tabs}</div>'
        '<div class="wide"><iframe id="flame" role="tabpanel" title="flamegraph"></iframe></div>'
        f"{held}</section>"
    )


def _explorer(verdict: Verdict) -> str:
    head = "".join(
        f'<th scope="col"{"" if title else " class=state"} data-key="{key}" data-kind="{kind}">'
        f"<button>{escape(title) or 'status'}</button></th>"
        for key, title, kind in _COLUMNS
    )
    words = {status.value: [STATUS_MARK.get(status, ""), text] for status, text in STATUS_WORDS.items()}
    return (
        '<section id="findings"><h2>Every finding</h2><form id="filters">'
        '<label>Find <input id="find" type="search" placeholder="function, file or cause"></label>'
        '<label>Status <select id="status"><option value="">all</option></select></label>'
        '<label>Workload <select id="workload"><option value="">all</option></select></label>'
        '<label>Measured <select id="measured"><option value="">all</option></select></label>'
        '</form><p id="shown" aria-live="polite"></p>'
        f'<div class="wide"><table id="all"><thead><tr>{head}</tr></thead><tbody></tbody></table></div>'
        '<button id="more" hidden>Show more</button>'
        f'<script type="application/json" id="rows">{_data(_findings(verdict))}</script>'
        f'<script type="application/json" id="words">{_data(words)}</script></section>'
    )


def page(story: Story, verdict: Verdict, pictures: Pictures) -> str:
    """The whole page."""
    title = f"{story.state.value} {plain_text(story.headline)}"
    notes = "".join(f"<p>{html_blocks.inline(note)}</p>" for note in (*story.notes, *story.footing))
    table = html_blocks.table(story.table) if story.table is not None else ""
    notices = html_blocks.block(Lines(items=story.notices)) if story.notices else ""
    sections = "".join(html_blocks.section(section) for section in story.sections if section.in_page)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)}</title>
<style>{assets.read("report.css")}</style>
</head>
<body>
<main>
<h1>{story.state.value} {html_blocks.inline(story.headline)}</h1>
{table}{notes}{notices}
{_pictures(pictures.charts)}
{_explorer(verdict)}
{html_reading.block(pictures.readings, tuple(pictures.flamegraphs))}
{_flamegraphs(pictures.flamegraphs)}
<section id="more-sections"><h2>Details</h2>{sections}</section>
</main>
<noscript><p>The table of findings and the flamegraphs need scripts; verdict.json has the same numbers.</p></noscript>
<script>
{assets.read("report.js")}
</script>
</body>
</html>
"""
