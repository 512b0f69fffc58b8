"""EDGE: the trusted half for pull requests from forks: judge again what an untrusted run measured, and tell.

Knows what may be believed: GitHub's own data about the run, the base branch's settings and its stored baseline. The numbers are
the fork's and are read as hostile input; its settings, its wording and its claims about commits are not used. Starts no program.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from autoprof_ci import bundle, config, pipeline
from autoprof_ci.actions import artifact_download, artifact_names, artifact_zip, pull_requests, statuses
from autoprof_ci.actions.comments import Stamp
from autoprof_ci.actions.context import Event, TriggeringRun
from autoprof_ci.actions.listed import Listed
from autoprof_ci.actions.pull_requests import Missing, NoPullRequest, PullRequestFound
from autoprof_ci.actions.statuses import CommitStatus, State
from autoprof_ci.commands import configuration, output
from autoprof_ci.commands.on_github import changing, failing, recognising, telling
from autoprof_ci.commands.on_github.clock import Stage
from autoprof_ci.commands.on_github.recognising import Trusted
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.commands.on_github.telling import Addressee
from autoprof_ci.errors import AutoprofError, DataError, InterruptedByUserError, UsageError
from autoprof_ci.model import Bundle, Policy
from autoprof_ci.pipeline import Measured
from autoprof_ci.report import Details
from autoprof_ci.workloads import SHIPPED_CONFIG

MAX_REPORT_BYTES = bundle.MAX_BUNDLE_BYTES
NOTHING_TO_SAY = frozenset({"cancelled", "skipped", "action_required", "stale", "neutral"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Settings:
    """`name`: for sentences."""

    policy: Policy
    name: str


def run(situation: Situation) -> int:
    """Tell the pull request what its run measured.

    0 when it has been told, whatever it was told: the verdict is in the comment and the status, and a job that fails here would
    show at the base branch's newest commit, which has nothing to do with it. Other codes: GitHub or this repository's own
    settings are in the way.
    """
    measured_in = situation.context.run
    if measured_in is None:
        raise UsageError("The event names no run whose measurements could be shown", "Use `mode: comment` on workflow_run only")
    nobody = _nothing_to_tell(measured_in)
    if nobody:
        situation.log.notice(f"Nothing to tell: {nobody}")
        return 0
    found = pull_requests.find(situation.repository, measured_in)
    if isinstance(found, NoPullRequest):
        _tell_nobody(situation, measured_in, found)
        return 0
    to = Addressee(
        pull_request=found.number,
        commit=measured_in.head_sha,
        stamp=Stamp(
            run_id=measured_in.id,
            run_attempt=measured_in.attempt,
            run_number=measured_in.number,
            commit=measured_in.head_sha,
        ),
    )
    try:
        return _relay(situation, measured_in, found, to)
    except InterruptedByUserError:
        raise
    except AutoprofError as error:
        situation.log.error(str(error))
        telling.tell_failure(situation, error, _details(situation, measured_in, found), to)
        return error.exit_code


def _nothing_to_tell(measured_in: TriggeringRun) -> str | None:
    if measured_in.event != Event.PULL_REQUEST:
        return f"the run {measured_in.id} was for the event {measured_in.event[:40]}, not for a pull request"
    if measured_in.conclusion in NOTHING_TO_SAY:
        return f"the run {measured_in.id} ended as {measured_in.conclusion}"
    return None


def _tell_nobody(situation: Situation, measured_in: TriggeringRun, why: NoPullRequest) -> None:
    if why.why is not Missing.SEVERAL:
        situation.log.notice(f"Nobody to tell: {why.reason}")
        return
    # whoever opens a second pull request for the same commit must not get around the verdict with it
    situation.log.warning(f"Nobody to tell: {why.reason}. Close all but one, and start the run again")
    with situation.going_on():
        status = CommitStatus(
            key=situation.key,
            state=State.ERROR,
            description="not judged: several open pull requests have this commit as their head",
            target_url=_run_url(situation, measured_in),
        )
        statuses.publish(situation.repository, measured_in.head_sha, status)


def _relay(situation: Situation, measured_in: TriggeringRun, found: PullRequestFound, to: Addressee) -> int:
    details = _details(situation, measured_in, found)
    listed = artifact_names.newest_report(artifact_download.of_run(situation.repository, measured_in.id), situation.key)
    if listed is None:
        nothing_left = DataError(
            "The run that measures left no report", "Look into its log; the steps before ours may have failed, such as the build"
        )
        telling.tell_failure(situation, nothing_left, details, to)
        return 0
    details = replace(details, report_url=f"{_run_url(situation, measured_in)}/artifacts/{listed.id}")
    try:
        left = _left_behind(situation, listed)
    except DataError as unreadable:
        situation.log.warning(str(unreadable))
        left = unreadable
    if isinstance(left, AutoprofError):
        telling.tell_failure(situation, left, details, to)
        return 0
    _judge_and_tell(situation, _signed(left, measured_in), found, (details, to), listed)
    return 0


def _left_behind(situation: Situation, listed: Listed) -> Measured | AutoprofError:
    """What the run measured, or why it has no verdict. Raises `DataError` where that cannot be read."""
    zipped = artifact_download.download(situation.repository, listed, MAX_REPORT_BYTES, situation.log.mask)
    failed = failing.read(zipped)
    if failed is not None:
        return failed
    candidate = _bundle(zipped, "candidate.bundle.zip")
    if candidate is None:
        raise DataError("The report of the run holds no measurements", "Look into its log; it ended before it had measured")
    return recognising.claimed(_bundle(zipped, "baseline.bundle.zip"), candidate)


def _bundle(zipped: bytes, name: str) -> Bundle | None:
    data = artifact_zip.member(zipped, name, bundle.MAX_BUNDLE_BYTES)
    return None if data is None else bundle.decode(data, source=name)


def _signed(left: Measured, measured_in: TriggeringRun) -> Measured:
    """Which commit was measured GitHub knows, and the bundle only claims."""
    return replace(left, candidate=replace(left.candidate, commit=measured_in.head_sha, ref=measured_in.head_branch))


def _judge_and_tell(
    situation: Situation, left: Measured, found: PullRequestFound, told: tuple[Details, Addressee], listed: Listed
) -> None:
    details, to = told
    situation.clock.to(Stage.BASELINE)
    known = recognising.trusted(situation, found)
    settings = _settings(situation, known, left.candidate, found)
    situation.clock.to(Stage.JUDGING)
    recognised = recognising.recognise(situation, found, left, known)
    measured = recognised.measured
    if measured.baseline and known.bundle is None:
        # the fork's word for what the base branch accepts is not taken
        measured = replace(measured, baseline=replace(measured.baseline, policy=settings.policy))
    changed = changing.of_pull_request(situation, found.number, measured)
    measured = replace(measured, caveats=(*measured.caveats, *changed.caveats))
    judged = recognising.complete(pipeline.judge_again(measured, settings.policy, datetime.now(UTC), changed.diff), known)
    details = replace(
        details,
        program=output.program_of(judged.candidate),
        runs=output.runs_of(judged.candidate),
        config_name=settings.name,
        behind=recognised.behind,
        no_baseline=recognised.absent,
    )
    telling.tell(situation, judged, details, to)
    ids = {"baseline_artifact_id": recognised.artifact_id, "report_artifact_id": listed.id}
    telling.outputs(situation, judged, ids)


def _settings(situation: Situation, known: Trusted, candidate: Bundle, found: PullRequestFound) -> _Settings:
    """The base branch's, as they are there now: the pull request may have changed its own."""
    name = situation.inputs.config or configuration.DEFAULT_NAME
    text = pull_requests.toml_of(situation.repository, name, found.base_ref)
    if text is not None:
        return _Settings(policy=config.parse_settings(text, source=f"{name} of {found.base_ref}").policy, name=name)
    if situation.inputs.config:
        raise UsageError(
            f"The branch {found.base_ref} has no {name}, which the input `config` names", "Correct the input, or add the file"
        )
    if known.bundle is not None and known.bundle.policy is not None:
        return _Settings(policy=known.bundle.policy, name="what is stored with the baseline")
    if candidate.binaries and candidate.binaries[0].name == configuration.AUTOPILOT:
        shipped = config.parse(SHIPPED_CONFIG, source="the shipped autopilot.toml")
        return _Settings(policy=shipped.policy, name="what is shipped for autopilot")
    return _Settings(policy=config.default_policy(), name="the defaults")


def _details(situation: Situation, measured_in: TriggeringRun, found: PullRequestFound) -> Details:
    head = measured_in.head_repository or situation.context.repository
    return Details(
        program="the program",
        config_name=situation.inputs.config or configuration.DEFAULT_NAME,
        runs=0,
        charts=telling.TEXT,
        reproduce=f"gh run download {measured_in.id} -R {situation.context.repository}",
        report_url=None,
        key=situation.key,
        base_branch=found.base_ref,
        source_url=f"{situation.context.server_url}/{head}/blob/{measured_in.head_sha}/",
        run_url=_run_url(situation, measured_in),
        fail_on=situation.inputs.fail_on,
    )


def _run_url(situation: Situation, measured_in: TriggeringRun) -> str:
    return f"{situation.context.server_url}/{situation.context.repository}/actions/runs/{measured_in.id}"
