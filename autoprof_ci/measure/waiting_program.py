"""EDGE: a program of the user's that runs in our place: with the terminal, environment and folder that we have, unchanged.

Knows how to fork it and hold it until a recorder is attached, which signals are handed on, and what the kernel says when it has
ended. Knows nothing of recorders. While it runs we are only somebody who waits::

    terminal ── Ctrl-C, Ctrl-Z ──► the foreground group: the program and we (we let it pass)
    kill -TERM us ───────────────► us ── the same signal ──► the program

It stays in our process group, so that job control of the shell stops and continues both. What is sent to the whole group by
`kill` reaches it twice: the kernel does not say to whom else a signal went.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

from autoprof_ci.errors import UsageError

HANDED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
_SI_KERNEL = 0x80
"""How a signal is marked that a terminal sent (include/uapi/asm-generic/siginfo.h): its whole foreground group has got it."""
_GO = b"g"
_LONGEST_BYTES = 4096
"""What a pipe takes in one piece (POSIX, PIPE_BUF)."""
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)
_DUMPS_CORE = (signal.SIGQUIT, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGFPE, signal.SIGBUS, signal.SIGSEGV)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How it went. Exactly one of `exit_code` and `signal` is there. Seconds are of the program and of all its children that it
    waited for. `peak_bytes`: of the largest of these processes; ``None`` where it was no larger than we are, which hides it."""

    exit_code: int | None
    signal: int | None
    wall_s: float
    user_s: float
    system_s: float
    peak_bytes: int | None


class WaitingProgram:
    """A child that becomes the program once it is told to. A context manager: a child that was never told ends with it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self._go: int | None
        go, self._go = os.pipe()
        self._failed, failed = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._close_go()
            self._become_it(go, failed)
        os.close(go)
        os.close(failed)

    def __enter__(self) -> WaitingProgram:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        if self._go is not None:
            self._close_go()
            os.waitpid(self.pid, 0)
        os.close(self._failed)

    def run(self, environment: Mapping[str, str] | None = None) -> Ended:
        """Let it begin, with `environment` added to its own, and wait until it has ended.

        Raises `UsageError` where the system will not start it.
        """
        watched = {signal.SIGCHLD, *(number for number in HANDED_ON if signal.getsignal(number) is not signal.SIG_IGN)}
        # From here on we take signals one by one: none may end us before the program has ended.
        signal.pthread_sigmask(signal.SIG_BLOCK, watched)
        own_bytes = _largest_bytes(resource.getrusage(resource.RUSAGE_SELF))
        begun_s = time.monotonic()
        assert self._go is not None
        words = b"\0".join(os.fsencode(f"{name}={value}") for name, value in (environment or {}).items())
        os.write(self._go, _GO + words)
        self._close_go()
        while True:
            status, usage = self._look()
            if status is not None:
                break
            info = signal.sigwaitinfo(watched)
            if info.si_signo != signal.SIGCHLD and info.si_code != _SI_KERNEL:
                with suppress(PermissionError):  # it has become another user's
                    os.kill(self.pid, info.si_signo)
        wall_s = time.monotonic() - begun_s
        while signal.sigtimedwait(watched, 0) is not None:
            pass  # meant for the program, which is no more
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        refused = os.read(self._failed, 64)
        if refused:
            why = os.strerror(int(refused))
            raise UsageError(
                f"{self._command[0]} cannot be started: {why}", "Name a program, as in: autoprof-ci profile -- PROGRAM"
            )
        code = os.waitstatus_to_exitcode(status)
        peak_bytes = _largest_bytes(usage)
        return Ended(
            exit_code=code if code >= 0 else None,
            signal=-code if code < 0 else None,
            wall_s=wall_s,
            user_s=usage.ru_utime,
            system_s=usage.ru_stime,
            peak_bytes=peak_bytes if peak_bytes > own_bytes else None,
        )

    def _look(self) -> tuple[int | None, resource.struct_rusage]:
        pid, status, usage = os.wait4(self.pid, os.WNOHANG)
        return (status if pid else None), usage

    def _close_go(self) -> None:
        if self._go is not None:
            os.close(self._go)
            self._go = None

    def _become_it(self, go: int, failed: int) -> None:
        """In the child, and never back."""
        try:
            told = os.read(go, _LONGEST_BYTES)
            if not told.startswith(_GO):
                os._exit(0)
            added = dict(word.split(b"=", 1) for word in told[len(_GO) :].split(b"\0") if word)
            for number in _IGNORED_BY_PYTHON:
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
            os.execvpe(self._command[0], self._command, {**os.environb, **added})
        except OSError as error:
            os.write(failed, str(error.errno).encode())
        finally:
            os._exit(127)


def end_like(ended: Ended) -> int:
    """The exit code to end with; where a signal ended the program, the same one ends us here and now."""
    if ended.signal is None:
        assert ended.exit_code is not None
        return ended.exit_code
    sys.stdout.flush()
    sys.stderr.flush()
    if ended.signal in _DUMPS_CORE:
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if ended.signal != signal.SIGKILL:
        signal.signal(ended.signal, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (ended.signal,))
    os.kill(os.getpid(), ended.signal)
    return 128 + ended.signal  # a signal that ends nobody by default


def _largest_bytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * 1024
