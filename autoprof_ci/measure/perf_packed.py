"""A recording that perf packed (``-z``), rewritten so that its stacks are whole: see `perf_file.forget_parents` for why.

Knows how packed records lie in perf's data file: the payloads of all PERF_RECORD_COMPRESSED are one zstd stream of plain records,
which may begin in one payload and end in the next::

    header, attributes │ record, record, packed(…fork, comm…), packed(…sample, sam), packed(ple, …), record │ features

Bytes in, bytes out; a stream of fifty times the file's size is never held as a whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from mmap import mmap
from typing import BinaryIO

import zstandard

from autoprof_ci.errors import DataError
from autoprof_ci.measure.perf_file import BY_EXEC, COMM, FORK, HEADER, PROCESS, RECORD, records

_COMPRESSED = 81
_SLICE_BYTES = 32 << 10
"""A record's length has 16 bits: so much is never more than that, packed."""
_FLAGS = struct.Struct("<4Q")
_SECTION = struct.Struct("<QQ")


def is_packed(data: bytes | mmap) -> bool:
    return any(kind == _COMPRESSED for _, kind, _, _ in records(data))


def rewrite(data: bytes | mmap, out: BinaryIO) -> None:
    """Write `data` to `out`, every fork that an exec follows marked. Raises `DataError` where the file is cut off."""
    told = _forks_before_exec(data)
    *_, begin, size = HEADER.unpack_from(data)
    out.write(data[:begin])
    written = 0
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    for was_packed, piece in _pieces(data, told):
        if not was_packed:
            written += out.write(piece)
            continue
        for at in range(0, len(piece), _SLICE_BYTES):
            packed = packer.compress(piece[at : at + _SLICE_BYTES]) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
            written += out.write(RECORD.pack(_COMPRESSED, 0, RECORD.size + len(packed)) + packed)
    _write_features(data, out, begin + size, written - size)
    out.seek(HEADER.size - 8)
    out.write(struct.pack("<Q", written))


def _forks_before_exec(data: bytes | mmap) -> frozenset[int]:
    """Which records, counted from 0 through all of them, are forks of processes that become something else."""
    forks: list[tuple[int, int]] = []
    execed: set[int] = set()
    number = 0
    for _, piece in _pieces(data, frozenset()):
        for at, kind, misc, _ in _walk(piece):
            if kind in (FORK, COMM):
                first, second = PROCESS.unpack_from(piece, at + RECORD.size)
                if kind == COMM and misc & BY_EXEC:
                    execed.add(first)
                elif kind == FORK and first != second:
                    forks.append((number, first))
            number += 1
    return frozenset(number for number, child in forks if child in execed)


def _pieces(data: bytes | mmap, told: frozenset[int]) -> Iterator[tuple[bool, bytearray]]:
    """Whole records as they come, and whether they were packed; those in `told` marked."""
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    number = 0
    rest = b""
    for offset, kind, _, length in records(data):
        was_packed = kind == _COMPRESSED
        if was_packed:
            try:
                piece = bytearray(rest + unpacker.decompress(data[offset + RECORD.size : offset + length]))
            except zstandard.ZstdError as error:
                raise DataError(f"perf's data file cannot be unpacked ({error})", "Record again.") from None
        else:
            piece = bytearray(data[offset : offset + length])
        end = 0
        for at, kind_within, misc, length_within in _walk(piece):
            if number in told:
                RECORD.pack_into(piece, at, kind_within, misc | BY_EXEC, length_within)
            number += 1
            end = at + length_within
        if was_packed:
            rest = bytes(piece[end:])
        yield was_packed, piece[:end]


def _walk(piece: bytearray) -> Iterator[tuple[int, int, int, int]]:
    """Offset, type, misc and length of every whole record."""
    at = 0
    while at + RECORD.size <= len(piece):
        kind, misc, length = RECORD.unpack_from(piece, at)
        if length < RECORD.size:
            raise DataError(f"perf's data file has a record of {length} bytes", "Record again.")
        if at + length > len(piece):
            return
        yield at, kind, misc, length
        at += length


def _write_features(data: bytes | mmap, out: BinaryIO, table: int, shift: int) -> None:
    """What follows the records: a table of sections, one for each flag of the header, and the sections; all moved by `shift`."""
    flags = _FLAGS.unpack_from(data, HEADER.size + _SECTION.size)
    count = sum(word.bit_count() for word in flags)
    end = table + count * _SECTION.size
    for number in range(count):
        offset, size = _SECTION.unpack_from(data, table + number * _SECTION.size)
        out.write(_SECTION.pack(offset + shift if offset >= table else offset, size))
    out.write(data[end:])
