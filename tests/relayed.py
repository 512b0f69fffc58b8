"""A pull request from a fork whose run has ended, arranged by hand: bundles as anybody could write them, and the trusted half.

Nothing is measured: the numbers are made up, so that a case takes a fraction of a second.
"""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autoprof_ci import bundle
from autoprof_ci.actions.patience import Patience
from autoprof_ci.commands.on_github import run
from autoprof_ci.model import BINARY_DSO, Bundle, CallEdge, Function, Policy, Recording, StoredBinary, WorkloadInstructions
from tests import factories, step
from tests.fake_github import FakeGithub, Pull, Repository

PATIENCE = Patience(backoff_s=0.01, between_writes_s=0.0, in_all_s=5.0)
TRUSTED = {"contents": "read", "actions": "read", "pull-requests": "write", "statuses": "write"}
TOML = """
[thresholds.instructions]
max_regression_percent = 1.0
warn_percent = 0.5
"""
OURS = StoredBinary(name="worker", sha256="0a" * 32, size_bytes=9000, packed=b"not unpacked by anybody")
THEIRS = StoredBinary(name="worker", sha256="0b" * 32, size_bytes=9100, packed=b"not unpacked either")
FLAT, SLOWER = 3e6, 4.5e6
FUNCTIONS = (Function("main", BINARY_DSO), Function("mix", BINARY_DSO), Function("check", BINARY_DSO))
RUN, TOLD_IN = 5, 9


def instructions(name: str, check: float, functions: Sequence[Function] = FUNCTIONS) -> WorkloadInstructions:
    """A workload whose last function executes `check` instructions, all others three millions together."""
    others = 3e6 / (len(functions) - 1)
    counts = (*(others,) * (len(functions) - 1), check)
    return WorkloadInstructions(
        name=name,
        functions=tuple(functions),
        repeats=(counts, counts),
        inclusive=(sum(counts), *counts[1:]),
        calls=(1.0, *(2000.0,) * (len(functions) - 1)),
        edges=tuple(CallEdge(caller=0, callee=i, calls=2000.0, inclusive=counts[i]) for i in range(1, len(functions))),
    )


def measured(*workloads: WorkloadInstructions, **more: Any) -> Bundle:
    """A bundle of these workloads, as if measured in the session ``together``."""
    there = workloads or (instructions("work", FLAT),)
    plain = Bundle(
        session="together",
        tool_version="0.1.0",
        created_at="2026-11-22T22:30:00Z",
        commit=None,
        ref=None,
        machine=factories.machine(),
        policy=factories.policy(),
        workload_digests={each.name: "d1" * 32 for each in there},
        recording=Recording(instructions=there),
        binaries=(OURS,),
    )
    return replace(plain, **more)


def slower(*names: str) -> Bundle:
    """A candidate in which `check` executes half as many instructions again."""
    return measured(*(instructions(name, SLOWER) for name in names or ("work",)), binaries=(THEIRS,))


def flat(*names: str) -> Bundle:
    """A candidate that costs what the baseline costs."""
    return measured(*(instructions(name, FLAT) for name in names or ("work",)), binaries=(THEIRS,))


def zipped(*members: tuple[str | zipfile.ZipInfo, bytes]) -> bytes:
    """A zip with these members, also twice of one name."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore", category=UserWarning), zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def report(baseline: Bundle | None, candidate: Bundle) -> bytes:
    """The report's artifact, as far as anybody reads it again."""
    members = [("candidate.bundle.zip", bundle.encode(candidate)), ("comment.md", b"<b>not used</b>")]
    return zipped(*members, *([("baseline.bundle.zip", bundle.encode(baseline))] if baseline else []))


@dataclass(kw_only=True)
class Told:
    """What came of it. `state`: of the commit status, with its sentence."""

    code: int
    log: str
    body: str | None
    state: str | None
    description: str | None
    outputs: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""

    @property
    def first_line(self) -> str | None:
        return next((line for line in (self.body or "").splitlines() if line.startswith("### ")), None)

    @property
    def visible(self) -> str:
        """What stands there before anything is unfolded, without the hidden lines."""
        return (self.body or "").split("<details>")[0]


@dataclass(kw_only=True)
class Forked:
    """``octo/app`` with a baseline of its first commit, and pull request 7 from a fork, measured in run `RUN`."""

    github: FakeGithub
    folder: Path
    repository: Repository
    fork: Repository
    base: str
    head: str
    pull: Pull

    @classmethod
    def arranged(cls, github: FakeGithub, folder: Path, *, head_ref: str = "feature", toml: str | None = TOML) -> Forked:
        repository = github.repository("octo/app")
        files = {} if toml is None else {"autoprof.toml": toml}
        base = repository.commit("first", branch="main", files=files)
        fork = repository.fork("stranger/app")
        head = repository.commit("change", parents=(base,))
        pull = repository.pull(7, head, head_repository=fork, head_ref=head_ref, login="stranger")
        made = cls(github=github, folder=folder, repository=repository, fork=fork, base=base, head=head, pull=pull)
        made.ran()
        return made

    def ran(self, *, id: int = RUN, conclusion: str = "success", event: str = "pull_request", attempt: int = 1) -> None:
        """The fork's run has ended."""
        self.repository.run(
            id,
            event=event,
            head_branch=self.pull.head_ref,
            head_sha=self.head,
            head_repository_id=self.fork.id,
            conclusion=conclusion,
            attempt=attempt,
        )

    def stored(self, what: Bundle | bytes, commit: str | None = None, *, run_id: int = 1, **more: Any) -> int:
        """A baseline that a push to the base branch has made."""
        at = commit or self.base
        pushed = self.repository.run(run_id, event="push", head_branch=self.pull.base, head_sha=at)
        data = what if isinstance(what, bytes) else bundle.encode(replace(what, commit=at))
        return self.repository.artifact("autoprof-baseline", data, pushed, **more)

    def left(self, data: bytes, name: str = "autoprof-report-1", **more: Any) -> int:
        """What the fork's run has left."""
        return self.repository.artifact(name, data, RUN, **more)

    def claims(self, baseline: Bundle | None, candidate: Bundle) -> int:
        return self.left(report(baseline, candidate))

    def environment(self, *, permissions: Mapping[str, str] = TRUSTED, run_id: int = RUN, **inputs: str) -> dict[str, str]:
        return self.repository.environment(
            self.folder / "told",
            event="workflow_run",
            run_id=TOLD_IN,
            triggering_run=run_id,
            token=self.github.token(permissions=permissions),
            inputs=inputs,
        )

    def tell(self, *, permissions: Mapping[str, str] = TRUSTED, run_id: int = RUN, **inputs: str) -> Told:
        """The second half, in this process."""
        env = self.environment(permissions=permissions, run_id=run_id, **inputs)
        stream = io.StringIO()
        code = run.step(dict(env), stream, PATIENCE)
        return self.told(code, stream.getvalue(), env)

    def told(self, code: int, log: str, env: Mapping[str, str]) -> Told:
        comments = [str(each["body"]) for each in self.repository.comments(7)]
        assert len(comments) <= 1
        states = self.repository.statuses(self.head)
        return Told(
            code=code,
            log=log,
            body=comments[0] if comments else None,
            state=str(states[-1]["state"]) if states else None,
            description=str(states[-1]["description"]) if states else None,
            outputs=step.outputs(Path(env["GITHUB_OUTPUT"])),
            summary=Path(env["GITHUB_STEP_SUMMARY"]).read_text(),
        )


def lenient(accepts: tuple[Any, ...] = ()) -> Policy:
    """Thresholds that nothing exceeds, as a pull request would like them."""
    plain = factories.policy(accepts=accepts)
    loose = {instrument: replace(limit, max_regression=99.0, warn=98.0) for instrument, limit in plain.thresholds.items()}
    return replace(plain, thresholds=loose)
