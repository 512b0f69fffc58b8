"""What charts show, and that they show it legibly."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from autoprof_ci.model import Finding, Instrument, Status
from autoprof_ci.report import chart_data, charts
from autoprof_ci.report.bars import bars
from autoprof_ci.report.chart_data import Bar, Bars, Strip
from tests import factories_report as made


def _shown(case: str = "red") -> Bars:
    found = chart_data.hot_functions(made.CASES[case]().workloads[0])
    assert found is not None
    return found


def _many(count: int, name: str = "autopilot::module::function_{}") -> tuple[Finding, ...]:
    return tuple(
        made.function(name.format(i), Status.UNCHANGED, made.time_of(0.001 * (i + 1), 0.001 * (i + 1.01))) for i in range(count)
    )


def _inside(figure: Figure) -> bool:
    """Whether every text of `figure` is within the picture."""
    figure.canvas.draw()
    width, height = figure.get_size_inches() * figure.dpi
    boxes = [text.get_window_extent() for text in figure.texts]
    for axes in figure.axes:
        # ticks beyond the limits exist and are not drawn
        left, right = axes.get_xlim()
        drawn = [label for label in axes.get_xticklabels() if left <= label.get_position()[0] <= right]
        boxes += [text.get_window_extent() for text in (*axes.texts, *axes.get_yticklabels(), *drawn) if text.get_text()]
    return all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height for box in boxes)


def _lengths(axes: Axes) -> list[float]:
    return [round(patch.get_width(), 6) for patch in axes.patches]  # type: ignore[attr-defined]


def test_hot_functions__largest_and_all_that_regressed() -> None:
    workload = replace(made.red().workloads[0], findings=(*_many(40), made.dearer_calls()))
    shown = chart_data.hot_functions(workload, 5)
    assert shown is not None
    assert [bar.name.rsplit("::", 1)[1] for bar in shown.bars] == [
        "function_39", "function_38", "function_37", "function_36", "step_to_line",
    ]  # fmt: skip
    assert (shown.unit, shown.instrument, shown.left_out) == ("s", Instrument.TIME, 36)


def test_hot_functions__instructions_where_time_is_absent() -> None:
    shown = _shown("red-instructions-only")
    assert shown == Bars(
        workload="analyze-sessions",
        instrument=Instrument.INSTRUCTIONS,
        unit="instructions",
        bars=(
            Bar(
                name="autopilot::index::IndexMap::clone",
                status=Status.REGRESSION,
                baseline=None,
                candidate=15.6e6,
                low=None,
                high=None,
            ),
        ),
        left_out=0,
    )


def test_hot_functions__none_without_functions() -> None:
    assert chart_data.hot_functions(replace(made.red().workloads[0], findings=())) is None


def test_strips__runs_in_time_order_per_start() -> None:
    verdict = made.red()
    strips = chart_data.strips(verdict.workloads[0], made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate"))
    assert [strip.name for strip in strips] == [
        "[total]", made.COMPILER, "aho_corasick::dfa::Builder::build_from_noncontiguous", "autopilot::rlog::step_to_line",
    ]  # fmt: skip
    compiler = strips[1]
    assert [order for order, _ in compiler.baseline] == [0, 3, 4, 7, 8, 11, 12, 15, 16, 19][: len(compiler.baseline)]
    assert [order for order, _ in compiler.candidate] == [1, 2, 5, 6, 9, 10, 13, 14, 17, 18]
    assert all(abs(value - 0.148) < 0.03 for _, value in compiler.candidate)


def test_strips__none_without_time_or_baseline() -> None:
    verdict = made.red()
    assert chart_data.strips(verdict.workloads[0], None, made.bundle(verdict, "candidate")) == ()
    assert chart_data.strips(verdict.workloads[0], None, made.bundle(verdict, "candidate", with_time=False)) == ()


@pytest.mark.parametrize("theme", charts.THEMES, ids=lambda theme: theme.name)
def test_functions_figure__bars_intervals_labels(theme: charts.Theme) -> None:
    shown = _shown()
    figure = charts.functions_figure(shown, "main", theme)
    (axes,) = figure.axes
    assert _lengths(axes) == [round(side or 0.0, 6) for bar in shown.bars for side in (bar.baseline, bar.candidate)]
    assert len(axes.lines) == 2 * sum(bar.low is not None for bar in shown.bars)
    whisker = [float(x) for x in axes.lines[0].get_xdata()]  # type: ignore[union-attr, arg-type]
    assert whisker == [shown.bars[0].low, shown.bars[0].high]
    assert axes.get_yticklabels()[0].get_text() == "regex_automata::…::Compiler::c"
    assert [text.get_text() for text in axes.texts] == ["×71", "+5.1 %", "×7.6"]
    assert {text.get_text() for text in figure.texts} >= {
        "main",
        "here",
        "Self time of the hot functions in run-fix-bug, per start (12 of 15)",
    }
    assert axes.get_xlim()[0] == 0
    assert _inside(figure)


def test_functions_figure__a_wild_interval_does_not_flatten_the_bars() -> None:
    shown = _shown()
    wild = replace(shown, bars=(replace(shown.bars[0], high=100.0), *shown.bars[1:]))
    (axes,) = charts.functions_figure(wild, "main", charts.LIGHT).axes
    assert axes.get_xlim()[1] == pytest.approx(0.148 * 1.5)


@pytest.mark.parametrize(
    "findings",
    [
        pytest.param(_many(1), id="one"),
        pytest.param(_many(40), id="forty"),
        pytest.param(_many(12, "<alloc::vec::Vec<T,A> as core::iter::" + "very_long_name_" * 12 + ">::{}"), id="long"),
        pytest.param(_many(12, "w" * 300 + "{}"), id="without-modules"),
        pytest.param(
            tuple(made.function(text, Status.WARNING, made.time_of(0.01, 0.02)) for text in made.HOSTILE_NAMES), id="hostile"
        ),
        pytest.param((made.function("nothing", Status.ADDED, made.time_of(None, 0.0)),), id="zero"),
    ],
)
def test_functions_figure__stays_inside(findings: tuple[Finding, ...]) -> None:
    shown = chart_data.hot_functions(replace(made.red().workloads[0], findings=findings))
    assert shown is not None
    figure = charts.functions_figure(shown, "a-branch-name-that-is-rather-long/feature", charts.LIGHT)
    assert _inside(figure)


def test_runs_figure__one_mark_a_run() -> None:
    verdict = made.red()
    strips = chart_data.strips(verdict.workloads[0], made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate"))
    figure = charts.runs_figure(strips, "main", charts.DARK)
    assert len(figure.axes) == 4
    for axes, strip in zip(figure.axes, strips, strict=True):
        base, base_median, cand, cand_median = axes.lines
        assert [float(y) for y in base.get_ydata()] == [value for _, value in strip.baseline]  # type: ignore[union-attr, arg-type]
        assert [float(y) for y in cand.get_ydata()] == [value for _, value in strip.candidate]  # type: ignore[union-attr, arg-type]
        assert base.get_marker() != cand.get_marker()
        assert base_median.get_linestyle() == cand_median.get_linestyle() == "-"
    assert _inside(figure)


def test_runs_figure__one_run_and_equal_values() -> None:
    strip = Strip(name="f", unit="s", baseline=((0, 0.0),), candidate=((1, 0.0),))
    assert _inside(charts.runs_figure((strip,), "main", charts.LIGHT))


def test_render__names_sizes_and_no_global_state() -> None:
    verdict = made.red()
    drawn = charts.render(verdict, made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate"), "main")
    assert list(drawn) == [
        "functions-run-fix-bug-light.png", "functions-run-fix-bug-dark.png", "runs-run-fix-bug-light.png",
        "runs-run-fix-bug-dark.png", "difference-run-fix-bug-light.png", "difference-run-fix-bug-dark.png",
        "functions-analyze-sessions-light.png", "functions-analyze-sessions-dark.png",
    ]  # fmt: skip
    for png in drawn.values():
        image = Image.open(io.BytesIO(png))
        assert image.size[0] == 1520
        assert image.size[1] < 2000
    assert pyplot.get_fignums() == []


def test_render__same_input_same_bytes() -> None:
    verdict = made.red_one_function()
    sides = made.bundle(verdict, "baseline"), made.bundle(verdict, "candidate")
    assert charts.render(verdict, *sides, "main") == charts.render(verdict, *sides, "main")


def test_slug__safe_and_different() -> None:
    slugs = [chart_data.slug(text) for text in ("run-fix-bug", "a/b", "a b", "../..", "", "ä" * 90, "Ä")]
    assert slugs[0] == "run-fix-bug"
    assert len(set(slugs)) == len(slugs)
    assert all(
        set(slug) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") and slug[0] != "." for slug in slugs
    )


def test_bars__two_lines_a_function() -> None:
    text = bars(made.red_one_function().workloads[0], "main")
    assert len(text.splitlines()) == 12
    assert text.splitlines()[0] == "…::format_escaped_str_contents  main  ████████████████████████  61 ms"


def test_bars__names_that_shorten_to_the_same_are_told_apart() -> None:
    text = bars(made.red_many().workloads[0], "main")
    assert len({line.split("main")[0] for line in text.splitlines()[::2]}) == 6


def test_bars__empty_without_sizes() -> None:
    assert bars(replace(made.red().workloads[0], findings=()), "main") == ""
