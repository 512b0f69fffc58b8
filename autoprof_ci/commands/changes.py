"""EDGE: what a change is, for who wants to point into it: a file with a diff, or what git says of this checkout.

Knows that a verdict stands without it: what cannot be found out by itself is a caveat, what somebody names is read or refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoprof_ci import diffs
from autoprof_ci.commands import files, repository
from autoprof_ci.errors import AutoprofError
from autoprof_ci.model import Caveat, CaveatCode, Diff


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """`diff`: ``None`` where nobody knows it; then a caveat says why, unless there is nothing to know."""

    diff: Diff | None = None
    caveats: tuple[Caveat, ...] = ()


NOTHING_KNOWN = Changes()


def unknown(error: AutoprofError) -> Changes:
    why = error.what.replace("`", "").rstrip(".")
    return Changes(caveats=(Caveat(code=CaveatCode.DIFF_UNAVAILABLE, detail=why),))


def named(option: str | None) -> Changes:
    """The diff in a file that the user names. Raises `UsageError`, `DataError`."""
    if option is None:
        return NOTHING_KNOWN
    return Changes(diff=diffs.parse(files.read(Path(option), "the diff", diffs.MAX_BYTES), source=option))


def of_checkout(folder: Path, baseline_commit: str | None) -> Changes:
    """What the checkout around `folder` changes since the baseline, with all that is not committed yet, as git says."""
    try:
        text = repository.changed_since(folder, repository.base(folder, baseline_commit), diffs.MAX_BYTES)
        return Changes(diff=diffs.parse(text, source="what git writes")) if text is not None else NOTHING_KNOWN
    except AutoprofError as error:
        return unknown(error)
