"""The folded parts of a report: what is worth knowing once the first line was not enough.

Each function makes one section, or ``None`` where there is nothing to say. Knows the verdict, the bundles and the details; no
markup.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from datetime import date, timedelta

from autoprof_ci.model import Bundle, Caveat, Finding, Machine, Status, SubjectKind, Verdict, WorkloadState
from autoprof_ci.model.words import Instrument
from autoprof_ci.report import caveat_words, sensitivity
from autoprof_ci.report import format as fmt
from autoprof_ci.report.causes import Row, deciding, with_status
from autoprof_ci.report.details import Details
from autoprof_ci.report.headline import accepted_sentence
from autoprof_ci.report.phrase import Phrase, join, name, plain, say, strong
from autoprof_ci.report.story import Block, Code, Lines, Section, Table, Words
from autoprof_ci.report.wording import change_of, sizes_of, subject, why

_LONGEST_TABLE = 25
_ACCEPT_DAYS = 90
_MATCHES_AT_MOST = 8


def _finding_row(workload: str, finding: Finding, source_url: str | None) -> tuple[Phrase, ...]:
    shown = deciding(finding)
    sizes = sizes_of(shown.estimate) if shown else plain("not measured")
    change = change_of(shown.estimate) if shown else ()
    where = say("{subject} in {workload}", subject=subject(finding), workload=name(fmt.shorten(workload, 32)))
    return where, sizes, change, why(finding, source_url)


def _findings_table(found: Sequence[tuple[str, Finding]], details: Details) -> tuple[Block, ...]:
    shown = tuple(_finding_row(workload, finding, details.source_url) for workload, finding in found[:_LONGEST_TABLE])
    blocks: list[Block] = [Table(header=("subject", f"{details.base_branch} → here", "change", "because"), rows=shown)]
    left = len(found) - len(shown)
    if left:
        blocks.append(Words(phrase=plain(f"and {left:,} more in the full report")))
    return tuple(blocks)


def improvements(verdict: Verdict, details: Details) -> Section | None:
    found = with_status(verdict, Status.IMPROVEMENT)
    if not found:
        return None
    return Section(title=fmt.plural(len(found), "improvement"), blocks=_findings_table(found, details))


def moved(verdict: Verdict, details: Details) -> Section | None:
    """Placement, cost shifts, added and removed functions: moved without being slower."""
    counted = {
        "placement": with_status(verdict, Status.PLACEMENT),
        "cost shift": with_status(verdict, Status.COST_SHIFT),
        "added": with_status(verdict, Status.ADDED),
        "removed": with_status(verdict, Status.REMOVED),
    }
    found = [pair for pairs in counted.values() for pair in pairs]
    if not found:
        return None
    kinds = ", ".join(f"{word} {len(pairs):,}" for word, pairs in counted.items() if pairs)
    return Section(title=f"{len(found):,} moved without being slower ({kinds})", blocks=_findings_table(found, details))


def accepted(verdict: Verdict, candidate: Bundle) -> Section | None:
    found = with_status(verdict, Status.ACCEPTED)
    if not found:
        return None
    lines = tuple(accepted_sentence(finding, candidate) for _, finding in found[:_LONGEST_TABLE])
    return Section(title=f"{len(found):,} accepted in the TOML", blocks=(Lines(items=lines),))


def sums(verdict: Verdict, details: Details) -> Section | None:
    """Groups and totals, whatever became of them."""
    found = [(w.name, f) for w in verdict.workloads for f in w.findings if f.kind is not SubjectKind.FUNCTION]
    found.sort(key=lambda pair: (pair[0], pair[1].kind is not SubjectKind.TOTAL))
    if not found:
        return None
    return Section(title="Groups and totals", blocks=_findings_table(found, details))


def _sensitivity_line(seen: sensitivity.Sensitivity) -> Phrase:
    clause = sensitivity.clause(seen)
    if not seen.blind:
        return clause
    subjects = fmt.plural(seen.tested, "subject")
    return say("{clause}; not its threshold in {blind} of {subjects}", clause=clause, blind=f"{seen.blind:,}", subjects=subjects)


def unseen(verdict: Verdict) -> Section | None:
    """What could not be seen, by instrument, and the subjects nothing could have seen."""
    if all(w.state is not WorkloadState.COMPARED for w in verdict.workloads):
        return None
    lines: list[Phrase] = []
    for instrument in Instrument:
        seen = sensitivity.of_instrument(verdict, instrument)
        if seen is not None:
            lines.append(_sensitivity_line(seen))
        elif instrument in verdict.instruments:
            lines.append(say("by {instrument}: not known", instrument=instrument.value))
    blocks: list[Block] = []
    if lines:
        blocks.append(Words(phrase=plain("The smallest change that would have been found with a probability of 95 %:")))
        blocks.append(Lines(items=tuple(lines)))
    unsure = with_status(verdict, Status.INCONCLUSIVE)
    if unsure:
        rows = tuple(_unsure_row(workload, finding) for workload, finding in unsure[:_LONGEST_TABLE])
        blocks.append(Table(header=("nothing could have seen", "in", "threshold", "smallest change seen"), rows=rows))
        if len(unsure) > len(rows):
            blocks.append(Words(phrase=plain(f"and {len(unsure) - len(rows):,} more in the full report")))
    return Section(title="What could not be seen", blocks=tuple(blocks)) if blocks else None


def _unsure_row(workload: str, finding: Finding) -> tuple[Phrase, ...]:
    limits = [m for m in finding.measurements if m.estimate.smallest_detectable_change is not None]
    thresholds = join([plain(f"{fmt.percent(m.max_regression)} by {m.estimate.instrument.value}") for m in limits], ", ")
    smallest = join(
        [plain(f"+{fmt.percent(m.estimate.smallest_detectable_change or 0.0)} by {m.estimate.instrument.value}") for m in limits],
        ", ",
    )
    return subject(finding), name(fmt.shorten(workload, 32)), thresholds or plain("unknown"), smallest or plain("unknown")


def caveats(found: Sequence[Caveat]) -> Section | None:
    lines = caveat_words.sentences(found)
    if not lines:
        return None
    return Section(title=fmt.plural(len(lines), "caveat"), blocks=(Lines(items=lines),))


def _machine_lines(machine: Machine, role: str) -> Phrase:
    tools = ", ".join(
        f"{tool} {version}" for tool, version in (("perf", machine.perf), ("valgrind", machine.valgrind)) if version
    )
    return say(
        "{role}: {cpu}, {cpus}, {architecture}, Linux {kernel}, {libc}{tools}",
        role=role,
        cpu=machine.cpu_model,
        cpus=fmt.plural(machine.cpus, "processor"),
        architecture=machine.architecture,
        kernel=machine.kernel,
        libc=machine.libc,
        tools=say(", {tools}", tools=tools) if tools else (),
    )


def machine_and_settings(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, details: Details) -> Section:
    lines: list[Phrase] = []
    if candidate.machine is not None:
        lines.append(_machine_lines(candidate.machine, "Machine"))
    if baseline is not None and baseline.machine is not None and baseline.machine != candidate.machine:
        lines.append(_machine_lines(baseline.machine, "Baseline's machine"))
    samples = candidate.recording.samples
    if samples is not None:
        lines.append(
            say("Time: sampled by {event}, {runs} a side", event=name(samples.event), runs=fmt.plural(details.runs, "run"))
        )
    if candidate.recording.instructions:
        repeats = max((len(w.repeats) for w in candidate.recording.instructions), default=0)
        lines.append(plain(f"Instructions: counted {fmt.plural(repeats, 'time')} by callgrind"))
    if candidate.policy is not None:
        for instrument, limit in candidate.policy.thresholds.items():
            if instrument not in verdict.instruments:
                continue
            lines.append(
                plain(
                    f"Thresholds of {instrument.value}: fails above {fmt.percent(limit.max_regression)}, warns above "
                    f"{fmt.percent(limit.warn)}, tests functions from {fmt.percent(limit.min_share)} of the run"
                )
            )
    states = [f"{w.name} ({w.state.value})" for w in verdict.workloads if w.state is not WorkloadState.COMPARED]
    if states:
        lines.append(say("Workloads not compared: {states}", states=", ".join(states)))
    failed = candidate.recording.failed_workloads
    lines.extend(say("{workload}: {reason}", workload=name(w), reason=reason) for w, reason in failed.items())
    lines.append(say("Settings: {config}; autoprof-ci {version}", config=name(details.config_name), version=verdict.tool_version))
    return Section(title="Machine and settings", blocks=(Lines(items=tuple(lines)),))


def reproduce(details: Details) -> Section | None:
    if not details.reproduce:
        return None
    return Section(title="Reproduce it here", blocks=(Code(text=details.reproduce, language="sh"),))


def _up_to_percent(findings: Sequence[Finding]) -> int:
    highest = 0.01
    for finding in findings:
        for measurement in finding.measurements:
            estimate = measurement.estimate
            highest = max(highest, estimate.change or 0.0, estimate.ci_high or 0.0)
            if estimate.change is None and estimate.candidate_share is not None:
                highest = max(highest, estimate.candidate_share)
    return math.ceil(highest * 100 - 1e-9)


def _toml_string(text: str) -> str:
    """A TOML basic string of printable characters; JSON's escapes are TOML's too, surrogates apart."""
    escaped = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else f"\\U{ord(c):08x}" for c in escaped)


def accept_lines(row: Row, workloads: int, today: date) -> str:
    """The tables to paste into the TOML so that this row passes: one for its functions, one for each sum they are part of.

    Apart, since a function that grew a hundredfold must not let the whole run grow a hundredfold.
    """
    elsewhere = [e.finding for e in row.elsewhere]
    parts = [[row.finding, *row.followers, *elsewhere], *([e.finding] for e in row.explains)]
    tables = []
    for findings in parts:
        subjects = list(dict.fromkeys(finding.subject for finding in findings))
        listed = ", ".join(_toml_string(s) for s in subjects[:_MATCHES_AT_MOST])
        lines = ["[[accept]]", f"match = [{listed}]" if len(subjects) > 1 else f"match = {listed}"]
        if not row.elsewhere and workloads > 1:
            lines.append(f"workload = {_toml_string(row.workload)}")
        lines.append(f"up_to_percent = {_up_to_percent(findings)}")
        lines.append('reason = "say why this is worth it"')
        lines.append(f"expires = {(today + timedelta(days=_ACCEPT_DAYS)).isoformat()}")
        tables.append("\n".join(lines))
    return "\n\n".join(tables)


def accept(verdict: Verdict, rows: Sequence[Row], candidate: Bundle, details: Details) -> Section | None:
    failing = [row for row in rows if row.status is Status.REGRESSION]
    if not failing:
        return None
    try:
        today = date.fromisoformat(candidate.created_at[:10])
    except ValueError:
        return None
    tables = "\n\n".join(accept_lines(row, len(verdict.workloads), today) for row in failing[:_LONGEST_TABLE])
    if details.command_line_workload:
        intro = say("An accept stands in a TOML: `autoprof-ci init` writes one. Then paste, with a reason:")
    else:
        toml = name(details.config_name)
        intro = say("Paste into {toml}, with a reason; it lets this step through, and not the next:", toml=toml)
    return Section(title="Accept it", blocks=(Words(phrase=intro), Code(text=tables, language="toml")))


def more_rows(rows: Sequence[Row], table: Table) -> Section | None:
    """What did not fit into the first table."""
    if not table.rows:
        return None
    blocks: list[Block] = [table]
    if len(rows) > len(table.rows):
        blocks.append(Words(phrase=say("{left} more in the full report", left=strong(f"{len(rows) - len(table.rows):,}"))))
    return Section(title=f"{fmt.plural(len(rows), 'more cause')}", blocks=tuple(blocks))
