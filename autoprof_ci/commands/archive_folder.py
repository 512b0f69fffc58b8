"""EDGE: the folder of an archive: what lies in it, one run put into it, one taken out.

Knows files, and that several runs may be saved at once. Knows nothing of how the profiles came about.
"""

from __future__ import annotations

import fcntl
import gzip
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from autoprof_ci.archive import facts as run_facts
from autoprof_ci.archive import foreign_svg, names, notes, stacks
from autoprof_ci.archive.facts import Facts
from autoprof_ci.archive.names import Entry, Kind
from autoprof_ci.archive.stacks import Stacks
from autoprof_ci.commands import files
from autoprof_ci.errors import DataError, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One archive; the folder need not exist yet."""

    folder: Path

    def entries(self) -> tuple[Entry, ...]:
        """All runs, oldest first."""
        try:
            found = [file.name for file in self.folder.iterdir() if file.is_file()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise UsageError(f"{self.folder} cannot be read: {error.strerror}", "Name the archive with --archive DIR") from None
        return names.entries(found)

    def facts(self, entry: Entry) -> Facts | None:
        """``None`` for a run of another tool. Raises `DataError`."""
        name = entry.files.get(Kind.RUN)
        if name is None:
            return None
        data = files.read(self.folder / name, "the description of the run", run_facts.MAX_BYTES)
        return run_facts.decode(data, source=name) if data else None

    def stacks(self, entry: Entry) -> Stacks | None:
        """From our own file, or out of another tool's flamegraph; ``None`` where no time was recorded. Raises `DataError`."""
        name = entry.files.get(Kind.STACKS)
        if name is not None:
            return stacks.read(self.folded(name), source=name)
        name = entry.files.get(Kind.FLAMEGRAPH)
        if name is None:
            return None
        return foreign_svg.read(files.read(self.folder / name, "the flamegraph", foreign_svg.MAX_BYTES), source=name)

    def folded(self, name: str) -> str:
        """The text of a file of stacks."""
        packed = files.read(self.folder / name, "the file of stacks", stacks.MAX_UNPACKED_BYTES)
        unpacker = zlib.decompressobj(wbits=31)
        try:
            text = unpacker.decompress(packed, stacks.MAX_UNPACKED_BYTES)
            if not unpacker.eof:
                raise DataError(f"{name} is cut off, or too large", "Remove it, or restore it from a copy")
            return text.decode()
        except (zlib.error, UnicodeDecodeError):
            raise DataError(f"{name} is damaged", "Remove it, or restore it from a copy") from None

    def prepare(self) -> None:
        """Make the folder, and let git ignore it unless somebody has decided about that."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder / names.IGNORE_FILE
        try:
            with ignore.open("x", encoding="ascii") as file:
                file.write(names.IGNORE_EVERYTHING)
        except FileExistsError:
            pass

    def add(self, when: datetime, content: Mapping[Kind, bytes], ending: str | None = None) -> Entry:
        """Save a run under a name that no other has. The description comes last: a run that has one is whole.

        Raises `AutoprofError` and `OSError`; what was written is gone then.
        """
        identity = self._claimed(when)
        placed: dict[Kind, str] = {}
        try:
            for kind, data in content.items():
                placed[kind] = names.file_name(kind, identity, ending if kind is Kind.HEAPTRACK else None)
                files.write(self.folder / placed[kind], data)
        except BaseException:
            for name in (*placed.values(), names.file_name(Kind.RUN, identity)):
                (self.folder / name).unlink(missing_ok=True)
            raise
        return Entry(identity=identity, when=when, files=placed)

    def _claimed(self, when: datetime) -> str:
        """The first free name; from here on it is ours, by the empty description that is made."""
        taken = {entry.identity for entry in self.entries()}
        for identity in names.identities(when):
            if identity in taken:
                continue
            try:
                (self.folder / names.file_name(Kind.RUN, identity)).open("x").close()
            except FileExistsError:
                continue
            return identity
        raise AssertionError("there is always one more number")

    def note(self, when: datetime, text: str) -> Path:
        """Add `text` to the notes of the day, in one piece, below all that is there."""
        path = self.folder / names.notes_name(when)
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o666)
        with os.fdopen(descriptor, "r+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            before = notes.heading(when) if end == 0 else ""
            if end:
                file.seek(end - 1)
                before = "" if file.read(1) == b"\n" else "\n"
            file.write((before + text).encode("utf-8", "backslashreplace"))
        return path

    def remove(self, entry: Entry) -> None:
        """All files of the run. Notes stay: they hold somebody's words."""
        for name in entry.files.values():
            (self.folder / name).unlink(missing_ok=True)


def packed(folded: str) -> bytes:
    return gzip.compress(folded.encode("utf-8", "backslashreplace"), mtime=0)
