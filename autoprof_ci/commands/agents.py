"""The command ``agent``: recorded sessions made of real ones; and for workloads that play one: is it playable, and by what."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from autoprof_ci import agent_sessions
from autoprof_ci.agent_sessions import Recorded
from autoprof_ci.commands import files
from autoprof_ci.errors import UsageError
from autoprof_ci.measure.inputs import agent_session
from autoprof_ci.measure.plan import Plan
from autoprof_ci.workloads.agent import ensure_player

FOLDER = Path("sessions")
LONGEST_PROMPT = 60
NOTHING_FOUND = "no secret was found: read it all the same before you publish it"


def agent(options: argparse.Namespace) -> int:
    """Make a session that can be played of a real one, and say what was taken out of it."""
    source = Path(options.file)
    out = Path(options.out) if options.out else FOLDER / f"{source.stem}.jsonl"
    if out.exists() and not options.force:
        raise UsageError(f"{out} exists already", "Keep it, name another with --out, or overwrite it with --force")
    recorded = agent_sessions.record(files.read(source, "the session"), source=str(source))
    files.write(out, recorded.content)
    for line in _told(out, recorded):
        print(line)  # noqa: T201
    return 0


def with_player(plan: Plan, cache: Callable[[], Path]) -> Plan:
    """The plan with what plays its sessions, where it has any. Raises `ConfigError` for a session that cannot be played."""
    played = False
    for workload in plan.workloads:
        path = agent_session(plan, workload)
        if path is not None:
            name = f"workload {workload.name!r}, agent: {workload.agent}"
            agent_sessions.check_playable(files.read(path, "the session"), source=name)
            played = True
    return replace(plan, player=ensure_player(cache())) if played else plan


def _told(out: Path, recorded: Recorded) -> list[str]:
    size = f"{len(recorded.content) / 1e6:.1f} MB" if len(recorded.content) >= 100_000 else f"{len(recorded.content):,} bytes"
    calls = f"{recorded.tool_calls} tool call{'' if recorded.tool_calls == 1 else 's'}"
    told = [f"wrote {out}: {recorded.lines} lines, {size}, {calls}, {_delays(recorded.delays_ms)}"]
    told += [f"note: {note}" for note in recorded.notes]
    if recorded.scrubbed:
        told.append("taken out, each replaced by as many letters of its kind:")
        told += [f"  {count:>6}  {kind}" for kind, count in recorded.scrubbed.items()]
        told.append("Read it before you publish it: what looks like nothing known is not found.")
    else:
        told.append(NOTHING_FOUND)
    return [*told, "", "For autoprof.toml:", "", *_workload(out, recorded)]


def _delays(delays_ms: int) -> str:
    if not delays_ms:
        return "no delays"
    seconds = delays_ms / 1000
    return f"{seconds:.3g} s of delays" if seconds < 120 else f"{seconds / 60:.0f} minutes of delays"


def _workload(out: Path, recorded: Recorded) -> list[str]:
    prompt = (recorded.prompt or "").strip()
    fits = prompt and len(prompt) <= LONGEST_PROMPT and prompt.isprintable() and not set(prompt) & set('"\\{}')
    return [
        "[[workload]]",
        f'name = "run-{_name(out.stem)}"',
        f'command = ["{{binary}}", "run", "{prompt if fits else "PROMPT"}"]',
        f'agent = "{out.as_posix()}"',
    ]


def _name(stem: str) -> str:
    return "".join(letter if letter.isascii() and (letter.isalnum() or letter in "._-") else "-" for letter in stem)[:60]
