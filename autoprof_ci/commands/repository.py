"""EDGE: what git knows of the folder we stand in. Every answer may be ``None``: the gate works without a repository."""

from __future__ import annotations

import subprocess
from pathlib import Path


def commit(folder: Path) -> str | None:
    """The full hash of the checked-out commit."""
    return _git(folder, "rev-parse", "--verify", "-q", "HEAD")


def root(folder: Path) -> Path | None:
    """The top folder of the checkout."""
    top = _git(folder, "rev-parse", "--show-toplevel")
    return Path(top) if top else None


def ref(folder: Path) -> str | None:
    """The checked-out branch; ``None`` when detached."""
    return _git(folder, "symbolic-ref", "-q", "--short", "HEAD")


def default_branch(folder: Path) -> str | None:
    """The branch that pull requests go to, as the remote says; else the one checked out."""
    head = _git(folder, "symbolic-ref", "-q", "--short", "refs/remotes/origin/HEAD")
    return head.removeprefix("origin/") if head else ref(folder)


def _git(folder: Path, *arguments: str) -> str | None:
    # A checkout of another user is no danger here: nothing of it is executed, only read.
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None
