"""EDGE: which baseline a run is held against, and why there is none.

Knows the `baseline` input, where artifacts lie, and which commit this one stems from. Measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from autoprof_ci import bundle
from autoprof_ci.actions import api, artifact_names, baselines
from autoprof_ci.actions.api import ApiError, ApiFailure
from autoprof_ci.actions.baselines import Absence, Age, Found, Missing, Wanted
from autoprof_ci.actions.inputs import workspace_path
from autoprof_ci.commands import bundles, repository
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.model import Bundle, Caveat, CaveatCode

NOTES_AT_MOST = 3
"""Of the baselines that could not be used, the newest."""
_NEXT_STEPS = {
    ApiFailure.RATE_LIMITED: "Run the job again later",
    ApiFailure.GONE: "Run the job again",
    ApiFailure.REFUSED: "Run the job again; if it goes on, please report it with this line",
}
"""Where the ordinary one speaks of a report: there is none, since nothing was measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """`bundle`: the baseline; ``None`` where there is none, and then `absent` says why, in two sentences, unless there never was
    one, which needs no reason.

    `behind`: commits of the base branch between it and the merge base; ``None`` where that is unknown.
    """

    bundle: Bundle | None = None
    behind: int | None = None
    artifact_id: int | None = None
    caveats: tuple[Caveat, ...] = ()
    absent: str | None = None


def baseline(situation: Situation) -> Choice:
    """The file that the input names, or the newest bundle of the base branch at or before the merge base.

    Raises `AutoprofError` where GitHub does not answer: a gate that is green for that reason would be none.
    """
    context, named = situation.context, situation.inputs.baseline
    if named:
        return Choice(bundle=bundles.read(workspace_path(named, context), "the baseline bundle"))
    try:
        return _looked_for(situation)
    except ApiError as error:
        raise ApiError(
            error.kind, f"The baseline is not known: {error.what}", _NEXT_STEPS.get(error.kind, error.next_step)
        ) from None


def _looked_for(situation: Situation) -> Choice:
    context = situation.context
    base_branch, repository_id = context.base_ref, context.repository_id
    if base_branch is None or repository_id is None:  # act tells neither
        known_id, default_branch = api.known_of(situation.repository)
        base_branch, repository_id = base_branch or default_branch, repository_id or known_id
    wanted = Wanted(
        name=artifact_names.baseline(situation.key),
        base_branch=base_branch,
        merge_base=baselines.merge_base(situation.repository, base_branch, _heads(situation)),
        repository_id=repository_id,
        max_bytes=bundle.MAX_BUNDLE_BYTES,
    )
    found = baselines.find(situation.repository, wanted, partial(_decode, source=wanted.name), situation.log.mask)
    if isinstance(found, Missing):
        if found.reason is Absence.NOT_PERMITTED:
            raise ApiError(ApiFailure.NOT_PERMITTED, found.why, found.next_step)
        return _none(found)
    return _chosen(found)


def _heads(situation: Situation) -> tuple[str, ...]:
    """Commits that may have been built here, the likeliest first: what is checked out is usually GitHub's own merge of the
    pull request, whose merge base is the tip of the base branch at that moment."""
    context = situation.context
    candidates = (repository.commit(context.workspace), situation.commit, context.sha)
    return tuple(dict.fromkeys(candidate for candidate in candidates if candidate))


def _decode(data: bytes, *, source: str) -> Bundle:
    return bundle.decode(data, source=source)


def _none(missing: Missing) -> Choice:
    if missing.reason is Absence.NEVER_UPLOADED and not missing.notes:
        return Choice()
    told = [missing.why, *missing.notes[:NOTES_AT_MOST], missing.next_step]
    return Choice(absent=" ".join(f"{sentence.rstrip('.')}." for sentence in told))


def _chosen(found: Found[Bundle]) -> Choice:
    newer = (Caveat(code=CaveatCode.BASELINE_NEWER, detail=found.commit),) if found.age is Age.NEWER else ()
    return Choice(bundle=found.read, behind=found.behind, artifact_id=found.artifact_id, caveats=(*newer, *_skipped(found.notes)))


def _skipped(notes: tuple[str, ...]) -> tuple[Caveat, ...]:
    return tuple(Caveat(code=CaveatCode.BASELINE_SKIPPED, detail=note) for note in notes)
