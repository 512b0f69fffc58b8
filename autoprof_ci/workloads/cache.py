"""A folder of generated files that is made once, checked by digest at every use, and never seen half made.

Knows files, locks and digests, nothing of what is generated. The folder is replaced as a whole, by a rename under a lock, so
neither a second process nor one that comes after a crash sees a part of it.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.errors import DataError

_PARTIAL_PREFIX = "partial-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the files come to be, and what they must be: `write` fills an empty folder; `digest` is `digest_of` that folder."""

    write: Callable[[Path], None]
    digest: str


def default_cache() -> Path:
    """``autoprof-ci`` below the user's cache folder (XDG Base Directory Specification 0.8: a relative path counts as unset)."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".cache"
    return base / "autoprof-ci"


def kept(cache: Path, recipe: Recipe) -> Path:
    """The folder below `cache` with the files of `recipe`, made where it is missing or not what it should be.

    A good one is only read, so that the cache may be read-only. Raises `DataError` where it cannot be written.
    """
    target = cache / f"data-{recipe.digest[:12]}"
    if _is_complete(target, recipe):
        return target
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / "lock"):
            # Somebody else may have made it while we waited.
            if not _is_complete(target, recipe):
                _replace(target, recipe)
    except OSError as error:
        raise DataError(
            f"The workloads' input files could not be written below {cache}: {error.strerror or error}",
            "Free 100 MB there, or let XDG_CACHE_HOME name a folder that can be written.",
        ) from error
    return target


def digest_of(folder: Path) -> str:
    """SHA-256 over the sorted relative paths, sizes and bytes of all files below `folder`."""
    total = hashlib.sha256()
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if not path.is_dir())
    for name, path in files:
        content = path.read_bytes()
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _is_complete(folder: Path, recipe: Recipe) -> bool:
    try:
        return folder.is_dir() and digest_of(folder) == recipe.digest
    except OSError:
        return False


def _replace(target: Path, recipe: Recipe) -> None:
    # Under the lock nobody else writes here: what is partial was left by a process that was killed.
    for leftover in target.parent.glob(f"{_PARTIAL_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL_PREFIX, dir=target.parent))
    try:
        made = partial / "made"
        made.mkdir()
        recipe.write(made)
        digest = digest_of(made)
        if digest != recipe.digest:
            raise DataError(
                f"The workloads' input files came out wrong: digest {digest} instead of {recipe.digest}",
                "Please report it with the version of Python; another version may help.",
            )
        with suppress(FileNotFoundError):
            target.rename(partial / "damaged")
        made.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
