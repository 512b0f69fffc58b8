"""The chart of hot functions in characters: the one form that needs no hosting, for comments, logs and terminals."""

from __future__ import annotations

from collections.abc import Sequence

from autoprof_ci.model import WorkloadVerdict
from autoprof_ci.report import format as fmt
from autoprof_ci.report.chart_data import hot_functions
from autoprof_ci.report.phrase import clean

_NAME_WIDTH = 30
_BAR_WIDTH = 24
_AT_MOST = 6
_IN_WORDS = 3
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def _bar(part: float) -> str:
    """A bar of `part` (0 to 1) of the width, in eighths; a value above zero always leaves a trace."""
    eighths = round(part * _BAR_WIDTH * 8)
    if part > 0:
        eighths = max(1, eighths)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def bars(workload: WorkloadVerdict, base_branch: str, first: Sequence[str] = ()) -> str:
    """Two lines a function, baseline above candidate; empty where there is nothing to draw. `first`: functions that must be
    among them, since the text speaks of them.

    sha::compress            █████████████████████▌    61 ms  main
                             ████████████████████████  64 ms  here
    """
    shown = hot_functions(workload, _AT_MOST, first)
    if shown is None:
        return ""
    largest = max(max(bar.baseline or 0.0, bar.candidate or 0.0) for bar in shown.bars)
    if largest <= 0:
        return ""
    side = max(len(base_branch), len("here"))
    lines = []
    names = fmt.labels([clean(bar.name) or "?" for bar in shown.bars], _NAME_WIDTH)
    for bar, name in zip(shown.bars, names, strict=True):
        for label, size, who in ((name, bar.baseline, base_branch), ("", bar.candidate, "here")):
            drawn = _bar((size or 0.0) / largest)
            text = fmt.quantity(size, shown.unit) if size is not None else "none"
            lines.append(f"{label:<{_NAME_WIDTH}}  {who:<{side}}  {drawn:<{_BAR_WIDTH}}  {text}".rstrip())
    return "\n".join(lines)


def bars_in_words(workload: WorkloadVerdict, first: Sequence[str] = ()) -> str:
    """``sha::compress 61 → 64 ms; json::escape 22.1 ms``: what a reader is told who cannot see the picture."""
    shown = hot_functions(workload, _IN_WORDS, first)
    if shown is None:
        return ""
    names = fmt.labels([clean(bar.name) or "?" for bar in shown.bars], _NAME_WIDTH)
    told = (
        f"{name} {fmt.change_of_quantity(bar.baseline, bar.candidate, shown.unit)}"
        for bar, name in zip(shown.bars, names, strict=True)
    )
    return "; ".join(told)
