"""How the branch of charts remembers and forgets: values only, no requests.

A comment needs addresses that never change what they show, so they name a commit. Such a commit has to stay reachable, or
GitHub may throw it away; and a branch that keeps all of them grows for ever. Hence:

    C1  C2  C3       one commit for each publication: its folder only, no parent
     │   │   │
    T1 ← T2 ← T3     the branch: each tip has the one before and the new C as parents, a plain fast-forward, so that
                     GitHub itself refuses the slower of two runs, which then reads again and retries

A tip's message lists the commits that still count: the newest of every folder, as many as fit. When enough has gathered that
may be forgotten, the next tip *cuts*: it has exactly the listed commits as parents and not the tip before, which is no
fast-forward, and all that is not listed may be thrown away.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

KEPT_FOLDERS: Final = 50
KEPT_BYTES: Final = 20 * 1024 * 1024
TITLE: Final = "Charts of pull-request comments"
"""First line of every tip's message. A branch whose tip begins otherwise is not ours."""

FOLDER_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_ENTRY = re.compile(rf"([0-9a-f]{{40}}) ([0-9]{{1,9}}) ({FOLDER_NAME.pattern})")
_GATHERED = re.compile(r"Gathered since the last cut: ([0-9]{1,4}) commits, ([0-9]{1,12}) bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A commit whose pictures some comment shows."""

    commit: str
    size_bytes: int
    folder: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """The newest commit of the branch. `shown`: the newest first. `gathered_*`: what was added since the history was cut."""

    commit: str
    shown: tuple[Shown, ...] = ()
    gathered_commits: int = 0
    gathered_bytes: int = 0

    @property
    def is_full(self) -> bool:
        return self.gathered_commits >= KEPT_FOLDERS or self.gathered_bytes >= KEPT_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """The next tip: its message and its parents."""

    message: str
    parents: tuple[str, ...]


def kept(shown: tuple[Shown, ...], new: Shown) -> tuple[Shown, ...]:
    """`new` and what stays beside it, the newest first: one of each folder, as many and as much as is allowed."""
    stays = [new]
    size_bytes = new.size_bytes
    for one in shown:
        if one.folder == new.folder:
            continue
        size_bytes += one.size_bytes
        if len(stays) == KEPT_FOLDERS or size_bytes > KEPT_BYTES:
            break
        stays.append(one)
    return tuple(stays)


def grow(tip: Tip | None, new: Shown) -> Step:
    """A fast-forward: the tip before, if any, and the new commit."""
    if tip is None:
        return Step(message=_message((new,), 1, new.size_bytes), parents=(new.commit,))
    message = _message(kept(tip.shown, new), tip.gathered_commits + 1, tip.gathered_bytes + new.size_bytes)
    return Step(message=message, parents=(tip.commit, new.commit))


def cut(tip: Tip, new: Shown) -> Step:
    """No fast-forward: only what still counts stays reachable."""
    stays = kept(tip.shown, new)
    return Step(message=_message(stays, 0, 0), parents=tuple(one.commit for one in stays))


def read(commit: str, message: str) -> Tip | None:
    """The tip that `commit` is; ``None`` where its message was not written by us. Lines that we would not write are passed
    over: they can only make us forget a picture, and whoever may push to the branch can do that anyway."""
    title, _, rest = message.partition("\n")
    if title != TITLE:
        return None
    lines = rest[:100_000].splitlines()
    gathered = next((found for line in lines if (found := _GATHERED.fullmatch(line))), None)
    entries = (_ENTRY.fullmatch(line) for line in lines)
    shown = tuple(Shown(commit=e[1], size_bytes=int(e[2]), folder=e[3]) for e in entries if e)
    return Tip(
        commit=commit,
        shown=shown,
        gathered_commits=int(gathered[1]) if gathered else 0,
        gathered_bytes=int(gathered[2]) if gathered else 0,
    )


def _message(shown: tuple[Shown, ...], commits: int, size_bytes: int) -> str:
    lines = [f"{one.commit} {one.size_bytes} {one.folder}" for one in shown]
    gathered = f"Gathered since the last cut: {commits} commits, {size_bytes} bytes"
    return "\n".join(
        [TITLE, "", "Commits that are still shown, their bytes and folders, the newest first:", *lines, "", gathered]
    )
