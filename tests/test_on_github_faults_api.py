"""A GitHub that says no, or nothing, at every point of the step: one sentence, the right exit code, the rest of the story told.

The two programs are the same, so that nothing has to be measured and each case takes two seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import step
from tests.fake_github import FakeGithub
from tests.step import FULL, Project, Said, artifact_of

pytestmark = pytest.mark.needs("cc")

Arrange = Callable[[FakeGithub], None]
COMMENT, ARTIFACTS, CREATE = r"/issues/7/comments$", r"/actions/artifacts$", r"/CreateArtifact$"
HTML = "<html><body><h1>Sign in to the proxy</h1></body></html>"
AN_HOUR = {"Retry-After": "3600"}
LIMITED = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."}
SSO = {"message": "Resource protected by organization SAML enforcement. You must grant your token access."}
TOO_LONG = {
    "message": "Validation Failed",
    "errors": [{"resource": "IssueComment", "code": "custom", "field": "body", "message": "body is too long"}],
}
NEEDED = "permissions: { contents: read, actions: read, pull-requests: write }"
RENEW = "Leave the input `github_token` out to use the job's own token, or renew the one it names."
AGAIN = "Run the job again; https://www.githubstatus.com tells whether GitHub has trouble."
PROXY = "Check GITHUB_API_URL and the proxy of the runner: a login page or an error page may answer in GitHub's place."
LATER = "too many requests with this token; it asks to wait 60 minutes, which is longer than we do. Run the job again later"
REPORT_IT = "The report is in the job summary; if the reason is not yours to change, please report it with this line."


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        base = repository.commit("first", branch="main")
        yield Project(github=github, folder=tmp_path, repository=repository, base=base, front_door=step.IMPATIENT)


def answers(method: str, path: str, status: int, body: object = None, headers: dict[str, str] | None = None) -> Arrange:
    return lambda github: github.fail(method, path, status=status, body=body, headers=headers, times=99)  # type: ignore[arg-type]


def is_silent(method: str, path: str) -> Arrange:
    return lambda github: github.fail(method, path, hang_s=60, times=99)


def gate(project: Project, arrange: Arrange, token: str | None = None) -> Said:
    """A pull request whose program is that of its baseline, under a GitHub that was broken after its start."""
    project.pull()
    project.recorded(100)
    arrange(project.github)
    return project.step("pull_request", 100, pull=7, token=token)


def states(project: Project) -> list[object]:
    return [status["state"] for status in project.repository.statuses(project.repository.pulls[7].head_sha)]


def comments(project: Project) -> int:
    return len(project.repository.comments(7))


def stored(project: Project) -> dict[str, bytes]:
    return artifact_of(project.repository, "autoprof-report")


REFUSED_COMMENTS: dict[str, tuple[Arrange, str]] = {
    "401": (
        answers("POST", COMMENT, 401),
        f"GitHub refused to write the comment: the token is not valid (401: Bad credentials). {RENEW}",
    ),
    "403-organisation": (
        answers("POST", COMMENT, 403, SSO),
        "GitHub refused to write the comment (403: Resource protected by organization SAML enforcement. You must grant"
        " your token "
        f"access). The job needs `{NEEDED}`, and a repository or an organisation that lets its token do this.",
    ),
    "403-rate-limit": (
        answers("POST", COMMENT, 403, LIMITED, AN_HOUR),
        f"GitHub did not write the comment: {LATER}; the report is in the job summary meanwhile.",
    ),
    "403-locked": (
        lambda github: github.repository("octo/app").lock(7),
        "GitHub refused to write the comment: the conversation is locked. Unlock it and run the job again; the report is"
        " in the job"
        " summary meanwhile.",
    ),
    "404": (
        answers("POST", COMMENT, 404),
        "GitHub could not write the comment: it is not there, or the token may not see it (404). Check that it still"
        " exists, and"
        f" that the job has `{NEEDED}`.",
    ),
    "410": (
        answers("POST", COMMENT, 410, {"message": "Issues are disabled for this repo"}),
        "GitHub could not write the comment: it is gone (410: Issues are disabled for this repo). Nothing brings it back; the"
        " report is in the job summary.",
    ),
    "415": (
        answers("POST", COMMENT, 415, {"message": "Unsupported Media Type"}),
        f"GitHub refused to write the comment (415: Unsupported Media Type). {REPORT_IT}",
    ),
    "422": (
        answers("POST", COMMENT, 422, TOO_LONG),
        f"GitHub refused to write the comment (422: Validation Failed; body is too long). {REPORT_IT}",
    ),
    "429-an-hour": (
        answers("POST", COMMENT, 429, LIMITED, AN_HOUR),
        f"GitHub did not write the comment: {LATER}; the report is in the job summary meanwhile.",
    ),
    "500": (
        answers("POST", COMMENT, 500),
        f"GitHub could not be asked to write the comment: it answered 500: Server Error. {AGAIN}",
    ),
    "silence": (is_silent("POST", COMMENT), f"GitHub could not be asked to write the comment: no answer in time. {AGAIN}"),
    "html": (
        answers("POST", COMMENT, 200, HTML),
        f"What came back when GitHub was asked to write the comment is not an answer of its API. {PROXY}",
    ),
    "list-500": (
        answers("GET", COMMENT, 500),
        f"GitHub could not be asked to list the comments of the pull request: it answered 500 again and again. {AGAIN}",
    ),
}


@pytest.mark.parametrize(("arrange", "sentence"), REFUSED_COMMENTS.values(), ids=REFUSED_COMMENTS)
def test_refused_comment__costs_nothing_else(project: Project, arrange: Arrange, sentence: str) -> None:
    said = gate(project, arrange)
    assert (said.code, said.annotations) == (0, [f"warning::{sentence}"])
    assert (comments(project), states(project), said.outputs["outcome"]) == (0, ["success"], "pass")
    assert "### 🟢 Nothing to measure" in said.summary
    assert {"candidate.bundle.zip", "baseline.bundle.zip", "verdict.json", "comment.md"} <= set(stored(project))


def test_refused_comment__names_the_permission_that_lacks(project: Project) -> None:
    token = project.github.token(permissions={"contents": "read", "actions": "read", "statuses": "write"})
    said = gate(project, lambda _: None, token)
    assert (said.code, comments(project), states(project)) == (0, 0, ["success"])
    assert said.annotations == [
        "warning::GitHub refused to write the comment: the token lacks `pull-requests: write`. Give the job"
        f" `{NEEDED}`; the pull request of a fork gets a token that only reads, whatever the workflow says: for it a"
        " second workflow on `workflow_run` with `mode: comment` writes."
    ]


@pytest.mark.parametrize(
    "arrange",
    [
        lambda github: github.fail("POST", COMMENT, status=502, when="after"),
        lambda github: github.fail("POST", COMMENT, status=502),
        lambda github: github.limit("POST", COMMENT, status=429, retry_after_s=1),
        answers("GET", "/user$", 500),
        answers("GET", "/pulls/7$", 500),
        answers("GET", "/pulls/7$", 200, HTML),
    ],
    ids=["502-after-it-was-created", "502-before", "429-a-second", "nobody-says-who-we-are", "head-500", "head-html"],
)
def test_comment__is_written_once_all_the_same(project: Project, arrange: Arrange) -> None:
    said = gate(project, arrange)
    assert (said.code, said.annotations, comments(project), states(project)) == (0, [], 1, ["success"])


REFUSED_STATUSES: dict[str, tuple[Arrange, str]] = {
    "401": (
        answers("POST", "/statuses/", 401),
        f"GitHub refused to set the status of the commit: the token is not valid (401: Bad credentials). {RENEW}",
    ),
    "500": (
        answers("POST", "/statuses/", 500),
        f"GitHub could not be asked to set the status of the commit: it answered 500: Server Error. {AGAIN}",
    ),
    "html": (
        answers("POST", "/statuses/", 201, HTML),
        f"What came back when GitHub was asked to set the status of the commit is not an answer of its API. {PROXY}",
    ),
}


@pytest.mark.parametrize(("arrange", "sentence"), REFUSED_STATUSES.values(), ids=REFUSED_STATUSES)
def test_refused_status__costs_nothing_else(project: Project, arrange: Arrange, sentence: str) -> None:
    said = gate(project, arrange)
    assert (said.code, said.annotations, comments(project), states(project)) == (0, [f"warning::{sentence}"], 1, [])


def test_status__that_is_not_permitted_is_not_missed(project: Project) -> None:
    said = gate(project, lambda _: None, project.github.token(permissions={**FULL, "statuses": "none"}))
    assert (said.code, said.annotations, comments(project), states(project)) == (0, [], 1, [])


REFUSED_UPLOADS: dict[str, tuple[Arrange, str]] = {
    "403": (
        answers("POST", CREATE, 403),
        "The artifact service refused to take the artifact {name}: the job's own token is not accepted (403). It is"
        " valid while its"
        " job runs; run the job again.",
    ),
    "quota": (
        answers("POST", CREATE, 403, {"code": "resource_exhausted", "msg": "insufficient usage to create artifact"}),
        "The storage for artifacts of this account is used up. Delete artifacts or raise the limit in the billing"
        " settings; GitHub"
        " counts again every 6 to 12 hours.",
    ),
    "500": (
        answers("POST", CREATE, 500),
        "The artifact service could not take the artifact {name}: it answered 500 again and again. Run the job again.",
    ),
    "silence": (
        is_silent("POST", CREATE),
        "The artifact service could not be asked to take the artifact {name}: no answer in time. Run the job again.",
    ),
    "html": (
        answers("POST", CREATE, 200, HTML),
        "The artifact service was asked to take the artifact {name}, and what came back is not its answer. A proxy may have"
        " answered in its place; run the job again.",
    ),
    "store-500": (answers("PUT", "^/1001/", 500), "The store for artifacts refused block 1 (500). Run the job again."),
    "finish-500": (
        answers("POST", "/FinalizeArtifact$", 500),
        "The artifact service could not finish the artifact {name}: it answered 500 again and again. Run the job again.",
    ),
}


@pytest.mark.parametrize(("arrange", "sentence"), REFUSED_UPLOADS.values(), ids=REFUSED_UPLOADS)
def test_refused_report__is_a_warning(project: Project, arrange: Arrange, sentence: str) -> None:
    said = gate(project, arrange)
    assert (said.code, said.annotations) == (0, [f"warning::{sentence.format(name='autoprof-report-1')}"])
    assert (comments(project), states(project), stored(project)) == (1, ["success"], {})
    assert (said.outputs["outcome"], said.outputs["verdict_path"]) == ("pass", "autoprof-report/verdict.json")
    assert "report_artifact_id" not in said.outputs
    assert (said.workspace / "autoprof-report" / "candidate.bundle.zip").exists()


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("fault", ["500", "quota"])
def test_refused_baseline__fails_the_run_it_was_for(project: Project, fault: str) -> None:
    arrange, sentence = REFUSED_UPLOADS[fault]
    arrange(project.github)
    said = project.step("push", 1)
    unstored, unkept = (sentence.format(name=name) for name in ("autoprof-baseline", "autoprof-report-1"))
    assert (said.code, said.annotations) == (3, [f"warning::{unkept}", f"error::{unstored}"])
    assert (said.workspace / "autoprof-report" / "candidate.bundle.zip").exists()
    assert "No baseline recorded: `worker` was measured, and the result could not be stored." in said.summary
    assert ("verdict_path" in said.outputs, "baseline_artifact_id" in said.outputs) == (True, False)


UNKNOWN_BASELINES: dict[str, tuple[Arrange, str]] = {
    "403-organisation": (
        answers("GET", ARTIFACTS, 403, SSO),
        "GitHub refused to list the artifacts called autoprof-baseline (403: Resource protected by organization SAML"
        " enforcement. You"
        f" must grant your token access). The job needs `{NEEDED}`, and a repository or an organisation that lets its"
        " token do this.",
    ),
    "403-rate-limit": (
        answers("GET", ARTIFACTS, 403, LIMITED, AN_HOUR),
        f"GitHub did not list the artifacts called autoprof-baseline: {LATER}.",
    ),
    "404": (
        answers("GET", ARTIFACTS, 404),
        "GitHub could not list the artifacts called autoprof-baseline: it is not there, or the token may not see it"
        " (404). Check that"
        f" it still exists, and that the job has `{NEEDED}`.",
    ),
    "415": (
        answers("GET", ARTIFACTS, 415, {"message": "Unsupported"}),
        "GitHub refused to list the artifacts called autoprof-baseline (415: Unsupported). Run the job again; if it goes"
        " on, please"
        " report it with this line.",
    ),
    "429-an-hour": (
        answers("GET", ARTIFACTS, 429, LIMITED, AN_HOUR),
        f"GitHub did not list the artifacts called autoprof-baseline: {LATER}.",
    ),
    "500": (
        answers("GET", ARTIFACTS, 500),
        f"GitHub could not be asked to list the artifacts called autoprof-baseline: it answered 500 again and again. {AGAIN}",
    ),
    "silence": (
        is_silent("GET", ARTIFACTS),
        f"GitHub could not be asked to list the artifacts called autoprof-baseline: no answer in time. {AGAIN}",
    ),
    "html": (
        answers("GET", ARTIFACTS, 200, HTML),
        "What came back when GitHub was asked to list the artifacts called autoprof-baseline is not an answer of its"
        f" API. {PROXY}",
    ),
    "zip-500": (
        answers("GET", "/zip$", 500),
        f"GitHub could not be asked to hand out the artifact autoprof-baseline: it answered 500: Server Error. {AGAIN}",
    ),
    "history-500": (
        answers("GET", r"/commits$", 500),
        "GitHub could not be asked to list the commits of {base}: it answered 500 again and again. " + AGAIN,
    ),
}


def not_measured(project: Project, said: Said, sentence: str) -> None:
    """The step failed before it measured, and everybody knows why."""
    what = sentence.partition(". ")[0]
    assert (said.code, [line for line in said.annotations if line.startswith("error")]) == (3, [f"error::{sentence}"])
    assert "warm-up" not in said.log
    assert said.outputs == {}
    assert json.loads(stored(project)["failed.json"])["what"].startswith(what)
    assert "### ⚪ Not measured: " in said.summary


@pytest.mark.parametrize(("arrange", "sentence"), UNKNOWN_BASELINES.values(), ids=UNKNOWN_BASELINES)
def test_unknown_baseline__is_no_green_gate(project: Project, arrange: Arrange, sentence: str) -> None:
    said = gate(project, arrange)
    not_measured(project, said, f"The baseline is not known: {sentence.replace('{base}', project.base)}")
    assert "### ⚪ Not measured: the baseline is not known: " in project.body()
    assert f"/actions/runs/{project.runs})" in project.body()
    assert states(project) == ["error"]


@pytest.mark.parametrize(
    ("permission", "asked"),
    [("actions", "list the artifacts called autoprof-baseline"), ("contents", "compare {head} with main")],
)
def test_unknown_baseline__names_the_permission_that_lacks(tmp_path: Path, permission: str, asked: str) -> None:
    with FakeGithub() as github:
        repository = github.repository("octo/app", private=True)
        base = repository.commit("first", branch="main")
        project = Project(github=github, folder=tmp_path, repository=repository, base=base, front_door=step.IMPATIENT)
        said = gate(project, lambda _: None, github.token(permissions={**FULL, permission: "none"}))
        doing = asked.format(head=repository.pulls[7].head_sha[:12])
        lacks = f"the token lacks `{permission}: read`. Give the job `{NEEDED}`."
        not_measured(project, said, f"The baseline is not known: GitHub refused to {doing}: {lacks}")
        assert (comments(project), states(project)) == (1, ["error"])


def test_wrong_token__is_said_once(project: Project) -> None:
    said = gate(project, lambda _: None, "ghs_nobody_knows_this_one")
    asked = f"compare {project.repository.pulls[7].head_sha[:12]} with main"
    sentence = f"GitHub refused to {asked}: the token is not valid (401: Bad credentials). {RENEW}"
    not_measured(project, said, f"The baseline is not known: {sentence}")
    assert (len(said.annotations), comments(project), states(project)) == (1, 0, [])


def test_silent_github__is_given_up_and_leaves_the_reason_here(project: Project) -> None:
    said = gate(project, is_silent("*", ""))
    assert (said.code, said.outputs, comments(project)) == (3, {}, 0)
    assert said.annotations[0].startswith("error::The baseline is not known: GitHub could not be asked to compare ")
    assert {line.partition("::")[0] for line in said.annotations[1:]} == {"warning"}
    assert "### ⚪ Not measured: the baseline is not known: " in said.summary
    assert [path.name for path in (said.workspace / "autoprof-report").iterdir()] == ["failed.json"]


def test_masks__do_not_flood(project: Project) -> None:
    """Both tokens, and each signed address in the two spellings that it may be printed in."""
    said = gate(project, lambda _: None)
    secrets = [line for line in said.log.splitlines() if line.startswith("::add-mask::")]
    assert (len(secrets), len(set(secrets))) == (6, 6)
    everything_else = [line for line in said.log.splitlines() if line not in secrets]
    assert not any(secret.removeprefix("::add-mask::") in line for secret in secrets for line in everything_else)


REFUSED_CHARTS: dict[str, tuple[Arrange, str]] = {
    "500": (answers("POST", "/git/blobs$", 500), "it answered 500"),
    "html": (answers("POST", "/git/trees$", 201, HTML), "is not an answer of its API"),
    "silence": (is_silent("GET", "/git/"), "no answer in time"),
}


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize(("arrange", "why"), REFUSED_CHARTS.values(), ids=REFUSED_CHARTS)
def test_refused_charts__leave_bars_of_text(project: Project, arrange: Arrange, why: str) -> None:
    project.pull()
    project.recorded(100)
    arrange(project.github)
    said = project.step("pull_request", 150, pull=7, token=project.github.token(permissions={**FULL, "contents": "write"}))
    [warning] = [line for line in said.annotations if line.startswith("warning::")]
    assert (said.code, said.outputs["outcome"], why in warning) == (1, "fail", True)
    assert ("<img" in project.body(), "████" in project.body()) == (False, True)
