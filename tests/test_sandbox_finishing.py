"""Told to stop while the engine makes something: it is cleared away all the same."""

from __future__ import annotations

import os
import signal
import threading
import time
from types import SimpleNamespace

import pytest

from autoprof_ci.sandbox.engine import Engine
from autoprof_ci.sandbox.finishing import finished
from autoprof_ci.sandbox.volumes import Volumes

SLOW_S = 0.3


def test_finished__its_answer() -> None:
    assert finished(lambda: 7) == 7


def test_finished__its_error() -> None:
    with pytest.raises(ZeroDivisionError):
        finished(lambda: 1 // 0)


def interrupt_soon() -> None:
    threading.Timer(SLOW_S / 3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()


def test_finished__stops_only_when_it_is_made() -> None:
    made = []
    interrupt_soon()
    with pytest.raises(KeyboardInterrupt):
        finished(lambda: (time.sleep(SLOW_S), made.append(1)))
    assert made == [1]


class SlowApi:
    """Makes things slowly; a thing that is not there yet cannot be removed, as with the true one."""

    def __init__(self, slow: str) -> None:
        self._slow, self.there = slow, set[str]()

    def create_host_config(self, **_keys: object) -> object:
        return {}

    def create_volume(self, name: str, **_keys: object) -> None:
        self._make(name)

    def create_container(self, _image: str, *, name: str, **_keys: object) -> None:
        self._make(name)

    def remove_volume(self, name: str, **_keys: object) -> None:
        self.there.discard(name)

    def remove_container(self, name: str, **_keys: object) -> None:
        self.there.discard(name)

    def _make(self, name: str) -> None:
        if name.endswith(self._slow):
            interrupt_soon()
            time.sleep(SLOW_S)
        self.there.add(name)


@pytest.mark.parametrize("slow", ["-job", "-result", "-files"])
def test_volumes__interrupted_while_they_are_made(slow: str) -> None:
    api = SlowApi(slow)
    engine = Engine(name="docker", version="1", client=SimpleNamespace(api=api))
    with pytest.raises(KeyboardInterrupt), Volumes(engine, "image", "session"):
        pass
    assert api.there == set()
