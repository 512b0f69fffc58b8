"""Git's objects in memory: blobs, trees, commits and the way between them. Knows no HTTP and no names of branches."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.fake_github.state import stamp

FIRST_COMMIT_S = 1_767_225_600
"""2026-01-01: commits made by a test's own hand are a minute apart from then on, so that their hashes never change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    mode: str
    kind: str
    name: str
    sha: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    sha: str
    tree: str
    parents: tuple[str, ...]
    message: str
    date: str


def _hash(kind: str, data: bytes) -> str:
    return hashlib.sha1(f"{kind} {len(data)}\0".encode() + data, usedforsecurity=False).hexdigest()


@dataclass(slots=True)
class GitObjects:
    """Shared by a repository and its forks, as on GitHub."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    trees: dict[str, tuple[Entry, ...]] = field(default_factory=dict)
    commits: dict[str, Commit] = field(default_factory=dict)

    def put_blob(self, data: bytes) -> str:
        sha = _hash("blob", data)
        self.blobs[sha] = data
        return sha

    def put_tree(self, entries: Sequence[Entry]) -> str:
        ordered = tuple(sorted(entries, key=lambda entry: entry.name + ("/" if entry.kind == "tree" else "")))
        data = b"".join(f"{entry.mode.lstrip('0')} {entry.name}".encode() + b"\0" + bytes.fromhex(entry.sha) for entry in ordered)
        sha = _hash("tree", data)
        self.trees[sha] = ordered
        return sha

    def put_paths(self, paths: Mapping[str, tuple[str, str]]) -> str:
        """A tree and its subtrees from `path -> (mode, blob sha)`."""
        here: list[Entry] = []
        below: dict[str, dict[str, tuple[str, str]]] = {}
        for path, (mode, sha) in paths.items():
            first, slash, rest = path.partition("/")
            if slash:
                below.setdefault(first, {})[rest] = (mode, sha)
            else:
                here.append(Entry(mode=mode, kind="blob", name=first, sha=sha))
        here += [Entry(mode="040000", kind="tree", name=name, sha=self.put_paths(inner)) for name, inner in below.items()]
        return self.put_tree(here)

    def put_commit(self, tree: str, parents: Sequence[str], message: str, date: str | None = None) -> str:
        when = date or stamp(FIRST_COMMIT_S + 60 * len(self.commits))
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents), f"author Octo <octo@example.com> {when}"]
        sha = _hash("commit", "\n".join([*lines, "", message]).encode())
        self.commits[sha] = Commit(sha=sha, tree=tree, parents=tuple(parents), message=message, date=when)
        return sha

    def paths(self, tree: str, prefix: str = "") -> dict[str, tuple[str, str]]:
        """`path -> (mode, blob sha)` of a tree and everything below it."""
        found: dict[str, tuple[str, str]] = {}
        for entry in self.trees[tree]:
            if entry.kind == "tree":
                found |= self.paths(entry.sha, f"{prefix}{entry.name}/")
            else:
                found[prefix + entry.name] = (entry.mode, entry.sha)
        return found

    def files(self, commit: str) -> dict[str, bytes]:
        """`path -> content` of a commit."""
        return {path: self.blobs[sha] for path, (_, sha) in self.paths(self.commits[commit].tree).items()}

    def ancestors(self, commit: str) -> list[str]:
        """The commit and all before it, nearest first (breadth first, which is near enough to git's order by date)."""
        seen = {commit: None}
        waiting = deque([commit])
        while waiting:
            for parent in self.commits[waiting.popleft()].parents:
                if parent not in seen:
                    seen[parent] = None
                    waiting.append(parent)
        return list(seen)

    def merge_base(self, one: str, other: str) -> str | None:
        ours = set(self.ancestors(one))
        return next((commit for commit in self.ancestors(other) if commit in ours), None)
