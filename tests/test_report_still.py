"""The still of a difference: which frames it shows, that it can be read, and where the comment shows it."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from autoprof_ci import report
from autoprof_ci.model import Bundle, Recording
from autoprof_ci.report import ChartKind, charts, still
from autoprof_ci.report.charts import DARK, LIGHT, Theme
from tests import factories_report as made

RED = made.red()
WORKLOAD = "run-fix-bug"


def _of(side: str, stacks: str) -> Bundle:
    return replace(made.bundle(RED, side), recording=Recording(stacks={WORKLOAD: stacks}))


BASELINE = _of("baseline", "main;run;parse;walk 600\nmain;run;parse;read 390\nmain;run;redact;scan 10\n")
CANDIDATE = _of(
    "candidate",
    "main;run;parse;walk 400\nmain;run;parse;read 280\nmain;run;redact;compile;a;b;c 317\nmain;run;redact;tiny 3\n",
)


def test_of_workload__leaves_out_what_hands_on_and_what_is_narrow() -> None:
    shown = still.of_workload(WORKLOAD, BASELINE, CANDIDATE)
    assert shown is not None
    boxes = {box.name: (box.depth, round(box.x, 3), round(box.width, 3), round(box.baseline, 3)) for box in shown.boxes}
    assert boxes == {
        "all": (0, 0.0, 1.0, 1.0),
        "parse": (1, 0.0, 0.68, 0.99),
        "read": (2, 0.0, 0.28, 0.39),
        "walk": (2, 0.28, 0.4, 0.6),
        "redact": (1, 0.68, 0.32, 0.01),
        "b": (2, 0.68, 0.317, 0.0),
        "c": (3, 0.68, 0.317, 0.0),
    }


def test_of_workload__deep_stacks_end_at_the_eighth_row() -> None:
    deep = "".join(f"{';'.join(f'f{i}' for i in range(depth))} 100\n" for depth in range(2, 40))
    shown = still.of_workload(WORKLOAD, BASELINE, _of("candidate", deep))
    assert shown is not None
    assert max(box.depth for box in shown.boxes) == still.ROWS - 1


@pytest.mark.parametrize(
    ("baseline", "candidate"),
    [(None, CANDIDATE), (CANDIDATE, CANDIDATE), (_of("baseline", ""), CANDIDATE), (BASELINE, _of("candidate", ""))],
    ids=["no-baseline", "equal", "no-stacks-there", "no-stacks-here"],
)
def test_of_workload__nothing_to_show(baseline: Bundle | None, candidate: Bundle) -> None:
    assert still.of_workload(WORKLOAD, baseline, candidate) is None


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_difference_figure__every_name_stays_in_its_frame(theme: Theme) -> None:
    judged = made.red()
    shown = still.of_workload(WORKLOAD, made.bundle(judged, "baseline"), made.bundle(judged, "candidate"))
    assert shown is not None
    figure = charts.difference_figure(shown, "main", theme)
    figure.canvas.draw()
    (axes,) = figure.axes
    texts = [text for text in axes.texts if text.get_text()]
    assert any("+29 points" in text.get_text() for text in texts)
    frames = [patch.get_window_extent() for patch in axes.patches]
    for text in texts:
        extent = text.get_window_extent()
        assert any(frame.x0 <= extent.x0 and extent.x1 <= frame.x1 + 1 and frame.y0 <= extent.y0 for frame in frames), text
    assert len(charts.png(figure)) < 200_000


@pytest.mark.parametrize("case", ["red", "red-dearer", "hostile"])
def test_comment__shows_only_stills_that_are_drawn(case: str) -> None:
    judged = made.CASES[case]()
    made_of = report.render(
        judged, made.baseline_of(case, judged), made.candidate_of(case, judged), made.details(ChartKind.IMAGES)
    )
    wanted = set(re.findall(r"https://raw\.example/charts/(difference-[^\"]*)", made_of.comment))
    assert len(wanted) == 2
    assert wanted <= set(made_of.charts)


def test_comment__shows_a_still_where_pictures_are_shown() -> None:
    red = report.comment(RED, BASELINE, CANDIDATE, made.details(ChartKind.IMAGES))
    assert "https://raw.example/charts/difference-run-fix-bug-dark.png" in red
    assert "difference-" not in report.comment(RED, BASELINE, CANDIDATE, made.details(ChartKind.TEXT))
    assert "difference-" not in report.comment(RED, BASELINE, CANDIDATE, made.details(ChartKind.NONE))


def test_page__has_the_flamegraphs_and_no_still() -> None:
    made_of = report.render(RED, BASELINE, CANDIDATE, made.details())
    assert "difference-run-fix-bug-light.png" in made_of.charts
    assert "chart difference-" not in made_of.html
