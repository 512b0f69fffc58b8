"""EDGE: what is left behind by a run that ended without a verdict: measurements, the reason, and words for those who wait.

Knows that whatever fails here fails after something else did, so it only ever warns.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
from msgspec import Meta

from autoprof_ci import report
from autoprof_ci.actions import artifact_names, artifact_zip, context, step_files
from autoprof_ci.actions.inputs import Mode
from autoprof_ci.actions.transport import ArtifactError
from autoprof_ci.commands.on_github import folder, telling
from autoprof_ci.commands.on_github.folder import FAILED
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.errors import AutoprofError, DataError, InterruptedByUserError, ToolError
from autoprof_ci.model import SCHEMA_VERSION
from autoprof_ci.report import Details

MAX_BYTES = 64 * 1024
MAX_CHARACTERS = 2000


class _Failed(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    schema: Annotated[int, Meta(ge=1, le=SCHEMA_VERSION)]
    what: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]
    next_step: Annotated[str, Meta(max_length=MAX_CHARACTERS)]


def failed(situation: Situation, error: AutoprofError, measured: Mapping[str, bytes] | None = None) -> int:
    """Tell everybody that there is no verdict, and keep what was measured; returns the step's exit code.

    `measured`: files that could not be written, so that the artifact is the only place left for them.
    """
    situation.log.error(str(error))
    if situation.mode is not Mode.COMMENT:
        encoded = _encode(error)
        try:
            folder.leave(situation.out, FAILED, encoded)
        except AutoprofError as unwritten:
            situation.log.say(f"{FAILED} is in the artifact only: {unwritten.what}")
        telling.keep(situation, kept_as(situation), {**(measured or {}), FAILED: encoded})
    if situation.mode is not Mode.PART:  # the job that merges speaks for all
        telling.tell_failure(situation, error, _details(situation), telling.addressee(situation))
    return error.exit_code


def cancelled(situation: Situation) -> int:
    """A cancelled job has some seconds left: enough for a small artifact, and nobody waits for a comment."""
    kept = (situation.out / "candidate.bundle.zip").exists()
    if situation.mode is Mode.COMMENT or not kept:
        situation.log.warning("The job was cancelled before anything was measured. Run it again when you are ready.")
        return InterruptedByUserError.exit_code
    situation.log.warning(
        f"The job was cancelled; what was measured by then is kept in {situation.out.name}/ of the workspace. "
        f"The artifact {kept_as(situation)} has it too, if there is time left to store it."
    )
    if not _is_stored(situation):
        telling.keep(situation, kept_as(situation))
    return InterruptedByUserError.exit_code


def kept_as(situation: Situation) -> str:
    """The artifact of a run without a verdict. Of a job of a matrix it is its part, so that no job takes another's place and the
    last one knows why there are no measurements."""
    if situation.mode is Mode.PART:
        return artifact_names.part(situation.key, situation.inputs.workloads, situation.context.run_attempt)
    return telling.report_name(situation)


def summarise(env: Mapping[str, str], error: AutoprofError) -> None:
    """The job summary of a step that could not begin, as far as it is known where that is."""
    try:
        here = context.read(env)
        details = report.Details(
            program="the program",
            config_name="autoprof.toml",
            runs=0,
            charts=telling.TEXT,
            reproduce="",
            report_url=None,
            run_url=here.run_url,
        )
        step_files.write_summary(here, report.not_measured_summary(error.what, error.next_step, details))
    except (AutoprofError, OSError):
        return  # the error itself has been said


def _is_stored(situation: Situation) -> bool:
    """Whether the cancelled run had stored its report already: to store it again would take it away for a moment."""
    try:
        name = kept_as(situation)
        return situation.service is not None and any(each.name == name for each in situation.service.list(name))
    except ArtifactError:
        return False


def read(zipped: bytes) -> AutoprofError | None:
    """Why the run that left this report has no verdict; ``None`` where it has one."""
    data = artifact_zip.member(zipped, FAILED, MAX_BYTES)
    if data is None:
        return None
    try:
        failed = msgspec.json.decode(data, type=_Failed)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise DataError(f"{FAILED} in the report of the run cannot be read", "Look into the log of that run") from None
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
