"""Bad files on the command line: one sentence that says what to do, the right exit code, nothing half-written, no traceback."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autoprof_ci import bundle, cli
from autoprof_ci.errors import DataError
from tests import factories
from tests.hostile_bundles import CASES, VALID

DATA_ERROR, USAGE_ERROR = 3, 2
SENTENCE = re.compile(r"autoprof-ci: [^\n]+[.\"?!\]]\n")
FOLDED = b"main;parse 120\nmain;write 40\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder of the command, with a good file of each kind; without an autoprof.toml."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.zip").write_bytes(VALID)
    for number in range(3):
        (tmp_path / f"good{number}.folded").write_bytes(FOLDED)
    return tmp_path


def assert_refused(folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], expected: tuple[int, str]) -> None:
    """`expected`: exit code, and a piece of the sentence. Nothing is printed or left behind but that sentence."""
    before = sorted(folder.rglob("*"))
    exit_code = cli.main(["compare", *words, "--out", "out", "--json", "verdict.json", "--markdown", "comment.md"])
    printed = capsys.readouterr()
    assert SENTENCE.fullmatch(printed.err), printed.err
    assert (exit_code, printed.out) == (expected[0], "")
    assert expected[1] in printed.err
    assert len(printed.err) < 700
    assert sorted(folder.rglob("*")) == before


# --- bundles -------------------------------------------------------------------------------------------------------------

ISSUE_BUNDLES = (
    *("truncated-half", "schema-newer", "nan", "path-upwards", "path-absolute", "doubled-member"),
    *("nested-samples", "zeros-300-mb", "infinity", "negative-count", "bool-count", "encrypted", "overlapping", "key-unknown"),
)


@pytest.mark.parametrize("name", ISSUE_BUNDLES)
def test_compare__hostile_bundle(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    data, reason, next_step = CASES[name]
    (folder / "evil.zip").write_bytes(data())
    sentence = str(DataError(f"evil.zip: {reason}", next_step))
    for words in (
        ["--baseline", "evil.zip", "--candidate", "good.zip"],
        ["--baseline", "good.zip", "--candidate", "evil.zip"],
    ):
        assert_refused(folder, capsys, words, (DATA_ERROR, sentence))


def test_compare__bundle__real_process(folder: Path) -> None:
    """As a user starts it: nothing but the sentence reaches the terminal."""
    (folder / "evil.zip").write_bytes(VALID[:1000])
    command = [sys.executable, "-m", "autoprof_ci.cli", "compare", "--baseline", "evil.zip", "--candidate", "good.zip"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (DATA_ERROR, "")
    assert run.stderr == "autoprof-ci: evil.zip: it is cut off: the zip has no end. Download or record it again.\n"


# --- folded stacks -------------------------------------------------------------------------------------------------------


def _program() -> bytes:
    return Path(sys.executable).read_bytes()[:100_000]


FOLDED_CASES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", "evil.folded"),
    "blank-lines": (lambda: b"\n\n\n", "evil.folded"),
    "binary": (_program, "evil.folded"),
    "zeros": (lambda: bytes(1_000_000), "evil.folded"),
    "without-counts": (lambda: b"main;parse\nmain;write\n", "line 1"),
    "half-without-counts": (lambda: FOLDED * 10 + b"main;parse\n" * 10, "10 of 30 lines"),
    "negative-count": (lambda: FOLDED + b"main;parse -4\n", "-4"),
    "infinite-count": (lambda: FOLDED + b"main;parse inf\n", "inf"),
    "infinite-by-exponent": (lambda: FOLDED + b"main;parse 1e999\n", "1e999"),
    "nan-count": (lambda: FOLDED + b"main;parse nan\n", "nan"),
    "count-of-5000-digits": (lambda: FOLDED + b"main;parse " + b"9" * 5000 + b"\n", "evil.folded"),
    "all-zero": (lambda: b"main;parse 0\n", "zero"),
    "truncated-gzip": (lambda: gzip.compress(FOLDED * 1000)[:-20], "evil.folded"),
    "gzip-header-only": (lambda: gzip.compress(FOLDED)[:10], "evil.folded"),
    "gzip-damaged": (lambda: gzip.compress(FOLDED * 1000)[:40] + b"\xff" * 40, "evil.folded"),
    "gzip-of-gzip": (lambda: gzip.compress(gzip.compress(FOLDED)), "evil.folded"),
    "json": (lambda: b'{"schema": 1}\n', "evil.folded"),
    "svg": (lambda: b'<?xml version="1.0"?>\n<svg></svg>\n', "evil.folded"),
    "escape-sequence-in-line": (lambda: b"\x1b[2J\x1b[31mowned\n" * 5, "line 1"),
    "carriage-returns": (lambda: b"main;parse\rautoprof-ci: all is well\n" * 3, "line 1"),
}


@pytest.mark.parametrize("name", FOLDED_CASES)
def test_compare__hostile_folded_stacks(folder: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    data, part = FOLDED_CASES[name]
    (folder / "evil.folded").write_bytes(data())
    evil = ["good0.folded", "evil.folded", "good1.folded"]
    good = ["good0.folded", "good1.folded", "good2.folded"]
    expected = (DATA_ERROR, part)
    assert_refused(folder, capsys, ["--baseline", *evil, "--candidate", *good], expected)
    assert_refused(folder, capsys, ["--baseline", *good, "--candidate", *evil], expected)


# --- what is named ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("baseline", "part"),
    [
        (["missing.zip"], "missing.zip does not exist"),
        (["."], "is a folder"),
        (["good0.folded"], "1 of the at least 3"),
        (["good0.folded", "good1.folded"], "2 of the at least 3"),
        (["good.zip", "good.zip"], "good.zip is a bundle, and it is not alone"),
        (["good.zip", "good0.folded", "good1.folded"], "good.zip"),
        (["good0.folded", "good1.folded", "good2.folded"], "One side is a bundle"),
    ],
    ids=["missing", "folder", "one-folded", "two-folded", "two-bundles", "mixed", "kinds-differ"],
)
def test_compare__wrong_files_named(folder: Path, capsys: pytest.CaptureFixture[str], baseline: list[str], part: str) -> None:
    assert_refused(folder, capsys, ["--baseline", *baseline, "--candidate", "good.zip"], (USAGE_ERROR, part))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_compare__unreadable_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.zip").chmod(0)
    assert_refused(folder, capsys, ["--baseline", "good.zip", "--candidate", "good.zip"], (USAGE_ERROR, "cannot be read"))


def test_compare__file_name_with_escape_sequence(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name = "evil\x1b[2J\n.zip"
    (folder / name).write_bytes(b"PK\x03\x04")
    assert_refused(folder, capsys, ["--baseline", name, "--candidate", "good.zip"], (DATA_ERROR, "evil\\x1b[2J\\x0a.zip"))


def test_compare__good_files__leave_no_trace_of_an_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The other side of `assert_refused`: what it looks for can be there."""
    assert cli.main(["compare", "--baseline", "good.zip", "--candidate", "good.zip", "--json", "verdict.json"]) == 0
    assert "autoprof-ci:" not in capsys.readouterr().err
    assert (folder / "verdict.json").exists()


def test_merge__hostile_bundle(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for part in ("one", "two"):
        (folder / part).mkdir()
    (folder / "one" / "candidate.bundle.zip").write_bytes(bundle.encode(factories.bundle()))
    (folder / "two" / "candidate.bundle.zip").write_bytes(CASES["nested-samples"][0]())
    assert cli.main(["merge", "one", "two"]) == DATA_ERROR
    printed = capsys.readouterr()
    assert SENTENCE.fullmatch(printed.err), printed.err
    assert "two/candidate.bundle.zip: samples.json: expected `object`, got `array`" in printed.err
    assert not (folder / "out").exists()
