"""Where in the pull request: which line of it a function's cost comes from, and whether anything that reaches it is changed.

Knows the lines of functions (`FunctionCode`), the lines of a change (`Diff`) and who calls whom. Knows no numbers, no verdict.

    FunctionCode  src/redact.rs 40–61, and src/keys.rs 7–9 inlined into it
    Diff          src/redact.rs 42–43                                        ──►  src/redact.rs:42, changed here
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from autoprof_ci.analysis.callgraph import CallGraph
from autoprof_ci.model import BINARY_DSO, Diff, Function, FunctionCode, LineSpan, Reason, ReasonCode, Source, in_repository

_BUILD_NAMES = frozenset(
    {
        "Cargo.toml", "Cargo.lock", "build.rs", "rust-toolchain", "rust-toolchain.toml",
        "CMakeLists.txt", "CMakePresets.json", "Makefile", "GNUmakefile", "makefile", "meson.build", "meson_options.txt",
        "configure.ac", "configure", "conanfile.txt", "conanfile.py", "vcpkg.json", "BUILD", "BUILD.bazel", "WORKSPACE",
        "MODULE.bazel", ".bazelrc", "go.mod", "go.sum", "go.work", "build.zig", "build.zig.zon", "Package.swift",
        "Package.resolved", "Dockerfile", ".gitmodules",
    }
)  # fmt: skip
_BUILD_ENDINGS = (".cmake", ".mk", "/.cargo/config.toml", "/.cargo/config")
_INCLUDED = (".h", ".hh", ".hpp", ".hxx", ".inc", ".inl", ".ipp", ".tcc", ".def")
"""Of C and C++: what is changed in one of these may be anywhere, and no debug information says where."""


class Reach(Enum):
    """Whether anything changed lies on the way to a function: itself, whoever calls it, whatever it calls, at any distance."""

    CHANGED = auto()
    NOTHING = auto()
    UNKNOWN = auto()
    """No debug information, or no call graph."""


def source_of(code: FunctionCode | None, diff: Diff | None) -> Source | None:
    """The line to show of a function: the first one of its own that is changed, else the first one that was inlined into it and
    is changed, else its first. ``None`` where it does not come from a file of the repository.

    `Source.changed_here` is ``None`` without a diff, and where of a changed file nobody knows which lines.
    """
    if code is None:
        return None
    if diff is not None:
        for file, lines in _places(code):
            line = _first_changed(lines, diff.files.get(file, ()))
            if line is not None:
                return Source(file=file, line=line, changed_here=True)
    if code.file is None or not in_repository(code.file):
        return None
    unknown = diff is None or diff.files.get(code.file) == ()
    return Source(file=code.file, line=code.line, changed_here=None if unknown else False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The candidate's functions held against a change, once for all that is asked of them.

    `touched`: functions with changed lines in them. `loose`: files with changed lines that are in no known function: a type, a
    constant, code that did not run.
    """

    code: Mapping[Function, FunctionCode]
    diff: Diff
    touched: frozenset[Function]
    loose: frozenset[str]


def survey(code: Mapping[Function, FunctionCode], diff: Diff) -> Ground:
    taken: dict[str, list[LineSpan]] = {}
    for each in code.values():
        for file, lines in _places(each):
            if lines is not None and file in diff.files:
                taken.setdefault(file, []).append(lines)
    known = {file: _apart(taken.get(file, ())) for file in diff.files}
    loose = {
        file
        for file, spans in diff.files.items()
        if not spans or any(_first_changed(span, known[file]) is None for span in spans)
    }
    touched = frozenset(function for function, each in code.items() if _touches(each, diff))
    return Ground(code=code, diff=diff, touched=touched, loose=frozenset(loose))


def reached(function: Function, graph: CallGraph | None, ground: Ground) -> Reach:
    """Whether anything that reaches `function` by calls is changed. What is loose in a file counts for all that is in it."""
    own = ground.code.get(function)
    if function in ground.touched:
        return Reach.CHANGED
    if graph is None or own is None or own.file is None:
        return Reach.UNKNOWN
    way = _way(function, graph)
    if way & ground.touched or any(file.endswith(_INCLUDED) for file in (*ground.diff.files, *ground.diff.removed)):
        return Reach.CHANGED
    known = [ground.code[each] for each in way if each in ground.code]
    if any(file in ground.loose for each in known for file, _ in _places(each)):
        return Reach.CHANGED
    # what lies on the way and has no lines may be what was changed; and somewhere on it there is a function of the repository, or
    # its files are called by other names here
    is_known = 2 * sum(each.file is not None for each in known) >= sum(each.dso == BINARY_DSO for each in way)
    is_known = is_known and any(each.file is not None and in_repository(each.file) for each in known)
    return Reach.NOTHING if is_known else Reach.UNKNOWN


def not_reached(function: Function, graph: CallGraph | None, ground: Ground) -> Reason | None:
    """That nothing which reaches `function` is changed; in the detail the first file that may change every function."""
    if reached(function, graph, ground) is not Reach.NOTHING:
        return None
    return Reason(code=ReasonCode.NOT_REACHED, detail=next(iter(build_files(ground.diff)), ""))


def build_files(diff: Diff) -> tuple[str, ...]:
    """The changed files that say how the program is built and of what, those nearest to the top first."""
    found = [file for file in (*diff.files, *diff.removed) if _is_build_file(file)]
    return tuple(sorted(found, key=lambda file: (file.count("/"), file)))


def _is_build_file(file: str) -> bool:
    return file.rpartition("/")[2] in _BUILD_NAMES or f"/{file}".endswith(_BUILD_ENDINGS)


def _places(code: FunctionCode) -> Iterator[tuple[str, LineSpan | None]]:
    """Files of the repository and the lines there: its own ones before those of code inlined into it."""
    parts = [(code.file, code.line, code.end_line), *((part.file, part.line, part.end_line) for part in code.inlined_from)]
    for file, first, last in parts:
        if file is not None and in_repository(file):
            yield file, None if first is None else LineSpan(first, max(first, last or first))


def _first_changed(lines: LineSpan | None, changed: Sequence[LineSpan]) -> int | None:
    """`changed`: in order, and apart from one another."""
    if lines is None:
        return None
    at = bisect_left(changed, lines.first, key=lambda span: span.last)
    return max(changed[at].first, lines.first) if at < len(changed) and changed[at].first <= lines.last else None


def _apart(spans: Iterable[LineSpan]) -> list[LineSpan]:
    apart: list[LineSpan] = []
    for span in sorted(spans):
        if apart and span.first <= apart[-1].last:
            apart[-1] = LineSpan(apart[-1].first, max(apart[-1].last, span.last))
        else:
            apart.append(span)
    return apart


def _touches(code: FunctionCode, diff: Diff) -> bool:
    """Where nobody knows which lines of a file are changed, or which ones are the function's, all of them may be."""
    return any(
        file in diff.files and (not diff.files[file] or lines is None or _first_changed(lines, diff.files[file]) is not None)
        for file, lines in _places(code)
    )


def _way(function: Function, graph: CallGraph) -> set[Function]:
    found = {function}
    for neighbours in (graph.callers, graph.callees):
        seen = {function}
        front = {function}
        while front:
            front = {near for each in front for near in neighbours.get(each, ())} - seen
            seen |= front
        found |= seen
    return found
