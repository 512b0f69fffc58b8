"""Sessions as the agent itself prints them: what a scripted agent plays to ``autopilot run``.

Knows the agent's protocol, one JSON object a line; what a session is made of is known to `steps`. A tool call and its result are
a line each, as the agent sends them. Writes no file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum

from autoprof_ci.workloads.dice import ALPHANUMERIC, Dice
from autoprof_ci.workloads.steps import MODEL, REAL, TOOLS, Json, StepWriter, Style
from autoprof_ci.workloads.texts import Corpus, lines

NANOSECONDS_PER_MS = 1_000_000


class Ending(StrEnum):
    """How a session ends: the subtype of its last line."""

    SUCCESS = "success"
    FAILURE = "error_during_execution"
    MAX_TURNS = "error_max_turns"


class Asking(StrEnum):
    """Whether the agent asks before it uses a tool."""

    NEVER = "never"
    BEFORE_EACH_CALL = "before each call"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What is to be played: `lines` on standard output, without those that ask for permission."""

    name: str
    seed: int
    lines: int
    ending: Ending = Ending.SUCCESS
    style: Style = REAL
    asking: Asking = Asking.NEVER


# Files as long as a tool shows them at most, one after the other.
LARGE_FILES = Style(tools=(("Read", 1),), file_length=((0.0, 57_000), (1.0, 60_000)))
FULL_OF_SECRETS = Style(secret_rate=0.7)

SCRIPTS = (
    # The seed is one that makes 405 calls and 168 texts, as a real long session has.
    Script(name="fix-bug", seed=213, lines=980),
    Script(name="answer-question", seed=1, lines=14),
    Script(name="failing", seed=2, lines=60, ending=Ending.FAILURE),
    Script(name="max-turns", seed=3, lines=200, ending=Ending.MAX_TURNS),
    Script(name="large-results", seed=4, lines=52, style=LARGE_FILES),
    Script(name="secrets", seed=5, lines=240, style=FULL_OF_SECRETS),
    Script(name="permissions", seed=6, lines=120, asking=Asking.BEFORE_EACH_CALL),
)


def make_script(script: Script, corpus: Corpus) -> bytes:
    """The session of `script` as UTF-8 JSON lines."""
    dice = Dice(script.seed)
    writer = StepWriter(dice, corpus, script.style)
    # The last line is the result, which is no step.
    writer.write(script.lines - 1)
    session = dice.uuid()
    said: list[bytes] = []
    for step in writer.steps:
        said.append(_line(_signed(_message(step, dice), session, dice)))
        if script.asking is Asking.BEFORE_EACH_CALL and step["type"] == "tool_call":
            said.append(_line(_permission(step, dice)))
    said.append(_line(_signed(_result(script, writer, dice, corpus), session, dice)))
    return b"".join(said)


def _line(message: Json) -> bytes:
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _signed(message: Json, session: str, dice: Dice) -> Json:
    return {**message, "uuid": dice.uuid(), "session_id": session}


def _message(step: Json, dice: Dice) -> Json:
    if step["type"] == "system_init":
        return _init()
    if step["type"] == "tool_result":
        # A tool that says nothing has an empty result, not none.
        content = {"type": "tool_result", "tool_use_id": step["tool_id"], "content": step.get("output", "")}
        return {
            "type": "user",
            "message": {"role": "user", "content": [{**content, "is_error": not step["success"]}]},
            "parent_tool_use_id": None,
        }
    return {
        "type": "assistant",
        "message": {
            "id": "msg_01" + dice.letters(ALPHANUMERIC, 22),
            "type": "message",
            "role": "assistant",
            "model": MODEL,
            "content": [_block(step)],
            "usage": {
                "input_tokens": step["tokens_in"],
                "output_tokens": step["tokens_out"],
                "cache_read_input_tokens": step["tokens_cached"],
            },
        },
        "parent_tool_use_id": None,
        "error": None,
    }


def _block(step: Json) -> Json:
    if step["type"] == "tool_call":
        return {"type": "tool_use", "id": step["tool_id"], "name": step["tool"], "input": step["input"]}
    if step["type"] == "thinking":
        return {"type": "thinking", "thinking": step["content"], "signature": step["signature"]}
    return {"type": "text", "text": step["content"]}


def _init() -> Json:
    return {
        "type": "system",
        "subtype": "init",
        "apiKeySource": "none",
        "claude_code_version": "2.0",
        "cwd": "/home/dev/project",
        "tools": [name for name, _ in TOOLS],
        "mcp_servers": [],
        "model": MODEL,
        "permissionMode": "bypassPermissions",
        "slash_commands": [],
        "output_style": "default",
        "skills": [],
        "plugins": [],
    }


def _permission(step: Json, dice: Dice) -> Json:
    asked = {"subtype": "can_use_tool", "tool_name": step["tool"], "input": step["input"], "tool_use_id": step["tool_id"]}
    return {"type": "control_request", "request_id": dice.uuid(), "request": asked}


def _result(script: Script, writer: StepWriter, dice: Dice, corpus: Corpus) -> Json:
    duration_ms = writer.clock_ns // NANOSECONDS_PER_MS
    output_tokens = sum(step.get("tokens_out", 0) for step in writer.steps)
    cached = sum(step.get("tokens_cached", 0) for step in writer.steps)
    outcomes: dict[Ending, Json] = {
        Ending.SUCCESS: {"result": lines(dice, corpus.prose, dice.between(150, 900))},
        Ending.FAILURE: {"errors": ["API Error: 529 overloaded_error, after 10 attempts"]},
        Ending.MAX_TURNS: {"errors": [f"Reached the maximum number of turns ({writer.turns})"]},
    }
    return {
        "type": "result",
        "subtype": script.ending.value,
        "duration_ms": duration_ms,
        "duration_api_ms": duration_ms * 3 // 5,
        "is_error": script.ending is not Ending.SUCCESS,
        "num_turns": writer.turns,
        **outcomes[script.ending],
        "total_cost_usd": (cached // 300 + output_tokens * 15) / 1_000_000,
        "usage": {
            "input_tokens": sum(step.get("tokens_in", 0) for step in writer.steps),
            "output_tokens": output_tokens,
            "cache_read_input_tokens": cached,
            "cache_creation_input_tokens": dice.between(5000, 380_000),
        },
        "modelUsage": {},
        "permission_denials": [],
        "structured_output": None,
    }
