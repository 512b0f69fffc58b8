"""EDGE: perf beside a program that runs in our place: attached before it begins, in a session of its own, ended when it ends.

Knows perf's control channel (perf-record(1), ``--control``) and how it is told to stop. Knows nothing of the program. perf must
not stand around the program as usual: at Ctrl-C it would kill it, and its own options would decide about the terminal.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from autoprof_ci.measure.perf_record import OPTIONS, PARANOID, STACK_BYTES, Perf, Refusal, refusal
from autoprof_ci.measure.runner import TOOL_ENVIRONMENT

NO_MEMORY_BEFORE = ("--synth", "no")
"""The process that is to become the program has a C library already, and perf would look in its unwind tables for the program's:
stacks of every second run would break off. perf before 5.16 does not know this."""
MAX_FILE = "1G"
"""perf stops by itself there. A copied stack packs to about 3 kB: at 499 a second this is ten minutes of computing."""
READY_S = 30.0
STOP_S = 60.0


class Attached:
    """perf that records one process with all its children until `stop`. Files are in `folder`."""

    def __init__(self, perf: Perf, pid: int, folder: Path, more: tuple[str, ...] = NO_MEMORY_BEFORE) -> None:
        self.file = folder / "run.data"
        self._said = folder / "perf.txt"
        commands, self._commands = os.pipe()
        self._answers, answers = os.pipe()
        options = (*OPTIONS, *more, "-z", "--max-size", MAX_FILE, "-e", perf.event, "-F", str(perf.frequency_hz))
        stacks = ("--call-graph", f"dwarf,{STACK_BYTES}")
        control = ("-D", "-1", f"--control=fd:{commands},{answers}")
        with self._said.open("wb") as said:
            self._process = subprocess.Popen(
                (perf.command, "record", *options, *stacks, *control, "-p", str(pid), "-o", str(self.file)),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                pass_fds=(commands, answers),
                start_new_session=True,
                env=TOOL_ENVIRONMENT,
            )
        os.close(commands)
        os.close(answers)

    def ready(self) -> Refusal | None:
        """Wait until it records; why it does not, where it does not."""
        with suppress(BrokenPipeError):  # it has ended already, and says why
            os.write(self._commands, b"enable\n")
        if select.select((self._answers,), (), (), READY_S)[0] and os.read(self._answers, 16).startswith(b"ack"):
            return None
        self._end()
        said = self._said.read_text(encoding="utf-8", errors="replace")
        return refusal(said, PARANOID.read_text(encoding="ascii").strip() if PARANOID.exists() else None)

    def is_too_old(self) -> bool:
        """Whether it is not ready because it does not know one of its options."""
        return "unknown option" in self._said.read_text(encoding="utf-8", errors="replace")

    def stop(self) -> None:
        """Ask it to finish its file, and wait until it has. It has often ended before, with the last process of the program."""
        self._end()
        os.close(self._commands)
        os.close(self._answers)

    def _end(self) -> None:
        try:
            if self._process.poll() is None:
                self._process.send_signal(signal.SIGINT)
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def is_cut_off(self) -> bool:
        """Whether it stopped at the size limit, before the program ended."""
        return "size limit reached" in self._said.read_text(encoding="utf-8", errors="replace")
