"""The scripted agent of a workload: put where a program looks for ``claude`` and ``codex``, and left out of what is counted.

Knows what the player wants beside it, and how callgrind is told not to follow it. Knows nothing of sessions.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from autoprof_ci.measure.inputs import agent_session
from autoprof_ci.measure.plan import Plan
from autoprof_ci.model import AgentDelays, Workload

NAMES = ("claude", "codex")
SESSION, WITH_DELAYS = "session.jsonl", "recorded-delays"
"""What the player looks for beside itself: see ``player.c``."""


def stage_agent(plan: Plan, workload: Workload, folder: Path) -> None:
    """The agent and its session in a new folder, to be read and executed by everybody. Without an agent, nothing.

    Copies, not links: what a process is called in a profile is the name of its file.
    """
    session = agent_session(plan, workload)
    if session is None:
        return
    assert plan.player is not None
    folder.mkdir(mode=0o755)
    for name in NAMES:
        shutil.copyfile(plan.player, folder / name)
        (folder / name).chmod(0o755)
    shutil.copyfile(session, folder / SESSION)
    (folder / SESSION).chmod(0o644)
    if workload.agent_delays is AgentDelays.RECORDED:
        (folder / WITH_DELAYS).touch(mode=0o644)


def untraced(folder: Path) -> tuple[str, ...]:
    """Executables that valgrind is not to follow into, as it takes them: patterns of paths, in which a comma would end one."""
    return tuple(f"*/{folder.parent.name}/{folder.name}/{name}" for name in NAMES)
