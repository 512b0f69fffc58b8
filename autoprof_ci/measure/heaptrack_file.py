"""What heaptrack's library writes while a program runs, read as it comes: which stack asked for how much, and what it still held.

Pure: bytes in, sums out. Knows the raw format (versions 2 and 3, of heaptrack 1.2 to 1.5). Knows no names of functions. The
program runs in the process that writes this, so it may be hostile: nothing here grows without a limit. All numbers are
hexadecimal::

    v 10400 3                                       heaptrack 1.4.0, format 3
    x 8 /tmp/t/a                                    the program, with the length of its name (format 2: without)
    m 1 -                                           forget all modules
    m 1 x 55c4d215b000 0 6c0 1000 269               a module (x: the program), where it lies, its segments: start and size
    t 55c4d215c0d0 0                                the next stack: an address, and the stack that called it (0: nobody)
    + 64 9 55c4d93361d0                             so many bytes asked for by stack 9, given at that address
    - 55c4d93361d0                                  given back
    c 16                                            milliseconds since the beginning
    R 3bb                                           pages in memory; `c` and `R` are also the last two lines of a whole record
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from autoprof_ci.errors import DataError

MAX_LINE_BYTES = 64 << 10
"""Heaptrack's own buffer holds a page; the longest line is one with a path."""
MAX_STACKS = 2_000_000
MAX_HELD = 20_000_000
"""Pieces of memory that are held at once: each is a key of a dictionary here."""
MAX_SIZE_BYTES = 1 << 47
MAX_UNREADABLE_RATIO = 0.01
MAX_UNREADABLE_ALWAYS = 10
SMALLER = "Give the workload less to do, or leave `memory` out of its `instruments`"


@dataclass(frozen=True, slots=True)
class Place:
    """An instruction of a file: `address` as its symbols have it. ``None``: in no file that heaptrack named."""

    module: str | None
    address: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HeapRecord:
    """All that one process asked for. Lists are aligned: one entry a stack, which is a place and the stack that called it (an
    index, -1: nobody did). `program`: path of the executable. `ended`: the record is whole, up to the process' end."""

    program: str
    places: tuple[Place, ...]
    callers: tuple[int, ...]
    allocations: tuple[int, ...]
    temporary: tuple[int, ...]
    peak_bytes: tuple[int, ...]
    leaked_bytes: tuple[int, ...]
    unreadable_lines: int
    ended: bool


class HeapReader:
    """Takes a record in pieces. `feed` raises `DataError` for what no program of a gate writes; then nothing more is wanted."""

    def __init__(self) -> None:
        self._rest = b""
        self._last_kind = b""
        self._lines = self._unreadable = 0
        self._sized_names = False
        self._program = ""
        self._modules = _Modules()
        self._places: dict[tuple[str | None, int], Place] = {}
        self._stacks: list[Place] = [_NOWHERE]  # heaptrack counts stacks from 1
        self._callers = [0]
        self._allocations, self._temporary, self._at_peak = [0], [0], [0]
        self._asked: dict[bytes, tuple[int, int]] = {}  # "64 9" -> bytes, stack
        self._held: dict[bytes, tuple[int, int]] = {}  # address -> bytes, stack
        self._since_peak: dict[int, int] = {}  # stack -> bytes more than at the peak
        self._bytes = self._peak = 0
        self._last_given: bytes | None = None

    def feed(self, data: bytes) -> None:
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_LINE_BYTES:
            raise DataError("heaptrack's record has a line without an end", SMALLER)
        if lines:
            self._lines += len(lines)
            self._read(lines)
            self._last_kind = lines[-1][:1]
        if self._unreadable > max(MAX_UNREADABLE_ALWAYS, MAX_UNREADABLE_RATIO * self._lines):
            raise DataError(f"{self._unreadable} of {self._lines} lines of heaptrack's record cannot be read", "Measure again")

    def record(self) -> HeapRecord:
        leaked = [0] * len(self._stacks)
        for size, stack in self._held.values():
            leaked[stack] += size
        return HeapRecord(
            program=self._program,
            places=tuple(self._stacks[1:]),
            callers=tuple(caller - 1 for caller in self._callers[1:]),
            allocations=tuple(self._allocations[1:]),
            temporary=tuple(self._temporary[1:]),
            peak_bytes=tuple(self._at_peak[1:]),
            leaked_bytes=tuple(leaked[1:]),
            unreadable_lines=self._unreadable,
            ended=self._last_kind == b"R" and not self._rest,
        )

    def _read(self, lines: list[bytes]) -> None:
        """The only loop over millions, while the program runs."""
        asked, held, since_peak = self._asked, self._held, self._since_peak
        allocations, temporary, at_peak = self._allocations, self._temporary, self._at_peak
        last_given = self._last_given
        for line in lines:
            kind = line[:1]
            if kind == b"+":
                cut = line.rfind(b" ")
                key, address = line[2:cut], line[cut + 1 :]
                found = asked.get(key) or self._asking(key)
                if found is None:
                    self._unreadable += 1
                    continue
                size, stack = found
                lost = held.get(address)
                if lost is not None:  # given back where heaptrack could not see it
                    self._bytes -= lost[0]
                    since_peak[lost[1]] = since_peak.get(lost[1], 0) - lost[0]
                held[address] = found
                last_given = address
                allocations[stack] += 1
                since_peak[stack] = since_peak.get(stack, 0) + size
                self._bytes += size
                if self._bytes > self._peak:
                    self._peak = self._bytes
                    for each, more in since_peak.items():
                        at_peak[each] += more
                    since_peak.clear()
            elif kind == b"-":
                address = line[2:]
                found = held.pop(address, None)
                if found is not None:
                    size, stack = found
                    if address == last_given:
                        temporary[stack] += 1
                    self._bytes -= size
                    since_peak[stack] = since_peak.get(stack, 0) - size
                last_given = None
            else:
                self._other(kind, line)
        self._last_given = last_given
        if len(held) > MAX_HELD:
            raise DataError(f"the program holds more than {MAX_HELD} pieces of memory at once", SMALLER)

    def _asking(self, key: bytes) -> tuple[int, int] | None:
        try:
            size, stack = (int(word, 16) for word in key.split())
        except ValueError:
            return None
        if not (0 <= size <= MAX_SIZE_BYTES and 0 < stack < len(self._stacks)):
            return None
        if len(self._asked) < MAX_STACKS:
            self._asked[key] = size, stack
        return size, stack

    def _other(self, kind: bytes, line: bytes) -> None:
        try:
            match kind:
                case b"t":
                    self._add_stack(line)
                case b"m":
                    self._add_module(line)
                case b"x":
                    self._program = self._name(line)[0]
                case b"v":
                    self._sized_names = int(line.split()[2], 16) >= 3
                case _:
                    pass
        except (ValueError, IndexError):
            self._unreadable += 1

    def _add_stack(self, line: bytes) -> None:
        _, at, by = line.split()
        address, caller = int(at, 16), int(by, 16)
        if not 0 <= caller < len(self._stacks) or not 0 <= address < 1 << 64:
            raise ValueError
        if len(self._stacks) > MAX_STACKS:
            raise DataError(f"the program asks for memory from more than {MAX_STACKS} places", SMALLER)
        place = self._modules.place_of(address)
        self._stacks.append(self._places.setdefault((place.module, place.address), place))
        self._callers.append(caller)
        for sums in (self._allocations, self._temporary, self._at_peak):
            sums.append(0)

    def _add_module(self, line: bytes) -> None:
        name, rest = self._name(line)
        if name == "-":
            self._modules = _Modules()
            return
        start, *segments = (int(word, 16) for word in rest.split())
        self._modules.add(self._program if name == "x" else name, start, segments)

    def _name(self, line: bytes) -> tuple[str, bytes]:
        """The name in a line, and what stands behind it: names of format 3 may have blanks."""
        rest = line[2:]
        if self._sized_names:
            length, _, rest = rest.partition(b" ")
            size = int(length, 16)
            name, rest = rest[:size], rest[size:]
        else:
            name, _, rest = rest.partition(b" ")
        return name.decode("utf-8", "surrogateescape"), rest


_NOWHERE = Place(None, 0)


@dataclass(slots=True)
class _Modules:
    """Which file lies where. Segments in order of their beginnings."""

    begins: list[int] = field(default_factory=list)
    segments: list[tuple[int, str, int]] = field(default_factory=list)
    """End, path, and what to take off for the address that the file's symbols have."""

    def add(self, path: str, start: int, segments: list[int]) -> None:
        for offset, size in zip(segments[::2], segments[1::2], strict=True):
            at = bisect_right(self.begins, start + offset)
            self.begins.insert(at, start + offset)
            self.segments.insert(at, (start + offset + size, path, start))

    def place_of(self, address: int) -> Place:
        at = bisect_right(self.begins, address) - 1
        if at >= 0:
            end, path, start = self.segments[at]
            if address < end:
                return Place(path, address - start)
        return Place(None, address)
