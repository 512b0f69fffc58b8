"""What is said of memory: how often somebody asks for it, how much is held, what is never given back.

Knows the metrics of the memory instrument and makes phrases of its estimates. Knows no markup, and makes no decision.
"""

from __future__ import annotations

from collections.abc import Mapping

from autoprof_ci.model import Estimate, Finding, Measurement, Signal
from autoprof_ci.model.words import Instrument
from autoprof_ci.report import format as fmt
from autoprof_ci.report.phrase import Phrase, join, plain
from autoprof_ci.report.sizes import deciding, increase

ALLOCATIONS, TEMPORARY, PEAK, LEAKED = "allocations", "temporary_allocations", "peak_bytes", "leaked_bytes"
METRICS: Mapping[str, str] = {
    ALLOCATIONS: "allocations",
    TEMPORARY: "temporary allocations",
    PEAK: "memory at the peak",
    LEAKED: "leaked memory",
}
"""What a reader calls them."""
_SIZES: Mapping[str, str] = {ALLOCATIONS: "", TEMPORARY: " temporary", PEAK: " at the peak", LEAKED: " leaked"}
_MORE: Mapping[str, str] = {
    ALLOCATIONS: "allocates {much}",
    TEMPORARY: "makes {much} temporary allocations",
    PEAK: "holds {much} memory at its peak",
    LEAKED: "leaks {much}",
}
_FEW = 0.01
"""A side figure that changed by less is not worth words."""


def is_memory(estimate: Estimate) -> bool:
    return estimate.instrument is Instrument.MEMORY


def is_aside(estimate: Estimate, shown: Estimate) -> bool:
    """Whether it need not be told beside `shown`: other metrics of memory stand where it is said why, or in their section."""
    return is_memory(estimate) and (estimate.metric == TEMPORARY or is_memory(shown))


def amount(estimate: Estimate) -> Phrase:
    """``allocates 12 % more``, ``holds 2.4 times the memory at its peak``, ``leaks 102 kB``."""
    change, template = estimate.change, _MORE.get(estimate.metric, "needs {much} memory")
    if change is None:
        template = template.replace(" temporary allocations", "").replace(" memory at its peak", "")
        return plain(template.format(much=fmt.quantity(increase(estimate), estimate.unit)))
    if not fmt.is_factor(change):
        much = f"{fmt.percent(abs(change))} {'more' if change > 0 else 'less'}"
        return plain(template.format(much=much))
    n = "twice" if fmt.times(change) == "2" else f"{fmt.times(change)} times"
    much = f"{n} as often" if estimate.metric == ALLOCATIONS else f"{n} as much"
    if estimate.metric in (TEMPORARY, PEAK):
        much = f"{n} the"
    return plain(template.format(much=much))


def verb(metric: str, ratio: float) -> str:
    """What stands behind the number: ``more allocations``, ``less memory at the peak``."""
    word = "more" if ratio > 0 else "fewer" if metric in (ALLOCATIONS, TEMPORARY) else "less"
    return f"{word} {METRICS.get(metric, 'memory')}"


def sizes(estimate: Estimate) -> str:
    """``30,210 → 33,900 allocations``, ``2.1 → 2.4 MB at the peak``."""
    both = fmt.change_of_quantity(estimate.baseline or 0.0, estimate.candidate or 0.0, estimate.unit)
    if estimate.metric == TEMPORARY:
        both = both.removesuffix(" allocations")
    return f"{both}{_SIZES.get(estimate.metric, '')}"


def all_sizes(finding: Finding) -> Phrase:
    """``30,210 → 33,900 allocations, 2.1 → 2.4 MB at the peak``: what moved, the metric that decides first."""
    shown = deciding(finding)
    own = [m for m in finding.measurements if is_memory(m.estimate)]
    own.sort(key=lambda m: m is not shown)
    told = [m.estimate for m in own if m is shown or _is_more(m) or _beside(m.estimate)]
    return join([plain(sizes(estimate)) for estimate in told], ", ")


def beside(finding: Finding) -> Phrase:
    """The other figures of memory of a subject that memory decides, or sees too; empty where it does not."""
    shown = deciding(finding)
    own = [m for m in finding.measurements if is_memory(m.estimate) and m is not shown]
    if shown is None or not (is_memory(shown.estimate) or any(m.signal is Signal.MORE for m in own)):
        return ()
    told = [m.estimate for m in own if _is_more(m) or (is_memory(shown.estimate) and _beside(m.estimate))]
    return join([plain(sizes(estimate)) for estimate in told], ", ")


def _is_more(measurement: Measurement) -> bool:
    """More allocations are said; how many of them are temporary is in the part on memory."""
    return measurement.signal is Signal.MORE and measurement.estimate.metric != TEMPORARY


def _beside(estimate: Estimate) -> bool:
    """How much is held is worth a word beside how often somebody asks, where it moved."""
    return estimate.metric == PEAK and bool(estimate.baseline) and (estimate.change or 0.0) >= _FEW


def named(detail: str, unit: str) -> tuple[str, str]:
    """The function in a reason's detail, and how much of it in the reader's unit: ``autopilot::x 102400``."""
    who, _, size = detail.rpartition(" ")
    try:
        return who, fmt.quantity(float(size), unit) + " more"
    except ValueError:
        return detail, "more"
