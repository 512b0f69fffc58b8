"""A request that makes something is waited for even when we are told to stop: what the engine still makes after we have cleared
away would be left behind, by a name that nobody removes.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Thread
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 5.0
"""A cancelled job has ten seconds in all; an engine makes a container within one, on a busy machine within three."""


def finished(request: Callable[[], T]) -> T:
    """The answer to `request`, or its error. `KeyboardInterrupt` is raised once the answer is there, or 5 s after Ctrl-C."""
    answer: Future[T] = Future()

    def ask() -> None:
        try:
            answer.set_result(request())
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            answer.set_exception(error)

    # Not an executor: the interpreter would wait at its end for a request that hangs.
    asking = Thread(target=ask, daemon=True)
    try:
        asking.start()
        return answer.result()
    except KeyboardInterrupt:
        wait((answer,), timeout=PATIENCE_S)
        raise
