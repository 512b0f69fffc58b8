"""The scripted agent beside what else could play its part: how long until its first line, and what a whole session costs.

Every figure is the best of many starts, made in turns, so that whatever else the machine does meets all alike.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from autoprof_ci.workloads import default_cache, ensure_data
from autoprof_ci.workloads.agent import ensure_player

STARTS = 200
SESSIONS = 30
SLOWEST_S = 0.002
"""A third of it is usual, and most of that is what any program takes."""
PROMPT = b'{"type":"user","message":{"role":"user","content":"go"}}\n'
IN_PYTHON = "print('{}', flush=True)"


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        session = (ensure_data(default_cache()).path / "agent" / "fix-bug.jsonl").read_bytes()
        agent = Path(shutil.copy(ensure_player(default_cache()), Path(folder) / "claude"))
        (agent.parent / "session.jsonl").write_bytes(session)
        python = os.path.realpath(sys.executable)
        programs = {
            "scripted agent": (str(agent), "--input-format", "stream-json"),
            "an empty program (true)": (shutil.which("true") or "true",),
            "a shell (sh)": ("sh", "-c", "echo {}"),
            "python -I -S": (python, "-I", "-S", "-c", IN_PYTHON),
            "python": (python, "-c", IN_PYTHON),
        }
        first_s = best_of(STARTS, {name: partial(first_line_s, words) for name, words in programs.items()})
        whole_s = best_of(SESSIONS, {"wall": lambda: whole_session(agent, session)[0]})["wall"]
        cpu_s = best_of(SESSIONS, {"cpu": lambda: whole_session(agent, session)[1]})["cpu"]
    print(f"from its start to its first line (of {STARTS} starts in turns, the best; load {os.getloadavg()[0]:.1f}):")
    for name, seconds in first_s.items():
        ratio = seconds / first_s["scripted agent"]
        print(f"  {name:<25} {1000 * seconds:6.2f} ms  {ratio:5.1f} times the agent's")
    print(f"a whole session of {len(session) / 1e6:.1f} MB: {1000 * whole_s:.1f} ms, {1000 * cpu_s:.1f} of processor time")
    return 0 if first_s["scripted agent"] <= SLOWEST_S else 1


def best_of(count: int, timed: dict[str, Callable[[], float]]) -> dict[str, float]:
    best = dict.fromkeys(timed, float("inf"))
    for _ in range(count):
        for name, once in timed.items():
            best[name] = min(best[name], once())
    return best


def first_line_s(words: Sequence[str]) -> float:
    """Until the first byte, or the end of one that says nothing; its own start by `posix_spawn` is in it for all of them."""
    reading, writing = os.pipe()
    begun_s = time.perf_counter()
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=writing, close_fds=False) as process:
        os.close(writing)
        os.read(reading, 1)
        took_s = time.perf_counter() - begun_s
        process.kill()
    os.close(reading)
    return took_s


def whole_session(agent: Path, session: bytes) -> tuple[float, float]:
    """Wall and the agent's processor seconds, to somebody who does nothing but read."""
    begun_s, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([agent], input=PROMPT, capture_output=True, check=True)
    took_s, after = time.perf_counter() - begun_s, resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.stdout == session
    return took_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    sys.exit(main())
