"""EDGE: from a recording that perf left to a run in the archive: flamegraph, stacks, description, notes.

Knows the order in which things are kept safe. Where the archive cannot be written to, the run goes to a folder that can.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci import __version__, config
from autoprof_ci.archive import facts as run_facts
from autoprof_ci.archive import notes, stacks
from autoprof_ci.archive.facts import Facts, Sampling
from autoprof_ci.archive.names import Entry, Kind
from autoprof_ci.commands.archive_folder import Place, packed
from autoprof_ci.commands.configuration import AUTOPILOT, DEFAULT_NAME
from autoprof_ci.commands.profiling import Circumstances, Seen
from autoprof_ci.errors import AutoprofError
from autoprof_ci.measure import perf_record
from autoprof_ci.measure.perf_script import SCRIPT_FIELDS
from autoprof_ci.measure.perf_tree import ProcessTree, read_tree
from autoprof_ci.measure.waiting_program import Ended
from autoprof_ci.model import Group
from autoprof_ci.report import flamegraph
from autoprof_ci.report import format as fmt
from autoprof_ci.report.phrase import clean
from autoprof_ci.report.stack_tree import grow
from autoprof_ci.workloads import SHIPPED_CONFIG

_NAME_WIDTH = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A recording that has been read: what it holds, or why there is none, as sentences."""

    tree: ProcessTree | None = None
    kernel_seen: bool = False
    not_recorded: str | None = None


def save(folder: Path, circumstances: Circumstances, ended: Ended, seen: Seen) -> str:
    """Put the run into the archive; says in a sentence where it is. Raises `AutoprofError` and `OSError`."""
    read = _read(seen)
    try:
        where, entry, costs = _add(Place(folder=folder), circumstances, ended, seen, read)
        instead = ""
    except (AutoprofError, OSError) as error:
        other = Path(tempfile.mkdtemp(prefix="autoprof-ci-profiles-"))
        where, entry, costs = _add(Place(folder=other), circumstances, ended, seen, read)
        instead = f"{_why(error)} Saved elsewhere instead: "
    if read.not_recorded is not None:
        return f"{instead}{read.not_recorded} What the run took is in {where / entry.files[Kind.RUN]}."
    cpu = fmt.quantity(ended.user_s + ended.system_s, "s")
    sampling = f"{fmt.plural(read.tree.samples if read.tree else 0, 'sample')}, {cpu} of CPU"
    widest = costs[0] if costs else None
    most = (
        f"; widest by itself: {fmt.shorten(clean(widest.name), _NAME_WIDTH)}, {fmt.percent(widest.self_share)}" if widest else ""
    )
    return f"{instead}{where / entry.files[Kind.FLAMEGRAPH]} ({sampling}{most})"


def _why(error: AutoprofError | OSError) -> str:
    return str(error) if isinstance(error, AutoprofError) else f"The archive cannot be written to: {error.strerror or error}."


def _read(seen: Seen) -> Read:
    if seen.refusal is not None:
        reason = seen.refusal.reason
        return Read(not_recorded=f"No profile was recorded: {reason}. {seen.refusal.next_step}")
    assert seen.perf is not None and seen.file is not None
    try:
        tree = perf_record.read(seen.perf, seen.file, SCRIPT_FIELDS, read_tree)
        kernel_seen = perf_record.sees_kernel(seen.perf, seen.file)
    except AutoprofError as error:
        return Read(not_recorded=f"No profile was recorded: {error}")
    if not tree.samples:
        return Read(not_recorded="No profile was recorded: the program computed less than a sample takes. Run something longer.")
    return Read(tree=tree, kernel_seen=kernel_seen)


def _add(
    place: Place, circumstances: Circumstances, ended: Ended, seen: Seen, read: Read
) -> tuple[Path, Entry, tuple[stacks.Cost, ...]]:
    place.prepare()
    facts = _facts(circumstances, ended, seen, read)
    content: dict[Kind, bytes | Path] = {}
    costs: tuple[stacks.Cost, ...] = ()
    if read.tree is not None:
        costs = stacks.costs(stacks.read(read.tree.folded, source="the recording"))
        title = f"{notes.command(facts)}: CPU share by stack"
        content[Kind.FLAMEGRAPH] = flamegraph.of_one(grow({}, {"": read.tree.folded}), title).encode()
        content[Kind.STACKS] = packed(read.tree.folded)
    content[Kind.RUN] = run_facts.encode(facts)
    entry = place.add(circumstances.when, content)
    known = _groups(facts.program) if costs else ()
    groups = stacks.of_groups(costs, known) if known else ()
    section = notes.section(notes.Section(entry=entry, facts=facts, costs=costs, groups=groups))
    try:
        place.note(circumstances.when, section)
    except OSError:
        place.remove(entry)  # it is saved whole elsewhere
        raise
    return place.folder, entry, costs


def _facts(circumstances: Circumstances, ended: Ended, seen: Seen, read: Read) -> Facts:
    sampling = None
    if read.tree is not None and seen.perf is not None:
        sampling = Sampling(
            event=seen.perf.event,
            frequency_hz=seen.perf.frequency_hz,
            samples=read.tree.samples,
            lost=read.tree.lost,
            kernel_seen=read.kernel_seen,
            is_cut_off=seen.is_cut_off,
        )
    return Facts(
        tool_version=__version__,
        started_at=circumstances.when.isoformat(timespec="seconds"),
        command=circumstances.command,
        wall_s=ended.wall_s,
        user_s=ended.user_s,
        system_s=ended.system_s,
        exit_code=ended.exit_code,
        signal=ended.signal,
        peak_bytes=ended.peak_bytes,
        commit=circumstances.commit,
        branch=circumstances.branch,
        is_dirty=circumstances.is_dirty,
        sampling=sampling,
        not_recorded=read.not_recorded,
    )


def _groups(program: str) -> tuple[Group, ...]:
    """Those of the TOML in this folder; without one, the shipped ones for autopilot."""
    path = Path(DEFAULT_NAME)
    try:
        if path.exists():
            return config.parse_settings(config.decode(path.read_bytes(), source=str(path)), source=str(path)).policy.groups
    except (AutoprofError, OSError):
        return ()  # a mistake in it is nothing that a run of the program should end with
    if program.removesuffix("d") == AUTOPILOT:
        return config.parse(SHIPPED_CONFIG, source="the shipped autopilot.toml").policy.groups
    return ()
