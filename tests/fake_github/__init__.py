"""A GitHub of our own for tests: a real HTTP server on the loopback device, strict where GitHub is strict.

It speaks REST, GraphQL (two questions), the artifact service's twirp and the blob store's protocol. What it knows comes from
GitHub's documentation and the sources of the runner, the toolkit and act; it must not know anything of the product it helps to
test.

    with FakeGithub() as github:
        repository = github.repository("octo/app")
        base = repository.commit("first", branch="main")
        head = repository.commit("slower", parents=(base,))
        repository.pull(7, head)
        token = github.token(permissions={"pull-requests": "write"})
        ...  # talk to github.url with it
        assert repository.comments(7) == []
"""

from tests.fake_github.records import Artifact, Pull, Run
from tests.fake_github.repository import AUTO, Repository
from tests.fake_github.server import FakeGithub
from tests.fake_github.state import Request, Runtime

__all__ = ["AUTO", "Artifact", "FakeGithub", "Pull", "Repository", "Request", "Run", "Runtime"]
