"""The input files of the shipped workloads: which there are, and what they must be.

What is in them is known to `sessions`, `agent_sessions` and `issues`, where they are kept to `cache`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoprof_ci.workloads.agent_sessions import SCRIPTS, make_script
from autoprof_ci.workloads.cache import Recipe, kept
from autoprof_ci.workloads.issues import make_issues
from autoprof_ci.workloads.sessions import make_session
from autoprof_ci.workloads.texts import make_corpus

# It changes when, and only when, a generator is changed on purpose; the error then says what it has become.
DIGEST = "c35f7af02f4d75746e3a6d60ee51f549e20a8526264594d22a0fc4c9b2da05fc"

SEED = 20260105
# Steps of a dozen sessions, spread as those of real ones are.
STEP_LADDER = (8, 12, 20, 73, 78, 80, 126, 255, 372, 575, 684, 980)
LADDERS_IN_FULL = 5
ISSUES_IN_FULL = 2000
ISSUES_IN_SMALL = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """The folder that ``{data}`` stands for, and the SHA-256 of what is in it."""

    path: Path
    digest: str


def ensure_data(cache: Path) -> DataSet:
    """The input files, below `cache`; made (about 2 s, 40 MB) where they are missing or not what they should be.

    Raises `DataError` where they cannot be written.
    """
    return DataSet(path=kept(cache, Recipe(write=write_files, digest=DIGEST)), digest=DIGEST)


def write_files(folder: Path) -> None:
    """Writes all input files below the empty `folder`."""
    corpus = make_corpus(SEED)
    for name in ("sessions", "sessions-small", "issues", "agent"):
        (folder / name).mkdir()
    for ladder in range(LADDERS_IN_FULL):
        for place, steps in enumerate(STEP_LADDER):
            session = make_session(SEED + ladder * 100 + place, steps, corpus)
            (folder / "sessions" / session.name).write_bytes(session.content)
            if ladder == 0:
                (folder / "sessions-small" / session.name).write_bytes(session.content)
            # Two long ones again, under names a command line can hold.
            if steps == max(STEP_LADDER) and ladder < 2:
                (folder / f"session-{'ab'[ladder]}.json").write_bytes(session.content)
    (folder / "issues" / "backlog.json").write_bytes(make_issues(SEED, ISSUES_IN_FULL, corpus))
    (folder / "issues" / "backlog-small.json").write_bytes(make_issues(SEED + 1, ISSUES_IN_SMALL, corpus))
    for script in SCRIPTS:
        (folder / "agent" / f"{script.name}.jsonl").write_bytes(make_script(script, corpus))
