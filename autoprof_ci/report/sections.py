"""The folded parts of a report: what is worth knowing once the first line was not enough.

Each function makes one section, or ``None`` where there is nothing to say. Knows the verdict, the bundles and the details; no
markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from autoprof_ci.model import Bundle, Caveat, Finding, Machine, Status, SubjectKind, Verdict, WorkloadState
from autoprof_ci.model.words import Instrument
from autoprof_ci.report import caveat_words, sensitivity
from autoprof_ci.report import format as fmt
from autoprof_ci.report.causes import Row, with_status
from autoprof_ci.report.details import Details
from autoprof_ci.report.green_words import accepted as accepted_sentences
from autoprof_ci.report.phrase import Phrase, join, name, plain, say, strong
from autoprof_ci.report.sizes import deciding
from autoprof_ci.report.story import Block, Code, Lines, Section, Table, Words
from autoprof_ci.report.wording import changes_of, sizes_of, subject, why

_LONGEST_TABLE = 25
_NAMED_IN_SHORT = 2
_MOVED = {
    "placement": Status.PLACEMENT,
    "cost shift": Status.COST_SHIFT,
    "added": Status.ADDED,
    "removed": Status.REMOVED,
}


def _finding_row(workload: str, finding: Finding, source_url: str | None) -> tuple[Phrase, ...]:
    shown = deciding(finding)
    sizes = sizes_of(shown.estimate) if shown else plain("not measured")
    change = changes_of(finding)
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


def improvements_in_short(verdict: Verdict) -> Phrase:
    """``2 improvements: a −47 %, b −12 %``; empty where there are none."""
    found = with_status(verdict, Status.IMPROVEMENT)
    named: list[Phrase] = []
    for _, finding in found[:_NAMED_IN_SHORT]:
        shown = deciding(finding)
        change = say(" {change}", change=fmt.change(shown.estimate.change)) if shown is not None else ()
        named.append(say("{subject}{change}", subject=subject(finding), change=change))
    if len(found) > len(named):
        named.append(plain(f"{len(found) - len(named):,} more"))
    return say("{count}: {names}", count=fmt.plural(len(found), "improvement"), names=join(named, ", ")) if found else ()


def _moved_kinds(verdict: Verdict) -> tuple[list[tuple[str, Finding]], str]:
    counted = {word: with_status(verdict, status) for word, status in _MOVED.items()}
    kinds = ", ".join(f"{word} {len(pairs):,}" for word, pairs in counted.items() if pairs)
    return [pair for pairs in counted.values() for pair in pairs], kinds


def moved_in_short(verdict: Verdict) -> Phrase:
    found, kinds = _moved_kinds(verdict)
    return plain(f"{len(found):,} moved without being slower ({kinds})") if found else ()


def moved(verdict: Verdict, details: Details) -> Section | None:
    """Placement, cost shifts, added and removed functions: moved without being slower."""
    found, kinds = _moved_kinds(verdict)
    if not found:
        return None
    return Section(title=f"{len(found):,} moved without being slower ({kinds})", blocks=_findings_table(found, details))


def accepted(verdict: Verdict, candidate: Bundle, details: Details) -> Section | None:
    found = with_status(verdict, Status.ACCEPTED)
    if not found:
        return None
    lines = Lines(items=accepted_sentences(verdict, candidate)[:_LONGEST_TABLE])
    return Section(title=f"{len(found):,} accepted in the TOML", blocks=(lines, *_findings_table(found, details)))


def behind(rows: Sequence[Row], details: Details) -> Section | None:
    """Everything that the rows of the first table stand for, one by one."""
    found = [(row.workload, finding) for row in rows for finding in row.everything if len(row.everything) > 1]
    if not found:
        return None
    kinds = [finding.kind for _, finding in found]
    counted = (
        fmt.plural(kinds.count(SubjectKind.FUNCTION), "function"),
        fmt.plural(kinds.count(SubjectKind.GROUP), "group") if SubjectKind.GROUP in kinds else "",
        fmt.plural(kinds.count(SubjectKind.TOTAL), "whole run") if SubjectKind.TOTAL in kinds else "",
    )
    title = f"Behind the first table: {', '.join(filter(None, counted))}"
    return Section(title=title, blocks=_findings_table(found, details))


def sums(verdict: Verdict, details: Details) -> Section | None:
    """Groups and totals, whatever became of them."""
    found = [(w.name, f) for w in verdict.workloads for f in w.findings if f.kind is not SubjectKind.FUNCTION]
    found.sort(key=lambda pair: (pair[0], pair[1].kind is not SubjectKind.TOTAL))
    if not found:
        return None
    return Section(title="Groups and totals", blocks=_findings_table(found, details))


def unseen(verdict: Verdict) -> Section | None:
    """What could not be seen, by instrument, and the subjects nothing could have seen."""
    if all(w.state is not WorkloadState.COMPARED for w in verdict.workloads):
        return None
    lines: list[Phrase] = []
    for instrument in Instrument:
        seen = sensitivity.of_instrument(verdict, instrument)
        if seen is not None:
            lines.append(sensitivity.ranges(seen))
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


def caveats(found: Sequence[Caveat], verdict: Verdict) -> Section | None:
    lines = caveat_words.sentences(found, [w.name for w in verdict.workloads])
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
    if candidate.machine is not None and candidate.machine.sandbox is not None:
        lines.append(say("Sandbox of the measured program: {kind}", kind=fmt.shorten(candidate.machine.sandbox, 80)))
    samples = candidate.recording.samples
    if samples is not None:
        lines.append(
            say("Time: sampled by {event}, {runs} a side", event=name(samples.event), runs=fmt.plural(details.runs, "run"))
        )
    if candidate.recording.instructions:
        repeats = max((len(w.repeats) for w in candidate.recording.instructions), default=0)
        lines.append(plain(f"Instructions: counted {fmt.plural(repeats, 'time')} by callgrind"))
    if candidate.recording.memory:
        repeats = max((len(w.repeats) for w in candidate.recording.memory), default=0)
        lines.append(plain(f"Memory: watched {fmt.plural(repeats, 'time')} by heaptrack"))
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
    config = plain(details.config_name) if details.command_line_workload else name(details.config_name)
    lines.append(say("Settings: {config}; autoprof-ci {version}", config=config, version=verdict.tool_version))
    return Section(title="Machine and settings", blocks=(Lines(items=tuple(lines)),))


def reproduce(details: Details) -> Section | None:
    if not details.reproduce:
        return None
    return Section(title="Reproduce it here", blocks=(Code(text=details.reproduce, language="sh"),))


def more_rows(rows: Sequence[Row], table: Table) -> Section | None:
    """What did not fit into the first table."""
    if not table.rows:
        return None
    blocks: list[Block] = [table]
    if len(rows) > len(table.rows):
        blocks.append(Words(phrase=say("{left} more in the full report", left=strong(f"{len(rows) - len(table.rows):,}"))))
    return Section(title=f"{fmt.plural(len(rows), 'more cause')}", blocks=tuple(blocks))
