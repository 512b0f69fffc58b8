"""How much memory the measuring container is given: of a hosted runner, a small machine, one that does not tell."""

from __future__ import annotations

import pytest

from autoprof_ci.errors import ProgramError, ToolError
from autoprof_ci.sandbox.engine import Engine
from autoprof_ci.sandbox.memory import Memory, memory_of
from autoprof_ci.sandbox.remedies import for_a_runner
from autoprof_ci.sandbox.session import ContainerSession

GIB = 1 << 30
MIB = 1 << 20


@pytest.mark.parametrize(
    ("total_bytes", "needed_bytes", "expected"),
    [
        (16 * GIB, 20 * MIB, Memory(scratch_bytes=8 * GIB, all_bytes=14 * GIB)),
        (16 * GIB, 3 * GIB, Memory(scratch_bytes=21 * GIB // 2, all_bytes=14 * GIB)),
        (4 * GIB, 20 * MIB, Memory(scratch_bytes=2 * GIB, all_bytes=3 * GIB)),
        (GIB, 20 * MIB, Memory(scratch_bytes=384 * MIB, all_bytes=512 * MIB)),
        (0, 20 * MIB, Memory(scratch_bytes=592 * MIB, all_bytes=None)),
    ],
    ids=["hosted", "large-inputs", "small", "tiny", "untold"],
)
def test_memory_of__machine(total_bytes: int, needed_bytes: int, expected: Memory) -> None:
    assert memory_of(total_bytes, needed_bytes) == expected


class SmallMachine:
    """The engine of a machine with one GiB; the client is its own interface."""

    def __init__(self) -> None:
        self.api = self

    def info(self) -> dict[str, object]:
        return {"MemTotal": GIB}


def test_session__files_have_no_room_in_memory() -> None:
    here = ContainerSession(Engine(name="docker", version="28", client=SmallMachine()), "autoprof-ci:any")
    with pytest.raises(ToolError) as caught:
        here._memory(500 * MIB)
    assert str(caught.value) == (
        "The program and the inputs of its workloads have 500 MiB, and the measuring container has 128 MiB of memory for them. "
        "Give the workloads smaller inputs, or use a runner with more memory."
    )


@pytest.mark.parametrize(
    ("what", "is_another"),
    [
        ("start 1 of 1 ended with exit code 1 instead of 0; its last words: /tmp/x: Permission denied", True),
        ('its last words: open("/var/tmp/x"): Read-only file system', True),
        ("its last words: shm_open: Permission denied", True),
        ("its last words: cannot write /dev/shm/segment", True),
        ("its last words: cannot open /dev/shm/autoprof-ab12/0/starts/0000/work/x", False),
        ("its last words: no such option", False),
    ],
)
def test_for_a_runner__program_looked_for_a_place_to_write(what: str, is_another: bool) -> None:
    error = for_a_runner(ProgramError(what, "Run the command by hand"))
    assert error.what == what
    assert (error.next_step != "Run the command by hand") == is_another
