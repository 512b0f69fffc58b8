"""The artifacts of the fake: listed and downloaded by REST, made by the artifact service, kept in blobs; in act's manner too."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import jwt
import pytest
import requests

from tests.fake_github import FakeGithub, Repository, Runtime
from tests.fake_github.plain import Plain, message_of, twirp

DATA = b"PK\x03\x04 the bytes of a zip"
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"


@pytest.fixture
def fake() -> Iterator[FakeGithub]:
    with FakeGithub() as running:
        yield running


def with_run(fake: FakeGithub, id: int = 70) -> Repository:
    repository = fake.repository("octo/app")
    head = repository.commit(branch="main")
    repository.run(id, event="push", head_branch="main", head_sha=head)
    return repository


def ids(runtime: Runtime) -> dict[str, str]:
    """What a client reads out of the runtime's token, without its key."""
    scopes = jwt.decode(runtime.token, options={"verify_signature": False})["scp"].split()
    _, run, job = next(scope for scope in scopes if scope.startswith("Actions.Results:")).split(":")
    return {"workflow_run_backend_id": run, "workflow_job_run_backend_id": job}


def put(url: str, data: bytes, **more: str) -> requests.Response:
    return requests.put(url, data=data, headers=more, timeout=10)


def upload(runtime: Runtime, name: str, data: bytes = DATA) -> requests.Response:
    """The whole way as the toolkit goes it; the answer to FinalizeArtifact."""
    url = twirp(runtime, "CreateArtifact", ids(runtime) | {"name": name, "version": 4}).json()["signed_upload_url"]
    halves = [data[: len(data) // 2], data[len(data) // 2 :]]
    blocks = [base64.b64encode(f"{number:06}".encode()).decode() for number in range(2)]
    for block, half in zip(blocks, halves, strict=True):
        assert put(f"{url}&comp=block&blockid={quote(block)}", half).status_code == 201
    listed = "".join(f"<Latest>{block}</Latest>" for block in blocks)
    answer = put(f"{url}&comp=blocklist", f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'.encode())
    assert answer.status_code == 201
    finish = {"name": name, "size": str(len(data)), "hash": f"sha256:{hashlib.sha256(data).hexdigest()}"}
    return twirp(runtime, "FinalizeArtifact", ids(runtime) | finish)


def test_rest_list__has_a_total_the_exact_name_and_forks_runs(fake: FakeGithub) -> None:
    app = with_run(fake)
    app.run(71, event="pull_request", head_branch="main", head_sha=app.refs["refs/heads/main"], head_repository_id=2002)
    made = {app.artifact("base", DATA, run) for run in (70, 71)}
    app.artifact("base-other", DATA, 70)
    ask = Plain(url=fake.url, token=fake.token())
    listed = ask("GET", "repos/octo/app/actions/artifacts?name=base").json()
    assert listed["total_count"] == 2
    assert {item["id"] for item in listed["artifacts"]} == made
    assert {item["workflow_run"]["head_repository_id"] for item in listed["artifacts"]} == {1001, 2002}
    assert {(item["digest"], item["size_in_bytes"], item["expired"]) for item in listed["artifacts"]} == {
        (DIGEST, len(DATA), False)
    }
    assert ask("GET", "repos/octo/app/actions/runs/71/artifacts").json()["total_count"] == 1


def test_rest_list__has_pages_and_no_order_to_rely_on(fake: FakeGithub) -> None:
    app = with_run(fake)
    made = [app.artifact("base", DATA, 70) for _ in range(35)]
    ask = Plain(url=fake.url, token=fake.token())
    pages = [ask("GET", f"repos/octo/app/actions/artifacts?page={page}").json() for page in (1, 2, 3)]
    seen = [item["id"] for page in pages for item in page["artifacts"]]
    assert [len(page["artifacts"]) for page in pages] == [30, 5, 0]
    assert {page["total_count"] for page in pages} == {35}
    assert sorted(seen) == made
    assert seen not in (made, made[::-1])


def test_zip__is_a_redirect_to_another_host_that_wants_no_authorization(fake: FakeGithub) -> None:
    id = with_run(fake).artifact("base", DATA, 70)
    ask = Plain(url=fake.url, token=fake.token())
    answer = ask("GET", f"repos/octo/app/actions/artifacts/{id}/zip")
    location = answer.headers["Location"]
    assert answer.status_code == 302
    assert urlsplit(location).hostname != urlsplit(fake.url).hostname
    assert ask("GET", location).status_code == 400
    assert requests.get(location, timeout=10).content == DATA
    assert requests.get(location.replace("sig=", "sig=A"), timeout=10).status_code == 403
    assert requests.get(location, headers={"Range": "bytes=2-3"}, timeout=10).content == DATA[2:4]
    assert put(location, b"overwritten", **{"x-ms-blob-type": "BlockBlob"}).status_code == 403


def test_zip__address_is_good_for_a_minute(fake: FakeGithub) -> None:
    key = "some/blob"
    fake.state.blobs.write(key, DATA)
    old, fresh = (f"{fake.state.blob_url}/{key}?{fake.state.blobs.signed_query(key, 'r', left)}" for left in (-0.1, 60))
    id = with_run(fake).artifact("base", DATA, 70)
    location = Plain(url=fake.url, token=fake.token())("GET", f"repos/octo/app/actions/artifacts/{id}/zip").headers["Location"]
    assert [requests.get(url, timeout=10).status_code for url in (old, fresh)] == [403, 200]
    assert 55 < float(dict(parse_qsl(urlsplit(location).query))["se"]) - time.time() <= 60


def test_zip__needs_actions_read_a_valid_artifact_and_no_octets(fake: FakeGithub) -> None:
    app = with_run(fake)
    good, expired = app.artifact("base", DATA, 70), app.artifact("base", DATA, 70, expired=True)
    path = "repos/octo/app/actions/artifacts"
    allowed = Plain(url=fake.url, token=fake.token(permissions={"actions": "read"}))
    octets = Plain(url=fake.url, token=allowed.token, headers={"Accept": "application/octet-stream"})
    without = Plain(url=fake.url, token=fake.token(permissions={"contents": "write"}))
    assert message_of(without("GET", f"{path}/{good}/zip")) == (403, "Resource not accessible by integration")
    assert Plain(url=fake.url)("GET", f"{path}/{good}/zip").status_code == 401
    assert message_of(allowed("GET", f"{path}/{expired}/zip")) == (410, "Artifact has expired")
    assert octets("GET", f"{path}/{good}/zip").status_code == 415
    assert allowed("GET", f"{path}/999/zip").status_code == 404
    assert allowed("DELETE", f"{path}/{good}").status_code == 403


def test_service__makes_an_artifact_that_rest_knows(fake: FakeGithub) -> None:
    app = with_run(fake)
    runtime = fake.runtime(app, 70)
    done = upload(runtime, "base")
    id = int(done.json()["artifact_id"])
    listed = twirp(runtime, "ListArtifacts", ids(runtime) | {"name_filter": "base"}).json()["artifacts"]
    assert done.json() == {"ok": True, "artifact_id": str(id)}
    assert id > 2**32
    assert [item | {"created_at": ""} for item in listed] == [
        ids(runtime) | {"database_id": str(id), "name": "base", "size": str(len(DATA)), "digest": DIGEST, "created_at": ""}
    ]
    assert twirp(runtime, "ListArtifacts", ids(runtime) | {"nameFilter": "bas"}).json() == {"artifacts": []}
    url = twirp(runtime, "GetSignedArtifactURL", ids(runtime) | {"name": "base"}).json()["signed_url"]
    assert requests.get(url, timeout=10).content == DATA
    shown = Plain(url=fake.url, token=fake.token())("GET", f"repos/octo/app/actions/artifacts/{id}").json()
    assert (shown["digest"], shown["workflow_run"]["id"]) == (DIGEST, 70)
    assert app.artifact_data(id) == DATA


def test_service__refuses_a_name_twice_in_a_run_until_it_is_deleted(fake: FakeGithub) -> None:
    app = with_run(fake)
    first, rerun = fake.runtime(app, 70), fake.runtime(app, 70, job_id="job-of-attempt-2")
    upload(first, "base")
    asked = ids(rerun) | {"name": "base", "version": 4}
    conflict = twirp(rerun, "CreateArtifact", asked)
    message = "Conflict: an artifact with this name already exists on the workflow run"
    assert (conflict.status_code, conflict.json()) == (409, {"code": "already_exists", "msg": message})
    assert twirp(rerun, "DeleteArtifact", ids(rerun) | {"name": "base"}).status_code == 200
    assert twirp(rerun, "CreateArtifact", asked).status_code == 200
    assert twirp(rerun, "CreateArtifact", asked).status_code == 409
    assert twirp(rerun, "ListArtifacts", ids(rerun)).json() == {"artifacts": []}
    assert twirp(rerun, "DeleteArtifact", ids(rerun) | {"name": "never"}).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"version": 4}, 200, None),
        ({"version": "4"}, 200, None),
        ({"version": 7, "mime_type": "application/zip"}, 200, None),
        ({"version": 7, "mimeType": "application/zip"}, 200, None),
        ({"expires_at": "2999-01-01T00:00:00Z", "version": 4}, 200, None),
        ({"version": 7}, 400, "invalid_argument"),
        ({"version": 4, "mime_type": "application/zip"}, 400, "invalid_argument"),
        ({"version": 5}, 400, "invalid_argument"),
        ({"version": 4, "colour": "red"}, 400, "malformed"),
        ({"version": 4, "expires_at": "tomorrow"}, 400, "malformed"),
        ({"version": 4, "expires_at": "2001-01-01T00:00:00Z"}, 400, "invalid_argument"),
        ({"version": 4.5}, 400, "malformed"),
        ({"version": 4, "name": 5}, 400, "malformed"),
        ({"version": 4, "name": ""}, 400, "invalid_argument"),
        *[({"version": 4, "name": f"a{character}b"}, 400, "invalid_argument") for character in '":<>|*?\r\n\\/'],
        ({"version": 4, "workflow_run_backend_id": "another"}, 403, "permission_denied"),
        ({"version": 4, "workflow_job_run_backend_id": "another"}, 403, "permission_denied"),
    ],
)
def test_create__is_strict(fake: FakeGithub, change: dict[str, object], status: int, code: str | None) -> None:
    runtime = fake.runtime(with_run(fake), 70)
    answer = twirp(runtime, "CreateArtifact", ids(runtime) | {"name": "base"} | change)
    assert (answer.status_code, answer.json().get("code")) == (status, code)


def test_create__in_both_spellings_at_once_is_malformed(fake: FakeGithub) -> None:
    runtime = fake.runtime(with_run(fake), 70)
    asked = ids(runtime) | {"workflowRunBackendId": ids(runtime)["workflow_run_backend_id"], "name": "base", "version": 4}
    assert twirp(runtime, "CreateArtifact", asked).json()["code"] == "malformed"


def test_service__refuses_a_wrong_token_a_wrong_method_and_no_json(fake: FakeGithub) -> None:
    runtime = fake.runtime(with_run(fake), 70)
    forged = jwt.encode({"scp": "Actions.Results:1:1"}, b"another key that is long enough ..", algorithm="HS256")
    asked = ids(runtime) | {"name": "base", "version": 4}
    assert twirp(runtime, "CreateArtifact", asked, token=forged).status_code == 401
    assert twirp(runtime, "Createartifact", asked).json()["code"] == "bad_route"
    assert twirp(runtime, "CreateArtifact", [1]).json()["code"] == "malformed"


@pytest.mark.parametrize(
    ("change", "status"),
    [({"size": "5"}, 400), ({"hash": "sha256:00"}, 400), ({"name": "other"}, 404), ({"size": "x"}, 400), ({"hash": None}, 200)],
)
def test_finalize__compares_with_the_blob(fake: FakeGithub, change: dict[str, object], status: int) -> None:
    runtime = fake.runtime(with_run(fake), 70)
    url = twirp(runtime, "CreateArtifact", ids(runtime) | {"name": "base", "version": 4}).json()["signed_upload_url"]
    asked = ids(runtime) | {"name": "base", "size": str(len(DATA)), "hash": DIGEST}
    assert twirp(runtime, "FinalizeArtifact", asked).status_code == 400
    assert put(url, DATA, **{"x-ms-blob-type": "BlockBlob"}).status_code == 201
    assert twirp(runtime, "FinalizeArtifact", asked | change).status_code == status


def test_blob__commits_listed_blocks_only(fake: FakeGithub) -> None:
    runtime = fake.runtime(with_run(fake), 70)
    url = twirp(runtime, "CreateArtifact", ids(runtime) | {"name": "base", "version": 4}).json()["signed_upload_url"]
    one, two, long = (base64.b64encode(name).decode() for name in (b"1", b"2", b"1234567"))
    assert [put(f"{url}&comp=block&blockid={quote(name)}", name.encode()).status_code for name in (one, two)] == [201, 201]
    assert requests.get(url, timeout=10).status_code == 404
    for wrong in (long, "no base64!", base64.b64encode(b"x" * 65).decode()):
        assert put(f"{url}&comp=block&blockid={quote(wrong)}", b"x").status_code == 400
    unknown = f"<BlockList><Latest>{long}</Latest></BlockList>".encode()
    assert [put(f"{url}&comp=blocklist", body).status_code for body in (unknown, b"<BlockList>", b"<Other/>")] == [400] * 3
    assert put(f"{url}&comp=blocklist", f"<BlockList><Latest>{two}</Latest></BlockList>".encode()).status_code == 201
    assert requests.get(url, timeout=10).content == two.encode()


def test_blob__refuses_authorization_bad_signatures_missing_kinds_and_streams(fake: FakeGithub) -> None:
    runtime = fake.runtime(with_run(fake), 70)
    url = twirp(runtime, "CreateArtifact", ids(runtime) | {"name": "base", "version": 4}).json()["signed_upload_url"]
    query = dict(parse_qsl(urlsplit(url).query))
    stretched = f"{url.split('?')[0]}?{urlencode(query | {'se': '99999999999'})}"
    kind = {"x-ms-blob-type": "BlockBlob"}
    answers = [put(url, DATA, Authorization="Bearer x", **kind), put(stretched, DATA, **kind), put(url, DATA)]
    assert [(answer.status_code, answer.headers["x-ms-error-code"]) for answer in answers] == [
        (400, "InvalidAuthenticationInfo"),
        (403, "AuthenticationFailed"),
        (400, "MissingRequiredHeader"),
    ]
    assert requests.put(url, data=iter([DATA]), headers=kind, timeout=10).status_code == 411
    assert fake.state.blobs.read(urlsplit(url).path[1:]) is None


def test_act__speaks_camel_case_and_knows_no_conflict() -> None:
    with FakeGithub(dialect="act") as fake:
        app = with_run(fake)
        runtime = fake.runtime(app, 70)
        asked = ids(runtime) | {"name": "base", "version": 4}
        assert ids(runtime) == {"workflow_run_backend_id": "70", "workflow_job_run_backend_id": "70"}
        with pytest.raises(requests.ConnectionError):
            twirp(runtime, "ListArtifacts", ids(runtime))
        answers = [twirp(runtime, "CreateArtifact", asked) for _ in range(2)]
        assert [(answer.status_code, set(answer.json())) for answer in answers] == [(200, {"ok", "signedUploadUrl"})] * 2
        unknown = twirp(runtime, "CreateArtifact", asked | {"mime_type": "application/zip"})
        assert (unknown.status_code, unknown.text) == (500, "Error decode request body")
        url = answers[1].json()["signedUploadUrl"]
        assert put(url, DATA).status_code == 200
        assert app.artifact_data(next(iter(app.artifacts))) == b""
        assert [put(f"{url}&comp=block&blockid={name}", name.encode()).status_code for name in ("b", "a")] == [201, 201]
        assert put(f"{url}&comp=blocklist", b"<BlockList/>").status_code == 201
        assert put(url.replace("artifactName=base", "artifactName=other"), DATA).status_code == 401
        done = twirp(runtime, "FinalizeArtifact", ids(runtime) | {"name": "base", "size": "2", "hash": DIGEST}).json()
        listed = twirp(runtime, "ListArtifacts", ids(runtime)).json()["artifacts"]
        assert [(item["name"], item["databaseId"], "digest" in item) for item in listed] == [("base", done["artifactId"], False)]
        signed = twirp(runtime, "GetSignedArtifactURL", ids(runtime) | {"name": "base"}).json()["signedUrl"]
        assert requests.get(signed, timeout=10).content == b"ba"
        assert twirp(runtime, "DeleteArtifact", ids(runtime) | {"name": "base"}).json()["ok"] is True
        assert app.artifacts == {}
