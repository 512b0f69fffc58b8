"""The commands that measure nothing: compare two bundles or folded stacks, merge the outputs of parallel jobs."""

from __future__ import annotations

import argparse
import gc
import shlex
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from autoprof_ci import __version__, bundle, config, folded, pipeline
from autoprof_ci.commands import bundles, changes, configuration, files, joining, output
from autoprof_ci.errors import UsageError
from autoprof_ci.model import Bundle, Caveat, CaveatCode, Policy, Recording
from autoprof_ci.pipeline import Judged, Measured

MIN_FOLDED_FILES = 3
"""Fewer runs a side say nothing about their own noise."""


def compare(options: argparse.Namespace) -> int:
    """Judge two bundles, or folded stacks of any profiler with one file a run."""
    gc.disable()  # a million small values that live to the end: looking through them again and again is a tenth of the time
    found = configuration.find(options.config)
    diff = changes.named(options.diff).diff
    baseline = _side(options.baseline, "--baseline")
    candidate = _side(options.candidate, "--candidate")
    policy = _policy(found, candidate if isinstance(candidate, Bundle) else None)
    if isinstance(baseline, Bundle) and isinstance(candidate, Bundle):
        if options.interleaved:
            raise UsageError("--interleaved is for folded stacks; a bundle knows itself how it was measured", "Leave it out")
        judged = pipeline.judge(Measured(baseline=baseline, candidate=candidate), policy, datetime.now(UTC), diff)
    elif isinstance(baseline, list) and isinstance(candidate, list):
        judged = _compare_folded((baseline, candidate), options, policy)
    else:
        raise UsageError(
            "One side is a bundle, the other folded stacks", "Compare two bundles, or folded stacks with folded stacks"
        )
    return _finish(options, judged, policy)


def merge(options: argparse.Namespace) -> int:
    """Join the output folders of parallel jobs, which measured different workloads, and decide once for all."""
    diff = changes.named(options.diff).diff
    parts = [_part(Path(name)) for name in options.folders]
    measured = joining.join(parts)
    policy = _policy(configuration.find(options.config), measured.candidate)
    judged = pipeline.judge(measured, policy, datetime.now(UTC), diff)
    return _finish(options, judged, policy)


def _part(folder: Path) -> joining.Part:
    baseline = folder / "baseline.bundle.zip"
    return joining.Part(
        name=str(folder),
        candidate=bundles.read(folder / "candidate.bundle.zip", "the measurements"),
        baseline=bundles.read(baseline, "the measurements") if baseline.exists() else None,
    )


def _policy(found: configuration.Loaded | None, measured: Bundle | None) -> Policy:
    """That of the TOML; without one, that in force when the candidate was measured; without that, the defaults."""
    if found is not None:
        return found.config.policy
    return measured.policy if measured is not None and measured.policy is not None else config.default_policy()


def _side(names: Sequence[str], option: str) -> Bundle | list[bytes]:
    """One bundle, or the contents of folded-stacks files; which of the two is told by the content."""
    contents = [files.read(Path(name), f"{option}:") for name in names]
    kinds = [folded.kind_of(content) for content in contents]
    if len(contents) == 1 and folded.FileKind.FOLDED not in kinds:
        return bundle.decode(contents[0], source=names[0])
    if folded.FileKind.BUNDLE in kinds:
        one = names[kinds.index(folded.FileKind.BUNDLE)]
        raise UsageError(f"{option}: {one} is a bundle, and it is not alone", "Name one bundle, or folded-stacks files only")
    if len(contents) < MIN_FOLDED_FILES:
        raise UsageError(
            f"{option}: {len(contents)} of the at least {MIN_FOLDED_FILES} folded-stacks files that it takes to see the noise",
            "Profile more runs, and write one file a run",
        )
    return contents


def _compare_folded(contents: tuple[list[bytes], list[bytes]], options: argparse.Namespace, policy: Policy) -> Judged:
    baseline_files, candidate_files = contents
    if options.interleaved and len(baseline_files) != len(candidate_files):
        raise UsageError(
            f"--interleaved: {len(baseline_files)} baseline and {len(candidate_files)} candidate files do not make pairs",
            "Name as many files on both sides, in the order they ran",
        )
    session = "interleaved" if options.interleaved else ""
    sides = [
        _folded_bundle(zip(data, names, strict=True), session, position)
        for position, (data, names) in enumerate(((baseline_files, options.baseline), (candidate_files, options.candidate)))
    ]
    return pipeline.judge(Measured(baseline=sides[0], candidate=sides[1]), policy, datetime.now(UTC))


def _folded_bundle(named: Iterable[tuple[bytes, str]], session: str, position: int) -> Bundle:
    runs = [folded.parse(data, source=name) for data, name in named]
    unreadable = sum(run.unreadable_lines for run in runs)
    caveats = (Caveat(code=CaveatCode.UNREADABLE_LINES, detail=str(unreadable)),) if unreadable else ()
    return Bundle(
        session=session,
        tool_version=__version__,
        created_at="",
        commit=None,
        ref=None,
        machine=None,
        policy=None,
        recording=Recording(samples=folded.to_samples(runs, position=position), caveats=caveats),
    )


def _finish(options: argparse.Namespace, judged: Judged, policy: Policy) -> int:
    if options.out:
        output.bundles(Path(options.out), Measured(baseline=judged.baseline, candidate=judged.candidate))
    reproduce = shlex.join(["autoprof-ci", *sys.argv[1:]])
    output.finish(
        options, judged, output.Circumstances(config_name=options.config or configuration.DEFAULT_NAME, reproduce=reproduce)
    )
    return output.exit_code(judged.verdict, policy.fail_on)
