"""The story on one screen: what happens between a program file and a verdict.

Knows the order of the stages and what each hands to the next. Touches nothing itself: whatever reaches the outside (measuring,
the clock, random numbers) is an argument. Knows no command line, no file layout, no wording.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TypeVar

from autoprof_ci import __version__, config, second_look
from autoprof_ci.analysis import Codes, DecideContext, align, compare, decide, doubts, with_proposed
from autoprof_ci.errors import AutoprofError, InterruptedByUserError, UsageError
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Program, Progress
from autoprof_ci.model import (
    BINARY_DSO,
    Bundle,
    Caveat,
    CaveatCode,
    Diff,
    Function,
    FunctionCode,
    InlinedCode,
    Machine,
    Policy,
    Recording,
    StoredBinary,
    Verdict,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The outside, as the story needs it. The real one is built in ``cli``; tests pass plain functions."""

    measure: Callable[[Plan, Callable[[Progress], None]], Mapping[str, Recording]]
    workload_digests: Callable[[Plan], Mapping[str, str]]
    machine: Callable[[], Machine]
    progress: Callable[[Progress], None]
    now: Callable[[], datetime]
    new_session: Callable[[], str]
    locate: Callable[[str], str | None]
    """From a file as debug information names it to its path from the repository's root; ``None`` where it is not in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One program with what is known of where it comes from. `stored`: the bundle it came out of; `caveats`: of its files."""

    program: Program | None
    binaries: tuple[StoredBinary, ...] = ()
    commit: str | None = None
    ref: str | None = None
    stored: Bundle | None = None
    caveats: tuple[Caveat, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What there is to compare, before anybody has an opinion. `caveats`: of the comparison as a whole."""

    baseline: Bundle | None
    candidate: Bundle
    caveats: tuple[Caveat, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Everything a report is made of."""

    verdict: Verdict
    baseline: Bundle | None
    candidate: Bundle


def record(plan: Plan, side: Side, policy: Policy, edges: Edges) -> Bundle:
    """Measure one program."""
    return measure(plan, (None, side), policy, edges).candidate


def measure(plan: Plan, sides: tuple[Side | None, Side], policy: Policy, edges: Edges) -> Measured:
    """Measure baseline and candidate in turns; `plan` holds the programs that can be measured now.

    Where the baseline's program cannot be started, its stored numbers take its place, as far as they are comparable.
    """
    baseline_side, candidate_side = sides
    begun = edges.now()
    recordings = edges.measure(plan, edges.progress)
    circumstances = _Circumstances.of(plan, edges)
    candidate = _bundle(recordings[CANDIDATE], candidate_side, policy, circumstances)
    if baseline_side is None:
        return Measured(baseline=None, candidate=candidate)
    stored = baseline_side.stored
    if BASELINE not in recordings:
        return Measured(baseline=stored, candidate=candidate)
    baseline = _bundle(recordings[BASELINE], baseline_side, stored.policy if stored else None, circumstances)
    measured = Measured(baseline=baseline, candidate=candidate, caveats=_changed_workloads(stored, candidate))
    return _looked_again(measured, plan, policy, edges, begun)


def _looked_again(measured: Measured, plan: Plan, policy: Policy, edges: Edges, begun: datetime) -> Measured:
    """With more runs where the first ones leave it open whether changed code got slower. What they measured is never lost."""
    baseline, candidate = measured.baseline, measured.candidate
    if baseline is None or any(caveat.code is CaveatCode.INTERRUPTED for caveat in candidate.recording.caveats):
        return measured
    codes = Codes(baseline=_code(baseline), candidate=_code(candidate), own_files=_own_files(baseline, candidate))
    verdict = judge(measured, policy, edges.now()).verdict
    found = doubts(verdict, codes, second_look.runs_of(candidate.recording), plan.settings.more_runs)
    if not found:
        return measured
    first = {BASELINE: baseline.recording, CANDIDATE: candidate.recording}
    left_s = plan.settings.time_limit_s - (edges.now() - begun).total_seconds()
    look = second_look.look(found, first, left_s)
    second, why = _measured_again(second_look.plan_of(plan, look.runs, candidate.recording, left_s), edges)
    both, grown = second_look.joined(first, second)
    halted = (Caveat(code=CaveatCode.INTERRUPTED),) if why is None else ()
    # in the candidate's own, so that whoever judges its bundle again is told too
    told = (*both[CANDIDATE].caveats, *halted, *look.caveats(grown, why or "it was interrupted"))
    return replace(
        measured,
        baseline=replace(baseline, recording=both[BASELINE]),
        candidate=replace(candidate, recording=replace(both[CANDIDATE], caveats=told)),
    )


def _measured_again(plan: Plan, edges: Edges) -> tuple[Mapping[str, Recording], str | None]:
    """What it gives, and where that is nothing, why; ``None`` where the user interrupted it."""
    if not all(workload.runs for workload in plan.workloads):
        return {}, second_look.NO_TIME
    try:
        return edges.measure(plan, edges.progress), second_look.NO_TIME
    except InterruptedByUserError:
        return {}, None
    except AutoprofError as error:
        return {}, error.what


def unmeasured(plan: Plan, sides: tuple[Side, Side], policy: Policy, edges: Edges) -> Measured:
    """Both programs do the same: there is nothing to measure."""
    circumstances = _Circumstances.of(plan, edges)
    baseline, candidate = (_bundle(Recording(), side, policy, circumstances) for side in sides)
    return Measured(baseline=baseline, candidate=candidate)


def judge(measured: Measured, policy: Policy, now: datetime, diff: Diff | None = None) -> Judged:
    """From two bundles to a verdict; nothing is measured. Without a baseline nothing is judged. `diff`: between the two."""
    return _judged(measured, policy, _loosened(measured.baseline, policy), now, diff)


def judge_again(measured: Measured, policy: Policy, now: datetime, diff: Diff | None = None) -> Judged:
    """The same under `policy`, the base branch's own, of what a job measured that nobody trusts.

    Of the candidate's policy only the accepts count that it proposes, as such; what it loosens is told. Raises nothing:
    whatever the bundles hold has been checked when they were read.
    """
    proposed = measured.candidate.policy
    effective, for_review = with_proposed(policy, proposed)
    loosened = _loosened(measured.baseline, proposed) if proposed else ()
    candidate = replace(measured.candidate, policy=effective)
    return _judged(replace(measured, candidate=candidate, caveats=measured.caveats + for_review), effective, loosened, now, diff)


def _loosened(baseline: Bundle | None, policy: Policy) -> tuple[Caveat, ...]:
    if baseline is None or baseline.policy is None:
        return ()
    return tuple(Caveat(code=CaveatCode.THRESHOLDS_LOOSENED, detail=told) for told in config.loosened(baseline.policy, policy))


def _judged(measured: Measured, policy: Policy, loosened: tuple[Caveat, ...], now: datetime, diff: Diff | None) -> Judged:
    baseline, candidate = measured.baseline, measured.candidate
    known = baseline.policy if baseline else None
    aligned = align(baseline, candidate) if baseline else None
    held_against = aligned.baseline if aligned else None
    context = DecideContext(
        today=now.date(),
        baseline_accepts=known.accepts if known else (),
        baseline_commit=baseline.commit if baseline else None,
        candidate_commit=candidate.commit,
        session=candidate.session,
        tool_version=__version__,
        diff=diff,
        caveats=(*measured.caveats, *_unmeasured(measured), *loosened),
        baseline_code=_code(held_against),
        candidate_code=_code(candidate),
        was=aligned.was if aligned else {},
        own_files=_own_files(baseline, candidate),
    )
    comparison = compare(held_against, candidate, policy)
    return Judged(verdict=decide(comparison, policy, context), baseline=baseline, candidate=candidate)


def _code(side: Bundle | None) -> Mapping[Function, FunctionCode]:
    return {code.function: code for code in side.recording.code} if side else {}


def _own_files(baseline: Bundle | None, candidate: Bundle) -> frozenset[str] | None:
    """What the programs brought along to a session that both were measured in; ``None`` where it was not one."""
    if baseline is None or not candidate.session or baseline.session != candidate.session or not candidate.binaries:
        return None
    brought = {binary.name for side in (baseline, candidate) for binary in side.binaries}
    return frozenset({BINARY_DSO, *brought})


def _unmeasured(measured: Measured) -> tuple[Caveat, ...]:
    """Bundles in which nothing was measured, in one session, are those of `unmeasured`: wherever they are judged."""
    baseline, candidate = measured.baseline, measured.candidate
    if baseline is None or not candidate.session or baseline.session != candidate.session:
        return ()
    for side in (baseline.recording, candidate.recording):
        hindered = any(caveat.code is not CaveatCode.BINARY_STRIPPED for caveat in side.caveats)
        if side.samples or side.instructions or side.memory or side.failed_workloads or hindered:
            return ()
    return (Caveat(code=CaveatCode.IDENTICAL_PROGRAMS, detail=baseline.commit or ""),)


def join(parts: tuple[Bundle, ...]) -> Bundle:
    """One bundle out of those of parallel jobs that measured different workloads of the same program.

    Raises `UsageError` where their time was sampled in different ways: such numbers are never mixed.
    """
    first = parts[0]
    recordings = [part.recording for part in parts]
    sampled = [recording.samples for recording in recordings if recording.samples]
    events = sorted({samples.event for samples in sampled})
    if len({(samples.event, samples.period_s) for samples in sampled}) > 1:
        raise UsageError(
            f"The parts sampled time in different ways ({', '.join(events)})", "Run the parallel jobs on machines of one kind"
        )
    joined = Recording(
        samples=replace(sampled[0], workloads=tuple(w for s in sampled for w in s.workloads)) if sampled else None,
        instructions=tuple(w for recording in recordings for w in recording.instructions),
        memory=tuple(w for recording in recordings for w in recording.memory),
        code=tuple({entry.function: entry for recording in recordings for entry in recording.code}.values()),
        stacks={name: text for recording in recordings for name, text in recording.stacks.items()},
        failed_workloads={name: why for recording in recordings for name, why in recording.failed_workloads.items()},
        caveats=tuple(dict.fromkeys(caveat for recording in recordings for caveat in recording.caveats)),
    )
    digests = {name: digest for part in parts for name, digest in part.workload_digests.items()}
    return replace(first, recording=joined, workload_digests=digests)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Circumstances:
    """What is the same for all programs of one session."""

    session: str
    created_at: str
    machine: Machine
    workload_digests: Mapping[str, str]
    locate: Callable[[str], str | None]

    @classmethod
    def of(cls, plan: Plan, edges: Edges) -> _Circumstances:
        return cls(
            session=edges.new_session(),
            created_at=edges.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            machine=edges.machine(),
            workload_digests=edges.workload_digests(plan),
            locate=edges.locate,
        )


def _located(code: FunctionCode, locate: Callable[[str], str | None]) -> FunctionCode:
    """With the files of the repository as the repository calls them."""
    inlined = tuple(_placed(each, locate) for each in code.inlined_from)
    return replace(_placed(code, locate), inlined_from=inlined)


_Code = TypeVar("_Code", FunctionCode, InlinedCode)


def _placed(code: _Code, locate: Callable[[str], str | None]) -> _Code:
    """A name that is no absolute one says nothing where the repository does not have it, and would be taken for one of its."""
    found = locate(code.file) if code.file is not None else None
    if found is not None:
        return replace(code, file=found)
    return code if code.file is None or code.file.startswith("/") else replace(code, file=None, line=None, end_line=None)


def _bundle(recording: Recording, side: Side, policy: Policy | None, circumstances: _Circumstances) -> Bundle:
    return Bundle(
        session=circumstances.session,
        tool_version=__version__,
        created_at=circumstances.created_at,
        commit=side.commit,
        ref=side.ref,
        machine=circumstances.machine,
        policy=policy,
        workload_digests=circumstances.workload_digests,
        recording=replace(
            recording,
            code=tuple(_located(each, circumstances.locate) for each in recording.code),
            caveats=(*side.caveats, *recording.caveats),
        ),
        binaries=side.binaries,
    )


def _changed_workloads(stored: Bundle | None, candidate: Bundle) -> tuple[Caveat, ...]:
    """Workloads that this pull request defines otherwise than its baseline did: both programs ran the new ones."""
    if stored is None:
        return ()
    return tuple(
        Caveat(code=CaveatCode.WORKLOAD_CHANGED, detail=name)
        for name, digest in candidate.workload_digests.items()
        if stored.workload_digests.get(name, digest) != digest
    )
