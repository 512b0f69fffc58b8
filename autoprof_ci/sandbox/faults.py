"""What a container engine's refusals and silences mean, in one sentence each.

Knows the errors of the Docker SDK and of the connection below it, and no other part of the engine's interface. Everything that
talks to the engine does so inside of `engine_asked`, so no other module has to know these errors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager

from docker.errors import APIError, DockerException, ImageNotFound, NotFound
from docker.utils.socket import SocketError

from autoprof_ci.errors import ToolError
from autoprof_ci.sandbox.printable import shown

UNANSWERED = "See whether the engine still runs (`docker info`), and start the job again."
REFUSED = "Look at the log of the container engine, or set `sandbox = \"none\"` to measure without a container."  # fmt: skip
NO_SPACE = "Free some space where the container engine keeps its volumes (`docker system df`)."


class RefusedByEngineError(ToolError):
    """The engine understood and said no. `status`: of its HTTP answer."""

    def __init__(self, what: str, next_step: str, status: int) -> None:
        super().__init__(what, next_step)
        self.status = status


@contextmanager
def engine_asked(to_do: str) -> Iterator[None]:
    """Around requests to the engine. `to_do` completes "the container engine refuses to ...".

    Raises `RefusedByEngineError` where it said no, `ToolError` where it said nothing that can be understood.
    """
    try:
        yield
    except APIError as error:
        raise _refusal(error, to_do) from None
    except (DockerException, SocketError, OSError, ValueError) as error:
        said = shown(str(error))
        if "timed out" in said.lower():
            raise ToolError(f"The container engine did not answer when asked to {to_do}", UNANSWERED) from None
        raise ToolError(f"The connection to the container engine broke when asked to {to_do}: {said}", UNANSWERED) from None


def _refusal(error: APIError, to_do: str) -> RefusedByEngineError:
    said = shown(_explanation(error))
    status = error.status_code or 0
    if "no space left" in said.lower():
        return RefusedByEngineError(f"The container engine has no space left to {to_do}", NO_SPACE, status)
    if isinstance(error, ImageNotFound):
        next_step = "The image was removed while it was needed: start the job again."
        return RefusedByEngineError(f"The container engine has lost the image it needs to {to_do}", next_step, status)
    if isinstance(error, NotFound):
        next_step = "Something else removed it while it was needed: start the job again."
        return RefusedByEngineError(f"The container engine cannot {to_do}: {said}", next_step, status)
    if status in (401, 403):
        next_step = "Give the runner an engine that may start containers; a filtering proxy before its socket forbids it."
        return RefusedByEngineError(f"The container engine forbids to {to_do}: {said}", next_step, status)
    return RefusedByEngineError(f"The container engine refuses to {to_do}: {said}", REFUSED, status)


def _explanation(error: APIError) -> str:
    """The engine's own words: ``{"message": "..."}``, which the SDK hands on as they came where they are no JSON."""
    words = error.explanation or str(error)
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    try:
        parsed = json.loads(text)
    except ValueError:
        return text
    return str(parsed.get("message", text)) if isinstance(parsed, dict) else text
