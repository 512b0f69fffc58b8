"""EDGE: keeps what the runner mounted into our own container from the programs measured in it.

For where no container of their own can be started. Knows /proc/self/mountinfo (proc(5)) and modes of folders. A mounted thing is
the host's, so its own mode is never touched: the folder above it, which is the container's own, is closed to everybody but us,
and opened again afterwards. That it worked is not assumed but tried, as the user whom the programs run as.

    /github            <- closed: nothing below is reached by any path
      workspace        mount, .git/config holds a token
      file_commands    mount, what later steps get as environment
"""

from __future__ import annotations

import os
import re
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.errors import ToolError
from autoprof_ci.measure.plan import Identity
from autoprof_ci.measure.reach import Reach, reach

MOUNTINFO = Path("/proc/self/mountinfo")
MARKERS = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""Files that Docker and Podman leave in a container."""

ENGINES_FILES = frozenset((*map(Path, ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf")), *MARKERS))
"""What every engine mounts into every container; nothing in there is anybody's secret."""

KERNELS_FOLDERS = (Path("/proc"), Path("/sys"))
DEVICES, DEVICE_TYPES = Path("/dev"), frozenset(("tmpfs", "devtmpfs", "devpts", "mqueue"))

SYSTEM = tuple(
    Path(folder)
    for folder in (
        *("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/dev", "/proc", "/sys"),
        *("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/share"),
        *("/usr/local/bin", "/usr/local/sbin", "/usr/local/lib", "/usr/local/share"),
    )
)
"""Neither these nor anything in them is closed: programs and their tools live there."""

SHARED = (Path("/tmp"), Path("/var/tmp"))
"""Not closed themselves, since working folders are made in them. A folder in them may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """`path`: where it is mounted. `kind`: of its file system, such as ``ext4``."""

    path: Path
    kind: str


def mounts_in(mountinfo: str) -> tuple[Mount, ...]:
    r"""``95 75 254:0 /w /github/workspace ro,relatime - ext4 /dev/vda rw``; blanks in a path are written ``\040``."""
    found = []
    for line in mountinfo.splitlines():
        fields, _, of_type = line.partition(" - ")
        words = fields.split(" ")
        if len(words) >= 6 and of_type:
            path = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), words[4])
            found.append(Mount(path=Path(path), kind=of_type.split(" ")[0]))
    return tuple(found)


def of_the_runner(mounts: Sequence[Mount]) -> tuple[Path, ...]:
    """Where something was mounted that neither the kernel nor the engine puts into every container."""
    return tuple(sorted({mount.path for mount in mounts if not _is_usual(mount)}))


def _is_usual(mount: Mount) -> bool:
    return (
        mount.path == Path("/")
        or mount.path in ENGINES_FILES
        or any(mount.path.is_relative_to(folder) for folder in KERNELS_FOLDERS)
        or (mount.path.is_relative_to(DEVICES) and mount.kind in DEVICE_TYPES)
    )


def to_close(mounts: Sequence[Mount], needed: Sequence[Path]) -> tuple[Path, ...]:
    """The topmost folders to be closed so that nothing of the runner's can be reached: the container's own, and holding nothing
    of `needed`. A mount that has no such folder above it is left out; trying will show whether it can be reached."""
    points = {mount.path for mount in mounts if mount.path != Path("/")}
    closed = (_topmost(path, points, needed) for path in of_the_runner(mounts))
    return tuple(dict.fromkeys(folder for folder in closed if folder is not None))


def _topmost(path: Path, points: set[Path], needed: Sequence[Path]) -> Path | None:
    for folder in reversed(path.parents[:-1]):
        if folder in points:
            return None  # from here on it is the host's
        in_system = any(folder.is_relative_to(one) for one in SYSTEM)
        if not in_system and not any(one.is_relative_to(folder) for one in (*SYSTEM, *SHARED, *needed)):
            return folder
    return None


def is_container(mounts: Sequence[Mount]) -> bool:
    """Whether this process sees a container's files. On a machine of its own nothing is mounted on /etc/hosts."""
    return any(marker.exists() for marker in MARKERS) or any(mount.path == Path("/etc/hosts") for mount in mounts)


def in_a_container() -> bool:
    """Whether there is anything to hide, and a place to hide it."""
    return is_container(mounts_in(MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape")))


@contextmanager
def hidden_from(identity: Identity, also: Sequence[Path] = ()) -> Iterator[tuple[Path, ...]]:
    """Within it that user reaches nothing that was mounted, nor `also`; gives the folders that are closed.

    To be entered before programs are staged, so that what lies in a closed folder is brought along. Raises `ToolError` outside of
    a container, where folders are somebody's, and when something can be reached all the same; the message names it.
    """
    mounts = mounts_in(MOUNTINFO.read_text(encoding="utf-8", errors="surrogateescape"))
    if not is_container(mounts):
        raise ToolError(
            "Mounted folders are hidden from a measured program in a container only, and this is none",
            'Set `sandbox = "none"` under [measure] in autoprof.toml.',
        )
    with ExitStack() as opening:
        folders = to_close(mounts, _own_places())
        for folder in folders:
            _close(folder, opening)
        _prove(identity, (*of_the_runner(mounts), *also))
        yield folders


def _own_places() -> tuple[Path, ...]:
    """Where this Python is: tools of workloads may be there too."""
    paths = sysconfig.get_paths()
    return tuple(map(Path, (sys.executable, sys.prefix, sys.base_prefix, paths["stdlib"], paths["purelib"])))


def _close(folder: Path, opening: ExitStack) -> None:
    try:
        mode = folder.stat().st_mode & 0o7777
        folder.chmod(0o700)
    except OSError as error:
        raise ToolError(
            f"{folder} cannot be closed to measured programs: {error.strerror}",
            "Run the Action's container as root, its default.",
        ) from None
    opening.callback(folder.chmod, mode)


def _prove(identity: Identity, paths: Sequence[Path]) -> None:
    own = (Path("/proc/1"), Path("/proc") / str(os.getpid()))
    tried = (*paths, *(process / name for process in own for name in ("environ", "mem", "cwd", "root", "fd")))
    reached = [str(path) for path, how_far in zip(tried, reach(identity, tried), strict=True) if how_far is not Reach.NONE]
    if reached:
        raise ToolError(
            f"A measured program, run as user {identity.uid}, could still reach {', '.join(reached)}",
            "Give the runner a Docker socket, so that it is measured in a container of its own, or do not mount that.",
        )
