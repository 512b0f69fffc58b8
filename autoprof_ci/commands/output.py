"""EDGE: what a deciding command leaves behind: the output folder, the files asked for, words on the terminal, the exit code."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from autoprof_ci import bundle, report
from autoprof_ci.commands import files
from autoprof_ci.model import Bundle, FailOn, Outcome, Verdict
from autoprof_ci.pipeline import Judged, Measured
from autoprof_ci.report import verdict_json

STALE = ("verdict.json", "comment.md", "report.html", "charts/*.png", "flamegraph-*.svg", "*.bundle.zip")
"""What an earlier run may have left in the output folder."""


def bundles(folder: Path, measured: Measured) -> None:
    """The measurements first: whatever happens afterwards, they are kept."""
    files.write_folder(folder, encoded(measured), STALE)


def encoded(measured: Measured) -> dict[str, bytes]:
    """The measurements as the files that the output folder holds."""
    found = {"candidate.bundle.zip": bundle.encode(measured.candidate)}
    if measured.baseline is not None:
        found["baseline.bundle.zip"] = bundle.encode(measured.baseline)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What the report needs and the bundles do not hold."""

    config_name: str
    reproduce: str
    command_line_workload: bool = False


def finish(options: argparse.Namespace, judged: Judged, circumstances: Circumstances) -> None:
    """The rest of the output folder, where one is wanted; the files of ``--json`` and ``--markdown``; and the words."""
    details = details_of(judged, circumstances)
    if options.out:
        write_report(Path(options.out), judged, details)
    page = str(Path(options.out) / "report.html") if options.out else None
    here = replace(details, charts=report.Charts(kind=report.ChartKind.TEXT), report_url=page)
    if options.json:
        _write_text(options.json, verdict_json.encode(judged.verdict))
    if options.markdown:
        _write_text(options.markdown, report.comment(judged.verdict, judged.baseline, judged.candidate, here))
    stream = sys.stderr if "-" in (options.json, options.markdown) else sys.stdout
    stream.write(report.terminal(judged.verdict, judged.baseline, judged.candidate, here))
    stream.flush()


def _write_text(target: str, text: str) -> None:
    if target == "-":
        sys.stdout.write(text)
    else:
        files.write(Path(target), text.encode())


def exit_code(verdict: Verdict, fail_on: FailOn) -> int:
    """0 or 1; the other codes belong to errors."""
    failing = {
        FailOn.REGRESSION: {Outcome.FAIL},
        FailOn.INCONCLUSIVE: {Outcome.FAIL, Outcome.INCONCLUSIVE},
        FailOn.NEVER: set[Outcome](),
    }
    return 1 if verdict.outcome in failing[fail_on] else 0


def write_report(folder: Path, judged: Judged, details: report.Details) -> report.Report:
    """The output folder's report, all but the bundles; given back for whoever shows parts of it elsewhere."""
    full = report.render(judged.verdict, judged.baseline, judged.candidate, details)
    content = {
        "verdict.json": verdict_json.encode(judged.verdict).encode(),
        "comment.md": full.comment.encode(),
        "report.html": full.html.encode(),
        **{f"charts/{name}": png for name, png in full.charts.items()},
        **{f"flamegraph-{name}.svg": svg.encode() for name, svg in full.flamegraphs.items()},
    }
    files.write_folder(folder, content, ())
    return full


def details_of(judged: Judged, circumstances: Circumstances) -> report.Details:
    """As the output folder shows it: charts and report beside the comment."""
    return report.Details(
        program=program_of(judged.candidate),
        config_name=circumstances.config_name,
        runs=runs_of(judged.candidate),
        charts=report.Charts(kind=report.ChartKind.IMAGES),
        reproduce=circumstances.reproduce,
        report_url="report.html",
        command_line_workload=circumstances.command_line_workload,
    )


def program_of(measured: Bundle) -> str:
    """What a reader calls it."""
    return measured.binaries[0].name if measured.binaries else "the program"


def runs_of(measured: Bundle) -> int:
    """Timed runs a side, of the workload with the most, without those of a second look, which are told where they were made."""
    samples = measured.recording.samples
    return max((workload.first_runs or len(workload.runs) for workload in samples.workloads), default=0) if samples else 0
