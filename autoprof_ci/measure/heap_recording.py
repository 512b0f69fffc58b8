"""EDGE: a program's heap recorded into a file for heaptrack_gui and heaptrack_print, while the program runs in our place.

Knows heaptrack's parts and how its own script joins them; that script is not used, since it writes to the program's standard
output and decides about its signals::

    program (library preloaded) ─► pipe with a name ─► heaptrack_interpret ─► zstd, else gzip ─► file

Only the process that the command begins with is recorded: the library takes itself out of the environment of its children.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.measure.heap_printed import Heap, read_printed
from autoprof_ci.measure.heaptrack_run import INSTALL, find_library
from autoprof_ci.measure.perf_record import Refusal

STOP_S = 60.0
READ_S = 300.0
NOTHING = Refusal(
    reason="heaptrack wrote nothing",
    next_step="It needs a program that is linked dynamically and ends by itself, by returning from `main` or by `exit`.",
)
NOT_INSTALLED = Refusal(reason="heaptrack is not installed", next_step=INSTALL)
_PACKERS = (("zstd", ".zst", ("-q", "-c")), ("gzip", ".gz", ("-c",)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where heaptrack's parts are. `packer`: a command; `ending`: of the files it makes."""

    library: Path
    interpreter: Path
    printer: str
    packer: tuple[str, ...]
    ending: str


def find_parts() -> Parts | Refusal:
    """Beside the command, as its own script looks for them."""
    library, printer = find_library(), shutil.which("heaptrack_print")
    packer = next(((path, *words, ending) for name, ending, words in _PACKERS if (path := shutil.which(name))), None)
    if library is None or printer is None or packer is None:
        return NOT_INSTALLED
    *packing, ending = packer
    return Parts(
        library=library,
        interpreter=library.parent / "libexec/heaptrack_interpret",
        printer=printer,
        packer=tuple(packing),
        ending=ending,
    )


class HeapRecording:
    """Ready to record into a file in `folder`, until `stop`."""

    def __init__(self, parts: Parts, folder: Path) -> None:
        self._parts = parts
        self.file = folder / f"heap{parts.ending}"
        self._pipe = folder / "heap.pipe"
        os.mkfifo(self._pipe, mode=0o600)
        # A writer of our own: without any, the reader would be at the end before the program begins.
        self._held = os.open(self._pipe, os.O_RDWR | os.O_CLOEXEC)
        incoming = os.open(self._pipe, os.O_RDONLY | os.O_CLOEXEC)
        with self.file.open("wb") as packed:
            self._interpreter = subprocess.Popen(
                (parts.interpreter,), stdin=incoming, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
            )
            self._packer = subprocess.Popen(
                parts.packer, stdin=self._interpreter.stdout, stdout=packed, stderr=subprocess.DEVNULL, start_new_session=True
            )
        assert self._interpreter.stdout is not None
        self._interpreter.stdout.close()
        os.close(incoming)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the program needs to have in its own."""
        preload = ":".join(filter(None, (str(self._parts.library), os.environ.get("LD_PRELOAD"))))
        return {"LD_PRELOAD": preload, "DUMP_HEAPTRACK_OUTPUT": str(self._pipe)}

    def stop(self) -> None:
        """Wait until all that the program wrote is in the file."""
        os.close(self._held)
        for process in (self._interpreter, self._packer):
            try:
                process.wait(STOP_S)
            except subprocess.TimeoutExpired:  # a child that the program left behind holds the pipe
                process.send_signal(signal.SIGTERM)
                process.wait()

    def read(self) -> Heap | Refusal:
        """What the record holds in all."""
        nothing_else = [f"--print-{what}=0" for what in ("peaks", "allocators", "temporary", "leaks")]
        try:
            said = subprocess.run(
                (self._parts.printer, "-f", str(self.file), *nothing_else),
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=READ_S, check=False,
            ).stdout  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            return Refusal(reason=f"heaptrack_print failed ({error})", next_step="Try it on a shorter run.")
        return read_printed(said) or NOTHING
