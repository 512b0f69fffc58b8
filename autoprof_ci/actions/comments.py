"""One comment per pull request and key: found again, updated in place, never doubled, never somebody else's.

Knows how a comment of ours is recognised (its first line *and* its author) and which of two runs wrote last. Knows nothing of
what it says: the body comes in. Its first two lines are ours:

    <!-- autoprof-ci key=default -->
    <!-- autoprof-ci-run {"attempt":1,"commit":"1a2b3c4","run_id":91,"run_number":7} -->
"""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from github.IssueComment import IssueComment
from github.Repository import Repository

from autoprof_ci.actions.api import ApiError, ApiFailure, asking

LIMIT: Final = 65_536
"""Characters; above it GitHub answers 422. `length` counts them so that every way of counting stays below."""

PERMISSION: Final = "pull-requests: write"

_POSTS = 3
_SETTLING_S = 1.0
"""After a creation that failed without a clear answer: a comment that was made all the same needs a moment to be listed."""
_REMOVED_AT_ONCE = 10
"""Each removal is a write, and a second; what is left goes next time."""
_RUN_LINE = re.compile(r"<!-- autoprof-ci-run (\{[^<>]{0,300}\}) -->")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_LARGEST = 2**63


class IfAbsent(StrEnum):
    """What to do where no comment of ours is there yet."""

    CREATE = "create"
    LEAVE = "leave"


class What(StrEnum):
    """What became of the comment."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    KEPT_NEWER = "kept_newer"
    """A newer run has written already; it stays."""
    LEFT_ABSENT = "left_absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Which run wrote: the one that measured. `run_id` grows with time over all workflows of a repository, `run_attempt`
    with every re-run; of two comments the higher pair is the newer. `run_number` and `commit` are for readers."""

    run_id: int
    run_attempt: int = 1
    run_number: int | None = None
    commit: str | None = None

    @property
    def age(self) -> tuple[int, int]:
        return (self.run_id, self.run_attempt)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What shall stand there. `body` may begin with the marker line; without it, it is put there."""

    body: str
    key: str
    stamp: Stamp
    if_absent: IfAbsent = IfAbsent.CREATE


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """`removed`: older comments of ours that are gone or folded away now."""

    what: What
    url: str | None = None
    removed: int = 0


def marker(key: str) -> str:
    """The first line of a comment of ours."""
    return f"<!-- autoprof-ci key={re.sub(r'[^A-Za-z0-9._]+|-{2,}', '-', key)[:80]} -->"


def length(body: str) -> int:
    """Of a body in UTF-16 units: never less than characters, so that GitHub counts no more, whichever it counts."""
    return len(body.encode("utf-16-le", "surrogatepass")) // 2


def complete(draft: Draft) -> str:
    """The body as it is sent, with its two hidden lines."""
    first = marker(draft.key)
    rest = draft.body.removeprefix(first).lstrip("\n")
    return f"{first}\n{_run_line(draft.stamp)}\n{rest}"


def stamp_of(body: str) -> Stamp | None:
    """Which run wrote `body`; ``None`` where its second line does not say so."""
    lines = body[:1000].splitlines()
    found = _RUN_LINE.fullmatch(lines[1].strip()) if len(lines) > 1 else None
    try:
        said = json.loads(found[1]) if found else None
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict):
        return None
    run_id, attempt, commit = _count(said.get("run_id")), _count(said.get("attempt")), said.get("commit")
    if run_id is None or attempt is None:
        return None
    return Stamp(
        run_id=run_id,
        run_attempt=attempt,
        run_number=_count(said.get("run_number")),
        commit=commit if isinstance(commit, str) and _COMMIT.fullmatch(commit) else None,
    )


def previous(repo: Repository, number: int, key: str, me: str) -> str | None:
    """The body that `publish` would replace; ``None`` where there is none. Raises `ApiError`."""
    ours = _ours(repo, number, key, me)
    return ours[-1].body if ours else None


def publish(repo: Repository, number: int, draft: Draft, me: str) -> Published:
    """Writes the comment of pull request `number`. `me`: the login we write as. Raises `ApiError`."""
    ours = _ours(repo, number, draft.key, me)
    if not ours:
        if draft.if_absent is IfAbsent.LEAVE:
            return Published(what=What.LEFT_ABSENT)
        made = _create(repo, number, draft, me)
        # another run may have created its own between our look and our writing
        ours = _ours(repo, number, draft.key, me) or [made]
        kept = ours[-1]
        what = What.CREATED if kept.comment.id == made.comment.id else What.KEPT_NEWER
        return Published(what=what, url=kept.url, removed=_remove(ours[:-1]))
    kept = ours[-1]
    what = _update(kept, draft)
    return Published(what=what, url=kept.url, removed=_remove(ours[:-1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A comment of ours. `url`: its page."""

    comment: IssueComment
    body: str
    stamp: Stamp | None
    url: str

    @property
    def age(self) -> tuple[int, int, int]:
        # what an older version left without a stamp is older than everything stamped
        return (*(self.stamp.age if self.stamp else (0, 0)), self.comment.id)


def _ours(repo: Repository, number: int, key: str, me: str) -> list[_Found]:
    """All comments of ours, on every page, the newest last."""
    with asking("list the comments of the pull request", "pull-requests: read"):
        found = [one for comment in repo.get_issue(number).get_comments() if (one := _recognised(comment, key, me))]
        return sorted(found, key=lambda one: one.age)


def _recognised(comment: IssueComment, key: str, me: str) -> _Found | None:
    body, author = comment.body or "", comment.user
    if author is None or author.login != me or body.partition("\n")[0].strip() != marker(key):
        return None
    return _found(comment, body)


def _found(comment: IssueComment, body: str) -> _Found:
    # of an answer that is no comment PyGithub makes one without fields
    if not isinstance(comment.id, int) or not isinstance(comment.html_url, str):
        raise TypeError("no comment came back")
    return _Found(comment=comment, body=body, stamp=stamp_of(body), url=comment.html_url)


def _update(kept: _Found, draft: Draft) -> What:
    if kept.stamp is not None and kept.stamp.age > draft.stamp.age:
        return What.KEPT_NEWER
    body = complete(draft)
    if _plain(kept.body) == _plain(body):
        return What.UNCHANGED
    with asking("update the comment", PERMISSION):
        kept.comment.edit(body)
    return What.UPDATED


def _create(repo: Repository, number: int, draft: Draft, me: str) -> _Found:
    """Posts once, as far as anybody can know: after an answer that leaves it open, looks whether the comment is there."""
    body = complete(draft)
    for posts_left in reversed(range(_POSTS)):
        try:
            with asking("write the comment", PERMISSION):
                return _found(repo.get_issue(number).create_comment(body), body)
        except ApiError as error:
            if error.kind not in (ApiFailure.UNAVAILABLE, ApiFailure.NOT_JSON):
                raise
            made = _made_all_the_same(repo, number, draft, me)
            if made is not None:
                return made
            if posts_left == 0:
                raise
    raise AssertionError("the loop above returns or raises")


def _made_all_the_same(repo: Repository, number: int, draft: Draft, me: str) -> _Found | None:
    for pause_s in (0.0, _SETTLING_S):
        time.sleep(pause_s)
        mine = [one for one in _ours(repo, number, draft.key, me) if one.stamp == draft.stamp]
        if mine:
            return mine[-1]
    return None


def _remove(old: list[_Found]) -> int:
    """Deletes, or folds away where deleting is refused. What cannot be removed stays: it does no harm but to look at."""
    return sum(_removed(one) for one in old[-_REMOVED_AT_ONCE:])


def _removed(one: _Found) -> bool:
    try:
        with asking("delete an older comment", PERMISSION):
            one.comment.delete()
    except ApiError as refusal:
        if refusal.kind in (ApiFailure.NOT_FOUND, ApiFailure.GONE):
            return True
        if refusal.kind is not ApiFailure.NOT_PERMITTED:
            return False
    else:
        return True
    try:
        with asking("fold an older comment away", PERMISSION):
            return one.comment.minimize("OUTDATED")
    except ApiError:
        return False


def _run_line(stamp: Stamp) -> str:
    commit = stamp.commit if stamp.commit and _COMMIT.fullmatch(stamp.commit) else None
    said = {"attempt": stamp.run_attempt, "commit": commit, "run_id": stamp.run_id, "run_number": stamp.run_number}
    return f"<!-- autoprof-ci-run {json.dumps(said, separators=(',', ':'))} -->"


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _LARGEST else None


def _plain(body: str) -> str:
    # GitHub may have stored other line ends, and no blanks at the end
    return "\n".join(line.rstrip() for line in body.splitlines()).strip()
