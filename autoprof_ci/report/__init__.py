"""The verdict in every form a reader meets it: comment, terminal, page, pictures, flamegraphs.

Pure: values in, text and bytes out; touches no file. Knows the model and never the analysis: every number arrives in it. The
comment and the terminal need no numeric library; pictures and pages are imported when they are asked for.

    Verdict, Bundle ×2, Details ── compose ── Story ── markdown | text | html
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from autoprof_ci.model import Bundle, Verdict
from autoprof_ci.report import caveat_words, compose, error_story, markdown, reading, remembered, text
from autoprof_ci.report.annotations import Annotation, AnnotationLevel, annotations
from autoprof_ci.report.details import ChartKind, Charts, Details, Occasion
from autoprof_ci.report.one_line import outcome_word, status_line

__all__ = [
    "Annotation",
    "AnnotationLevel",
    "ChartKind",
    "Charts",
    "Details",
    "Occasion",
    "Report",
    "annotations",
    "caveat_lines",
    "comment",
    "not_measured",
    "not_measured_summary",
    "outcome_word",
    "previous_regressions",
    "render",
    "stands_out",
    "status_line",
    "summary",
    "terminal",
]
_HOSTED = ("https://", "http://")


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
    """The Markdown of the comment, with the hidden lines by which it is found again and remembers its regressions."""
    return markdown.comment(compose.story(verdict, baseline, candidate, details), details.key)


def summary(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> str:
    """The Markdown of the job summary: the comment without hidden lines, below 1 MiB. It stands on a page of its own, from which
    no file of the output folder can be reached: relative pictures become bars, a relative report is not linked."""
    if details.charts.kind is ChartKind.IMAGES and not details.charts.folder_url.startswith(_HOSTED):
        details = replace(details, charts=Charts(kind=ChartKind.TEXT))
    if details.report_url is not None and not details.report_url.startswith(_HOSTED):
        details = replace(details, report_url=None)
    return markdown.summary(compose.story(verdict, baseline, candidate, details))


def not_measured(error_what: str, error_next_step: str, details: Details) -> str:
    """The Markdown of the comment of a run that ended in an error before there was a verdict."""
    return markdown.comment(error_story.story(error_what, error_next_step, details), details.key)


def not_measured_summary(error_what: str, error_next_step: str, details: Details) -> str:
    """The same for the page of the job."""
    return markdown.summary(error_story.story(error_what, error_next_step, details))


def previous_regressions(body: str) -> tuple[str, ...]:
    """What a comment of ours called regressions, ``WORKLOAD/SUBJECT`` each, for the `Details` of the next; whatever `body` is."""
    return remembered.read(body)


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
        readings=reading.readings(baseline, candidate),
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


def stands_out(baseline: Bundle | None, candidate: Bundle) -> Mapping[str, tuple[str, ...]]:
    """Workload -> what stands out in its flamegraph, a plain sentence each."""
    return {
        one.workload: tuple(text.inline(item.phrase) for part in one.parts for item in part.items)
        for one in reading.readings(baseline, candidate)
    }
