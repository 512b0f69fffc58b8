"""EDGE: reading what the user names and writing what we leave behind.

Knows paths, size limits and the layout of the output folder; knows nothing of what is inside the files. Nothing is left
half-written: a file appears whole, under its name, or not at all.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from autoprof_ci.errors import AutoprofError, ToolError, UsageError

MAX_INPUT_BYTES = 512 * 1024 * 1024
"""No file that we read is larger: bundles are capped far below by their own reader."""


def read(path: Path, what: str, max_bytes: int = MAX_INPUT_BYTES) -> bytes:
    """The file's content. `what` names it in a sentence ("the baseline bundle")."""
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise UsageError(
                f"{what} {path} is {size / 1e6:,.0f} MB large, more than the {max_bytes / 1e6:,.0f} MB that are read",
                "Check that it is the file you meant",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"{what} {path} does not exist", "Check the path") from None
    except IsADirectoryError:
        raise UsageError(f"{what} {path} is a folder", "Name the file itself") from None
    except OSError as error:
        raise UsageError(f"{what} {path} cannot be read: {error.strerror}", "Check the path and its permissions") from None


def check_writable(folder: Path) -> None:
    """Raise `UsageError` when nothing can be written into `folder`, or where it would be made; makes nothing.

    Known before the measuring, it costs a second; known after it, all that was measured.
    """
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    if not existing.is_dir():
        raise _cannot_write(folder, OSError(errno.ENOTDIR, f"{existing} is not a folder"))
    if not os.access(existing, os.W_OK | os.X_OK):
        raise _cannot_write(folder, OSError(errno.EACCES, os.strerror(errno.EACCES)))


def write(path: Path, content: bytes) -> None:
    """Write `content` so that `path` holds all of it or what it held before."""
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o666 & ~_umask())  # noqa: PTH101 -- mkstemp gives a name, not a Path
        os.replace(temporary, path)  # noqa: PTH105
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise _cannot_write(path, error) from None


def write_folder(folder: Path, files: Mapping[str, bytes], stale: tuple[str, ...]) -> None:
    """Write `files` (relative name to content) below `folder`, after removing what an earlier run left that matches `stale`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for pattern in stale:
            for old in folder.glob(pattern):
                if str(old.relative_to(folder)) not in files:
                    old.unlink()
    except OSError as error:
        raise _cannot_write(folder, error) from None
    for name, content in files.items():
        write(folder / name, content)


def _cannot_write(path: Path, error: OSError) -> AutoprofError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ToolError(f"The disk is full: {path} could not be written", "Free some space or choose another folder with --out")
    return UsageError(
        f"{path} cannot be written: {error.strerror}", "Choose another folder with --out or correct its permissions"
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
