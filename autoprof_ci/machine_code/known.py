"""Functions of the programs of one session by the names that the rest of the project uses, with what is known of their code.

Knows that several symbols share a normalised name, and that two sides of a comparison must call equal code by equal digests.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from autoprof_ci.machine_code.bodies import Body, read_bodies
from autoprof_ci.machine_code.image import Image
from autoprof_ci.machine_code.lines import DebugInformation, Lines, Origins
from autoprof_ci.machine_code.sameness import Sameness, Side
from autoprof_ci.machine_code.tables import Symbol
from autoprof_ci.model import Function, FunctionCode, InlinedCode


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramFile:
    """A file of a program. `dso`: what its functions are called by; `symbols`: raw names of those that were seen running."""

    dso: str
    data: bytes = field(repr=False)
    symbols: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _File:
    """`symbols`: of each function that ran."""

    data: bytes = field(repr=False)
    symbols: Mapping[Function, tuple[Symbol, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """`side`: all of its functions, whether they ran or not. `bodies`: of those that ran."""

    side: Side
    files: tuple[_File, ...]
    bodies: Mapping[Function, tuple[Body, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProgram:
    """`code`: of the functions that ran. `origins`: of those that others were inlined into, whose lines are whose."""

    code: tuple[FunctionCode, ...]
    origins: Mapping[Function, Origins]


def known_code(programs: Sequence[Sequence[ProgramFile]]) -> tuple[KnownProgram, ...]:
    """For each program what is known of its functions that ran; equal code has equal digests on all sides, however it was folded,
    and also where a function, or what it refers to, goes by another name there.

    Lines are read of all functions of the last program, which is the one that is judged, and of the others' where the code is
    not the same; origins where it is not the same, and of a program that is alone.

    Raises `UnreadableError` at the first file that cannot be read.
    """
    read = [_program(files) for files in programs]
    first, *others = read
    digests = [{function: _digest(own) for function, own in first.bodies.items()}]
    digests += [_digests(first, digests[0], other) for other in others]
    known = []
    for program, own in zip(read, digests, strict=True):
        differ = frozenset(f for f, digest in own.items() if len(read) == 1 or any(digest != d.get(f) for d in digests))
        lines = _lines(program, frozenset(own) if program is read[-1] else differ, differ)
        code = tuple(_code(f, bodies, own[f], lines.get(f, ())) for f, bodies in sorted(program.bodies.items(), key=_by_name))
        origins = {f: together for f in differ if (together := _origins(lines.get(f, ())))}
        known.append(KnownProgram(code=code, origins=origins))
    return tuple(known)


def _lines(program: _Program, wanted: frozenset[Function], traced: frozenset[Function]) -> Mapping[Function, tuple[Lines, ...]]:
    """`traced`: those of which the origins are wanted too."""
    found: dict[Function, tuple[Lines, ...]] = {}
    for file in program.files:
        symbols = {function: own for function, own in file.symbols.items() if function in wanted}
        if not symbols:
            continue
        traced_symbols = frozenset(symbol for function in traced for symbol in symbols.get(function, ()))
        there = DebugInformation(file.data).lines((symbol for own in symbols.values() for symbol in own), traced_symbols)
        for function, own in symbols.items():
            found[function] = (*found.get(function, ()), *(there[symbol] for symbol in own if symbol in there))
    return found


def _origins(found: Iterable[Lines]) -> Origins:
    """Of all symbols of the name together."""
    together: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for lines in found:
        for at, owners in lines.origins.items():
            together[at].update(owners)
    return together


def _digests(first: _Program, known: Mapping[Function, str | None], other: _Program) -> dict[Function, str | None]:
    """Those of `first` where the code is the same."""
    sameness = Sameness(first.side, other.side)
    gone: dict[frozenset[str], list[Function]] = defaultdict(list)
    for function, bodies in first.bodies.items():
        if function not in other.bodies and function.name not in other.side.names:
            gone[_shapes(bodies)].append(function)
    digests = {}
    for function, bodies in other.bodies.items():
        alike = [function] if function in first.bodies else []
        if function.name not in first.side.names:
            alike = gone.get(_shapes(bodies), [])
        same = next((each for each in alike if sameness.matched(first.bodies[each], bodies)), None)
        digests[function] = known[same] if same is not None else _digest(bodies)
    return digests


def _shapes(found: Iterable[Body]) -> frozenset[str]:
    return frozenset(body.shape for body in found)


def _by_name(item: tuple[Function, object]) -> tuple[str, str]:
    return item[0].dso or "", item[0].name


def _program(files: Iterable[ProgramFile]) -> _Program:
    found: dict[Function, tuple[Body, ...]] = {}
    images, read_files = [], []
    for file in files:
        image = Image.read(file.data)
        images.append(image)
        symbols = {raw: image.functions[raw] for raw in sorted(file.symbols) if raw in image.functions}
        read = read_bodies(image, symbols)
        of_function: dict[Function, tuple[Symbol, ...]] = {}
        for raw, own in symbols.items():
            function = Function(image.names[raw], file.dso)
            of_function[function] = (*of_function.get(function, ()), *own)
            found[function] = (*found.get(function, ()), *read.get(raw, ()))
        read_files.append(_File(data=file.data, symbols=of_function))
    return _Program(side=Side(images), files=tuple(read_files), bodies=found)


def _digest(found: tuple[Body, ...]) -> str | None:
    """One for all bodies of a name, in whatever order they were found: what tells all, a dot, what tells all but registers and
    order."""
    if not found:
        return None
    return f"{_of_all(body.exact() for body in found)}.{_of_all(body.alike() for body in found)}"


def _of_all(digests: Iterable[str]) -> str:
    each = sorted(set(digests))
    return each[0] if len(each) == 1 else hashlib.blake2b("\n".join(each).encode(), digest_size=12).hexdigest()


def _code(function: Function, bodies: tuple[Body, ...], digest: str | None, there: tuple[Lines, ...]) -> FunctionCode:
    main = max(there, key=lambda one: one.end_line - one.line, default=None)
    inlined: dict[tuple[str, str | None], InlinedCode] = {}
    for one in (inlined_code for lines in there for inlined_code in lines.inlined):
        known = inlined.setdefault((one.name, one.file), one)
        if known is not one:
            inlined[one.name, one.file] = _joined(known, one)
    return FunctionCode(
        function=function,
        parts=max(1, len(bodies)),
        digest=digest,
        size_bytes=sum(body.size_bytes for body in bodies) or None,
        file=main.file if main else None,
        line=main.line if main else None,
        end_line=main.end_line if main else None,
        inlined_from=tuple(inlined.values()),
    )


def _joined(one: InlinedCode, other: InlinedCode) -> InlinedCode:
    lines = [line for each in (one, other) for line in (each.line, each.end_line) if line is not None]
    return InlinedCode(name=one.name, file=one.file, line=min(lines), end_line=max(lines))
