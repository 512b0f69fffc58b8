"""EDGE: what is left behind by a run that ended without a verdict: measurements, the reason, and words for those who wait.

Knows that whatever fails here fails after something else did, so it only ever warns.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from autoprof_ci.actions import artifact_zip
from autoprof_ci.actions.inputs import MEASURING, Mode
from autoprof_ci.commands import files
from autoprof_ci.commands.on_github import telling
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.errors import AutoprofError, DataError, ToolError
from autoprof_ci.model import SCHEMA_VERSION
from autoprof_ci.report import Details

NAME = "failed.json"
"""In the report's artifact: for the job that may comment, where this one may not."""
MAX_BYTES = 64 * 1024
MAX_CHARACTERS = 2000


class _Failed(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    schema: Annotated[int, Meta(ge=1, le=SCHEMA_VERSION)]
    what: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]
    next_step: Annotated[str, Meta(max_length=MAX_CHARACTERS)]


def leave(situation: Situation, error: AutoprofError) -> None:
    """Tell everybody that there is no verdict, and keep what was measured."""
    if situation.mode is not Mode.COMMENT:
        with situation.going_on():
            files.write(situation.out / NAME, _encode(error))
        telling.keep(situation, telling.report_name(situation))
    if situation.mode is not Mode.PART:  # the job that merges speaks for all
        telling.tell_failure(situation, error, _details(situation), telling.addressee(situation))


def keep_interrupted(situation: Situation) -> None:
    """A cancelled job has some seconds left: enough for a small artifact, and nobody waits for words."""
    if situation.mode in MEASURING and situation.out.exists():
        telling.keep(situation, telling.report_name(situation))


def read(zipped: bytes) -> AutoprofError | None:
    """Why the run that left this report has no verdict; ``None`` where it has one."""
    data = artifact_zip.member(zipped, NAME, MAX_BYTES)
    if data is None:
        return None
    try:
        failed = msgspec.json.decode(data, type=_Failed)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DataError(f"{NAME} in the report of the run cannot be read", "Look into the log of that run") from None
    return ToolError(failed.what, failed.next_step)


def _encode(error: AutoprofError) -> bytes:
    return msgspec.json.encode(
        _Failed(schema=SCHEMA_VERSION, what=error.what[:MAX_CHARACTERS], next_step=error.next_step[:MAX_CHARACTERS])
    )


def _details(situation: Situation) -> Details:
    return Details(
        program=(situation.inputs.binary or "the program").rpartition("/")[2],
        config_name=situation.inputs.config or "autoprof.toml",
        runs=0,
        charts=telling.TEXT,
        reproduce="",
        report_url=None,
        key=situation.key,
        base_branch=situation.context.base_ref or "main",
        run_url=situation.context.run_url,
    )
