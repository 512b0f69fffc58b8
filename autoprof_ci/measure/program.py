"""Checks the file that is to be measured, before anything is started.

Knows what makes a file a program that can be measured here, and how to ask its dynamic loader. Reads no debug information and
runs nothing of the program. Knows nothing of measuring.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from elftools.elf.elffile import ELFFile
from elftools.elf.sections import SymbolTableSection

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.elf_file import DAMAGED, architecture, build_id_of, linking
from autoprof_ci.measure.runner import describe_exit

_ELF_MAGIC = b"\x7fELF"

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
    """The facts of the ELF executable at `path`, once its own loader has said that it finds all it needs.

    For programs of those who run us: the loader maps the program into memory, and one made for it can seize the loader. Of
    strangers' programs only the file is read: `read_program` and `libraries.missing`.

    Raises `ProgramError` as `read_program` does, and when it asks for a shared library that is not installed.
    """
    facts = read_program(path)
    _check_libraries(path, facts)
    return facts


def read_program(path: Path) -> ProgramFacts:
    """The facts of the ELF executable at `path`, from that file alone.

    Raises `ProgramError` when it is missing, a folder, not executable, a script, no ELF file or a damaged one, built for another
    architecture, or not an executable.
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
        return _facts(path, file, hashlib.sha256(data).hexdigest())


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
        built_for = architecture(elf)
        if built_for != here:
            raise ProgramError(f"{path} is built for {built_for}, this machine is {here}", f"Build it for {here}")
        if elf["e_type"] not in ("ET_EXEC", "ET_DYN"):
            raise ProgramError(f"{path} is not an executable but an object file or a core", "Name the linked program")
        if elf["e_entry"] == 0:
            raise ProgramError(f"{path} is a shared library, not a program", "Name a program that uses it")
        linked = linking(elf)
        return ProgramFacts(
            sha256=sha256,
            size_bytes=path.stat().st_size,
            architecture=built_for,
            build_id=build_id_of(elf),
            stripped=not any(
                isinstance(section, SymbolTableSection) and section.name == ".symtab" and section.num_symbols() > 1
                for section in elf.iter_sections()
            ),
            static=linked.interpreter is None,
            needed_libraries=linked.needed,
            interpreter=linked.interpreter,
            run_path=linked.run_path or linked.inherited_run_path,
        )
    except DAMAGED as error:
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
