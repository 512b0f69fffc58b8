"""The input files of the shipped workloads on disk: made once, checked by digest at every use, kept in a cache folder.

Knows the cache folder and which files there are; what is in them is known to `sessions` and `issues`. The folder is replaced as a
whole, by a rename under a lock, so nobody sees half of it: neither a second process nor one that comes after a crash.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.errors import DataError
from autoprof_ci.workloads.issues import make_issues
from autoprof_ci.workloads.sessions import make_session
from autoprof_ci.workloads.texts import make_corpus

# Of all names and bytes below the folder, see `digest_of`. It changes when, and only when, a generator is changed on purpose.
DIGEST = "2f0bede38de86919ac0811f7107142135121e6971ce78d0f9353d14ddf0dd945"

SEED = 20260105
# Steps of a dozen sessions, as real ones are spread.
STEP_LADDER = (8, 12, 20, 73, 78, 80, 126, 255, 372, 575, 684, 980)
LADDERS_IN_FULL = 5
ISSUES_IN_FULL = 2000
ISSUES_IN_SMALL = 300

_PARTIAL_PREFIX = "partial-"


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """The folder that ``{data}`` stands for, and the SHA-256 of what is in it."""

    path: Path
    digest: str


def default_cache() -> Path:
    """``autoprof-ci`` below the user's cache folder (XDG Base Directory Specification 0.8: a relative path counts as unset)."""
    configured = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(configured) if configured.startswith("/") else Path.home() / ".cache"
    return base / "autoprof-ci"


def ensure_data(cache: Path) -> DataSet:
    """The input files, below `cache`; made (about 5 s, 35 MB) where they are missing or not what they should be.

    Raises `DataError` where they cannot be written.
    """
    target = cache / f"data-{DIGEST[:12]}"
    data = DataSet(path=target, digest=DIGEST)
    if _is_complete(target):
        return data
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with _locked(cache / "lock"):
            # Somebody else may have made it while we waited.
            if not _is_complete(target):
                _replace(cache, target)
    except OSError as error:
        raise DataError(
            f"The workloads' input files could not be written below {cache}: {error.strerror or error}",
            "Free 100 MB there, or let XDG_CACHE_HOME name a folder that can be written.",
        ) from error
    return data


def write_files(folder: Path) -> None:
    """Writes all input files below the empty `folder`."""
    corpus = make_corpus(SEED)
    (folder / "sessions").mkdir()
    (folder / "sessions-small").mkdir()
    (folder / "issues").mkdir()
    for ladder in range(LADDERS_IN_FULL):
        for place, steps in enumerate(STEP_LADDER):
            session = make_session(SEED + ladder * 100 + place, steps, corpus)
            (folder / "sessions" / session.name).write_bytes(session.content)
            if ladder == 0:
                (folder / "sessions-small" / session.name).write_bytes(session.content)
            # Names that a command line can hold: the largest of the first two dozens.
            if steps == max(STEP_LADDER) and ladder < 2:
                (folder / f"session-{'ab'[ladder]}.json").write_bytes(session.content)
    (folder / "issues" / "backlog.json").write_bytes(make_issues(SEED, ISSUES_IN_FULL, corpus))
    (folder / "issues" / "backlog-small.json").write_bytes(make_issues(SEED + 1, ISSUES_IN_SMALL, corpus))


def digest_of(folder: Path) -> str:
    """SHA-256 over the sorted relative paths, sizes and bytes of all files below `folder`."""
    total = hashlib.sha256()
    files = sorted((path.relative_to(folder).as_posix(), path) for path in folder.rglob("*") if not path.is_dir())
    for name, path in files:
        content = path.read_bytes()
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def _is_complete(folder: Path) -> bool:
    try:
        return folder.is_dir() and digest_of(folder) == DIGEST
    except OSError:
        return False


def _replace(cache: Path, target: Path) -> None:
    # Under the lock nobody else writes here: what is partial was left by a process that was killed.
    for leftover in cache.glob(f"{_PARTIAL_PREFIX}*"):
        shutil.rmtree(leftover, ignore_errors=True)
    partial = Path(tempfile.mkdtemp(prefix=_PARTIAL_PREFIX, dir=cache))
    try:
        made = partial / "made"
        made.mkdir()
        write_files(made)
        digest = digest_of(made)
        if digest != DIGEST:
            raise DataError(
                f"The workloads' input files came out wrong: digest {digest} instead of {DIGEST}",
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
