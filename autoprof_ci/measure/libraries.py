"""Which shared libraries a program needs, where they are, and which of them have to come along with it.

Knows how the dynamic loader searches (ld.so(8), ld.so.conf(5)) and does the same by reading files only: the loader itself, asked
with ``--list``, maps the program into memory, and a hostile program can make that execute its code. Knows nothing of measuring.

A program is measured from a folder of its own, perhaps in a container: libraries that its run path names, relative to where it
was built, would be gone. They are staged beside it, and `LD_LIBRARY_PATH` names exactly those.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.elf_file import Linking, read_linking

LOADER_SETTINGS = Path("/etc/ld.so.conf")
SYSTEM_FOLDERS = tuple(map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")))
C_LIBRARY = re.compile(
    r"(?:ld-linux[\w-]*|ld64|ld-musl-\w+|libc\.musl-\w+|linux-vdso|lib(?:c|m|mvec|dl|rt|pthread|util|anl|resolv|nsl|BrokenLocale|"
    r"thread_db|nss_\w+))\.so(?:\.\d+)*$"
)
"""The C library is one with its loader: of another system's it is never a part that is missing here."""

MOST_LIBRARIES = 1000
_MOST_LINKS = 40


def needed_from_elsewhere(path: Path) -> Mapping[str, Path]:
    """Libraries of the program at `path` that are found here, but only because of where it lies: soname -> file.

    They lie outside of the system's folders, or next to one that does. Raises `ProgramError` where `path` cannot be read.
    """
    system = system_folders()
    walk = _Walk(_Search(system=system))
    walk.follow(path)
    return {soname: file for soname, file in walk.found.items() if "/" not in soname and not _is_below(file, system)}


def missing(path: Path) -> tuple[str, ...]:
    """Sonames that no loader would find here, sorted: for the program itself or for one of its libraries; also those that are
    here in a version too old. Empty for a static program. Raises `ProgramError` where `path` cannot be read, and where the C
    library itself is missing or too old, since nothing can complete that."""
    walk = _Walk(_Search(system=system_folders()))
    walk.follow(path)
    _refuse_c_library(path, walk)
    return tuple(sorted(walk.lacking))


def complete(path: Path, folders: Sequence[Path], root: Path = Path("/")) -> Mapping[str, Path]:
    """Libraries missing here, from `folders`: soname -> real file, with all they need themselves.

    `folders` may lie below `root`, another system's ``/``: absolute links and run paths in there mean paths in there. Raises
    `ProgramError` with all that is missing and where it was looked for, or where what is there needs a newer C library.
    """
    walk = _Walk(_Search(system=system_folders(), others=tuple(folders), root=root))
    walk.follow(path)
    _refuse_c_library(path, walk)
    if walk.lacking:
        names = ", ".join(f"{soname} ({why})" for soname, why in sorted(walk.lacking.items()))
        looked = ", ".join(str(folder) for folder in folders) or "no other folder"
        raise ProgramError(
            f"{path} needs shared libraries that are not here: {names}; looked in the system's folders and in {looked}",
            "Build it with static libraries, or with a run path of $ORIGIN and the libraries beside it",
        )
    return dict(walk.others)


def system_folders() -> tuple[Path, ...]:
    """Where the loader looks by itself: what its settings name, and what is built in."""
    machine = f"{platform.machine()}-linux-gnu"
    built_in = [folder / machine for folder in SYSTEM_FOLDERS] + list(SYSTEM_FOLDERS)
    return tuple(dict.fromkeys(folder for folder in (*_settings(LOADER_SETTINGS, 0), *built_in) if folder.is_dir()))


def _settings(file: Path, depth: int) -> Iterator[Path]:
    """``include ld.so.conf.d/*.conf``, ``/usr/local/lib  # comment``."""
    if depth > 3 or not file.is_file():
        return
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        match line.partition("#")[0].split():
            case ["include", pattern]:
                folder = Path("/") if pattern.startswith("/") else file.parent
                for included in sorted(folder.glob(pattern.lstrip("/"))):
                    yield from _settings(included, depth + 1)
            case [folder_name] if folder_name.startswith("/"):
                yield Path(folder_name)
            case _:
                pass


@dataclass(frozen=True, slots=True, kw_only=True)
class _Search:
    """Where to look. `others`: only for what is not found as the loader would; below `root` lies another system."""

    system: tuple[Path, ...]
    others: tuple[Path, ...] = ()
    root: Path = Path("/")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Object:
    """A program or library to be followed. `is_foreign`: from the other folders. `inherited`: run paths handed down by those
    which led to it."""

    name: str
    folder: Path
    linking: Linking
    is_foreign: bool = False
    inherited: tuple[Path, ...] = ()


class _Walk:
    """What is known while the needs of a program are followed. `found`: as the loader finds them; `others`: only in the other
    folders; `lacking`: soname -> why."""

    def __init__(self, search: _Search) -> None:
        self.search = search
        self.found: dict[str, Path] = {}
        self.others: dict[str, Path] = {}
        self.lacking: dict[str, str] = {}
        self._defined: dict[str, frozenset[str]] = {}
        self._wanted: dict[str, frozenset[str]] = {}

    def follow(self, path: Path) -> None:
        """The program, what it needs, and what that needs. Raises `ProgramError` where there is nothing to follow."""
        linking = read_linking(path)
        if linking is None:
            raise ProgramError(f"{path} cannot be read as a native program", "Build it again")
        if linking.interpreter is None:
            return
        if not Path(linking.interpreter).exists():
            raise ProgramError(
                f"{path} needs the loader {linking.interpreter}, which is not installed",
                "Install its C library, or link the program statically",
            )
        folder = path.resolve().parent
        inherited = _run_path(linking.inherited_run_path, folder)
        queue = [_Object(name=path.name, folder=folder, linking=linking, inherited=inherited)]
        for one in queue:
            for soname in one.linking.needed:
                library = self._take(soname, one)
                if library is not None:
                    queue.append(library)

    def _take(self, soname: str, by: _Object) -> _Object | None:
        """What `by` needs under this name, where it is to be followed: not if it is known already, or nowhere."""
        wanted = self._wanted.get(soname, frozenset()) | by.linking.needed_versions.get(soname, frozenset())
        self._wanted[soname] = wanted
        if soname in self.lacking or (soname in self._defined and _has(self._defined[soname], wanted)):
            return None
        self.found.pop(soname, None)
        why = f"needed by {by.name}"
        for file, is_foreign in _candidates(by, soname, self.search):
            linking = read_linking(file)
            if linking is None or linking.architecture != platform.machine():
                continue
            if not _has(linking.defined_versions, wanted):
                why = f"{by.name} needs {max(wanted - linking.defined_versions)}, and {file} is older"
                continue
            self._defined[soname] = linking.defined_versions
            (self.others if is_foreign else self.found)[soname] = file
            own = _run_path(linking.inherited_run_path, file.parent)
            inherited = (
                (*(_below(self.search.root, folder) for folder in own), *by.inherited) if is_foreign else (*own, *by.inherited)
            )
            return _Object(name=soname, folder=file.parent, linking=linking, is_foreign=is_foreign, inherited=inherited)
        if len(self.lacking) < MOST_LIBRARIES:
            self.lacking[soname] = why
        return None


def _has(defined: frozenset[str], wanted: frozenset[str]) -> bool:
    """A library without any versions serves whoever asks (ld.so(8) only warns)."""
    return not defined or wanted <= defined


def _candidates(by: _Object, soname: str, search: _Search) -> Iterator[tuple[Path, bool]]:
    """Where a library may be, in the loader's order; True for files from the other folders."""
    if "/" in soname:
        yield Path(soname), False
        return
    run_path = _run_path(by.linking.run_path, by.folder)
    own = (*by.inherited, *run_path)
    for folder in (*(() if by.is_foreign else own), *search.system):
        yield folder / soname, False
    if C_LIBRARY.match(soname) or not search.others:
        return
    triplet = f"{platform.machine()}-linux-gnu"
    below = tuple(_below(search.root, folder) for folder in own)
    for folder in (*below, *(place for other in search.others for place in (other / triplet, other))):
        file = resolved_below(folder / soname, search.root)
        if file is not None:
            yield file, True


def _run_path(text: str | None, origin: Path) -> tuple[Path, ...]:
    """``$ORIGIN/../lib:/opt/answers/lib``; relative ones would depend on where somebody stands."""
    if not text:
        return ()
    folders = (word.replace("${ORIGIN}", str(origin)).replace("$ORIGIN", str(origin)) for word in text.split(":"))
    return tuple(Path(folder) for folder in folders if folder.startswith("/"))


def _below(root: Path, folder: Path) -> Path:
    return folder if folder.is_relative_to(root) else root / folder.relative_to("/")


def resolved_below(path: Path, root: Path) -> Path | None:
    """The real file behind `path`; links in there begin anew at `root`, and none leads out. ``None`` where nothing is there."""
    if not path.is_relative_to(root):
        return path.resolve() if path.is_file() else None
    here, rest, links = root, list(reversed(path.relative_to(root).parts)), 0
    try:
        while rest:
            part = rest.pop()
            if part == "..":
                here = here if here == root else here.parent
                continue
            here = here / part
            if here.is_symlink():
                links += 1
                target = here.readlink()
                here = root if target.is_absolute() else here.parent
                rest += reversed([word for word in target.parts if word != "/"])
                if links > _MOST_LINKS:
                    return None
        return here if here.is_file() else None
    except (OSError, ValueError):
        return None


def _is_below(file: Path, folders: Sequence[Path]) -> bool:
    return any(file.is_relative_to(folder) for folder in folders)


def _refuse_c_library(path: Path, walk: _Walk) -> None:
    own = sorted(soname for soname in walk.lacking if C_LIBRARY.match(soname))
    if own:
        what = f"{path} needs another C library than there is: {own[0]} ({walk.lacking[own[0]]})"
        raise ProgramError(what, "Build it on a system no newer than the one that measures, or link it statically")
