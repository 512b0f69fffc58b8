"""What it means that a start did not end as its workload says, in one sentence.

Knows signals, exit codes and the loader's message. Knows nothing of how starts are made or of what is measured.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.daemon_failures import daemon_failure, daemon_remedy
from autoprof_ci.measure.last_words import last_words
from autoprof_ci.measure.runner import Start, StartResult, signal_name

# autopilot: error while loading shared libraries: libfoo.so.1: cannot open shared object file: No such file or directory
_MISSING_LIBRARY = re.compile(r"error while loading shared libraries: ([^:\s]+)")


def check_results(starts: Sequence[Start], results: Sequence[StartResult], where: str) -> None:
    """Raise `ProgramError` unless every start ended as expected. `where` names workload, program and run."""
    for number, (start, result) in enumerate(zip(starts, results, strict=False), 1):
        reason = failure(start, result)
        if reason is not None:
            raise ProgramError(f"{where}: start {number} of {len(starts)} {reason}", next_step(result))
    if len(results) < len(starts):
        raise ProgramError(f"{where}: stopped after {len(results)} of {len(starts)} starts", "Measure again.")


def failure(start: Start, result: StartResult) -> str | None:
    """What went wrong, to be read after "start 3 of 10"; ``None`` when it ended as expected."""
    if result.error is not None:
        return f"could not be begun: {start.argv[0]}: {result.error}"
    library = _MISSING_LIBRARY.search(result.stderr_tail)
    if library is not None and result.exit_code == 127:
        return f"lacks the shared library {library[1]}"
    if result.watched is not None:
        return daemon_failure(start, result, result.watched)
    if result.timed_out:
        return f"did not end within {start.timeout_s:g} s and was killed{last_words(result.stderr_tail)}"
    if result.signal is not None:
        return f"was ended by signal {signal_name(result.signal)}{last_words(result.stderr_tail)}"
    if result.exit_code != start.expect_exit:
        return f"ended with exit code {result.exit_code} instead of {start.expect_exit}{last_words(result.stderr_tail)}"
    return None


def next_step(result: StartResult) -> str:
    """What the reader can do about a start that failed."""
    if result.error is not None:
        return "Check the command, and that the file is a program for this machine."
    if _MISSING_LIBRARY.search(result.stderr_tail) is not None:
        return "Install the library, or link it statically."
    if result.watched is not None:
        return daemon_remedy(result, result.watched)
    if result.timed_out:
        return "Raise `timeout_seconds` of the workload, or find out what it waits for: it has no network and no terminal."
    return "Run the command by hand in an empty folder; if that is how it should end, set `expect_exit`."
