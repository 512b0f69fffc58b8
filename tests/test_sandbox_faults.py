"""Whatever an engine answers, or does not, is one sentence with a next step."""

from __future__ import annotations

import pytest
from docker.errors import APIError, DockerException, ImageNotFound, NotFound

from autoprof_ci.errors import ToolError
from autoprof_ci.sandbox.faults import engine_asked


class Answer:
    """What the SDK's errors want to know of an answer."""

    url, reason = "http+docker://localhost/v1.41/x", "Refused"

    def __init__(self, status_code: int) -> None:
        self.status_code = status_code


def refusal(status: int, words: object, kind: type[APIError] = APIError) -> APIError:
    return kind("no", response=Answer(status), explanation=words)


LOG = "Look at the log of the container engine, or set `sandbox = \"none\"` to measure without a container."  # fmt: skip


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (
            refusal(500, '{"message": "write /x: no space left on device"}'),
            "The container engine has no space left to do it. Free some space where the container engine keeps its volumes "
            "(`docker system df`).",
        ),
        (
            refusal(404, "No such image: x", ImageNotFound),
            "The container engine has lost the image it needs to do it. The image was removed while it was needed: start the "
            "job again.",
        ),
        (
            refusal(404, b'{"message": "No such container: x"}', NotFound),
            "The container engine cannot do it: No such container: x. Something else removed it while it was needed: start the "
            "job again.",
        ),
        (
            refusal(403, "denied by policy"),
            "The container engine forbids to do it: denied by policy. Give the runner an engine that may start containers; a "
            "filtering proxy before its socket forbids it.",
        ),
        (
            refusal(500, "create x: error while mounting volume: driver failed\n::error::oops ##[error]"),
            "The container engine refuses to do it: create x: error while mounting volume: driver failed ::error::oops "
            f"# #[error]. {LOG}",
        ),
        (refusal(400, None), f"The container engine refuses to do it: 400 Client Error for {Answer.url}: Refused. {LOG}"),
        (refusal(500, '["not", "an", "object"]'), f'The container engine refuses to do it: ["not", "an", "object"]. {LOG}'),
        (
            TimeoutError("UnixHTTPConnectionPool: Read timed out. (read timeout=120)"),
            "The container engine did not answer when asked to do it. See whether the engine still runs (`docker info`), and "
            "start the job again.",
        ),
        (
            ConnectionResetError(104, "Connection reset by peer"),
            "The connection to the container engine broke when asked to do it: [Errno 104] Connection reset by peer. See whether "
            "the engine still runs (`docker info`), and start the job again.",
        ),
        (
            DockerException("Something in the SDK"),
            "The connection to the container engine broke when asked to do it: Something in the SDK. See whether the engine "
            "still runs (`docker info`), and start the job again.",
        ),
    ],
    ids=["full", "image-gone", "gone", "forbidden", "driver", "silent", "odd", "timeout", "reset", "sdk"],
)
def test_engine_asked__says_what_it_means(error: Exception, sentence: str) -> None:
    with pytest.raises(ToolError) as caught, engine_asked("do it"):
        raise error
    assert str(caught.value) == sentence


def test_engine_asked__lets_our_own_errors_pass() -> None:
    with pytest.raises(ToolError) as caught, engine_asked("do it"):
        raise ToolError("The file changed", "Start again.")
    assert caught.value.what == "The file changed"
