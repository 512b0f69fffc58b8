# ruff: noqa: PTH100, PTH120, PTH123, SIM105
# Importing pathlib and contextlib would double the time this file needs to begin.
"""Starts commands one after another and writes down how each went: the program that runs below a measuring tool.

Knows processes: sessions, time limits, orphans, exit states. Knows nothing of tools or workloads: it is executed as a file by
``python -I -S`` (also inside a container) and imports the standard library only, and `privileges` where a start wants it.

Usage: ``starter.py JOB RESULTS``, both JSON files; `JOB` holds a list of starts, `RESULTS` a list of results, one for each
start made; or ``{"refused": WHY}`` when a start may not become the user it is to run as. It stops after the first start that did
not end as expected. Standard input is a lifeline: when whoever started us
closes it or dies, every child dies too.
"""

from __future__ import annotations

import ctypes
import hashlib
import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False  # typing would take longer to import than all the rest
if TYPE_CHECKING:
    from typing import NoReturn

PR_SET_CHILD_SUBREAPER = 36
READ_BYTES = 1 << 20
STDERR_TAIL_BYTES = 4096
LIFELINE = 0
REFUSED = b"refused "
IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
"""Whoever started us may ignore some, which a program would inherit."""


class StoppedError(Exception):
    """Whoever started us wants everything to end."""


class RefusedError(Exception):
    """A start is to run as another user, and may not."""


class Output:
    """What a start wrote. Standard output is digested, never kept: a program may write gigabytes; of errors the end is kept."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.stdout_bytes = 0
        self.tail = b""
        self.stdout, self.stdout_end = os.pipe()
        self.stderr, self.stderr_end = os.pipe()
        self.open = {self.stdout, self.stderr}

    def read(self, descriptor: int) -> bool:
        """Take what is there (waits for something to be); False at the end of that pipe."""
        chunk = os.read(descriptor, READ_BYTES)
        if chunk:
            self.take(descriptor, chunk)
        else:
            self.open.discard(descriptor)
        return bool(chunk)

    def take(self, descriptor: int, chunk: bytes) -> None:
        if descriptor == self.stdout:
            self.digest.update(chunk)
            self.stdout_bytes += len(chunk)
        else:
            self.tail = (self.tail + chunk)[-STDERR_TAIL_BYTES:]

    def read_rest(self) -> None:
        """To the end; only once nobody is left who could write."""
        for descriptor in tuple(self.open):
            while self.read(descriptor):
                pass

    def close_ends(self) -> None:
        """The writing ends belong to the program now."""
        os.close(self.stdout_end)
        os.close(self.stderr_end)

    def close(self) -> None:
        os.close(self.stdout)
        os.close(self.stderr)


def run_one(start: dict[str, object], patience: float) -> dict[str, object]:
    """Run one command to its end; the fields are those of `runner.StartResult`. Its children may outlive it by its grace times
    `patience`."""
    output = Output()
    status, timed_out, error = 0, False, None
    usage = [0.0, 0.0]
    left = 0
    pid, before_s = None, 0.0
    begun = ended = time.monotonic()
    try:
        pid, begun, before_s = spawn(start, output)
    except OSError as failure:
        error = failure.strerror
    output.close_ends()
    try:
        if pid is not None:
            timed_out = not wait(pid, output, begun + float(str(start["timeout_s"])))
            if timed_out:
                kill(-pid)
            _, status, used = os.wait4(pid, 0)
            ended = time.monotonic()
            usage = [max(0.0, used.ru_utime - before_s), used.ru_stime]
            left = reap_all(0.0 if timed_out else patience * float(str(start["grace_s"])), usage, alone(start))
            output.read_rest()
    except BaseException:
        for child in children():
            kill(child)
        reap_all(0.0, usage, alone(start))
        raise
    finally:
        output.close()
    began = pid is not None
    return {
        "exit_code": os.WEXITSTATUS(status) if began and os.WIFEXITED(status) else None,
        "signal": os.WTERMSIG(status) if began and os.WIFSIGNALED(status) else None,
        "wall_s": ended - begun,
        "user_s": usage[0],
        "system_s": usage[1],
        "stdout_sha256": output.digest.hexdigest(),
        "stdout_bytes": output.stdout_bytes,
        "stderr_tail": output.tail.decode("utf-8", "replace"),
        "timed_out": timed_out,
        "left_children": 0 if timed_out else left,
        "error": error,
        "begun_s": begun,
    }


def as_expected(start: dict[str, object], result: dict[str, object]) -> bool:
    return not result["timed_out"] and result["exit_code"] == start["expect_exit"]


def spawn(start: dict[str, object], output: Output) -> tuple[int, float, float]:
    """Start the command in a session of its own: process id, the moment (monotonic) and the CPU seconds the new process had used
    when it became the command. Raises `OSError` when it cannot be started, `RefusedError` when it may not be who it is to be."""
    said, say = os.pipe()
    pid = os.fork()
    if pid == 0:
        become(start, output, say)
    os.close(say)
    words = b""
    # The pipe closes itself at exec.
    while chunk := os.read(said, 256):
        words += chunk
    os.close(said)
    if words.startswith(REFUSED):
        os.waitpid(pid, 0)
        raise RefusedError(words.removeprefix(REFUSED).decode("utf-8", "replace"))
    began_s, used_s, *rest = (float(word) for word in words.split())
    if rest:
        os.waitpid(pid, 0)
        number = int(rest[-1])
        raise OSError(number, os.strerror(number))
    return pid, began_s, used_s


def become(start: dict[str, object], output: Output, say: int) -> NoReturn:
    """In the new process: become the command.

    A sampling clock begins anew in every process, so it would hit a short command always at the same points of its work. Hence
    the process first works for a random part of `phase_s`, the clock's period.
    """
    try:
        os.setsid()
        identity = start.get("identity")
        if isinstance(identity, list):
            end_first()
            become_user(identity[0], identity[1], say)
        # As that user: what it may not read we do not read for it.
        os.chdir(str(start["cwd"]))
        stdin = os.open(str(start["stdin"] or os.devnull), os.O_RDONLY | os.O_NONBLOCK)  # a pipe without a writer is empty
        os.set_blocking(stdin, True)
        os.dup2(stdin, 0)
        os.dup2(output.stdout_end, 1)
        os.dup2(output.stderr_end, 2)
        for number in (*IGNORED_BY_PYTHON, *ENDING):
            signal.signal(number, signal.SIG_DFL)
        argv, env = start["argv"], start["env"]
        assert isinstance(argv, list) and isinstance(env, dict)
        until = time.process_time() + random() * float(str(start["phase_s"]))
        while (used_s := time.process_time()) < until:
            pass
        os.write(say, f"{time.monotonic()} {used_s} ".encode())
        os.execve(argv[0], argv, env)
    except OSError as failure:
        os.write(say, f"0 0 {failure.errno}".encode())
    finally:
        os._exit(127)


def end_first() -> None:
    """Where memory is short, end this process rather than those who measure."""
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")


def become_user(uid: int, gid: int, say: int) -> None:
    """Ends the process where that is refused."""
    from autoprof_ci.measure import privileges  # loaded by `main`

    try:
        privileges.become_user(uid, gid)
    except privileges.RefusedError as refusal:
        os.write(say, REFUSED + str(refusal).encode())
        os._exit(127)


def random() -> float:
    """Uniform in [0, 1); the module `random` takes longer to import than all of this."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


def wait(pid: int, output: Output, deadline: float) -> bool:
    """Read along until the process ends; False when `deadline` (monotonic) passes first."""
    process = os.pidfd_open(pid)
    poll = select.poll()
    for descriptor in (LIFELINE, process, output.stdout, output.stderr):
        poll.register(descriptor, select.POLLIN)
    try:
        while (left_s := deadline - time.monotonic()) > 0:
            for descriptor, _ in poll.poll(left_s * 1000 + 1):
                if descriptor == LIFELINE:
                    raise StoppedError
                if descriptor == process:
                    return True
                if not output.read(descriptor):
                    poll.unregister(descriptor)
        return False
    finally:
        os.close(process)


def reap_all(grace_s: float, usage: list[float], user: tuple[int, int] | None) -> int:
    """Wait for what a start left running, then kill it: how many had to be killed. Their CPU time is added to `usage`.

    `user`: whose processes are all of this start. One that is a new one all the time cannot be killed by its number.
    """
    killed: set[int] = set()
    deadline = time.monotonic() + grace_s
    while True:
        try:
            pid, _, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return len(killed)
        if pid:
            usage[0] += used.ru_utime
            usage[1] += used.ru_stime
        elif time.monotonic() < deadline:
            time.sleep(0.002)
        else:
            for child in children():
                killed.add(child)
                kill(child)
            if user is not None:
                end_all(user)
            time.sleep(0.001)


def alone(start: dict[str, object]) -> tuple[int, int] | None:
    """Whom the start runs as, if nobody else here is that user."""
    identity = start.get("identity")
    return (identity[0], identity[1]) if isinstance(identity, list) and start.get("is_alone") else None


def end_all(user: tuple[int, int]) -> None:
    from autoprof_ci.measure import leavings  # loaded by `main`

    leavings.end_all(*user)


def children() -> list[int]:
    """Process ids of our own children; orphans of the starts are among them, since we are their reaper."""
    with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def stop(_signal: int, _frame: object) -> None:
    raise StoppedError


def main(job_path: str, results_path: str) -> None:
    signal.signal(signal.SIGTERM, stop)
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    with open(job_path, encoding="utf-8") as file:
        starts = json.load(file)
    if any(start.get("identity") or start.get("window") for start in starts):
        sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
        sys.modules["autoprof_ci.measure.starter"] = sys.modules[__name__]  # for `daemon_start`: this one, not another of it
        import autoprof_ci.measure.leavings
        import autoprof_ci.measure.privileges  # noqa: F401
        from autoprof_ci.measure import daemon_start as daemons
    results: list[dict[str, object]] = []
    refused = None
    patience = 1.0
    try:
        for start in starts:
            run, is_fine = (daemons.run_one, daemons.as_expected) if start.get("window") else (run_one, as_expected)
            results.append(run(start, patience))
            if results[-1]["left_children"]:
                patience = 0.0  # it leaves them on purpose: a thousand starts need not wait for that
            if not is_fine(start, results[-1]):
                break
    except StoppedError:
        pass
    except RefusedError as refusal:
        refused = {"refused": str(refusal)}
    finally:
        for user in {user for start in starts if (user := alone(start))}:
            end_all(user)  # what outlives a process, and would be there for the next program
        with open(results_path, "w", encoding="utf-8") as file:
            json.dump(refused or results, file)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
