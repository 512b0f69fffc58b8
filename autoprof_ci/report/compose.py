"""Verdict, bundles and details become one story: which parts, in which order. The wording is elsewhere, the markup too."""

from __future__ import annotations

from collections.abc import Sequence

from autoprof_ci.model import Bundle, CaveatCode, Outcome, Status, SubjectKind, Verdict
from autoprof_ci.report import accept_lines, caveat_words, memory_section, reading, sections, sensitivity
from autoprof_ci.report import format as fmt
from autoprof_ci.report.bars import bars, bars_in_words
from autoprof_ci.report.causes import Row
from autoprof_ci.report.causes import rows as rows_of
from autoprof_ci.report.chart_data import pick_workload, slug
from autoprof_ci.report.details import ChartKind, Details
from autoprof_ci.report.headline import headline
from autoprof_ci.report.phrase import Phrase, clean, join, name, plain, say
from autoprof_ci.report.row_words import because
from autoprof_ci.report.sizes import deciding
from autoprof_ci.report.story import Chart, Section, Story, Table
from autoprof_ci.report.wording import NAME_WIDTH, STATUS_MARK, changes_of, sizes_of, subject
from autoprof_ci.report.wording import baseline as baseline_words

_ROWS_SHOWN = 10
_ROWS_FOLDED = 40
_IN_CHART = (Status.REGRESSION, Status.WARNING)
_NOT_FOLDED = (
    CaveatCode.THRESHOLDS_LOOSENED,
    CaveatCode.ACCEPT_REVIEW,
    CaveatCode.ACCEPT_EXPIRED,
    CaveatCode.INSTRUMENT_LEFT_OUT,
    CaveatCode.INTERRUPTED,
    CaveatCode.LOOK_CUT_SHORT,
    CaveatCode.TIME_LIMIT,
    CaveatCode.TIME_UNAVAILABLE,
    CaveatCode.INSTRUCTIONS_UNAVAILABLE,
    CaveatCode.INSTRUCTIONS_SKIPPED,
    CaveatCode.MEMORY_UNAVAILABLE,
    CaveatCode.MEMORY_SKIPPED,
    CaveatCode.BINARY_STRIPPED,
    CaveatCode.BASELINE_INCOMPATIBLE,
    CaveatCode.BASELINE_NEWER,
    CaveatCode.BASELINE_NOT_NEAREST,
    CaveatCode.BASELINE_NOT_RECOGNISED,
    CaveatCode.BASELINE_UNVERIFIED,
    CaveatCode.MACHINE_DIFFERS,
    CaveatCode.OUTPUT_DIFFERS,
    CaveatCode.WORKLOAD_CHANGED,
    CaveatCode.WORKLOAD_FAILS_ON_BASELINE,
    CaveatCode.WORKLOAD_LEFT_OUT,
    CaveatCode.PLACEMENT_NOT_RULED_OUT,
    CaveatCode.UNREADABLE_LINES,
)
"""What changes how the first line is to be read, or asks the reviewer for something."""


def story(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> Story:
    """The whole report as phrases. `baseline` is ``None`` in a first run."""
    rows = rows_of(verdict)
    first = headline(verdict, rows, candidate, details)
    table = _table(rows[:_ROWS_SHOWN], details) if rows else None
    return Story(
        state=first.state,
        headline=first.line,
        notes=(*first.notes, plain(details.measured_commit_note)) if details.measured_commit_note else first.notes,
        table=table,
        chart=_chart(verdict, rows, details) if rows else None,
        footing=_footing(verdict, baseline, candidate, details) if rows else (),
        notices=caveat_words.sentences(
            (caveat for caveat in verdict.caveats if caveat.code in _NOT_FOLDED), [w.name for w in verdict.workloads]
        ),
        sections=_sections(rows, verdict, (baseline, candidate), details),
        asides=tuple(filter(None, (sections.improvements_in_short(verdict), sections.moved_in_short(verdict)))),
        report_url=details.report_url,
        run_url=details.run_url,
        remembered=_remembered(verdict, rows, details),
    )


def _remembered(verdict: Verdict, rows: Sequence[Row], details: Details) -> tuple[str, ...]:
    """What the comment after this one is to know of: of each cause what its row shows, and the function that tells it. A run
    that could not judge passes on what it was told."""
    if verdict.outcome in (Outcome.NO_BASELINE, Outcome.INCONCLUSIVE):
        return details.previous_regressions
    failing = [row for row in rows if row.status is Status.REGRESSION]
    told = (f"{row.workload}/{finding.subject}" for row in failing for finding in (row.shown, row.finding))
    return tuple(dict.fromkeys(told))


def _table(rows: Sequence[Row], details: Details) -> Table:
    # ten monomorphisations of one generic must not be ten rows with one name
    labels = fmt.labels([clean(row.shown.subject) for row in rows], NAME_WIDTH)
    return Table(
        header=("", "what", f"{details.base_branch} → here", "change", "because"),
        rows=tuple(_cells(row, label, details) for row, label in zip(rows, labels, strict=True)),
    )


def _cells(row: Row, label: str, details: Details) -> tuple[Phrase, ...]:
    shown = deciding(row.shown)
    told = subject(row.shown)
    if told == name(fmt.shorten(row.shown.subject, NAME_WIDTH)):
        told = name(label)
    where = say("{subject} in {workload}", subject=told, workload=name(fmt.shorten(row.workload, 24)))
    return (
        plain(STATUS_MARK[row.status]),
        where,
        sizes_of(shown.estimate) if shown else (),
        changes_of(row.shown),
        because(row, details.source_url),
    )


def _chart(verdict: Verdict, rows: Sequence[Row], details: Details) -> Chart | None:
    if details.charts.kind is ChartKind.NONE or not rows:
        return None
    workload = pick_workload(verdict, rows)
    # where a whole run is slower and no function is, bars of functions would say that nothing happened
    if workload is None or all(f.status not in _IN_CHART for f in workload.findings if f.kind is SubjectKind.FUNCTION):
        return None
    told = [row.finding.subject for row in rows if row.workload == workload.name]
    text = bars(workload, details.base_branch, told[:3])
    if not text:
        return None
    alt = f"hot functions of {workload.name}, {details.base_branch} → here: {bars_in_words(workload, told[:3])}"
    if details.charts.kind is ChartKind.TEXT:
        return Chart(alt=alt, light_url=None, dark_url=None, bars=text)
    stem = f"{details.charts.folder_url}functions-{slug(workload.name)}"
    return Chart(alt=alt, light_url=f"{stem}-light.png", dark_url=f"{stem}-dark.png", bars=text)


def _footing(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> tuple[Phrase, ...]:
    lines: list[Phrase] = []
    runs = fmt.plural(details.runs, "run") + " each"
    apart = (CaveatCode.NOT_INTERLEAVED, CaveatCode.TOTALS_NOT_JUDGED)
    in_turns = all(caveat.code not in apart for caveat in verdict.caveats)
    together = baseline is not None and baseline.session == candidate.session and in_turns
    if together and candidate.recording.samples is not None:
        template = "Against {commit}, both programs measured in turns on this machine, {runs}."
    elif together:
        template = "Against {commit}, both programs measured on this machine."
    else:
        template = "Against the stored measurement of {commit}." if verdict.baseline_commit else "Measured with {runs}."
    lines.append(say(template, commit=baseline_words(verdict.baseline_commit, details.behind), runs=runs))
    if verdict.outcome is Outcome.FAIL:
        lines.append(say("A report of unchanged programs turns red less than {rate}.", rate=fmt.one_in(verdict.false_alarm_rate)))
    lines.append(sensitivity.sentence(verdict))
    return (join(lines, " "),)


def _sections(
    rows: Sequence[Row], verdict: Verdict, bundles: tuple[Bundle | None, Bundle], details: Details
) -> tuple[Section, ...]:
    baseline, candidate = bundles
    beyond = rows[_ROWS_SHOWN:]
    found = (
        sections.more_rows(beyond, _table(beyond[:_ROWS_FOLDED], details)) if beyond else None,
        sections.behind(rows[:_ROWS_SHOWN], details),
        sections.improvements(verdict, details),
        sections.moved(verdict, details),
        reading.grown_section(rows[0].workload, baseline, candidate, details.charts) if rows else None,
        sections.accepted(verdict, candidate, details),
        sections.reproduce(details),
        accept_lines.section(verdict, rows, candidate, details),
        sections.caveats([c for c in verdict.caveats if c.code not in _NOT_FOLDED], verdict),
        sections.unseen(verdict),
        memory_section.section(verdict),
        sections.sums(verdict, details),
        sections.machine_and_settings(verdict, baseline, candidate, details),
    )
    return tuple(section for section in found if section is not None)
