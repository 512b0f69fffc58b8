"""The files a workload works on: where they are, whether a program may see them, and fresh copies of them.

Knows what a configuration may name, and that a folder somebody sent us may hold links to what was never meant to be seen. Knows
nothing of programs or starts.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from autoprof_ci.errors import ConfigError
from autoprof_ci.measure.plan import Plan
from autoprof_ci.model import Workload

GIT = ".git"
IN_DATA = "{data}/"
"""How the name of a session begins that lies in the data folder."""


def input_path(plan: Plan, workload: Workload, name: str, key: str = "inputs") -> Path:
    """The real path of one of the workload's `inputs`. Raises `ConfigError` where it is not beside the configuration, or not
    there, and, of what is to be shown to another user, where it holds what that user is not to see. `key`: what names it."""
    where = f"workload {workload.name!r}, {key}"
    base = plan.config_folder.resolve()
    path = (base / name).resolve()
    if not path.is_relative_to(base):
        raise ConfigError(f"{where}: {name!r} is outside of the folder of the configuration", "Name files beside it.")
    if not path.exists():
        raise ConfigError(f"{where}: {name!r} does not exist in {base}", "Correct the path, or make the file first.")
    if plan.identity is not None:
        _check_harmless(path, base, f"{where}: {name!r}")
    return path


def agent_session(plan: Plan, workload: Workload) -> Path | None:
    """The recorded session that the workload's agent plays; ``None`` where it has no agent. Raises `ConfigError` as `input_path`
    does, and where it is no file."""
    if workload.agent is None:
        return None
    name = workload.agent.removeprefix(IN_DATA)
    if name == workload.agent:
        path = input_path(plan, workload, name, key="agent")
    else:
        assert plan.data is not None
        path = plan.data / name
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        known = f"; there are {_shipped(path.parent)}" if name != workload.agent else ""
        raise ConfigError(
            f"workload {workload.name!r}, agent: {workload.agent!r} {what}{known}",
            "Name the file of one session, as `autoprof-ci agent record` writes it.",
        )
    return path


def _shipped(folder: Path) -> str:
    return ", ".join(sorted(file.name for file in folder.glob("*.jsonl"))) or "none"


def _check_harmless(path: Path, base: Path, where: str) -> None:
    """A checkout keeps its token in ``.git/config``, and a link in a folder can name any file that we may read."""
    for part in (path.relative_to(base), *(inner.relative_to(base) for inner in _tree(path))):
        if GIT in part.parts:
            raise ConfigError(
                f"{where} holds {part}, which belongs to git and may hold a token", "Name only the files that the workload needs."
            )
        if (base / part).is_symlink() and not (base / part).resolve().is_relative_to(path):
            raise ConfigError(
                f"{where} holds the link {part}, which leads out of it", "Name what it leads to, or put a copy in its place."
            )


def _tree(path: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(path):
        yield from (Path(folder) / name for name in (*folders, *files))


def copy_input(source: Path, target: Path, where: str) -> None:
    """A fresh copy of a file or a folder. Raises `ConfigError` for what cannot be copied, `OSError` when the disk is full."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copyfile(source, target)
            shutil.copymode(source, target)
    except (shutil.Error, shutil.SpecialFileError, RecursionError) as error:
        # Of a tree, `shutil` raises all that failed in one: (from, to, why) each.
        reason = str(error.args[0][0][2] if isinstance(error, shutil.Error) else error)
        if os.strerror(errno.ENOSPC) in reason:
            raise
        raise ConfigError(f"{where} cannot be copied: {reason}", "Name only files and folders that can be read.") from None


def size_bytes(path: Path) -> int:
    """Of a file, or of all files in a folder."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return path.stat().st_size
