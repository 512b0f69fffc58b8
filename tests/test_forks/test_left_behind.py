"""What a fork's run may leave behind: it is read as a stranger's."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable

import pytest

from autoprof_ci import bundle
from tests import hostile_bundles
from tests.relayed import FLAT, Forked, flat, measured, report, slower, zipped
from tests.test_forks.arranged import GREEN, RED, with_baseline


def _with_flag() -> bytes:
    return hostile_bundles.patched(report(measured(), flat()), hostile_bundles.CENTRAL, 8, "<H", 1)


def _claiming(size_bytes: int) -> bytes:
    return hostile_bundles.patched(report(measured(), flat()), hostile_bundles.CENTRAL, 24, "<L", size_bytes)


def _symlink() -> bytes:
    info = zipfile.ZipInfo("candidate.bundle.zip")
    info.external_attr = 0o120777 << 16
    return zipped((info, b"/etc/passwd"))


def _of_zeros() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("candidate.bundle.zip", bytes(64 << 20))
    return buffer.getvalue()


def _many_members() -> bytes:
    return zipped(*((f"charts/{number}.png", b"") for number in range(3000)), ("candidate.bundle.zip", bundle.encode(flat())))


def _candidate(data: bytes) -> bytes:
    return zipped(("candidate.bundle.zip", data))


def _not_a_number(text: str) -> bytes:
    members = hostile_bundles.members_of(bundle.encode(flat()))
    spoilt = members["instructions.json"].replace(str(int(FLAT)).encode(), text.encode())
    assert spoilt != members["instructions.json"]
    return _candidate(zipped(*({**members, "instructions.json": spoilt}).items()))


UNREADABLE: dict[str, Callable[[], bytes]] = {
    "no-zip": lambda: b"<html>not a zip</html>",
    "empty": lambda: b"",
    "cut-off": lambda: report(measured(), flat())[:-30],
    "no-bundle": lambda: zipped(("comment.md", b"### all green")),
    "bundle-elsewhere": lambda: zipped(("../candidate.bundle.zip", bundle.encode(flat()))),
    "absolute": lambda: zipped(("/candidate.bundle.zip", bundle.encode(flat()))),
    "twice": lambda: zipped(*(("candidate.bundle.zip", bundle.encode(each)) for each in (flat(), slower()))),
    "encrypted": _with_flag,
    "symlink": _symlink,
    "bomb": _of_zeros,
    "claims-4-gib": lambda: _claiming(2**32 - 2),
    "claims-512-mib": lambda: _claiming(512 << 20),
    "directory-of-thousands": _many_members,
    "bundle-is-a-report": lambda: _candidate(report(measured(), flat())),
    "nan": lambda: _not_a_number("NaN"),
    "infinite": lambda: _not_a_number("1e999"),
    "negative": lambda: _not_a_number("-1"),
    "newer-schema": lambda: _candidate(hostile_bundles.changed("manifest", "schema", to=2)),
    "failed-json-broken": lambda: zipped(("failed.json", b"{")),
    "failed-json-other": lambda: zipped(("failed.json", b'{"schema": 1, "what": ["x"], "next_step": ""}')),
    "failed-json-large": lambda: zipped(("failed.json", b" " * (1 << 20))),
    "failed-json-twice": lambda: zipped(("failed.json", b"{}"), ("failed.json", b"{}")),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_relay__what_cannot_be_read_is_told_and_never_passes(forked: Forked, case: str) -> None:
    """Exit 0: a fork must not be able to paint the base branch's newest commit red."""
    with_baseline(forked)
    forked.left(UNREADABLE[case]())
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert told.first_line is not None and told.first_line.startswith("### ⚪ Not measured: ")
    assert "Traceback" not in told.log
    assert "::warning::" in told.log and "than 0 MiB" not in told.log


@pytest.mark.parametrize("case", [name for name in hostile_bundles.CASES if name not in ("empty",)])
def test_relay__a_bundle_that_decode_refuses_is_told(forked: Forked, case: str) -> None:
    make, reason, _ = hostile_bundles.CASES[case]
    with_baseline(forked)
    forked.left(_candidate(make()))
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert f"candidate.bundle.zip: {reason}" in told.log.replace("%25", "%")


def test_relay__a_digest_that_differs_is_told(forked: Forked) -> None:
    """The artifact was another one when it was listed."""
    with_baseline(forked)
    forked.left(report(measured(), flat()), digest="sha256:" + "0" * 64)
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert "is damaged: its bytes are not those that were uploaded" in told.log


def test_relay__an_artifact_that_is_too_large_is_not_fetched(forked: Forked) -> None:
    number = forked.left(report(measured(), flat()))
    forked.repository.artifacts[number].size_bytes = 2**40
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert not [request for request in forked.github.log if "/blob" in request.path or request.path.endswith("/zip")]


def test_relay__a_report_that_expired_is_none(forked: Forked) -> None:
    forked.left(report(measured(), flat()), expired=True)
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert told.first_line == "### ⚪ Not measured: the run that measures left no report."


@pytest.mark.parametrize("conclusion", ["success", "failure", "timed_out", "startup_failure"])
def test_relay__a_run_without_a_report_is_told(forked: Forked, conclusion: str) -> None:
    forked.ran(conclusion=conclusion)
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert told.first_line == "### ⚪ Not measured: the run that measures left no report."


def test_relay__the_newest_attempt_counts(forked: Forked) -> None:
    baseline = with_baseline(forked)
    forked.ran(attempt=11)
    forked.left(report(baseline, slower()), "autoprof-report-2")
    forked.left(report(baseline, flat()), "autoprof-report-11")
    forked.left(report(baseline, slower()), "autoprof-report-9")
    told = forked.tell()
    assert (told.first_line, told.state) == (GREEN.format(base=forked.base[:7]), "success")


@pytest.mark.parametrize("name", ["autoprof-report", "autoprof-report-0", "autoprof-report-1x", "autoprof-report-arm-1", "x"])
def test_relay__other_artifacts_are_not_the_report(forked: Forked, name: str) -> None:
    forked.left(report(measured(), flat()), name)
    assert forked.tell().first_line == "### ⚪ Not measured: the run that measures left no report."


def test_relay__the_report_of_another_run_is_not_looked_at(forked: Forked) -> None:
    baseline = with_baseline(forked)
    forked.ran(id=6)
    forked.repository.artifact("autoprof-report-2", report(baseline, flat()), 6)
    forked.claims(baseline, slower())
    assert forked.tell().first_line == RED


def test_relay__a_failure_is_told_in_its_words(forked: Forked) -> None:
    said = {"schema": 1, "what": "The workload work exited with 3 instead of 0", "next_step": "Look at it."}
    forked.left(zipped(("failed.json", json.dumps(said).encode()), ("candidate.bundle.zip", bundle.encode(flat()))))
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    assert told.first_line == "### ⚪ Not measured: the workload work exited with 3 instead of 0."
    assert told.description == "not measured: The workload work exited with 3 instead of 0"
