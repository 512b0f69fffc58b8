"""Checks the file that is to be measured, before anything is started.

Knows ELF headers and sections, and how to ask the dynamic loader. Reads no debug information and runs nothing of the program.
Knows nothing of measuring.
"""

from __future__ import annotations

import hashlib
import io
import mmap
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elftools.common.exceptions import ELFError
from elftools.construct import ConstructError
from elftools.elf.constants import SH_FLAGS
from elftools.elf.dynamic import DynamicSegment
from elftools.elf.elffile import ELFFile
from elftools.elf.sections import NoteSection, SymbolTableSection
from elftools.elf.segments import InterpSegment

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.runner import describe_exit

_ARCHITECTURES = {"EM_X86_64": "x86_64", "EM_AARCH64": "aarch64", "EM_386": "i386", "EM_ARM": "arm", "EM_RISCV": "riscv64"}
_ELF_MAGIC = b"\x7fELF"
_DAMAGED = (ELFError, ConstructError, OSError, ValueError, OverflowError, AttributeError, TypeError, IndexError, KeyError)
"""What the ELF reader raises at damaged files: its own errors, and whatever a wrong number leads to."""

LOADER_LIST_S = 20.0

# ./prog: error while loading shared libraries: libfoo.so.1: cannot open shared object file    glibc
# Error loading shared library libfoo.so.1: No such file or directory (needed by ./prog)       musl
_MISSING_LIBRARY = re.compile(r"rror (?:while )?loading shared librar(?:y|ies):? ([^\s:]+):")
# ./prog: /lib/x86_64-linux-gnu/libc.so.6: version `GLIBC_2.39' not found (required by ./prog)
_MISSING_VERSION = re.compile(r"version [`'](\S+)' not found")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFacts:
    """What a program's file says of itself. `stripped`: no symbols, so functions have no names (a caveat, no error). `static`: no
    dynamic loader. `needed_libraries`: sonames it asks for itself; `interpreter`: the path of its loader; `run_path`: folders it
    asks to be searched first."""

    sha256: str
    size_bytes: int
    architecture: str
    build_id: str | None
    stripped: bool
    static: bool
    needed_libraries: tuple[str, ...]
    interpreter: str | None
    run_path: str | None = None


def check_program(path: Path) -> ProgramFacts:
    """The facts of the ELF executable at `path`.

    Raises `ProgramError` when it is missing, a folder, not executable, a script, no ELF file or a damaged one, built for another
    architecture, not an executable, or asks for a shared library that is not installed.
    """
    _check_startable(path)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        head = data[:256]
        if head.startswith(b"#!"):
            interpreter = head[2:].split(b"\n", 1)[0].strip().decode("utf-8", "replace")
            raise ProgramError(
                f"{path} is a script for {interpreter or 'a shell'}, not a native program", "Name the program it runs instead"
            )
        if not head.startswith(_ELF_MAGIC):
            raise ProgramError(f"{path} is not a native program: it does not begin like an ELF file", "Name the built program")
        _check_complete(path, head, len(data))
        facts = _facts(path, file, hashlib.sha256(data).hexdigest())
    _check_libraries(path, facts)
    return facts


def build_id(path: Path) -> str | None:
    """The build id of an ELF file, in hexadecimal digits; ``None`` where it has none or cannot be read."""
    try:
        with path.open("rb") as file:
            return _build_id(ELFFile(file))
    except _DAMAGED:
        return None


def _check_startable(path: Path) -> None:
    if path.is_dir():
        raise ProgramError(f"{path} is a folder, not a program", f"Name the program in it, such as {path / path.name}")
    if not path.exists():
        raise ProgramError(f"There is no program at {path}", "Build it first, or correct the path")
    if not os.access(path, os.X_OK) or not os.access(path, os.R_OK):
        raise ProgramError(f"{path} may not be executed", f"Allow it: chmod +rx {path}")
    if path.stat().st_size == 0:
        raise ProgramError(f"{path} is empty", "Build it again")


def _facts(path: Path, file: BinaryIO, sha256: str) -> ProgramFacts:
    here = platform.machine()
    try:
        elf = ELFFile(file)
        architecture = _ARCHITECTURES.get(elf["e_machine"], str(elf["e_machine"]))
        if architecture != here:
            raise ProgramError(f"{path} is built for {architecture}, this machine is {here}", f"Build it for {here}")
        if elf["e_type"] not in ("ET_EXEC", "ET_DYN"):
            raise ProgramError(f"{path} is not an executable but an object file or a core", "Name the linked program")
        if elf["e_entry"] == 0:
            raise ProgramError(f"{path} is a shared library, not a program", "Name a program that uses it")
        interpreter, needed, run_path = _dynamic(elf)
        return ProgramFacts(
            sha256=sha256,
            size_bytes=path.stat().st_size,
            architecture=architecture,
            build_id=_build_id(elf),
            stripped=not any(
                isinstance(section, SymbolTableSection) and section.name == ".symtab" and section.num_symbols() > 1
                for section in elf.iter_sections()
            ),
            static=interpreter is None,
            needed_libraries=needed,
            interpreter=interpreter,
            run_path=run_path,
        )
    except _DAMAGED as error:
        raise ProgramError(f"{path} is a damaged ELF file: {error or type(error).__name__}", "Build it again") from None


def _check_complete(path: Path, head: bytes, size_bytes: int) -> None:
    """A file cut short by a full disk or an interrupted download still begins well, but the table of its sections lies at its
    end. Offsets of the fields: ELF-64 object file format 1.5, figure 3."""
    if len(head) < 64 or head[4:6] != b"\x02\x01":
        return  # of another class or byte order: another architecture, which is said elsewhere
    table = int.from_bytes(head[0x28:0x30], "little")
    entry_bytes, entries = int.from_bytes(head[0x3A:0x3C], "little"), int.from_bytes(head[0x3C:0x3E], "little")
    if table + entry_bytes * entries > size_bytes:
        raise ProgramError(
            f"{path} is cut off: it has {size_bytes} bytes of {table + entry_bytes * entries}", "Build it, or download it, again"
        )


def _dynamic(elf: ELFFile) -> tuple[str | None, tuple[str, ...], str | None]:
    """The loader's path, the sonames the program asks for, and the folders it wants searched."""
    interpreter: str | None = None
    needed: tuple[str, ...] = ()
    run_path: str | None = None
    for segment in elf.iter_segments():
        if isinstance(segment, InterpSegment):
            interpreter = segment.get_interp_name()
        elif isinstance(segment, DynamicSegment):
            needed = tuple(str(getattr(tag, "needed", "")) for tag in segment.iter_tags("DT_NEEDED"))
            folders = [*segment.iter_tags("DT_RUNPATH"), *segment.iter_tags("DT_RPATH")]
            run_path = getattr(folders[0], "runpath", None) or getattr(folders[0], "rpath", None) if folders else None
    return interpreter, needed, run_path


def _build_id(elf: ELFFile) -> str | None:
    for section in elf.iter_sections():
        if isinstance(section, NoteSection):
            for note in section.iter_notes():
                if note["n_type"] == "NT_GNU_BUILD_ID":
                    return str(note["n_desc"])
    return None


def _check_libraries(path: Path, facts: ProgramFacts) -> None:
    """Ask the program's own loader what it would find; it prints a list and runs nothing of the program."""
    if facts.interpreter is None:
        return
    if not Path(facts.interpreter).exists():
        raise ProgramError(
            f"{path} needs the loader {facts.interpreter}, which is not installed",
            "Install its C library, or link the program statically",
        )
    try:
        listed = subprocess.run(
            [facts.interpreter, "--list", str(path.resolve())],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=LOADER_LIST_S,
            env={"PATH": os.defpath, "LC_ALL": "C"},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ProgramError(
            f"{path}'s loader {facts.interpreter} cannot be asked for its libraries: {error}", "Build it again"
        ) from None
    said = listed.stdout + listed.stderr
    missing = sorted(set(_MISSING_LIBRARY.findall(said)) - {str(path.resolve())})
    if missing:
        searched = f"its run path {facts.run_path} and " if facts.run_path else ""
        names = ", ".join(missing)
        raise ProgramError(
            f"{path} needs the shared library {names}, which was not found in {searched}the system's library folders",
            "Install the package that holds it, or link it statically",
        )
    version = _MISSING_VERSION.search(said)
    if version:
        raise ProgramError(
            f"{path} needs {version[1]} of a shared library, which is older on this machine",
            "Build it on a system no newer than the one that measures",
        )
    if listed.returncode != 0:
        words = (said.strip().splitlines() or [describe_exit(listed.returncode)])[-1].removeprefix(f"{path.resolve()}: ")
        raise ProgramError(f"{path} is refused by its loader: {words}", "Build it again")


def same_program(baseline: bytes, candidate: bytes) -> bool:
    """Whether two ELF files do the same: equal in all they load into memory, apart from notes (the build id is one). Debug
    information and symbol names are not loaded. ``False`` when either cannot be read."""
    if baseline == candidate:
        return True
    loaded = [_loaded(data) for data in (baseline, candidate)]
    return loaded[0] is not None and loaded[0] == loaded[1]


def _loaded(data: bytes) -> list[tuple[object, ...]] | None:
    """What of an ELF file comes into memory: one tuple a section, headers first."""
    try:
        elf = ELFFile(io.BytesIO(data))
        parts: list[tuple[object, ...]] = [(elf["e_machine"], elf["e_type"], elf["e_entry"])]
        for section in elf.iter_sections():
            if section["sh_flags"] & SH_FLAGS.SHF_ALLOC and section["sh_type"] != "SHT_NOTE":
                begin, size = section["sh_offset"], section["sh_size"]
                content = b"" if section["sh_type"] == "SHT_NOBITS" else data[begin : begin + size]
                parts.append((section.name, section["sh_type"], section["sh_flags"], section["sh_addr"], size, content))
    except _DAMAGED:
        return None
    return parts if len(parts) > 1 else None
