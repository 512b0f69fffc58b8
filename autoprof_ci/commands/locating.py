"""EDGE: where in this checkout a file lies that debug information names as the machine which built the program knew it.

/home/runner/work/x/x/src/redact.rs        built in a job, and looked at where the same checkout is /github/workspace
src/redact.rs                              from the folder that the build was started in
/rustc/90b3…/library/core/src/str/mod.rs   not ours, although its end may look like one of our files
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

from autoprof_ci.model import in_repository

MAX_CHARACTERS = 4096
MAX_PARTS = 64

_FOREIGN = re.compile(
    r"/rustc/|(^|/)\.cargo/(registry|git)/|(^|/)\.rustup/|^/usr/(?!src/)|/go/pkg/mod/|(^|/)target/([^/]+/)?(debug|release)/build/"
)
"""Of a registry or a toolchain, or made by the build. No file of a repository, wherever its end may seem to lie."""


def locator(root: Path, folder: Path) -> Callable[[str], str | None]:
    """A function that finds files below `root`, the repository's: from a name of debug information to a path from there with
    slashes, ``None`` for what does not lie in it. Names that are no absolute ones start from `folder`, or from the root.

    Of an absolute name the longest end counts that exists, and a file's own name alone where the root holds it.
    """
    base = root.resolve()
    below = folder.resolve()
    start = below.relative_to(base).as_posix() if below.is_relative_to(base) else ""

    @cache
    def locate(file: str) -> str | None:
        if not 0 < len(file) <= MAX_CHARACTERS or not file.isprintable() or _FOREIGN.search(file):
            return None
        name = posixpath.normpath(file)
        if not name.startswith("/"):
            candidates = [posixpath.normpath(posixpath.join(start, name)), name]
        else:
            inside = Path(name)
            parts = inside.relative_to(base).parts if inside.is_relative_to(base) else inside.parts[1:]
            candidates = ["/".join(parts[at:]) for at in range(max(len(parts) - MAX_PARTS, 0), len(parts))]
        return next((each for each in candidates if in_repository(each) and _is_file(base / each)), None)

    return locate


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name that is longer than a file's can be
        return False
