"""EDGE: everybody who is told, in this order: artifact, job summary, comment, commit status, annotations, outputs.

Knows where each of them is shown and that none of them may cost another: what fails is a warning, and the rest goes on. Knows
no sentence of the report itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autoprof_ci import report
from autoprof_ci.actions import (
    api,
    artifact_names,
    artifact_zip,
    charts_branch,
    comments,
    harmless,
    pull_requests,
    statuses,
    step_files,
)
from autoprof_ci.actions.api import ApiError, ApiFailure
from autoprof_ci.actions.artifact_service import Uploaded
from autoprof_ci.actions.charts_branch import Hosted
from autoprof_ci.actions.comments import Draft, IfAbsent, Stamp
from autoprof_ci.actions.inputs import ChartsWhere, CommentWhen, Mode
from autoprof_ci.actions.log import Place
from autoprof_ci.actions.statuses import CommitStatus, State
from autoprof_ci.commands import output
from autoprof_ci.commands.on_github import folder
from autoprof_ci.commands.on_github.clock import Stage
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.errors import AutoprofError, ToolError
from autoprof_ci.model import CaveatCode, FailOn, Outcome, Status, Verdict
from autoprof_ci.pipeline import Judged
from autoprof_ci.report import ChartKind, Charts, Details

UNHOSTED = "https://unhosted.invalid/"
"""Stands for where pictures will be, while it is found out whether the comment shows any."""
CHANGED = {Status.REGRESSION, Status.WARNING, Status.IMPROVEMENT, Status.ACCEPTED}
TEXT = Charts(kind=ChartKind.TEXT)
_READS_ONLY = (
    "No comment from here, since GitHub gives the pull request of a fork a token that can only read: the report is in the job "
    "summary. A second workflow on workflow_run with `mode: comment` writes the comment (examples/workflows/comment.yml)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """Where the words go. `pull_request`: its number; ``None``: nobody asked for a review. `commit`: what gets the status.
    `stamp`: the run that measured."""

    pull_request: int | None
    commit: str
    stamp: Stamp


def addressee(situation: Situation) -> Addressee:
    """Of a run that measures: its own pull request."""
    context = situation.context
    return Addressee(
        pull_request=context.pull_request.number if context.pull_request else None,
        commit=situation.commit,
        stamp=Stamp(
            run_id=context.run_id, run_attempt=context.run_attempt, run_number=context.run_number, commit=situation.commit
        ),
    )


def keep(situation: Situation, name: str, also: Mapping[str, bytes] | None = None) -> Uploaded | None:
    """The output folder as the artifact `name`; where that cannot be, says where the files are.

    `also`: members of the artifact that the folder may lack.
    """
    with situation.going_on():
        folder.give_to_owner(situation.out, situation.context.workspace)
    if situation.service is None:
        situation.log.notice(
            f"This job has no artifact service to upload to: the report stays in {situation.out.name}/ of the workspace; "
            "keep it with a step actions/upload-artifact, as examples/workflows/ghes.yml does."
        )
        return None
    with situation.going_on(), tempfile.TemporaryDirectory(prefix="autoprof-ci-") as temporary:
        zipped = Path(temporary) / "artifact.zip"
        artifact_zip.zip_of({**folder.members(situation.out), **(also or {})}, zipped)
        return stored(situation, situation.service.upload(name, zipped))
    return None


def stored(situation: Situation, uploaded: Uploaded) -> Uploaded:
    """`uploaded` itself, after a warning where it took another job's place."""
    if uploaded.replaced and situation.context.run_attempt == 1:
        situation.log.warning(
            f"The artifact {uploaded.name} of another job of this run was replaced: give every job that measures its own `key`"
        )
    return uploaded


def tell(
    situation: Situation, judged: Judged, details: Details, to: Addressee, pictures: Mapping[str, bytes] | None = None
) -> None:
    """The verdict to all who wait for it. `pictures`: the report's, by file name, where they are drawn already."""
    situation.clock.to(Stage.TELLING)
    me, before = _before(situation, to)
    known = replace(
        details,
        previous_regressions=report.previous_regressions(before or ""),
        measured_commit_note=_measured_commit_note(situation, to),
    )
    shown = replace(known, charts=_charts(situation, judged, known, to, pictures))
    situation.clock.to(Stage.TELLING)
    body = report.comment(judged.verdict, judged.baseline, judged.candidate, shown)
    summary = report.summary(judged.verdict, judged.baseline, judged.candidate, shown)
    with situation.going_on():
        step_files.write_summary(situation.context, summary)
    _comment(situation, to, body, me, _if_absent(judged.verdict))
    status = CommitStatus(
        key=situation.key,
        state=_state(judged, shown),
        description=report.status_line(judged.verdict, shown),
        target_url=details.run_url,
    )
    _status(situation, to, status)
    # of somebody else's run the lines are not those of the commit that this job is shown at
    for annotation in report.annotations(judged.verdict) if situation.mode is not Mode.COMMENT else ():
        place = Place(file=annotation.file, line=annotation.line) if annotation.file else None
        situation.log.error(annotation.message, place=place, title=annotation.title)
    situation.log.say(report.terminal(judged.verdict, judged.baseline, judged.candidate, shown))


def tell_failure(situation: Situation, error: AutoprofError, details: Details, to: Addressee) -> None:
    """That there is no verdict, and why: an old comment must not go on saying something else."""
    situation.clock.to(Stage.TELLING)
    if isinstance(error, ApiError) and error.kind is ApiFailure.UNAUTHORIZED:
        to = replace(to, pull_request=None)  # with this token nobody can be told anything
    me, before = _before(situation, to)
    known = replace(
        details,
        previous_regressions=report.previous_regressions(before or ""),
        measured_commit_note=_measured_commit_note(situation, to),
    )
    body = report.not_measured(error.what, error.next_step, known)
    with situation.going_on():
        step_files.write_summary(situation.context, report.not_measured_summary(error.what, error.next_step, known))
    _comment(situation, to, body, me, IfAbsent.CREATE)
    said = harmless.line(f"not measured: {error.what}")
    _status(situation, to, CommitStatus(key=situation.key, state=State.ERROR, description=said, target_url=details.run_url))


def outputs(situation: Situation, judged: Judged, ids: Mapping[str, int | None]) -> None:
    """What later steps can use; paths from the workspace, so that they hold in a container and on the host."""
    findings = [finding for workload in judged.verdict.workloads for finding in workload.findings]
    paths = {"verdict_path": "verdict.json", "report_path": "report.html"}
    values: dict[str, object] = {
        "outcome": judged.verdict.outcome,
        "regressions": sum(finding.status is Status.REGRESSION for finding in findings),
        "baseline_commit": judged.verdict.baseline_commit,
        **{output: f"{situation.out.name}/{name}" for output, name in paths.items() if (situation.out / name).exists()},
        **ids,
    }
    with situation.going_on():
        step_files.set_outputs(situation.context, {name: str(value) for name, value in values.items() if value is not None})


def report_name(situation: Situation) -> str:
    return artifact_names.report(situation.key, situation.context.run_attempt)


def _before(situation: Situation, to: Addressee) -> tuple[str, str | None]:
    """Who we are, and the body of our comment as it stands; what is not answered is taken for the ordinary. Whatever hinders
    the comment is said when it is written."""
    me = api.ACTIONS_BOT
    if not _comments(situation, to):
        return me, None
    assert to.pull_request is not None
    try:
        me = api.my_login(situation.client)
        return me, comments.previous(situation.repository, to.pull_request, situation.key, me)
    except ApiError as error:
        situation.log.say(f"What the comment said before is not known. {error.what}")
        return me, None


def _measured_commit_note(situation: Situation, to: Addressee) -> str | None:
    """For a reader of the pull request as it is now, where somebody pushed while we measured."""
    if to.pull_request is None or situation.inputs.comment is CommentWhen.NEVER:
        return None
    try:
        now = pull_requests.head_now(situation.repository, to.pull_request)
    except ApiError as error:
        situation.log.say(f"Whether anything was pushed meanwhile is not known. {error.what}")
        return None
    if now == to.commit:
        return None
    return f"This is about commit {to.commit[:7]}: {now[:7]} was pushed while it was measured, and has a run of its own."


def _comments(situation: Situation, to: Addressee) -> bool:
    return to.pull_request is not None and situation.inputs.comment is not CommentWhen.NEVER


def _comment(situation: Situation, to: Addressee, body: str, me: str, if_absent: IfAbsent) -> None:
    if to.pull_request is None or not _comments(situation, to):
        return
    if situation.inputs.comment is CommentWhen.ALWAYS:
        if_absent = IfAbsent.CREATE
    draft = Draft(body=body, key=situation.key, stamp=to.stamp, if_absent=if_absent)
    try:
        published = comments.publish(situation.repository, to.pull_request, draft, me)
        situation.log.say(f"comment: {published.what}{f', {published.url}' if published.url else ''}")
    except ApiError as error:
        if situation.context.only_reads and error.kind is ApiFailure.NOT_PERMITTED:
            situation.log.notice(_READS_ONLY)
        else:
            situation.log.warning(str(error))


def _status(situation: Situation, to: Addressee, status: CommitStatus) -> None:
    if to.pull_request is None:
        return  # of a push or a merge queue the job itself is the status
    with situation.going_on():
        statuses.publish(situation.repository, to.commit, status)


def _state(judged: Judged, details: Details) -> State:
    """What branch protection is told: the same as by the exit code of a job that measures; and what nobody measured has not
    passed, whoever left it out."""
    settings = judged.candidate.policy
    fail_on = details.fail_on or (settings.fail_on if settings else FailOn.REGRESSION)
    if output.exit_code(judged.verdict, fail_on) != 0:
        return State.FAILURE
    left_out = any(caveat.code is CaveatCode.WORKLOAD_LEFT_OUT for caveat in judged.verdict.caveats)
    return State.ERROR if left_out and fail_on is not FailOn.NEVER else State.SUCCESS


def _if_absent(verdict: Verdict) -> IfAbsent:
    """With `comment: on_change`: whether this is worth the first comment."""
    statuses = {finding.status for workload in verdict.workloads for finding in workload.findings}
    changed = verdict.outcome not in (Outcome.PASS, Outcome.NO_BASELINE) or statuses & CHANGED
    return IfAbsent.CREATE if changed else IfAbsent.LEAVE


def _charts(
    situation: Situation, judged: Judged, details: Details, to: Addressee, pictures: Mapping[str, bytes] | None
) -> Charts:
    """Pictures where the token may put them somewhere and the comment shows any; else bars of text.

    Only those are hosted that the comment shows: the others are in the report, and the comment would wait for them.
    """
    wanted = situation.inputs.charts
    if wanted is ChartsWhere.NONE:
        return Charts(kind=ChartKind.NONE)
    if wanted is ChartsWhere.TEXT or to.pull_request is None:
        return TEXT
    tried = replace(details, charts=Charts(kind=ChartKind.IMAGES, folder_url=UNHOSTED))
    body = report.comment(judged.verdict, judged.baseline, judged.candidate, tried)
    if UNHOSTED not in body:
        return TEXT
    situation.clock.to(Stage.CHARTS)
    if pictures is None:
        pictures = report.render(judged.verdict, judged.baseline, judged.candidate, details).charts
    images = {name: png for name, png in pictures.items() if f"{UNHOSTED}{name}" in body}
    place = f"pr-{to.pull_request}" if situation.key == "default" else f"pr-{to.pull_request}-{situation.key}"
    with situation.going_on():
        charts = charts_branch.Charts(folder=place, images=images)
        hosted = charts_branch.publish(situation.repository, situation.context.server_url, charts)
        if isinstance(hosted, Hosted):
            return Charts(kind=ChartKind.IMAGES, folder_url=hosted.folder_url)
        if wanted is ChartsWhere.BRANCH or hosted.kind is not ApiFailure.NOT_PERMITTED:
            raise ToolError(hosted.reason, hosted.next_step)
    return TEXT
