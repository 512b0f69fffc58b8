"""The sample program's `run`: what it says to an agent, what it keeps of a session, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from autoprof_ci import config
from autoprof_ci.measure.callgrind_file import read_callgrind
from autoprof_ci.measure.callgrind_table import InstructionsRepeat, fold
from autoprof_ci.model import BINARY_DSO, Function
from autoprof_ci.patterns import matcher
from autoprof_ci.workloads import SHIPPED_CONFIG, ensure_data
from autoprof_ci.workloads.agent_sessions import SCRIPTS, Ending, Script
from tests.players import installed
from tests.sample import Variant, program
from tests.test_sample import UNGROUPED

pytestmark = pytest.mark.needs("cargo")

PLAYER = """\
import json, os, pathlib, sys

log = pathlib.Path(os.environ["AGENT_LOG"]).open("a")
session = pathlib.Path(os.environ["AGENT_SESSION"]).read_bytes().splitlines(keepends=True)

def hear():
    line = sys.stdin.readline()
    log.write(line)
    log.flush()
    return line

log.write(json.dumps(sys.argv[1:]) + "\\n")
if "first" in os.environ.get("AGENT_HEARS", "first"):
    hear()
while True:
    for line in session:
        sys.stdout.buffer.write(line)
        if b'"control_request"' in line[:40]:
            sys.stdout.flush()
            hear()
    sys.stdout.flush()
    if os.environ.get("AGENT_ENDS") == "after a session" or not hear():
        sys.exit(int(os.environ.get("AGENT_EXIT", "0")))
"""
"""An agent that plays the lines of a file, again for every further prompt, and writes down its arguments and what it hears."""


class Place:
    """A working folder with an empty home and an agent on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "heard.jsonl"
        (folder / "home").mkdir()
        (folder / "bin").mkdir()
        (folder / "player.py").write_text(PLAYER)
        self.agent("claude", f'exec /usr/bin/env python3 {folder}/player.py "$@"')
        self.environment = {
            "HOME": str(folder / "home"),
            "PATH": f"{folder}/bin:{os.environ['PATH']}",
            "AGENT_LOG": str(self.log),
        }

    def agent(self, name: str, script: str) -> None:
        (self.folder / "bin" / name).write_text(f"#!/bin/sh\n{script}\n")
        (self.folder / "bin" / name).chmod(0o755)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [str(program(Variant.PLAIN)), "run", *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        running = self.start(*arguments)
        try:
            stdout, stderr = running.communicate(timeout=60)
        finally:
            running.kill()
        return running.returncode, stdout, stderr

    def play(self, session: Path | str) -> None:
        path = session if isinstance(session, Path) else self.folder / "session.jsonl"
        if isinstance(session, str):
            path.write_text(session)
        self.environment["AGENT_SESSION"] = str(path)

    def heard(self) -> list[Any]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def recorded(self) -> list[Path]:
        return sorted((self.folder / "docs/logs").glob("*/*.json"))

    def rows(self, query: str) -> list[Any]:
        with closing(sqlite3.connect(self.folder / "autopilot-metrics.db")) as database:
            return database.execute(query).fetchall()


@pytest.fixture
def place(memory_path: Path) -> Place:
    return Place(memory_path)


@pytest.fixture(scope="module")
def sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_data(tmp_path_factory.mktemp("cache")).path / "agent"


INIT = '{"type": "system", "subtype": "init", "model": "opus", "session_id": "s1"}\n'
TEXT = '{"type": "assistant", "message": {"content": [{"type": "text", "text": "I see"}]}}\n'
SUCCESS = '{"type": "result", "subtype": "success", "is_error": false, "num_turns": 1, "result": "done"}\n'


def test_run__long_session_is_recorded_whole(place: Place, sessions: Path) -> None:
    place.play(sessions / "fix-bug.jsonl")
    code, stdout, stderr = place.run("Fix the bug!", "--model", "opus", "--max-turns", "7")
    (recorded,) = place.recorded()
    assert (code, stdout) == (0, "Session success: 979 total, 405 tool calls, $2.1167\n")
    assert stderr == f"Recorded in {recorded.relative_to(place.folder)}\n"
    trajectory = json.loads(recorded.read_text(encoding="utf-8"))
    said = [json.loads(line) for line in (sessions / "fix-bug.jsonl").read_bytes().splitlines()]
    kinds = Counter(step["type"] for step in trajectory["steps"])
    assert kinds == {"system_init": 1, "assistant": 168, "tool_call": 405, "tool_result": 405}
    calls = [block for line in said for block in line.get("message", {}).get("content", []) if block["type"] == "tool_use"]
    assert [step["input"] for step in trajectory["steps"] if step["type"] == "tool_call"] == [call["input"] for call in calls]
    assert [step["step_id"] for step in trajectory["steps"]] == list(range(1, 980))
    assert (trajectory["session_id"], trajectory["prompt"]) == (said[0]["session_id"], "Fix the bug!")
    assert (trajectory["result"]["success"], trajectory["usage"]["cost_usd"]) == (True, said[-1]["total_cost_usd"])
    assert place.rows("SELECT status, steps, tool_calls, turns FROM sessions") == [("success", 979, 405, said[-1]["num_turns"])]
    assert place.rows("SELECT count(*) FROM tool_calls") == [(405,)]
    assert list((place.folder / "home/.autopilot").iterdir()) == []


@pytest.mark.needs("cc")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_run__scripted_agent_is_heard_out(place: Place, sessions: Path, script: Script) -> None:
    installed(place.folder / "bin", (sessions / f"{script.name}.jsonl").read_bytes())
    code, stdout, _ = place.run("go")
    assert code == (0 if script.ending is Ending.SUCCESS else 1)
    assert stdout.startswith(f"Session {script.ending.value}: {script.lines - 1} total, ")


def test_run__agent_gets_the_arguments_and_one_prompt(place: Place) -> None:
    place.play(INIT + SUCCESS)
    place.run("Say\nhello", "--model", "opus", "--max-turns", "7")
    arguments, prompt, *more = place.heard()
    assert " ".join(arguments) == (
        "--output-format stream-json --input-format stream-json --verbose --permission-prompt-tool stdio --model opus "
        "--dangerously-skip-permissions --max-turns 7 --setting-sources project,user"
    )
    message = {"role": "user", "content": "Say\nhello"}
    assert prompt == {"type": "user", "message": message, "parent_tool_use_id": None, "session_id": ""}
    assert more == []


def test_run__log_has_a_line_a_step_and_no_secret(place: Place, sessions: Path) -> None:
    place.play(sessions / "secrets.jsonl")
    assert place.run("go", "--output-dir", "out", "--slug", "A/b")[0] == 0
    json_file, log_file = sorted((place.folder / "out").iterdir())
    assert [re.sub(r"^\d{6}", "", file.name) for file in (json_file, log_file)] == ["-a-b.json", "-a-b.rlog"]
    log = log_file.read_text(encoding="utf-8")
    steps = [line for line in log.splitlines() if re.match(r"\d\d:\d\d:\d\d\.\d{3} (INIT|ASSISTANT|CALL|OK|FAILED) ", line)]
    assert len(steps) == 239
    secret = re.compile(r"gh[p]_\w{36}|sk-[a]nt-\w{40}|AK[I]A\w{16}|nsec1\w{58}|xox[b]-\d{12}")
    assert secret.search(json_file.read_text(encoding="utf-8"))
    assert secret.search(log) is None
    assert log.count("[redacted ") > 100


def test_run__questions_of_the_agent_are_answered(place: Place, sessions: Path) -> None:
    place.play(sessions / "permissions.jsonl")
    assert place.run("go")[:2] == (0, "Session success: 119 total, 42 tool calls, $0.2786\n")
    asked = [json.loads(line) for line in (sessions / "permissions.jsonl").read_bytes().splitlines()]
    assert place.heard()[2:] == [
        {
            "type": "control_response",
            "response": {
                "subtype": "success",
                "request_id": line["request_id"],
                "response": {"behavior": "allow", "updatedInput": line["request"]["input"]},
            },
        }
        for line in asked
        if line["type"] == "control_request"
    ]


@pytest.mark.parametrize(
    ("session", "status", "sentence"),
    [
        ("failing", "error_during_execution", "the agent gave up: API Error: 529 overloaded_error, after 10 attempts"),
        ("max-turns", "error_max_turns", "the agent used up its 67 turns: raise --max-turns, or ask for less"),
    ],
)
def test_run__session_that_fails_is_recorded_and_told(
    place: Place, sessions: Path, session: str, status: str, sentence: str
) -> None:
    place.play(sessions / f"{session}.jsonl")
    code, stdout, stderr = place.run("go")
    assert (code, stdout.split(":")[0], stderr.splitlines()[-1]) == (1, f"Session {status}", f"Error: {sentence}")
    assert json.loads(place.recorded()[0].read_text(encoding="utf-8"))["result"]["success"] is False
    assert place.rows("SELECT status FROM sessions") == [(status,)]


def test_run__agent_that_ends_early(place: Place) -> None:
    place.agent("claude", f"read line; echo '{INIT.strip()}'; echo '{TEXT.strip()}'; exit 3")
    code, stdout, stderr = place.run("go")
    assert (code, stdout) == (1, "Session no_result: 2 total, 0 tool calls, $0.0000\n")
    assert stderr.splitlines()[-1] == "Error: the agent ended before it gave a result (exit status: 3)"
    assert len(json.loads(place.recorded()[0].read_text())["steps"]) == 2


def test_run__unknown_lines_are_a_warning(place: Place) -> None:
    place.play(INIT + '{"type": "news"}\nhello\n' + TEXT + SUCCESS)
    code, stdout, stderr = place.run("go")
    assert (code, stdout) == (0, "Session success: 2 total, 0 tool calls, $0.0000\n")
    warnings = [line for line in stderr.splitlines() if line.startswith("warning: the agent said what is no message: ")]
    assert [line.rsplit(": ", 1)[-1] for line in warnings] == ['"news"}', "hello"]


def test_run__no_agent(place: Place) -> None:
    place.environment["PATH"] = "/nowhere"
    assert place.run("go") == (
        1,
        "",
        'Error: no agent: there is no executable "claude" on PATH, in ~/.claude/local or in ~/.local/bin. '
        "Install it, or choose another with --agent\n",
    )
    assert place.recorded() == []


def test_run__dry_starts_nothing(place: Place) -> None:
    place.agent("codex", "exit 1")
    code, stdout, _ = place.run("go", "--agent", "codex", "--dry-run", "--max-budget", "2.5", "--cwd", "home")
    assert code == 0
    assert stdout.startswith(f"Would start {place.folder}/bin/codex --output-format stream-json ")
    assert " --max-budget-usd 2.5 " in stdout
    assert stdout.endswith(f"\nin {place.folder}/home\n")
    assert place.recorded() == []


@pytest.mark.parametrize("hears", ["first", "later"])
def test_run__never_hangs_whoever_speaks_first(place: Place, hears: str) -> None:
    # The first line comes after a prompt that does not fit into a pipe has been read, or long before it is.
    place.environment["AGENT_HEARS"] = hears
    place.play(INIT + TEXT * 4000 + SUCCESS)
    for _ in range(5):
        assert place.run("x" * 100_000)[0] == 0


def test_run__issues_are_claimed_and_done(place: Place) -> None:
    place.play(INIT + SUCCESS)
    issue = [str(program(Variant.PLAIN)), "issue"]
    create = [*issue, "create", "Crash on start", "-d", "It crashes.", "--db", "issues.db"]
    subprocess.run(create, cwd=place.folder, check=True, capture_output=True)
    assert place.run("Work.", "--with-issues", "--issues-db", "issues.db")[0] == 0
    assert place.heard()[1]["message"]["content"] == "Work.\n\nIssue #1: Crash on start\n\nIt crashes."
    assert json.loads(place.recorded()[0].read_text())["result"]["issues_completed"] == 1
    listing = [*issue, "list", "--db", "issues.db"]
    listed = subprocess.run(listing, cwd=place.folder, capture_output=True, text=True, check=True)
    assert listed.stdout.splitlines()[1].split()[:2] == ["1", "done"]


@pytest.mark.parametrize("ends", ["after a session", "when nobody speaks"])
def test_run__full_auto_prompts_again_until_stopped(place: Place, ends: str) -> None:
    place.environment["AGENT_ENDS"] = ends
    place.play(INIT + TEXT + SUCCESS)
    running = place.start("--full-auto", "go")
    wait_until(lambda: len(place.recorded()) >= 4)
    # Long enough to be somewhere between two sessions, if that is where it spends its time.
    time.sleep(0.3)
    running.send_signal(signal.SIGTERM)
    try:
        assert running.wait(timeout=10) == 143
    finally:
        running.kill()
    statuses = [status for (status,) in place.rows("SELECT status FROM sessions")]
    assert statuses[:4] == ["success"] * 4
    prompts = [line["message"]["content"] for line in place.heard() if isinstance(line, dict) and line["type"] == "user"]
    assert set(prompts) == {"go"}


def test_run__stopped_session_is_recorded(place: Place) -> None:
    script = f"read a; echo '{INIT.strip()}'; echo '{TEXT.strip()}'; read b; echo \"$b\" > asked; exec sleep 60"
    place.agent("claude", script)
    running = place.start("go")
    wait_until(lambda: any(file.stat().st_size > 120 for file in (place.folder / "docs").rglob("*.rlog")))
    running.send_signal(signal.SIGINT)
    stdout, stderr = running.communicate(timeout=30)
    assert (running.returncode, stdout) == (130, "Session stopped: 2 total, 0 tool calls, $0.0000\n")
    assert stderr.splitlines()[-1] == "Error: stopped by signal 2"
    assert json.loads((place.folder / "asked").read_text())["request"] == {"subtype": "interrupt"}


def test_run__one_at_a_time_and_after_a_killed_one(place: Place) -> None:
    place.agent("claude", "read a; exec sleep 60")
    lock = place.folder / "home/.autopilot/run.lock"
    first = place.start("go")
    wait_until(lambda: lock.exists() and lock.read_text() == str(first.pid))
    assert place.run("go") == (
        1,
        "",
        f"Error: another run is going on (process {first.pid}): wait for it, or stop it\n",
    )
    first.kill()
    first.wait()  # what it said is of no interest, and its agent has not left the pipes
    place.agent("claude", f"read a; echo '{SUCCESS.strip()}'")
    code, _, stderr = place.run("go")
    assert (code, stderr.splitlines()[0]) == (
        0,
        f"warning: the run of process {first.pid} was killed; its lock is taken over",
    )


def count_instructions(variant: Variant, place: Place) -> InstructionsRepeat:
    binary, out = program(variant), place.folder / f"{variant.name}.callgrind"
    command = ["valgrind", "--tool=callgrind", "--separate-recs=2", f"--callgrind-out-file={out}", str(binary), "run", "go"]
    subprocess.run(command, cwd=place.folder, env=place.environment, capture_output=True, check=True, timeout=300)
    return fold([read_callgrind(out.read_bytes(), out.name)], {str(binary): BINARY_DSO}, 1)


@pytest.mark.needs("cc", "valgrind")
def test_run__what_is_hot_is_in_a_group(place: Place, sessions: Path) -> None:
    installed(place.folder / "bin", (sessions / "fix-bug.jsonl").read_bytes())
    costs = count_instructions(Variant.PLAIN, place).self_costs
    total = sum(costs.values())
    groups = [(group.name, matcher(group.match)) for group in config.parse(SHIPPED_CONFIG, source="shipped").policy.groups]
    shares: Counter[str] = Counter()
    strays = set()
    for function, cost in costs.items():
        group = next((name for name, matches in groups if matches(function.name)), "none")
        shares[group] += round(1_000_000 * cost / total)
        if group == "none" and cost > 0.01 * total and not UNGROUPED(function.name):
            strays.add(function.name)
    assert strays == set()
    assert shares.pop("none") < 200_000
    large = {name for name, share in shares.items() if share > 20_000}
    assert large == {"JSON serialization", "Regex matching", "Memory", "Database"}


@pytest.mark.needs("cc", "valgrind")
def test_run__slow_variant_is_slower(place: Place, sessions: Path) -> None:
    installed(place.folder / "bin", (sessions / "fix-bug.jsonl").read_bytes())
    counted = [count_instructions(variant, place) for variant in Variant]
    totals = [sum(repeat.self_costs.values()) for repeat in counted]
    slow = Function("autopilot::redact::redact_command", BINARY_DSO)
    assert [repeat.calls[slow] for repeat in counted] == [100, 100]
    caused = [repeat.inclusive[slow] for repeat in counted]
    assert totals[1] / totals[0] > 1.05
    assert caused[1] - caused[0] == pytest.approx(totals[1] - totals[0], rel=0.05)


def wait_until(condition: Any, limit_s: float = 30) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
