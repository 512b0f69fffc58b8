"""The measuring container: made, started, listened to, ended, removed.

Knows how it is kept apart (no network, nothing writable but memory and the result's volume, no way to more rights) and how its
two streams arrive. Knows nothing of plans or results.
"""

from __future__ import annotations

import queue
import secrets
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from types import TracebackType

from docker.types import LogConfig, Mount
from docker.utils.socket import STDOUT, frames_iter

from autoprof_ci.errors import ToolError
from autoprof_ci.sandbox.engine import Engine
from autoprof_ci.sandbox.faults import RefusedByEngineError, engine_asked
from autoprof_ci.sandbox.finishing import finished
from autoprof_ci.sandbox.job import HOST
from autoprof_ci.sandbox.memory import Memory
from autoprof_ci.sandbox.rights import Rights
from autoprof_ci.sandbox.volumes import SESSION_LABEL, remove_container

PYTHON = "/opt/autoprof-ci/bin/python"
REAPER = "/usr/bin/tini"
"""Passes signals on and buries orphans. Both are where the image's Dockerfile puts them."""
MODULE = "autoprof_ci.sandbox.contained"
HOSTNAME = "autoprof-ci"
ENVIRONMENT = {"LANG": "C.UTF-8", "TZ": "UTC"}
MAX_PROCESSES = 4096
"""More than any build of a program under test starts, and few enough for the host."""
SMALL_BYTES = 64 << 20
MAX_LINE_BYTES = 1 << 16
TAIL_BYTES = 4096
ENDED_S = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """What one measuring container is made of. `arguments`: of the module that runs inside."""

    image: str
    session: str
    rights: Rights
    arguments: tuple[str, ...]
    mounts: tuple[Mount, ...]
    network: str
    memory: Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """`exit_code`: 128 + n for signal n, as the engine has it. `out_of_memory`: the kernel killed something in it."""

    exit_code: int
    out_of_memory: bool


class NotStartedError(ToolError):
    """The engine said no to what the container was to be made of."""


class MeasuringContainer:
    """A context manager: it runs inside of it, and is gone afterwards whatever happens.

    Its standard input is a lifeline: when our end of it is closed, because we ended in whatever way, it ends itself.
    """

    def __init__(self, engine: Engine, making: Making) -> None:
        self._api, self._making = engine.client.api, making
        self._name = f"autoprof-ci-{making.session}-measuring-{secrets.token_hex(2)}"
        self._heard: queue.Queue[tuple[int, bytes] | None] = queue.Queue()
        self._tail = b""

    def __enter__(self) -> MeasuringContainer:
        making = self._making
        try:
            with engine_asked("make the measuring container"):
                request = partial(
                    self._api.create_container,
                    making.image,
                    command=["-IB", "-m", MODULE, *making.arguments],
                    entrypoint=[REAPER, "-s", "--", PYTHON],
                    name=self._name,
                    hostname=HOSTNAME,
                    user="0:0",
                    working_dir="/",
                    environment=ENVIRONMENT,
                    stdin_open=True,
                    labels={SESSION_LABEL: making.session},
                    host_config=self._host_config(),
                )
                finished(request)
            with engine_asked("attach to the measuring container"):
                params = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
                self._socket = self._api.attach_socket(self._name, params)
            self._listener = threading.Thread(target=self._listen, daemon=True)
            self._listener.start()
            with engine_asked("start the measuring container"):
                self._api.start(self._name)
        except RefusedByEngineError as refused:
            self._remove()
            raise NotStartedError(refused.what, refused.next_step) from None
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._remove()
        self._hang_up()

    def lines(self, until: float) -> Iterator[bytes]:
        """Lines of its standard output as they come, to their end. Raises `TimeoutError` at `until` (monotonic)."""
        line = b""
        while (heard := self._next(until)) is not None:
            stream, chunk = heard
            if stream != STDOUT:
                self._tail = (self._tail + chunk)[-TAIL_BYTES:]
                continue
            *whole, line = (line + chunk).split(b"\n")
            line = line[:MAX_LINE_BYTES]
            yield from whole

    def last_words(self) -> str:
        """The end of its standard error."""
        return self._tail.decode("utf-8", "replace")

    def signal(self, name: str) -> None:
        """Raises `ToolError`, also where it has ended already."""
        with engine_asked("stop the measuring container"):
            self._api.kill(self._name, name)

    def ended(self) -> Ended:
        """How; it has closed its streams, so that is known within moments."""
        with engine_asked("wait for the measuring container"):
            self._api.wait(self._name, timeout=ENDED_S)
            state = self._api.inspect_container(self._name)["State"]
            return Ended(exit_code=int(state["ExitCode"]), out_of_memory=bool(state.get("OOMKilled")))

    def _next(self, until: float) -> tuple[int, bytes] | None:
        try:
            return self._heard.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            raise TimeoutError from None

    def _listen(self) -> None:
        """In a thread of its own, so that who waits for a line can be interrupted. A broken connection is an end too."""
        try:
            for frame in frames_iter(self._socket, tty=False):  # type: ignore[no-untyped-call]
                self._heard.put(frame)
        except (OSError, ValueError):
            pass
        finally:
            self._heard.put(None)

    def _hang_up(self) -> None:
        """The answer first, then its socket: left to the garbage collector either may go first, and then the log of whoever
        looks at the run shows a complaint of Python's. The SDK keeps the answer at the socket, for want of a better place."""
        self._listener.join(ENDED_S)
        answer = getattr(self._socket, "_response", None)
        if answer is not None:
            answer.close()

    def _remove(self) -> None:
        remove_container(self._api, self._name)

    def _host_config(self) -> dict[str, object]:
        making = self._making
        scratch = f"rw,exec,nosuid,nodev,mode=0755,size={making.memory.scratch_bytes}"
        small = f"rw,noexec,nosuid,nodev,mode=0700,size={SMALL_BYTES}"
        shielded = {str(HOST): small} if any(str(mount["Target"]).startswith(f"{HOST}/") for mount in making.mounts) else {}
        return dict(
            self._api.create_host_config(
                mounts=list(making.mounts),
                tmpfs={"/dev/shm": scratch, "/tmp": small, **shielded},
                read_only=True,
                network_mode=making.network,
                ipc_mode="private",
                cap_drop=["ALL"],
                cap_add=list(making.rights.capabilities),
                security_opt=list(making.rights.security),
                pids_limit=MAX_PROCESSES,
                mem_limit=making.memory.all_bytes,
                memswap_limit=making.memory.all_bytes,
                log_config=LogConfig(type="none"),
                init=False,
                privileged=False,
            )
        )


def host_library_mounts(folders: tuple[str, ...]) -> tuple[Mount, ...]:
    """These folders of the host, read-only, below a folder that the measured program cannot enter."""
    return tuple(Mount(f"{HOST}{folder}", folder, type="bind", read_only=True) for folder in folders)
