"""Trajectory files: recorded sessions of an agent, as autopilot keeps them.

Knows the file format; what a session is made of is known to `steps`. Writes no file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from autoprof_ci.workloads.dice import HEX, Dice
from autoprof_ci.workloads.steps import MODEL, NANOSECONDS, Json, StepWriter
from autoprof_ci.workloads.texts import NOUNS, Corpus, lines

FIRST_DAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A file name and its content."""

    name: str
    content: bytes


def make_session(seed: int, steps: int, corpus: Corpus) -> Session:
    """One recorded session of exactly `steps` steps; small ones think aloud, as real ones do."""
    dice = Dice(seed)
    writer = StepWriter(dice, corpus)
    writer.write(steps)
    prompt = lines(dice, corpus.prose, dice.between(60, 700))
    started = FIRST_DAY + timedelta(seconds=seed % 997 * 3607)
    output_tokens = sum(step.get("tokens_out", 0) for step in writer.steps)
    cached = sum(step.get("tokens_cached", 0) for step in writer.steps)
    trajectory = {
        "session_id": dice.uuid(),
        "prompt": prompt,
        "model": MODEL,
        "cwd": "/home/dev/project",
        "repo_sha": dice.letters(HEX, 9),
        "branch": f"agent/{dice.pick(NOUNS)}-{dice.below(900)}",
        "started_at": _stamp(started, 0),
        "ended_at": _stamp(started, writer.clock_ns + NANOSECONDS),
        "steps": [{**step, "timestamp": _stamp(started, step["timestamp"])} for step in writer.steps],
        "result": _result(dice, corpus, writer),
        "usage": {
            "input_tokens": dice.between(10, 6000),
            "output_tokens": output_tokens,
            "cache_read_tokens": cached,
            "cache_creation_tokens": dice.between(5000, 380_000),
            "cost_usd": (cached // 300 + output_tokens * 15) / 1_000_000,
        },
    }
    text = json.dumps(trajectory, ensure_ascii=False, indent=2)
    return Session(name=f"{started:%Y%m%d-%H%M%S}-{dice.pick(NOUNS)}-{steps}.json", content=text.encode())


def _result(dice: Dice, corpus: Corpus, writer: StepWriter) -> Json:
    success = dice.chance(0.6)
    result: Json = {"success": success, "duration_ms": writer.clock_ns // 1_000_000, "num_turns": writer.turns}
    if success:
        result["result_text"] = lines(dice, corpus.prose, dice.between(150, 900))
        result["issues_completed"] = writer.turns // 60
    else:
        result["errors"] = [f"budget of {dice.between(2, 20)} USD is used up"]
    return result


def _stamp(start: datetime, offset_ns: int) -> str:
    """RFC 3339, UTC, with nanoseconds."""
    moment = start + timedelta(seconds=offset_ns // NANOSECONDS)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{offset_ns % NANOSECONDS:09d}Z"
