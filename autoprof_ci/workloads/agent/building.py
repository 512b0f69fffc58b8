"""EDGE: the scripted agent's executable: the one that our image holds, else one that is compiled where it is needed, and kept.

Knows the C compiler and the folder of kept files. Knows nothing of sessions or of how the agent is started. It is C, and linked
statically where that is possible, so that it starts in a millisecond and needs nothing of where it runs.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from enum import Enum
from pathlib import Path

from autoprof_ci.errors import ToolError

HERE = Path(__file__).parent
SOURCE = HERE / "player.c"
COMPILERS = ("cc", "gcc", "clang")
OPTIONS = ("-std=c11", "-O2", "-s")
LINKINGS = (("-static",), ())
"""Some systems have the C library for linking statically in a package of its own."""
COMPILE_S = 120.0
INSTALL = "Install one, with `apt-get install gcc libc6-dev` or `dnf install gcc`"


class Whereabouts(Enum):
    """Where the executable is, or how it would come to be."""

    BUILT = "built"
    TO_BE_COMPILED = "to be compiled"
    NO_COMPILER = "no compiler"


def ensure_player(cache: Path) -> Path:
    """The executable: beside its source, where our image was built, else below `cache`, compiled where it is missing.

    Raises `ToolError` where there is no compiler, or it fails.
    """
    found = _built(cache)
    return found if found is not None else _compile(cache)


def whereabouts(cache: Path) -> Whereabouts:
    if _built(cache) is not None:
        return Whereabouts.BUILT
    return Whereabouts.TO_BE_COMPILED if _compiler() else Whereabouts.NO_COMPILER


def build_beside_source() -> Path:
    """For the image, which has no compiler afterwards."""
    return _compile(HERE)


def _name() -> str:
    """Of the executable: another source, or another processor, is another file."""
    identity = SOURCE.read_bytes() + platform.machine().encode()
    return f"player-{hashlib.sha256(identity).hexdigest()[:12]}"


def _built(cache: Path) -> Path | None:
    paths = (folder / _name() for folder in (HERE, cache))
    return next((path for path in paths if path.is_file() and path.stat().st_size), None)


def _compiler() -> str | None:
    return next((found for name in COMPILERS if (found := shutil.which(name))), None)


def _compile(folder: Path) -> Path:
    """Whole or not at all: two who do it at once do no harm."""
    compiler = _compiler()
    if compiler is None:
        raise ToolError("The scripted agent cannot be compiled: there is no C compiler", INSTALL)
    target = folder / _name()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="player-", dir=folder) as partial:
            made = Path(partial) / "player"
            refused = [said for linking in LINKINGS if (said := _refused(compiler, linking, made)) is not None]
            if len(refused) == len(LINKINGS):
                raise ToolError(f"The scripted agent cannot be compiled: {compiler} says: {refused[-1]}", INSTALL)
            made.chmod(0o755)
            made.rename(target)
    except OSError as error:
        raise ToolError(
            f"The scripted agent cannot be kept below {folder}: {error.strerror or error}",
            "Let XDG_CACHE_HOME name a folder that can be written.",
        ) from None
    return target


def _refused(compiler: str, linking: tuple[str, ...], made: Path) -> str | None:
    """The compiler's reason in a line; ``None`` when it made the file. What is made already is kept."""
    if made.exists():
        return None
    try:
        done = subprocess.run(
            (compiler, *OPTIONS, *linking, "-o", str(made), str(SOURCE)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=COMPILE_S,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TMPDIR": str(made.parent)},
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stderr.splitlines() if "error" in line] or done.stderr.strip().splitlines()
    return lines[0] if lines else f"nothing, with exit code {done.returncode}"
