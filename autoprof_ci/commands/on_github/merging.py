"""EDGE: the last job of a matrix: what the others measured, joined and judged once.

Knows that parts are artifacts of this run, and that a job which measured nothing left a part that says why. Measures nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autoprof_ci import bundle, config
from autoprof_ci.actions import artifact_names, artifact_zip
from autoprof_ci.actions.artifact_service import ArtifactService
from autoprof_ci.actions.inputs import Mode, workspace_path
from autoprof_ci.commands import configuration, joining, measuring, output
from autoprof_ci.commands.configuration import Loaded
from autoprof_ci.commands.joining import Part
from autoprof_ci.commands.on_github import choosing, failing, folder, gating, recognising
from autoprof_ci.commands.on_github.choosing import Choice
from autoprof_ci.commands.on_github.clock import Stage
from autoprof_ci.commands.on_github.gating import Held
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.errors import AutoprofError, DataError, ToolError, UsageError
from autoprof_ci.model import Bundle, Caveat
from autoprof_ci.pipeline import Measured

MAX_PART_BYTES = 2 * bundle.MAX_BUNDLE_BYTES
_TOLD_AT_MOST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    """`reasons`: why some jobs measured nothing."""

    parts: tuple[Part, ...]
    reasons: tuple[AutoprofError, ...]


def run(situation: Situation) -> int:
    """Join the parts and go on as one job would.

    Raises `UsageError` where parts are missing or do not belong together, `ToolError` where a job of the matrix failed.
    """
    if situation.service is None:
        raise ToolError(
            "The parts cannot be fetched: this job has no artifact service",
            "Fetch them with actions/download-artifact, and join them with `autoprof-ci merge DIR...`",
        )
    gathered = _gathered(situation.service, situation.key)
    loaded = _configuration(situation, gathered.parts)
    _check_complete(loaded, gathered)
    joined = joining.join(gathered.parts)
    situation.clock.to(Stage.BASELINE)
    choice = _choice(situation, joined)
    measured = replace(joined, caveats=(*choice.caveats, *_changed(choice, joined)))
    try:
        with folder.written():
            output.bundles(situation.out, measured)
    except AutoprofError as error:
        return failing.failed(situation, error, output.encoded(measured))
    policy = loaded.config.policy if loaded else measured.candidate.policy or config.default_policy()
    name = loaded.name if loaded else "what the parts were measured with"
    return gating.conclude(situation, Held(measured=measured, choice=choice, policy=policy, config_name=name))


def _gathered(service: ArtifactService, key: str) -> _Gathered:
    listed = artifact_names.parts_of(service.list("autoprof-part"), key)
    if not listed:
        raise UsageError(
            "There is nothing to merge: no job of this run left a part",
            "Let jobs with `mode: part` and the same `key` run before this one, and name them in its `needs`",
        )
    found = [_part(service, each.name) for each in listed]
    return _Gathered(
        parts=tuple(each for each in found if isinstance(each, Part)),
        reasons=tuple(each for each in found if isinstance(each, AutoprofError)),
    )


def _part(service: ArtifactService, name: str) -> Part | AutoprofError:
    zipped = service.download(name, MAX_PART_BYTES)
    failed = failing.read(zipped)
    if failed is not None:
        return failed
    candidate, baseline = (_bundle(zipped, f"{side}.bundle.zip", name) for side in ("candidate", "baseline"))
    if candidate is None:
        raise DataError(f"The artifact {name} holds no candidate.bundle.zip", "Run its job again")
    if measuring.was_interrupted(candidate):
        return ToolError(f"The job that measures {_listed(candidate)} was cancelled", "Run the failed jobs again")
    return Part(name=f"the part with {_listed(candidate)}", candidate=candidate, baseline=baseline)


def _bundle(zipped: bytes, member: str, name: str) -> Bundle | None:
    data = artifact_zip.member(zipped, member, bundle.MAX_BUNDLE_BYTES)
    return None if data is None else bundle.decode(data, source=f"{member} of {name}")


def _listed(measured: Bundle) -> str:
    return ", ".join(measured.workload_digests) or "nothing"


def _configuration(situation: Situation, parts: Sequence[Part]) -> Loaded | None:
    """The file; what is shipped for autopilot; ``None`` where the parts alone know what was to be measured."""
    named = situation.inputs.config
    found = configuration.find(str(workspace_path(named, situation.context)) if named else None)
    programs = parts[0].candidate.binaries if parts else ()
    if found is None and programs and programs[0].name == configuration.AUTOPILOT:
        return configuration.for_measuring(None, configuration.AUTOPILOT, None)
    return found


def _check_complete(loaded: Loaded | None, gathered: _Gathered) -> None:
    """A workload that nobody measured is not one that passed."""
    measured = {name for part in gathered.parts for name in part.candidate.workload_digests}
    wanted = [workload.name for workload in loaded.config.workloads] if loaded else []
    lacking = [name for name in wanted if name not in measured]
    if gathered.reasons and (lacking or not wanted or not gathered.parts):
        first, *others = gathered.reasons
        whats = "; ".join(reason.what for reason in (first, *others[: _TOLD_AT_MOST - 1]))
        more = f"; and {len(others) - _TOLD_AT_MOST + 1} more" if len(others) >= _TOLD_AT_MOST else ""
        told = f"No part measured {', '.join(lacking)}" if lacking else "A job of the matrix measured nothing"
        raise ToolError(f"{told}: {whats}{more}", first.next_step or "Look into its log")
    if lacking:
        raise UsageError(
            f"No part measured {', '.join(lacking)}",
            "Name every workload in the `workloads` of some part, or run failed jobs again",
        )


def _choice(situation: Situation, joined: Measured) -> Choice:
    """What is known of the baseline that the parts were held against, which is in the parts already."""
    if situation.kind is Mode.RECORD or situation.inputs.baseline:
        return Choice()
    with situation.going_on():
        found = choosing.baseline(situation)
        if joined.baseline is None:
            stored = "A baseline was stored after the jobs had looked for one. Run them again to compare with it."
            return Choice(absent=stored) if found.bundle else found
        if found.bundle and found.bundle.commit == joined.baseline.commit:
            return found
    return Choice()


def _changed(choice: Choice, joined: Measured) -> tuple[Caveat, ...]:
    return recognising.changed_workloads(choice.bundle, joined.candidate) if joined.baseline and choice.bundle else ()
