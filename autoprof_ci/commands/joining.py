"""What parallel jobs measured of one program, joined so that it is judged once. Values in, values out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoprof_ci import bundle, pipeline
from autoprof_ci.errors import UsageError
from autoprof_ci.measure.same_program import same_program
from autoprof_ci.model import Bundle, StoredBinary
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
        raise UsageError(
            f"Some parts had a baseline and these had none: {lacking}",
            "Give every part the same baseline; in a matrix of jobs, run all of them again",
        )
    twice = [name for name, count in Counter(name for part in candidates for name in part.workload_digests).items() if count > 1]
    if twice:
        raise UsageError(f"Workload {twice[0]} was measured by more than one part", "Give every job its own workloads")
    _check_programs(candidates)
    if baselines:
        _check_baselines(baselines)
    baseline = pipeline.join(tuple(baselines)) if baselines else None
    if baseline and any(old.session != new.session for old, new in zip(baselines, candidates, strict=True)):
        baseline = replace(baseline, session="")  # one part was held against stored numbers: nothing ran in turns for all
    return Measured(baseline=baseline, candidate=pipeline.join(tuple(candidates)))


def _check_programs(candidates: Sequence[Bundle]) -> None:
    first, *others = candidates
    commits = [part.commit for part in candidates if part.commit]
    if len(set(commits)) > 1:
        told = " and ".join(commit[:7] for commit in dict.fromkeys(commits))
        raise UsageError(f"The parts measured different commits ({told})", "Merge the output folders of one commit")
    for other in others:
        if not _same_programs(first.binaries, other.binaries):
            raise UsageError(
                "The parts measured different programs",
                "Merge the output folders of one commit; where every job builds for itself, build once and hand the program on",
            )


def _same_programs(ones: tuple[StoredBinary, ...], others: tuple[StoredBinary, ...]) -> bool:
    """The same code and data under the same names: two builds of one commit may differ in what nobody executes."""
    if [one.name for one in ones] != [other.name for other in others]:
        return False
    return all(_same(one, other) for one, other in zip(ones, others, strict=True))


def _same(one: StoredBinary, other: StoredBinary) -> bool:
    if one.sha256 == other.sha256:
        return True
    if one.packed is None or other.packed is None:
        return False
    return same_program(bundle.unpack_binary(one), bundle.unpack_binary(other))


def _check_baselines(baselines: Sequence[Bundle]) -> None:
    """One job may have found a baseline that was stored after another had looked."""
    different = dict.fromkeys((each.commit, *((b.name, b.sha256) for b in each.binaries)) for each in baselines)
    if len(different) > 1:
        commits = dict.fromkeys(each.commit[:7] if each.commit else "a commit nobody knows" for each in baselines)
        told = f" ({' and '.join(commits)})" if len(commits) > 1 else ""
        raise UsageError(
            f"The parts were held against different baselines{told}",
            "Give every part the same baseline; in a matrix of jobs, run all of them again",
        )
