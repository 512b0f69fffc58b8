"""From a real session to one that can be played and published: its lines, whole, without secrets. Pure: bytes in, bytes out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from autoprof_ci.agent_sessions import trajectory
from autoprof_ci.agent_sessions.lines import (
    DELAY,
    LARGEST_BYTES,
    Message,
    check_playable,
    delay,
    is_ending,
    is_opening,
    read_lines,
    written,
)
from autoprof_ci.agent_sessions.secrets import Scrubber, names_in
from autoprof_ci.errors import DataError

CUT_OFF: Message = {
    "type": "result",
    "subtype": "error_during_execution",
    "duration_ms": 0,
    "duration_api_ms": 0,
    "is_error": True,
    "num_turns": 0,
    "errors": ["the session was cut off"],
    "total_cost_usd": 0.0,
    "usage": {"input_tokens": 0, "output_tokens": 0},
    "modelUsage": {},
    "permission_denials": [],
}
"""How a session ends that was recorded without its end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A session to be played. `lines`: what the agent prints of it; `delays_ms`: of all together; `scrubbed`: kind of secret ->
    how many; `prompt`: where the file told it; `notes`: what is not as it was, a sentence each."""

    content: bytes
    lines: int
    tool_calls: int
    delays_ms: int
    scrubbed: Mapping[str, int]
    prompt: str | None
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """`raw`: as it was written, where it was."""

    message: Message
    raw: bytes | None = None
    after_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    lines: tuple[_Line, ...]
    prompt: str | None
    notes: tuple[str, ...]


def record(content: bytes, *, source: str) -> Recorded:
    """A session from what the agent printed, or from a trajectory file. `source`: its name, for messages.

    Raises `DataError`, with the line or the field, for anything else.
    """
    if not content.strip():
        raise DataError(f"{source}: is empty", "Name a session: what the agent printed, or a trajectory file")
    parsed = _parsed(content, source)
    session = _from_trajectory(parsed, source) if trajectory.is_trajectory(parsed) else _from_lines(content, source)
    scrubber = Scrubber(names=names_in([*(line.message for line in session.lines), session.prompt]))
    prompt = scrubber.value(session.prompt)
    whole = b"".join(part + b"\n" for part in _written(session.lines, scrubber))
    check_playable(whole, source=source)
    return Recorded(
        content=whole,
        lines=len(session.lines),
        tool_calls=sum(_calls(line.message) for line in session.lines),
        delays_ms=sum(line.after_ms for line in session.lines),
        scrubbed=dict(sorted(scrubber.found.items())),
        prompt=prompt,
        notes=session.notes,
    )


def _written(lines: tuple[_Line, ...], scrubber: Scrubber) -> Iterator[bytes]:
    """A line without a secret stays as it was, byte for byte."""
    for line in lines:
        if line.after_ms:
            yield delay(line.after_ms)
        clean = scrubber.value(line.message)
        yield line.raw if line.raw is not None and clean is line.message else written(clean)


def _parsed(content: bytes, source: str) -> Any:
    """The file as one JSON value; ``None`` where it is several. Raises `DataError` for a broken one over many lines."""
    if len(content) > LARGEST_BYTES:
        return None
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        first = next(line for line in content.removeprefix(b"\xef\xbb\xbf").splitlines() if line.strip())
        if first.strip() == b"{" and isinstance(error, json.JSONDecodeError):
            raise DataError(
                f"{source}: line {error.lineno}: is no JSON ({error.msg})",
                "Is the file whole? A trajectory file is one JSON object",
            ) from None
        return None


def _from_trajectory(parsed: Message, source: str) -> _Session:
    found = trajectory.convert(parsed, source)
    notes = [
        f"steps of type {kind!r} have no line in the agent's protocol: {count} left out"
        for kind, count in found.unknown_steps.items()
    ]
    if found.was_cut_off:
        notes.append("the session has no result: it was cut off, and now ends with an error that says so")
    lines = tuple(_Line(message=timed.message, after_ms=timed.after_ms) for timed in found.lines)
    return _Session(lines=lines, prompt=found.prompt, notes=tuple(notes))


def _from_lines(content: bytes, source: str) -> _Session:
    """Delays come from an earlier recording: the agent's own lines tell no time."""
    notes, kept, after_ms = [], [], 0
    lines = read_lines(content, source)
    if not any(map(is_opening, lines)):
        raise DataError(
            f'{source}: no line is of type "system" and subtype "init", with which an agent begins',
            "Record what it prints with `--output-format stream-json --verbose`, or name a trajectory file",
        )
    last = max((number for number, line in enumerate(lines) if is_ending(line)), default=None)
    if last is not None and last + 1 < len(lines):
        notes.append(f"{len(lines) - last - 1} lines after the last result are left out: nobody would wait for them")
    for line in lines if last is None else lines[: last + 1]:
        if line.kind == DELAY:
            after_ms += int(line.message.get("ms") or 0)
        elif line.kind != "control_response":
            kept.append(_Line(message=line.message, raw=line.raw, after_ms=after_ms))
            after_ms = 0
    if last is None:
        kept.append(_Line(message={**CUT_OFF, **_identity(kept[-1].message)}))
        notes.append("the session has no result: it was cut off, and now ends with an error that says so")
    return _Session(lines=tuple(kept), prompt=None, notes=tuple(notes))


def _identity(message: Message) -> Message:
    names = {name: message.get(name) for name in ("uuid", "session_id")}
    return {name: value if isinstance(value, str) else "" for name, value in names.items()}


def _calls(message: Message) -> int:
    inner = message.get("message")
    content = inner.get("content") if isinstance(inner, dict) else None
    return (
        sum(isinstance(block, dict) and block.get("type") == "tool_use" for block in content) if isinstance(content, list) else 0
    )
