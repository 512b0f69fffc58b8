"""Artifacts of the own run, against our fake GitHub in both of its dialects, and against everything that can fail on the way."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoprof_ci.actions.artifact_service import ArtifactService, Uploaded
from autoprof_ci.actions.context import Runtime
from autoprof_ci.actions.patience import Patience
from autoprof_ci.actions.transport import ArtifactError
from autoprof_ci.errors import DataError, UsageError
from tests.test_actions.job_artifacts import LARGE, NAME, QUICK, RUN_URL, TWIRP, FakeToken, World, refusal, sha256, worlds


@pytest.fixture
def world() -> Iterator[World]:
    yield from worlds("github")


@pytest.fixture
def world_of_act() -> Iterator[World]:
    yield from worlds("act")


def test_upload__several_blocks__arrives_whole(world: World) -> None:
    uploaded = world.service().upload(NAME, LARGE)
    assert uploaded == Uploaded(
        id=next(iter(world.repository.artifacts)),
        name=NAME,
        size_bytes=len(LARGE),
        sha256=sha256(LARGE),
        url=f"{RUN_URL}/artifacts/{uploaded.id}",
        replaced=False,
    )
    assert world.stored == {NAME: sha256(LARGE)}
    assert world.requests("comp=block&") == 3


def test_upload__a_file__is_the_same_as_its_bytes(world: World, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(LARGE)
    assert world.service().upload(NAME, path).sha256 == sha256(LARGE)
    assert world.stored == {NAME: sha256(LARGE)}


def test_upload__in_the_dialect_of_act__arrives_whole(world_of_act: World) -> None:
    service = world_of_act.service()
    uploaded = service.upload(NAME, LARGE)
    assert world_of_act.stored == {NAME: sha256(LARGE)}
    assert [(each.name, each.id, each.size_bytes) for each in service.list()] == [(NAME, uploaded.id, len(LARGE))]
    assert sha256(service.download(NAME, 1 << 30)) == sha256(LARGE)
    service.delete(NAME)
    assert world_of_act.stored == {}


def test_upload__under_act_once_more__replaces(world_of_act: World) -> None:
    world_of_act.service().upload(NAME, b"first, and longer")
    world_of_act.service().upload(NAME, b"second")
    assert world_of_act.stored == {NAME: sha256(b"second")}


def test_upload__of_a_later_attempt__replaces_the_earlier_one_and_says_so(world: World) -> None:
    first = world.service().upload(NAME, b"first")
    second = world.service("job-2").upload(NAME, b"second")
    assert (first.replaced, second.replaced) == (False, True)
    assert world.stored == {NAME: sha256(b"second")}
    assert second.id != first.id


def test_upload__whose_answer_to_create_is_lost__succeeds(world: World) -> None:
    world.github.fail("POST", f"{TWIRP}CreateArtifact", drop=True, when="after")
    assert not world.service().upload(NAME, b"zip").replaced
    assert world.stored == {NAME: sha256(b"zip")}


@pytest.mark.parametrize("fault", [{"drop": True}, {"status": 502}, {"status": 500, "body": "<html>"}])
def test_upload__whose_answer_to_finalize_is_lost__knows_its_number(world: World, fault: dict[str, object]) -> None:
    world.github.fail("POST", f"{TWIRP}FinalizeArtifact", when="after", **fault)  # type: ignore[arg-type]
    assert world.service().upload(NAME, b"zip").id == next(iter(world.repository.artifacts))
    assert world.stored == {NAME: sha256(b"zip")}


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 500},
        {"status": 503, "headers": {"Retry-After": "1"}},
        {"status": 503, "headers": {"Retry-After": "soon"}},
        {"drop": True},
        {"drop": True, "when": "after"},
    ],
)
def test_upload__with_a_block_that_fails__sends_only_that_block_again(world: World, fault: dict[str, object]) -> None:
    world.github.fail("PUT", r"blockid=.*\bMDA|comp=block&", **fault)  # type: ignore[arg-type]
    world.service().upload(NAME, LARGE)
    assert world.stored == {NAME: sha256(LARGE)}
    assert world.requests("comp=block&") == 4
    assert world.requests("CreateArtifact") == 1


def test_upload__never_sends_the_token_to_the_store_and_masks_its_signature(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    service = world.service()
    service.upload(NAME, b"zip")
    service.download(NAME, 100)
    sent_to_store = [each for each in world.github.log if each.listener == "blob"]
    assert len(sent_to_store) == 3
    assert not [each for each in sent_to_store if "Authorization" in each.headers]
    assert {each.query["sig"] for each in sent_to_store} <= set(world.secrets)
    sent_to_service = [each for each in world.github.log if each.listener == "api"]
    assert {each.headers["Authorization"][:7] for each in sent_to_service} == {"Bearer "}


def test_upload__to_a_service_that_hangs__ends_in_bounded_time(world: World) -> None:
    world.github.fail("POST", f"{TWIRP}CreateArtifact", hang_s=30.0, times=9)
    began_s = time.monotonic()
    said = refusal(world.service())
    assert time.monotonic() - began_s < 8
    assert "no answer in time" in said


def test_upload__with_certificates_that_only_the_runner_has__says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nowhere/ca.pem")
    runtime = Runtime(results_url="https://127.0.0.1:9/", token=FakeToken("Actions.Results:run:job").text)
    service = ArtifactService(runtime, run_url=RUN_URL, mask=print, patience=QUICK)
    assert "the file of certificates that REQUESTS_CA_BUNDLE names is not in this container" in refusal(service)


def test_upload__to_nowhere__says_so() -> None:
    token = FakeToken("Actions.Results:run:job").text
    service = ArtifactService(
        Runtime(results_url="http://127.0.0.1:9/", token=token), run_url=RUN_URL, mask=print, patience=QUICK
    )
    assert refusal(service).startswith(
        "The artifact service could not be asked to take the artifact autoprof-baseline: the connection was refused."
    )


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"status": 403, "body": "<Error><Code>AuthenticationFailed</Code><Message>sig=abc</Message></Error>"},
         "The store for artifacts refused block 1 (403 AuthenticationFailed). Run the job again."),
        ({"status": 500, "times": 9}, "The store for artifacts refused block 1 (500). Run the job again."),
        ({"drop": True, "times": 9},
         "The store for artifacts could not be sent block 1: the connection broke off. Run the job again."),
    ],
)  # fmt: skip
def test_upload__to_a_store_that_fails__says_how(world: World, fault: dict[str, object], said: str) -> None:
    world.github.fail("PUT", "comp=block&", **fault)  # type: ignore[arg-type]
    assert refusal(world.service()) == said
    assert world.stored == {}


def test_upload__after_one_that_was_stopped_half_way__succeeds(world: World) -> None:
    world.github.fail("PUT", "comp=block&", status=403)
    refusal(world.service())
    world.service("job-2").upload(NAME, b"whole")
    assert world.stored == {NAME: sha256(b"whole")}


def test_upload__of_two_jobs_at_once__one_wins_and_the_other_says_why(world: World) -> None:
    # The first job's block takes so long that the second one looks for it, finds nobody and takes the name over.
    world.github.fail("PUT", "comp=block&", hang_s=0.6)
    outcomes: dict[str, str] = {}

    def upload(job_id: str, data: bytes) -> None:
        try:
            outcomes[job_id] = world.service(job_id).upload(NAME, data).name
        except ArtifactError as error:
            outcomes[job_id] = str(error)

    first = threading.Thread(target=upload, args=("job-1", b"first"))
    first.start()
    while world.github.faults_left:
        time.sleep(0.01)
    upload("job-2", b"second")
    first.join()
    assert outcomes == {
        "job-1": "Another job of this run stored an artifact called autoprof-baseline at the same time."
        " Give each job that runs this Action its own `key`.",
        "job-2": NAME,
    }
    assert world.stored == {NAME: sha256(b"second")}


def test_upload__that_another_job_finishes_while_we_wait__is_not_overwritten(world: World) -> None:
    world.github.fail("PUT", "comp=block&", hang_s=0.3)
    patient = Patience(timeout_s=2, retries=2, backoff_s=0.4, in_all_s=5.0)
    first = threading.Thread(target=lambda: world.service("job-1").upload(NAME, b"first"))
    first.start()
    while world.github.faults_left:
        time.sleep(0.01)
    with pytest.raises(ArtifactError, match="Another job of this run stored an artifact"):
        world.service("job-2", patient).upload(NAME, b"second")
    first.join()
    assert world.stored == {NAME: sha256(b"first")}


def test_upload__stopped_by_the_user__passes_on(world: World) -> None:
    world.github.fail("PUT", "comp=blocklist", hang_s=5.0)

    def interrupt() -> None:
        while world.github.faults_left:
            time.sleep(0.01)
        os.kill(os.getpid(), 2)

    stop = threading.Thread(target=interrupt)
    stop.start()
    with pytest.raises(KeyboardInterrupt):
        world.service(patience=Patience(timeout_s=10)).upload(NAME, b"zip")
    stop.join()
    assert world.stored == {}


@pytest.mark.parametrize(
    "name", ['a"b', "a:b", "a<b", "a>b", "a|b", "a*b", "a?b", "a\r", "a\n", "a\\b", "a/b", "", "..", "x" * 256]
)
def test_upload__with_a_name_that_no_artifact_can_have__asks_nobody(world: World, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name of an artifact"):
        world.service().upload(name, b"zip")
    assert world.github.log == []


def test_list__shows_what_begins_with_the_prefix(world: World) -> None:
    service = world.service()
    for name in ("autoprof-part-1", "autoprof-part-2", "something-else"):
        service.upload(name, name.encode())
    assert {each.name: (each.size_bytes, each.digest) for each in service.list("autoprof-part-")} == {
        name: (len(name), f"sha256:{sha256(name.encode())}") for name in ("autoprof-part-1", "autoprof-part-2")
    }


def test_download__of_what_is_not_there__says_so(world: World) -> None:
    with pytest.raises(ArtifactError, match="This run has no artifact called autoprof-baseline"):
        world.service().download(NAME, 100)


def test_download__of_a_truncated_answer__asks_again(world: World) -> None:
    service = world.service()
    service.upload(NAME, LARGE)
    world.github.fail("GET", r"\.zip$", truncate_bytes=1000)
    assert sha256(service.download(NAME, 1 << 30)) == sha256(LARGE)


def test_download__of_other_bytes_than_the_digest_says__is_refused(world: World) -> None:
    service = world.service()
    uploaded = service.upload(NAME, b"what was uploaded")
    world.repository.artifacts[uploaded.id or 0].digest = f"sha256:{'0' * 64}"
    with pytest.raises(DataError, match="is damaged: its bytes are not those that were uploaded, 3 times"):
        service.download(NAME, 100)


def test_download__of_too_much__is_refused_before_it_comes(world: World) -> None:
    service = world.service()
    service.upload(NAME, LARGE)
    with pytest.raises(DataError, match="The artifact autoprof-baseline is larger than 1 MiB"):
        service.download(NAME, 1 << 20)
    assert world.requests("GetSignedArtifactURL") == 0


def test_delete__of_what_is_not_there__is_no_error(world: World) -> None:
    world.service().delete(NAME)
    assert world.requests("DeleteArtifact") == 1
