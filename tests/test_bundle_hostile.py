"""Whoever opens a pull request can write a bundle: reading one gives a bundle or one sentence, in little memory."""

from __future__ import annotations

import copy
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autoprof_ci import bundle
from autoprof_ci.errors import DataError
from autoprof_ci.model import Bundle
from tests.hostile_bundles import CASES, MEMBERS, VALID, with_members, zipped


@pytest.mark.parametrize("name", CASES)
def test_decode__hostile(name: str) -> None:
    data, reason, next_step = CASES[name]
    with pytest.raises(DataError) as error:
        bundle.decode(data(), source="evil.bundle.zip")
    assert (error.value.what, error.value.next_step) == (f"evil.bundle.zip: {reason}", next_step)


# --- fuzz ----------------------------------------------------------------------------------------------------------------


def outcome(data: bytes) -> Bundle | str:
    """The bundle, or the sentence why not; anything else that is raised fails the test."""
    try:
        return bundle.decode(data, source="evil.bundle.zip")
    except DataError as error:
        return str(error)


def assert_one_short_sentence(message: str) -> None:
    assert message.startswith("evil.bundle.zip: ")
    assert message.isprintable()
    assert len(message) < 500


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_decode__bytes_flipped(data: st.DataObject) -> None:
    content = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    result = outcome(bytes(content))
    if isinstance(result, str):
        assert_one_short_sentence(result)


def test_decode__cut_anywhere() -> None:
    for length in range(len(VALID)):
        assert_one_short_sentence(str(outcome(VALID[:length])))


def test_decode__piece_left_out_anywhere() -> None:
    generator = random.Random(1)
    for start in range(0, len(VALID), 7):
        end = start + generator.randrange(1, 300)
        result = outcome(VALID[:start] + VALID[end:])
        assert_one_short_sentence(str(result))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_decode__json_bytes_flipped(data: st.DataObject) -> None:
    """Behind the checksum of the zip, where flips of whole files hardly ever get."""
    name = data.draw(st.sampled_from([name for name in MEMBERS if name.endswith(".json")]))
    content = bytearray(MEMBERS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    result = outcome(zipped(*(MEMBERS | {name: bytes(content)}).items()))
    if isinstance(result, str):
        assert_one_short_sentence(result)


EVIL_VALUES = (
    *(None, True, False, -1, 0, 1.5, 2**53, 10**400, -(10**30), 1e308, -0.0, float("nan"), float("-inf")),
    *("", "x", "\x00", "../x", "a\nb", "\u202e", "\ud800", "x" * 200_000, "1", "{binary}", "9" * 5000),
    *([], {}, [[]], [None] * 3, {"": 1}, {"name": "x"}, [["a", "b"]] * 2),
)


def _places(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path:
        yield path
    children = document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    for key, child in children:
        yield from _places(child, (*path, key))


def _with(document: Any, path: tuple[str | int, ...], value: object) -> Any:
    altered = copy.deepcopy(document)
    place = altered
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return altered


@pytest.mark.parametrize("name", ["manifest", "samples", "instructions", "memory", "code"])
def test_decode__any_value_replaced(name: str) -> None:
    """Every value at every place of every member: a bundle that can be written again, or one sentence."""
    document = json.loads(MEMBERS[f"{name}.json"])
    accepted = 0
    for path in _places(document):
        for value in EVIL_VALUES:
            content = json.dumps(_with(document, path, value)).encode()
            result = outcome(zipped(*(MEMBERS | {f"{name}.json": content}).items(), compression=zipfile.ZIP_STORED))
            if isinstance(result, str):
                assert_one_short_sentence(result)
            else:
                assert bundle.decode(bundle.encode(result), source="again") == result
                accepted += 1
    assert accepted > 0


# --- memory --------------------------------------------------------------------------------------------------------------

# The kernel's own high-water mark: tracemalloc does not see what msgspec and zlib take, and getrusage begins with the parent's.
PEAK = """
import sys
from pathlib import Path
from autoprof_ci import bundle
from autoprof_ci.errors import DataError

def status_kib(key):
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key))

data = sys.stdin.buffer.read()
before = status_kib("VmRSS:")
Path("/proc/self/clear_refs").write_text("5")
try:
    bundle.decode(data, source="evil")
except DataError as error:
    print(error.what, file=sys.stderr)
print((status_kib("VmHWM:") - before) // 1024)
"""


def _numbers(count: int) -> bytes:
    """As many numbers as fit, not one of them shared: what costs most memory for its bytes and is well-formed throughout."""
    width = 100_000
    run = '{"block":0,"position":0,"wall_s":1,"counts":[' + ",".join(["2.5"] * width) + "]}"
    functions = ",".join(f'["{number}",null]' for number in range(width))
    runs = ",".join([run] * (count // width))
    text = f'{{"event":"e","period_s":1,"workloads":[{{"name":"w","starts":1,"functions":[{functions}],"runs":[{runs}]}}]}}'
    return text.encode()


@pytest.mark.parametrize(
    ("data", "most_mib"),
    [
        (lambda: with_members(samples=bytes(300_000_000)), 20),
        (lambda: zipped(*(MEMBERS | {"samples.json": b"[[]," * 8_000_000}).items(), compression=zipfile.ZIP_STORED), 60),
        (
            lambda: zipped(
                *(MEMBERS | {"memory.json": b"[" + b"[]," * 10_000_000 + b"1]"}).items(), compression=zipfile.ZIP_STORED
            ),
            120,
        ),
        (lambda: zipped(*(MEMBERS | {"samples.json": _numbers(7_000_000)}).items(), compression=zipfile.ZIP_STORED), 500),
    ],
    ids=["zeros", "brackets", "brackets-unread", "numbers"],
)
def test_decode__memory(data: Callable[[], bytes], most_mib: int) -> None:
    run = subprocess.run([sys.executable, "-c", PEAK], input=data(), capture_output=True, check=True)
    assert int(run.stdout) <= most_mib, run.stderr
