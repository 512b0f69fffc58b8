"""The regressions as notes on the lines of a pull request: where GitHub shows them beside the code.

Knows the verdict's rows; plain text only, and nothing of how a note travels.
"""

from dataclasses import dataclass
from enum import StrEnum

from autoprof_ci.model import Source, Status, Verdict, in_repository
from autoprof_ci.report import format as fmt
from autoprof_ci.report import red_words, text
from autoprof_ci.report.causes import Row, rows
from autoprof_ci.report.phrase import clean

AT_MOST = 10
"""GitHub shows ten of a kind for a step."""
_TITLE_WIDTH = 120


class AnnotationLevel(StrEnum):
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """`file` is relative to the repository; ``None`` where the place is not known or not in it."""

    level: AnnotationLevel
    title: str
    message: str
    file: str | None
    line: int | None


def annotations(verdict: Verdict) -> tuple[Annotation, ...]:
    """One for each cause that regressed, those on lines of this pull request first, the heaviest first."""
    failing = [row for row in rows(verdict) if row.status is Status.REGRESSION]
    made = [(_place(row), row) for row in failing]
    made.sort(key=lambda pair: (pair[0] is None, pair[0] is None or pair[0].changed_here is not True))
    return tuple(_annotation(row, place) for place, row in made[:AT_MOST])


def _annotation(row: Row, place: Source | None) -> Annotation:
    return Annotation(
        level=AnnotationLevel.ERROR,
        title=fmt.shorten(f"Performance regression in {clean(row.workload)}", _TITLE_WIDTH),
        message=text.inline(red_words.sentence([row], "The program")),
        file=place.file if place is not None else None,
        line=place.line if place is not None else None,
    )


def _place(row: Row) -> Source | None:
    """The line to look at: of the cause where that is known, else of the function itself; one that this change touched first."""
    known = [source for source in (row.cause.source if row.cause else None, row.finding.source) if source is not None]
    inside = [source for source in known if in_repository(source.file)]
    return next((source for source in inside if source.changed_here), inside[0] if inside else None)
