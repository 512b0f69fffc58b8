"""Becoming another user for good: in a process that is about to become a program nobody trusts.

Knows credentials of Linux: credentials(7), capabilities(7), prctl(2). Imports the standard library only, since the starter needs
it too. Each step is checked where it can be: a program is never started as ourselves instead.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource

PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS, PR_GET_NO_NEW_PRIVS, PR_CAP_AMBIENT = 24, 38, 39, 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
CAPABILITY_VERSION_3 = 0x20080522
CAP_KILL = 5
STANDARD_STREAMS = 3

_LIBC = ctypes.CDLL(None, use_errno=True)
_Sets = ctypes.c_uint32 * 6
"""Effective, permitted and inheritable of capabilities 0 to 31, then the same of 32 to 63."""


class RefusedError(Exception):
    """This process may not become that user; says which step was refused."""


def become_user(uid: int, gid: int) -> None:
    """Be that user and group from now on, in this process and all that come of it: no other group, no capability, none to be
    gained by executing a file; no core files, mode 022 for new files, and nothing open beyond the standard streams once another
    program is executed.

    Raises `RefusedError` when any of that is refused; the process is not to go on then.
    """
    if uid == 0 or gid == 0:
        raise RefusedError("that would be root")
    if os.geteuid() == 0 and not _capabilities()[0] & 1 << CAP_KILL:
        raise RefusedError("without the capability CAP_KILL it could not be ended")
    try:
        os.umask(0o022)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        for number in (int(name) for name in os.listdir("/proc/self/fd")):  # noqa: PTH208 (the starter has no pathlib)
            _close_at_exec(number)
        _empty_bounding_set()
        os.setgroups([])
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise RefusedError(f"the kernel says: {error.strerror}") from None
    _LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    _LIBC.capset(_header(), _Sets())
    _LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    is_user = os.getresuid() == (uid,) * 3 and os.getresgid() == (gid,) * 3 and not os.getgroups()
    if not is_user or any(_capabilities()) or _LIBC.prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1:
        raise RefusedError("some rights remained")


def _close_at_exec(number: int) -> None:
    if number >= STANDARD_STREAMS:
        try:
            fcntl.fcntl(number, fcntl.F_SETFD, fcntl.FD_CLOEXEC)
        except OSError:
            return  # the descriptor that listed them


def _empty_bounding_set() -> None:
    """What no file can give then. Without CAP_SETPCAP it stays as it is, which `no_new_privs` makes worthless."""
    capability = 0
    while _LIBC.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:
        capability += 1


def _capabilities() -> list[int]:
    """Effective, permitted, inheritable; twice, see `_Sets`."""
    sets = _Sets()
    if _LIBC.capget(_header(), sets) != 0:
        raise RefusedError("the kernel does not tell its capabilities")
    return list(sets)


def _header() -> ctypes.Array[ctypes.c_uint32]:
    return (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
