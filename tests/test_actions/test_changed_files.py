"""GitHub's list of what a pull request changes: all of it, or a reason."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest

from autoprof_ci.actions import changed_files
from autoprof_ci.actions.api import ApiError, ApiFailure
from autoprof_ci.model import ChangedFile
from tests.fake_github import FakeGithub
from tests.test_actions.talking import HTML, NUMBER, WRITE, our_repo

FILES = r"/pulls/7/files"


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        yield fake


def pull(server: FakeGithub, before: Mapping[str, bytes | str], after: Mapping[str, bytes | str]) -> None:
    repository = server.repository("octo/app")
    base = repository.commit("first", branch="main", files=before)
    repository.pull(NUMBER, repository.commit("second", parents=(base,), branch="feature", files=after))


def listed(server: FakeGithub, permissions: Mapping[str, str] = WRITE, **patience: float) -> tuple[ChangedFile, ...]:
    return changed_files.of_pull_request(our_repo(server, permissions, **patience), NUMBER)


def entry(name: str, status: str, **more: object) -> dict[str, object]:
    return {"filename": name, "status": status, "additions": 0, "deletions": 0, "changes": 0, **more}


def test_of_pull_request__has_names_and_pieces(server: FakeGithub) -> None:
    pull(server, {"a.rs": "1\n2\n", "logo.png": b"\xff"}, {"a.rs": "1\nx\n", "logo.png": b"\xfe", "new.rs": "1\n"})
    assert listed(server) == (
        ChangedFile(path="a.rs", patch="@@ -1,2 +1,2 @@\n 1\n-2\n+x"),
        ChangedFile(path="logo.png"),
        ChangedFile(path="new.rs", patch="@@ -0,0 +1 @@\n+1"),
    )


def test_of_pull_request__reads_all_pages_and_asks_for_nothing_else(server: FakeGithub) -> None:
    pull(server, {}, {f"{number:03}.rs": "1\n" for number in range(250)})
    assert len(listed(server)) == 250
    assert [request.path.rpartition("/pulls")[2] for request in server.log] == ["/7/files"] * 3


def test_of_pull_request__tells_moved_from_copied_and_gone(server: FakeGithub) -> None:
    pull(server, {}, {})
    body = [
        entry("new.rs", "renamed", previous_filename="old.rs", patch="@@ -1 +1 @@\n-1\n+2"),
        entry("copy.rs", "copied", previous_filename="old.rs"),
        entry("gone.rs", "removed", patch="@@ -1 +0,0 @@\n-1"),
        entry("run.sh", "changed"),
    ]
    server.fail("GET", FILES, status=200, body=_json(body))
    assert listed(server) == (
        ChangedFile(path="new.rs", was="old.rs", patch="@@ -1 +1 @@\n-1\n+2"),
        ChangedFile(path="copy.rs"),
        ChangedFile(path=None, was="gone.rs"),
        ChangedFile(path="run.sh"),
    )


def test_of_pull_request__of_more_files_than_are_listed(server: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    pull(server, {}, {f"{number:03}.rs": "1\n" for number in range(250)})
    monkeypatch.setattr(changed_files, "MOST_FILES", 200)
    with pytest.raises(ApiError, match="changes more files than GitHub lists, which are 200") as caught:
        listed(server)
    assert caught.value.kind is ApiFailure.REFUSED
    assert len(server.log) == 2


def test_of_pull_request__keeps_no_more_pieces_than_it_may(server: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    pull(server, {}, {"a.rs": "1\n", "b.rs": "1\n"})
    monkeypatch.setattr(changed_files, "MOST_CHARACTERS", 20)
    assert [file.patch is None for file in listed(server)] == [False, True]


def test_of_pull_request__that_takes_too_long(server: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    pull(server, {}, {f"{number:03}.rs": "1\n" for number in range(250)})
    monkeypatch.setattr(changed_files, "LIMIT_S", 0.0)
    with pytest.raises(ApiError, match=r"took more than 0 s to list the files of pull request #7\. Run the job again"):
        listed(server)
    assert len(server.log) == 1


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ({"status": 403}, ApiFailure.NOT_PERMITTED, "the token lacks `pull-requests: read`"),
        ({"status": 404}, ApiFailure.NOT_FOUND, "it is not there"),
        ({"status": 502, "times": 9}, ApiFailure.UNAVAILABLE, "502"),
        ({"status": 429, "headers": {"Retry-After": "3600"}}, ApiFailure.RATE_LIMITED, "too many requests"),
        ({"status": 200, "body": HTML}, ApiFailure.NOT_JSON, "is not an answer of its API"),
        ({"status": 200, "body": b'[{"filename": 7, "status": "added"}]'}, ApiFailure.NOT_JSON, "is not an answer of its API"),
        ({"status": 200, "body": b'[{"patch": "x"}]'}, ApiFailure.NOT_JSON, "is not an answer of its API"),
        ({"status": 200, "body": b'[{"filename": "a", "status": "added", "patch": []}]'}, ApiFailure.NOT_JSON, "not an answer"),
        ({"status": 200, "body": b"[7]"}, ApiFailure.NOT_JSON, "is not an answer of its API"),
        ({"drop": True, "times": 9}, ApiFailure.UNAVAILABLE, "the connection broke off"),
    ],
)  # fmt: skip
def test_of_pull_request__says_why_there_is_no_list(
    server: FakeGithub, fault: dict[str, object], kind: ApiFailure, said: str
) -> None:
    pull(server, {}, {"a.rs": "1\n"})
    server.fail("GET", FILES, **fault)  # type: ignore[arg-type]
    with pytest.raises(ApiError) as caught:
        listed(server)
    assert caught.value.kind is kind
    assert said in caught.value.what
    assert "list the files of pull request #7" in caught.value.what


def _json(body: object) -> bytes:
    return json.dumps(body).encode()
