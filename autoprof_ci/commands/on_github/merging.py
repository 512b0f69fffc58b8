"""EDGE: the last job of a matrix: what the others measured, joined and judged once.

Knows that parts are artifacts of this run. Measures nothing.
"""

from __future__ import annotations

from autoprof_ci import bundle, config
from autoprof_ci.actions import artifact_names, artifact_zip
from autoprof_ci.actions.artifact_service import ArtifactService
from autoprof_ci.actions.inputs import workspace_path
from autoprof_ci.commands import configuration, files, joining, output
from autoprof_ci.commands.joining import Part
from autoprof_ci.commands.on_github import gating
from autoprof_ci.commands.on_github.choosing import Choice
from autoprof_ci.commands.on_github.gating import Held
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.errors import DataError, ToolError, UsageError
from autoprof_ci.model import Bundle, Config

MAX_PART_BYTES = 2 * bundle.MAX_BUNDLE_BYTES


def run(situation: Situation) -> int:
    """Join the parts and go on as one job would. Raises `UsageError` where parts are missing or do not belong together."""
    if situation.service is None:
        raise ToolError(
            "The parts cannot be fetched: this job has no artifact service",
            "Fetch them with actions/download-artifact, and join them with `autoprof-ci merge DIR...`",
        )
    files.check_writable(situation.out)
    inputs = situation.inputs
    loaded = configuration.find(str(workspace_path(inputs.config, situation.context)) if inputs.config else None)
    measured = joining.join([_part(situation.service, listed.name) for listed in _parts(situation)])
    if loaded:
        _check_complete(loaded.config, measured.candidate)
    output.bundles(situation.out, measured)
    policy = loaded.config.policy if loaded else measured.candidate.policy or config.default_policy()
    name = loaded.name if loaded else "what the parts were measured with"
    return gating.conclude(situation, Held(measured=measured, choice=Choice(), policy=policy, config_name=name))


def _parts(situation: Situation) -> tuple[artifact_names.Named, ...]:
    assert situation.service is not None
    parts = artifact_names.parts_of(situation.service.list("autoprof-part"), situation.key)
    if not parts:
        raise UsageError(
            "There is nothing to merge: no job of this run left a part",
            "Let jobs with `mode: part` and the same `key` run before this one, and name them in its `needs`",
        )
    return parts


def _part(service: ArtifactService, name: str) -> Part:
    zipped = service.download(name, MAX_PART_BYTES)
    candidate = artifact_zip.member(zipped, "candidate.bundle.zip", bundle.MAX_BUNDLE_BYTES)
    baseline = artifact_zip.member(zipped, "baseline.bundle.zip", bundle.MAX_BUNDLE_BYTES)
    if candidate is None:
        raise DataError(f"The artifact {name} holds no candidate.bundle.zip", "Run its job again")
    return Part(
        name=name,
        candidate=bundle.decode(candidate, source=name),
        baseline=None if baseline is None else bundle.decode(baseline, source=name),
    )


def _check_complete(wanted: Config, measured: Bundle) -> None:
    """A workload that nobody measured is not one that passed."""
    lacking = [workload.name for workload in wanted.workloads if workload.name not in measured.workload_digests]
    if lacking:
        raise UsageError(
            f"No part measured {', '.join(lacking)}",
            "Name every workload in the `workloads` of some part, or run failed jobs again",
        )
