"""The export file of an issue database, as ``autopilot issue export`` writes and ``issue import`` reads it. Writes no file."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from autoprof_ci.workloads.dice import HEX, Dice
from autoprof_ci.workloads.texts import Corpus, lines

FIRST_DAY = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
STATES = (("open", 50), ("inprogress", 8), ("done", 42))
PRIORITIES = (("urgent", 5), ("high", 25), ("medium", 50), ("low", 20))
KINDS = (("task", 60), ("bug", 25), ("feature", 15))
DESCRIPTION_LENGTH = ((0.0, 80), (0.5, 500), (0.9, 1600), (1.0, 4000))


def make_issues(seed: int, count: int, corpus: Corpus) -> bytes:
    """`count` issues, numbered from 1, as UTF-8 JSON."""
    dice = Dice(seed)
    issues = [_issue(number, dice, corpus) for number in range(1, count + 1)]
    return json.dumps(issues, ensure_ascii=False, indent=2).encode()


def _issue(number: int, dice: Dice, corpus: Corpus) -> dict[str, Any]:
    created = FIRST_DAY + timedelta(seconds=number * 811)
    updated = created + timedelta(seconds=dice.between(60, 900_000))
    state = dice.weighted(STATES)
    blocked = state == "open" and dice.chance(0.07)
    claimed = state == "inprogress"
    return {
        "id": dice.uuid(),
        "number": number,
        "title": lines(dice, corpus.prose, dice.between(20, 90)).replace("\n", " "),
        "description": lines(dice, corpus.prose, dice.quantile(DESCRIPTION_LENGTH)) if dice.chance(0.9) else None,
        "status": state,
        "priority": dice.weighted(PRIORITIES),
        "issue_type": dice.weighted(KINDS),
        "agent": "claude" if dice.chance(0.8) else "codex",
        "directive_id": None,
        "is_blocked": blocked,
        "blocked_reason": lines(dice, corpus.prose, 60) if blocked else None,
        "claimed_by": f"run-{dice.letters(HEX, 8)}" if claimed else None,
        "claimed_at": _stamp(updated, dice) if claimed else None,
        "created_at": _stamp(created, dice),
        "updated_at": _stamp(updated, dice),
        "completed_at": _stamp(updated, dice) if state == "done" else None,
    }


def _stamp(moment: datetime, dice: Dice) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{dice.below(1_000_000_000):09d}Z"
