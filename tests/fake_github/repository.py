"""One repository as a test arranges it and looks at it afterwards: commits, pull requests, runs, artifacts, comments, statuses.

No HTTP here: what a token may do, and how an answer looks, is the business of the ``rest_*`` modules. Whatever changes something
takes the state's lock, so a test may arrange things while the server answers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.fake_github.git_objects import GitObjects
from tests.fake_github.records import Artifact, Comment, Pull, Run
from tests.fake_github.runner_env import Environment, environment_of
from tests.fake_github.state import State, stamp

AUTO = "auto"
"""The digest of an artifact as GitHub would compute it."""


@dataclass(slots=True, kw_only=True, eq=False, repr=False)
class Repository:
    state: State
    full_name: str
    id: int
    default_branch: str
    private: bool
    fork_of: Repository | None = None
    git: GitObjects = field(default_factory=GitObjects)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: dict[int, Pull] = field(default_factory=dict)
    issues: dict[int, bool] = field(default_factory=dict)
    runs: dict[int, Run] = field(default_factory=dict)
    artifacts: dict[int, Artifact] = field(default_factory=dict)
    all_comments: dict[int, Comment] = field(default_factory=dict)
    all_statuses: dict[str, list[dict[str, object]]] = field(default_factory=dict)

    @property
    def owner(self) -> str:
        return self.full_name.split("/")[0]

    @property
    def blobs(self) -> Mapping[str, bytes]:
        return self.git.blobs

    @property
    def trees(self) -> Mapping[str, object]:
        return self.git.trees

    @property
    def commits(self) -> Mapping[str, object]:
        return self.git.commits

    def fork(self, full_name: str, *, id: int = 2002) -> Repository:
        """Somebody's fork: it shares the objects and starts with the same branches."""
        with self.state.lock:
            made = Repository(
                state=self.state,
                full_name=full_name,
                id=id,
                default_branch=self.default_branch,
                private=self.private,
                fork_of=self,
                git=self.git,
                refs={name: sha for name, sha in self.refs.items() if name.startswith("refs/heads/")},
            )
            self.state.repositories[full_name.lower()] = made
            return made

    def commit(
        self,
        message: str = "",
        parents: Sequence[str] = (),
        branch: str | None = None,
        files: Mapping[str, bytes | str] | None = None,
    ) -> str:
        """A commit with the first parent's files and `files` over them.

        Without parents it follows the tip of `branch`, if there is one.
        """
        with self.state.lock:
            ref = f"refs/heads/{branch}"
            before = tuple(parents) or ((self.refs[ref],) if branch and ref in self.refs else ())
            paths = self.git.paths(self.git.commits[before[0]].tree) if before else {}
            for path, content in (files or {}).items():
                data = content.encode() if isinstance(content, str) else content
                paths[path] = ("100644", self.git.put_blob(data))
            sha = self.git.put_commit(self.git.put_paths(paths), before, message)
            if branch:
                self.refs[ref] = sha
            self.state.changed()
            return sha

    def file(self, path: str, content: bytes | str, ref: str) -> str:
        """A commit on the branch `ref` that writes one file."""
        return self.commit(f"Write {path}", branch=ref.removeprefix("refs/heads/"), files={path: content})

    def pull(
        self,
        number: int,
        head_sha: str,
        base: str = "main",
        head_repository: Repository | None = None,
        head_ref: str = "feature",
        login: str = "octocat",
    ) -> Pull:
        """Opens a pull request, with the merge commit GitHub makes of it."""
        with self.state.lock:
            source = head_repository or self
            base_sha = self.refs[f"refs/heads/{base}"]
            self.pulls[number] = Pull(
                number=number,
                head_sha=head_sha,
                head_ref=head_ref,
                head_repository=source,
                head_repository_id=source.id,
                head_owner=source.owner,
                base=base,
                base_sha=base_sha,
                merge_commit_sha="",
                login=login,
            )
            self.push(number, head_sha)
            return self.pulls[number]

    def push(self, number: int, head_sha: str) -> None:
        """Moves the head of a pull request."""
        with self.state.lock:
            pull = self.pulls[number]
            pull.head_sha = head_sha
            base_sha = self.refs[f"refs/heads/{pull.base}"]
            tree = self.git.commits[head_sha].tree
            pull.merge_commit_sha = self.git.put_commit(tree, (base_sha, head_sha), f"Merge {head_sha} into {base_sha}")
            if pull.head_repository is not None:
                pull.head_repository.refs[f"refs/heads/{pull.head_ref}"] = head_sha
            self.refs[f"refs/pull/{number}/head"] = head_sha
            self.refs[f"refs/pull/{number}/merge"] = pull.merge_commit_sha
            self.state.changed()

    def delete_fork(self, number: int) -> None:
        """The head's repository of a pull request is gone: GitHub says `null` from then on."""
        with self.state.lock:
            gone = self.pulls[number].head_repository
            self.pulls[number].head_repository = None
            for run in self.runs.values():
                if run.head_repository is gone:
                    run.head_repository = None
            if gone is not None and gone is not self:
                self.state.repositories.pop(gone.full_name.lower(), None)

    def close(self, number: int) -> None:
        with self.state.lock:
            self.pulls[number].state = "closed"

    def lock(self, number: int) -> None:
        """Locks the conversation of a pull request."""
        with self.state.lock:
            self.pulls[number].locked = True

    def run(
        self,
        id: int,
        *,
        event: str,
        head_branch: str,
        head_sha: str,
        head_repository_id: int | None = None,
        conclusion: str | None = "success",
        path: str = ".github/workflows/autoprof.yml",
        attempt: int = 1,
        run_number: int | None = None,
    ) -> Run:
        """A workflow run; `conclusion` None is one in progress. A `head_repository_id` unknown here is a deleted fork's."""
        with self.state.lock:
            head_id = self.id if head_repository_id is None else head_repository_id
            known = {repository.id: repository for repository in self.state.repositories.values()}
            self.runs[id] = Run(
                id=id,
                event=event,
                head_branch=head_branch,
                head_sha=head_sha,
                head_repository=known.get(head_id),
                head_repository_id=head_id,
                status="in_progress" if conclusion is None else "completed",
                conclusion=conclusion,
                path=path,
                attempt=attempt,
                run_number=run_number or len(self.runs) + 1,
                created_at=stamp(),
            )
            return self.runs[id]

    def artifact(
        self,
        name: str,
        data: bytes,
        run: Run | int,
        *,
        expired: bool = False,
        digest: str | None = AUTO,
        created_at: str | None = None,
    ) -> int:
        """An artifact as it lies there after a run; `data` is its zip. Returns its id."""
        with self.state.lock:
            run_id = run if isinstance(run, int) else run.id
            assert run_id in self.runs, f"no run {run_id}: make it with run()"
            id = self.state.new_id()
            key = f"{self.id}/{run_id}/{id}.zip"
            self.state.blobs.write(key, data)
            self.artifacts[id] = Artifact(
                id=id,
                name=name,
                run_id=run_id,
                job_id="",
                blob_key=key,
                size_bytes=len(data),
                digest=f"sha256:{hashlib.sha256(data).hexdigest()}" if digest == AUTO else digest,
                expired=expired,
                finalized=True,
                created_at=created_at or stamp(),
            )
            self.state.changed()
            return id

    def artifact_data(self, id: int) -> bytes | None:
        """The zip of an artifact."""
        with self.state.lock:
            return self.state.blobs.read(self.artifacts[id].blob_key)

    def comment(self, number: int, body: str, *, login: str = "github-actions[bot]") -> int:
        """Somebody's comment, written without asking the API. Returns its id."""
        with self.state.lock:
            id = self.state.new_id()
            now = stamp()
            self.all_comments[id] = Comment(id=id, number=number, login=login, body=body, created_at=now, updated_at=now)
            self.state.changed()
            return id

    def comments(self, number: int) -> list[dict[str, object]]:
        """The comments of an issue or pull request, oldest first."""
        with self.state.lock:
            return [
                {
                    "id": comment.id,
                    "login": comment.login,
                    "body": comment.body,
                    "created_at": comment.created_at,
                    "updated_at": comment.updated_at,
                    "minimized": self.state.minimized.get(f"IC_{comment.id}"),
                }
                for comment in self.all_comments.values()
                if comment.number == number
            ]

    def statuses(self, sha: str) -> list[dict[str, object]]:
        """The commit statuses of a commit, oldest first."""
        with self.state.lock:
            return list(self.all_statuses.get(sha, []))

    def tree_of(self, ref: str) -> dict[str, bytes]:
        """`path -> content` at a branch, a full ref or a commit."""
        with self.state.lock:
            sha = self.resolve(ref)
            assert sha is not None, f"{self.full_name} has no {ref}"
            return self.git.files(sha)

    def resolve(self, ref: str) -> str | None:
        """The commit of a branch, tag, full ref, `owner:branch` of the network, or (abbreviated) SHA."""
        owner, colon, branch = ref.partition(":")
        if colon:
            for other in self.state.repositories.values():
                if other.owner.lower() == owner.lower() and other.git is self.git:
                    return other.resolve(branch)
            return None
        for name in (ref, f"refs/{ref}", f"refs/heads/{ref}", f"refs/tags/{ref}"):
            if name in self.refs:
                return self.refs[name]
        if len(ref) >= 7:
            return next((sha for sha in self.git.commits if sha.startswith(ref)), None)
        return None

    def environment(
        self,
        tmp: Path,
        *,
        event: str,
        run_id: int,
        pull: int | None = None,
        inputs: Mapping[str, str] | None = None,
        token: str | None = None,
        attempt: int = 1,
        layout: str = "runner",
        sha: str | None = None,
        branch: str | None = None,
        triggering_run: int | None = None,
    ) -> dict[str, str]:
        """The full environment of a container action, with the files it names below `tmp` and its workspace `tmp/workspace`.

        `triggering_run` is the run a `workflow_run` event tells of. The run is created if it is not known yet.
        """
        wanted = Environment(
            tmp=tmp,
            event=event,
            run_id=run_id,
            pull=pull,
            inputs=inputs or {},
            token=token,
            attempt=attempt,
            layout=layout,
            sha=sha,
            branch=branch,
            triggering_run=triggering_run,
        )
        with self.state.lock:
            return environment_of(self, wanted)
