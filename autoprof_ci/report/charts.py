"""Charts as PNG: the hot functions on both sides, every run of the functions that regressed, a still of the difference.

Knows how to draw; what to draw comes from `chart_data`. Uses matplotlib's figures directly, without its global state, so that
it is safe
in threads and needs no display. Blue and orange are told apart by colour-blind readers, and marks differ in shape too.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from autoprof_ci.model import Bundle, Status, Verdict, WorkloadVerdict
from autoprof_ci.model.words import TOTAL_NAME, Instrument
from autoprof_ci.report import format as fmt
from autoprof_ci.report import still
from autoprof_ci.report.chart_data import Bars, Strip, hot_functions, slug, strips
from autoprof_ci.report.flame_colours import mixed, strength
from autoprof_ci.report.flame_layout import Box
from autoprof_ci.report.phrase import clean
from autoprof_ci.report.still import Still

_WIDTH_IN = 7.6
_DPI = 200
_NAME_WIDTH = 38
_WORKLOADS_DRAWN = 12
_WORSE = (Status.REGRESSION, Status.WARNING)
_ROW_IN = 0.24
_READABLE = 24
"""Letters of a name that is recognised although its middle is missing."""
_LETTER_IN = 0.0515
"""How wide a letter of a still is."""
_WHAT = {Instrument.TIME: "Self time", Instrument.INSTRUCTIONS: "Instructions", Instrument.MEMORY: "Allocations"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """Colours for one background; those of GitHub's pages."""

    name: str
    page: str
    ink: str
    quiet: str
    grid: str
    baseline: str
    candidate: str
    neutral: tuple[int, int, int]
    """Of a frame that did not change."""


LIGHT = Theme(
    name="light",
    page="#ffffff",
    ink="#1f2328",
    quiet="#59636e",
    grid="#d8dee4",
    baseline="#4a7fb5",
    candidate="#d9760f",
    neutral=(234, 236, 239),
)
DARK = Theme(
    name="dark",
    page="#0d1117",
    ink="#f0f6fc",
    quiet="#9198a1",
    grid="#30363d",
    baseline="#79b0e8",
    candidate="#f5a04c",
    neutral=(48, 54, 61),
)
THEMES = (LIGHT, DARK)


def _plain(text: str) -> str:
    # mathematics between dollar signs is matplotlib's, and a name is no formula
    return text.replace("$", r"\$")


def _label(text: str) -> str:
    return _plain(fmt.shorten(clean(text) or "?", _NAME_WIDTH))


def _labels(names: Sequence[str]) -> list[str]:
    readable = ["the whole run" if name == TOTAL_NAME else clean(name) or "?" for name in names]
    return [_plain(label) for label in fmt.labels(readable, _NAME_WIDTH)]


def _dress(axes: Axes, theme: Theme) -> None:
    axes.set_facecolor(theme.page)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(theme.grid)
    axes.tick_params(colors=theme.quiet, labelsize=8, length=0)
    axes.grid(axis="x", color=theme.grid, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=5, min_n_ticks=2))


def _figure(height_in: float, theme: Theme) -> Figure:
    return Figure(figsize=(_WIDTH_IN, height_in), dpi=_DPI, facecolor=theme.page)


def _ticks(unit: str) -> FuncFormatter:
    # the title says what is counted; the word at each number would run into the next
    tell = fmt.count if unit == "allocations" else partial(fmt.quantity, unit=unit)
    return FuncFormatter(lambda value, _: "0" if value == 0 else tell(float(value)))


def functions_figure(shown: Bars, base_branch: str, theme: Theme) -> Figure:
    """Two bars a function, baseline above candidate; the whisker is the 90 % interval of the change, laid around the
    candidate."""
    rows = len(shown.bars)
    figure = _figure(0.95 + 0.42 * rows, theme)
    axes = figure.add_axes((0.40, 0.42 / (0.95 + 0.42 * rows), 0.50, 0.42 * rows / (0.95 + 0.42 * rows)))
    _dress(axes, theme)
    for row, bar in enumerate(shown.bars):
        axes.barh(row - 0.19, bar.baseline or 0.0, height=0.34, color=theme.baseline)
        axes.barh(row + 0.19, bar.candidate or 0.0, height=0.34, color=theme.candidate)
        if bar.low is not None and bar.high is not None:
            low = max(0.0, bar.low)
            axes.plot([low, bar.high], [row + 0.19] * 2, color=theme.ink, linewidth=1.1, solid_capstyle="butt")
            axes.plot([low, bar.high], [row + 0.19] * 2, color=theme.ink, marker="|", markersize=4, linestyle="none")
    # one interval that is far wider than any bar must not flatten the others
    longest = max(max(bar.baseline or 0.0, bar.candidate or 0.0) for bar in shown.bars) or 1.0
    axes.set_xlim(0, min(longest * 1.5, max([longest * 1.06, *(bar.high * 1.02 for bar in shown.bars if bar.high)])))
    axes.set_ylim(rows - 0.4, -0.6)
    axes.set_yticks(range(rows), _labels([bar.name for bar in shown.bars]))
    for tick, bar in zip(axes.get_yticklabels(), shown.bars, strict=True):
        tick.set_color(theme.ink)
        tick.set_fontsize(8)
        tick.set_fontfamily("monospace")
        if bar.status in (Status.REGRESSION, Status.WARNING):
            tick.set_fontweight("bold")
    for row, bar in enumerate(shown.bars):
        if bar.status in (Status.REGRESSION, Status.WARNING, Status.IMPROVEMENT) and bar.baseline and bar.candidate is not None:
            text = fmt.change(bar.candidate / bar.baseline - 1)
            axes.annotate(text, (1.0, row), xycoords=("axes fraction", "data"), xytext=(6, 0), textcoords="offset points",
                          va="center", fontsize=8, color=theme.ink, annotation_clip=False)  # fmt: skip
    axes.xaxis.set_major_formatter(_ticks(shown.unit))
    what = {Instrument.TIME: "Self time", Instrument.INSTRUCTIONS: "Instructions", Instrument.MEMORY: "Allocations"}[
        shown.instrument
    ]
    of_all = f" ({rows} of {rows + shown.left_out})" if shown.left_out else ""
    _title(figure, f"{what} of the hot functions in {_label(shown.workload)}, per start{of_all}", theme)
    _legend(figure, base_branch, theme)
    return figure


def _title(figure: Figure, text: str, theme: Theme) -> None:
    height = figure.get_size_inches()[1]
    figure.text(0.02, 1 - 0.2 / height, text, color=theme.ink, fontsize=9.5, fontweight="bold", va="center")


def _legend(figure: Figure, base_branch: str, theme: Theme) -> None:
    height = figure.get_size_inches()[1]
    y = 1 - 0.41 / height
    for x, mark, color, text in (
        (0.40, "■", theme.baseline, base_branch),
        (0.60, "■", theme.candidate, "here"),
    ):
        figure.text(x, y, mark, color=color, fontsize=9, va="center")
        figure.text(x + 0.022, y, _plain(fmt.shorten(clean(text), 18)), color=theme.quiet, fontsize=8, va="center")


def runs_figure(shown: tuple[Strip, ...], base_branch: str, theme: Theme) -> Figure:
    """One strip a function: every run a mark, in the order in which they were measured; a line at each side's median."""
    height = 0.75 + 0.85 * len(shown)
    figure = _figure(height, theme)
    labels = _labels([strip.name for strip in shown])
    for index, (strip, label) in enumerate(zip(shown, labels, strict=True)):
        bottom = (height - 0.55 - 0.85 * (index + 1) + 0.16) / height
        axes = figure.add_axes((0.40, bottom, 0.50, 0.60 / height))
        _strip(axes, strip, theme)
        _name_at_left(axes, label, theme)
    _title(figure, "Every run of what got slower, in the order of measuring, per start", theme)
    _legend(figure, base_branch, theme)
    return figure


def _strip(axes: Axes, strip: Strip, theme: Theme) -> None:
    _dress(axes, theme)
    axes.grid(visible=False, axis="x")
    axes.grid(axis="y", color=theme.grid, linewidth=0.6)
    orders = sorted({order for order, _ in (*strip.baseline, *strip.candidate)})
    place = {order: index for index, order in enumerate(orders)}
    for points, color, marker in ((strip.baseline, theme.baseline, "o"), (strip.candidate, theme.candidate, "D")):
        if not points:
            continue
        values = [value for _, value in points]
        axes.plot(
            [place[order] for order, _ in points],
            values,
            color=color,
            marker=marker,
            markersize=3.6,
            linestyle="none",
            clip_on=False,
        )
        axes.axhline(_median(values), color=color, linewidth=0.9, alpha=0.7)
    every = [value for _, value in (*strip.baseline, *strip.candidate)]
    low, high = min(every), max(every)
    room = (high - low) * 0.15 or (high or 1.0) * 0.1
    axes.set_ylim(max(0.0, low - room), high + room)
    axes.set_xlim(-0.7, max(len(orders) - 0.3, 0.7))
    axes.set_xticks([])
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3, min_n_ticks=2))
    axes.yaxis.set_major_formatter(_ticks(strip.unit))
    axes.yaxis.tick_right()
    axes.tick_params(axis="y", colors=theme.quiet, labelsize=7, length=0)


def _name_at_left(axes: Axes, label: str, theme: Theme) -> None:
    axes.annotate(label, (0.0, 0.5), xycoords="axes fraction", xytext=(-8, 0), textcoords="offset points", ha="right",
    va="center",
                  fontsize=8, family="monospace", color=theme.ink, annotation_clip=False)  # fmt: skip


def _median(values: list[float]) -> float:
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def difference_figure(shown: Still, base_branch: str, theme: Theme) -> Figure:
    """The widest frames, as wide as here: red grew, blue shrank, and by how many points where there is room."""
    rows = max(box.depth for box in shown.boxes) + 1
    height = 0.62 + _ROW_IN * rows
    figure = _figure(height, theme)
    axes = figure.add_axes((0.02, 0.06 / height, 0.96, _ROW_IN * rows / height))
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, rows)
    for box in shown.boxes:
        how_strong = strength(box, shown.scale)
        fill = mixed(how_strong, theme.neutral)
        axes.add_patch(Rectangle((box.x, box.depth), box.width, 0.94, facecolor=fill, edgecolor=theme.page, linewidth=0.5))
        axes.text(box.x + 0.004, box.depth + 0.45, _frame_text(box, how_strong, shown.workload), va="center", fontsize=6.2,
                  family="monospace", color=_ink_on(fill), clip_on=True)  # fmt: skip
    _title(figure, f"Where {_label(shown.workload)} spends its time, and what changed", theme)
    said = (
        f"as wide as its share here; red: more than on {_plain(fmt.shorten(clean(base_branch), 18))}, blue: less, grey: as before"
    )
    figure.text(0.02, 1 - 0.41 / height, said, color=theme.quiet, fontsize=7.5, va="center")
    return figure


def _frame_text(box: Box, how_strong: float, workload: str) -> str:
    """As much of the name as fits, and the change in points where both do."""
    letters = int((box.width * 0.96 * _WIDTH_IN - 0.06) / _LETTER_IN)
    name = clean(box.name if box.depth else workload) or "?"
    moved = (box.candidate - box.baseline) * 100
    points = f" {'+' if moved > 0 else ''}{fmt.number(moved, 2)} points" if how_strong and box.depth else ""
    if len(fmt.shorten(name, _READABLE)) + len(points) <= letters:
        return _plain(fmt.shorten(name, letters - len(points)) + points)
    # half a word helps nobody, and the crate can be told from the frames below
    return _plain(fmt.shorten(name, letters) if letters >= _READABLE else fmt.last_words(name, letters))


def _ink_on(fill: str) -> str:
    red, green, blue = (int(fill[i : i + 2], 16) for i in (1, 3, 5))
    return "#000000" if 0.299 * red + 0.587 * green + 0.114 * blue > 130 else "#ffffff"


def png(figure: Figure) -> bytes:
    """The picture, without the date and version that would make it differ from run to run."""
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()


def _both(name: str, draw: Callable[[Theme], Figure]) -> dict[str, bytes]:
    return {f"{name}-{theme.name}.png": png(draw(theme)) for theme in THEMES}


def _of_workload(workload: WorkloadVerdict, baseline: Bundle | None, candidate: Bundle, base_branch: str) -> dict[str, bytes]:
    made: dict[str, bytes] = {}
    hot = hot_functions(workload)
    if hot is not None:
        made |= _both(f"functions-{slug(workload.name)}", lambda theme: functions_figure(hot, base_branch, theme))
    asked = hot_functions(workload, by=Instrument.MEMORY)
    if asked is not None and hot is not None and hot.instrument is not Instrument.MEMORY:
        made |= _both(f"memory-{slug(workload.name)}", lambda theme: functions_figure(asked, base_branch, theme))
    every = strips(workload, baseline, candidate)
    if every:
        made |= _both(f"runs-{slug(workload.name)}", lambda theme: runs_figure(every, base_branch, theme))
    moved = still.of_workload(workload.name, baseline, candidate) if any(f.status in _WORSE for f in workload.findings) else None
    if moved is not None:
        made |= _both(still.picture(workload.name), lambda theme: difference_figure(moved, base_branch, theme))
    return made


def render(verdict: Verdict, baseline: Bundle | None, candidate: Bundle, base_branch: str) -> Mapping[str, bytes]:
    """File name -> PNG, of the first dozen workloads, those with regressions first."""
    ordered = sorted(verdict.workloads, key=lambda w: not any(f.status in _WORSE for f in w.findings))
    made: dict[str, bytes] = {}
    for workload in ordered[:_WORKLOADS_DRAWN]:
        made |= _of_workload(workload, baseline, candidate, base_branch)
    return made
