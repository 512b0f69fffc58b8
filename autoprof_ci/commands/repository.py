"""EDGE: what git knows of the folder we stand in. Every answer may be ``None``: the gate works without a repository."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

from autoprof_ci.errors import ToolError

DIFF_LIMIT_S = 20.0
_NAME_A_DIFF = "Name one with `--diff FILE`"
_WHERE = ("remotes/origin", "heads")
_KINDS = ("KEY", "VALUE")
_RUN_NOTHING = (
    "--no-pager",
    *("-c", "core.fsmonitor=false"),
    *("-c", "core.hooksPath=/dev/null"),
    *("-c", "core.quotePath=true"),
    *("-c", "protocol.allow=never"),
)
_DIFF = (
    *("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--unified=0", "--inter-hunk-context=0", "--no-relative"),
    *("--find-renames", "-l1000", "--ignore-submodules=dirty", "--submodule=short", "--src-prefix=a/", "--dst-prefix=b/"),
)


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


def is_dirty(folder: Path) -> bool | None:
    """Whether files that git tracks differ from the commit; ``None`` where git does not say in time."""
    answer = _git_says(folder, *_RUN_NOTHING, "status", "--porcelain", "--untracked-files=no", "--ignore-submodules=dirty")
    return None if answer is None else bool(answer)


def default_branch(folder: Path) -> str | None:
    """The branch that pull requests go to, as the remote says; else the one checked out."""
    head = _git(folder, "symbolic-ref", "-q", "--short", "refs/remotes/origin/HEAD")
    return head.removeprefix("origin/") if head else ref(folder)


def base(folder: Path, baseline_commit: str | None) -> str | None:
    """What this checkout is to be compared with: the baseline's commit where the repository has it, else the merge base with the
    default branch. ``None``: there is no repository, or it has no commit. Raises `ToolError` where it does not say which."""
    if commit(folder) is None:
        return None
    if baseline_commit is not None and re.fullmatch("[0-9a-f]{40,64}", baseline_commit):
        known = _git(folder, "rev-parse", "--verify", "-q", f"{baseline_commit}^{{commit}}")
        if known is not None:
            return known
    branches = ("refs/remotes/origin/HEAD", *(f"refs/{where}/{name}" for name in ("main", "master") for where in _WHERE))
    for branch in branches:
        found = _git(folder, "merge-base", "HEAD", branch)
        if found is not None:
            return found
    raise ToolError("git knows neither the baseline's commit nor a default branch here", _NAME_A_DIFF)


def changed_since(folder: Path, base: str | None, max_bytes: int) -> bytes | None:
    """What git writes as the difference between `base` and the files as they are now; files that it does not track are left
    out. ``None`` without a base. Raises `ToolError`.

    Whatever the repository's own configuration would have git start for this (filters, drivers, hooks, monitors, a fetch), it
    does not start.
    """
    if base is None:
        return None
    command = ["git", "-c", "safe.directory=*", *_RUN_NOTHING, "-C", str(folder), *_DIFF, base, "--"]
    try:
        git = subprocess.Popen(
            command, env=_without_filters(folder), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except OSError as error:
        raise ToolError(f"git could not be started: {error.strerror}", _NAME_A_DIFF) from None
    timer = threading.Timer(DIFF_LIMIT_S, git.kill)
    timer.start()
    with git:
        assert git.stdout is not None
        text = git.stdout.read(max_bytes + 1)
        is_whole = len(text) <= max_bytes
        if not is_whole:
            git.kill()
        timer.cancel()
    if not is_whole:
        raise ToolError(f"What git writes as the difference is larger than {max_bytes >> 20} MiB", _NAME_A_DIFF)
    if git.returncode != 0:
        raise ToolError(f"git could not say what differs from {base[:7]}, or not within {DIFF_LIMIT_S:.0f} s", _NAME_A_DIFF)
    return text


def _without_filters(folder: Path) -> Mapping[str, str]:
    """An environment in which git cleans no file through a program before it compares it."""
    names = (
        _git(folder, "config", "--includes", "--name-only", "--get-regexp", r"^filter\..*\.(clean|smudge|process|required)$")
        or ""
    ).splitlines()
    values = [(name, "false" if name.endswith(".required") else "") for name in names]
    numbered = {
        f"GIT_CONFIG_{kind}_{at}": value for at, pair in enumerate(values) for kind, value in zip(_KINDS, pair, strict=True)
    }
    quiet = {"GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0"}
    return {**os.environ, **quiet, "GIT_CONFIG_COUNT": str(len(values)), **numbered}


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; ``None`` where it fails or says nothing."""
    return _git_says(folder, *arguments) or None


def _git_says(folder: Path, *arguments: str) -> str | None:
    # A checkout of another user is no danger here: nothing of it is executed, only read.
    command = ["git", "-c", "safe.directory=*", "-C", str(folder), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
