"""A real session becomes one that can be played: whole, with its delays, without its secrets; or a sentence says why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autoprof_ci import cli
from autoprof_ci.agent_sessions import check_playable, record
from autoprof_ci.agent_sessions.lines import written
from autoprof_ci.errors import ConfigError, DataError
from autoprof_ci.workloads.sessions import make_session
from autoprof_ci.workloads.texts import make_corpus
from tests import golden
from tests.players import INIT, PROMPT, RESULT, jsonl, text

TRAJECTORY = (golden.GOLDEN / "agent/trajectory.json").read_bytes()
HOUR = {"type": "autoprof_delay", "ms": 3_600_000}


def trajectory(**changes: object) -> bytes:
    return json.dumps({**json.loads(TRAJECTORY), **changes}).encode()


def step(**changes: object) -> bytes:
    steps = json.loads(TRAJECTORY)["steps"]
    return trajectory(steps=[{name: value for name, value in {**steps[5], **changes}.items() if value != "-"}])


def refused(content: bytes) -> str:
    with pytest.raises(DataError) as caught:
        record(content, source="s")
    return str(caught.value)


def test_record__trajectory() -> None:
    recorded = record(TRAJECTORY, source="trajectory.json")
    golden.check(Path("agent/trajectory.jsonl"), recorded.content.decode())
    assert (recorded.lines, recorded.tool_calls, recorded.delays_ms, recorded.prompt) == (10, 1, 3900, "Fix xxxx's bug")
    assert recorded.notes == ("steps of type 'subagent' have no line in the agent's protocol: 1 left out",)
    assert recorded.scrubbed == {"names of home folders": 4, "secrets in options": 1}
    check_playable(recorded.content, source="s")


def test_record__gives_the_same_again() -> None:
    once = record(TRAJECTORY, source="s")
    again = record(once.content, source="s")
    assert again.content == once.content == record(TRAJECTORY, source="s").content
    assert (again.delays_ms, again.scrubbed, again.notes) == (once.delays_ms, {}, ())


def test_record__every_step_of_a_long_session_is_a_line() -> None:
    session = make_session(5, 980, make_corpus(5)).content
    steps = json.loads(session)["steps"]
    recorded = record(session, source="s")
    assert recorded.lines == len(steps) + 1
    assert recorded.tool_calls == sum(step["type"] == "tool_call" for step in steps)
    assert abs(len(recorded.content) / len(session) - 1) < 0.35


@pytest.mark.parametrize(
    ("result", "subtype", "field"),
    [
        ({"success": True, "result_text": "done"}, "success", {"result": "done", "is_error": False}),
        ({"success": True}, "success", {"result": "", "is_error": False}),
        ({"success": False, "result_text": "Credit balance is too low"}, "success", {"is_error": True}),
        ({"success": False, "errors": ["API Error: 529"]}, "error_during_execution", {"errors": ["API Error: 529"]}),
        ({"success": False, "errors": ["x", "Reached max turns (3)"]}, "error_max_turns", {"is_error": True}),
        ({"success": False, "errors": ["Budget of 2 USD is used up"]}, "error_max_budget_usd", {}),
        ({"success": False}, "error_during_execution", {"errors": []}),
    ],
)
def test_record__ending_of_a_trajectory(result: dict[str, Any], subtype: str, field: dict[str, Any]) -> None:
    content = record(trajectory(result={"duration_ms": 7, "num_turns": 2, **result}), source="s").content
    last = json.loads(content.splitlines()[-1])
    assert (last["type"], last["subtype"], last["duration_ms"], last["num_turns"]) == ("result", subtype, 7, 2)
    assert field.items() <= last.items()
    assert ("errors" in last) != ("result" in last)


def test_record__trajectory_that_was_cut_off() -> None:
    cut = {name: value for name, value in json.loads(TRAJECTORY).items() if name not in ("result", "ended_at")}
    recorded = record(json.dumps(cut).encode(), source="s")
    assert json.loads(recorded.content.splitlines()[-1])["errors"] == ["the session was cut off"]
    assert recorded.notes[1] == "the session has no result: it was cut off, and now ends with an error that says so"


def test_record__trajectory_without_a_beginning_gets_one() -> None:
    steps = json.loads(TRAJECTORY)["steps"][1:]
    first = json.loads(record(trajectory(steps=steps), source="s").content.splitlines()[0])
    assert (first["subtype"], first["model"], first["tools"]) == ("init", "claude-x", ["Bash"])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "s: is empty."),
        (b" \n\n", "s: is empty."),
        (b"{\n  \"a\": 1,\n  b\n}", "s: line 3: is no JSON (Expecting property name enclosed in double quotes)."),
        (trajectory(steps=[]), "s: steps: is empty: there is nothing to play."),
        (trajectory(steps=[7]), 's: steps[0]: is no object with a "type".'),
        (trajectory(model=7), "s: model: is no text."),
        (trajectory(usage=None), "s: usage: is no object."),
        (trajectory(started_at="today"), "s: started_at: is no time such as 2026-01-05T09:00:00Z."),
        (trajectory(started_at="2026-01-05T09:00:00"), "s: started_at: says no time zone."),
        (trajectory(result={"success": True, "duration_ms": -1, "num_turns": 1}), "s: result.duration_ms: is no whole number of"),
        (trajectory(result={"success": "yes"}), "s: result.success: is neither true nor false."),
        (trajectory(result={"success": False, "errors": [1]}), "s: result.errors: is no list of texts."),
        (step(tool=None), "s: steps[0].tool: is no text."),
        (step(tool_id="-"), "s: steps[0].tool_id: is no text."),
        (step(tokens_in=1.5), "s: steps[0].tokens_in: is no whole number of at least 0."),
        (step(timestamp="-"), "s: steps[0].timestamp: is no text."),
        (jsonl(INIT, text(1)) + b"oops\n" + jsonl(RESULT), "s: line 3: is no JSON (Expecting value at column 1): oops."),
        (jsonl(INIT) + b"[1]\n", "s: line 2: is no JSON object: [1]."),
        (jsonl(INIT) + b'{"type":"result","x":NaN}\n', "s: line 2: is no JSON (NaN is no number)"),
        (jsonl(INIT) + b'{"type":"result","x":1e999}\n', "s: line 2: is no JSON (1e999 is no number)"),
        (jsonl(INIT) + b'{"type":"re\xffsult"}\n', "s: line 2: is not UTF-8."),
        (jsonl(text(1), RESULT), 's: no line is of type "system" and subtype "init", with which an agent begins.'),
        (b"#!/bin/sh\n", "s: line 1: is no JSON (Expecting value at column 1): #!/bin/sh."),
        (b"[" * 100_000, "s: line 1: is no JSON ("),
    ],
)  # fmt: skip
def test_record__says_what_is_wrong(content: bytes, said: str) -> None:
    assert refused(content).startswith(said)


def test_record__lines_stay_as_they_are_where_there_is_no_secret() -> None:
    odd = b'{"type" : "assistant", "x": 1.50, "y": "\\u00e4 \\ud800"}'
    given = b"\xef\xbb\xbf" + jsonl(INIT) + b"\r\n" + odd + b"\r\n" + jsonl(HOUR, RESULT)[:-1]
    assert record(given, source="s").content == jsonl(INIT) + odd + b"\n" + jsonl(HOUR, RESULT)


def test_record__lines_lose_secrets_and_what_the_player_makes_itself() -> None:
    key = "sk-" + "ant-Ab3dEf6hIj9kLm2nOpQr"
    response = {"type": "control_response", "response": {"subtype": "success", "request_id": "1"}}
    recorded = record(jsonl(INIT, response, {"type": "assistant", "é": f"{key}\ud800"}, RESULT, PROMPT), source="s")
    assert recorded.content.splitlines()[1] == '{"type":"assistant","é":"sk-ant-Xx0xXx0xXx0xXx0xXxXx\\ud800"}'.encode()
    assert recorded.lines == 3
    assert recorded.scrubbed == {"Anthropic keys": 1}
    assert recorded.notes == ("1 lines after the last result are left out: nobody would wait for them",)


def test_record__lines_that_were_cut_off_get_an_ending() -> None:
    recorded = record(jsonl(INIT, text(1)), source="s")
    last = json.loads(recorded.content.splitlines()[-1])
    assert (last["type"], last["subtype"], last["session_id"]) == ("result", "error_during_execution", "")
    assert len(recorded.notes) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "s: is empty."),
        (b"not json\n", "s: line 1: is no JSON (Expecting value at column 1): not json."),
        (jsonl(HOUR), "s: has delays and nothing else."),
        (jsonl(text(1), RESULT), 's: has no line of type "system" and subtype "init", with which a session begins.'),
        (jsonl(INIT, text(1)), 's: has no line of type "result": it was cut off before its end.'),
        (jsonl(INIT, RESULT, text(1)), 's: line 3: after the last line of type "result" there is more'),
        (jsonl(INIT, {"type": "control_request"}, RESULT), 's: line 2: "request_id" of a control_request is not a plain text.'),
        (jsonl(INIT, {"type": "control_request", "request_id": 'a"'}, RESULT), "s: line 2: "),
        (jsonl(INIT, {"type": "autoprof_delay", "ms": -1}, RESULT), 's: line 2: "ms" of a delay is not a whole number'),
    ],
)
def test_check_playable__says_what_is_wrong(content: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_playable(content, source="s")
    assert str(caught.value).startswith(said)
    assert caught.value.exit_code == 2


def test_check_playable__takes_hooks_before_the_beginning_and_codex() -> None:
    check_playable(jsonl({"type": "system", "subtype": "hook_started"}, INIT, RESULT), source="s")
    check_playable(jsonl({"type": "thread.started"}, {"type": "turn.completed"}), source="s")


def test_written__is_read_again_as_it_was() -> None:
    message = {"a": 'ä\ud800\\"\n\u2028', "b": [1, 2.5, None, True, 10**20]}
    assert json.loads(written(message)) == message


def test_command__writes_the_session_and_says_what_it_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("fix bug.json").write_bytes(TRAJECTORY)
    assert cli.main(["agent", "record", "fix bug.json"]) == 0
    assert Path("sessions/fix bug.jsonl").read_bytes() == record(TRAJECTORY, source="s").content
    golden.check(Path("agent/command.txt"), capsys.readouterr().out)
    assert cli.main(["agent", "record", "fix bug.json"]) == 2
    assert capsys.readouterr().err == (
        "autoprof-ci: sessions/fix bug.jsonl exists already. Keep it, name another with --out, or overwrite it with --force.\n"
    )
    assert cli.main(["agent", "record", "fix bug.json", "--force", "--out", "sessions/fix bug.jsonl"]) == 0


@pytest.mark.parametrize(("words", "code"), [(["none.json"], 2), (["."], 2), (["broken"], 3)])
def test_command__bad_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], code: int
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("broken").write_bytes(b"{{{")
    assert cli.main(["agent", "record", *words, "--out", "out.jsonl"]) == code
    said = capsys.readouterr().err
    assert said.startswith("autoprof-ci: ")
    assert said.count("\n") == 1
    assert not Path("out.jsonl").exists()
