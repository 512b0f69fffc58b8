"""What parallel jobs measured of one program, joined so that it is judged once. Values in, values out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoprof_ci import pipeline
from autoprof_ci.errors import UsageError
from autoprof_ci.model import Bundle
from autoprof_ci.pipeline import Measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one job measured. `name`: for sentences."""

    name: str
    candidate: Bundle
    baseline: Bundle | None


def join(parts: Sequence[Part]) -> Measured:
    """Raises `UsageError` where the parts do not belong together: that would be a verdict about nothing."""
    candidates = [part.candidate for part in parts]
    baselines = [part.baseline for part in parts if part.baseline is not None]
    if baselines and len(baselines) != len(parts):
        lacking = ", ".join(part.name for part in parts if part.baseline is None)
        raise UsageError(f"Some parts had a baseline and these had none: {lacking}", "Give every part the same baseline")
    twice = [name for name, count in Counter(name for part in candidates for name in part.workload_digests).items() if count > 1]
    if twice:
        raise UsageError(f"Workload {twice[0]} was measured by more than one part", "Give every job its own workloads")
    if len({part.binaries[0].sha256 for part in candidates if part.binaries}) > 1:
        raise UsageError("The parts measured different programs", "Merge the output folders of one commit")
    baseline = pipeline.join(tuple(baselines)) if baselines else None
    if baseline and any(old.session != new.session for old, new in zip(baselines, candidates, strict=True)):
        baseline = replace(baseline, session="")  # one part was held against stored numbers: nothing ran in turns for all
    return Measured(baseline=baseline, candidate=pipeline.join(tuple(candidates)))
