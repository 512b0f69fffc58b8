"""What git says of a checkout, and that it starts nothing which the repository names."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from autoprof_ci import diffs
from autoprof_ci.commands import changes, repository
from autoprof_ci.commands.changes import NOTHING_KNOWN, Changes
from autoprof_ci.errors import DataError, ToolError, UsageError
from autoprof_ci.model import Caveat, CaveatCode, Diff, LineSpan

WHO = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
HERE = Diff(files={"src/x.rs": (LineSpan(2, 2),)})


@pytest.fixture(autouse=True)
def no_settings_of_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", "/dev/null")


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *WHO, *words], cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def commit(folder: Path, text: str, message: str = "change") -> str:
    (folder / "src").mkdir(parents=True, exist_ok=True)
    (folder / "src" / "x.rs").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "1\n2\n3\n")
    return folder


def write(folder: Path, text: str) -> None:
    (folder / "src" / "x.rs").write_text(text)


def test_of_checkout__has_what_is_not_committed(checkout: Path) -> None:
    write(checkout, "1\nx\n3\n")
    (checkout / "untracked.rs").write_text("1\n")
    assert changes.of_checkout(checkout, None) == Changes(diff=HERE)
    git(checkout, "add", "src")
    assert changes.of_checkout(checkout / "src", None) == Changes(diff=HERE)


def test_of_checkout__compares_with_the_merge_base(checkout: Path) -> None:
    git(checkout, "switch", "-qc", "feature")
    commit(checkout, "1\nx\n3\n")
    git(checkout, "switch", "-q", "main")
    commit(checkout, "1\n2\n3\n4\n5\n")
    git(checkout, "switch", "-q", "feature")
    assert changes.of_checkout(checkout, None) == Changes(diff=HERE)
    assert changes.of_checkout(checkout, "f" * 40) == Changes(diff=HERE)


def test_of_checkout__compares_with_the_commit_of_the_baseline(checkout: Path) -> None:
    baseline = git(checkout, "rev-parse", "HEAD")
    commit(checkout, "1\nx\n3\n")
    assert changes.of_checkout(checkout, baseline) == Changes(diff=HERE)
    assert changes.of_checkout(checkout, None) == Changes(diff=Diff())
    assert changes.of_checkout(checkout, "--output=x") == Changes(diff=Diff())


def test_of_checkout__prefers_the_branch_of_the_remote(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "branch", "-m", "trunk")
    git(tmp_path, "clone", "-q", str(checkout), "clone")
    clone = tmp_path / "clone"
    commit(clone, "1\nx\n3\n")
    assert changes.of_checkout(clone, None) == Changes(diff=HERE)
    [caveat] = changes.of_checkout(checkout, None).caveats
    assert caveat.code is CaveatCode.DIFF_UNAVAILABLE
    assert caveat.detail == "git knows neither the baseline's commit nor a default branch here"


def test_of_checkout__without_a_repository_has_nothing_to_say(tmp_path: Path) -> None:
    assert changes.of_checkout(tmp_path, "f" * 40) == NOTHING_KNOWN
    git(tmp_path, "init", "-q")
    assert changes.of_checkout(tmp_path, None) == NOTHING_KNOWN


def test_of_checkout__knows_what_moved(checkout: Path) -> None:
    git(checkout, "mv", "src/x.rs", "src/y z.rs")
    assert changes.of_checkout(checkout, None) == Changes(diff=Diff(files={"src/y z.rs": ()}, removed=("src/x.rs",)))


def test_changed_since__starts_nothing_that_the_repository_names(checkout: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\ncat\n")
    trap.chmod(0o755)
    (checkout / ".gitattributes").write_text("*.rs diff=evil filter=evil\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "-qm", "attributes")
    for key in ("diff.external", "diff.evil.command", "diff.evil.textconv", "filter.evil.clean", "filter.evil.process"):
        git(checkout, "config", key, str(trap))
    for key in ("core.fsmonitor", "core.pager", "pager.diff", "core.sshCommand"):
        git(checkout, "config", key, str(trap))
    for key, value in (
        ("filter.evil.required", "true"),
        ("diff.noprefix", "true"),
        ("color.ui", "always"),
        ("diff.context", "9"),
    ):
        git(checkout, "config", key, value)
    hooks = checkout / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-index-change", "fsmonitor-watchman"):
        (hooks / name).write_text(trap.read_text())
        (hooks / name).chmod(0o755)
    write(checkout, "1\nx\n3\n")
    assert changes.of_checkout(checkout, None) == Changes(diff=HERE)
    assert not (tmp_path / "started").exists()


def test_changed_since__stops_at_its_size(checkout: Path) -> None:
    write(checkout, "x" * 100_000)
    with pytest.raises(ToolError, match="larger than 0 MiB"):
        repository.changed_since(checkout, "HEAD", 1000)


def test_changed_since__of_a_commit_that_is_not_there(checkout: Path) -> None:
    with pytest.raises(ToolError, match="what differs from fffffff"):
        repository.changed_since(checkout, "f" * 40, 1000)


def test_of_checkout__that_is_damaged(checkout: Path) -> None:
    (checkout / ".git" / "index").write_bytes(b"damaged")
    [caveat] = changes.of_checkout(checkout, None).caveats
    assert caveat == Caveat(
        code=CaveatCode.DIFF_UNAVAILABLE,
        detail=f"git could not say what differs from {git(checkout, 'rev-parse', 'HEAD')[:7]}, or not within 20 s",
    )


def test_named__reads_what_is_named_or_says_why_not(tmp_path: Path) -> None:
    path = tmp_path / "change.diff"
    assert changes.named(None) == NOTHING_KNOWN
    with pytest.raises(UsageError, match="does not exist"):
        changes.named(str(path))
    path.write_text("--- a/src/x.rs\n+++ b/src/x.rs\n@@ -2 +2 @@\n-2\n+x\n")
    assert changes.named(str(path)) == Changes(diff=HERE)
    path.write_text("no diff\n")
    with pytest.raises(DataError, match=r"change\.diff is not a unified diff"):
        changes.named(str(path))
    path.write_bytes(bytes(diffs.MAX_BYTES + 1))
    with pytest.raises(UsageError, match="MB large"):
        changes.named(str(path))
