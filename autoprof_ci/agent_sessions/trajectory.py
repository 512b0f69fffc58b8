"""A trajectory file of autopilot back into the lines that the agent printed, so that who reads them sees the same steps.

Knows both formats; every field that autopilot's reader wants is in every line, since a line that lacks one is a step that is
missing. Knows nothing of secrets or of how lines are written.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from autoprof_ci.agent_sessions.lines import Message
from autoprof_ci.errors import DataError

LONGEST_DELAY_MS = 86_400_000
_NAMES = uuid.UUID("5a1f6d0c-6f0e-4c57-9b8e-0f8a3f3b7a11")
"""Where our identifiers come from: the same file gives the same ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """A line of the agent, `after_ms` milliseconds later than the one before."""

    message: Message
    after_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """`unknown_steps`: type -> how many of it have no line in the protocol."""

    lines: tuple[Timed, ...]
    prompt: str
    unknown_steps: dict[str, int]
    was_cut_off: bool


def is_trajectory(parsed: object) -> bool:
    return isinstance(parsed, dict) and isinstance(parsed.get("steps"), list)


def convert(file: Message, source: str) -> Converted:
    """Every step as one line, in order. Raises `DataError`, naming the field, for what is no trajectory."""
    return _Converter(file, source).convert()


class _Converter:
    """What is the same in all lines of a session."""

    def __init__(self, file: Message, source: str) -> None:
        self.file, self.source = file, source
        self.session_id = self.text(file, "session_id") or str(uuid.uuid5(_NAMES, "session"))
        self.model = self.text(file, "model")
        self.unknown: Counter[str] = Counter()
        self._count = 0

    def convert(self) -> Converted:
        steps = [self._step(step, number) for number, step in enumerate(self.file["steps"])]
        if not steps:
            self.wrong("steps", "is empty: there is nothing to play")
        clock = _Clock(self.moment(self.file, "started_at"))
        lines = [] if steps[0]["type"] == "system_init" else [Timed(message=self._init(self.model), after_ms=0)]
        for number, step in enumerate(steps):
            where = f"steps[{number}]"
            after_ms = clock.passed_ms(self.moment(step, "timestamp", where))
            message = self._line(step, where)
            if message is not None:
                lines.append(Timed(message=message, after_ms=after_ms if lines else 0))
        ended = clock.last if self.file.get("ended_at") is None else self.moment(self.file, "ended_at")
        lines.append(Timed(message=self._result(), after_ms=clock.passed_ms(ended)))
        return Converted(
            lines=tuple(lines),
            prompt=self.text(self.file, "prompt"),
            unknown_steps=dict(self.unknown),
            was_cut_off=self.file.get("result") is None,
        )

    def _step(self, step: object, number: int) -> Message:
        if not isinstance(step, dict) or not isinstance(step.get("type"), str):
            self.wrong(f"steps[{number}]", 'is no object with a "type"')
        return step

    def _line(self, step: Message, where: str) -> Message | None:
        match step["type"]:
            case "system_init":
                return self._init(self.text(step, "model", where))
            case "system_status":
                # autopilot writes it with the quotes of its own debug format.
                status = self.text(step, "status", where).strip('"')
                return self._signed({"type": "system", "subtype": "status", "status": status})
            case "user":
                return self._user(self.text(step, "content", where))
            case "tool_result":
                block = {
                    "type": "tool_result",
                    "tool_use_id": self.text(step, "tool_id", where),
                    "content": self.text(step, "output", where) if step.get("output") is not None else "",
                    "is_error": not self.flag(step, "success", where),
                }
                return self._user([block])
            case "assistant":
                return self._assistant(step, {"type": "text", "text": self.text(step, "content", where)}, where)
            case "thinking":
                block = {"type": "thinking", "thinking": self.text(step, "content", where)}
                if step.get("signature") is not None:
                    block["signature"] = self.text(step, "signature", where)
                return self._assistant(step, block, where)
            case "tool_call":
                block = {
                    "type": "tool_use",
                    "id": self.text(step, "tool_id", where),
                    "name": self.text(step, "tool", where),
                    "input": step.get("input"),
                }
                return self._assistant(step, block, where)
            case kind:
                self.unknown[kind] += 1
                return None

    def _init(self, model: str) -> Message:
        tools = [step.get("tool") for step in self.file["steps"] if isinstance(step, dict) and step.get("type") == "tool_call"]
        return self._signed(
            {
                "type": "system",
                "subtype": "init",
                "apiKeySource": "none",
                "claude_code_version": "2.0",
                "cwd": self.text(self.file, "cwd"),
                "tools": sorted({tool for tool in tools if isinstance(tool, str)}),
                "mcp_servers": [],
                "model": model,
                "permissionMode": "bypassPermissions",
                "slash_commands": [],
                "output_style": "default",
                "skills": [],
                "plugins": [],
            }
        )

    def _user(self, content: str | list[Message]) -> Message:
        return self._signed({"type": "user", "message": {"role": "user", "content": content}, "parent_tool_use_id": None})

    def _assistant(self, step: Message, block: Message, where: str) -> Message:
        names = (("tokens_in", "input_tokens"), ("tokens_out", "output_tokens"), ("tokens_cached", "cache_read_input_tokens"))
        usage = {theirs: self.count(step, ours, where) for ours, theirs in names if step.get(ours) is not None}
        message = {
            "id": f"msg_{self._count:024}",
            "type": "message",
            "role": "assistant",
            "model": self.model,
            "content": [block],
            "usage": usage,
        }
        return self._signed({"type": "assistant", "message": message, "parent_tool_use_id": None, "error": None})

    def _result(self) -> Message:
        """Of a session that was cut off: the error that it was."""
        result, usage = self.file.get("result"), self.file.get("usage")
        if result is None:
            result = {"success": False, "duration_ms": 0, "num_turns": 0, "errors": ["the session was cut off"]}
        for name, value in (("result", result), ("usage", usage)):
            if not isinstance(value, dict):
                self.wrong(name, "is no object")
        assert isinstance(result, dict) and isinstance(usage, dict)
        errors, said = result.get("errors", []), result.get("result_text")
        if not isinstance(errors, list) or not all(isinstance(error, str) for error in errors):
            self.wrong("result.errors", "is no list of texts")
        success, duration_ms = self.flag(result, "success", "result"), self.count(result, "duration_ms", "result")
        has_text = success or said is not None
        return self._signed(
            {
                "type": "result",
                "subtype": "success" if has_text else _subtype(errors),
                "duration_ms": duration_ms,
                "duration_api_ms": duration_ms,
                "is_error": not success,
                "num_turns": self.count(result, "num_turns", "result"),
                **({"result": self.text(result, "result_text", "result") if said is not None else ""} if has_text else {}),
                **({} if has_text else {"errors": errors}),
                "total_cost_usd": self.amount(usage, "cost_usd", "usage"),
                "usage": {
                    "input_tokens": self.count(usage, "input_tokens", "usage"),
                    "output_tokens": self.count(usage, "output_tokens", "usage"),
                    "cache_read_input_tokens": self.count(usage, "cache_read_tokens", "usage"),
                    "cache_creation_input_tokens": self.count(usage, "cache_creation_tokens", "usage"),
                },
                "modelUsage": {},
                "permission_denials": [],
                "structured_output": None,
            }
        )

    def _signed(self, message: Message) -> Message:
        self._count += 1
        identifier = str(uuid.uuid5(_NAMES, f"{self.session_id}/{self._count}"))
        return {**message, "uuid": identifier, "session_id": self.session_id}

    def text(self, table: Message, name: str, where: str = "") -> str:
        value = table.get(name)
        return value if isinstance(value, str) else self.wrong(_path(where, name), "is no text")

    def flag(self, table: Message, name: str, where: str) -> bool:
        value = table.get(name)
        return value if isinstance(value, bool) else self.wrong(_path(where, name), "is neither true nor false")

    def count(self, table: Message, name: str, where: str) -> int:
        value = table.get(name)
        good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        return value if good else self.wrong(_path(where, name), "is no whole number of at least 0")  # type: ignore[return-value]

    def amount(self, table: Message, name: str, where: str) -> float:
        value: Any = table.get(name)
        good = isinstance(value, int | float) and not isinstance(value, bool)
        return float(value) if good else self.wrong(_path(where, name), "is no number")

    def moment(self, table: Message, name: str, where: str = "") -> datetime:
        """Nanoseconds are cut to microseconds. A time without a zone would not be comparable with one that has a zone."""
        try:
            found = datetime.fromisoformat(self.text(table, name, where))
        except ValueError:
            self.wrong(_path(where, name), "is no time such as 2026-01-05T09:00:00Z")
        return found if found.tzinfo else self.wrong(_path(where, name), "says no time zone")

    def wrong(self, path: str, what: str) -> NoReturn:
        raise DataError(f"{self.source}: {path}: {what}", "Is it a trajectory file, as `autopilot run` writes it?")


class _Clock:
    """The latest moment seen; time never goes back."""

    def __init__(self, start: datetime) -> None:
        self.last = start

    def passed_ms(self, now: datetime) -> int:
        before, self.last = self.last, max(self.last, now)
        return min(LONGEST_DELAY_MS, round((self.last - before).total_seconds() * 1000))


def _subtype(errors: list[str]) -> str:
    """The trajectory does not keep it; the agent's words tell."""
    words: Iterator[str] = (error.lower() for error in errors)
    for error in words:
        if "budget" in error:
            return "error_max_budget_usd"
        if "maximum number of turns" in error or "max turns" in error or "max_turns" in error:
            return "error_max_turns"
    return "error_during_execution"


def _path(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name
