"""The names of files in an archive, and which of them belong to one run.

Knows the maintainers' habit, ``date +%Y%m%d-%H%M%S`` in local time, and that others (cargo flamegraph, heaptrack) put files of
such names into the same folder. Knows nothing of what is in them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import count


class Kind(StrEnum):
    """What a file of a run holds: the word before the moment in its name."""

    FLAMEGRAPH = "flamegraph"
    STACKS = "stacks"
    HEAPTRACK = "heaptrack"
    RUN = "run"


ENDINGS = {
    Kind.FLAMEGRAPH: (".svg",),
    Kind.STACKS: (".folded.gz",),
    Kind.HEAPTRACK: (".zst", ".gz"),
    Kind.RUN: (".json",),
}
IGNORE_FILE = ".gitignore"
IGNORE_EVERYTHING = "*\n"
_FORMAT = "%Y%m%d-%H%M%S"
_MOMENT = re.compile(r"(\d{8}-\d{6})(?:-\d{1,4})?")
_FILE = re.compile(r"(flamegraph|stacks|heaptrack|run)-([\w-][\w.-]{0,99}?)(\.svg|\.folded\.gz|\.zst|\.gz|\.json)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One run: `files` by kind. `when`: local time; ``None`` where the name holds no moment, as in ``flamegraph-before.svg``."""

    identity: str
    when: datetime | None
    files: Mapping[Kind, str] = field(hash=False)


def moment(when: datetime) -> str:
    """``20261129-081445``."""
    return when.strftime(_FORMAT)


def identities(when: datetime) -> Iterator[str]:
    """What a run that began at `when` may be called: the moment; ``-2``, ``-3`` behind it where others began in that second."""
    yield moment(when)
    for number in count(2):
        yield f"{moment(when)}-{number}"


def file_name(kind: Kind, identity: str, ending: str | None = None) -> str:
    return f"{kind}-{identity}{ending or ENDINGS[kind][0]}"


def notes_name(when: datetime) -> str:
    return f"notes-{when:%Y%m%d}.md"


def entries(files: Iterable[str]) -> tuple[Entry, ...]:
    """The runs that `files` belong to, oldest first; those without a moment before all others. Other files are no runs."""
    found: dict[str, dict[Kind, str]] = {}
    for name in sorted(files):
        parts = _FILE.fullmatch(name)
        if parts is None:
            continue
        kind = Kind(parts[1])
        if parts[3] in ENDINGS[kind]:
            found.setdefault(parts[2], {})[kind] = name
    # Stacks or a description alone are a run whose picture was taken away; a description that is empty is being written.
    runs = [Entry(identity=identity, when=_when(identity), files=kinds) for identity, kinds in found.items()]
    return tuple(sorted(runs, key=lambda run: (run.when or datetime.min, _number(run.identity), run.identity)))


def _when(identity: str) -> datetime | None:
    parts = _MOMENT.fullmatch(identity)
    if parts is None:
        return None
    try:
        return datetime.strptime(parts[1], _FORMAT)
    except ValueError:
        return None


def _number(identity: str) -> int:
    """``3`` of ``20261129-081445-3``, so that ten comes after nine."""
    parts = _MOMENT.fullmatch(identity)
    return int(identity[len(parts[1]) + 1 :] or 1) if parts else 1
