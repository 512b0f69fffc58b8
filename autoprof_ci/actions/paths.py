"""Where a path that the workflow's author wrote lies inside this container.

Knows that the author thinks of the runner's machine, while we see of it only the workspace, perhaps at another place. Reads
links, opens nothing.
"""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from autoprof_ci.actions.context import Context
from autoprof_ci.errors import UsageError

MAX_LINKS = 40


def workspace_path(name: str, context: Context) -> Path:
    """The file or folder that the workflow calls `name`: relative to the workspace, or absolute, here or on the host.

    Links are followed as they would be on the host. What does not exist inside the workspace is returned all the same: who
    opens it knows better what was expected. Raises `UsageError` for what lies outside of the workspace and is not here.
    """
    if not name or not name.isprintable():
        raise UsageError(f"The path {name[:80]!a} is not one printable line", "Name a file of the workspace")
    if name == "~" or name.startswith("~/"):
        raise _outside(name, "the home folder of the runner", context)
    try:
        return _followed(name, context)
    except OSError as error:
        raise UsageError(
            f"{name[:80]} cannot be looked at: {error.strerror or error}", "Name a file of the workspace that can be read"
        ) from error


def _followed(name: str, context: Context) -> Path:
    path = start = _here(os.path.normpath(context.workspace / name), context)
    for _ in range(MAX_LINKS):
        found = _dangling_link(path)
        if found is None:
            break
        link, rest = found
        path = _here(os.path.normpath(link.parent / link.readlink()), context) / rest
    else:
        raise UsageError(f"{name} goes through more than {MAX_LINKS} symbolic links", "Name the file itself")
    inside = path.is_relative_to(context.workspace)
    if not path.exists():
        if inside:
            return path
        raise _outside(name, str(path), context)
    # a link that somebody committed must not lead to this container's own files: the environment of its processes, say
    real = path.resolve()
    mounted = (context.workspace.resolve(), context.temp.resolve())
    if start.is_relative_to(context.workspace) and not any(real.is_relative_to(folder) for folder in mounted):
        raise _outside(name, str(real), context)
    return path


def _here(path: str, context: Context) -> Path:
    """A path of the host below its workspace is the same below ours."""
    if context.runner_workspace:
        on_host = PurePosixPath(os.path.normpath(context.runner_workspace)) / context.repository.split("/")[1]
        if PurePosixPath(path).is_relative_to(on_host) and not Path(path).exists():
            return context.workspace / PurePosixPath(path).relative_to(on_host)
    return Path(path)


def _dangling_link(path: Path) -> tuple[Path, Path] | None:
    """The topmost symbolic link on a way that does not exist as it is, and what comes below the link."""
    if path.exists():
        return None
    for part in [*reversed(path.parents), path]:
        if part.is_symlink():
            return part, path.relative_to(part)
    return None


def _outside(name: str, place: str, context: Context) -> UsageError:
    where = name if name == place else f"{name} is {place}, which"
    return UsageError(
        f"{where} lies outside of the workspace, and the Action's container sees nothing else of the runner",
        f"Build into the workspace or copy the file there, and name it relative to {context.workspace}",
    )
