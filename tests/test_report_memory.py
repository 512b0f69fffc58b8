"""What a report says of memory."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoprof_ci.model import Estimate, Finding, Instrument, Measurement, Reason, ReasonCode, Signal, Status, SubjectKind, Verdict
from autoprof_ci.report import memory_section, memory_words, red_words, text, wording
from autoprof_ci.report.causes import rows
from tests import factories_report as made


def measured(metric: str, baseline: float, candidate: float, signal: Signal = Signal.MORE) -> Measurement:
    estimate = Estimate(
        instrument=Instrument.MEMORY,
        metric=metric,
        unit="bytes" if metric.endswith("bytes") else "allocations",
        baseline=baseline,
        candidate=candidate,
        change=candidate / baseline - 1 if baseline else None,
    )
    return Measurement(estimate=estimate, signal=signal, max_regression=0.01, warn=0.005)


def total(*measurements: Measurement, reasons: tuple[Reason, ...] = ()) -> Finding:
    return Finding(
        subject="[total]", kind=SubjectKind.TOTAL, dso=None, status=Status.REGRESSION, measurements=measurements, reasons=reasons
    )


def first_line(finding: Finding) -> str:
    verdict: Verdict = made.red()
    workload = replace(verdict.workloads[0], name="analyze", findings=(finding,))
    return text.inline(red_words.sentence(rows(replace(verdict, workloads=(workload,))), "autopilot"))


def test_sentence__allocations_and_the_peak() -> None:
    finding = total(measured("allocations", 30_210, 33_900), measured("peak_bytes", 2.1e6, 2.4e6))
    assert first_line(finding) == (
        "autopilot allocates 12 % more in analyze: 30,210 → 33,900 allocations, 2.1 → 2.4 MB at the peak"
    )


def test_sentence__leak__who() -> None:
    leak = Reason(code=ReasonCode.MORE_LEAKED, detail="autopilot::cache::keep 102400")
    finding = total(measured("allocations", 100, 100, Signal.SAME), measured("leaked_bytes", 544, 102_944), reasons=(leak,))
    assert first_line(finding) == (
        "autopilot leaks 189 times as much in analyze: 0.544 → 103 kB leaked; autopilot::cache::keep leaks 102 kB more"
    )


@pytest.mark.parametrize(
    ("measurement", "said"),
    [
        (measured("allocations", 100, 112), "allocates 12 % more"),
        (measured("allocations", 100, 200), "allocates twice as often"),
        (measured("allocations", 100, 380), "allocates 3.8 times as often"),
        (measured("temporary_allocations", 100, 150), "makes 50 % more temporary allocations"),
        (measured("temporary_allocations", 100, 300), "makes 3 times the temporary allocations"),
        (measured("peak_bytes", 100, 120), "holds 20 % more memory at its peak"),
        (measured("peak_bytes", 100, 200), "holds twice the memory at its peak"),
        (measured("leaked_bytes", 100, 150), "leaks 50 % more"),
        (measured("leaked_bytes", 0, 102_400), "leaks 102 kB"),
    ],
)
def test_amount(measurement: Measurement, said: str) -> None:
    assert text.inline(memory_words.amount(measurement.estimate)) == said


def test_changes__beside_instructions__no_temporary_ones() -> None:
    counted = Estimate(
        instrument=Instrument.INSTRUCTIONS, metric="instructions", unit="instructions", baseline=100, candidate=165, change=0.65
    )
    by_count = Measurement(estimate=counted, signal=Signal.MORE, max_regression=0.01, warn=0.005)
    finding = total(by_count, measured("allocations", 100, 380), measured("temporary_allocations", 10, 30))
    assert text.inline(wording.changes_of(finding)) == "+65 %; allocations ×3.8"


def test_section() -> None:
    verdict = made.red()
    function = Finding(
        subject="autopilot::scrub",
        kind=SubjectKind.FUNCTION,
        dso="{binary}",
        status=Status.REGRESSION,
        measurements=(measured("allocations", 1201, 1251), measured("peak_bytes", 0, 0, Signal.UNSEEN)),
    )
    whole = total(measured("allocations", 33_716, 33_766, Signal.SAME), measured("leaked_bytes", 643_000, 643_000, Signal.SAME))
    workload = replace(verdict.workloads[0], name="replay", findings=(function, whole))
    section = memory_section.section(replace(verdict, workloads=(workload,)))
    assert section is not None
    (table,) = section.blocks
    assert [[text.inline(cell) for cell in row] for row in table.rows] == [
        ["the whole run in replay", "33,716 → 33,766 (+0.15 %)", "—", "—", "643 kB"],
        ["autopilot::scrub in replay", "1,201 → 1,251 (+4.2 %)", "—", "—", "—"],
    ]


def test_section__memory_was_not_measured() -> None:
    assert memory_section.section(made.red()) is None
