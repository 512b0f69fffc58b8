"""EDGE: from a recording that perf left to a run in the archive: flamegraph, stacks, description, notes.

Knows the order in which things are kept safe. Where the archive cannot be written to, the run goes to a folder that can.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci import __version__, config
from autoprof_ci.archive import facts as run_facts
from autoprof_ci.archive import notes, stacks
from autoprof_ci.archive.facts import Facts, Heap, Sampling
from autoprof_ci.archive.names import Entry, Kind
from autoprof_ci.commands.archive_folder import Place, packed
from autoprof_ci.commands.configuration import AUTOPILOT, DEFAULT_NAME
from autoprof_ci.commands.profile_recording import Seen, SeenHeap
from autoprof_ci.commands.profiling import Circumstances
from autoprof_ci.errors import AutoprofError, DataError
from autoprof_ci.measure import perf_record
from autoprof_ci.measure.perf_record import Refusal
from autoprof_ci.measure.perf_script import SCRIPT_FIELDS
from autoprof_ci.measure.perf_tree import read_tree
from autoprof_ci.measure.waiting_program import Ended
from autoprof_ci.model import Group
from autoprof_ci.report import flamegraph, reading
from autoprof_ci.report import format as fmt
from autoprof_ci.report.phrase import clean
from autoprof_ci.report.stack_tree import grow
from autoprof_ci.workloads import SHIPPED_CONFIG

_NAME_WIDTH = 60
_TITLE_WIDTH = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A recording that has been read: what it holds, or why there is none, as sentences."""

    sampling: Sampling | None = None
    folded: str = ""
    costs: tuple[stacks.Cost, ...] = ()
    heap: SeenHeap | None = None
    not_recorded: str | None = None


def save(folder: Path, circumstances: Circumstances, ended: Ended, seen: Seen) -> str:
    """Put the run into the archive; says in a sentence where it is. Raises `AutoprofError` and `OSError`."""
    read = _read(seen)
    facts = _facts(circumstances, ended, read)
    try:
        where, entry = _add(Place(folder=folder), circumstances, facts, read)
        instead = ""
    except (AutoprofError, OSError) as error:
        other = Path(tempfile.mkdtemp(prefix="autoprof-ci-profiles-"))
        where, entry = _add(Place(folder=other), circumstances, facts, read)
        instead = f"{_why(error)} Saved elsewhere instead: "
    return instead + _where(where, entry, facts, read)


def _why(error: AutoprofError | OSError) -> str:
    return str(error) if isinstance(error, AutoprofError) else f"The archive cannot be written to: {error.strerror or error}."


def _where(folder: Path, entry: Entry, facts: Facts, read: Read) -> str:
    if read.not_recorded is not None:
        return f"{read.not_recorded} What the run took is in {folder / entry.files[Kind.RUN]}."
    if read.heap is not None:
        return f"{folder / entry.files[Kind.HEAPTRACK]} ({notes.heap(facts)})"
    samples = facts.sampling.samples if facts.sampling else 0
    widest = read.costs[0]
    most = f"widest by itself: {fmt.shorten(clean(widest.name), _NAME_WIDTH)}, {fmt.percent(widest.self_share)}"
    cpu = fmt.quantity(facts.cpu_s, "s")
    return f"{folder / entry.files[Kind.FLAMEGRAPH]} ({fmt.plural(samples, 'sample')}, {cpu} of CPU; {most})"


def _read(seen: Seen) -> Read:
    if isinstance(seen, Refusal):
        return Read(not_recorded=f"No profile was recorded: {seen.reason}. {seen.next_step}")
    if isinstance(seen, SeenHeap):
        return Read(heap=seen)
    with suppress(DataError, OSError):  # what is cut off is read as far as it goes, and what is missing is told below
        perf_record.make_stacks_whole(seen.file)
    try:
        tree = perf_record.read(seen.perf, seen.file, SCRIPT_FIELDS, read_tree)
        kernel_seen = perf_record.sees_kernel(seen.perf, seen.file)
        costs = stacks.costs(stacks.read(tree.folded, source="the recording"))
    except AutoprofError as error:
        return Read(not_recorded=f"No profile was recorded: {error}")
    if not costs:
        return Read(not_recorded="No profile was recorded: the program computed less than a sample takes. Run something longer.")
    sampling = Sampling(
        event=seen.perf.event,
        frequency_hz=seen.perf.frequency_hz,
        samples=tree.samples,
        lost=tree.lost,
        kernel_seen=kernel_seen,
        is_cut_off=seen.is_cut_off,
    )
    return Read(sampling=sampling, folded=tree.folded, costs=costs)


def _add(place: Place, circumstances: Circumstances, facts: Facts, read: Read) -> tuple[Path, Entry]:
    place.prepare()
    content: dict[Kind, bytes] = {}
    if read.costs:
        title = f"{notes.command(facts, _TITLE_WIDTH)}: CPU share by stack"
        content[Kind.FLAMEGRAPH] = flamegraph.of_one(grow({}, {"": read.folded}), title).encode()
        content[Kind.STACKS] = packed(read.folded)
    if read.heap is not None:
        content[Kind.HEAPTRACK] = read.heap.file.read_bytes()
    content[Kind.RUN] = run_facts.encode(facts)
    entry = place.add(circumstances.when, content, read.heap.ending if read.heap is not None else None)
    known = _groups(facts.program) if read.costs else ()
    groups = stacks.of_groups(read.costs, known) if known else ()
    section = notes.section(
        notes.Section(entry=entry, facts=facts, costs=read.costs, groups=groups, parts=reading.of_one(read.folded))
    )
    try:
        place.note(circumstances.when, section)
    except OSError:
        place.remove(entry)  # it is saved whole elsewhere
        raise
    return place.folder, entry


def _facts(circumstances: Circumstances, ended: Ended, read: Read) -> Facts:
    counted = read.heap.heap if read.heap is not None else None
    heap = (
        Heap(
            allocations=counted.allocations,
            temporary=counted.temporary,
            peak_bytes=counted.peak_bytes,
            leaked_bytes=counted.leaked_bytes,
        )
        if counted is not None
        else None
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
        sampling=read.sampling,
        heap=heap,
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
