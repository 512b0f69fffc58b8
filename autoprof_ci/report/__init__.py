"""The verdict in every form a reader meets it: comment, terminal, page, pictures, flamegraphs.

Pure: values in, text and bytes out; touches no file. Knows the model and never the analysis: every number arrives in it. The
comment and
the terminal need no numeric library; pictures and pages are imported when they are asked for.

    Verdict, Bundle ×2, Details ── compose ── Story ── markdown | text | html
"""

from __future__ import annotations

from autoprof_ci.model import Bundle, Verdict
from autoprof_ci.report import compose, markdown, text
from autoprof_ci.report.details import ChartKind, Charts, Details

__all__ = ["ChartKind", "Charts", "Details", "comment", "terminal"]


def comment(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> str:
    """The Markdown of the comment and the job summary."""
    return markdown.comment(compose.story(verdict, baseline, candidate, details), details.key)


def terminal(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> str:
    """The same sentences as plain text."""
    return text.terminal(compose.story(verdict, baseline, candidate, details))
