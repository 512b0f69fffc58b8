"""Hosts the pictures of comments on a branch of their own, through the Git data API: no git, no working tree.

Knows the requests, and what may be hosted; `charts_history` knows what stays. Knows nothing of what the pictures show. Their
addresses are ``SERVER/OWNER/NAME/raw/COMMIT/FOLDER/NAME-light.png``: GitHub asks for the reader's login there, so they show in
private repositories too, and a commit's name never shows a picture from a cache of yesterday.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from github.Repository import Repository
from github.Requester import Requester

from autoprof_ci.actions import charts_history as history
from autoprof_ci.actions.api import ApiError, ApiFailure, asking, full_name
from autoprof_ci.actions.charts_history import FOLDER_NAME, Shown, Tip

BRANCH: Final = "autoprof-ci-charts"
PERMISSION: Final = "contents: write"

_IMAGE_BYTES = 1024 * 1024
_IMAGES = 24
_TRIES = 6
_REPEATS = 3
_BETWEEN_WRITES_S = 0.34
"""GitHub counts five points for a write and grants 900 a minute. The second that it wants between writes is for many of them, and
for what notifies people: these are six or eight objects that nobody is told of, and the comment waits for them."""
_PNG = b"\x89PNG\r\n\x1a\n"
_IMAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}-(light|dark)\.png")
_README = """# Charts of pull-request comments

autoprof-ci keeps the pictures here that its comments show. It writes this branch by itself and prunes it: what the
comments of the last pull requests show stays reachable by the commits listed in the newest commit's message.
Nothing is built from this branch. It may be deleted at any time: the pictures in older comments are gone then, and the next
comment starts it anew.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """`folder`: one name ("pr-12-default"). `images`: ``NAME-light.png`` and ``NAME-dark.png`` to the bytes of a PNG."""

    folder: str
    images: Mapping[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosted:
    """`folder_url` ends with a slash; a picture's name comes behind it."""

    folder_url: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NotHosted:
    """Why the comment has to do with bars of text. Never an error of the run. `kind`: ``None`` where GitHub was not asked."""

    kind: ApiFailure | None
    reason: str
    next_step: str


def publish(repo: Repository, server_url: str, charts: Charts, branch: str = BRANCH) -> Hosted | NotHosted:
    """Puts the pictures on `branch` of `repo` and says where they can be seen."""
    wrong = _wrong_with(charts)
    if wrong:
        return NotHosted(kind=None, reason=wrong, next_step="Please report this: no such chart should have been made")
    try:
        commit = _publish(_Branch(repo, branch), charts)
    except ApiError as error:
        return NotHosted(kind=error.kind, reason=error.what, next_step=error.next_step)
    return Hosted(folder_url=f"{server_url.rstrip('/')}/{full_name(repo)}/raw/{commit}/{charts.folder}/", commit=commit)


def _wrong_with(charts: Charts) -> str | None:
    if not FOLDER_NAME.fullmatch(charts.folder):
        return f"{charts.folder[:100]!a} is no name of a folder of charts"
    if not 0 < len(charts.images) <= _IMAGES:
        return f"There are {len(charts.images)} charts, not between 1 and {_IMAGES}"
    for name, content in charts.images.items():
        if not _IMAGE_NAME.fullmatch(name):
            return f"{name[:100]!a} is no name of a chart"
        if not content.startswith(_PNG) or len(content) > _IMAGE_BYTES:
            return f"{name} is no PNG of at most {_IMAGE_BYTES} bytes"
    return None


def _publish(branch: _Branch, charts: Charts) -> str:
    """The commit that holds the pictures, reachable from the branch."""
    tip = branch.tip()
    tree = branch.tree(charts.folder, {name: branch.blob(content) for name, content in charts.images.items()})
    commit = branch.commit(f"Charts of {charts.folder}", tree, ())
    new = Shown(commit=commit, size_bytes=sum(map(len, charts.images.values())), folder=charts.folder)
    if tip is not None and tip.is_full and _cut(branch, tip, tree, new):
        return commit
    for tries_left in reversed(range(_TRIES)):
        step = history.grow(tip, new)
        made = branch.commit(step.message, tree, step.parents)
        try:
            if tip is None:
                branch.create(made)
            else:
                branch.advance(made)
        except ApiError as error:
            if error.kind not in (ApiFailure.REFUSED, ApiFailure.UNAVAILABLE, ApiFailure.NOT_FOUND):
                raise
            now = branch.tip()
            if now is not None and now.commit == made:
                return commit
            # refused although nobody else wrote: it will be refused again
            if tries_left == 0 or (error.kind is ApiFailure.REFUSED and now == tip):
                raise
            tip = now
        else:
            return commit
    raise AssertionError("the loop above returns or raises")


def _cut(branch: _Branch, tip: Tip, tree: str, new: Shown) -> bool:
    """Whether the history could be cut; a rule of the repository may forbid it, and then it goes on growing."""
    step = history.cut(tip, new)
    made = branch.commit(step.message, tree, step.parents)
    now = branch.tip()
    if now != tip:
        return False
    try:
        branch.replace(made)
    except ApiError as error:
        if error.kind in (ApiFailure.REFUSED, ApiFailure.NOT_PERMITTED, ApiFailure.NOT_FOUND):
            return False
        raise
    return True


class _Branch:
    """The requests for one branch. Each raises `ApiError`."""

    def __init__(self, repo: Repository, name: str) -> None:
        self._requester = _brisk(repo.requester)
        self._git = f"{repo.url}/git"
        self._name = name

    def tip(self) -> Tip | None:
        """``None`` where there is no such branch yet."""
        try:
            with asking(f"look up the branch {self._name}", PERMISSION):
                _, ref = self._requester.requestJsonAndCheck("GET", f"{self._git}/ref/heads/{self._name}")
                commit = _sha(ref["object"])
        except ApiError as error:
            if error.kind is ApiFailure.NOT_FOUND:
                return None
            raise
        with asking(f"read the branch {self._name}", PERMISSION):
            _, answer = self._requester.requestJsonAndCheck("GET", f"{self._git}/commits/{commit}")
            tip = history.read(commit, str(answer["message"]))
        if tip is None:
            raise ApiError(
                ApiFailure.REFUSED,
                f"The branch {self._name} was not written by autoprof-ci, so it is left alone",
                "Rename that branch, or set the input `charts: text`",
            )
        return tip

    def blob(self, content: bytes) -> str:
        return self._store("blobs", {"content": base64.b64encode(content).decode("ascii"), "encoding": "base64"})

    def tree(self, folder: str, blobs: Mapping[str, str]) -> str:
        file = {"mode": "100644", "type": "blob"}
        images = [{"path": f"{folder}/{name}", "sha": sha, **file} for name, sha in sorted(blobs.items())]
        return self._store("trees", {"tree": [{"path": "README.md", "content": _README, **file}, *images]})

    def commit(self, message: str, tree: str, parents: tuple[str, ...]) -> str:
        return self._store("commits", {"message": message, "tree": tree, "parents": list(parents)})

    def create(self, commit: str) -> None:
        with asking(f"create the branch {self._name}", PERMISSION):
            sent = {"ref": f"refs/heads/{self._name}", "sha": commit}
            self._requester.requestJsonAndCheck("POST", f"{self._git}/refs", input=sent)

    def advance(self, commit: str) -> None:
        """Only to a commit that has the present tip as an ancestor: GitHub refuses any other."""
        self._move({"sha": commit, "force": False})

    def replace(self, commit: str) -> None:
        self._move({"sha": commit, "force": True})

    def _move(self, sent: Mapping[str, object]) -> None:
        with asking(f"move the branch {self._name}", PERMISSION):
            self._requester.requestJsonAndCheck("PATCH", f"{self._git}/refs/heads/{self._name}", input=sent)

    def _store(self, kind: str, sent: Mapping[str, Any]) -> str:
        # what is stored here is named by its content and nobody sees it yet: twice does no harm, unlike with other POSTs
        for repeats_left in reversed(range(_REPEATS)):
            try:
                with asking("store the charts", PERMISSION):
                    _, answer = self._requester.requestJsonAndCheck("POST", f"{self._git}/{kind}", input=sent)
                    return _sha(answer)
            except ApiError as error:
                if error.kind is not ApiFailure.UNAVAILABLE or repeats_left == 0:
                    raise
        raise AssertionError("the loop above returns or raises")


def _brisk(requester: Requester) -> Requester:
    """The same connection, with the same purse of waiting, and shorter pauses."""
    asked = requester.kwargs
    pause_s = min(asked["seconds_between_writes"] or 0.0, _BETWEEN_WRITES_S)
    return Requester(**{**asked, "seconds_between_writes": pause_s})


def _sha(answer: Mapping[str, object]) -> str:
    sha = answer["sha"]
    if not isinstance(sha, str) or not re.fullmatch("[0-9a-f]{40}", sha):
        raise ValueError("no name of a git object")
    return sha
