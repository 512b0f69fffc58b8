"""Pictures on a branch of their own: readable by address for as long as they are shown, and not for ever."""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Iterator, Mapping

import pytest
import requests

from autoprof_ci.actions import charts_branch, charts_history
from autoprof_ci.actions.api import ApiFailure
from autoprof_ci.actions.charts_branch import BRANCH, Charts, Hosted, NotHosted, publish
from autoprof_ci.actions.charts_history import KEPT_BYTES, KEPT_FOLDERS, Shown, Tip, cut, grow, kept, read
from tests.fake_github import FakeGithub, Repository
from tests.test_actions.talking import HTML, asked, our_repo, with_pull

REF = f"refs/heads/{BRANCH}"


@pytest.fixture
def server() -> Iterator[FakeGithub]:
    with FakeGithub() as fake:
        with_pull(fake)
        yield fake


def png(grey: int = 0) -> bytes:
    """A picture of one grey point."""
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(bytes([0, grey]))), (b"IEND", b"")]
    packed = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def images(grey: int = 0) -> Mapping[str, bytes]:
    return {"time-light.png": png(255 - grey), "time-dark.png": png(grey)}


def put(server: FakeGithub, folder: str, grey: int = 0) -> Hosted:
    hosted = publish(our_repo(server), server.url, Charts(folder=folder, images=images(grey)))
    assert isinstance(hosted, Hosted), hosted
    return hosted


def reachable(repository: Repository) -> set[str]:
    return set(repository.git.ancestors(repository.refs[REF]))


def tip(repository: Repository) -> Tip:
    commit = repository.refs[REF]
    found = read(commit, repository.git.commits[commit].message)
    assert found is not None
    return found


def test_publish__the_pictures_can_be_seen_under_the_commits_address(server: FakeGithub) -> None:
    hosted = put(server, "pr-7-default", 10)
    assert hosted.folder_url == f"{server.url}/octo/app/raw/{hosted.commit}/pr-7-default/"
    for name, content in images(10).items():
        answer = requests.get(hosted.folder_url + name, timeout=5)
        assert (answer.status_code, answer.headers["Content-Type"], answer.content) == (200, "image/png", content)


def test_publish__touches_no_other_branch(server: FakeGithub) -> None:
    repository = server.repository()
    before = dict(repository.refs)
    put(server, "pr-7-default")
    assert {name: sha for name, sha in repository.refs.items() if name != REF} == before
    assert repository.refs["refs/heads/main"] not in reachable(repository)


def test_publish__says_on_the_branch_what_it_is(server: FakeGithub) -> None:
    put(server, "pr-7-default")
    files = server.repository().tree_of(BRANCH)
    assert sorted(files) == ["README.md", "pr-7-default/time-dark.png", "pr-7-default/time-light.png"]
    assert files["README.md"].decode().startswith("# Charts of pull-request comments\n")


def test_publish__the_first_takes_seven_requests(server: FakeGithub) -> None:
    put(server, "pr-7-default")
    base = "/repos/octo/app/git"
    assert [(request.method, request.path.removeprefix(base)) for request in server.log] == [
        ("GET", f"/ref/heads/{BRANCH}"),
        ("POST", "/blobs"),
        ("POST", "/blobs"),
        ("POST", "/trees"),
        ("POST", "/commits"),
        ("POST", "/commits"),
        ("POST", "/refs"),
    ]


def test_publish__the_older_addresses_stay_readable(server: FakeGithub) -> None:
    all_of_them = [put(server, f"pr-{number}-default", number) for number in range(4)]
    assert {hosted.commit for hosted in all_of_them} <= reachable(server.repository())
    for number, hosted in enumerate(all_of_them):
        assert requests.get(f"{hosted.folder_url}time-dark.png", timeout=5).content == png(number)


def test_publish__a_commit_of_pictures_has_no_parent_and_nothing_else_in_it(server: FakeGithub) -> None:
    put(server, "pr-1-default")
    hosted = put(server, "pr-2-default")
    repository = server.repository()
    assert repository.git.commits[hosted.commit].parents == ()
    inside = ["README.md", "pr-2-default/time-dark.png", "pr-2-default/time-light.png"]
    assert sorted(repository.tree_of(hosted.commit)) == inside


def test_publish__the_tip_lists_the_newest_of_each_folder(server: FakeGithub) -> None:
    put(server, "pr-1-default", 1)
    second = put(server, "pr-2-default", 2)
    third = put(server, "pr-1-default", 3)
    size = {grey: sum(map(len, images(grey).values())) for grey in (1, 2, 3)}
    assert tip(server.repository()) == Tip(
        commit=server.repository().refs[REF],
        shown=(
            Shown(commit=third.commit, size_bytes=size[3], folder="pr-1-default"),
            Shown(commit=second.commit, size_bytes=size[2], folder="pr-2-default"),
        ),
        gathered_commits=3,
        gathered_bytes=sum(size.values()),
    )


def full_branch(server: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> list[Hosted]:
    """A branch whose history is to be cut by the next publication: two folders count, three publications were made."""
    monkeypatch.setattr(charts_history, "KEPT_FOLDERS", 3)
    return [put(server, folder, grey) for grey, folder in enumerate(["pr-1-default", "pr-2-default", "pr-1-default"])]


def test_publish__cuts_the_history_and_keeps_what_is_shown(server: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    stale, second, first = full_branch(server, monkeypatch)
    newest = put(server, "pr-3-default", 9)
    repository = server.repository()
    assert reachable(repository) == {repository.refs[REF], newest.commit, first.commit, second.commit}
    assert stale.commit not in reachable(repository)
    assert tip(repository).gathered_commits == 0
    after = put(server, "pr-4-default", 11)
    assert {newest.commit, after.commit} < reachable(repository)


def test_publish__goes_on_growing_where_a_rule_forbids_to_cut(server: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    full_branch(server, monkeypatch)
    server.fail("PATCH", "/git/refs/", status=422, body={"message": "Repository rule violations found: Cannot force-push"})
    before = reachable(server.repository())
    newest = put(server, "pr-3-default", 9)
    assert before | {newest.commit} < reachable(server.repository())


def test_publish__is_bounded_however_often_it_is_called(server: FakeGithub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(charts_history, "KEPT_FOLDERS", 3)
    sizes = []
    for number in range(14):
        put(server, f"pr-{number}-default", number)
        sizes.append(len(reachable(server.repository())))
    # three that are shown, up to three that may be forgotten, and the tips since the cut
    assert max(sizes) <= 3 + 2 * 3 + 1
    assert sizes[-1] < max(sizes)


def test_publish__three_runs_at_once_lose_nothing(server: FakeGithub) -> None:
    put(server, "pr-0-default")
    start = threading.Barrier(3, timeout=10)
    found: dict[int, Hosted | NotHosted] = {}

    def one(number: int) -> None:
        repo = our_repo(server)
        start.wait()
        found[number] = publish(repo, server.url, Charts(folder=f"pr-{number}-default", images=images(number)))

    threads = [threading.Thread(target=one, args=(number,), daemon=True) for number in range(1, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    commits = {hosted.commit for hosted in found.values() if isinstance(hosted, Hosted)}
    assert len(commits) == 3
    assert commits <= reachable(server.repository())
    assert sorted(one.folder for one in tip(server.repository()).shown) == [f"pr-{number}-default" for number in range(4)]


def test_publish__another_run_was_faster(server: FakeGithub) -> None:
    put(server, "pr-1-default", 1)
    old = server.repository().refs[REF]
    faster = put(server, "pr-2-default", 2)
    # what a slower run had read before
    server.fail("GET", "/git/ref/", status=200, body={"ref": REF, "object": {"sha": old, "type": "commit"}})
    mine = put(server, "pr-3-default", 3)
    assert {faster.commit, mine.commit} <= reachable(server.repository())
    assert [status for _, status in asked(server, "PATCH")] == [200, 422, 200]


def test_publish__another_run_created_the_branch_first(server: FakeGithub) -> None:
    first = put(server, "pr-1-default", 1)
    server.fail("GET", "/git/ref/", status=404)
    second = put(server, "pr-2-default", 2)
    assert {first.commit, second.commit} <= reachable(server.repository())


def test_publish__the_branch_was_deleted_meanwhile(server: FakeGithub) -> None:
    put(server, "pr-1-default", 1)
    gone = server.repository().refs.pop(REF)
    server.fail("GET", "/git/ref/", status=200, body={"ref": REF, "object": {"sha": gone, "type": "commit"}})
    second = put(server, "pr-2-default", 2)
    assert second.commit in reachable(server.repository())


@pytest.mark.parametrize("path", ["/git/blobs$", "/git/trees$", "/git/commits$", "/git/refs$"])
def test_publish__though_an_answer_was_lost(server: FakeGithub, path: str) -> None:
    server.fail("POST", path, when="after", status=502, body=HTML)
    hosted = put(server, "pr-1-default")
    assert hosted.commit in reachable(server.repository())
    assert server.faults_left == 0


def test_publish__without_permission(server: FakeGithub) -> None:
    hosted = publish(our_repo(server, {"contents": "read"}), server.url, Charts(folder="pr-1", images=images()))
    assert isinstance(hosted, NotHosted)
    assert (hosted.kind, hosted.reason) == (
        ApiFailure.NOT_PERMITTED,
        "GitHub refused to store the charts: the token lacks `contents: write`",
    )
    assert "`permissions: { contents: write, actions: read, pull-requests: write }`" in hosted.next_step
    assert len(server.log) == 2
    assert REF not in server.repository().refs


@pytest.mark.parametrize(
    ("method", "path", "fault", "kind"),
    [
        ("GET", "/git/ref/", {"status": 401}, ApiFailure.UNAUTHORIZED),
        ("GET", "/git/ref/", {"status": 200, "body": HTML}, ApiFailure.NOT_JSON),
        ("GET", "/git/ref/", {"status": 200, "body": '{"object": {"sha": "../../x"}}'}, ApiFailure.NOT_JSON),
        ("GET", "/git/ref/", {"status": 502, "times": 9}, ApiFailure.UNAVAILABLE),
        ("POST", "/git/blobs", {"status": 500, "times": 9}, ApiFailure.UNAVAILABLE),
        ("POST", "/git/blobs", {"status": 409, "body": {"message": "Git Repository is empty."}}, ApiFailure.REFUSED),
        ("POST", "/git/trees", {"status": 200, "body": "{}"}, ApiFailure.NOT_JSON),
        ("POST", "/git/commits", {"status": 422}, ApiFailure.REFUSED),
        ("POST", "/git/refs", {"status": 422, "body": {"message": "Repository rule violations found"}}, ApiFailure.REFUSED),
        ("POST", "/git/refs", {"status": 403, "body": {"message": "Protected branch"}}, ApiFailure.NOT_PERMITTED),
        ("POST", "/git/", {"status": 429, "headers": {"Retry-After": "600"}}, ApiFailure.RATE_LIMITED),
    ],
)
def test_publish__no_trouble_is_an_error_of_the_run(
    server: FakeGithub, method: str, path: str, fault: dict[str, object], kind: ApiFailure
) -> None:
    server.fail(method, path, **fault)  # type: ignore[arg-type]
    hosted = publish(our_repo(server), server.url, Charts(folder="pr-1", images=images()))
    assert isinstance(hosted, NotHosted)
    assert (hosted.kind, REF in server.repository().refs) == (kind, False)


def test_publish__leaves_a_branch_alone_that_is_somebody_elses(server: FakeGithub) -> None:
    theirs = server.repository().commit("my charts", branch=BRANCH, files={"a": "b"})
    assert publish(our_repo(server), server.url, Charts(folder="pr-1", images=images())) == NotHosted(
        kind=ApiFailure.REFUSED,
        reason=f"The branch {BRANCH} was not written by autoprof-ci, so it is left alone",
        next_step="Rename that branch, or set the input `charts: text`",
    )
    assert server.repository().refs[REF] == theirs


@pytest.mark.parametrize(
    ("folder", "images", "reason"),
    [
        ("", {}, "'' is no name of a folder of charts"),
        (".git", {}, "'.git' is no name of a folder of charts"),
        ("a/b", {}, "'a/b' is no name of a folder of charts"),
        ("pr-1\n", {}, "'pr-1\\n' is no name of a folder of charts"),
        ("pr-1", {}, "There are 0 charts, not between 1 and 24"),
        ("pr-1", {f"{n}-dark.png": png() for n in range(25)}, "There are 25 charts, not between 1 and 24"),
        ("pr-1", {"evil.svg": png()}, "'evil.svg' is no name of a chart"),
        ("pr-1", {"../x-light.png": png()}, "'../x-light.png' is no name of a chart"),
        ("pr-1", {"x-light.png\n": png()}, "'x-light.png\\n' is no name of a chart"),
        ("pr-1", {"x-light.png": b"<svg/>"}, "x-light.png is no PNG of at most 1048576 bytes"),
        ("pr-1", {"x-light.png": png() + bytes(1 << 20)}, "x-light.png is no PNG of at most 1048576 bytes"),
    ],
)
def test_publish__hosts_nothing_but_charts(server: FakeGithub, folder: str, images: dict[str, bytes], reason: str) -> None:
    assert publish(our_repo(server), server.url, Charts(folder=folder, images=images)) == NotHosted(
        kind=None, reason=reason, next_step="Please report this: no such chart should have been made"
    )
    assert server.log == []


def shown(number: int, size_bytes: int = 10) -> Shown:
    return Shown(commit=f"{number:040x}", size_bytes=size_bytes, folder=f"pr-{number}")


def test_kept__as_many_folders_as_are_allowed() -> None:
    old = tuple(shown(number) for number in range(60))
    assert kept(old, shown(99)) == (shown(99), *old[: KEPT_FOLDERS - 1])


def test_kept__as_many_bytes_as_are_allowed() -> None:
    old = tuple(shown(number, KEPT_BYTES // 4) for number in range(9))
    assert kept(old, shown(99, KEPT_BYTES // 4)) == (shown(99, KEPT_BYTES // 4), *old[:3])


def test_kept__one_of_each_folder_and_the_newest_whatever_its_size() -> None:
    again = Shown(commit="f" * 40, size_bytes=3, folder="pr-1")
    assert kept((shown(1), shown(2)), again) == (again, shown(2))
    assert kept((shown(1),), shown(99, KEPT_BYTES * 2)) == (shown(99, KEPT_BYTES * 2),)


def test_read__what_was_written() -> None:
    first = grow(None, shown(1))
    tip_1 = read("a" * 40, first.message)
    assert tip_1 == Tip(commit="a" * 40, shown=(shown(1),), gathered_commits=1, gathered_bytes=10)
    second = grow(tip_1, shown(2, 7))
    tip_2 = read("b" * 40, second.message)
    assert tip_2 == Tip(commit="b" * 40, shown=(shown(2, 7), shown(1)), gathered_commits=2, gathered_bytes=17)
    third = cut(tip_2, shown(3))
    assert read("c" * 40, third.message) == Tip(commit="c" * 40, shown=(shown(3), shown(2, 7), shown(1)))
    assert [step.parents for step in (first, second, third)] == [
        (shown(1).commit,),
        ("a" * 40, shown(2).commit),
        (shown(3).commit, shown(2).commit, shown(1).commit),
    ]


def test_read__a_message_that_somebody_wrote() -> None:
    assert read("a" * 40, "") is None
    assert read("a" * 40, "Charts") is None
    odd = f"{charts_history.TITLE}\n{'x' * 40} 1 pr\n{'a' * 40} -1 pr\n{'a' * 40} 1 ../x\n{'b' * 40} 99999999999 pr"
    assert read("a" * 40, odd) == Tip(commit="a" * 40)


def test_tip__is_full_after_as_much_as_is_kept() -> None:
    assert [Tip(commit="a", gathered_commits=n).is_full for n in (KEPT_FOLDERS - 1, KEPT_FOLDERS)] == [False, True]
    assert Tip(commit="a", gathered_bytes=KEPT_BYTES).is_full


@pytest.mark.parametrize(("asked_s", "pause_s"), [(1.0, 0.34), (0.1, 0.1), (0.0, 0.0)])
def test_brisk__shortens_the_pauses_and_shares_the_purse(server: FakeGithub, asked_s: float, pause_s: float) -> None:
    before = our_repo(server, between_writes_s=asked_s).requester
    after = charts_branch._brisk(before)
    assert after.kwargs == {**before.kwargs, "seconds_between_writes": pause_s}
    assert after.kwargs["retry"] is before.kwargs["retry"]
