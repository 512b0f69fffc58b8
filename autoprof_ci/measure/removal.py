"""Removing what a program left behind, whatever that is: it is written for those who do not want it removed.

Knows folders that nobody may list, links that lead elsewhere, and trees deeper than any path or stack. Follows no link and
changes nothing but what is to be removed, also when we are root and the program still has it open.
"""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoprof_ci.errors import ToolError

_MOST_PASSES = 100_000
"""A pass makes the deepest tree one level less deep. More of them, and something is filling it as we go."""


@contextmanager
def fresh_folder(parent: Path) -> Iterator[Path]:
    """A new folder, ours alone, gone afterwards whatever lies in it."""
    folder = Path(tempfile.mkdtemp(prefix="autoprof-", dir=parent))
    try:
        yield folder
    finally:
        remove_tree(folder)


def remove_tree(folder: Path) -> None:
    """Remove `folder`, which is ours, with all below it, which may be a stranger's. Raises `ToolError` where that fails."""
    try:
        shutil.rmtree(folder)
    except (OSError, RecursionError):
        try:
            _flatten(folder)
            folder.rmdir()
        except OSError as error:
            raise ToolError(f"{folder} cannot be removed: {error.strerror}", "Remove it by hand, then measure again") from None


def _flatten(folder: Path) -> None:
    """Empty it without ever going deeper than one level: what lies below a folder in it is moved up, beside that folder."""
    top = _opened(str(folder), None)
    try:
        for _ in range(_MOST_PASSES):
            names = os.listdir(top)  # noqa: PTH208 (by descriptor, not by name)
            if not names:
                break
            for name in names:
                if not _unlinked(name, top):
                    _lift(name, top)
    finally:
        os.close(top)


def _lift(name: str, top: int) -> None:
    """Empty one folder in `top`, and remove it."""
    inner = _opened(name, top)
    try:
        for entry in os.listdir(inner):  # noqa: PTH208
            if not _unlinked(entry, inner):
                os.close(_opened(entry, inner))
                os.rename(entry, f".autoprof-{secrets.token_hex(8)}", src_dir_fd=inner, dst_dir_fd=top)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=top)


def _unlinked(name: str, folder: int) -> bool:
    """False for a folder."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        return False
    return True


def _opened(name: str, folder: int | None) -> int:
    """A folder made ours to list, by descriptor: a name may mean something else a moment later. Raises `OSError` for a link."""
    anchor = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
    try:
        held = f"/proc/self/fd/{anchor}"
        os.chmod(held, 0o700)  # noqa: PTH101
        return os.open(held, os.O_RDONLY | os.O_DIRECTORY)
    finally:
        os.close(anchor)
