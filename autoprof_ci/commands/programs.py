"""EDGE: from what the user named to programs that can be started: files on disk, or binaries out of a baseline bundle."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci import bundle
from autoprof_ci.bundle.refusal import FILE_NAME_PATTERN, escape_line
from autoprof_ci.commands import files, repository
from autoprof_ci.errors import DataError, ProgramError, UsageError
from autoprof_ci.measure.libraries import needed_from_elsewhere
from autoprof_ci.measure.plan import Program
from autoprof_ci.measure.program import ProgramFacts, read_program
from autoprof_ci.model import Bundle, Caveat, CaveatCode, Config, StoredBinary
from autoprof_ci.pipeline import Side

LIBRARY = re.compile(r"\.so(?:\.|\Z)")
"""In the name of a shared library: a bundle keeps those that a program brings along beside its programs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What the user named: the program, and the folder that relative paths of the TOML start from."""

    binary: Path
    folder: Path
    extra_binaries: tuple[str, ...] = ()


def candidate_path(option: str | None, config: Config | None, folder: Path) -> Path:
    """The binary named on the command line (from where we stand) or in the TOML (from where that file is)."""
    if option:
        return Path(option)
    if config and config.binary:
        return folder / config.binary
    raise UsageError("No program to measure is named", "Name it with --binary PATH, or as `binary` in autoprof.toml")


def side(label: str, named: Named, check: Callable[[Path], ProgramFacts]) -> Side:
    """A program from files, checked, with its files packed for the bundle."""
    extras = {Path(name).name: named.folder / name for name in named.extra_binaries}
    paths = (named.binary, *extras.values())
    for path in paths:
        _check_name(path)
    stripped = [path.name for path in paths if check(path).stripped]
    libraries = _libraries(paths)
    kept = (*((path.name, path) for path in paths), *libraries.items())
    packed = tuple(bundle.pack_binary(name, files.read(path, "the program")) for name, path in kept)
    program = Program(label=label, binary=named.binary, extra_binaries=extras, libraries=libraries)
    here = Path.cwd()
    return Side(
        program=program,
        binaries=packed,
        commit=repository.commit(here),
        ref=repository.ref(here),
        caveats=tuple(Caveat(code=CaveatCode.BINARY_STRIPPED, detail=name) for name in stripped),
    )


def _libraries(paths: Sequence[Path]) -> Mapping[str, Path]:
    """What the program brings along: its loader would not find it from where it is measured. In the order of their names."""
    found = {soname: file for path in paths for soname, file in needed_from_elsewhere(path).items()}
    for soname in found:
        _check_name(Path(soname))
    return dict(sorted(found.items()))


def _check_name(path: Path) -> None:
    """The bundle keeps programs under their names; it had better be known before hours of measuring that it refuses one."""
    if not re.match(FILE_NAME_PATTERN, path.name):
        raise UsageError(
            f"{escape_line(str(path))} has a name that a bundle cannot keep",
            "Rename it, or name it by a link, with letters and digits only",
        )


def from_bundle(label: str, stored: Bundle, folder: Path, check: Callable[[Path], ProgramFacts]) -> Side:
    """The program inside a baseline bundle, placed into `folder`. `Side.program` is ``None`` when it cannot be started here."""
    placed = {binary.name: _place(binary, folder) for binary in stored.binaries if binary.packed is not None}
    side = Side(program=None, binaries=stored.binaries, commit=stored.commit, ref=stored.ref, stored=stored)
    if not stored.binaries or stored.binaries[0].name not in placed or len(placed) != len(stored.binaries):
        return side
    main, *others = [binary.name for binary in stored.binaries]
    libraries = {name: placed[name] for name in others if LIBRARY.search(name)}
    try:
        # Its loader would look for them where it was built: it cannot be asked.
        (read_program if libraries else check)(placed[main])
    except ProgramError:
        return side  # built for another machine: its stored numbers are all that is left of it
    extras = {name: placed[name] for name in others if name not in libraries}
    program = Program(label=label, binary=placed[main], extra_binaries=extras, libraries=libraries)
    return Side(program=program, binaries=stored.binaries, commit=stored.commit, ref=stored.ref, stored=stored)


def _place(binary: StoredBinary, folder: Path) -> Path:
    path = folder / binary.sha256[:16] / binary.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bundle.unpack_binary(binary))
        path.chmod(0o755)
    except OSError as error:
        raise DataError(
            f"The baseline's program could not be unpacked into {folder}: {error.strerror}", "Free some space in TMPDIR"
        ) from None
    return path
