"""The commands that measure: gate and record, and what every measuring command needs."""

from __future__ import annotations

import argparse
import secrets
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from autoprof_ci import bundle, pipeline
from autoprof_ci.commands import agents, apart, bundles, changes, configuration, console, files, output, programs, repository
from autoprof_ci.commands.apart import Apart
from autoprof_ci.commands.configuration import Loaded
from autoprof_ci.commands.locating import locator
from autoprof_ci.errors import InterruptedByUserError
from autoprof_ci.measure import session
from autoprof_ci.measure.plan import BASELINE, CANDIDATE, Plan, Progress
from autoprof_ci.measure.same_program import same_program
from autoprof_ci.model import Bundle, CaveatCode, Workload
from autoprof_ci.pipeline import Edges, Measured, Side
from autoprof_ci.report import caveat_lines
from autoprof_ci.workloads import ensure_data


def gate(options: argparse.Namespace) -> int:
    """Measure both programs in turns, compare, decide, write the report."""
    wanted = asked(options)
    loaded = load(wanted)
    place = apart.on_a_laptop(loaded.config.measure)
    candidate = candidate_of(wanted, loaded, place)
    out = Path(options.out)
    files.check_writable(out)
    changed = changes.named(options.diff)
    with tempfile.TemporaryDirectory(prefix="autoprof-ci-") as folder, console.progress() as show:
        baseline = _baseline(options, loaded, place, Path(folder))
        if baseline and options.diff is None:
            # before the measuring: it is this state of the files that was built
            changed = changes.of_checkout(Path.cwd(), baseline.commit)
        edges = real_edges(show, place, locator_of(loaded))
        plan = plan_of(loaded, (baseline, candidate), place)
        if baseline and not options.force and same_programs(baseline, candidate):
            measured = pipeline.unmeasured(plan, (baseline, candidate), loaded.config.policy, edges)
        else:
            measured = pipeline.measure(plan, (baseline, candidate), loaded.config.policy, edges)
    measured = replace(measured, caveats=(*measured.caveats, *changed.caveats))
    output.bundles(out, measured)
    stop_if_interrupted(measured, out)
    judged = pipeline.judge(measured, loaded.config.policy, datetime.now(UTC), changed.diff)
    output.finish(options, judged, output.Circumstances(config_name=loaded.name, reproduce=_reproduce(options)))
    return output.exit_code(judged.verdict, loaded.config.policy.fail_on)


def record(options: argparse.Namespace) -> int:
    """Measure one program into a bundle."""
    wanted = asked(options)
    loaded = load(wanted)
    place = apart.on_a_laptop(loaded.config.measure)
    candidate = candidate_of(wanted, loaded, place)
    path = Path(options.bundle) if options.bundle else Path(options.out) / "candidate.bundle.zip"
    files.check_writable(path.parent)
    with console.progress() as show:
        plan = plan_of(loaded, (None, candidate), place)
        measured = pipeline.record(plan, candidate, loaded.config.policy, real_edges(show, place, locator_of(loaded)))
    files.write(path, bundle.encode(measured))
    if was_interrupted(measured):
        raise InterruptedByUserError(f"Interrupted; finished runs are kept in {path}", "It can serve as a baseline as it is")
    for line in caveat_lines(measured):
        console.say(f"autoprof-ci: {line}")
    count = len(loaded.config.workloads)
    print(f"recorded {count} workload{'s' if count > 1 else ''} of {candidate.binaries[0].name} in {path}")  # noqa: T201
    return 0


def real_edges(show: Callable[[Progress], None], place: Apart, locate: Callable[[str], str | None]) -> Edges:
    """The outside as it is."""
    return Edges(
        measure=place.measure,
        workload_digests=session.workload_digests,
        machine=place.machine,
        progress=show,
        now=lambda: datetime.now(UTC),
        new_session=lambda: secrets.token_hex(16),
        locate=locate,
    )


def locator_of(loaded: Loaded, otherwise: Path | None = None) -> Callable[[str], str | None]:
    """Finds files of the repository that we stand in, whose commit and changes are told, else of the one that the configuration
    lies in; where git knows neither, below `otherwise` or the configuration's folder."""
    root = repository.root(Path.cwd()) or repository.root(loaded.folder)
    return locator(root or otherwise or loaded.folder, loaded.folder)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody wants to be measured, in the words of the command line. `runs`: a side."""

    config: str | None
    binary: str | None
    arguments: Sequence[str] | None = None
    workloads: Sequence[str] = ()
    instruments: Sequence[str] = ()
    runs: int | None = None


def asked(options: argparse.Namespace) -> Asked:
    return Asked(
        config=options.config,
        binary=options.binary,
        arguments=options.arguments,
        workloads=options.workload,
        instruments=options.instrument,
        runs=options.runs,
    )


def load(wanted: Asked) -> Loaded:
    """The configuration narrowed to what is asked for."""
    loaded = configuration.for_measuring(wanted.config, wanted.binary, wanted.arguments)
    narrowed = configuration.narrow(loaded.config, wanted.workloads, wanted.instruments, wanted.runs)
    return replace(loaded, config=narrowed)


def candidate_of(wanted: Asked, loaded: Loaded, place: Apart) -> Side:
    """The program that is asked for, checked and packed."""
    binary = programs.candidate_path(wanted.binary, loaded.config, loaded.folder)
    named = programs.Named(binary=binary, folder=loaded.folder, extra_binaries=loaded.config.extra_binaries)
    return programs.side(CANDIDATE, named, place.check)


def _baseline(options: argparse.Namespace, loaded: Loaded, place: Apart, folder: Path) -> Side | None:
    """What the candidate is held against: a program from a file, or a bundle with the program inside."""
    stored = bundles.read(Path(options.baseline), "the baseline bundle") if options.baseline else None
    if options.baseline_binary:
        # Extra binaries of the baseline are looked for beside its program, where a build leaves them.
        binary = Path(options.baseline_binary)
        extras = tuple(str(binary.parent.resolve() / Path(name).name) for name in loaded.config.extra_binaries)
        named = programs.Named(binary=binary, folder=Path("/"), extra_binaries=extras)
        side = programs.side(BASELINE, named, place.check)
        commit, ref = (stored.commit, stored.ref) if stored else (None, None)
        return replace(side, commit=commit, ref=ref, stored=stored)
    return programs.from_bundle(BASELINE, stored, folder, place.check) if stored else None


def plan_of(loaded: Loaded, sides: tuple[Side | None, Side], place: Apart) -> Plan:
    """What to measure, of the sides that can be started."""
    uses_data = any("{data}" in word for workload in loaded.config.workloads for word in _words(workload))
    programs = [side.program for side in sides if side and side.program]
    plan = Plan(
        programs=tuple(programs),
        workloads=loaded.config.workloads,
        settings=loaded.config.measure,
        data=ensure_data(place.data_cache()).path if uses_data else None,
        config_folder=loaded.inputs_folder,
    )
    return agents.with_player(plan, place.data_cache)


def _words(workload: Workload) -> Iterator[str]:
    yield workload.agent or ""
    yield from workload.command
    yield from workload.instructions_command or ()
    yield from (workload.daemon.driver if workload.daemon else None) or ()
    for command in workload.setup:
        yield from command
    yield from workload.env.values()


def same_programs(baseline: Side, candidate: Side) -> bool:
    """Whether all program files do the same, apart from what nobody executes."""
    if len(baseline.binaries) != len(candidate.binaries):
        return False
    pairs = zip(baseline.binaries, candidate.binaries, strict=True)
    return all(
        old.sha256 == new.sha256 or same_program(bundle.unpack_binary(old), bundle.unpack_binary(new))
        if old.packed and new.packed
        else old.sha256 == new.sha256
        for old, new in pairs
    )


def stop_if_interrupted(measured: Measured, out: Path) -> None:
    """Ends the command when its measuring was interrupted; what was measured has been kept in `out`."""
    if not was_interrupted(measured.candidate):
        return
    sides = [f"--{name} {out / name}.bundle.zip" for name in (BASELINE, CANDIDATE)]
    judge = f"Judge them with: autoprof-ci compare {' '.join(sides)}" if measured.baseline else "It can serve as a baseline"
    raise InterruptedByUserError(f"Interrupted; finished runs are kept in {out}", judge)


def was_interrupted(candidate: Bundle) -> bool:
    return any(caveat.code is CaveatCode.INTERRUPTED for caveat in candidate.recording.caveats)


def _reproduce(options: argparse.Namespace) -> str:
    """The command line of this gate, to be typed again; programs that came from elsewhere are left to the reader's build."""
    words = ["autoprof-ci", options.command]
    for option in ("binary", "config", "baseline", "baseline_binary", "runs", "diff"):
        value = getattr(options, option, None)
        if value is not None:
            words += [f"--{option.replace('_', '-')}", str(value)]
    for option in ("workload", "instrument"):
        for value in getattr(options, option):
            words += [f"--{option}", value]
    if options.arguments is not None:
        words += ["--", *options.arguments]
    return shlex.join(words)
