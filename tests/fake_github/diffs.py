"""What differs between two sets of files, as the compare and pull request endpoints show it. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any


def changed_files(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[dict[str, Any]]:
    """One entry per changed file, by name; binary files have no `patch`."""
    return [
        _file(path, before.get(path), after.get(path))
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    ]


def _file(path: str, before: bytes | None, after: bytes | None) -> dict[str, Any]:
    status = "added" if before is None else "removed" if after is None else "modified"
    entry: dict[str, Any] = {"filename": path, "status": status, "additions": 0, "deletions": 0, "changes": 0}
    try:
        old, new = ((side or b"").decode().splitlines() for side in (before, after))
    except UnicodeDecodeError:
        return entry
    lines = list(difflib.unified_diff(old, new, lineterm="", n=3))[2:]
    added, removed = (sum(line.startswith(sign) for line in lines) for sign in "+-")
    return entry | {"additions": added, "deletions": removed, "changes": added + removed, "patch": "\n".join(lines)}
