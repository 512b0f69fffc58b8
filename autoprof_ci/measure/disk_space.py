"""When there is no space left: one sentence, whoever noticed it.

Knows how a full disk shows (an error number, an error wrapped in a message, a tool that cannot even write its complaint).
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from autoprof_ci.errors import ToolError

NEXT_STEP = "Free some space in /dev/shm and the temporary folder, or make the workload's inputs smaller."
LEAST_BYTES = 64 << 10


def is_full(folder: Path) -> bool:
    return shutil.disk_usage(folder).free < LEAST_BYTES


@contextmanager
def full_disk_said() -> Iterator[None]:
    """Turn the operating system's error into ours; any other error passes."""
    try:
        yield
    except OSError as error:
        # shutil wraps the errors of a whole tree in one that has no number.
        if error.errno != errno.ENOSPC and os.strerror(errno.ENOSPC) not in str(error):
            raise
        where = f" ({error.filename})" if error.filename else ""
        raise ToolError(f"No space left for what is measured{where}", NEXT_STEP) from None
