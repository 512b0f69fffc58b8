"""What the artifact service says, and what that means to a reader."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autoprof_ci.actions.artifact_service import ArtifactService
from autoprof_ci.actions.context import Runtime
from autoprof_ci.actions.transport import ArtifactError
from tests.test_actions.job_artifacts import RUN_URL, TWIRP, FakeToken, World, refusal, worlds


@pytest.fixture
def world() -> Iterator[World]:
    yield from worlds("github")


@pytest.mark.parametrize("status", [401, 403])
def test_upload__with_a_token_that_has_expired__says_so(world: World, status: int) -> None:
    world.github.fail("POST", TWIRP, status=status, body={"code": "unauthenticated", "msg": "token has expired"})
    assert refusal(world.service()) == (
        f"The artifact service refused to take the artifact autoprof-baseline: the job's own token is not accepted ({status})."
        " It is valid while its job runs; run the job again."
    )
    assert world.requests("CreateArtifact") == 1


def test_upload__over_the_quota__says_where_to_look(world: World) -> None:
    body = {"code": "resource_exhausted", "msg": "insufficient usage to create artifact"}
    world.github.fail("POST", TWIRP, status=403, body=body)
    assert refusal(world.service()) == (
        "The storage for artifacts of this account is used up. Delete artifacts or raise the limit in the billing settings;"
        " GitHub counts again every 6 to 12 hours."
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 500, "times": 9}, "could not take the artifact autoprof-baseline: it answered 500 again and again."),
        (
            {"status": 429, "times": 9, "headers": {"Retry-After": "7200"}},
            "could not take the artifact autoprof-baseline: it answered 429 again and again.",
        ),
        ({"drop": True, "times": 9}, "could not be asked to take the artifact autoprof-baseline: the connection broke off."),
        (
            {"status": 400, "body": {"code": "malformed", "msg": "bad \x1b[31m::error::name\n" + "x" * 900}},
            f"refused to take the artifact autoprof-baseline (400: bad [31m::error::name {'x' * 177}…).",
        ),
        (
            {"status": 200, "body": "<html>Sign in</html>"},
            "was asked to take the artifact autoprof-baseline, and what came back is not its answer.",
        ),
        ({"status": 200, "body": {}}, "did not take the artifact autoprof-baseline."),
        (
            {"status": 200, "body": {"ok": True}},
            "was asked to take the artifact autoprof-baseline, and its answer has no usable `signed_upload_url`.",
        ),
        (
            {"status": 302, "headers": {"Location": "https://example.com/"}},
            "refused to take the artifact autoprof-baseline (302).",
        ),
    ],
)
def test_upload__to_a_service_that_fails__says_how(world: World, fault: dict[str, object], said: str) -> None:
    world.github.fail("POST", f"{TWIRP}CreateArtifact", **fault)  # type: ignore[arg-type]
    assert refusal(world.service()).startswith(f"The artifact service {said}")
    assert world.stored == {}


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a",
        "a.b.c",
        "a.!!!!.c",
        "a.e30.c",
        "a.W10.c",
        "a.bnVsbA.c",
        FakeToken(["x"]).text,
        FakeToken("Actions.Results:1").text,
    ],
)
def test_service__with_a_token_that_names_no_run__says_so(token: str) -> None:
    with pytest.raises(ArtifactError, match="does not say which run it is for"):
        ArtifactService(Runtime(results_url="http://127.0.0.1:9/", token=token), run_url=RUN_URL, mask=print)


@pytest.mark.parametrize(
    "artifacts", ["x", [1], [{}], [{"name": "a"}], [{"name": 1, "database_id": "1"}], [{"name": "a", "database_id": "1e9"}]]
)
def test_list__that_is_none__says_so(world: World, artifacts: object) -> None:
    world.github.fail("POST", f"{TWIRP}ListArtifacts", status=200, body={"artifacts": artifacts})
    with pytest.raises(ArtifactError, match="no usable `artifacts`"):
        world.service().list()
