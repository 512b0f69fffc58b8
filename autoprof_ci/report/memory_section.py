"""The folded part on memory: what each workload asks for in all, and the functions that ask most.

Knows the verdict; no markup.
"""

from __future__ import annotations

from autoprof_ci.model import Estimate, Finding, SubjectKind, Verdict, WorkloadVerdict
from autoprof_ci.report import format as fmt
from autoprof_ci.report.memory_words import ALLOCATIONS, LEAKED, PEAK, TEMPORARY, is_memory
from autoprof_ci.report.phrase import Phrase, name, plain, say
from autoprof_ci.report.sizes import impact
from autoprof_ci.report.story import Section, Table
from autoprof_ci.report.wording import subject

_COLUMNS = (ALLOCATIONS, TEMPORARY, PEAK, LEAKED)
_HEADER = ("allocations", "temporary", "at the peak", "leaked")
_FUNCTIONS = 6
_ROWS = 25


def section(verdict: Verdict) -> Section | None:
    """``None`` where memory was not measured."""
    rows = [row for workload in verdict.workloads for row in _rows(workload)]
    if not rows:
        return None
    return Section(title="Memory", blocks=(Table(header=("what", *_HEADER), rows=tuple(rows[:_ROWS])),))


def _rows(workload: WorkloadVerdict) -> list[tuple[Phrase, ...]]:
    measured = [finding for finding in workload.findings if _of(finding, ALLOCATIONS) is not None]
    total = [finding for finding in measured if finding.kind is SubjectKind.TOTAL]
    functions = [finding for finding in measured if finding.kind is SubjectKind.FUNCTION]
    functions.sort(key=lambda finding: (-impact(finding), -_size(finding), finding.subject))
    where = name(fmt.shorten(workload.name, 32))
    return [
        (say("{what} in {where}", what=subject(finding), where=where), *(_cell(_of(finding, metric)) for metric in _COLUMNS))
        for finding in (*total, *functions[:_FUNCTIONS])
    ]


def _cell(estimate: Estimate | None) -> Phrase:
    if estimate is None or (not estimate.baseline and not estimate.candidate):
        return plain("—")
    both = fmt.change_of_quantity(estimate.baseline, estimate.candidate, estimate.unit).removesuffix(" allocations")
    if not estimate.change:
        return plain(both)
    return plain(f"{both} ({fmt.change(estimate.change)})")


def _of(finding: Finding, metric: str) -> Estimate | None:
    found = (m.estimate for m in finding.measurements if is_memory(m.estimate) and m.estimate.metric == metric)
    return next(found, None)


def _size(finding: Finding) -> float:
    estimate = _of(finding, ALLOCATIONS)
    return max(estimate.baseline or 0.0, estimate.candidate or 0.0) if estimate is not None else 0.0
