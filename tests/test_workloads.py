"""The input files: the same bytes everywhere, with the mix of real sessions; and the shipped configuration that uses them."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from autoprof_ci import agent_sessions, config
from autoprof_ci.workloads import SHIPPED_CONFIG, DataSet, dataset, ensure_data
from autoprof_ci.workloads.agent_sessions import SCRIPTS, Script
from autoprof_ci.workloads.cache import digest_of
from autoprof_ci.workloads.dice import Dice

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_data(tmp_path_factory.mktemp("cache")).path


@pytest.fixture(scope="module")
def sessions(data: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((data / "sessions").iterdir())]


def steps_of(sessions: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [step for session in sessions for step in session["steps"] if step["type"] == kind]


def test_dice__throws_are_the_same_everywhere() -> None:
    dice = Dice(7)
    assert [dice.below(1000) for _ in range(5)] == [323, 150, 650, 72, 535]
    assert dice.quantile(((0.0, 0), (0.5, 100), (1.0, 1000))) == 73
    assert dice.weighted((("a", 1), ("b", 98), ("c", 1))) == "b"
    assert dice.letters("xyz", 8) == "yxyxxyzx"
    assert dice.uuid() == "3af96f0d-4214-429a-a810-3a65974cb398"


def test_ensure_data__digest_is_the_one_in_the_code(data: Path) -> None:
    assert digest_of(data) == dataset.DIGEST
    assert ensure_data(data.parent) == DataSet(path=data, digest=dataset.DIGEST)


def test_sessions__sizes_are_those_of_real_ones(data: Path) -> None:
    sizes = [path.stat().st_size for path in (data / "sessions").iterdir()]
    assert len(sizes) == 60
    assert 20 * MEBIBYTE < sum(sizes) < 32 * MEBIBYTE
    assert 3_000 < min(sizes) < 12_000
    assert 1_000_000 < max(sizes) < 2_000_000
    small = [path.stat().st_size for path in (data / "sessions-small").iterdir()]
    assert len(small) == 12
    assert 4 * MEBIBYTE < sum(small) < 6 * MEBIBYTE


def test_sessions__mix_of_steps_is_that_of_real_ones(sessions: list[dict[str, Any]]) -> None:
    kinds = Counter(step["type"] for session in sessions for step in session["steps"])
    assert sorted(Counter(len(session["steps"]) for session in sessions)) == sorted(dataset.STEP_LADDER)
    assert {kind: round(count / kinds.total(), 2) for kind, count in kinds.items()} == {
        "system_init": 0.0,
        "thinking": 0.02,
        "assistant": 0.15,
        "tool_call": 0.41,
        "tool_result": 0.41,
    }
    tools = Counter(step["tool"] for step in steps_of(sessions, "tool_call"))
    assert [tool for tool, _ in tools.most_common(5)] == ["Bash", "Read", "TodoWrite", "Edit", "Grep"]


@pytest.mark.parametrize("folder", ["sessions", "sessions-small"])
def test_sessions__no_two_tools_fail_equally_often(data: Path, folder: str) -> None:
    # Autopilot lists tools by their failures, and equal ones in the order of a hash seed: another output at each start.
    failed: Counter[str] = Counter()
    for path in (data / folder).iterdir():
        tools: dict[str, str] = {}
        for step in json.loads(path.read_text(encoding="utf-8"))["steps"]:
            if step["type"] == "tool_call":
                tools[step["tool_id"]] = step["tool"]
            elif step["type"] == "tool_result" and not step["success"]:
                failed[tools[step["tool_id"]]] += 1
    assert len(set(failed.values())) == len(failed) == 4


def test_sessions__most_results_are_short_and_some_very_long(sessions: list[dict[str, Any]]) -> None:
    lengths = sorted(len(step.get("output", "")) for step in steps_of(sessions, "tool_result"))
    assert 300 < statistics.median(lengths) < 600
    assert sum(length < 2_000 for length in lengths) / len(lengths) > 0.7
    assert 40_000 < lengths[-1] < 62_000


def test_sessions__every_call_has_its_result_in_order(sessions: list[dict[str, Any]]) -> None:
    for session in sessions:
        called = [step["tool_id"] for step in session["steps"] if step["type"] == "tool_call"]
        answered = [step["tool_id"] for step in session["steps"] if step["type"] == "tool_result"]
        stamps = [step["timestamp"] for step in session["steps"]]
        assert called == answered
        assert len(set(called)) == len(called)
        assert stamps == sorted(stamps)
        assert session["started_at"] <= stamps[0]
        assert stamps[-1] <= session["ended_at"]
        assert [step["step_id"] for step in session["steps"]] == list(range(1, len(stamps) + 1))


def test_sessions__hold_what_makes_a_parser_work(data: Path, sessions: list[dict[str, Any]]) -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (data / "sessions-small").iterdir())
    assert min(text.count(escape) for escape in ('\\"', "\\n", "\\t")) > 1_000
    assert sum(not letter.isascii() for letter in text) > 10_000
    commands = [step["input"]["command"] for step in steps_of(sessions, "tool_call") if step["tool"] == "Bash"]
    assert sum("--token " in command for command in commands) > 100
    assert text.count("gh" + "p_") > 2


def test_issues__numbered_with_the_words_autopilot_knows(data: Path) -> None:
    issues = json.loads((data / "issues/backlog.json").read_text(encoding="utf-8"))
    assert [issue["number"] for issue in issues] == list(range(1, 2001))
    assert len({issue["id"] for issue in issues}) == 2000
    assert {issue["status"] for issue in issues} == {"open", "inprogress", "done"}
    assert {issue["priority"] for issue in issues} == {"urgent", "high", "medium", "low"}
    assert {issue["issue_type"] for issue in issues} == {"task", "bug", "feature"}
    assert all((issue["completed_at"] is not None) == (issue["status"] == "done") for issue in issues)
    assert len(json.loads((data / "issues/backlog-small.json").read_text(encoding="utf-8"))) == 300


def spoken(data: Path, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (data / f"agent/{name}.jsonl").read_bytes().splitlines()]


def blocks_of(messages: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    spoken = [block for message in messages if "message" in message for block in message["message"]["content"]]
    return [block for block in spoken if block["type"] == kind]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_agent_sessions__begin_end_and_answer_every_call_in_order(data: Path, script: Script) -> None:
    messages = spoken(data, script.name)
    kinds = Counter(message["type"] for message in messages)
    assert kinds.total() - kinds["control_request"] == script.lines
    assert [message["type"] for message in (messages[0], messages[-1])] == ["system", "result"]
    assert kinds["system"] == kinds["result"] == 1
    signed = [message for message in messages if message["type"] != "control_request"]
    assert len({message["session_id"] for message in signed}) == 1
    assert len({message["uuid"] for message in signed}) == len(signed)
    called = [block["id"] for block in blocks_of(messages, "tool_use")]
    assert called == [block["tool_use_id"] for block in blocks_of(messages, "tool_result")]
    assert len(set(called)) == len(called) > 3


def test_agent_sessions__the_long_one_is_as_long_as_a_real_one(data: Path) -> None:
    messages = spoken(data, "fix-bug")
    assert [len(blocks_of(messages, kind)) for kind in ("tool_use", "tool_result", "text")] == [405, 405, 168]
    assert (data / "agent/fix-bug.jsonl").stat().st_size == pytest.approx(1.7e6, rel=0.05)


def test_agent_sessions__end_as_they_are_called(data: Path) -> None:
    ends = {script.name: spoken(data, script.name)[-1] for script in SCRIPTS}
    assert {name: end["subtype"] for name, end in ends.items() if end["is_error"]} == {
        "failing": "error_during_execution",
        "max-turns": "error_max_turns",
    }
    assert all(("errors" in end) == end["is_error"] != ("result" in end) for end in ends.values())


def test_agent_sessions__hold_what_they_are_called_for(data: Path) -> None:
    large = [len(block["content"]) for block in blocks_of(spoken(data, "large-results"), "tool_result")]
    assert statistics.median(large) > 55_000
    shown = (data / "agent/secrets.jsonl").read_text(encoding="utf-8")
    assert min(shown.count(part) for part in ("gh" + "p_", "sk-" + "ant-", "AK" + "IA", "nsec1", "Bearer ", "postgres://")) > 3
    permissions = spoken(data, "permissions")
    asked = [message for message in permissions if message["type"] == "control_request"]
    called = [block["id"] for block in blocks_of(permissions, "tool_use")]
    assert [message["request"]["tool_use_id"] for message in asked] == called
    assert len({message["request_id"] for message in asked}) == len(asked)
    assert all("control_request" not in line["type"] for name in ("fix-bug", "secrets") for line in spoken(data, name))


def test_shipped_config__reads_existing_data_and_names_each_thing_once(data: Path) -> None:
    shipped = config.parse(SHIPPED_CONFIG, source="autopilot.toml")
    names = [workload.name for workload in shipped.workloads]
    groups = [group.name for group in shipped.policy.groups]
    assert names == ["analyze-sessions", "replay", "compare", "issue-import", "run-fix-bug", "run-secrets"]
    assert groups == ["Tool execution", "Regex matching", "JSON serialization", "Database", "Network I/O", "Memory"]
    for workload in shipped.workloads:
        for argument in (*workload.command, *(workload.instructions_command or ())):
            if argument.startswith("{data}"):
                assert Path(argument.replace("{data}", str(data))).exists()
        if workload.agent is not None:
            session = Path(workload.agent.replace("{data}", str(data))).read_bytes()
            agent_sessions.check_playable(session, source=workload.name)
    patterns = [pattern for group in shipped.policy.groups for pattern in group.match]
    assert len(set(patterns)) == len(patterns)
