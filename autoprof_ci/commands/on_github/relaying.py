"""EDGE: the trusted half for pull requests from forks: judge again what an untrusted run measured, and tell.

Knows what may be believed: GitHub's own data about the run, and the base branch's settings. The numbers are the fork's and are
read as hostile input; its settings, its wording and its claims about commits are not used. Starts no program.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from autoprof_ci import bundle, config, pipeline
from autoprof_ci.actions import artifact_download, artifact_names, artifact_zip, pull_requests
from autoprof_ci.actions.comments import Stamp
from autoprof_ci.actions.context import TriggeringRun
from autoprof_ci.actions.pull_requests import NoPullRequest, PullRequestFound
from autoprof_ci.commands import configuration, output
from autoprof_ci.commands.on_github import failing, telling
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.commands.on_github.telling import Addressee
from autoprof_ci.errors import DataError, UsageError
from autoprof_ci.model import Bundle, Policy
from autoprof_ci.pipeline import Judged, Measured
from autoprof_ci.report import Details
from autoprof_ci.workloads import SHIPPED_CONFIG

MAX_REPORT_BYTES = 2 * bundle.MAX_BUNDLE_BYTES
NOTHING_TO_SAY = frozenset({"cancelled", "skipped", "action_required", "stale"})
_COMMIT = re.compile(r"[0-9a-f]{40}")


def run(situation: Situation) -> int:
    """Tell the pull request what its run measured. 0 when it has been told: the verdict is in the comment and the status."""
    measured_in = situation.context.run
    if measured_in is None:
        raise UsageError("The event names no run whose measurements could be shown", "Use `mode: comment` on workflow_run only")
    if measured_in.conclusion in NOTHING_TO_SAY:
        situation.log.notice(f"Nothing to tell: the run {measured_in.id} ended as {measured_in.conclusion}")
        return 0
    found = pull_requests.find(situation.repository, measured_in)
    if isinstance(found, NoPullRequest):
        situation.log.notice(f"Nobody to tell: {found.reason}")
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
    listed = artifact_names.newest_report(artifact_download.of_run(situation.repository, measured_in.id), situation.key)
    if listed is None:
        error = DataError(
            "The run that measures left no report", "Look into its log; the steps before ours may have failed, such as the build"
        )
        telling.tell_failure(situation, error, _details(situation, measured_in, found), to)
        return 0
    zipped = artifact_download.download(situation.repository, listed, MAX_REPORT_BYTES, situation.log.mask)
    failed = failing.read(zipped)
    details = replace(
        _details(situation, measured_in, found), report_url=f"{_run_url(situation, measured_in)}/artifacts/{listed.id}"
    )
    if failed is not None:
        telling.tell_failure(situation, failed, details, to)
        return 0
    judged = _judged(situation, zipped, found, measured_in)
    details = replace(details, program=output.program_of(judged.candidate), runs=output.runs_of(judged.candidate))
    telling.tell(situation, judged, details, to)
    telling.outputs(situation, judged, {"report_artifact_id": listed.id})
    return 0


def _judged(situation: Situation, zipped: bytes, found: PullRequestFound, measured_in: TriggeringRun) -> Judged:
    candidate = _bundle(zipped, "candidate.bundle.zip")
    if candidate is None:
        raise DataError("The report of the run holds no measurements", "Look into its log; it ended before it had measured")
    baseline = _bundle(zipped, "baseline.bundle.zip")
    candidate = replace(candidate, commit=measured_in.head_sha, ref=measured_in.head_branch)
    if baseline and not _COMMIT.fullmatch(baseline.commit or ""):
        baseline = replace(baseline, commit=None)
    policy = _policy(situation, candidate, found)
    if baseline:
        baseline = replace(baseline, policy=policy)  # the fork's word for what the base branch accepts is not taken
    return pipeline.judge_again(Measured(baseline=baseline, candidate=candidate), policy, datetime.now(UTC))


def _bundle(zipped: bytes, name: str) -> Bundle | None:
    data = artifact_zip.member(zipped, name, bundle.MAX_BUNDLE_BYTES)
    return None if data is None else bundle.decode(data, source=name)


def _policy(situation: Situation, candidate: Bundle, found: PullRequestFound) -> Policy:
    """The base branch's, as it is there now: the pull request may have changed its own."""
    name = situation.inputs.config or configuration.DEFAULT_NAME
    text = pull_requests.toml_of(situation.repository, name, found.base_ref)
    if text is not None:
        return config.parse_settings(text, source=f"{name} of {found.base_ref}").policy
    if candidate.binaries and candidate.binaries[0].name == configuration.AUTOPILOT:
        return config.parse(SHIPPED_CONFIG, source="the shipped autopilot.toml").policy
    return config.default_policy()


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
    )


def _run_url(situation: Situation, measured_in: TriggeringRun) -> str:
    return f"{situation.context.server_url}/{situation.context.repository}/actions/runs/{measured_in.id}"
