"""What a pair is: a base program, a change to its sources or its build, and what the gate should say of it.

Knows no pair, no compiler and no gate. Changes are values: what a candidate's sources are is computed, not written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from autoprof_ci.model import ReasonCode

SOURCES = Path(__file__).parent / "programs"
KIT = "kit"


class PairClass(StrEnum):
    PLACEMENT = "placement"
    """Nothing that runs changes: only where it lies."""
    REFACTORING = "refactoring"
    """The same work, arranged otherwise: total instructions within 0.3 %."""
    REGRESSION = "regression"
    """One function, or what it calls, costs some per cent more."""
    HIDDEN = "hidden"
    """A refactoring that does more work besides."""


class Kind(StrEnum):
    """What a regression does."""

    MORE_CALLS = "more calls"
    DEARER_CALLS = "dearer calls"
    MORE_ALLOCATION = "more allocation"
    WORSE_COMPLEXITY = "worse complexity"
    FAR_ACCESS = "far access"
    """Instructions are equal; the machine waits. Only time sees it, and sizes are of time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A base program. `size`: its argument for a start of 30 to 150 ms; `counted_size`: for one of a second under callgrind."""

    name: str
    size: int
    counted_size: int


PROGRAMS: Mapping[str, Program] = {
    program.name: program
    for program in (
        Program(name="redact", size=1000, counted_size=14),
        Program(name="index", size=120, counted_size=4),
        Program(name="tree", size=3000, counted_size=80),
        Program(name="grid", size=1200, counted_size=20),
    )
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Replace:
    """One place in a file; that it occurs once is checked, so that no pair changes nothing."""

    path: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceWord:
    """Every occurrence in all files of the program: a rename."""

    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """In front of a file's first item."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """Behind a file's last item; a file that is not there begins with it."""

    path: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rename:
    path: str
    to: str


Edit = Replace | ReplaceWord | Front | Behind | Rename


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """How a side is built apart from its sources. `rustc`: arguments for the program's own crate, linking included. `folder`:
    where in the file system it is built. `needs_lld`: the arguments are those of that linker."""

    rustc: tuple[str, ...] = ()
    folder: str = "here"
    needs_lld: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the first red row should say: one of `names` as its function or its cause, one of `reasons`."""

    names: tuple[str, ...]
    reasons: tuple[ReasonCode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """`percent`: of the touched function's cost, of a regression. `touched`: the function whose cost that is, as it is called on
    the candidate's side (`was`: on the baseline's, where it had another name), with what it calls if `inclusive`."""

    pair_class: PairClass
    name: str
    program: str
    edits: tuple[Edit, ...] = ()
    build: Build = Build()
    kind: Kind | None = None
    percent: float = 0.0
    touched: str = ""
    was: str = ""
    inclusive: bool = False
    expected: Expected | None = None

    @property
    def id(self) -> str:
        return f"{self.pair_class}/{self.name}"

    @property
    def touched_before(self) -> str:
        return self.was or self.touched

    @property
    def sees_time_only(self) -> bool:
        return self.kind is Kind.FAR_ACCESS


def within(path: str, *changes: tuple[str, str]) -> tuple[Edit, ...]:
    """Some replacements in one file."""
    return tuple(Replace(path=path, old=old, new=new) for old, new in changes)


Files = dict[str, str]


def base_files(program: str) -> Files:
    """Path below the workspace -> text: the program's sources and those of the crate that all programs share."""
    own = {f"src/{path.name}": path for path in sorted((SOURCES / program / "src").iterdir())}
    shared = {f"{KIT}/src/{path.name}": path for path in sorted((SOURCES / KIT / "src").iterdir())}
    return {name: path.read_text(encoding="utf-8") for name, path in {**own, **shared}.items()}


def edited(files: Files, edits: tuple[Edit, ...]) -> Files:
    """The files with every edit done, in order. Raises `ValueError` where one does not find its place."""
    found = dict(files)
    for edit in edits:
        match edit:
            case Replace(path=path, old=old, new=new):
                if found[path].count(old) != 1:
                    raise ValueError(f"{path} holds {old!r} {found[path].count(old)} times, not once")
                found[path] = found[path].replace(old, new)
            case ReplaceWord(old=old, new=new):
                if not any(old in text for text in found.values()):
                    raise ValueError(f"no file holds {old!r}")
                found = {path: text.replace(old, new) for path, text in found.items()}
            case Front(path=path, text=text):
                found[path] = f"{text}\n{found[path]}"
            case Behind(path=path, text=text):
                found[path] = f"{found.get(path, '')}\n{text}\n".lstrip()
            case Rename(path=path, to=to):
                found[to] = found.pop(path)
    return found
