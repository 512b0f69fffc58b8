"""Everything the measured programs need, as one stream of a tar archive: nothing of it is ever whole in memory.

Knows files, folders and links of the workspace, and that the workspace belongs to whoever opened the pull request: a link that
leads out of what is named, a device, a Git folder with a token are refused, never followed. Knows nothing of the engine.
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from autoprof_ci.errors import ConfigError, ProgramError, ToolError
from autoprof_ci.measure.inputs import IN_DATA
from autoprof_ci.measure.plan import Plan
from autoprof_ci.sandbox.job import PLAN, Inside
from autoprof_ci.sandbox.printable import shown

CHUNK_BYTES = 1 << 20
GIT_FOLDER = ".git"
ELF_MAGIC = b"\x7fELF"

_MADE_IN_SETUP = "Name files that the program needs; a repository can be made by a command of `setup`"
_CHANGED = "Nothing may write there while it is measured: start it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """One member of the archive. `source`: the file whose content it has, and what that must begin with; `link`: where a link
    leads; neither: a folder. `modified_s`: since 1970."""

    name: str
    mode: int
    source: Path | None = None
    begins: bytes = b""
    size_bytes: int = 0
    link: str | None = None
    modified_s: int = 0


def members(inside: Inside, original: Plan) -> tuple[Packed, ...]:
    """What goes into the archive besides the plan itself, folders before what lies in them.

    Raises `ConfigError` for inputs that are not to be handed over, `ProgramError` for a program that is none.
    """
    found: dict[str, Packed] = {}
    for name, mode in (("programs", 0o700), ("inputs", 0o700)):
        found[name] = Packed(name=name, mode=mode)
    for relative, file in inside.files.items():
        _add_folders(found, relative)
        found[relative] = _program(relative, Path(os.path.realpath(file)))
    base = original.config_folder.resolve()
    for workload in original.workloads:
        for name in workload.inputs:
            _add_input(found, base, name, f"workload {workload.name!r}, inputs")
        if workload.agent is not None and not workload.agent.startswith(IN_DATA):
            _add_input(found, base, workload.agent, f"workload {workload.name!r}, agent")
    if original.data is not None:
        _add_tree(found, _Tree(root=original.data.resolve(), target="data", where="the data folder"))
    return tuple(found.values())


def tar(plan: bytes, packed: tuple[Packed, ...]) -> Iterator[bytes]:
    """The archive, piece by piece. Raises `ToolError` when a file is not what it was when it was looked at."""
    about = Packed(name=PLAN, mode=0o600, size_bytes=len(plan))
    yield from _padded(_header(about, tarfile.REGTYPE), iter((plan,)), len(plan))
    for member in packed:
        if member.link is not None:
            yield _header(member, tarfile.SYMTYPE)
        elif member.source is None:
            yield _header(member, tarfile.DIRTYPE)
        else:
            yield from _padded(_header(member, tarfile.REGTYPE), _content(member), member.size_bytes)
    yield bytes(2 * tarfile.BLOCKSIZE)


def size_bytes(packed: tuple[Packed, ...]) -> int:
    return sum(member.size_bytes for member in packed)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tree:
    """A file or folder that is packed whole. `root`: without links on the way; `where`: whose it is, for errors."""

    root: Path
    target: str
    where: str


def _add_input(found: dict[str, Packed], base: Path, name: str, where: str) -> None:
    """The same rules as on a stage: beside the TOML, and there."""
    path = Path(os.path.realpath(base / name))
    if not path.is_relative_to(base):
        raise ConfigError(f"{where}: {name!r} is outside of the folder of the configuration", "Name files beside it")
    if not path.exists():
        raise ConfigError(f"{where}: {name!r} does not exist in {base}", "Correct the path, or make the file first")
    if GIT_FOLDER in path.relative_to(base).parts:
        raise ConfigError(f"{where}: {name!r} lies in a Git folder, which may hold a token of this job", _MADE_IN_SETUP)
    target = os.path.normpath(f"inputs/{name}")
    _add_folders(found, target)
    _add_tree(found, _Tree(root=path, target=target, where=where))


def _add_tree(found: dict[str, Packed], tree: _Tree) -> None:
    _add(found, tree, tree.root)
    if not tree.root.is_dir():
        return
    for folder, folders, files in os.walk(tree.root, onerror=_unreadable(tree)):
        for name in sorted((*folders, *files)):
            _add(found, tree, Path(folder) / name)


def _add(found: dict[str, Packed], tree: _Tree, path: Path) -> None:
    target = os.path.normpath(f"{tree.target}/{path.relative_to(tree.root)}")
    about = path.lstat()
    mode, modified_s = stat.S_IMODE(about.st_mode) & 0o777, int(about.st_mtime)
    if path.name == GIT_FOLDER and path != tree.root:
        raise ConfigError(f"{tree.where}: {_named(path)} may hold a token of this job", _MADE_IN_SETUP)
    if stat.S_ISLNK(about.st_mode):
        found[target] = Packed(name=target, mode=0o777, link=_link(tree, path), modified_s=modified_s)
    elif stat.S_ISDIR(about.st_mode):
        found[target] = Packed(name=target, mode=mode | 0o700, modified_s=modified_s)
    elif stat.S_ISREG(about.st_mode):
        found[target] = Packed(name=target, mode=mode, source=path, size_bytes=about.st_size, modified_s=modified_s)
    else:
        raise ConfigError(f"{tree.where}: {_named(path)} is neither a file nor a folder nor a link", "Leave it out")


def _link(tree: _Tree, path: Path) -> str:
    """Where the link leads, as a path that means the same inside. Raises `ConfigError` where it leads out of what is packed."""
    target = Path(os.path.realpath(path))
    if not target.is_relative_to(tree.root) or not target.exists():
        leads = "leads nowhere" if not target.exists() else f"leads out of {_named(tree.root)}"
        raise ConfigError(f"{tree.where}: the link {_named(path)} {leads}", "Put the file itself there")
    return os.path.relpath(target, path.parent)


def _add_folders(found: dict[str, Packed], relative: str) -> None:
    for folder in reversed(Path(relative).parents[:-1]):
        found.setdefault(str(folder), Packed(name=str(folder), mode=0o755))


def _unreadable(tree: _Tree) -> Callable[[OSError], None]:
    def refuse(error: OSError) -> None:
        raise ConfigError(f"{tree.where}: {_named(Path(error.filename))} cannot be read: {error.strerror}", "Correct that")

    return refuse


def _program(name: str, file: Path) -> Packed:
    """A file that begins like a program; whatever else the name may lead to is not handed over."""
    try:
        with _opened(file) as opened:
            if opened.read(len(ELF_MAGIC)) == ELF_MAGIC:
                size = os.fstat(opened.fileno()).st_size
                return Packed(name=name, mode=0o755, source=file, begins=ELF_MAGIC, size_bytes=size)
    except OSError as error:
        raise ProgramError(f"{_named(file)} cannot be read: {error.strerror}", "Build it again, or correct the path") from None
    raise ProgramError(f"{_named(file)} is no native program: it does not begin like an ELF file", "Name the built program")


def _opened(file: Path) -> BinaryIO:
    """Links on the way were resolved when it was found: one that stands there now was put there since. No FIFO may delay us."""
    return os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")


def _content(member: Packed) -> Iterator[bytes]:
    """Exactly as many bytes as were seen before."""
    assert member.source is not None
    left, grown = member.size_bytes, False
    try:
        with _opened(member.source) as file:
            begins = file.read(len(member.begins)) == member.begins
            file.seek(0)
            while begins and left > 0 and (chunk := file.read(min(CHUNK_BYTES, left))):
                left -= len(chunk)
                yield chunk
            grown = bool(file.read(1))
    except OSError as error:
        raise ToolError(f"{_named(member.source)} cannot be read: {error.strerror}", "Correct its permissions.") from None
    if left or grown:
        raise ToolError(f"{_named(member.source)} changed while it was read", _CHANGED)


def _padded(header: bytes, content: Iterator[bytes], size: int) -> Iterator[bytes]:
    yield header
    yield from content
    yield bytes(-size % tarfile.BLOCKSIZE)


def _header(member: Packed, kind: bytes) -> bytes:
    """With the time of the last change, which a program may look at: it is to find what it would find outside."""
    info = tarfile.TarInfo(member.name)
    info.type, info.mode, info.size, info.linkname = kind, member.mode, member.size_bytes, member.link or ""
    info.mtime = member.modified_s
    return info.tobuf(format=tarfile.PAX_FORMAT, errors="surrogateescape")


def _named(path: Path) -> str:
    return shown(os.fsencode(path).decode("utf-8", "backslashreplace"))
