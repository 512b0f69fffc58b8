"""EDGE: what the pull request changes, as GitHub says; from a fork or not, the answer is the same and can be believed."""

from __future__ import annotations

from autoprof_ci import diffs
from autoprof_ci.actions import api, changed_files
from autoprof_ci.actions.api import ApiError
from autoprof_ci.commands import changes
from autoprof_ci.commands.changes import NOTHING_KNOWN, Changes
from autoprof_ci.commands.on_github.situation import Situation
from autoprof_ci.pipeline import Measured


def of_pull_request(situation: Situation, number: int | None, measured: Measured) -> Changes:
    """Nothing is asked where there is no pull request, or nothing to point from in `measured`. Raises nothing."""
    recording = measured.candidate.recording
    if number is None or measured.baseline is None or not (recording.samples or recording.instructions):
        return NOTHING_KNOWN
    try:
        client = api.connect(situation.context.api_url, situation.inputs.github_token, changed_files.BRIEF)
        listed = changed_files.of_pull_request(client.get_repo(situation.context.repository), number)
    except ApiError as error:
        return changes.unknown(error)
    return Changes(diff=diffs.of_files(listed))
