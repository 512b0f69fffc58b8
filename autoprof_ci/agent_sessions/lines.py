"""A session as the agent prints it, one JSON object a line: reading it, writing it, and whether it can be played.

The kinds of lines (the field `type`) and which of them mean something to the player::

    {"type":"system","subtype":"init",…}   {"type":"thread.started",…}               how claude, and codex, begins
    {"type":"result",…}                    {"type":"turn.completed" | "turn.failed"} how a turn ends
    {"type":"control_request","request_id":"…",…}                                    the player waits for the answer
    {"type":"control_response",…}          {"type":"autoprof_delay","ms":120}        not printed
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from autoprof_ci.errors import ConfigError, DataError

Message = dict[str, Any]

LARGEST_BYTES = 256 << 20
DELAY = "autoprof_delay"
ENDINGS = ("result", "turn.completed", "turn.failed")
LONGEST_QUOTE = 60
RECORD = "Make it from a real session with `autoprof-ci agent record FILE`."
_PLAIN_ID = re.compile(r"[!#-\[\]-~]{1,200}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """`number`: from 1; `raw`: as it stands in the file, without its end."""

    number: int
    raw: bytes
    message: Message

    @property
    def kind(self) -> str:
        kind = self.message.get("type")
        return kind if isinstance(kind, str) else ""


def read_lines(content: bytes, source: str) -> list[Line]:
    """Every line that is not blank. Raises `DataError` for one that is no JSON object, naming it."""
    if len(content) > LARGEST_BYTES:
        raise DataError(
            f"{source}: has {len(content) >> 20} MiB, at most {LARGEST_BYTES >> 20} are read", "Record a shorter session"
        )
    found = []
    for number, raw in enumerate(content.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if raw.strip():
            found.append(Line(number=number, raw=raw.rstrip(b"\r"), message=_object(raw, f"{source}: line {number}")))
    return found


def written(message: Message) -> bytes:
    """As the agent writes it: no blanks, letters as they are. Half a surrogate pair, which is no UTF-8, stays an escape."""
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text).encode()


def delay(milliseconds: int) -> bytes:
    return written({"type": DELAY, "ms": milliseconds})


def is_opening(line: Line) -> bool:
    return (line.kind == "system" and line.message.get("subtype") == "init") or line.kind == "thread.started"


def is_ending(line: Line) -> bool:
    return line.kind in ENDINGS


def check_playable(content: bytes, *, source: str) -> None:
    """Raise `ConfigError` unless a player can play it from its beginning to its end. `source`: what begins every sentence.

    What comes before the line that begins a session (hooks, for example) is printed without waiting, like that line."""
    try:
        lines = read_lines(content, source)
    except DataError as error:
        raise ConfigError(error.what, error.next_step) from None
    if not lines:
        raise ConfigError(f"{source}: is empty", RECORD)
    for problem, next_step in _problems([line for line in lines if line.kind != DELAY]):
        raise ConfigError(f"{source}: {problem}", next_step)
    for line in lines:
        if line.kind == DELAY and not _is_whole(line.message.get("ms")):
            raise ConfigError(f'{source}: line {line.number}: "ms" of a delay is not a whole number of milliseconds', RECORD)


def _problems(lines: list[Line]) -> Iterator[tuple[str, str]]:
    last = lines[-1] if lines else None
    if last is None:
        yield "has delays and nothing else", RECORD
        return
    if not any(map(is_opening, lines)):
        yield 'has no line of type "system" and subtype "init", with which a session begins', RECORD
    if not any(map(is_ending, lines)):
        yield 'has no line of type "result": it was cut off before its end', "Record it again; that adds an ending."
    elif not is_ending(last):
        yield (
            f'line {last.number}: after the last line of type "result" there is more, which nobody would wait for',
            "Remove it, or record the session again.",
        )
    for line in lines:
        if line.kind == "control_request" and not _is_plain_id(line.message.get("request_id")):
            yield f'line {line.number}: "request_id" of a control_request is not a plain text', RECORD


def _object(raw: bytes, where: str) -> Message:
    try:
        parsed = json.loads(raw, parse_constant=_no_number, parse_float=_finite)
    except UnicodeDecodeError:
        raise DataError(f"{where}: is not UTF-8", "Save the file as UTF-8") from None
    except (ValueError, RecursionError) as error:
        why = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        raise DataError(
            f"{where}: is no JSON ({why}): {_quoted(raw)}",
            "A session is what the agent prints with `--output-format stream-json`, one JSON object a line",
        ) from None
    if not isinstance(parsed, dict):
        raise DataError(f"{where}: is no JSON object: {_quoted(raw)}", "Every line of a session begins with {")
    return parsed


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _no_number(digits)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 86_400_000


def _is_plain_id(value: object) -> bool:
    return isinstance(value, str) and _PLAIN_ID.fullmatch(value) is not None


def _quoted(raw: bytes) -> str:
    """The beginning of a line; it may hold a secret, so no more than shows which line is meant."""
    text = raw.decode("utf-8", "replace").strip()
    printable = "".join(letter if letter.isprintable() else "?" for letter in text)
    return printable if len(printable) <= LONGEST_QUOTE else f"{printable[:LONGEST_QUOTE]}…"
