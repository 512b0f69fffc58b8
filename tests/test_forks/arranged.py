"""What the tests of forks share: first lines and sentences, and our baseline."""

from __future__ import annotations

from dataclasses import replace

from autoprof_ci.model import (
    Bundle,
)
from tests.relayed import FLAT, Forked, instructions, measured

GREEN = "### 🟢 No regression in `worker`: 1 workload, 3 hot functions, against `{base}` (merge base)"
RED = "### 🔴 `worker` executes 25 % more instructions in `work`: each call of `check` is 50 % dearer"
UNSURE = "### 🟡 Not sure whether `worker` got slower: a workload of the base branch was not compared in this run."
NOT_OURS = "The run did not measure this repository's own baseline, so the numbers stored with that are compared instead"
LEFT_OUT = "A workload of the base branch was not compared in this run"
LOOSENED = "This pull request loosens thresholds"


def with_baseline(forked: Forked, *names: str) -> Bundle:
    """Our baseline of these workloads; gives what an honest run says of it."""
    ours = measured(*(instructions(name, FLAT) for name in names or ("work",)))
    forked.stored(ours)
    return replace(ours, commit=forked.base)
