"""The scripted agent, as a real process: the protocol, and a caller that is slow, rude or gone."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from autoprof_ci.workloads.agent.building import SOURCE
from tests.players import (
    INIT,
    OPTIONS,
    PROMPT,
    RESULT,
    Talk,
    installed,
    jsonl,
    now_s,
    played,
    silent_for,
    text,
)

pytestmark = pytest.mark.needs("cc")

SESSION = jsonl(INIT, text(1), text(2), RESULT)


def request(request_id: object, **more: object) -> dict[str, Any]:
    return {"type": "control_request", "request_id": request_id, "request": {"subtype": "initialize", **more}}


def answer(request_id: object) -> dict[str, Any]:
    return {"type": "control_response", "response": {"subtype": "success", "request_id": request_id, "response": {}}}


def asking(request_id: str) -> dict[str, Any]:
    return {"type": "control_request", "request_id": request_id, "request": {"subtype": "can_use_tool", "tool_name": "Bash"}}


def test_player__begins_before_it_is_told_anything_and_plays_when_it_is(tmp_path: Path) -> None:
    with Talk(installed(tmp_path, SESSION)) as talk:
        assert talk.line() == INIT
        assert silent_for(talk, 0.3)
        talk.say(PROMPT)
        assert talk.rest() == jsonl(text(1), text(2), RESULT)
        assert talk.end() == (0, b"")


def test_player__prints_a_session_byte_for_byte_and_every_time_the_same(tmp_path: Path) -> None:
    odd = b'{"a" : 1.50 , "type":"assistant"}\n{"type":"unheard-of","x":"\\u00e4\\"}{"}\n'
    session = jsonl(INIT) + odd + jsonl(*(text(number, 60_000) for number in range(20)), RESULT)
    program = installed(tmp_path, session)
    assert {played(program) for _ in range(20)} == {session}


@pytest.mark.parametrize("prompt", [b"", b"some words", jsonl(PROMPT)[:-1]], ids=["nothing", "text", "unended-line"])
def test_player__plays_to_a_caller_that_hangs_up(tmp_path: Path, prompt: bytes) -> None:
    with Talk(installed(tmp_path, SESSION)) as talk:
        talk.write(prompt)
        talk.hang_up()
        assert talk.rest() == SESSION
        assert talk.end() == (0, b"")


@pytest.mark.parametrize("request_id", ["req_1", 'with "quotes" and \\', 7, "7"])
def test_player__answers_a_request_before_the_prompt(tmp_path: Path, request_id: object) -> None:
    with Talk(installed(tmp_path, SESSION)) as talk:
        assert talk.line() == INIT
        talk.say(request(request_id, nested={"request_id": "not this", "type": "user"}))
        assert talk.line() == answer(request_id)
        assert silent_for(talk, 0.2)
        talk.say(PROMPT)
        assert talk.rest() == jsonl(text(1), text(2), RESULT)


def test_player__finds_the_fields_of_a_request_in_any_order(tmp_path: Path) -> None:
    with Talk(installed(tmp_path, SESSION)) as talk:
        assert talk.line() == INIT
        talk.write(
            b'  {"request" : {"type":"user","list":[{"request_id":"no"}]}, "request_id" : "a" , "type" :\t"control_request"}\r\n'
        )
        assert talk.line() == answer("a")


def test_player__answers_in_the_middle_of_a_long_session_between_two_lines(tmp_path: Path) -> None:
    session = [text(number, 50_000) for number in range(40)]
    with Talk(installed(tmp_path, jsonl(INIT, *session, RESULT))) as talk:
        talk.say(PROMPT)
        assert talk.line() == INIT
        assert talk.line() == session[0]
        talk.say(request("a"), request("b"))
        lines = [json.loads(line) for line in talk.rest().splitlines()]
    asked = [line["response"]["request_id"] for line in lines if line["type"] == "control_response"]
    assert asked == ["a", "b"]
    assert [line for line in lines if line["type"] != "control_response"] == [*session[1:], RESULT]
    assert lines.index(answer("a")) < len(lines) - 3


def test_player__answers_what_came_too_late(tmp_path: Path) -> None:
    session = jsonl(INIT, RESULT)
    program = installed(tmp_path, session[:-1])
    with Talk(program) as talk:
        talk.say(PROMPT, request("late"))
        lines = [json.loads(line) for line in talk.rest().splitlines()]
    assert sorted(line["type"] for line in lines) == ["control_response", "result", "system"]


def test_player__waits_for_the_answer_to_its_own_request(tmp_path: Path) -> None:
    session = jsonl(INIT, text(1), asking("r-1"), text(2), asking("r-2"), text(3), RESULT)
    with Talk(installed(tmp_path, session)) as talk:
        talk.say(PROMPT)
        assert [talk.line() for _ in range(3)] == [INIT, text(1), asking("r-1")]
        talk.say(PROMPT, answer("r-2"), {"type": "control_response", "response": {"subtype": "error"}})
        assert silent_for(talk, 0.2)
        talk.say(answer("r-1"))
        assert [talk.line() for _ in range(2)] == [text(2), asking("r-2")]
        talk.say({"type": "control_response", "response": {"subtype": "error", "error": "no", "request_id": "r-2"}})
        assert talk.rest() == jsonl(text(3), RESULT)
        assert talk.end() == (0, b"")


def test_player__goes_on_when_nobody_can_answer_any_more(tmp_path: Path) -> None:
    session = jsonl(INIT, asking("r-1"), text(2), RESULT)
    assert played(installed(tmp_path, session)) == session


def test_player__does_not_repeat_the_answers_of_the_recorded_agent(tmp_path: Path) -> None:
    session = jsonl(INIT, answer("old"), text(1), answer("old"), RESULT)
    assert played(installed(tmp_path, session)) == jsonl(INIT, text(1), RESULT)


def test_player__takes_a_prompt_of_many_megabytes_in_pieces(tmp_path: Path) -> None:
    line = jsonl({**PROMPT, "message": {"role": "user", "content": 'x"\n{' * 400_000}})
    with Talk(installed(tmp_path, SESSION)) as talk:
        assert talk.line() == INIT
        for start in range(0, len(line) - 1, 99_991):
            talk.write(line[:-1][start : start + 99_991])
        assert silent_for(talk, 0.2)
        talk.write(b"\n")
        assert talk.rest() == jsonl(text(1), text(2), RESULT)


def test_player__skips_a_line_that_has_no_end(tmp_path: Path) -> None:
    with Talk(installed(tmp_path, SESSION)) as talk:
        for _ in range(70):
            talk.write(b"x" * (1 << 20))
        talk.write(b"\n")
        talk.say(PROMPT)
        assert talk.rest() == SESSION


@pytest.mark.parametrize(
    "noise",
    [
        b"\n\n",
        b"}}}}]]]]\n",
        b'{"type"\n',
        b'"\\\n',
        b'{"type":"user\n',
        b"\xff\xfe\x00\n",
        b'[{"type":"user"}]\n',
        b'{"a":{"type":"user"}}\n',
    ],
)
def test_player__leaves_alone_what_it_does_not_understand(tmp_path: Path, noise: bytes) -> None:
    with Talk(installed(tmp_path, SESSION)) as talk:
        assert talk.line() == INIT
        talk.write(noise)
        assert silent_for(talk, 0.1)
        talk.say(PROMPT)
        assert talk.rest() == jsonl(text(1), text(2), RESULT)


def test_player__reads_while_nobody_reads_it(tmp_path: Path) -> None:
    """A caller that says all it has before it listens would wait for ever for an agent that does the same."""
    session = jsonl(INIT, *(text(number, 5000) for number in range(400)), RESULT)
    asked = [f"r{number}" for number in range(20_000)]
    with Talk(installed(tmp_path, session)) as talk:
        talk.say(PROMPT)
        talk.say(*map(request, asked))
        talk.hang_up()
        lines = talk.rest().splitlines(keepends=True)
        assert talk.end() == (0, b"")
    answered = [json.loads(line)["response"]["request_id"] for line in lines if b"control_response" in line]
    assert answered == asked
    assert b"".join(line for line in lines if b"control_response" not in line) == session


def test_player__plays_on_while_nobody_talks_and_reads_slowly(tmp_path: Path) -> None:
    session = jsonl(INIT, *(text(number, 100_000) for number in range(8)), RESULT)
    with Talk(installed(tmp_path, session)) as talk:
        talk.say(PROMPT)
        assert talk.line() == INIT
        before_s, begun_s = talk.cpu_s(), now_s()
        threading.Event().wait(0.6)
        assert talk.cpu_s() - before_s <= 0.05 * (now_s() - begun_s)
        assert talk.rest() == jsonl(*(text(number, 100_000) for number in range(8)), RESULT)


def test_player__sleeps_while_it_waits(tmp_path: Path) -> None:
    with Talk(installed(tmp_path, SESSION)) as talk:
        assert talk.line() == INIT
        before_s = talk.cpu_s()
        assert silent_for(talk, 0.6)
        assert talk.cpu_s() - before_s <= 0.02


def test_player__gives_a_sign_of_life_to_one_who_waits_for_a_second_line_first(tmp_path: Path) -> None:
    """autopilot's reader may take the lock again that its writer needs, and hold it until one more line comes."""
    with Talk(installed(tmp_path, SESSION)) as talk:
        assert talk.line() == INIT
        assert talk.line() == {"type": "keep_alive"}
        talk.say(PROMPT)
        assert talk.rest() == jsonl(text(1), text(2), RESULT)


def test_player__never_hangs_with_a_reader_that_locks_first(tmp_path: Path) -> None:
    program = installed(tmp_path, SESSION)
    for _ in range(30):
        with Talk(program) as talk:
            assert talk.line() == INIT  # before this no writer gets the lock
            talk.say(PROMPT)
            assert talk.rest() == jsonl(text(1), text(2), RESULT)
            assert talk.end() == (0, b"")


@pytest.mark.parametrize("after", ["init", "everything"])
def test_player__ends_when_nobody_listens_any_more(tmp_path: Path, after: str) -> None:
    session = jsonl(INIT, *(text(number, 100_000) for number in range(8)), RESULT)
    with Talk(installed(tmp_path, session)) as talk:
        assert talk.line() == INIT
        assert talk.process.stdout is not None
        talk.process.stdout.close()
        if after == "everything":
            talk.say(PROMPT)
        assert talk.end() == (0, b"")


def test_player__ends_at_once_when_it_is_told_to(tmp_path: Path) -> None:
    with Talk(installed(tmp_path, SESSION)) as talk:
        assert talk.line() == INIT
        talk.process.send_signal(signal.SIGTERM)
        assert talk.end() == (-signal.SIGTERM, b"")


def test_player__obeys_a_signal_that_its_caller_ignores(tmp_path: Path) -> None:
    program = installed(tmp_path, SESSION)
    script = f"trap '' TERM; exec {program}"
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM


@pytest.mark.parametrize("closed", ["<&-", ">&-", "<&- >&- 2>&-", "</dev/null >/dev/null"])
def test_player__needs_no_standard_files(tmp_path: Path, closed: str) -> None:
    program = installed(tmp_path, SESSION)
    done = subprocess.run(
        ["sh", "-c", f"exec {program} {closed}"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
    )
    assert (done.returncode, done.stdout) == (0, SESSION if closed == "<&-" else b"")


def test_player__writes_to_a_file(tmp_path: Path) -> None:
    session = jsonl(INIT, *(text(number, 100_000) for number in range(8)), RESULT)
    program = installed(tmp_path, session)
    with (tmp_path / "said").open("wb") as file:
        subprocess.run([program], stdin=subprocess.DEVNULL, stdout=file, timeout=30, check=True)
    assert (tmp_path / "said").read_bytes() == session


def test_player__waits_for_a_prompt_at_every_turn(tmp_path: Path) -> None:
    session = jsonl(INIT, text(1), RESULT, INIT, text(2), RESULT)
    with Talk(installed(tmp_path, session)) as talk:
        talk.say(PROMPT)
        assert [talk.line() for _ in range(3)] == [INIT, text(1), RESULT]
        assert silent_for(talk, 0.2)
        talk.say(PROMPT)
        assert talk.rest() == jsonl(INIT, text(2), RESULT)
        assert talk.end() == (0, b"")


def test_player__leaves_out_the_turns_that_nobody_asks_for(tmp_path: Path) -> None:
    session = jsonl(INIT, text(1), RESULT, INIT, text(2), RESULT)
    assert played(installed(tmp_path, session)) == jsonl(INIT, text(1), RESULT)


def test_player__plays_codex(tmp_path: Path) -> None:
    session = jsonl(
        {"type": "thread.started", "thread_id": "t"}, {"type": "item.completed", "item": {}}, {"type": "turn.completed"}
    )
    with Talk(installed(tmp_path, session, "codex"), "exec", "--json") as talk:
        assert talk.line() == {"type": "thread.started", "thread_id": "t"}
        talk.write(b"fix the bug")
        talk.hang_up()
        assert talk.rest() == session[session.index(b"\n") + 1 :]


def test_player__waits_as_long_as_the_agent_only_where_that_is_wanted(tmp_path: Path) -> None:
    hour = {"type": "autoprof_delay", "ms": 3_600_000}
    assert played(installed(tmp_path, jsonl(INIT, hour, text(1), hour, RESULT))) == jsonl(INIT, text(1), RESULT)
    session = jsonl(INIT, {"type": "autoprof_delay", "ms": 400}, text(1), {"ms": 300, "type": "autoprof_delay"}, RESULT)
    program = installed(tmp_path, session)
    (tmp_path / "recorded-delays").touch()
    with Talk(program) as talk:
        assert talk.line() == INIT
        talk.say(PROMPT, request("meanwhile"))
        begun_s = now_s()
        assert talk.line() == answer("meanwhile")
        assert talk.line() == text(1)
        assert now_s() - begun_s >= 0.39
        assert talk.line() == RESULT
        assert now_s() - begun_s >= 0.69


@pytest.mark.parametrize(("name", "said"), [("claude", r"2\.\d+\.\d+ \(.*\)\n"), ("codex", r"codex-cli 2\.\d+\.\d+ \(.*\)\n")])
def test_player__tells_its_version(tmp_path: Path, name: str, said: str) -> None:
    done = subprocess.run(
        [installed(tmp_path, SESSION, name), "--version"], capture_output=True, text=True, timeout=30, check=True
    )
    assert re.fullmatch(said, done.stdout)


def test_player__takes_options_as_they_are(tmp_path: Path) -> None:
    program = installed(tmp_path, SESSION)
    assert played(program, "-p", "--version", "--no-such-option=1", *OPTIONS) == SESSION


def test_player__says_what_it_lacks(tmp_path: Path) -> None:
    program = installed(tmp_path, b"")
    path = tmp_path / "session.jsonl"
    empty = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    path.unlink()
    missing = subprocess.run([program], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False)
    said = "autoprof-ci's scripted agent: "
    assert (empty.returncode, empty.stdout, empty.stderr) == (1, "", f"{said}{path}: it is empty\n")
    assert (missing.returncode, missing.stdout, missing.stderr) == (1, "", f"{said}{path}: No such file or directory\n")


PIECES = (
    *(b"{", b"}", b"[", b"]", b'"', b"\\", b":", b",", b"\n", b" ", b"7", b"null", b"\x00", b"\xff"),
    *(b'"type"', b'"request_id"', b'"response"', b'{"type":"assistant"', b'{"type":"control_request"}\n'),
    *(
        jsonl(message)
        for message in (INIT, RESULT, PROMPT, asking("r-1"), request("a"), answer("r-1"), {"type": "autoprof_delay", "ms": 1})
    ),
)


@pytest.mark.slow
def test_player__comes_to_an_end_with_any_session_and_any_caller(tmp_path: Path) -> None:
    """With checks of memory and of undefined behaviour compiled in."""
    checked = tmp_path / "claude"
    checks = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1")
    subprocess.run(["cc", "-std=c11", *checks, "-o", checked, SOURCE], check=True)
    (tmp_path / "recorded-delays").touch()
    dice = random.Random(20260105)
    for _ in range(300):
        session = b"".join(dice.choices(PIECES, k=dice.randint(1, 60)))
        said = b"".join(dice.choices(PIECES, k=dice.randint(0, 60)))
        (tmp_path / "session.jsonl").write_bytes(session)
        done = subprocess.run([checked], input=said, capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b""), (session, said)
