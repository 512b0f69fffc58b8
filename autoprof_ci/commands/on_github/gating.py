"""EDGE: the modes that measure: record for the base branch, gate for a pull request, part for one job of a matrix.

Knows the order: program, baseline, measure, keep, judge, tell. What each of these does is elsewhere.
"""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from autoprof_ci import pipeline
from autoprof_ci.actions import artifact_names
from autoprof_ci.actions.artifact_service import Uploaded
from autoprof_ci.actions.inputs import Inputs, Mode, workspace_path
from autoprof_ci.commands import apart, configuration, console, measuring, output, programs
from autoprof_ci.commands.configuration import Loaded
from autoprof_ci.commands.measuring import Asked
from autoprof_ci.commands.on_github import changing, choosing, failing, folder, telling
from autoprof_ci.commands.on_github.choosing import Choice
from autoprof_ci.commands.on_github.clock import Clock, Stage
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.errors import AutoprofError, UsageError
from autoprof_ci.measure.plan import BASELINE, Progress
from autoprof_ci.model import Policy
from autoprof_ci.pipeline import Judged, Measured
from autoprof_ci.report import Details, Occasion


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What was measured, against what, and under which settings. `config_name`: for sentences."""

    measured: Measured
    choice: Choice
    policy: Policy
    config_name: str


def run(situation: Situation) -> int:
    """Measure; judge where there is something to judge against; tell. The exit code of the step."""
    held = _hold(situation)
    try:
        with folder.written():
            output.bundles(situation.out, held.measured)
    except AutoprofError as error:
        return failing.failed(situation, error, output.encoded(held.measured))
    measuring.stop_if_interrupted(held.measured, situation.out)
    if situation.mode is Mode.PART:
        names = [*held.measured.candidate.workload_digests]
        situation.clock.to(Stage.UPLOAD)
        telling.keep(situation, artifact_names.part(situation.key, names, situation.context.run_attempt))
        return 0
    return conclude(situation, held)


def conclude(situation: Situation, held: Held) -> int:
    """Judge, keep, tell: the same for one job and for the last of many."""
    clock = situation.clock
    clock.to(Stage.JUDGING)
    pull = situation.context.pull_request if situation.kind is Mode.GATE else None
    changed = changing.of_pull_request(situation, pull.number if pull else None, held.measured)
    measured = replace(held.measured, caveats=(*held.measured.caveats, *changed.caveats))
    judged = pipeline.judge(measured, held.policy, datetime.now(UTC), changed.diff)
    details = _details(situation, judged, held)
    clock.to(Stage.REPORT)
    full = None
    with situation.going_on(), folder.written():
        full = output.write_report(situation.out, judged, details)
    clock.to(Stage.UPLOAD)
    recorded = _keep_baseline(situation) if situation.kind is Mode.RECORD else None
    kept = telling.keep(situation, telling.report_name(situation))
    lost = recorded if isinstance(recorded, AutoprofError) else None
    there = replace(details, report_url=kept.url if kept else None, unrecorded=str(lost) if lost else None)
    telling.tell(situation, judged, there, telling.addressee(situation), full.charts if full else None)
    found = recorded.id if isinstance(recorded, Uploaded) else held.choice.artifact_id
    telling.outputs(situation, judged, {"baseline_artifact_id": found, "report_artifact_id": kept.id if kept else None})
    if lost is not None:
        # a run on the base branch that leaves no baseline has failed: this is what it is for
        situation.log.error(str(lost))
        return lost.exit_code
    return output.exit_code(judged.verdict, situation.inputs.fail_on or held.policy.fail_on)


def _hold(situation: Situation) -> Held:
    context, inputs, log = situation.context, situation.inputs, situation.log
    wanted = Asked(
        config=str(workspace_path(inputs.config, context)) if inputs.config else None,
        binary=str(workspace_path(inputs.binary, context)) if inputs.binary else None,
    )
    situation.clock.to(Stage.PROGRAM)
    loaded = _loaded(wanted, inputs)
    place = apart.in_the_action(loaded.config.measure, os.environ)
    candidate = measuring.candidate_of(wanted, loaded, place)
    candidate = replace(candidate, commit=situation.commit, ref=context.branch or context.ref_name)
    situation.clock.to(Stage.BASELINE)
    choice = Choice() if situation.kind is Mode.RECORD else choosing.baseline(situation)
    if choice.bundle:
        log.say(f"baseline: {choice.bundle.commit or 'a bundle'}, recorded {choice.bundle.created_at}")
    elif situation.kind is Mode.GATE:
        log.notice(f"No baseline: {choice.absent or 'this is the first run; the first push to the base branch records one.'}")
    with tempfile.TemporaryDirectory(prefix="autoprof-ci-") as temporary:
        situation.clock.to(Stage.STAGING)
        baseline = programs.from_bundle(BASELINE, choice.bundle, Path(temporary), place.check) if choice.bundle else None
        located = measuring.locator_of(loaded, context.workspace)
        edges = measuring.real_edges(_timed(console.lines(log.say), situation.clock), place, located)
        plan = measuring.plan_of(loaded, (baseline, candidate), place)
        if baseline and measuring.same_programs(baseline, candidate):
            measured = pipeline.unmeasured(plan, (baseline, candidate), loaded.config.policy, edges)
        else:
            measured = pipeline.measure(plan, (baseline, candidate), loaded.config.policy, edges)
    measured = replace(measured, caveats=(*measured.caveats, *choice.caveats))
    return Held(measured=measured, choice=choice, policy=loaded.config.policy, config_name=loaded.name)


def _timed(show: Callable[[Progress], None], clock: Clock) -> Callable[[Progress], None]:
    """The first step that is told is where the measuring begins, and the last one knows how long the programs ran; a second look
    adds to it."""

    def told(step: Progress) -> None:
        clock.to(Stage.MEASURING)
        show(step)
        if step.inside_s is not None:
            clock.inside_s = (clock.inside_s or 0.0) + step.inside_s
            clock.to(Stage.RESULTS)

    return told


def _loaded(wanted: Asked, inputs: Inputs) -> Loaded:
    """The configuration, narrowed to the workloads that the step names. Raises `UsageError` in the words of a step."""
    shipped = wanted.binary is not None and Path(wanted.binary).name == configuration.AUTOPILOT
    if wanted.config is None and not shipped and not Path(configuration.DEFAULT_NAME).exists():
        raise UsageError(
            f"There is no {configuration.DEFAULT_NAME} in the workspace",
            "Run `autoprof-ci init` in the repository and commit what it writes, or name another file in the input `config`",
        )
    loaded = measuring.load(wanted)
    known = [workload.name for workload in loaded.config.workloads]
    unknown = [name for name in inputs.workloads if name not in known]
    if unknown:
        raise UsageError(
            f'The input "workloads" names {", ".join(map(ascii, unknown))}, which {loaded.name} does not have',
            f"Known are: {', '.join(known)}",
        )
    if inputs.binary is None and loaded.config.binary is None:
        raise UsageError("No program to measure is named", f"Name it in the input `binary`, or as `binary` in {loaded.name}")
    return replace(loaded, config=configuration.narrow(loaded.config, inputs.workloads, (), None))


def _keep_baseline(situation: Situation) -> Uploaded | AutoprofError | None:
    """The bundle as the artifact that pull requests look for; the reason where it was refused."""
    service = situation.service
    if service is None:
        situation.log.notice(
            f"The baseline stays in {situation.out.name}/candidate.bundle.zip of the workspace: this job has no artifact service"
        )
        return None
    try:
        name = artifact_names.baseline(situation.key)
        return telling.stored(situation, service.upload(name, situation.out / "candidate.bundle.zip"))
    except AutoprofError as error:
        return error


def _details(situation: Situation, judged: Judged, held: Held) -> Details:
    context = situation.context
    plain = output.details_of(judged, output.Circumstances(config_name=held.config_name, reproduce=_reproduce(situation, judged)))
    return replace(
        plain,
        key=situation.key,
        base_branch=context.base_ref or plain.base_branch,
        source_url=f"{context.server_url}/{_head_repository(situation)}/blob/{situation.commit}/",
        behind=held.choice.behind,
        no_baseline=held.choice.absent,
        occasion=Occasion.RECORD if situation.kind is Mode.RECORD else Occasion.GATE,
        run_url=context.run_url,
        fail_on=situation.inputs.fail_on,
    )


def _head_repository(situation: Situation) -> str:
    pull = situation.context.pull_request
    return (pull.head_repository if pull else None) or situation.context.repository


def _reproduce(situation: Situation, judged: Judged) -> str:
    """Both programs are in the report's artifact, so the baseline has not to be built. Empty where nothing was compared."""
    if judged.baseline is None or not judged.verdict.instruments:
        return ""
    context = situation.context
    name = telling.report_name(situation)
    get = ["gh", "run", "download", str(context.run_id), "-R", context.repository, "-n", name, "-D", name]
    gate = ["autoprof-ci", "gate", "--baseline", f"{name}/baseline.bundle.zip"]
    if situation.inputs.config:
        gate += ["--config", situation.inputs.config]
    if situation.inputs.binary:
        gate += ["--binary", situation.inputs.binary]
    return f"{shlex.join(get)} && {shlex.join(gate)}"
