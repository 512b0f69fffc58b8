from __future__ import annotations

import struct

import pytest

from autoprof_ci.errors import DataError
from autoprof_ci.measure.perf_file import Losses, forget_parents, read_losses


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<IHH", kind, 0, 8 + len(body)) + body


def file_of(*records: bytes) -> bytes:
    data = b"".join(records)
    return struct.pack("<8sQQQQQQ", b"PERFILE2", 104, 144, 0, 0, 56, len(data)) + data


SAMPLE = record(9, bytes(32))


def test_read_losses__none() -> None:
    assert read_losses(file_of(SAMPLE, SAMPLE)) == Losses(lost=0, throttled=0)


def test_read_losses__both_kinds_of_loss_and_throttling() -> None:
    lost = record(2, struct.pack("<QQ", 77, 5))
    lost_samples = record(13, struct.pack("<Q", 3))
    throttle, unthrottle = record(5, bytes(24)), record(6, bytes(24))
    assert read_losses(file_of(SAMPLE, lost, throttle, unthrottle, lost_samples, throttle)) == Losses(lost=8, throttled=2)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not begin"),
        (b"ELF" * 40, "does not begin"),
        (file_of(SAMPLE)[:-8], "cut off"),
        (file_of(), "cut off"),
        (file_of(struct.pack("<IHH", 9, 0, 0), SAMPLE), "a record of 0 bytes"),
        (file_of(SAMPLE, struct.pack("<IHH", 2, 0, 8)), "cut off"),
    ],
)
def test_read_losses__not_a_whole_file(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_losses(data)


def process_record(kind: int, first: int, second: int, misc: int = 0) -> bytes:
    body = struct.pack("<IIIIQ", first, second, first, second, 0) if kind == 7 else struct.pack("<II8s", first, second, b"hot")
    return struct.pack("<IHH", kind, misc, 8 + len(body)) + body


def test_forget_parents__of_every_child_that_becomes_another_program() -> None:
    thread, worker = process_record(7, 20, 20), process_record(7, 21, 20)
    started, named = process_record(7, 20, 19), process_record(3, 19, 19)
    execed = process_record(3, 20, 20, misc=1 << 13)
    data = bytearray(file_of(SAMPLE, named, started, execed, thread, worker, SAMPLE))
    assert forget_parents(data) == 1
    told = process_record(7, 20, 19, misc=1 << 13)
    assert bytes(data) == file_of(SAMPLE, named, told, execed, thread, worker, SAMPLE)


def test_forget_parents__of_what_is_no_whole_file_nothing() -> None:
    with pytest.raises(DataError, match="cut off"):
        forget_parents(bytearray(file_of(SAMPLE)[:-8]))
