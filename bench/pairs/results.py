"""Scores as JSON lines: a run that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from bench.pairs.scoring import RedRow, Score, Truth


def append(path: Path, programs: str, scored: Score) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps({"programs": programs, **asdict(scored)}) + "\n")


def read(path: Path) -> dict[str, Score]:
    """Identity of a pair's programs -> its score; none where there is no file.

    A line that was cut off by an interruption is measured again."""
    if not path.exists():
        return {}
    found: dict[str, Score] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            document = json.loads(line)
        except json.JSONDecodeError:
            continue
        programs = document.pop("programs")
        found[programs] = _score(document)
    return found


def _score(document: dict[str, object]) -> Score:
    fields: dict[str, object] = dict(document)
    rows = fields["rows"]
    truth = fields["truth"]
    assert isinstance(rows, list) and isinstance(truth, dict)
    fields["rows"] = tuple(RedRow(subject=row["subject"], cause=row["cause"], reasons=tuple(row["reasons"])) for row in rows)
    fields["truth"] = Truth(**truth)
    for name in ("warnings", "others"):
        listed = fields[name]
        assert isinstance(listed, list)
        fields[name] = tuple(listed)
    return Score(**fields)  # type: ignore[arg-type]
