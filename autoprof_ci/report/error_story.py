"""The report of a run that ended in an error before there was a verdict: what happened, and what helps.

Knows the two sentences of an error and the details; no verdict, no bundle.
"""

from __future__ import annotations

from autoprof_ci.report.details import Details
from autoprof_ci.report.phrase import clean, marked, say
from autoprof_ci.report.story import Code, Section, State, Story

_IN_FIRST_LINE = 200
_LONGEST = 10_000
_ARTICLES = ("A ", "An ", "The ", "No ", "This ", "There ", "It ", "Both ", "One ", "Neither ")


def story(error_what: str, error_next_step: str, details: Details) -> Story:
    """`error_what`: a sentence, its full stop left out or not; `error_next_step`: another. Both may quote what a program
    printed. The regressions that were known stay known."""
    what = clean(error_what).rstrip(". ") or "an unknown error"
    if what.startswith(_ARTICLES):
        what = what[0].lower() + what[1:]
    cut = _cut(what)
    sections: tuple[Section, ...] = ()
    if cut != what or "\n" in error_what.strip():
        sections = (Section(title="what happened, in full", blocks=(Code(text=_lines(error_what)),)),)
    notes = [marked(_ended(error_next_step)), marked(details.measured_commit_note or "")]
    return Story(
        state=State.WHITE,
        headline=say("Not measured: {what}" if cut.endswith("…") else "Not measured: {what}.", what=marked(cut)),
        notes=tuple(note for note in notes if note[0].text),
        table=None,
        chart=None,
        footing=(),
        notices=(),
        sections=sections,
        asides=(),
        report_url=details.report_url,
        run_url=details.run_url,
        remembered=details.previous_regressions,
    )


def _ended(sentence: str) -> str:
    """With its full stop, whoever wrote it."""
    sentence = sentence.rstrip()
    return sentence if not sentence or sentence.endswith((".", "?", "!", "]", '"')) else f"{sentence}."


def _cut(sentence: str) -> str:
    """At the end of a word, where it is too long for a first line."""
    if len(sentence) <= _IN_FIRST_LINE:
        return sentence
    head = sentence[:_IN_FIRST_LINE]
    return (head.rsplit(" ", 1)[0] if " " in head else head) + " …"


def _lines(text: str) -> str:
    """The lines of `text` as they are, each without what a reader's screen could trip over."""
    return "\n".join(clean(line) for line in text[:_LONGEST].splitlines())
