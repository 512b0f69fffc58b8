# ruff: noqa: PTH123
# The starter imports this: pathlib would double the time it needs to begin.
"""What a user leaves behind when its program has ended: processes that outrun being killed by number, objects of System V.

Knows kill(2), credentials(7) and svipc(7). Imports the standard library only, since the starter needs it too. Nothing here is
for a user that anybody else is as well: all that is theirs goes.

Also executed, as ``python -I -S leavings.py UID GID``, by whoever had to end the starter itself.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

BEHIND = 10
"""Whoever ends a user's processes is user `uid` - BEHIND itself: not to be ended by them, nor by who ends another user's."""
IPC_RMID = 0
TABLES = ("shm", "msg", "sem")


def end_all(uid: int, gid: int) -> None:
    """End every process of that user at once, and remove its shared memory, queues and semaphores. Needs to be root.

    The kernel signals them in one go, in which nobody can fork: so nobody is missed. Stays silent where it may not be done: there
    those processes could not have been started either.
    """
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setresgid(gid, gid, gid)
            os.setresuid(uid - BEHIND, uid, uid - BEHIND)
            _end_processes()
            _remove_objects()
        except OSError:
            os._exit(1)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


def _end_processes() -> None:
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        return  # there is nobody


def _remove_objects() -> None:
    """``0 98304 600 1048576 ...``: key, id, mode. Of another user's the kernel refuses it."""
    libc = ctypes.CDLL(None)
    for table in TABLES:
        for number in _ids(f"/proc/sysvipc/{table}"):
            if table == "sem":
                libc.semctl(number, 0, IPC_RMID)
            else:
                getattr(libc, f"{table}ctl")(number, IPC_RMID, None)


def _ids(table: str) -> list[int]:
    try:
        with open(table, encoding="ascii") as file:
            return [int(line.split()[1]) for line in file.readlines()[1:]]
    except OSError:
        return []  # a kernel without them


if __name__ == "__main__":
    end_all(int(sys.argv[1]), int(sys.argv[2]))
