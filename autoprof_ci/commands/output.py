"""EDGE: what a deciding command leaves behind: the output folder, the files asked for, the words on the terminal, the exit code."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from autoprof_ci import bundle, report
from autoprof_ci.commands import files
from autoprof_ci.model import Bundle, FailOn, Outcome, Verdict
from autoprof_ci.pipeline import Judged
from autoprof_ci.report import verdict_json

STALE = ("verdict.json", "comment.md", "report.html", "charts/*.png", "flamegraph-*.svg", "*.bundle.zip")
"""What an earlier run may have left in the output folder."""


def bundles(folder: Path, candidate: Bundle, baseline: Bundle | None) -> None:
    """The measurements first: whatever happens afterwards, they are kept."""
    found = {"candidate.bundle.zip": bundle.encode(candidate)}
    if baseline is not None:
        found["baseline.bundle.zip"] = bundle.encode(baseline)
    files.write_folder(folder, found, STALE)


def folder(folder: Path, judged: Judged, details: report.Details) -> None:
    """Everything else of the output folder."""
    full = report.render(judged.verdict, judged.baseline, judged.candidate, details)
    content = {
        "verdict.json": verdict_json.encode(judged.verdict).encode(),
        "comment.md": full.comment.encode(),
        "report.html": full.html.encode(),
        **{f"charts/{name}": png for name, png in full.charts.items()},
        **{f"flamegraph-{name}.svg": svg.encode() for name, svg in full.flamegraphs.items()},
    }
    files.write_folder(folder, content, ())


def words(options: argparse.Namespace, judged: Judged, details: report.Details) -> None:
    """The files of ``--json`` and ``--markdown``, and the verdict in words where standard output is free."""
    markdown = report.comment(judged.verdict, judged.candidate, details)
    for target, text in ((options.json, verdict_json.encode(judged.verdict)), (options.markdown, markdown)):
        if target == "-":
            sys.stdout.write(text)
        elif target:
            files.write(Path(target), text.encode())
    stream = sys.stderr if "-" in (options.json, options.markdown) else sys.stdout
    stream.write(report.terminal(judged.verdict, judged.candidate, details))
    stream.flush()


def exit_code(verdict: Verdict, fail_on: FailOn) -> int:
    failing = {
        FailOn.REGRESSION: {Outcome.FAIL},
        FailOn.INCONCLUSIVE: {Outcome.FAIL, Outcome.INCONCLUSIVE},
        FailOn.NEVER: set[Outcome](),
    }
    return 1 if verdict.outcome in failing[fail_on] else 0
