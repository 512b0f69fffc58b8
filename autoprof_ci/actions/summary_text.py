"""Markdown that has to fit: cut where a block ends, with a sentence that says so.

Knows blocks of Markdown as far as cutting needs it: fences, ``<details>``, blank lines. Pure.
"""

from __future__ import annotations

import re

CUT = "_Cut here: a job summary holds at most 1 MiB. The artifact with the full report has the rest._"
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_FOLD = re.compile(r"<(/?)details\b", re.IGNORECASE)


def fit(markdown: str, max_bytes: int) -> str:
    """`markdown` with one line break at its end, whole or cut so that it has at most `max_bytes` in UTF-8, the sentence included.

    It is cut at the last blank line that fits and lies in no fence; open ``<details>`` are closed. Where there is none, it is
    the sentence alone; and nothing where not even that fits.
    """
    whole = f"{markdown.rstrip()}\n"
    if _size(whole) <= max_bytes:
        return whole
    best = ""
    used = 0
    fence: str | None = None
    depth = 0
    kept: list[str] = []
    for line in whole.splitlines(keepends=True):
        if not line.strip() and fence is None:
            ending = "\n</details>" * depth + f"\n\n{CUT}\n"
            if used + _size(ending) > max_bytes:
                break
            best = "".join(kept).rstrip("\n") + ending
        fence = _fence_after(line, fence)
        if fence is None:
            depth = max(0, depth + sum(-1 if closing else 1 for closing in _FOLD.findall(line)))
        kept.append(line)
        used += _size(line)
    alone = f"{CUT}\n"
    return best or (alone if _size(alone) <= max_bytes else "")


def _fence_after(line: str, fence: str | None) -> str | None:
    """The marks that opened the block of code that goes on after `line`."""
    found = _FENCE.fullmatch(line.rstrip("\r\n"))
    if fence is None:
        return found[1] if found and not (found[1][0] == "`" and "`" in found[2]) else None
    closes = found and found[1][0] == fence[0] and len(found[1]) >= len(fence) and not found[2].strip()
    return None if closes else fence


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))
