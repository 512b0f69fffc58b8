"""The fake's commits: lists, comparisons, statuses, files, and the Git data API with which a branch is made without git."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator
from pathlib import Path

import github
import pytest
import requests

from tests.fake_github import FakeGithub, Repository
from tests.fake_github.plain import Plain, message_of

PNG = b"\x89PNG\r\n\x1a\n\x00\xff"
INTEGRATION = (403, "Resource not accessible by integration")


@pytest.fixture
def fake() -> Iterator[FakeGithub]:
    with FakeGithub() as running:
        yield running


def writer(fake: FakeGithub) -> Plain:
    return Plain(url=fake.url, token=fake.token(permissions={"contents": "write", "statuses": "write"}))


def history(fake: FakeGithub) -> tuple[Repository, list[str], str]:
    """main: 0-1-2-3; a branch that left it at 1."""
    app = fake.repository("octo/app")
    main = [app.commit(f"{number}", branch="main", files={f"{number}.txt": f"{number}\n"}) for number in range(4)]
    return app, main, app.commit("branch", parents=(main[1],), branch="feature", files={"0.txt": "changed\n"})


def test_objects__have_the_hashes_git_gives_them(fake: FakeGithub, tmp_path: Path) -> None:
    app = fake.repository("octo/app")
    files = {"a.txt": b"one", "b/c.txt": b"two", "b.txt": b"three", "b/d/e": b""}
    commit = app.commit(branch="main", files=files)
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    for command in (["init", "-q"], ["add", "."]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True, capture_output=True)
    tree = subprocess.run(["git", "write-tree"], cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()
    assert app.git.commits[commit].tree == tree
    assert app.tree_of("main") == files


def test_commits__go_back_from_a_sha_with_their_parents(fake: FakeGithub) -> None:
    app, main, feature = history(fake)
    ask = Plain(url=fake.url, token=fake.token())
    listed = ask("GET", f"repos/octo/app/commits?sha={main[2]}&per_page=2")
    assert [(item["sha"], [parent["sha"] for parent in item["parents"]]) for item in listed.json()] == [
        (main[2], [main[1]]),
        (main[1], [main[0]]),
    ]
    assert [item["sha"] for item in ask("GET", listed.links["next"]["url"]).json()] == [main[0]]
    assert [item["sha"] for item in ask("GET", "repos/octo/app/commits?sha=feature").json()] == [feature, main[1], main[0]]
    assert ask("GET", "repos/octo/app/commits?sha=nothing").status_code == 404
    assert ask("GET", f"repos/octo/app/commits/{'0' * 40}").status_code == 422
    assert ask("GET", "repos/octo/app/branches/main").json()["commit"]["sha"] == main[3]
    assert app.resolve(main[0][:10]) == main[0]


def test_compare__finds_the_merge_base(fake: FakeGithub) -> None:
    app, main, _ = history(fake)
    fork = app.fork("stranger/app")
    theirs = fork.commit("theirs", branch="feature")
    ask = Plain(url=fake.url, token=fake.token())

    def compared(spec: str) -> tuple[object, ...]:
        body = ask("GET", f"repos/octo/app/compare/{spec}").json()
        return body["merge_base_commit"]["sha"], body["status"], body["ahead_by"], body["behind_by"]

    assert compared("main...feature") == (main[1], "diverged", 1, 2)
    assert compared(f"{main[0]}...{main[3]}") == (main[0], "ahead", 3, 0)
    assert compared(f"main...{main[1]}") == (main[1], "behind", 0, 2)
    assert compared("main...main") == (main[3], "identical", 0, 0)
    assert compared("main...stranger:feature") == (main[1], "diverged", 2, 2)
    assert fork.refs["refs/heads/feature"] == theirs
    assert [file["filename"] for file in ask("GET", "repos/octo/app/compare/main...feature").json()["files"]] == ["0.txt"]
    assert ask("GET", f"repos/octo/app/compare/main...{'0' * 40}").status_code == 404
    lonely = app.git.put_commit(app.git.put_paths({}), (), "no parents")
    answer = ask("GET", f"repos/octo/app/compare/main...{lonely}")
    assert message_of(answer) == (404, f"No common ancestor between {main[3]} and {lonely}.")


def test_contents__are_those_at_the_ref(fake: FakeGithub) -> None:
    app, main, feature = history(fake)
    app.file("deep/er/autoprof.toml", b"\xff", "main")
    ask = Plain(url=fake.url, token=fake.token())

    def content(path: str, ref: str) -> bytes:
        return base64.b64decode(ask("GET", f"repos/octo/app/contents/{path}?ref={ref}").json()["content"])

    assert [content("0.txt", ref) for ref in ("main", "feature", main[0])] == [b"0\n", b"changed\n", b"0\n"]
    assert content("deep/er/autoprof.toml", "main") == b"\xff"
    assert [item["path"] for item in ask("GET", "repos/octo/app/contents/deep").json()] == ["deep/er"]
    missing = [("3.txt", feature), ("0.txt", "nothing")]
    assert [ask("GET", f"repos/octo/app/contents/{path}?ref={ref}").status_code for path, ref in missing] == [404, 404]
    assert requests.get(f"{fake.url}/octo/app/raw/{main[0]}/0.txt", timeout=10).content == b"0\n"
    assert requests.get(f"{fake.url}/octo/app/raw/{main[0]}/1.txt", timeout=10).status_code == 404


def test_statuses__are_checked_and_the_newest_of_a_context_counts(fake: FakeGithub) -> None:
    app, main, _ = history(fake)
    ask = writer(fake)
    path = f"repos/octo/app/statuses/{main[0]}"
    good = {"state": "pending", "context": "autoprof-ci", "description": "d" * 140, "target_url": "https://example.com"}
    wrong = [{"state": "red"}, {}, good | {"description": "d" * 141}, good | {"target_url": "javascript:1"}]
    assert [ask("POST", path, body).status_code for body in wrong] == [422] * 4
    assert [ask("POST", path, good | {"state": state}).status_code for state in ("pending", "failure")] == [201, 201]
    assert ask("POST", f"repos/octo/app/statuses/{'0' * 40}", good).status_code == 422
    assert message_of(Plain(url=fake.url, token=fake.token(permissions={"contents": "write"}))("POST", path, good)) == INTEGRATION
    assert [(status["state"], status["description"]) for status in app.statuses(main[0])] == [
        ("pending", "d" * 140),
        ("failure", "d" * 140),
    ]
    combined = ask("GET", f"repos/octo/app/commits/{main[0]}/status").json()
    assert (combined["state"], combined["total_count"]) == ("failure", 1)
    assert [item["state"] for item in ask("GET", f"repos/octo/app/commits/{main[0]}/statuses").json()] == ["failure", "pending"]


def test_git_data__makes_an_orphan_branch_that_is_served_raw(fake: FakeGithub) -> None:
    app, main, _ = history(fake)
    ask = writer(fake)
    git = "repos/octo/app/git"
    blob = ask("POST", f"{git}/blobs", {"content": base64.b64encode(PNG).decode(), "encoding": "base64"}).json()["sha"]
    entry = {"path": "pr-7/time.png", "mode": "100644", "type": "blob", "sha": blob}
    tree = ask("POST", f"{git}/trees", {"tree": [entry, entry | {"path": "README.md", "content": "hello"} | {"sha": None}]})
    assert tree.status_code == 201
    commit = ask("POST", f"{git}/commits", {"message": "charts", "tree": tree.json()["sha"], "parents": []}).json()["sha"]
    made = ask("POST", f"{git}/refs", {"ref": "refs/heads/charts", "sha": commit})
    assert (made.status_code, made.json()["object"]) == (
        201,
        {"type": "commit", "sha": commit, "url": made.json()["object"]["url"]},
    )
    assert app.tree_of("charts") == {"pr-7/time.png": PNG, "README.md": b"hello"}
    raw = requests.get(f"{fake.url}/octo/app/raw/{commit}/pr-7/time.png", timeout=10)
    assert (raw.content, raw.headers["Content-Type"]) == (PNG, "image/png")
    assert ask("GET", f"{git}/ref/heads/charts").json()["object"]["sha"] == commit
    assert ask("GET", f"{git}/ref/heads/chart").status_code == 404
    assert app.git.commits[commit].parents == ()
    assert main[3] == app.refs["refs/heads/main"]


def test_git_data__builds_on_a_tree_and_deletes_from_it(fake: FakeGithub) -> None:
    app = fake.repository("octo/app")
    first = app.commit(branch="charts", files={"old/a.png": PNG, "old/b.png": PNG, "keep": "kept"})
    ask = writer(fake)
    base = app.git.commits[first].tree
    gone = {"path": "old/a.png", "mode": "100644", "type": "blob", "sha": None}
    new = {"path": "new/c", "mode": "100644", "type": "blob", "content": "c"}
    tree = ask("POST", "repos/octo/app/git/trees", {"base_tree": base, "tree": [gone, new]}).json()["sha"]
    listed = ask("GET", f"repos/octo/app/git/trees/{tree}?recursive=1").json()["tree"]
    assert [(item["path"], item["type"]) for item in listed] == [
        ("keep", "blob"),
        ("new", "tree"),
        ("new/c", "blob"),
        ("old", "tree"),
        ("old/b.png", "blob"),
    ]
    assert [item["path"] for item in ask("GET", "repos/octo/app/git/trees/charts").json()["tree"]] == ["keep", "old"]


@pytest.mark.parametrize(
    "entry",
    [
        {"path": "a", "mode": "100644", "type": "blob", "sha": "0" * 40},
        {"path": "a", "mode": "777", "type": "blob", "content": "x"},
        {"path": "a", "mode": "100644", "type": "tree", "content": "x"},
        {"path": "../a", "mode": "100644", "type": "blob", "content": "x"},
        {"path": "/a", "mode": "100644", "type": "blob", "content": "x"},
        {"path": ".git/config", "mode": "100644", "type": "blob", "content": "x"},
        {"path": "a", "mode": "100644", "type": "blob"},
        "a",
    ],
)
def test_tree__refuses_what_git_could_not_hold(fake: FakeGithub, entry: object) -> None:
    history(fake)
    assert writer(fake)("POST", "repos/octo/app/git/trees", {"tree": [entry]}).status_code == 422


def test_refs__move_forward_only_unless_forced(fake: FakeGithub) -> None:
    app, main, feature = history(fake)
    ask = writer(fake)
    path = "repos/octo/app/git/refs"
    assert message_of(ask("POST", path, {"ref": "refs/heads/main", "sha": feature})) == (422, "Reference already exists")
    assert ask("POST", path, {"ref": "heads/new", "sha": feature}).status_code == 422
    assert message_of(ask("POST", path, {"ref": "refs/heads/new", "sha": "0" * 40})) == (422, "Object does not exist")
    assert message_of(ask("PATCH", f"{path}/heads/main", {"sha": feature})) == (422, "Update is not a fast forward")
    assert message_of(ask("PATCH", f"{path}/heads/no", {"sha": feature})) == (422, "Reference does not exist")
    newer = app.git.put_commit(app.git.commits[main[3]].tree, (main[3],), "newer")
    assert ask("PATCH", f"{path}/heads/main", {"sha": newer}).json()["object"]["sha"] == newer
    assert ask("PATCH", f"{path}/heads/main", {"sha": feature, "force": True}).status_code == 200
    assert app.refs["refs/heads/main"] == feature
    assert [item["ref"] for item in ask("GET", "repos/octo/app/git/matching-refs/heads/").json()] == [
        "refs/heads/feature",
        "refs/heads/main",
    ]
    assert ask("DELETE", f"{path}/heads/feature").status_code == 204
    assert "refs/heads/feature" not in app.refs


def test_git_data__needs_contents_write_and_a_first_commit(fake: FakeGithub) -> None:
    history(fake)
    fake.repository("octo/empty", id=9)
    reader = Plain(url=fake.url, token=fake.token(permissions={"contents": "read"}))
    body = {"content": "x", "encoding": "utf-8"}
    for what in ("blobs", "trees", "commits", "refs"):
        assert message_of(reader("POST", f"repos/octo/app/git/{what}", body)) == INTEGRATION
    assert message_of(reader("PATCH", "repos/octo/app/git/refs/heads/main", {"sha": "0" * 40})) == INTEGRATION
    assert message_of(writer(fake)("POST", "repos/octo/empty/git/blobs", body)) == (409, "Git Repository is empty.")
    for wrong in ({"content": "!", "encoding": "base64"}, {"content": "x", "encoding": "rot13"}, {"encoding": "utf-8"}):
        assert writer(fake)("POST", "repos/octo/app/git/blobs", wrong).status_code == 422


def test_library__makes_a_branch(fake: FakeGithub) -> None:
    app, main, _ = history(fake)
    api = github.Github(
        base_url=fake.url, auth=github.Auth.Token(writer(fake).token or ""), seconds_between_writes=0, seconds_between_requests=0
    )
    repository = api.get_repo("octo/app")
    tree = repository.create_git_tree([github.InputGitTreeElement("a/b", "100644", "blob", content="hi")])
    first = repository.create_git_commit("first", tree, [])
    repository.create_git_ref("refs/heads/charts", first.sha)
    second = repository.create_git_commit("second", repository.get_git_tree(tree.sha), [repository.get_git_commit(first.sha)])
    repository.get_git_ref("heads/charts").edit(second.sha)
    assert (app.refs["refs/heads/charts"], app.tree_of("charts")) == (second.sha, {"a/b": b"hi"})
    repository.get_commit(main[0]).create_status("success", description="fine", context="autoprof-ci")
    assert [status["description"] for status in app.statuses(main[0])] == ["fine"]
    assert [commit.sha for commit in repository.get_commits(sha=main[2])] == main[2::-1]
