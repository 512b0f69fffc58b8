"""What another user is given of our files: folders to pass through, files to read, folders of its own.

Knows owners and modes. Knows nothing of what the folders are for. Everything here is done before a program of that user runs in
them: nothing in them is hostile yet.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from autoprof_ci.errors import ToolError
from autoprof_ci.measure.plan import Identity
from autoprof_ci.measure.reach import Reach, reach


def let_pass(folders: Iterable[Path]) -> None:
    """Everybody may go on to what they know the name of; only we see what there is."""
    for folder in folders:
        folder.chmod(0o711)


def check_entered(identity: Identity, folders: Sequence[Path]) -> None:
    """Raise `ToolError` unless that user gets into each of our `folders`: one above it may be closed."""
    for folder, how_far in zip(folders, reach(identity, folders), strict=True):
        if how_far is Reach.NONE:
            raise ToolError(
                f"User {identity.uid}, whom measured programs run as, may not enter {folder.parent}",
                "Set TMPDIR to a folder that everybody may enter.",
            )


def give(folder: Path, identity: Identity) -> None:
    """Make it theirs, with all in it; links too, not what they lead to."""
    for path in (folder, *folder.rglob("*")):
        os.chown(path, identity.uid, identity.gid, follow_symlinks=False)


def copy_readable(source: Path, target: Path) -> None:
    """A copy of a folder that everybody may read, and nobody but us may change; what links led to is copied too."""
    shutil.copytree(source, target)
    target.chmod(0o755)
    for path in target.rglob("*"):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
