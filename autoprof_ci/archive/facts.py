"""What is known of one archived run beside its profile, and how that is written: ``run-….json``.

Knows the document. msgspec checks what comes in: the file lies in a folder that anybody may write to.
"""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from autoprof_ci.errors import DataError

SCHEMA = 1
MAX_BYTES = 1 << 20

Seconds = Annotated[float, msgspec.Meta(ge=0, le=1e9)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10**15)]
Text = Annotated[str, msgspec.Meta(max_length=100_000)]


class Sampling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it was sampled. `is_cut_off`: recording ended before the program, at the largest file."""

    event: Text
    frequency_hz: Count
    samples: Count
    lost: Count
    kernel_seen: bool
    is_cut_off: bool


class Heap(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What heaptrack counted of the process that the command began with."""

    allocations: Count
    temporary: Count
    peak_bytes: Count
    leaked_bytes: Count


class Facts(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One run. `started_at`: local time with its offset. `not_recorded`: why there is no profile, as a sentence.

    Exactly one of `exit_code` and `signal` is there. `peak_bytes`: of the largest process, where it is known. `is_dirty`:
    whether there were changes that are not in the commit.
    """

    schema: Annotated[int, msgspec.Meta(ge=1)] = SCHEMA
    tool_version: Text
    started_at: Text
    command: tuple[Text, ...]
    wall_s: Seconds
    user_s: Seconds
    system_s: Seconds
    exit_code: int | None = None
    signal: int | None = None
    peak_bytes: Count | None = None
    commit: Text | None = None
    branch: Text | None = None
    is_dirty: bool | None = None
    sampling: Sampling | None = None
    heap: Heap | None = None
    not_recorded: Text | None = None

    @property
    def cpu_s(self) -> float:
        return self.user_s + self.system_s

    @property
    def program(self) -> str:
        """What a reader calls it: ``autopilot``."""
        return self.command[0].rsplit("/", 1)[-1] if self.command else "?"

    @property
    def task(self) -> str:
        """What other runs are to be compared with: the program, with its command where it has any: ``autopilot run``."""
        first = self.command[1] if len(self.command) > 1 else ""
        return f"{self.program} {first}" if re.fullmatch("[a-z][a-z-]{0,30}", first) else self.program


def encode(facts: Facts) -> bytes:
    return msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n"


def decode(data: bytes, *, source: str) -> Facts:
    """Raises `DataError`."""
    try:
        facts = msgspec.json.decode(data, type=Facts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise DataError(f"{source} is no description of a run: {error}", "Remove it, or restore it from a copy") from None
    if facts.schema != SCHEMA:
        raise DataError(f"{source} is of a later version ({facts.schema}) of autoprof-ci", "Update autoprof-ci")
    return facts
