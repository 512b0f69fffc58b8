"""Which executable each process of a recording is running: from perf's events on processes, not from thread names.

Knows the lines that ``perf script --show-task-events --show-mmap-events`` prints besides samples. Pure. A thread may call itself
anything, but the first executable mapping after an exec is the executable's::

    19187 PERF_RECORD_FORK(19187:19187):(19185:19185)
    19187 PERF_RECORD_COMM exec: hot:19187/19187
    19187 PERF_RECORD_MMAP2 19187/19187: [0x55e32a820000(0x1000) @ 0x1000 00:1b 332 3530248084]: r-xp /dev/shm/t/hot
    19187 PERF_RECORD_EXIT(19187:19187):(19185:19185)
"""

from __future__ import annotations

import re

STARTER = ""
"""In place of an executable's path: the process that perf began, and its children until they become something else."""

_EVENT = re.compile(
    rb"""\s* -?\d+ \s+ PERF_RECORD_(?:
      FORK \( (?P<child>\d+):\d+ \) : \( (?P<parent>\d+):\d+ \)
    | COMM (?P<exec>\ exec)? : \  (?P<comm>.*) : (?P<execed>-?\d+)/-?\d+
    | MMAP2? \  (?P<mapper>-?\d+)(?:/-?\d+)? : \  \[ [^\]]* \] : \  (?P<rights>[-rwxps]+) \  (?P<path>.*)
    | [A-Z_0-9]+ .*
    ) $""",
    re.VERBOSE | re.DOTALL,
)

Weights = dict[bytes, int]
"""What was sampled -> its weight, in the words of the line it came from."""


class Processes:
    """Weights by executable, filled while the events of a recording are followed in their order.

    `by_pid[pid]` is where a sample of that process counts now; processes of one executable share it.
    """

    def __init__(self) -> None:
        self.by_pid: dict[bytes, Weights] = {}
        self.by_executable: dict[str, Weights] = {STARTER: {}}
        self._root: bytes | None = None
        self._becoming: dict[bytes, str] = {}

    @classmethod
    def of_attached(cls) -> Processes:
        """Of a recording that perf was attached to: there is no starter, the first to exec is the program."""
        processes = cls()
        processes._root = b""
        return processes

    def follow(self, line: bytes) -> bool:
        """Take one line that is no sample; False when it is no event either."""
        event = _EVENT.match(line)
        if event is None:
            return False
        if event["child"] is not None:
            self._fork(event["child"], event["parent"])
        elif event["exec"] is not None:
            self._exec(event["execed"], event["comm"])
        elif event["path"] is not None and b"x" in event["rights"]:
            self._map(event["mapper"], event["path"])
        return True

    def of_unknown(self, pid: bytes) -> Weights:
        """Where a process counts of which no event was seen: perf's own, before it became the starter."""
        return self.by_pid.setdefault(pid, self.by_executable[STARTER])

    def finish(self) -> dict[str, Weights]:
        """Weights by the executable's path; of one that was never mapped, by the name it had."""
        for pid, name in self._becoming.items():
            _add(self.by_executable.setdefault(name, {}), self.by_pid[pid])
        self._becoming.clear()
        return self.by_executable

    def _fork(self, child: bytes, parent: bytes) -> None:
        if child != parent:
            self._become_of(child)
            self.by_pid[child] = self.by_pid.get(parent, self.by_executable[STARTER])
            if parent in self._becoming:
                self._becoming[child] = self._becoming[parent]
                self.by_pid[child] = {}

    def _exec(self, pid: bytes, name: bytes) -> None:
        if self._root is None:
            self._root = pid
        if pid == self._root:
            self.by_pid[pid] = self.by_executable[STARTER]
            return
        self._become_of(pid)
        self._becoming[pid] = name.decode("utf-8", "replace")
        self.by_pid[pid] = {}

    def _map(self, pid: bytes, path: bytes) -> None:
        if pid in self._becoming:
            known = self.by_executable.setdefault(path.decode("utf-8", "replace"), {})
            _add(known, self.by_pid[pid])
            self.by_pid[pid] = known
            del self._becoming[pid]

    def _become_of(self, pid: bytes) -> None:
        """The process id begins anew: what it was becoming it never became."""
        name = self._becoming.pop(pid, None)
        if name is not None:
            _add(self.by_executable.setdefault(name, {}), self.by_pid[pid])


def _add(total: Weights, more: Weights) -> None:
    for key, weight in more.items():
        total[key] = total.get(key, 0) + weight
