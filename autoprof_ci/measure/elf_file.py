"""What an ELF file asks of its dynamic loader, and the identity it carries. Reads one file, runs nothing of it.

Knows headers, sections and segments of ELF (System V ABI 4.1; symbol versions: LSB 5.0, chapter 10). Knows nothing of where
libraries are found, of programs as such, or of measuring. Files may be hostile: whatever is wrong in them is "cannot be read".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerDefSection, GNUVerNeedSection
from elftools.elf.sections import NoteSection
from elftools.elf.segments import InterpSegment

DAMAGED = (ELFError, ConstructError, OSError, ValueError, OverflowError, AttributeError, TypeError, IndexError, KeyError)
"""What the ELF reader raises at damaged files: its own errors, and whatever a wrong number leads to."""

_ARCHITECTURES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64", "EM_386": "i386", "EM_ARM": "arm", "EM_RISCV": "riscv64"}
_MOST_NAMES = 10_000
"""Of needed libraries and of versions: a damaged table could name more than there is memory."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Linking:
    """What a file asks of its loader.

    `needed`: sonames, in order. `run_path`, `inherited_run_path`: folders separated by colons, as written, ``$ORIGIN`` and all;
    the second kind (DT_RPATH) also counts for the libraries that its libraries need. `needed_versions`: soname -> versions that
    library must define; `defined_versions`: those this file defines.
    """

    architecture: str
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    run_path: str | None = None
    inherited_run_path: str | None = None
    needed_versions: Mapping[str, frozenset[str]]
    defined_versions: frozenset[str]


def read_linking(path: Path) -> Linking | None:
    """``None`` for what is no ELF file, a damaged one, or cannot be read."""
    try:
        if not path.is_file():  # a pipe would not open before somebody writes
            return None
        with path.open("rb") as file:
            return linking(ELFFile(file))
    except DAMAGED:
        return None


def linking(elf: ELFFile) -> Linking:
    """Raises `DAMAGED`."""
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    run_path: str | None = None
    inherited: str | None = None
    for segment in elf.iter_segments():
        if isinstance(segment, InterpSegment):
            interpreter = segment.get_interp_name()
        elif isinstance(segment, DynamicSegment):
            needed = tuple(str(getattr(tag, "needed", "")) for tag in _first(segment.iter_tags("DT_NEEDED")))
            run_path = _text(segment, "DT_RUNPATH", "runpath")
            # Where there is a DT_RUNPATH, the older DT_RPATH is ignored (ld.so(8)).
            inherited = None if run_path else _text(segment, "DT_RPATH", "rpath")
    asked: dict[str, frozenset[str]] = {}
    defined: set[str] = set()
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for need, versions in _first(section.iter_versions()):
                asked[str(need.name)] = frozenset(version.name for version in _first(versions))
        elif isinstance(section, GNUVerDefSection):
            for _, names in _first(section.iter_versions()):
                defined.update(name.name for name in _first(names))
    return Linking(
        architecture=architecture(elf),
        interpreter=interpreter,
        needed=needed,
        run_path=run_path,
        inherited_run_path=inherited,
        needed_versions=asked,
        defined_versions=frozenset(defined),
    )


def _text(segment: DynamicSegment, kind: str, field: str) -> str | None:
    return next((str(getattr(tag, field)) for tag in segment.iter_tags(kind)), None)


def architecture(elf: ELFFile) -> str:
    """As `platform.machine` names it, where it is one of the common ones."""
    return _ARCHITECTURES.get(elf["e_machine"], str(elf["e_machine"]))


def build_id(path: Path) -> str | None:
    """The build id of an ELF file, in hexadecimal digits; ``None`` where it has none or cannot be read."""
    try:
        with path.open("rb") as file:
            return build_id_of(ELFFile(file))
    except DAMAGED:
        return None


def build_id_of(elf: ELFFile) -> str | None:
    """Raises `DAMAGED`."""
    for section in elf.iter_sections():
        if isinstance(section, NoteSection):
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return None


def _first(items: Iterable[_T]) -> Iterator[_T]:
    return islice(items, _MOST_NAMES)
