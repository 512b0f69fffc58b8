"""What a change touches, out of the text that git, diff and GitHub write: a unified diff.

Knows the format and its dialects. Knows nothing of files on a disk, of git itself, or of what is done with the lines.

    diff --git a/src/redact.rs b/src/redact.rs      git's headers: these alone where only a name or a mode changed
    index 1f0a2c4..9d1e5b7 100644
    --- a/src/redact.rs                             all that `diff -u` writes
    +++ b/src/redact.rs
    @@ -40,0 +41,2 @@ fn scrub                      from here on `unidiff` reads, by the numbers in this line
    +    let pattern = Regex::new(KEYS)?;
    +    let found = pattern.find(text);

Names are ours to read: in the line that begins with ``diff --git`` two of them stand side by side with nothing to part them, and
`unidiff` stumbles where a name has a blank in it.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from unidiff.errors import UnidiffParseError
from unidiff.patch import Hunk, PatchSet

from autoprof_ci.diffs import names
from autoprof_ci.errors import DataError
from autoprof_ci.model import ChangedFile, Diff, LineSpan

MAX_BYTES = 32 << 20
MAX_LINE = 10**9

_NEXT_STEP = "Write it with `git diff BASE`, and pass it on as it is"
_MARK = "\0"
"""Stands before the number of a section in the place of its name. The text itself has none: what holds it is no text."""
_EXTENDED = re.compile(
    r"(old mode|new mode|deleted file mode|new file mode|copy from|copy to|rename from|rename to|similarity index"
    r"|dissimilarity index|index|Binary files|GIT binary patch)\b ?(.*)"
)
_COMBINED = ("diff --cc ", "diff --combined ")
_SUBMODULE = " 160000"


def parse(data: bytes, *, source: str) -> Diff:
    """The whole diff. Raises `DataError`, which calls it `source`.

    Of several commits' output the lines of all of them count, each as its own commit numbers them.
    """
    if len(data) > MAX_BYTES:
        raise DataError(
            f"The diff {source} is {len(data) / 1e6:,.0f} MB large, and at most {MAX_BYTES >> 20} MiB of one are read",
            "Leave context and generated files out of it: `git diff -U0 BASE -- src`",
        )
    sections: list[_Section] = []
    text = _decoded(data)
    try:
        patched = PatchSet(_for_unidiff(text, sections))
    except (UnidiffParseError, ValueError) as error:
        told = str(error).splitlines()[0][:120] if str(error) else "its numbers do not fit its lines"
        raise DataError(f"{source} is not a unified diff, or a damaged one: {told!a}", _NEXT_STEP) from None
    if not patched and text.strip():
        raise DataError(f"{source} is not a unified diff: no file is named in it", _NEXT_STEP)
    files = []
    for file in patched:
        number = file.target_file.removeprefix(_MARK)
        if number != file.target_file:
            files.append(_of_section(sections[int(number)], list(file), source))
        else:
            before, after = names.without_date(file.source_file), names.without_date(file.target_file)
            files.append(_plain(before, after, _spans(file, source)))
    return _diff(files)


def of_files(files: Iterable[ChangedFile]) -> Diff:
    """The same of a list of files, each with its own piece. What cannot be read of a piece leaves a file without lines."""
    return _diff((names.path(file.path or ""), names.path(file.was or ""), _spans_of_patch(file.patch)) for file in files)


_Lines = tuple[LineSpan, ...]
_Changed = tuple[str | None, str | None, _Lines]
"""Path now, path that is no more, lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Section:
    """What the headers of one file say. `path`: ``None`` where it is gone; `was`: ``None`` where nothing has gone."""

    path: str | None
    was: str | None
    is_submodule: bool = False


def _decoded(data: bytes) -> str:
    """PowerShell writes UTF-16. What is no text in the lines does not matter; in a name it makes one that nothing has."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = data.decode("utf-16", errors="replace")
    else:
        text = data.removeprefix(codecs.BOM_UTF8).decode(errors="replace")
    return text.replace("\r\n", "\n").replace(_MARK, "\N{REPLACEMENT CHARACTER}")


def _for_unidiff(text: str, sections: list[_Section]) -> Iterator[str]:
    """The lines with numbers in the place of git's headers, which go to `sections`.

    No line inside of a hunk begins with a letter, so that headers cannot be mistaken.
    """
    lines = text.removesuffix("\n").split("\n")
    at = 0
    while at < len(lines):
        line = lines[at]
        if line.startswith(_COMBINED):
            # of a merge: its lines have as many signs as it has parents
            sections.append(_Section(path=names.path(names.unquoted(line.split(" ", 2)[2])), was=None))
            yield from _numbered(len(sections) - 1)
            at += 1
            while at < len(lines) and not lines[at].startswith(("diff ", "commit ", "From ")):
                at += 1
        elif line.startswith("diff --git "):
            end = at + 1
            while end < len(lines) and _EXTENDED.match(lines[end]):
                end += 1
            sections.append(_section(line, lines[at + 1 : end], lines[end : end + 2]))
            yield from _numbered(len(sections) - 1)
            at = end
            for sign in ("--- ", "+++ "):
                at += at < len(lines) and lines[at].startswith(sign)
        else:
            yield line + "\n"
            at += 1


def _numbered(number: int) -> tuple[str, ...]:
    # the first line ends a hunk that is shorter than it says: no line of a hunk begins like this
    return "section\n", f"--- {_MARK}\n", f"+++ {_MARK}{number}\n"


def _section(header: str, extended: list[str], following: list[str]) -> _Section:
    told = {match[1]: match[2] for line in extended if (match := _EXTENDED.match(line))}
    path = names.path(names.in_header(header.removeprefix("diff --git "), following))
    is_submodule = any(line.endswith(_SUBMODULE) for line in extended)
    moved = told.get("rename to", told.get("copy to"))
    if moved is not None:
        was = names.path(names.unquoted(told["rename from"])) if "rename from" in told else None
        return _Section(path=names.path(names.unquoted(moved)), was=was)
    if "deleted file mode" in told:
        return _Section(path=None, was=path)
    return _Section(path=path, was=None, is_submodule=is_submodule)


def _plain(before: str, after: str, lines: _Lines) -> _Changed:
    """`diff -u` says two names and nothing else: two folders and one name below, or the same file under two names."""
    if after == names.NOWHERE:
        return None, names.path(names.without_prefix(before)), ()
    if before == names.NOWHERE:
        return names.path(names.without_prefix(after)), None, lines
    return names.path(names.common(before, after) or names.without_prefix(after)), None, lines


def _of_section(section: _Section, hunks: list[Hunk], source: str) -> _Changed:
    keeps_lines = section.path is not None and not section.is_submodule
    return section.path, section.was, _spans(hunks, source) if keeps_lines else ()


def _spans_of_patch(patch: str | None) -> _Lines:
    """GitHub gives the hunks alone."""
    if not patch:
        return ()
    try:
        text = patch.replace(_MARK, "\N{REPLACEMENT CHARACTER}").replace("\r\n", "\n")
        lines = ["--- a\n", "+++ b\n", *(f"{line}\n" for line in text.split("\n"))]
        return tuple(span for file in PatchSet(lines) for span in _spans(file, "it"))
    except (UnidiffParseError, ValueError, DataError):
        return ()


def _spans(hunks: Iterable[Hunk], source: str) -> _Lines:
    """The lines that were added or changed; where some were only taken away, the two around the gap."""
    spans: list[LineSpan] = []
    for hunk in hunks:
        if hunk.target_start + hunk.target_length > MAX_LINE:
            raise DataError(f"{source} speaks of line {hunk.target_start}, which no file has", _NEXT_STEP)
        spans.extend(_spans_of(hunk))
    return _merged(spans)


def _spans_of(hunk: Hunk) -> Iterator[LineSpan]:
    # without lines on this side, the number is that of the line before the gap
    following = hunk.target_start + (hunk.target_length == 0)
    is_gap = False
    for line in hunk:
        if line.is_removed:
            is_gap = True
        elif line.is_added:
            yield LineSpan(following, following)
            is_gap = False
            following += 1
        elif line.is_context:
            if is_gap:
                yield _around(following)
            is_gap = False
            following += 1
    if is_gap:
        yield _around(following)


def _around(following: int) -> LineSpan:
    return LineSpan(max(following - 1, 1), max(following, 1))


def _merged(spans: list[LineSpan]) -> _Lines:
    merged: list[LineSpan] = []
    for span in sorted(spans):
        if merged and span.first <= merged[-1].last + 1:
            merged[-1] = LineSpan(merged[-1].first, max(span.last, merged[-1].last))
        else:
            merged.append(span)
    return tuple(merged)


def _diff(changed: Iterable[_Changed]) -> Diff:
    files: dict[str, _Lines] = {}
    removed: dict[str, None] = {}
    for path, was, lines in changed:
        if path is not None:
            files[path] = _merged([*files.get(path, ()), *lines])
        if was is not None:
            removed[was] = None
    return Diff(files=files, removed=tuple(path for path in removed if path not in files))
