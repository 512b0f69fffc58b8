"""Folded stacks: what every profiler writes, what nobody should, and what becomes of it."""

from __future__ import annotations

import gzip
import os
import zipfile
import zlib
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoprof_ci.errors import DataError
from autoprof_ci.folded import FileKind, FoldedRun, kind_of, parse, to_samples
from autoprof_ci.model import KERNEL, Function, Run, Samples, WorkloadSamples
from tests import golden

PROFILERS = ("inferno-perf", "inferno-perf-annotated", "py-spy", "async-profiler")


@pytest.mark.parametrize("profiler", PROFILERS)
def test_parse__output_of_a_profiler__self_counts_of_leaves(profiler: str) -> None:
    run = parse((golden.GOLDEN / "folded" / f"{profiler}.folded").read_bytes(), source=profiler)
    table = "".join(f"{count:g}\t{leaf}\n" for leaf, count in sorted(run.self_counts.items()))
    golden.check(Path("folded") / f"{profiler}.self.tsv", table + f"# {run.lines} lines, {run.unreadable_lines} unreadable\n")


@pytest.mark.parametrize(
    ("data", "counts"),
    [
        (b"a;b 3\na;c;b 4\na 1", {"b": 7, "a": 1}),
        (b"a;b 3\r\na;c 4\r\n", {"b": 3, "c": 4}),
        (b"a;b\t3\n", {"b": 3}),
        (b"a;b  3  \n", {"b": 3}),
        (b"a;b 2.5\na;b 1e2\na;b 0\n", {"b": 102.5}),
        (b"\n\na;b 3\n\n", {"b": 3}),
        (b"# made by hand\n#\na;b 3\n# 4 5\n", {"b": 3}),
        (b"a;#<Class:Foo>#new 3\n#<Class:Foo>#new 4\n", {"#<Class:Foo>#new": 7}),
        (b"main;operator new(unsigned long) 3\n", {"operator new(unsigned long)": 3}),
        (b"a;f(Ljava/lang/String\\;)V 3\na;b\\;c 1\n", {"f(Ljava/lang/String;)V": 3, "b;c": 1}),
        (b"a;; 3\n 4\n;;b 5\n", {"[unknown]": 7, "b": 5}),
        (b"\xef\xbb\xbfa 3\n", {"a": 3}),
        (b"a;caf\xc3\xa9 3\na;caf\xe9 4\n", {"café": 3, "caf\\xe9": 4}),
        (b"a;thread 12 3\na;b 4\n", {"thread 12": 3, "b": 4}),
        (b"a;b 999999999999999\n", {"b": 999999999999999}),
    ],
)
def test_parse__variants_of_the_format(data: bytes, counts: dict[str, float]) -> None:
    run = parse(data, source="x")
    assert (run.source, run.self_counts, run.unreadable_lines) == ("x", counts, 0)
    assert parse(gzip.compress(data, mtime=0), source="x") == run


BAD = {
    "empty": b"",
    "blank": b" \n\t\n",
    "only-comments": b"# nothing\n# at all\n",
    "binary": b"a;b 3\n\x00\x01\x02",
    "utf-16": "a;b 3\n".encode("utf-16"),
    "random": bytes(range(1, 256)) * 40,
    "no-counts": b"a;b\nc;d;e\n",
    "count-without-a-name": b"a;b 3\n12\n",
    "negative": b"a;b 3\na;c -3\n",
    "infinite": b"a;b inf\n",
    "overflowing": b"a;b 1e999\n",
    "nan": b"a;b 3\n\na;c nan\n",
    "5000-digits": b"a;b 3\n# comment\na;c " + b"9" * 5000 + b"\n",
    "underscores": b"a;b 1_000\n",
    "all-zero": b"a;b 0\nc 0.0\n",
    "differential": b"a;b 10 12\na;c 3 0\n",
    "gzip-truncated": gzip.compress(os.urandom(4000).hex().encode() + b" 3\n", mtime=0)[:900],
    "gzip-header-only": b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
    "gzip-damaged": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + b"\xff" * 40,
    "gzip-binary": gzip.compress(bytes(1000), mtime=0),
    "long-line": b"a;b 3\n" + b"x" * 100_000_000,
    "json": b'{"$schema": "https://www.speedscope.app/file-format-schema.json"}',
    "svg": b'<?xml version="1.0" standalone="no"?><svg></svg>',
    "perf-data": b"PERFILE2" + bytes(96),
    "program": b"\x7fELF\x02\x01\x01" + bytes(57),
    "zstd": b"\x28\xb5\x2f\xfd\x04\x00",
}


def test_parse__bad_input__one_sentence_and_the_next_step() -> None:
    sentences = []
    for name, data in BAD.items():
        with pytest.raises(DataError) as caught:
            parse(data, source="run-3.folded")
        sentences.append(f"{name}: {caught.value}\n")
    golden.check(Path("folded") / "bad-inputs.txt", "".join(sentences))


def test_parse__few_unreadable_lines_in_many__counted() -> None:
    run = parse(b"a;b 1\n" * 2998 + b"a;broken\na;b;\n", source="x")
    assert run == FoldedRun(source="x", self_counts={"b": 2998}, lines=3000, unreadable_lines=2)


def test_parse__more_than_one_unreadable_line_in_a_thousand__refused() -> None:
    with pytest.raises(DataError, match="2 of 1002 lines have no count, the first is line 1001, 'a;broken'"):
        parse(b"a;b 1\n" * 1000 + b"a;broken\na;b;\n", source="x")


def test_parse__impossible_count_far_down__its_line_number() -> None:
    with pytest.raises(DataError, match=r"^Line 400002 of x ends with an impossible count, 'c -1'"):
        parse(b"a;b 1\n# note\n" * 200_000 + b"a;b 1\nc -1\n", source="x")


def test_parse__gzip_of_several_members__all_of_them() -> None:
    data = gzip.compress(b"a;b 1\n", mtime=0) + gzip.compress(b"a;b 2\na;c") + gzip.compress(b" 4\n") + b"\0" * 8
    assert parse(data, source="x").self_counts == {"b": 3, "c": 4}


def test_parse__gzip_that_unpacks_to_too_much__refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autoprof_ci.folded.MAX_UNPACKED_BYTES", 1 << 22)
    with pytest.raises(DataError, match="unpacks to more than"):
        parse(gzip.compress(b"a;b 1\n" * 1_000_000, mtime=0), source="x")


def test_parse__blocks_and_pieces__no_line_lost_at_their_ends() -> None:
    lines = [f"main;{'f' * (number % 700)};g{number % 7} {number % 5}" for number in range(20_000)]
    expected = {f"g{leaf}": sum(number % 5 for number in range(20_000) if number % 7 == leaf) for leaf in range(7)}
    assert parse("\n".join(lines).encode(), source="x").self_counts == expected


@given(
    st.binary()
    | st.lists(st.sampled_from([b"a", b";", b" ", b"\n", b"7", b".", b"-", b"#", b"\\;", b"\r\n", b"nan", b"\t"])).map(b"".join)
)
def test_parse__any_bytes__a_run_or_a_sentence(data: bytes) -> None:
    for packed in (data, gzip.compress(data, mtime=0), zlib.compress(data)):
        try:
            run = parse(packed, source="x")
        except DataError as error:
            assert error.what and error.next_step
            continue
        assert sum(run.self_counts.values()) > 0
        assert all(name and count >= 0 for name, count in run.self_counts.items())
        to_samples([run])


def test_to_samples__names_that_collide__summed() -> None:
    runs = [
        FoldedRun(
            source="1", self_counts={"_ZN1a1b17h0123456789abcdefE": 3, "a::b::hfedcba9876543210": 4, "do_IRQ_[k]": 2}, lines=3
        ),
        FoldedRun(source="2", self_counts={"a::b": 5, "sys_write_[k]": 1, "do_IRQ_[k]": 1, "[unknown]": 6}, lines=4),
    ]
    functions = (KERNEL, Function("[unknown]"), Function("a::b"))
    recorded = (
        Run(block=0, position=1, wall_s=0.0, counts=(2.0, 0.0, 7.0)),
        Run(block=1, position=1, wall_s=0.0, counts=(2.0, 6.0, 5.0)),
    )
    workload = WorkloadSamples(name="folded", starts=1, functions=functions, runs=recorded)
    assert to_samples(runs, position=1) == Samples(event="folded", period_s=None, workloads=(workload,))


def zip_file() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("manifest.json", "{}")
    return packed.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (zip_file(), FileKind.BUNDLE),
        (b"PK\x05\x06" + bytes(18), FileKind.BUNDLE),
        (b"a;b 3\n", FileKind.FOLDED),
        (gzip.compress(b"a;b 3\n" * 100_000, mtime=0), FileKind.FOLDED),
        (gzip.compress(bytes(5000), mtime=0), FileKind.OTHER),
        (b"\x1f\x8bnot gzip", FileKind.OTHER),
        (b'{"a": 1}', FileKind.OTHER),
        (b"[unknown] 3\n", FileKind.FOLDED),
        (b"\x7fELF\x02\x01\x01\0", FileKind.OTHER),
        (b"", FileKind.FOLDED),
    ],
)
def test_kind_of__told_by_content(data: bytes, kind: FileKind) -> None:
    assert kind_of(data) is kind
