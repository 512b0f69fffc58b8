"""Recordings that perf packed, rewritten with whole stacks: the same records, some of them marked."""

from __future__ import annotations

import io
import random
import struct
from itertools import pairwise

import pytest
import zstandard

from autoprof_ci.errors import DataError
from autoprof_ci.measure.perf_file import BY_EXEC, COMM, FORK, HEADER, RECORD
from autoprof_ci.measure.perf_packed import is_packed, rewrite

SAMPLE, ROUND, PACKED = 9, 68, 81
ATTRIBUTES = b"attributes and ids"


def record(kind: int, content: bytes, misc: int = 2) -> bytes:
    return RECORD.pack(kind, misc, RECORD.size + len(content)) + content


def fork(child: int, parent: int, misc: int = 2) -> bytes:
    return record(FORK, struct.pack("<4IQ", child, parent, child, parent, 5), misc)


def comm(pid: int, misc: int) -> bytes:
    return record(COMM, struct.pack("<2I", pid, pid) + b"name\0\0\0\0", misc)


def file_of(*parts: bytes) -> bytes:
    """A perf data file with `parts` as its records, and two features behind them."""
    begin = HEADER.size + 16 + 32 + len(ATTRIBUTES)
    data = b"".join(parts)
    table = begin + len(data)
    flags = struct.pack("<4Q", 0b101, 0, 0, 0)
    features = struct.pack("<4Q", table + 32, 5, table + 37, 3) + b"firstTWO"
    head = HEADER.pack(b"PERFILE2", HEADER.size + 48, 128, HEADER.size + 48, len(ATTRIBUTES), begin, len(data))
    return head + bytes(16) + flags + ATTRIBUTES + data + features


def packed(*chunks: bytes) -> list[bytes]:
    """Each chunk of one stream in a record of its own, as perf writes them."""
    packer = zstandard.ZstdCompressor().compressobj()
    return [record(PACKED, packer.compress(chunk) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK), misc=0) for chunk in chunks]


def unpacked(data: bytes) -> bytes:
    """All records of a file, plain."""
    *_, begin, size = HEADER.unpack_from(data)
    unpacker = zstandard.ZstdDecompressor().decompressobj()
    at, found = begin, b""
    while at < begin + size:
        kind, _, length = RECORD.unpack_from(data, at)
        assert length <= 0xFFFF
        content = data[at + RECORD.size : at + length]
        found += unpacker.decompress(content) if kind == PACKED else data[at : at + length]
        at += length
    assert at == begin + size
    return found


def rewritten(data: bytes) -> bytes:
    out = io.BytesIO()
    rewrite(data, out)
    return out.getvalue()


def test_rewrite__only_forks_before_an_exec_are_marked() -> None:
    samples = b"".join(record(SAMPLE, bytes([number % 251]) * 30_000) for number in range(20))
    stream = fork(2, 1) + samples + comm(2, 2) + fork(3, 1) + fork(1, 1) + fork(4, 2) + comm(4, BY_EXEC | 2) + samples
    cuts = [0, 5, 40, 100_003, 400_000, len(stream)]
    pieces = packed(*(stream[a:b] for a, b in pairwise(cuts)))
    between = record(ROUND, b"")
    found = rewritten(file_of(fork(5, 1), comm(5, BY_EXEC | 2), *pieces[:3], between, *pieces[3:]))
    whole = stream.replace(fork(4, 2), fork(4, 2, BY_EXEC | 2))
    plain = unpacked(found)
    # What comes between two pieces stands before the record that they share.
    assert plain.replace(between, b"", 1) == fork(5, 1, BY_EXEC | 2) + comm(5, BY_EXEC | 2) + whole
    # The features are where their table says.
    *_, begin, size = HEADER.unpack_from(found)
    first, first_size, second, second_size = struct.unpack_from("<4Q", found, begin + size)
    assert (found[first : first + first_size], found[second : second + second_size]) == (b"first", b"TWO")
    assert found[HEADER.size + 48 : begin] == ATTRIBUTES


def test_rewrite__what_does_not_pack() -> None:
    """Noise is longer packed than plain: no record may be longer than 16 bits say."""
    dice = random.Random(1)
    noise = b"".join(record(SAMPLE, dice.randbytes(60_000)) for _ in range(9))
    chunks = (noise[at : at + 50_000] for at in range(0, len(noise), 50_000))
    assert unpacked(rewritten(file_of(*packed(*chunks)))) == noise


def test_is_packed() -> None:
    assert is_packed(file_of(*packed(fork(2, 1))))
    assert not is_packed(file_of(fork(2, 1)))


@pytest.mark.parametrize("content", [b"no zstd at all", b""])
def test_rewrite__damaged(content: bytes) -> None:
    data = file_of(record(PACKED, content), record(SAMPLE, b"x"))
    if content:
        with pytest.raises(DataError, match="cannot be unpacked"):
            rewritten(data)
    else:
        assert unpacked(rewritten(data)) == record(SAMPLE, b"x")
