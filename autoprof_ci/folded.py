"""Folded stacks, the text that every profiler can write: self counts out of it, and samples to be compared.

Knows the format. Knows nothing of files, of what is done with the counts, or of who is the baseline. One line is one stack,
outermost frame first, and how often it was seen:

    autopilot;main;autopilot::analyze::run;serde_json::de::from_slice 41

The last frame, the leaf, is the function that ran. Frames are separated by ``;`` (``\\;`` is part of a name), names may hold
blanks, the count is what follows the last blank or tab, an integer or a decimal. ``# `` at the start of a line is a comment.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from operator import itemgetter

from autoprof_ci.errors import DataError
from autoprof_ci.model import KERNEL, Function, Run, Samples, WorkloadSamples
from autoprof_ci.symbols import normalise_all

WORKLOAD_NAME = "folded"
EVENT = "folded"
MAX_LINE_BYTES = 8 << 20
MAX_UNPACKED_BYTES = 2 << 30
MAX_UNREADABLE_SHARE = 0.001

_GZIP = b"\x1f\x8b"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_PIECE_BYTES = 1 << 20
_BLOCK_BYTES = 128 << 10
"""As much text at a time as stays in the processor's cache: half as fast again as megabytes."""
_MAX_COUNT = 1e15
_NUMBER = re.compile(rb"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?|[+-]?(?:inf|infinity|nan)", re.IGNORECASE)
_EXPORT = (
    "Export folded stacks, one file a run (with stackcollapse-perf.pl, inferno-collapse-perf, py-spy record -f raw,"
    " asprof -o collapsed)."
)
_FOREIGN = (
    (b"{", "JSON"),
    (b"[{", "JSON"),
    (b"<?xml", "XML or SVG"),
    (b"<svg", "SVG"),
    (b"<!doctype", "HTML"),
    (b"<html", "HTML"),
    (b"perfile2", "a perf.data file"),
    (b"\x7felf", "a program"),
    (b"\x28\xb5\x2f\xfd", "packed with zstd"),
    (b"\xfd7zxz", "packed with xz"),
    (b"bzh", "packed with bzip2"),
)


class FileKind(StrEnum):
    """What a file to be compared is, told by its content and not by its name."""

    BUNDLE = "bundle"
    FOLDED = "folded"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldedRun:
    """One file: how often each leaf was seen, by the name that its profiler gave it, and how many lines could not be read."""

    source: str
    self_counts: Mapping[str, float]
    lines: int
    unreadable_lines: int = 0


def kind_of(data: bytes) -> FileKind:
    """The kind of a file, from its content or its first 64 KiB. Text of any kind is taken for folded stacks, to be `parse`d."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return FileKind.BUNDLE
    head = data[:4096]
    if head.startswith(_GZIP):
        try:
            head = zlib.decompressobj(wbits=31).decompress(data[:65536], 4096)
        except zlib.error:
            return FileKind.OTHER
    return FileKind.OTHER if b"\0" in head or _foreign(head) is not None else FileKind.FOLDED


def parse(data: bytes, *, source: str) -> FoldedRun:
    """Self counts of one file of folded stacks, plain or gzip; `source` names it in errors.

    A line without a count is left out and counted, up to one in a thousand, then it is an error; a count that is negative,
    infinite, not a number or above 1e15 is an error at once.
    """
    tails, lines = _count_tails(data, source)
    counts: defaultdict[bytes, float] = defaultdict(float)
    unreadable: dict[bytes, int] = {}
    for tail, times in tails.items():
        leaf, count = _split(tail)
        if leaf is not None and len(count) <= 15 and count.isdigit():
            counts[leaf] += int(count) * times
        elif leaf is not None and _NUMBER.fullmatch(count) is not None:
            counts[leaf] += _checked(float(count), tail, data, source) * times
        elif not tail.isspace():
            unreadable[tail] = times
    failed = sum(unreadable.values())
    if failed > lines * MAX_UNREADABLE_SHARE:
        number, line = _first_line(data, source, unreadable)
        what = f"{failed} of {lines} lines have no count, the first is line {number}, {_quoted(line)}"
        raise DataError(f"{source} is not a file of folded stacks: {what}", _EXPORT)
    if not counts:
        raise DataError(f"{source} is empty", _EXPORT)
    if all(_has_second_count(leaf) for leaf in counts):
        raise DataError(f"{source} has two counts in every line, it is the difference of two profiles", _EXPORT)
    if not sum(counts.values()):
        raise DataError(f"All counts in {source} are zero", "Profile for longer, while the program is working.")
    return FoldedRun(
        source=source,
        self_counts={_name(leaf): count for leaf, count in counts.items()},
        lines=lines,
        unreadable_lines=failed,
    )


def to_samples(runs: Sequence[FoldedRun], *, position: int = 0) -> Samples:
    """One workload with run i in block i, its functions by normalised name; what collides is summed, kernel leaves are one row.

    `position`: of these runs in their blocks. How long a sample or a run lasted is unknown: `period_s` is ``None``, `wall_s` 0.
    """
    names = normalise_all(name for run in runs for name in run.self_counts)
    rows = {raw: KERNEL if raw.endswith("_[k]") else Function(name, None) for raw, name in names.items()}
    functions = tuple(sorted(set(rows.values()), key=lambda row: (row.name, row.dso or "")))
    column = {row: index for index, row in enumerate(functions)}
    recorded = []
    for block, run in enumerate(runs):
        counts = [0.0] * len(functions)
        for raw, count in run.self_counts.items():
            counts[column[rows[raw]]] += count
        recorded.append(Run(block=block, position=position, wall_s=0.0, counts=tuple(counts)))
    workload = WorkloadSamples(name=WORKLOAD_NAME, starts=1, functions=functions, runs=tuple(recorded))
    return Samples(event=EVENT, period_s=None, workloads=(workload,))


def _count_tails(data: bytes, source: str) -> tuple[Counter[bytes], int]:
    """How often each tail of a line, from its last semicolon on, was seen, and the number of lines that are no comment.

    Most lines share their tail with many others, so that only few have to be looked at one by one. All of this loop runs
    inside the interpreter's C code: 0.2 us a line, where a Python loop takes 0.4 (bench/folded_reading.py).
    """
    tails: Counter[bytes] = Counter()
    count = 0
    for block in _blocks(data, source):
        lines = block.removesuffix(b"\n").split(b"\n")
        if b"#" in block:
            lines = [line for line in lines if not _is_comment(line)]
        without_tail = tails[b""]
        tails.update(map(itemgetter(2), map(bytes.rpartition, lines, repeat(b";"))))
        blank = lines.count(b"") if tails[b""] > without_tail else 0
        tails[b""] -= blank
        count += len(lines) - blank
    if not tails[b""]:
        del tails[b""]
    return tails, count


def _is_comment(line: bytes) -> bool:
    return line.startswith(b"# ") or (line.startswith(b"#") and not line[-1:].isdigit())


def _blocks(data: bytes, source: str) -> Iterator[bytes]:
    """The text in blocks of whole lines, with ``\\n`` for line ends and a NUL for each escaped semicolon."""
    rest = b""
    lines = 0
    for piece in _unpacked(data, source) if data.startswith(_GZIP) else _pieces(data):
        kind = None if lines or rest else _foreign(piece)
        if kind is not None or b"\0" in piece:
            raise DataError(f"{source} is {kind or 'binary'}, not folded stacks", _EXPORT)
        rest += piece if lines or rest else piece.removeprefix(_BYTE_ORDER_MARK)
        end = rest.rfind(b"\n") + 1
        if len(rest) - end > MAX_LINE_BYTES:
            number = lines + rest.count(b"\n") + 1
            raise DataError(f"Line {number} of {source} is longer than {MAX_LINE_BYTES >> 20} MiB", _EXPORT)
        yield from _plain(rest[:end])
        lines += rest.count(b"\n")
        rest = rest[end:]
    yield from _plain(rest)


def _plain(lines: bytes) -> Iterator[bytes]:
    # Searching for one byte costs a tenth of searching for two.
    text = lines.replace(b"\r\n", b"\n") if b"\r" in lines else lines
    text = text.replace(b"\\;", b"\0") if b"\\" in text else text
    begin = 0
    while begin < len(text):
        end = text.rfind(b"\n", begin, begin + _BLOCK_BYTES) + 1 or text.find(b"\n", begin) + 1 or len(text)
        yield text[begin:end]
        begin = end


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[begin : begin + _PIECE_BYTES] for begin in range(0, len(data), _PIECE_BYTES))


def _unpacked(data: bytes, source: str) -> Iterator[bytes]:
    """The content of a gzip file of one or more members, piece by piece."""
    total = 0
    while data:
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            try:
                piece = member.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise DataError(
                    f"{source} is damaged, gzip cannot be unpacked ({error})", "Download or export it again."
                ) from error
            data = member.unconsumed_tail
            if not piece and not data and not member.eof:
                raise DataError(f"{source} is truncated, its gzip data breaks off", "Download or export it again.")
            total += len(piece)
            if total > MAX_UNPACKED_BYTES:
                raise DataError(f"{source} unpacks to more than {MAX_UNPACKED_BYTES >> 30} GiB", "Profile for a shorter time.")
            yield piece
        data = member.unused_data.lstrip(b"\0")


def _foreign(head: bytes) -> str | None:
    start = head[:64].lstrip().lower()
    return next((kind for sign, kind in _FOREIGN if start.startswith(sign)), None)


def _split(tail: bytes) -> tuple[bytes | None, bytes]:
    """``leaf name 41`` -> leaf, count; ``None`` for a leaf where there is no blank, an empty one where there is but a blank."""
    parts = tail.rsplit(None, 1)
    if len(parts) == 2:
        return parts[0], parts[1]
    if tail[:1].isspace() and parts:
        return b"", parts[0]
    return None, tail


def _checked(count: float, tail: bytes, data: bytes, source: str) -> float:
    if 0 <= count <= _MAX_COUNT:
        return count
    number, _ = _first_line(data, source, {tail: 1})
    raise DataError(
        f"Line {number} of {source} ends with an impossible count, {_quoted(tail.strip())}",
        "A count is a number of samples, zero or more: export the profile again.",
    )


def _first_line(data: bytes, source: str, tails: Mapping[bytes, int]) -> tuple[int, bytes]:
    number = 0
    for block in _blocks(data, source):
        for index, line in enumerate(block.split(b"\n"), start=1):
            if line and line.rpartition(b";")[2] in tails and not _is_comment(line):
                return number + index, line
        number += block.count(b"\n")
    raise AssertionError("the tail comes from these lines")


def _has_second_count(leaf: bytes) -> bool:
    name, blank, count = leaf.rpartition(b" ")
    return bool(name) and bool(blank) and count.isdigit()


def _name(leaf: bytes) -> str:
    return leaf.strip().replace(b"\0", b";").decode("utf-8", "backslashreplace") or "[unknown]"


def _quoted(text: bytes) -> str:
    shown = text.replace(b"\0", b"\\;").decode("utf-8", "backslashreplace")
    return repr(shown if len(shown) <= 80 else shown[:79] + "…")
