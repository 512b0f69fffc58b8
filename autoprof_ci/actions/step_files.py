"""The files and variables that belong to this step alone: outputs, job summary, and the tokens that must go no further.

Knows the formats of ``GITHUB_OUTPUT`` and ``GITHUB_STEP_SUMMARY`` and their limits, and which variables hold secrets. Knows
no meaning of what is written.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from pathlib import Path

from autoprof_ci.actions import summary_text
from autoprof_ci.actions.context import Context
from autoprof_ci.errors import ToolError

OUTPUTS = (
    "outcome",
    "regressions",
    "verdict_path",
    "report_path",
    "baseline_commit",
    "baseline_artifact_id",
    "report_artifact_id",
)
"""As ``action.yml`` declares them; a test keeps both in step."""

MAX_SUMMARY_BYTES = 2**20
"""Of one step. The runner drops a summary that is larger, all of it."""

SECRET_VARIABLES = (
    "INPUT_GITHUB_TOKEN",
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
)
_SHORTEST_SECRET = 8
"""A shorter value is no token, and would be found everywhere."""


def set_outputs(context: Context, values: Mapping[str, str]) -> None:
    """Hand `values` to later steps. Raises `ToolError` where the file cannot be written, and then leaves it as it was."""
    unknown = set(values) - set(OUTPUTS)
    if unknown:
        raise ValueError(f"action.yml declares no output {', '.join(sorted(unknown))}")
    if context.output_file is not None and values:
        text = "".join(_heredoc(name, value) for name, value in values.items())
        _append(context.output_file, text.encode(errors="replace"), "The outputs of this step")


def write_summary(context: Context, markdown: str) -> None:
    """Add `markdown` to the job summary, cut at the end of a block where it would grow beyond what the runner takes.

    Raises `ToolError` where the file cannot be written, and then leaves it as it was.
    """
    file = context.summary_file
    if file is None:
        return
    before = file.stat().st_size if file.exists() else 0
    text = summary_text.fit(markdown, MAX_SUMMARY_BYTES - before)
    _append(file, text.encode(errors="replace"), "The job summary")


def take_secrets(env: MutableMapping[str, str]) -> tuple[str, ...]:
    """Remove the tokens from `env`, wherever they are in it, and return them: so that no child inherits one.

    Read context and inputs first. What is returned is to be masked in the log.
    """
    found = tuple(
        dict.fromkeys(value for name in SECRET_VARIABLES if len(value := env.get(name, "").strip()) >= _SHORTEST_SECRET)
    )
    # act repeats inputs under their plain names, and a workflow may have put a token into a variable of its own
    for name in [name for name, value in env.items() if name in SECRET_VARIABLES or any(secret in value for secret in found)]:
        del env[name]
    return found


def _heredoc(name: str, value: str) -> str:
    delimiter = f"ghadelimiter_{secrets.token_hex(16)}"
    while delimiter in value:
        delimiter = f"ghadelimiter_{secrets.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"


def _append(file: Path, content: bytes, what: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unwritable(file, what, error) from error
    try:
        before = os.fstat(descriptor).st_size
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        except OSError as error:
            # half an output makes the runner fail the step
            with suppress(OSError):
                os.ftruncate(descriptor, before)
            raise _unwritable(file, what, error) from error
    finally:
        os.close(descriptor)


def _unwritable(file: Path, what: str, error: OSError) -> ToolError:
    return ToolError(
        f"{what} cannot be written to {file}: {error.strerror or error}",
        "The runner prepares this file: look whether its disk is full, or whether the step's environment was changed",
    )
