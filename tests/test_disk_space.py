from __future__ import annotations

import errno
import os
import shutil

import pytest

from autoprof_ci.errors import ToolError
from autoprof_ci.measure.disk_space import full_disk_said

NO_SPACE = os.strerror(errno.ENOSPC)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, NO_SPACE, "/dev/shm/x"), r"^No space left for what is measured \(/dev/shm/x\)\. Free some"),
        (shutil.Error([("a", "b", f"[Errno 28] {NO_SPACE}: 'a'")]), r"^No space left for what is measured\. Free some"),
    ],
)
def test_full_disk_said__full(error: OSError, message: str) -> None:
    with pytest.raises(ToolError, match=message), full_disk_said():
        raise error


def test_full_disk_said__anything_else_passes() -> None:
    with pytest.raises(PermissionError), full_disk_said():
        raise PermissionError(errno.EACCES, "no", "/x")
