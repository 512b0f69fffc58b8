"""EDGE: whether what an untrusted run calls the baseline is this repository's own, and whether it measured all that counts.

Knows what the base branch has stored, and compares digests, commits and names with it. Programs stay packed: none is unpacked or
started here. The numbers themselves are still the run's word; what they are called is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from autoprof_ci import bundle
from autoprof_ci.actions import api, artifact_names, baselines, history
from autoprof_ci.actions.baselines import Absence, Age, Found, Missing, Wanted
from autoprof_ci.actions.pull_requests import PullRequestFound
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.model import Bundle, Caveat, CaveatCode, Instrument, Outcome, Recording, WorkloadState
from autoprof_ci.pipeline import Judged, Measured

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SAID_HERE = frozenset(
    {
        CaveatCode.ACCEPT_EXPIRED,
        CaveatCode.ACCEPT_REVIEW,
        CaveatCode.BASELINE_INCOMPATIBLE,
        CaveatCode.BASELINE_NEWER,
        CaveatCode.BASELINE_NOT_NEAREST,
        CaveatCode.BASELINE_NOT_RECOGNISED,
        CaveatCode.BASELINE_SKIPPED,
        CaveatCode.BASELINE_UNVERIFIED,
        CaveatCode.IDENTICAL_PROGRAMS,
        CaveatCode.INSTRUMENT_LEFT_OUT,
        CaveatCode.THRESHOLDS_LOOSENED,
        CaveatCode.WORKLOAD_CHANGED,
        CaveatCode.WORKLOAD_FAILS_ON_BASELINE,
        CaveatCode.WORKLOAD_LEFT_OUT,
    }
)
"""Caveats that nobody who measures writes down: in a recording they could only be meant to mislead."""
_UNUSABLE = {
    Instrument.TIME: {CaveatCode.TIME_UNAVAILABLE, CaveatCode.MACHINE_DIFFERS, CaveatCode.BASELINE_INCOMPATIBLE},
    Instrument.INSTRUCTIONS: {
        CaveatCode.INSTRUCTIONS_UNAVAILABLE,
        CaveatCode.INSTRUCTIONS_SKIPPED,
        CaveatCode.BASELINE_INCOMPATIBLE,
    },
    Instrument.MEMORY: {CaveatCode.MEMORY_UNAVAILABLE, CaveatCode.MEMORY_SKIPPED, CaveatCode.BASELINE_INCOMPATIBLE},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """What this repository itself stored for the base branch. `bundle`: without its programs; ``None`` where there is none, and
    then `absent` says why, in two sentences, unless there never was one. `behind`, `age`: of its commit, seen from the merge
    base, which is `merge_base`."""

    merge_base: str | None
    bundle: Bundle | None = None
    age: Age = Age.UNKNOWN
    behind: int | None = None
    artifact_id: int | None = None
    absent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What may be judged, and what has to be said about it. `behind`: as of `Trusted`, of the baseline that is compared with."""

    measured: Measured
    behind: int | None = None
    artifact_id: int | None = None
    absent: str | None = None


def trusted(situation: Situation, to: PullRequestFound) -> Trusted:
    """The base branch's baseline for the pull request `to`. Raises `AutoprofError` where GitHub does not answer."""
    merge_base = baselines.merge_base(situation.repository, to.base_ref, (to.head_sha,))
    found = _find(situation, to.base_ref, merge_base)
    if isinstance(found, Found):
        return Trusted(
            merge_base=merge_base,
            bundle=replace(found.read, commit=found.commit),
            age=found.age,
            behind=found.behind,
            artifact_id=found.artifact_id,
        )
    first = found.reason is Absence.NEVER_UPLOADED and not found.notes
    return Trusted(merge_base=merge_base, absent=None if first else f"{found.why}. {found.next_step}.")


def claimed(baseline: Bundle | None, candidate: Bundle) -> Measured:
    """What an untrusted run left, without its programs and without what only we may say."""
    return Measured(baseline=_plain(baseline) if baseline else None, candidate=_plain(candidate))


def recognise(situation: Situation, to: PullRequestFound, measured: Measured, known: Trusted) -> Recognised:
    """`measured` with the baseline that counts: the one measured beside the candidate where its programs are those of a baseline
    of ours, else our own stored numbers. Of ours are the commit and the settings in any case."""
    if known.bundle is None:
        return _unverified(measured, known)
    theirs = measured.baseline
    if theirs is not None and _beside(theirs, measured.candidate):
        if _same_programs(theirs, known.bundle):
            return _held_against(measured, theirs, known)
        other = _other_of_ours(situation, to, theirs)
        if other is not None:
            return _not_the_nearest(situation, measured, other, known)
    elif theirs is not None and _same_programs(theirs, known.bundle):
        return _stored(measured, known, ())  # nothing was measured beside it: the run compared with stored numbers too
    caveat = Caveat(code=CaveatCode.BASELINE_NOT_RECOGNISED, detail=(known.bundle.commit or "")[:7])
    return _stored(measured, known, (caveat,))


def complete(judged: Judged, known: Trusted) -> Judged:
    """`judged`, and not a pass where workloads of our baseline were not compared: nobody knows what became of them. Of an
    instrument that was not used it is told."""
    if known.bundle is None or any(caveat.code is CaveatCode.IDENTICAL_PROGRAMS for caveat in judged.verdict.caveats):
        return judged
    unused = tuple(_unused(judged, known.bundle))
    judged = replace(judged, verdict=replace(judged.verdict, caveats=(*unused, *judged.verdict.caveats)))
    verdict = judged.verdict
    left_out = _left_out(judged, known.bundle)
    if not left_out:
        return judged
    outcome = Outcome.INCONCLUSIVE if verdict.outcome in (Outcome.PASS, Outcome.NO_BASELINE) else verdict.outcome
    caveats = tuple(Caveat(code=CaveatCode.WORKLOAD_LEFT_OUT, detail=name) for name in left_out)
    return replace(judged, verdict=replace(verdict, outcome=outcome, caveats=(*caveats, *verdict.caveats)))


def changed_workloads(ours: Bundle, candidate: Bundle) -> tuple[Caveat, ...]:
    """Those that `candidate` was measured on and that are not what they were when `ours` was stored."""
    return tuple(
        Caveat(code=CaveatCode.WORKLOAD_CHANGED, detail=name)
        for name, digest in candidate.workload_digests.items()
        if ours.workload_digests.get(name, digest) != digest
    )


def _unused(judged: Judged, ours: Bundle) -> Iterator[Caveat]:
    """Instruments that our baseline has numbers of, and the verdict has not; where one could not be used that is told already."""
    recording = ours.recording
    known = {
        Instrument.TIME: recording.samples,
        Instrument.INSTRUCTIONS: recording.instructions,
        Instrument.MEMORY: recording.memory,
    }
    told = {caveat.code for caveat in judged.verdict.caveats}
    for instrument, numbers in known.items():
        if numbers and instrument not in judged.verdict.instruments and not told & _UNUSABLE[instrument]:
            yield Caveat(code=CaveatCode.INSTRUMENT_LEFT_OUT, detail=f"{instrument} is missing")


def _left_out(judged: Judged, ours: Bundle) -> list[str]:
    """Workloads that our baseline has numbers of, and the verdict has not: also one that was changed so that the baseline's
    program does not run it, or else changing it would switch off the gate."""
    compared = {each.name for each in judged.verdict.workloads if each.state is WorkloadState.COMPARED}
    return [name for name in _numbered(ours.recording) if name not in compared]


def _numbered(recording: Recording) -> Iterable[str]:
    sampled = [each.name for each in recording.samples.workloads] if recording.samples else []
    return dict.fromkeys([*sampled, *(each.name for each in recording.instructions), *(each.name for each in recording.memory)])


def _unverified(measured: Measured, known: Trusted) -> Recognised:
    theirs = measured.baseline
    if theirs is None:
        return Recognised(measured=measured, absent=known.absent)
    if not _COMMIT.fullmatch(theirs.commit or ""):
        theirs = replace(theirs, commit=None)
    why = (known.absent or "no baseline was ever stored.").partition(". ")[0].rstrip(".")
    caveat = Caveat(code=CaveatCode.BASELINE_UNVERIFIED, detail=why[0].lower() + why[1:])
    return Recognised(measured=replace(measured, baseline=theirs, caveats=(caveat,)))


def _held_against(measured: Measured, theirs: Bundle, ours: Trusted, caveats: tuple[Caveat, ...] = ()) -> Recognised:
    """The numbers of the run, under the name and the settings of `ours`."""
    assert ours.bundle is not None
    baseline = replace(theirs, commit=ours.bundle.commit, ref=ours.bundle.ref, policy=ours.bundle.policy)
    return Recognised(
        measured=replace(
            measured, baseline=baseline, caveats=(*caveats, *_newer(ours), *changed_workloads(ours.bundle, measured.candidate))
        ),
        behind=ours.behind,
        artifact_id=ours.artifact_id,
    )


def _stored(measured: Measured, ours: Trusted, caveats: tuple[Caveat, ...]) -> Recognised:
    """Our stored numbers instead of the run's. Whatever session the run claims, they were not measured in it."""
    assert ours.bundle is not None
    return Recognised(
        measured=replace(measured, baseline=replace(ours.bundle, session=""), caveats=(*caveats, *_newer(ours))),
        behind=ours.behind,
        artifact_id=ours.artifact_id,
    )


def _not_the_nearest(situation: Situation, measured: Measured, other: Found[Bundle], nearest: Trusted) -> Recognised:
    """A baseline of ours that is not the nearest: ordinary where that was stored after the run had chosen."""
    assert nearest.bundle is not None and measured.baseline is not None
    ours = Trusted(
        merge_base=nearest.merge_base,
        bundle=replace(other.read, commit=other.commit),
        behind=_behind(situation, nearest.merge_base, other.commit),
        artifact_id=other.artifact_id,
    )
    detail = f"{other.commit[:7]}, where {(nearest.bundle.commit or '')[:7]} is nearer"
    caveat = Caveat(code=CaveatCode.BASELINE_NOT_NEAREST, detail=detail)
    return _held_against(measured, measured.baseline, ours, (caveat,))


def _other_of_ours(situation: Situation, to: PullRequestFound, theirs: Bundle) -> Found[Bundle] | None:
    """The baseline that this repository stored for the commit that `theirs` claims, if its programs are the same."""
    if not theirs.commit or not _COMMIT.fullmatch(theirs.commit):
        return None
    found = _find(situation, to.base_ref, theirs.commit)
    if isinstance(found, Missing) or found.commit != theirs.commit or not _same_programs(theirs, found.read):
        return None
    return found


def _find(situation: Situation, base_ref: str, near: str | None) -> Found[Bundle] | Missing:
    name = artifact_names.baseline(situation.key)
    repository_id = situation.context.repository_id
    if repository_id is None:  # act does not tell
        repository_id, _ = api.known_of(situation.repository)
    wanted = Wanted(
        name=name,
        base_branch=base_ref,
        merge_base=near,
        repository_id=repository_id,
        max_bytes=bundle.MAX_BUNDLE_BYTES,
    )
    return baselines.find(situation.repository, wanted, partial(_decode, source=name), situation.log.mask)


def _decode(data: bytes, *, source: str) -> Bundle:
    return _unpacked(bundle.decode(data, source=source))


def _behind(situation: Situation, merge_base: str | None, commit: str) -> int | None:
    """How many commits of the base branch lie between; ``None``: it is no older one."""
    if merge_base is None:
        return None
    way = history.first_parents(situation.repository, merge_base)
    return next((behind for behind, each in enumerate(way) if each == commit), None)


def _newer(ours: Trusted) -> tuple[Caveat, ...]:
    assert ours.bundle is not None
    return (Caveat(code=CaveatCode.BASELINE_NEWER, detail=ours.bundle.commit or ""),) if ours.age is Age.NEWER else ()


def _beside(theirs: Bundle, candidate: Bundle) -> bool:
    """Whether both were measured in one session, so that their numbers may be compared one by one."""
    return bool(candidate.session) and theirs.session == candidate.session


def _same_programs(one: Bundle, other: Bundle) -> bool:
    """By name and digest; without any program nothing is the same."""
    programs = [[(binary.name, binary.sha256) for binary in each.binaries] for each in (one, other)]
    return bool(programs[0]) and programs[0] == programs[1]


def _plain(theirs: Bundle) -> Bundle:
    recording = theirs.recording
    kept = tuple(caveat for caveat in recording.caveats if caveat.code not in _SAID_HERE)
    return replace(_unpacked(theirs), recording=replace(recording, caveats=kept))


def _unpacked(whole: Bundle) -> Bundle:
    """Without the programs themselves, whose digests are enough here and which are most of its size."""
    return replace(whole, binaries=tuple(replace(binary, packed=None) for binary in whole.binaries))
