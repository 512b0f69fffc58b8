"""Functions of the programs of one session by the names that the rest of the project uses, with what is known of their code.

Knows that several symbols share a normalised name, and that two sides of a comparison must call equal code by equal digests.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from autoprof_ci.machine_code import bodies
from autoprof_ci.machine_code.bodies import Body
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
class _Found:
    """What one program has of one function."""

    bodies: tuple[Body, ...]
    lines: tuple[Lines, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Program:
    """`side`: all of its functions, whether they ran or not."""

    side: Side
    found: Mapping[Function, _Found]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownProgram:
    """`code`: of the functions that ran. `origins`: of those that others were inlined into, whose lines are whose."""

    code: tuple[FunctionCode, ...]
    origins: Mapping[Function, Origins]


def known_code(programs: Sequence[Sequence[ProgramFile]]) -> tuple[KnownProgram, ...]:
    """For each program what is known of its functions that ran; equal code has equal digests on all sides, however it was folded,
    and also where a function, or what it refers to, goes by another name there.

    Raises `UnreadableError` at the first file that cannot be read.
    """
    read = [_program(files) for files in programs]
    first, *others = read
    digests = [{function: _digest(one.bodies) for function, one in first.found.items()}]
    digests += [_digests(first, digests[0], other) for other in others]
    return tuple(
        KnownProgram(
            code=tuple(_code(function, one, digest[function]) for function, one in sorted(side.found.items(), key=_by_name)),
            origins={function: origins for function, one in side.found.items() if (origins := _origins(one))},
        )
        for side, digest in zip(read, digests, strict=True)
    )


def _origins(found: _Found) -> Origins:
    """Of all symbols of the name together."""
    together: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for lines in found.lines:
        for at, owners in lines.origins.items():
            together[at].update(owners)
    return together


def _digests(first: _Program, known: Mapping[Function, str | None], other: _Program) -> dict[Function, str | None]:
    """Those of `first` where the code is the same."""
    sameness = Sameness(first.side, other.side)
    gone: dict[frozenset[str], list[Function]] = defaultdict(list)
    for function, one in first.found.items():
        if function not in other.found and function.name not in other.side.names:
            gone[_shapes(one)].append(function)
    digests = {}
    for function, one in other.found.items():
        alike = [function] if function in first.found else []
        if function.name not in first.side.names:
            alike = gone.get(_shapes(one), [])
        same = next((each for each in alike if sameness.matched(first.found[each].bodies, one.bodies)), None)
        digests[function] = known[same] if same is not None else _digest(one.bodies)
    return digests


def _shapes(found: _Found) -> frozenset[str]:
    return frozenset(body.shape for body in found.bodies)


def _by_name(item: tuple[Function, _Found]) -> tuple[str, str]:
    return item[0].dso or "", item[0].name


def _program(files: Iterable[ProgramFile]) -> _Program:
    found: dict[Function, list[Symbol]] = defaultdict(list)
    of_symbol: dict[tuple[str, Symbol], Body] = {}
    lines: dict[tuple[str, Symbol], Lines] = {}
    images = []
    for file in files:
        image = Image.read(file.data)
        images.append(image)
        symbols = {raw: image.functions[raw] for raw in sorted(file.symbols) if raw in image.functions}
        read = bodies.read(image, symbols)
        for raw, own in symbols.items():
            found[Function(image.names[raw], file.dso)] += own
            of_symbol.update({(file.dso, symbol): body for symbol, body in zip(own, read.get(raw, ()), strict=False)})
        there = DebugInformation(file.data).lines(symbol for own in symbols.values() for symbol in own)
        lines.update({(file.dso, symbol): of for symbol, of in there.items()})
    functions = {
        function: _Found(
            bodies=tuple(of_symbol[function.dso or "", s] for s in own if (function.dso or "", s) in of_symbol),
            lines=tuple(lines[function.dso or "", s] for s in own if (function.dso or "", s) in lines),
        )
        for function, own in found.items()
    }
    return _Program(side=Side(images), found=functions)


def _digest(found: tuple[Body, ...]) -> str | None:
    """One for all bodies of a name, in whatever order they were found: what tells all, a dot, what tells all but registers and
    order."""
    if not found:
        return None
    return f"{_of_all(body.exact() for body in found)}.{_of_all(body.alike() for body in found)}"


def _of_all(digests: Iterable[str]) -> str:
    each = sorted(set(digests))
    return each[0] if len(each) == 1 else hashlib.blake2b("\n".join(each).encode(), digest_size=12).hexdigest()


def _code(function: Function, found: _Found, digest: str | None) -> FunctionCode:
    main = max(found.lines, key=lambda one: one.end_line - one.line, default=None)
    inlined: dict[tuple[str, str | None], InlinedCode] = {}
    for one in (inlined_code for lines in found.lines for inlined_code in lines.inlined):
        known = inlined.setdefault((one.name, one.file), one)
        if known is not one:
            inlined[one.name, one.file] = _joined(known, one)
    return FunctionCode(
        function=function,
        parts=max(1, len(found.bodies)),
        digest=digest,
        size_bytes=sum(body.size_bytes for body in found.bodies) or None,
        file=main.file if main else None,
        line=main.line if main else None,
        end_line=main.end_line if main else None,
        inlined_from=tuple(inlined.values()),
    )


def _joined(one: InlinedCode, other: InlinedCode) -> InlinedCode:
    lines = [line for each in (one, other) for line in (each.line, each.end_line) if line is not None]
    return InlinedCode(name=one.name, file=one.file, line=min(lines), end_line=max(lines))
