"""The fake goes wrong when it is told to, remembers what it was asked, and can be watched and arranged from another process."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.fake_github import FakeGithub, Repository
from tests.fake_github.plain import Plain

COMMENTS = "repos/octo/app/issues/7/comments"


@pytest.fixture
def fake() -> Iterator[FakeGithub]:
    with FakeGithub() as running:
        yield running


@pytest.fixture
def app(fake: FakeGithub) -> Repository:
    repository = fake.repository("octo/app")
    repository.pull(7, repository.commit(branch="main"))
    return repository


@pytest.fixture
def ask(fake: FakeGithub) -> Plain:
    return Plain(url=fake.url, token=fake.token())


def test_fault__before_means_nothing_was_done(fake: FakeGithub, app: Repository, ask: Plain) -> None:
    fake.fail("POST", "/comments$", status=500)
    assert [ask("POST", COMMENTS, {"body": "x"}).status_code for _ in range(2)] == [500, 201]
    assert len(app.comments(7)) == 1


def test_fault__after_means_it_was_done_and_nobody_was_told(fake: FakeGithub, app: Repository, ask: Plain) -> None:
    fake.fail("POST", "/comments$", status=502, when="after")
    assert ask("POST", COMMENTS, {"body": "x"}).status_code == 502
    assert [comment["body"] for comment in app.comments(7)] == ["x"]


def test_fault__happens_as_often_as_planned_and_to_what_matches(fake: FakeGithub, app: Repository, ask: Plain) -> None:
    assert app.comments(7) == []
    fake.fail("GET", r"/comments\?per_page=5", status=503, times=2)
    fake.fail("*", "/pulls", status=418, body="<html>I am HTML</html>", headers={"X-More": "1"})
    assert [ask("GET", f"{COMMENTS}?per_page={number}").status_code for number in (5, 4, 5, 5)] == [503, 200, 503, 200]
    page = ask("GET", "repos/octo/app/pulls")
    assert (page.status_code, page.text, page.headers["Content-Type"]) == (
        418,
        "<html>I am HTML</html>",
        "text/html; charset=utf-8",
    )
    assert page.headers["X-More"] == "1"
    assert fake.faults_left == 0


def test_fault__hangs_and_then_answers(fake: FakeGithub, app: Repository, ask: Plain) -> None:
    fake.fail("GET", "/issues/7$", hang_s=0.3)
    started = time.monotonic()
    assert ask("GET", f"repos/{app.full_name}/issues/7").status_code == 200
    assert time.monotonic() - started >= 0.3


def test_fault__hangs_while_others_are_answered_and_ends_with_the_server() -> None:
    results: list[object] = []

    def slow(url: str) -> None:
        try:
            requests.get(url, timeout=30)
        except requests.ConnectionError as error:
            results.append(type(error))

    with FakeGithub() as other:
        other.fail("GET", "/slow", hang_s=60)
        thread = threading.Thread(target=slow, args=(f"{other.url}/slow",))
        thread.start()
        while not other.log:
            time.sleep(0.01)
        assert requests.get(f"{other.url}/quick", timeout=5).status_code == 404
        assert [entry.status for entry in other.log] == [0, 404]
    thread.join(timeout=5)
    assert results == [requests.ConnectionError]


def test_fault__drops_the_connection_before_or_after(fake: FakeGithub, app: Repository, ask: Plain) -> None:
    fake.fail("POST", "/comments", drop=True)
    fake.fail("POST", "/comments", drop=True, when="after")
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            ask("POST", COMMENTS, {"body": "x" * 50_000})
    assert len(app.comments(7)) == 1
    assert [entry.status for entry in fake.log] == [0, 0]


def test_fault__promises_more_than_it_sends(fake: FakeGithub, app: Repository, ask: Plain) -> None:
    app.run(1, event="push", head_branch="main", head_sha=app.refs["refs/heads/main"])
    id = app.artifact("base", b"z" * 5000, 1)
    location = ask("GET", f"repos/octo/app/actions/artifacts/{id}/zip").headers["Location"]
    fake.fail("GET", r"\.zip", truncate_bytes=100)
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        requests.get(location, timeout=10)
    assert len(requests.get(location, timeout=10).content) == 5000


def test_log__keeps_what_was_asked_and_by_whom(fake: FakeGithub, app: Repository) -> None:
    token = fake.token(permissions={"pull_requests": "write"})
    Plain(url=fake.url, token=token, headers={"X-Test": "1"})("POST", f"{COMMENTS}?a=b", {"body": "x"})
    requests.get(f"{fake.state.blob_url}/none", timeout=10)
    first, second = fake.log
    assert (first.method, first.path, first.query, json.loads(first.body)) == ("POST", f"/{COMMENTS}", {"a": "b"}, {"body": "x"})
    assert (first.status, first.headers["X-Test"], first.permissions) == (201, "1", {"pull-requests": "write"})
    assert (second.listener, second.status, second.permissions) == ("blob", 403, None)
    assert len(app.comments(7)) == 1


def test_requests__at_once_are_all_served(app: Repository, ask: Plain) -> None:
    threads = [threading.Thread(target=ask, args=("POST", COMMENTS, {"body": f"{number}"})) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert sorted(int(str(comment["body"])) for comment in app.comments(7)) == list(range(20))
    assert len({comment["id"] for comment in app.comments(7)}) == 20


def control(url: str, name: str, /, **given: object) -> object:
    answer = requests.post(f"{url}/_fake/{name}", json=given, timeout=10)
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def test_control__says_what_was_wrong(fake: FakeGithub) -> None:
    for name, given in [
        ("shutdown", {}),
        ("commit", {}),
        ("commit", {"on": "octo/app", "colour": 1}),
        ("artifact", {"data": "!"}),
    ]:
        answer = requests.post(f"{fake.url}/_fake/{name}", json=given, timeout=10)
        assert answer.status_code == 400
        assert name in answer.json()["error"]
    assert fake.log == []


def test_command__serves_arranges_and_dumps(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fake_github", "--state", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert control(url, "repository", full_name="octo/app") == "octo/app"
        base = control(url, "commit", on="octo/app", branch="main", files={"a/b.txt": "hello"})
        pull = control(url, "pull", on="octo/app", number=7, head_sha=base)
        control(url, "run", on="octo/app", id=70, event="push", head_branch="main", head_sha=base)
        id = control(url, "artifact", on="octo/app", name="base", data=base64.b64encode(b"zip").decode(), run=70)
        runtime = control(url, "runtime", on="octo/app", run_id=70)
        token = str(control(url, "token", permissions={"pull-requests": "write"}))
        Plain(url=url, token=token)("POST", COMMENTS, {"body": "hello"})
        folder = tmp_path / "octo--app"
        comments = json.loads((folder / "comments.json").read_text())
        log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
        assert isinstance(pull, dict)
        assert isinstance(runtime, dict)
        assert (pull["head_sha"], pull["head_repository"], runtime["results_url"]) == (base, "octo/app", f"{url}/")
        assert [comment["body"] for comment in comments["7"]] == ["hello"]
        assert (folder / "artifacts" / f"{id}.zip").read_bytes() == b"zip"
        assert (folder / "branches" / "main" / "a" / "b.txt").read_bytes() == b"hello"
        assert json.loads((folder / "refs.json").read_text())["refs/heads/main"] == base
        assert json.loads((tmp_path / "server.json").read_text())["url"] == url
        assert [(entry["method"], entry["path"], entry["status"]) for entry in log] == [("POST", f"/{COMMENTS}", 201)]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 0
