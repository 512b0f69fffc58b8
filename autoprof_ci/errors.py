"""The tree of errors that end a command. Each says what happened, where, and the next thing to do; each has its exit code.

Expected absence (no baseline yet, a fork without a token) is an outcome, not an error.
"""

from __future__ import annotations


class AutoprofError(Exception):
    """Ends the command with one sentence on standard error.

    `what`: what happened and where, a sentence without its full stop. `next_step`: what the reader can do about it.
    """

    exit_code = 3

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        stop = "" if self.next_step.endswith((".", "?", "!", "]", '"')) else "."
        return f"{self.what.rstrip('.')}. {self.next_step}{stop}"


class UsageError(AutoprofError):
    """The command line or the configuration asks for something impossible."""

    exit_code = 2


class ConfigError(UsageError):
    """A key of ``autoprof.toml`` is wrong; `what` begins with its path."""


class ToolError(AutoprofError):
    """perf, valgrind or another tool is missing, refused or failed."""


class ProgramError(AutoprofError):
    """The measured program could not be started, or did not do what its workload says."""


class DataError(AutoprofError):
    """A file from outside (bundle, folded stacks, artifact) is not what it should be."""


class InterruptedByUserError(AutoprofError):
    """The user or the runner stopped us; what was measured is kept."""

    exit_code = 130
