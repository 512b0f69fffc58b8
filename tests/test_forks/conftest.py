"""A repository with a fork that opened a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_github import FakeGithub
from tests.relayed import Forked


@pytest.fixture
def github() -> Iterator[FakeGithub]:
    with FakeGithub() as running:
        yield running


@pytest.fixture
def forked(github: FakeGithub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Forked:
    monkeypatch.chdir(tmp_path)  # the step goes into its workspace: afterwards we are where we were
    return Forked.arranged(github, tmp_path)
