"""The verdict in every form a reader meets it: comment, terminal, page, pictures, flamegraphs.

Pure: values in, text and bytes out; touches no file. Knows the model and never the analysis: every number arrives in it. The
comment
and the terminal need no numeric library; pictures and pages are imported when they are asked for.

    Verdict, Bundle ×2, Details ── compose ── Story ── markdown | text | html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from autoprof_ci.model import Bundle, Verdict
from autoprof_ci.report import caveat_words, compose, markdown, text
from autoprof_ci.report.details import ChartKind, Charts, Details

__all__ = ["ChartKind", "Charts", "Details", "Report", "caveat_lines", "comment", "render", "terminal"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`charts`: file name (``NAME-light.png``, ``NAME-dark.png``) -> PNG.

    `flamegraphs`: ``baseline``, ``candidate`` and ``difference`` -> SVG, as far as there are stacks.
    """

    comment: str
    terminal: str
    html: str
    charts: Mapping[str, bytes]
    flamegraphs: Mapping[str, str]


def comment(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> str:
    """The Markdown of the comment and the job summary."""
    return markdown.comment(compose.story(verdict, baseline, candidate, details), details.key)


def terminal(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> str:
    """The same sentences as plain text."""
    return text.terminal(compose.story(verdict, baseline, candidate, details))


def render(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> Report:
    """Every form at once; imports matplotlib, which takes about half a second."""
    # not at the top: `compare` prints only text and must start in a fraction of what matplotlib takes
    from autoprof_ci.report import charts, flamegraph, html

    story = compose.story(verdict, baseline, candidate, details)
    pictures = html.Pictures(
        charts=charts.render(verdict, baseline, candidate, details.base_branch),
        flamegraphs=flamegraph.all_of(baseline, candidate),
    )
    return Report(
        comment=markdown.comment(story, details.key),
        terminal=text.terminal(story),
        html=html.page(story, verdict, pictures),
        charts=pictures.charts,
        flamegraphs=pictures.flamegraphs,
    )


def caveat_lines(measured: Bundle) -> tuple[str, ...]:
    """What weakens a measurement that nobody has compared yet, a sentence or two each."""
    return tuple(text.inline(sentence) for sentence in caveat_words.sentences(measured.recording.caveats))
