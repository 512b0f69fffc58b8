"""The command calibrate: a program against itself on this machine, and what that teaches."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import median

from autoprof_ci import pipeline
from autoprof_ci.analysis import Calibration, Sensitivity
from autoprof_ci.analysis import calibrate as judge_against_itself
from autoprof_ci.commands import apart, console, measuring, output
from autoprof_ci.measure.plan import BASELINE
from autoprof_ci.model import Instrument, SubjectKind
from autoprof_ci.report import format as fmt

SHARES = ((0.05, 1.01, "functions above 5 %"), (0.02, 0.05, "functions of 2 to 5 %"), (0.01, 0.02, "functions of 1 to 2 %"))
"""Ranges of shares that are told apart, each with its words."""


def calibrate(options: argparse.Namespace) -> int:
    """Measure the program against itself; say false alarms, the smallest detectable change and the thresholds that fit."""
    wanted = measuring.asked(options)
    loaded = measuring.load(wanted)
    place = apart.on_a_laptop(loaded.config.measure)
    candidate = measuring.candidate_of(wanted, loaded, place)
    policy = loaded.config.policy
    same = replace(candidate, program=replace(candidate.program, label=BASELINE) if candidate.program else None)
    with console.progress() as show:
        plan = measuring.plan_of(loaded, (same, candidate), place)
        edges = measuring.real_edges(show, place, measuring.locator_of(loaded))
        measured = pipeline.measure(plan, (same, candidate), policy, edges)
    output.bundles(Path(options.out), measured)
    measuring.stop_if_interrupted(measured, Path(options.out))
    if measured.baseline is None:
        raise AssertionError("a gate of two programs has a baseline")
    found = judge_against_itself(measured.baseline, measured.candidate, policy)
    print("\n".join(_lines(found, candidate.binaries[0].name)))  # noqa: T201
    return 0


def _lines(found: Calibration, program: str) -> Iterable[str]:
    yield f"{program} against itself, on this machine"
    yield ""
    yield (
        f"false alarms: {found.false_alarms} in {fmt.plural(found.reports, 'report')} "
        f"(blocks exchanged at random; at most {fmt.percent(found.upper_bound)} with 95 % confidence)"
    )
    for instrument in found.suggested:
        yield ""
        yield f"smallest change found with a probability of 95 %, by {instrument}:"
        own = [sensitivity for sensitivity in found.sensitivities if sensitivity.instrument is instrument]
        for workload in dict.fromkeys(sensitivity.workload for sensitivity in own):
            yield f"  {workload}"
            yield from _table([sensitivity for sensitivity in own if sensitivity.workload == workload])
    yield ""
    yield "thresholds that could be seen in the functions that hold half of the cost, for autoprof.toml:"
    yield ""
    yield from _toml(found)


def _table(own: list[Sensitivity]) -> Iterable[str]:
    for sensitivity in own:
        if sensitivity.kind is not SubjectKind.FUNCTION:
            name = "the whole run" if sensitivity.kind is SubjectKind.TOTAL else f"{sensitivity.subject} (group)"
            yield f"    {name:<28} {fmt.change(sensitivity.smallest_detectable_change)}"
    for low, high, words in SHARES:
        seen = [s.smallest_detectable_change for s in own if s.kind is SubjectKind.FUNCTION and low <= (s.share or 0.0) < high]
        if seen:
            spread = f", {fmt.change(min(seen))} to {fmt.change(max(seen))}" if len(seen) > 1 else ""
            yield f"    {words:<28} {fmt.change(median(seen))}  ({len(seen)} of them{spread})"


def _toml(found: Calibration) -> Iterable[str]:
    for instrument, threshold in found.suggested.items():
        yield f"[thresholds.{Instrument(instrument)}]"
        yield f"max_regression_percent = {round(threshold.max_regression * 100, 3):g}"
        yield f"warn_percent = {round(threshold.warn * 100, 3):g}"
        yield ""
