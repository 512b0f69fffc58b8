"""What can be done about an error from inside of the measuring container, for somebody without a terminal on the machine. Pure.

Knows what of the container a program may stumble over. Knows nothing of how the error came out.
"""

from __future__ import annotations

import re

from autoprof_ci.errors import AutoprofError, ProgramError
from autoprof_ci.sandbox import rights

REMEDIES = (
    (AutoprofError, r"the kernel refuses perf", rights.ON_A_RUNNER),
    (
        ProgramError,
        r"was ended by signal SIGKILL",
        "It most likely needed more memory than the runner has: give the workload smaller inputs, or use a larger runner.",
    ),
    (
        ProgramError,
        r"(?<![\w.])(?:/var)?/tmp\b|/dev/(?:shm(?!/autoprof-)|mqueue)|(?i:read-only file system)|\b(?:shm|sem)_open\b",
        "In the measuring container a program may write to its working folder, $HOME and $TMPDIR, and not to /tmp or /dev/shm: "
        'have it use $TMPDIR, or set `sandbox = "none"`.',
    ),
)
"""Which errors, part of what they say, as a pattern, and the next step instead of the usual one: the first that fits."""


def for_a_runner(error: AutoprofError) -> AutoprofError:
    """The same error, with a next step that fits where it happened."""
    for kind, said, next_step in REMEDIES:
        if isinstance(error, kind) and re.search(said, error.what):
            return type(error)(error.what, next_step)
    return error
