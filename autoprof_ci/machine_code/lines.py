"""Where in the source a function's machine code comes from: its own lines, and those of every function compiled into it.

Knows debug information through symbolic, which turns it into one table in seconds where a reader in Python would take minutes.
Knows no instructions and no repository: files are named as the compiler named them.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from autoprof_ci.machine_code.tables import Symbol, load_address
from autoprof_ci.model import InlinedCode
from autoprof_ci.symbols import normalise_all

CLOSE_STEP_BYTES, STEP_BYTES = 4, 16
"""How far apart the places are that are looked up: closely in functions of the program's own that are traced."""
COARSE_LOOKUPS = 24
"""Of a function that is not traced, at most."""
MOST_LOOKUPS = 60_000
"""At 20 us each. Beyond, fewer places a function are looked up."""
MOST_INLINED = 40
_FOREIGN = ("/rustc/", "/.cargo/registry/", "/.rustup/", "/usr/include/", "/usr/src/", "/usr/lib/")


Origins = Mapping[tuple[str, int], Mapping[str, int]]


class Frame(NamedTuple):
    symbol: str
    file: str
    line: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """`file`, `line`, `end_line`: the function's own; `inlined`: those of others that are no library's, the most code first.

    `origins`: where lines of others are in it, as profilers that know lines only see them: base name of the file and line ->
    source function -> how much code of that line is there for it. What a library's inlined code does, it does for the function
    around it; ``""`` is the function itself.
    """

    file: str
    line: int
    end_line: int
    inlined: tuple[InlinedCode, ...]
    origins: Origins = field(default_factory=dict)


class DebugInformation:
    """That of one program file. Holds the table as long as it lives."""

    def __init__(self, data: bytes) -> None:
        self._table = _table(data)
        # symbolic counts from where the file begins in memory; symbols of a program that lies at a fixed address do not
        self._begin = load_address(data)

    @property
    def is_there(self) -> bool:
        return self._table is not None

    def frames(self, address: int) -> tuple[Frame, ...]:
        """What the instruction at `address` was compiled from: the innermost inlined function first, the function itself last."""
        if self._table is None:
            return ()
        return tuple(
            Frame(each.symbol, each.full_path or "", each.line) for each in self._table.lookup(max(0, address - self._begin))
        )

    def lines(self, symbols: Iterable[Symbol], traced: Container[Symbol] = ()) -> Mapping[Symbol, Lines]:
        """Of each function whose debug information says anything; those in `traced` looked at closely, with their origins."""
        from symbolic.exceptions import SymbolicError

        try:
            return self._lines(symbols, traced)
        except SymbolicError:  # a damaged table is one without lines
            return {}

    def _lines(self, symbols: Iterable[Symbol], traced: Container[Symbol]) -> Mapping[Symbol, Lines]:
        if self._table is None:
            return {}
        wanted = [symbol for symbol in dict.fromkeys(symbols) if symbol.size > 0]
        steps = {symbol: self._step_bytes(symbol) if symbol in traced else _coarse_step_bytes(symbol) for symbol in wanted}
        lookups = sum(symbol.size // step + 1 for symbol, step in steps.items())
        coarser = max(1, -(-lookups // MOST_LOOKUPS))
        found = {}
        for symbol, step in steps.items():
            places = range(symbol.address, symbol.address + symbol.size, step * coarser)
            frames = [self.frames(address) for address in places]
            lines = _lines(frames)
            if lines is not None:
                found[symbol] = replace(lines, origins=_origins(frames)) if symbol in traced else lines
        return found

    def _step_bytes(self, symbol: Symbol) -> int:
        frames = self.frames(symbol.address)
        return CLOSE_STEP_BYTES if frames and not is_foreign(frames[-1].file) else STEP_BYTES


def _coarse_step_bytes(symbol: Symbol) -> int:
    return max(STEP_BYTES, -(-symbol.size // COARSE_LOOKUPS))


def _table(data: bytes):  # type: ignore[no-untyped-def]  # symbolic has no types
    # imported here: only who measures pays for it
    from symbolic.debuginfo import Archive
    from symbolic.exceptions import SymbolicError

    try:
        program = next(iter(Archive.from_bytes(data).iter_objects()), None)
        return None if program is None else program.make_symcache()
    except (SymbolicError, ValueError, LookupError):
        return None


def is_foreign(file: str) -> bool:
    """Whether a file belongs to the compiler's library, to a registry or to the system, and so to no pull request."""
    return not file or any(part in file for part in _FOREIGN)


def _lines(places: Sequence[Sequence[Frame]]) -> Lines | None:
    own: Counter[str] = Counter()
    own_lines: dict[str, list[int]] = defaultdict(list)
    inlined: Counter[tuple[str, str]] = Counter()
    inlined_lines: dict[tuple[str, str], list[int]] = defaultdict(list)
    for frames in places:
        for frame in frames[:-1]:
            if frame.line > 0 and frame.file and not is_foreign(frame.file):
                inlined[frame.symbol, frame.file] += 1
                inlined_lines[frame.symbol, frame.file].append(frame.line)
        if frames and frames[-1].line > 0 and frames[-1].file:
            own[frames[-1].file] += 1
            own_lines[frames[-1].file].append(frames[-1].line)
    if not own:
        return None
    file = own.most_common(1)[0][0]
    most = inlined.most_common(MOST_INLINED)
    names = normalise_all(symbol for (symbol, _), _ in most)
    return Lines(
        file=file,
        line=min(own_lines[file]),
        end_line=max(own_lines[file]),
        inlined=tuple(
            InlinedCode(
                name=names[symbol],
                file=of_file,
                line=min(inlined_lines[symbol, of_file]),
                end_line=max(inlined_lines[symbol, of_file]),
            )
            for (symbol, of_file), _ in most
        ),
    )


def _origins(places: Sequence[Sequence[Frame]]) -> Origins:
    found: dict[tuple[str, int], Counter[str]] = defaultdict(Counter)
    for frames in places:
        if frames and frames[0].line > 0 and frames[0].file:
            owner = next((frame.symbol for frame in frames[:-1] if not is_foreign(frame.file)), "")
            found[frames[0].file.rpartition("/")[2], frames[0].line][owner] += 1
    names = {"": "", **normalise_all({symbol for owners in found.values() for symbol in owners if symbol})}
    return {
        at: {names[symbol]: count for symbol, count in owners.items()} for at, owners in found.items() if owners.keys() != {""}
    }
