"""EDGE: the folder in the workspace where a run leaves what it measured and concluded, for its artifact and for later steps.

Knows what an earlier run may have left there, and that a checkout may have put something in its place. Knows no verdict.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoprof_ci.actions import artifact_zip
from autoprof_ci.commands import files, output
from autoprof_ci.errors import AutoprofError, UsageError

FAILED = "failed.json"
"""Why there is no verdict: for the job that may comment, where this one may not."""
NEXT_STEP = "The report is written into the workspace: give it some space there, and let it be writable"


@contextmanager
def written() -> Iterator[None]:
    """What cannot be written in here is said in the words of a step, which has no command line."""
    try:
        yield
    except AutoprofError as error:
        raise type(error)(error.what, NEXT_STEP) from None


def begin(out: Path) -> None:
    """Take away what an earlier run left in `out`, which is not ours to tell. Raises `UsageError` where it cannot be written to.

    Makes nothing: a run that fails before it has measured leaves the workspace as it was.
    """
    _refuse_links(out)
    with written():
        files.check_writable(out)
        if out.exists():
            files.write_folder(out, {}, (*output.STALE, FAILED))


def leave(out: Path, name: str, content: bytes) -> None:
    """One more file. Raises `UsageError` or `ToolError` where it cannot be written."""
    _refuse_links(out)
    with written():
        files.write(out / name, content)


def members(out: Path) -> dict[str, bytes | Path]:
    """What is in the folder, as the artifact of it holds it."""
    return {} if out.is_symlink() else {**artifact_zip.files_of(out)}


def give_to_owner(out: Path, workspace: Path) -> None:
    """We are root; the steps that follow on the host are not. Raises `OSError`."""
    owner = workspace.stat()
    if os.geteuid() == 0 and owner.st_uid != 0 and out.exists() and not out.is_symlink():
        for path in (out, *out.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)


def _refuse_links(out: Path) -> None:
    """Somebody may have committed one, and root would write wherever it leads, and store whatever is there."""
    for folder in (out, out / "charts"):
        if folder.is_symlink():
            raise UsageError(
                f"{folder.relative_to(out.parent)} in the workspace is a symbolic link, and the report would be written there",
                "Remove the link from the repository",
            )
