"""Bundles that somebody made to do harm, or that went wrong on the way, and what is said about each."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import replace

from autoprof_ci import bundle
from tests import factories

RECORD_AGAIN = "Record it again, or update autoprof-ci if a newer version wrote it"
DOWNLOAD_AGAIN = "Download or record it again"
WRITTEN_BY_US = "Name a file that `autoprof-ci record` or `autoprof-ci gate` wrote"
A_NAME = "expected a name of at most 100 letters, digits, '_', '.', '+' and '-' that begins with a letter, a digit or '_'"
DO_NOT_TRUST = "autoprof-ci does not write such files: find out where it comes from, and record it again"

EVERYTHING = replace(factories.recording(), memory=(factories.workload_memory(),))
VALID = bundle.encode(factories.bundle(of=EVERYTHING, binaries=(factories.binary(packed=b"packed"),)))


def members_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


MEMBERS = members_of(VALID)


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def with_members(**changed: bytes | None) -> bytes:
    """`VALID` with other content of some members (``samples`` is ``samples.json``), or without them."""
    contents = MEMBERS | {f"{name}.json": content for name, content in changed.items()}
    return zipped(*((name, content) for name, content in contents.items() if content is not None))


def with_extra(*extra: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    return zipped(*MEMBERS.items(), *extra)


def changed(member: str, *path: str | int, to: object) -> bytes:
    """`VALID` with one value of a JSON member replaced."""
    document = json.loads(MEMBERS[f"{member}.json"])
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return with_members(**{member: json.dumps(document).encode()})


def spliced(member: str, old: str, new: str) -> bytes:
    """`VALID` with a piece of a JSON member's text replaced, for what no JSON writer writes."""
    content = MEMBERS[f"{member}.json"]
    assert old.encode() in content
    return with_members(**{member: content.replace(old.encode(), new.encode(), 1)})


def patched(data: bytes, signature: bytes, offset: int, layout: str, value: int) -> bytes:
    """`data` with a field of the first zip record of that `signature` overwritten."""
    at = data.index(signature) + offset
    field = struct.pack(layout, value)
    return data[:at] + field + data[at + len(field) :]


CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"
SAMPLES_COUNTS = ("samples", "workloads", 0, "runs", 0, "counts")


def _doubled_member() -> bytes:
    with warnings.catch_warnings(action="ignore", category=UserWarning):
        return with_extra(("samples.json", b"{}"))


def _symlink() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("link")
    info.external_attr = 0o120777 << 16
    return info


def _overlapping() -> bytes:
    """Every central entry points at the first member's bytes."""
    with zipfile.ZipFile(io.BytesIO(VALID)) as archive:
        count = len(archive.namelist())
    data = bytearray(VALID)
    at = 0
    for _ in range(count):
        at = data.index(CENTRAL, at)
        data[at + 42 : at + 46] = bytes(4)
        at += 46
    return bytes(data)


def _zip64() -> bytes:
    end = VALID.rindex(END)
    locator = b"PK\x06\x07" + bytes(16)
    return VALID[:end] + locator + VALID[end:]


def _many_members() -> bytes:
    return zipped(*((f"stacks/w{number}.folded", b"") for number in range(300)))


def _short_member() -> bytes:
    """The directory quotes fewer bytes than the first member has."""
    return patched(VALID, CENTRAL, 24, "<L", 10)


# Name of the case: the file, why it is refused, what to do.
CASES: dict[str, tuple[Callable[[], bytes], str, str]] = {
    # --- the zip ---------------------------------------------------------------------------------------------------------
    "empty": (lambda: b"", "it is empty", DOWNLOAD_AGAIN),
    "text": (lambda: b"main;work 12\n", "it is not a bundle", WRITTEN_BY_US),
    "truncated-half": (lambda: VALID[: len(VALID) // 2], "it is cut off: the zip has no end", DOWNLOAD_AGAIN),
    "truncated-by-a-byte": (lambda: VALID[:-1], "it is cut off: the zip has no end", DOWNLOAD_AGAIN),
    "signature-only": (lambda: b"PK\x03\x04", "it is cut off: the zip has no end", DOWNLOAD_AGAIN),
    "bytes-appended": (lambda: VALID + b"x", "it is cut off: the zip has no end", DOWNLOAD_AGAIN),
    "bytes-before": (lambda: b"PK\x03\x04junk" + VALID, "the end of the zip contradicts the rest of it", DOWNLOAD_AGAIN),
    "other-zip": (lambda: zipped(("readme.txt", b"hello")), "it is not a bundle: it has no member manifest.json", WRITTEN_BY_US),
    "no-manifest": (lambda: with_members(manifest=None), "it is not a bundle: it has no member manifest.json", WRITTEN_BY_US),
    "no-member-at-all": (lambda: zipped(), "it is not a bundle", WRITTEN_BY_US),
    "many-members": (_many_members, "the zip has more than 256 members", DO_NOT_TRUST),
    "million-entries-claimed": (
        lambda: patched(VALID, END, 12, "<L", 46_000_000),
        "the zip has more than 256 members",
        DO_NOT_TRUST,
    ),
    "zip64": (_zip64, "the zip is of the 64-bit kind", DO_NOT_TRUST),
    "doubled-member": (_doubled_member, "member samples.json is there twice", DO_NOT_TRUST),
    "path-upwards": (lambda: with_extra(("../x", b"")), "member ../x does not belong in a bundle", DO_NOT_TRUST),
    "path-upwards-in-stacks": (
        lambda: with_extra(("stacks/../../x.folded", b"")),
        "member stacks/../../x.folded does not belong in a bundle",
        DO_NOT_TRUST,
    ),
    "path-absolute": (lambda: with_extra(("/x", b"")), "member /x does not belong in a bundle", DO_NOT_TRUST),
    "path-of-windows": (
        lambda: with_extra(("stacks\\x.folded", b"")),
        "member stacks\\x.folded does not belong in a bundle",
        DO_NOT_TRUST,
    ),
    "path-hidden": (
        lambda: with_extra(("stacks/.x.folded", b"")),
        "member stacks/.x.folded does not belong in a bundle",
        DO_NOT_TRUST,
    ),
    "symlink": (lambda: with_extra((_symlink(), b"/etc/passwd")), "member link does not belong in a bundle", DO_NOT_TRUST),
    "folder": (lambda: with_extra(("stacks/", b"")), "member stacks/ does not belong in a bundle", DO_NOT_TRUST),
    "unknown-member": (
        lambda: with_extra(("notes\x1b[31m.txt", b"")),
        "member notes\\x1b[31m.txt does not belong in a bundle",
        DO_NOT_TRUST,
    ),
    "unknown-member-long": (
        lambda: with_extra(("n" * 5000, b"")),
        f"member {'n' * 59}…{'n' * 59} does not belong in a bundle",
        DO_NOT_TRUST,
    ),
    "other-case": (lambda: with_extra(("Samples.json", b"{}")), "member Samples.json does not belong in a bundle", DO_NOT_TRUST),
    "encrypted": (lambda: patched(VALID, CENTRAL, 8, "<H", 1), "member manifest.json is encrypted", DO_NOT_TRUST),
    "lzma": (
        lambda: zipped(*MEMBERS.items(), compression=zipfile.ZIP_LZMA),
        "member manifest.json is packed in an unknown way",
        DO_NOT_TRUST,
    ),
    "unknown-compression": (
        lambda: patched(VALID, CENTRAL, 10, "<H", 99),
        "member manifest.json is packed in an unknown way",
        DO_NOT_TRUST,
    ),
    "overlapping": (_overlapping, "member samples.json overlaps another one", DO_NOT_TRUST),
    "local-name-differs": (
        lambda: patched(VALID, b"manifest.json", 0, "<B", 0x4D),
        "member manifest.json is damaged",
        DOWNLOAD_AGAIN,
    ),
    "wrong-checksum": (lambda: patched(VALID, CENTRAL, 16, "<L", 1), "member manifest.json is damaged", DOWNLOAD_AGAIN),
    "damaged-deflate": (
        lambda: patched(VALID, b"manifest.json", 13, "<Q", 2**64 - 1),
        "member manifest.json is damaged",
        DOWNLOAD_AGAIN,
    ),
    "size-quoted-too-small": (_short_member, "member manifest.json is damaged", DOWNLOAD_AGAIN),
    "size-quoted-huge": (
        lambda: patched(VALID, CENTRAL, 24, "<L", 2**31),
        "member manifest.json unpacks to more than 4 MiB",
        DO_NOT_TRUST,
    ),
    "packed-size-quoted-huge": (
        lambda: patched(VALID, CENTRAL, 20, "<L", 2**30),
        "member samples.json overlaps another one",
        DO_NOT_TRUST,
    ),
    "zeros-300-mb": (
        lambda: with_members(samples=bytes(300_000_000)),
        "member samples.json unpacks to more than 32 MiB",
        DO_NOT_TRUST,
    ),
    "zeros-20-mb": (
        lambda: with_members(samples=bytes(20_000_000)),
        "member samples.json unpacks to more than 250 times its size",
        DO_NOT_TRUST,
    ),
    # --- JSON ------------------------------------------------------------------------------------------------------------
    "nested-manifest": (
        lambda: with_members(manifest=b"[" * 100_000),
        "manifest.json: expected `object`, got `array`",
        RECORD_AGAIN,
    ),
    "nested-samples": (
        lambda: with_members(samples=b"[" * 100_000),
        "samples.json: expected `object`, got `array`",
        RECORD_AGAIN,
    ),
    "nested-objects": (
        lambda: with_members(samples=b'{"event":' * 100_000),
        "samples.json, event: expected `str`, got `object`",
        RECORD_AGAIN,
    ),
    "nested-unread": (lambda: with_members(time=b"[" * 100_000 + b"]" * 100_000), "time.json is nested too deeply", RECORD_AGAIN),
    "nested-unread-objects": (lambda: with_members(time=b'{"a":' * 100_000), "time.json is nested too deeply", RECORD_AGAIN),
    "json-truncated": (
        lambda: with_members(samples=MEMBERS["samples.json"][:-20]),
        "samples.json is not JSON: input data was truncated",
        RECORD_AGAIN,
    ),
    "json-twice": (
        lambda: with_members(samples=MEMBERS["samples.json"] * 2),
        "samples.json is not JSON: trailing characters (byte 422)",
        RECORD_AGAIN,
    ),
    "json-empty": (lambda: with_members(code=b""), "code.json is not JSON: input data was truncated", RECORD_AGAIN),
    "json-utf-16": (
        lambda: with_members(code=MEMBERS["code.json"].decode().encode("utf-16")),
        "code.json is not UTF-8 (byte 0)",
        RECORD_AGAIN,
    ),
    "invalid-utf-8": (
        lambda: with_members(samples=MEMBERS["samples.json"].replace(b"cpu", b"cp\xff")),
        "samples.json is not UTF-8 (byte 12)",
        RECORD_AGAIN,
    ),
    "lone-surrogate": (
        lambda: spliced("samples", "cpu-clock", "\\ud800"),
        "samples.json is not JSON: unexpected end of escaped utf-16 surrogate pair (byte 16)",
        RECORD_AGAIN,
    ),
    "doubled-key": (
        lambda: spliced("samples", '"period_s"', '"period_s":1,"period_s"'),
        "samples.json has the key period_s twice in one object",
        RECORD_AGAIN,
    ),
    "doubled-key-in-map": (
        lambda: spliced("manifest", '"replay-list": "exited', '"replay-list":"","replay-list": "exited'),
        "manifest.json has the key replay-list twice in one object",
        RECORD_AGAIN,
    ),
    "unread-member-no-json": (
        lambda: with_members(time=b"{oops"),
        "time.json is not JSON: expected '\"' (byte 1)",
        RECORD_AGAIN,
    ),
    # --- numbers ---------------------------------------------------------------------------------------------------------
    "nan": (
        lambda: changed(*SAMPLES_COUNTS, 0, to=float("nan")),
        "samples.json is not JSON: invalid character (byte 361)",
        RECORD_AGAIN,
    ),
    "infinity": (
        lambda: changed(*SAMPLES_COUNTS, 0, to=float("inf")),
        "samples.json is not JSON: invalid character (byte 361)",
        RECORD_AGAIN,
    ),
    "float-too-large": (
        lambda: spliced("samples", "300", "1e400"),
        "samples.json, workloads[0].runs[0].counts[0]: number out of range",
        RECORD_AGAIN,
    ),
    "integer-of-400-digits": (
        lambda: spliced("samples", "300", "1" + "0" * 400),
        "samples.json, workloads[0].runs[0].counts[0]: number out of range",
        RECORD_AGAIN,
    ),
    "integer-of-5000-digits": (
        lambda: spliced("samples", "300", "1" * 5000),
        "samples.json, workloads[0].runs[0].counts[0]: number out of range",
        RECORD_AGAIN,
    ),
    "starts-of-5000-digits": (
        lambda: changed("samples", "workloads", 0, "starts", to=10**4000),
        "samples.json, workloads[0].starts: expected `int` <= 1000000",
        RECORD_AGAIN,
    ),
    "negative-count": (
        lambda: changed(*SAMPLES_COUNTS, 3, to=-1),
        "samples.json, workloads[0].runs[0].counts[3]: expected `float` >= 0.0",
        RECORD_AGAIN,
    ),
    "bool-count": (
        lambda: changed(*SAMPLES_COUNTS, 0, to=True),
        "samples.json, workloads[0].runs[0].counts[0]: expected `float`, got `bool`",
        RECORD_AGAIN,
    ),
    "text-count": (
        lambda: changed(*SAMPLES_COUNTS, 0, to="300"),
        "samples.json, workloads[0].runs[0].counts[0]: expected `float`, got `str`",
        RECORD_AGAIN,
    ),
    "null-count": (
        lambda: changed(*SAMPLES_COUNTS, 0, to=None),
        "samples.json, workloads[0].runs[0].counts[0]: expected `float`, got `null`",
        RECORD_AGAIN,
    ),
    "starts-zero": (
        lambda: changed("samples", "workloads", 0, "starts", to=0),
        "samples.json, workloads[0].starts: expected `int` >= 1",
        RECORD_AGAIN,
    ),
    "starts-bool": (
        lambda: changed("samples", "workloads", 0, "starts", to=True),
        "samples.json, workloads[0].starts: expected `int`, got `bool`",
        RECORD_AGAIN,
    ),
    "starts-fraction": (
        lambda: changed("samples", "workloads", 0, "starts", to=1.5),
        "samples.json, workloads[0].starts: expected `int`, got `float`",
        RECORD_AGAIN,
    ),
    "period-zero": (
        lambda: changed("samples", "period_s", to=0),
        "samples.json, period_s: expected `float` >= 1e-12",
        RECORD_AGAIN,
    ),
    "count-too-small": (
        lambda: changed(*SAMPLES_COUNTS, 0, to=5e-324),
        "samples.json, workload analyze-sessions, runs[0].counts: expected zero or at least 1e-12, found 4.94066e-324",
        RECORD_AGAIN,
    ),
    "edge-too-small": (
        lambda: changed("instructions", "workloads", 0, "edges", 1, 3, to=1e-300),
        "instructions.json, workload analyze-sessions, edges: expected zero or at least 1e-12, found 1e-300",
        RECORD_AGAIN,
    ),
    "threshold-missing": (
        lambda: changed("manifest", "policy", "thresholds", to={"time": {"max_regression": 1, "warn": 1, "min_share": 0}}),
        "manifest.json, policy.thresholds: instructions is missing",
        RECORD_AGAIN,
    ),
    "share-above-one": (
        lambda: changed("manifest", "policy", "thresholds", "time", "min_share", to=1.5),
        "manifest.json, policy.thresholds[...].min_share: expected `float` <= 1.0",
        RECORD_AGAIN,
    ),
    "edge-out-of-range": (
        lambda: changed("instructions", "workloads", 0, "edges", 1, 1, to=4),
        "instructions.json, workload analyze-sessions, edges: no function 4, there are 4",
        RECORD_AGAIN,
    ),
    "edge-negative": (
        lambda: changed("instructions", "workloads", 0, "edges", 1, 0, to=-1),
        "instructions.json, workloads[0].edges[1][0]: expected `int` >= 0",
        RECORD_AGAIN,
    ),
    "edge-too-short": (
        lambda: changed("instructions", "workloads", 0, "edges", 1, to=[0, 1, 2]),
        "instructions.json, workloads[0].edges[1]: expected `array` of length 4",
        RECORD_AGAIN,
    ),
    "memory-edge-out-of-range": (
        lambda: changed("memory", "workloads", 0, "edges", 1, 1, to=4),
        "memory.json, workload analyze-sessions, edges: no function 4, there are 4",
        RECORD_AGAIN,
    ),
    "memory-inlined-out-of-range": (
        lambda: changed("memory", "workloads", 0, "inlined", 0, 0, to=9),
        "memory.json, workload analyze-sessions, inlined: no function 9, there are 4",
        RECORD_AGAIN,
    ),
    "memory-negative": (
        lambda: changed("memory", "workloads", 0, "repeats", 0, "leaked_bytes", 0, to=-1),
        "memory.json, workloads[0].repeats[0].leaked_bytes[0]: expected `float` >= 0.0",
        RECORD_AGAIN,
    ),
    "memory-column-too-short": (
        lambda: changed("memory", "workloads", 0, "repeats", 1, "peak_bytes", to=[1]),
        "memory.json, workload analyze-sessions, repeats[1].peak_bytes: expected 4 numbers, one for each function, found 1",
        RECORD_AGAIN,
    ),
    "memory-column-missing": (
        lambda: changed("memory", "workloads", 0, "repeats", 1, to={}),
        "memory.json, workloads[0].repeats[1]: object missing required field `allocations`",
        RECORD_AGAIN,
    ),
    "false-alarm-rate-one": (
        lambda: changed("manifest", "policy", "false_alarm_rate", to=1),
        "manifest.json, policy.false_alarm_rate: expected `float` < 1.0",
        RECORD_AGAIN,
    ),
    "threshold-negative": (
        lambda: changed("manifest", "policy", "thresholds", "time", "warn", to=-0.5),
        "manifest.json, policy.thresholds[...].warn: expected `float` >= 0.0",
        RECORD_AGAIN,
    ),
    # --- structure -------------------------------------------------------------------------------------------------------
    "schema-newer": (
        lambda: changed("manifest", "schema", to=2),
        "its schema 2 is newer than this autoprof-ci, which reads up to 1",
        "Update autoprof-ci",
    ),
    "schema-newer-unlike-ours": (
        lambda: with_members(manifest=b'{"schema": 900, "new": [1]}'),
        "its schema 900 is newer than this autoprof-ci, which reads up to 1",
        "Update autoprof-ci",
    ),
    "schema-missing": (
        lambda: with_members(manifest=b"{}"),
        "manifest.json: object missing required field `schema`",
        RECORD_AGAIN,
    ),
    "schema-text": (
        lambda: changed("manifest", "schema", to="1"),
        "manifest.json, schema: expected `int`, got `str`",
        RECORD_AGAIN,
    ),
    "schema-bool": (
        lambda: changed("manifest", "schema", to=True),
        "manifest.json, schema: expected `int`, got `bool`",
        RECORD_AGAIN,
    ),
    "schema-zero": (lambda: changed("manifest", "schema", to=0), "manifest.json, schema: expected `int` >= 1", RECORD_AGAIN),
    "schema-of-4000-digits": (
        lambda: changed("manifest", "schema", to=10**4000),
        "manifest.json, schema: expected `int` <= 1000000",
        RECORD_AGAIN,
    ),
    "manifest-list": (lambda: with_members(manifest=b"[1]"), "manifest.json: expected `object`, got `array`", RECORD_AGAIN),
    "key-missing": (
        lambda: spliced("manifest", '"session"', '"Session"'),
        "manifest.json: object contains unknown field `Session`",
        RECORD_AGAIN,
    ),
    "key-unknown": (
        lambda: changed("samples", "workloads", 0, "evil\n\x1b[2J" + "k" * 1000, to=1),
        r"samples.json, workloads[0]: object contains unknown field `evil\x0a\x1b[2J" + "k" * 19 + "…" + "k" * 58 + "`",
        RECORD_AGAIN,
    ),
    "counts-too-few": (
        lambda: changed(*SAMPLES_COUNTS, to=[1, 2, 3]),
        "samples.json, workload analyze-sessions, runs[0].counts: expected 4 numbers, one for each function, found 3",
        RECORD_AGAIN,
    ),
    "counts-too-many": (
        lambda: changed(*SAMPLES_COUNTS, to=[1] * 5),
        "samples.json, workload analyze-sessions, runs[0].counts: expected 4 numbers, one for each function, found 5",
        RECORD_AGAIN,
    ),
    "repeat-too-short": (
        lambda: changed("instructions", "workloads", 0, "repeats", 1, to=[]),
        "instructions.json, workload analyze-sessions, repeats[1]: expected 4 numbers, one for each function, found 0",
        RECORD_AGAIN,
    ),
    "calls-too-short": (
        lambda: changed("instructions", "workloads", 0, "calls", to=[1]),
        "instructions.json, workload analyze-sessions, calls: expected 4 numbers, one for each function, found 1",
        RECORD_AGAIN,
    ),
    "inclusive-too-short": (
        lambda: changed("instructions", "workloads", 0, "inclusive", to=[1]),
        "instructions.json, workload analyze-sessions, inclusive: expected 4 numbers, one for each function, found 1",
        RECORD_AGAIN,
    ),
    "function-twice": (
        lambda: changed("samples", "workloads", 0, "functions", 3, to=["malloc", "libc.so.6"]),
        "samples.json, workload analyze-sessions, functions: malloc of libc.so.6 is there twice",
        RECORD_AGAIN,
    ),
    "function-of-three": (
        lambda: changed("samples", "workloads", 0, "functions", 3, to=["a", "b", "c"]),
        "samples.json, workloads[0].functions[3]: expected `array` of length 2",
        RECORD_AGAIN,
    ),
    "workload-twice": (
        lambda: changed("samples", "workloads", to=json.loads(MEMBERS["samples.json"])["workloads"] * 2),
        "samples.json, workloads: analyze-sessions is there twice",
        RECORD_AGAIN,
    ),
    "instrument-unknown": (
        lambda: spliced("manifest", '"instrument": "time"', '"instrument": "luck"'),
        "manifest.json, policy.overrides[0].instrument: invalid enum value 'luck'",
        RECORD_AGAIN,
    ),
    "caveat-unknown": (
        lambda: changed("manifest", "caveats", 0, "code", to="all_is_well"),
        "manifest.json, caveats[0].code: invalid enum value 'all_is_well'",
        RECORD_AGAIN,
    ),
    "date-impossible": (
        lambda: changed("manifest", "policy", "accepts", 0, "expires", to="2027-02-30"),
        "manifest.json, policy.accepts[0].expires: invalid RFC3339 encoded date",
        RECORD_AGAIN,
    ),
    # --- text ------------------------------------------------------------------------------------------------------------
    "workload-name-unsafe": (
        lambda: changed("samples", "workloads", 0, "name", to="../../etc"),
        f"samples.json, workloads[0].name: {A_NAME}",
        RECORD_AGAIN,
    ),
    "workload-name-empty": (
        lambda: changed("samples", "workloads", 0, "name", to=""),
        f"samples.json, workloads[0].name: {A_NAME}",
        RECORD_AGAIN,
    ),
    "workload-name-newline": (
        lambda: changed("samples", "workloads", 0, "name", to="analyze\n"),
        f"samples.json, workloads[0].name: {A_NAME}",
        RECORD_AGAIN,
    ),
    "digest-of-unsafe-name": (
        lambda: changed("manifest", "workload_digests", "/x", to=""),
        f"manifest.json, key in workload_digests: {A_NAME}",
        RECORD_AGAIN,
    ),
    "name-with-escape": (
        lambda: changed("samples", "workloads", 0, "functions", 0, 0, to="a\x1b[2Jb"),
        "samples.json, workloads[0].functions[0][0]: expected text without control characters",
        RECORD_AGAIN,
    ),
    "name-turned-around": (
        lambda: changed("samples", "workloads", 0, "functions", 0, 0, to="a\u202eb"),
        "samples.json, workloads[0].functions[0][0]: expected text without control characters",
        RECORD_AGAIN,
    ),
    "name-too-long": (
        lambda: changed("samples", "workloads", 0, "functions", 0, 0, to="x" * 100_001),
        "samples.json, workloads[0].functions[0][0]: expected `str` of length <= 100000",
        RECORD_AGAIN,
    ),
    "commit-with-newline": (
        lambda: changed("manifest", "commit", to="abc\n::set-output"),
        "manifest.json, commit: expected text without control characters",
        RECORD_AGAIN,
    ),
    "time-wrong": (
        lambda: changed("manifest", "created_at", to="yesterday"),
        "manifest.json, created_at: expected a time in UTC like 2026-01-31T12:00:00Z",
        RECORD_AGAIN,
    ),
    "stacks-invalid-utf-8": (
        lambda: zipped(*(MEMBERS | {"stacks/w.folded": b"a \xff 1"}).items()),
        "stacks/w.folded is not UTF-8 (byte 2)",
        RECORD_AGAIN,
    ),
    "stacks-with-escape": (
        lambda: zipped(*(MEMBERS | {"stacks/w.folded": b"a\x1b[2J 1"}).items()),
        "stacks/w.folded has control characters in it",
        RECORD_AGAIN,
    ),
    # --- stored programs -------------------------------------------------------------------------------------------------
    "binary-not-listed": (
        lambda: with_extra(("binaries/other.zst", b"")),
        "member binaries/other.zst is not in manifest.json",
        RECORD_AGAIN,
    ),
    "binary-missing": (
        lambda: changed("manifest", "binaries", 0, "name", to="other"),
        "member binaries/other.zst is missing",
        RECORD_AGAIN,
    ),
    "binary-twice": (
        lambda: changed("manifest", "binaries", to=json.loads(MEMBERS["manifest.json"])["binaries"] * 2),
        "manifest.json, binaries: autopilot is there twice",
        RECORD_AGAIN,
    ),
    "binary-name-unsafe": (
        lambda: changed("manifest", "binaries", 0, "name", to="../autopilot"),
        f"manifest.json, binaries[0].name: {A_NAME}",
        RECORD_AGAIN,
    ),
    "binary-digest-wrong": (
        lambda: changed("manifest", "binaries", 0, "sha256", to="ABC"),
        "manifest.json, binaries[0].sha256: expected a SHA-256 digest in hexadecimal",
        RECORD_AGAIN,
    ),
    "binary-contradicts-itself": (
        lambda: changed("manifest", "binaries", 0, "debug_removed", to=True),
        "manifest.json, binary autopilot: debug_removed and content_sha256 contradict each other",
        RECORD_AGAIN,
    ),
    "binary-size-huge": (
        lambda: changed("manifest", "binaries", 0, "size_bytes", to=2**60),
        "manifest.json, binaries[0].size_bytes: expected `int` <= 1099511627776",
        RECORD_AGAIN,
    ),
}
