"""Unified diffs in all their dialects: which lines of which files."""

from __future__ import annotations

import difflib
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autoprof_ci import diffs
from autoprof_ci.errors import DataError
from autoprof_ci.model import ChangedFile, Diff, LineSpan

HUNK = "@@ -1,3 +1,4 @@\n one\n-two\n+2\n+2.5\n three\n"
LINES = (LineSpan(2, 3),)
GIT = f"diff --git a/src/x.rs b/src/x.rs\nindex 1f0a2c4..9d1e5b7 100644\n--- a/src/x.rs\n+++ b/src/x.rs\n{HUNK}"


def parsed(text: str) -> Diff:
    return diffs.parse(text.encode(), source="change.diff")


def renamed(before: str, after: str) -> str:
    return GIT.replace("a/src/x.rs", before).replace("b/src/x.rs", after)


def test_parse__names_the_lines_of_a_file() -> None:
    assert parsed(GIT) == Diff(files={"src/x.rs": LINES})


def test_parse__of_nothing_is_nothing() -> None:
    assert parsed("") == parsed("\n") == Diff()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (renamed("i/src/x.rs", "w/src/x.rs"), "src/x.rs"),
        (renamed("src/x.rs", "src/x.rs"), "src/x.rs"),
        (renamed("a/x.rs", "a/x.rs"), "a/x.rs"),
        (renamed("old/src/x.rs", "new/src/x.rs"), "src/x.rs"),
        (renamed("a/my file.rs", "b/my file.rs"), "my file.rs"),
        (renamed("my b/file.rs", "my b/file.rs"), "my b/file.rs"),
        (renamed('"a/src/\\303\\244\\"\\t.rs"', '"b/src/\\303\\244\\"\\t.rs"'), None),
        (renamed('"a/src/\\303\\244.rs"', '"b/src/\\303\\244.rs"'), "src/ä.rs"),
        (renamed("a/../../etc/passwd", "b/../../etc/passwd"), None),
        (renamed("a/src/\x1b[31m.rs", "b/src/\x1b[31m.rs"), None),
        (renamed("a/" + "x" * 5000, "b/" + "x" * 5000), None),
    ],
)
def test_parse__reads_gits_names(text: str, path: str | None) -> None:
    assert parsed(text) == Diff(files={path: LINES} if path else {})


@pytest.mark.parametrize(
    ("before", "after", "path"),
    [
        ("a/src/x.rs", "b/src/x.rs", "src/x.rs"),
        ("old/src/x.rs\t2026-11-29 03:08:55.000000000 +0000", "new/src/x.rs\t2026-11-29 03:09:00.000000000 +0000", "src/x.rs"),
        ("src/x.rs.orig\t2026-11-29", "src/x.rs\t2026-11-29", "src/x.rs"),
        ("/tmp/main/src/x.rs", "/home/me/src/x.rs", "src/x.rs"),
        ("./src/x.rs", "./src/x.rs", "src/x.rs"),
        ("/etc/passwd", "/etc/passwd", None),
        ("/dev/null", "b/src/x.rs", "src/x.rs"),
    ],
)
def test_parse__reads_names_without_git(before: str, after: str, path: str | None) -> None:
    assert parsed(f"diff -ru old new\n--- {before}\n+++ {after}\n{HUNK}") == Diff(files={path: LINES} if path else {})


def test_parse__takes_a_removed_line_that_looks_like_a_header_for_what_it_is() -> None:
    text = "--- x.sql\n+++ x.sql\n@@ -1,2 +1,2 @@\n--- a comment\n+++ b\n same\n--- y.sql\n+++ y.sql\n@@ -1 +1 @@\n-1\n+2\n"
    assert parsed(text) == Diff(files={"x.sql": (LineSpan(1, 1),), "y.sql": (LineSpan(1, 1),)})


@pytest.mark.parametrize(
    ("hunks", "spans"),
    [
        ("@@ -5,2 +4,0 @@\n-a\n-b\n", [(4, 5)]),
        ("@@ -1 +0,0 @@\n-a\n", [(1, 1)]),
        ("@@ -4,0 +5,2 @@\n+a\n+b\n", [(5, 6)]),
        ("@@ -1,3 +1,2 @@\n a\n-b\n c\n", [(1, 2)]),
        ("@@ -1,2 +1 @@\n-a\n b\n", [(1, 1)]),
        ("@@ -1,2 +1 @@\n b\n-a\n\\ No newline at end of file\n", [(1, 2)]),
        ("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+b\n\\ No newline at end of file\n", [(1, 1)]),
        ("@@ -1,2 +1,2 @@\n-a\n+b\n c\n@@ -20 +20 @@ fn x() {\n-a\n+b\n", [(1, 1), (20, 20)]),
        ("@@ -1,3 +1,3 @@\n \n\n-a\n+b\n", [(3, 3)]),
    ],
)
def test_parse__names_what_was_added_and_the_lines_around_what_was_taken_away(hunks: str, spans: list[tuple[int, int]]) -> None:
    assert parsed(f"--- x\n+++ x\n{hunks}") == Diff(files={"x": tuple(LineSpan(*span) for span in spans)})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("diff --git a/x b/y\nsimilarity index 100%\nrename from x\nrename to y\n", Diff(files={"y": ()}, removed=("x",))),
        ("diff --git a/x y b/x z\nsimilarity index 90%\nrename from x y\nrename to x z\nindex 1..2 100644\n--- a/x y\t\n"
         f"+++ b/x z\t\n{HUNK}", Diff(files={"x z": LINES}, removed=("x y",))),
        ("diff --git a/x b/y\nsimilarity index 100%\ncopy from x\ncopy to y\n", Diff(files={"y": ()})),
        ("diff --git a/x b/x\nold mode 100644\nnew mode 100755\n", Diff(files={"x": ()})),
        ("diff --git a/x b/x\nnew file mode 100644\nindex 0000000..e69de29\n", Diff(files={"x": ()})),
        ("diff --git a/x b/x\ndeleted file mode 100644\nindex 5626abf..0000000\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n",
         Diff(removed=("x",))),
        ("diff --git a/x b/x\nindex 1f0a2c4..9d1e5b7 100644\nBinary files a/x and b/x differ\n", Diff(files={"x": ()})),
        ("diff --git a/x b/x\nindex 1f0a2c4..9d1e5b7 100644\nGIT binary patch\nliteral 3\nKcmZQzU|?X\n\nliteral 0\nHcm\n\n",
         Diff(files={"x": ()})),
        ("diff --git a/sub b/sub\nindex 1f0a2c4..9d1e5b7 160000\n--- a/sub\n+++ b/sub\n@@ -1 +1 @@\n"
         "-Subproject commit 1f0a2c4\n+Subproject commit 9d1e5b7\n", Diff(files={"sub": ()})),
        ("diff --cc x\nindex 1,2..3\n--- a/x\n+++ b/x\n@@@ -1,1 -1,1 +1,2 @@@\n++a\n  b\n", Diff(files={"x": ()})),
    ],
)  # fmt: skip
def test_parse__knows_what_is_more_than_lines(headers: str, expected: Diff) -> None:
    assert parsed(headers) == expected
    with_others = parsed(headers + GIT)
    assert with_others == Diff(files={**expected.files, "src/x.rs": LINES}, removed=expected.removed)
    assert parsed(GIT + headers) == Diff(files={"src/x.rs": LINES, **expected.files}, removed=expected.removed)


def test_parse__reads_line_ends_and_encodings_of_other_systems() -> None:
    expected = Diff(files={"src/x.rs": LINES})
    assert diffs.parse(GIT.replace("\n", "\r\n").encode(), source="x") == expected
    assert diffs.parse(("\ufeff" + GIT).encode(), source="x") == expected
    assert diffs.parse(GIT.encode("utf-16"), source="x") == expected
    assert diffs.parse(GIT.encode().replace(b"+2\n", b"+\xff\xfe\0\r\n"), source="x") == expected


def test_parse__takes_the_lines_of_several_commits() -> None:
    second = GIT.replace("@@ -1,3 +1,4 @@", "@@ -11,3 +11,4 @@")
    mails = f"From 1f0a2c4 Mon\nSubject: one\n\nWords\n---\n x | 2 +-\n\n{GIT}-- \n2.43.0\n\nFrom 9d1e\n\n{second}-- \n2.43\n"
    logged = f"commit 1f0a2c4\nAuthor: A\n\n    --- words\n\n{GIT}\ncommit 9d1e5b7\n\n    words\n\n{second}"
    for text in (mails, logged, GIT + second, second + GIT):
        assert parsed(text) == Diff(files={"src/x.rs": (LineSpan(2, 3), LineSpan(12, 13))})


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "one\ntwo\n",
        HUNK,
        "+++ b/x\n",
        GIT.removesuffix(" three\n"),
        GIT.removesuffix(" three\n") + GIT,
        GIT.replace("+2.5\n", "+2.5\nx\n"),
        GIT.replace("+1,4", "+1999999999,4"),
        GIT.replace("+1,4", f"+{'9' * 5000},4"),
    ],
)
def test_parse__says_what_is_damaged(text: str) -> None:
    with pytest.raises(DataError, match=r"change\.diff .*git diff"):
        parsed(text)


def test_parse__reads_no_more_than_it_may() -> None:
    with pytest.raises(DataError, match="at most 32 MiB"):
        diffs.parse(bytes(diffs.MAX_BYTES + 1), source="x")


NAMES = st.sampled_from(["a/x", "b/x", "x y", '"a/\\303"', "/dev/null", "a/../x", "", "\t", "x\0"])
PIECES = st.one_of(
    st.builds("diff --git {} {}".format, NAMES, NAMES),
    st.builds("diff --cc {}".format, NAMES),
    st.builds("--- {}".format, NAMES),
    st.builds("+++ {}".format, NAMES),
    st.builds("rename to {}".format, NAMES),
    st.builds("Binary files {} and {} differ".format, NAMES, NAMES),
    st.builds("@@ -{},{} +{},{} @@".format, *[st.integers(0, 3)] * 4),
    st.sampled_from(["new file mode 100644", "deleted file mode 100644", "GIT binary patch", "\\ No newline at end of file"]),
    st.sampled_from(["+", "-", " ", "", "+++", "@@", "@@ -٣ +٣ @@", "commit 1", "\x85", "\u2028", "\x0c", "\r"]),
    st.text(max_size=8),
)


@given(st.lists(PIECES, max_size=25).map(lambda pieces: "\n".join(pieces).encode(errors="surrogatepass")))
@example(b"diff --git ")
@example(b"diff --cc ")
@example(b"--- \n+++ \n@@ -1 +1 @@\n-\n+\n")
@settings(max_examples=600, deadline=None)
def test_parse__fails_in_no_other_way(data: bytes) -> None:
    try:
        found = diffs.parse(data, source="x")
    except DataError:
        return
    for path, spans in found.files.items():
        assert path.isprintable() and ".." not in path.split("/") and not path.startswith("/")
        assert all(1 <= span.first <= span.last for span in spans)
        assert list(spans) == sorted(spans)


@given(st.binary(max_size=200))
def test_parse__of_any_bytes(data: bytes) -> None:
    try:
        diffs.parse(data, source="x")
    except DataError:
        return


LISTED = st.lists(st.sampled_from(["a", "b", "c", "-- d", "++ e", ""]), max_size=12)


@given(LISTED, LISTED, st.integers(0, 3))
@settings(deadline=None)
def test_parse__finds_the_lines_that_differ(before: list[str], after: list[str], context: int) -> None:
    text = "\n".join(difflib.unified_diff(before, after, "x", "x", lineterm="", n=context))
    added, removed = [], before == after
    for tag, _, _, first, last in difflib.SequenceMatcher(None, before, after).get_opcodes():
        if tag in ("insert", "replace"):
            added += range(first + 1, last + 1)
        removed |= tag == "delete"
    found = parsed(text).files.get("x", ())
    lines = {line for span in found for line in range(span.first, span.last + 1)}
    assert lines == set(added) if not removed else lines >= set(added)


def test_of_files__reads_the_pieces_that_are_there() -> None:
    files = [
        ChangedFile(path="src/x.rs", patch=HUNK.removesuffix("\n")),
        ChangedFile(path="y.rs", was="x.rs"),
        ChangedFile(path=None, was="gone.rs", patch="@@ -1 +0,0 @@\n-one"),
        ChangedFile(path="logo.png"),
        ChangedFile(path="cut.rs", patch=HUNK[:30]),
        ChangedFile(path="../../x", patch=HUNK),
        ChangedFile(path="a\nb", patch=HUNK),
    ]
    expected = Diff(files={"src/x.rs": LINES, "y.rs": (), "logo.png": (), "cut.rs": ()}, removed=("x.rs", "gone.rs"))
    assert diffs.of_files(files) == expected


def git(folder: Path, *words: str) -> bytes:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(["git", *who, *words], cwd=folder, check=True, capture_output=True).stdout


@pytest.mark.parametrize(
    "options",
    [[], ["-U0"], ["--no-prefix"], ["--src-prefix=old/", "--dst-prefix=new/"], ["--binary"], ["-c", "core.quotePath=false"]],
    ids=" ".join,
)
def test_parse__of_what_git_writes(options: list[str], tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    files = {
        "plain.rs": "1\n2\n3\n",
        "my file.rs": "1\n2\n3\n",
        "ä ö.rs": "1\n2\n",
        "gone.rs": "quite another\n",
        "old name.rs": "1\n2\n3\n4\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "logo.png").write_bytes(bytes(range(256)))
    (tmp_path / "run").write_text("1\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    for name in ("plain.rs", "my file.rs", "ä ö.rs"):
        (tmp_path / name).write_text("1\nx\n2\n3\n")
    git(tmp_path, "rm", "-q", "gone.rs")
    git(tmp_path, "mv", "old name.rs", "new name.rs")
    (tmp_path / "logo.png").write_bytes(bytes(range(255, -1, -1)))
    (tmp_path / "run").chmod(0o755)
    (tmp_path / "new file.rs").write_text("1\n2\n")
    git(tmp_path, "add", ".")
    config, rest = (options, []) if "-c" in options else ([], options)
    found = diffs.parse(git(tmp_path, *config, "diff", "-M", *rest, "HEAD"), source="git")
    spans = {"plain.rs": (LineSpan(2, 2),), "my file.rs": (LineSpan(2, 2),), "new file.rs": (LineSpan(1, 2),)}
    whole = {**spans, "ä ö.rs": found.files["ä ö.rs"], "new name.rs": (), "logo.png": (), "run": ()}
    if "--src-prefix=old/" in options:
        del whole["run"], found.files["run"]  # type: ignore[attr-defined]
    assert found == Diff(files=whole, removed=("gone.rs", "old name.rs"))
    assert found.files["ä ö.rs"][0].first == 2
