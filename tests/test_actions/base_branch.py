"""A base branch of ten commits on the fake GitHub, and the baselines that its runs left."""

from __future__ import annotations

from dataclasses import dataclass, field

from github.Repository import Repository as Api

from autoprof_ci.actions.api import connect
from autoprof_ci.actions.baselines import Found, Missing, Wanted, find
from autoprof_ci.actions.patience import Patience
from autoprof_ci.errors import DataError
from tests.fake_github.repository import Repository, Run
from tests.fake_github.server import FakeGithub

QUICK = Patience(timeout_s=1, retries=1, backoff_s=0.01, rate_limit_s=0.1, in_all_s=4.0, between_writes_s=0.0)
NAME = "autoprof-baseline"
READ = {"contents": "read", "actions": "read"}


@dataclass
class World:
    """A base branch of ten commits, and a pull request that left it at the seventh (`main[6]`)."""

    github: FakeGithub
    repository: Repository
    main: list[str] = field(default_factory=list)
    head: str = ""
    last_run: int = 100

    def run(self, commit: str, *, event: str = "push", branch: str = "main", head_repository_id: int | None = None) -> Run:
        self.last_run += 1
        return self.repository.run(
            self.last_run, event=event, head_branch=branch, head_sha=commit, head_repository_id=head_repository_id
        )

    def baseline(self, commit: str, data: bytes | None = None, **of_run: object) -> int:
        """An artifact made by a run for `commit`; its bytes name the commit."""
        run = self.run(commit, **of_run)  # type: ignore[arg-type]
        return self.repository.artifact(NAME, commit.encode() if data is None else data, run)

    def api(self, permissions: dict[str, str] | None = None) -> Api:
        token = self.github.token(permissions=READ if permissions is None else permissions)
        return connect(self.github.url, token, QUICK).get_repo("octo/app")

    def find(self, at: int | None = 6, name: str = NAME) -> Found[str] | Missing:
        base = None if at is None else self.main[at]
        wanted = Wanted(name=name, base_branch="main", merge_base=base, repository_id=1001, max_bytes=1 << 20)
        return find(self.api(), wanted, read, lambda _: None)

    def commit_of(self, found: Found[str] | Missing) -> int:
        assert isinstance(found, Found), found
        return self.main.index(found.read)

    def asked(self, part: str) -> int:
        return sum(part in each.path for each in self.github.log)


def read(bundle: bytes) -> str:
    """A reader as strict as that of bundles: here only a commit's name is one."""
    text = bundle.decode(errors="replace")
    if len(text) != 40:
        raise DataError("baseline: it is cut off", "Download it again")
    return text


def arranged(github: FakeGithub) -> World:
    made = World(github, github.repository(private=True))
    made.main = [made.repository.commit(f"main {number}", branch="main") for number in range(10)]
    made.head = made.repository.commit("change", parents=(made.main[6],), branch="feature")
    made.repository.pull(1, made.head)
    return made
