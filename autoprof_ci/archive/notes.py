"""The section that a run adds to the notes of its day, as Markdown for a person to write on.

Knows what is worth a line, and the words. What stands in the file already it never sees: sections are only ever added, so that
nobody's words are lost.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from autoprof_ci.archive.facts import Facts
from autoprof_ci.archive.names import Entry
from autoprof_ci.archive.names import Kind as FileKind
from autoprof_ci.archive.stacks import Cost
from autoprof_ci.report import format as fmt
from autoprof_ci.report.markdown import code_span, escape_text, inline
from autoprof_ci.report.phrase import clean
from autoprof_ci.report.reading import Item, Kind, Part

WIDEST = 10
FEW = 100
"""Of so many samples a share of 10 % is one between 4 and 16 % (two standard errors)."""
_LONGEST_COMMAND = 200
_LONGEST_PLACE = 200
"""Characters of a path in a picture; those of deep stacks fill a screen."""
_OWN_WORDS = "Findings (write here: sections are added below, nothing above is ever changed):"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """All that is said of one run. `groups`: name and self share. `parts`: what else stands out."""

    entry: Entry
    facts: Facts
    costs: tuple[Cost, ...]
    groups: tuple[tuple[str, float], ...]
    parts: tuple[Part, ...] = ()


def heading(day: datetime) -> str:
    """The beginning of a new file."""
    return f"# Profiles of {day:%Y-%m-%d}\n"


def section(run: Section) -> str:
    """What is added for `run`; begins and ends with an empty line."""
    facts = run.facts
    begun = datetime.fromisoformat(facts.started_at)
    lines = [f"## {begun:%H:%M:%S} {code_span(clean(command(facts)))}", ""]
    lines += [f"- {line}" for line in (_exact_command(facts), _source(facts), _effort(facts), _files(run.entry, facts)) if line]
    seen = [cost for cost in run.costs[:WIDEST] if cost.self_share > 0]
    if seen:
        lines += ["", "| widest by itself | self | with what it calls |", "|---|---:|---:|"]
        lines += [f"| {_name(cost.name)} | {fmt.percent(cost.self_share)} | {fmt.percent(cost.total_share)} |" for cost in seen]
    if run.groups:
        lines += ["", "| group | self |", "|---|---:|"]
        lines += [f"| {escape_text(clean(name))} | {fmt.percent(share)} |" for name, share in run.groups]
    for part in run.parts:
        if part.kind is not Kind.WIDE:  # the table says it
            lines += ["", f"{part.kind}:", ""]
            lines += [f"- {inline(item.phrase)}{_shown(item, run.entry)}" for item in part.items]
    return "\n".join(("", *lines, "", _OWN_WORDS, "", ""))


def command(facts: Facts, longest: int = _LONGEST_COMMAND) -> str:
    """The command as one would type it where its program is on PATH, cut where it is long."""
    typed = shlex.join((facts.program, *facts.command[1:]))
    return typed if len(typed) <= longest else typed[: longest - 1] + fmt.ELLIPSIS


def _exact_command(facts: Facts) -> str | None:
    """Where the heading does not say it."""
    whole = shlex.join(facts.command)
    return f"Command: {code_span(clean(whole))}" if whole != command(facts) else None


def effort(facts: Facts) -> str:
    """``12.3 s, 2.1 s of CPU (0.2 s in the kernel), 61 MB at most, exit code 0``."""
    parts = [
        _seconds(facts.wall_s),
        f"{_seconds(facts.cpu_s)} of CPU ({_seconds(facts.system_s)} in the kernel)",
    ]
    if facts.heap is not None:
        parts[1] += ", heaptrack's own work included"
    if facts.peak_bytes is not None:
        parts.append(f"{fmt.quantity(facts.peak_bytes, 'bytes')} of memory in its largest process")
    parts.append(f"exit code {facts.exit_code}" if facts.exit_code is not None else f"ended by signal {facts.signal}")
    return ", ".join(parts)


def _seconds(value: float) -> str:
    return fmt.quantity(value, "s") if value else "0 s"


def sampling(facts: Facts) -> str | None:
    """``1,046 samples of cpu-clock at 499 Hz``, and what is wrong with them."""
    how = facts.sampling
    if how is None:
        return None
    said = f"{fmt.plural(how.samples, 'sample')} of {how.event} at {how.frequency_hz} Hz"
    flaws: Sequence[tuple[bool, str]] = (
        (not how.kernel_seen, "without the kernel's share"),
        (how.is_cut_off, "cut off before the end, at the largest file"),
        (how.samples < FEW, "too few for more than a glance: run longer, or sample more often"),
        (how.lost > 0, f"{fmt.plural(how.lost, 'event')} lost"),
    )
    return ", ".join((said, *(words for is_so, words in flaws if is_so)))


def heap(facts: Facts) -> str | None:
    """``62,500 allocations, 5,888 of them temporary, 4.39 MB at the peak, 747 kB never given back``."""
    if facts.heap is None:
        return None
    return (
        f"{fmt.plural(facts.heap.allocations, 'allocation')}, {facts.heap.temporary:,} of them temporary,"
        f" {fmt.quantity(facts.heap.peak_bytes, 'bytes')} at the peak,"
        f" {fmt.quantity(facts.heap.leaked_bytes, 'bytes')} never given back"
    )


def source(facts: Facts) -> str | None:
    """``commit 1a2b3c4 on main, with changes that are not committed``."""
    if facts.commit is None:
        return None
    branch = f" on {clean(facts.branch)}" if facts.branch else ""
    changes = ", with changes that are not committed" if facts.is_dirty else ""
    return f"commit {clean(facts.commit)[:7]}{branch}{changes}"


def _source(facts: Facts) -> str | None:
    said = source(facts)
    return escape_text(said[:1].upper() + said[1:]) if said else None


def _effort(facts: Facts) -> str:
    return f"Took {effort(facts)}"


def _files(entry: Entry, facts: Facts) -> str:
    links = [f"[{name}]({name})" for kind, name in entry.files.items() if kind in (FileKind.FLAMEGRAPH, FileKind.HEAPTRACK)]
    said = sampling(facts) or heap(facts)
    if facts.not_recorded is not None:
        return escape_text(clean(facts.not_recorded))
    return ", ".join((*links, *((said,) if said else ())))


def _shown(item: Item, entry: Entry) -> str:
    picture = entry.files.get(FileKind.FLAMEGRAPH)
    place = item.place if item.place is not None and len(item.place) <= _LONGEST_PLACE else None
    return f" ([show]({picture}#{place}))" if picture is not None and place is not None else ""


def _name(name: str) -> str:
    """In a cell a bar ends the cell, in code too."""
    return code_span(clean(name) or "?").replace("|", "\\|")
