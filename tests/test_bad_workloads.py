"""Workloads that misbehave or ask for what cannot be: one sentence, or a caveat where it can be lived with.

Sentences are compared whole: they are what the user gets. What the parser of the TOML says is
tested with the parser.
"""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest

from tests.as_a_user import Place, assert_refused
from tests.bad_cases import FAILED, USAGE, acts, caveats, vandal

pytestmark = pytest.mark.needs("cc")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


# --- what the program does --------------------------------------------------------------------------------------------------


def test_workload__crashes(place: Place) -> None:
    sentence = (
        "workload 'command' (candidate), warm-up: start 1 of 1 was ended by signal SIGSEGV; its last words: about to crash. "
        "Run the command by hand in an empty folder; if that is how it should end, set `expect_exit`."
    )
    assert_refused(place, place.run("gate", "--binary", acts(), "--", "crash"), FAILED, sentence)


def test_workload__other_exit_code(place: Place) -> None:
    sentence = (
        "workload 'command' (candidate), warm-up: start 1 of 1 ended with exit code 3 instead of 0; its last words: cannot open "
        "the thing. Run the command by hand in an empty folder; if that is how it should end, set `expect_exit`."
    )
    assert_refused(place, place.run("gate", "--binary", acts(), "--", "exit", "3"), FAILED, sentence)


@pytest.mark.needs("valgrind")
def test_workload__other_exit_code_is_expected(place: Place) -> None:
    place.workload("expect_exit = 3", command=("{binary}", "exit", "3"))
    answer = place.run("record", "--binary", acts(), "--instrument", "instructions")
    assert (answer.code, answer.said) == (0, "")
    assert answer.out == "recorded 1 workload of acts in out/candidate.bundle.zip\n"


@pytest.mark.parametrize("mode", ["hang", "wait", "stop"])
def test_workload__hangs(mode: str, place: Place) -> None:
    """Also with children in sessions of their own, deaf to signals, or stopped."""
    place.workload("timeout_seconds = 1", command=("{binary}", mode))
    said = "; its last words: waiting for godot" if mode == "hang" else ""
    sentence = (
        f"workload 'w' (candidate), warm-up: start 1 of 1 did not end within 1 s and was killed{said}. Raise `timeout_seconds` "
        "of the workload, or find out what it waits for: it has no network and no terminal."
    )
    answer = place.run("record", "--binary", acts() if mode == "hang" else vandal())
    assert_refused(place, answer, FAILED, sentence)


@pytest.mark.needs("perf", "valgrind")
def test_workload__of_two_milliseconds(place: Place) -> None:
    answer = place.run("gate", "--binary", acts(), "--", "work", "100000")
    assert (answer.code, answer.said) == (0, "")
    assert sorted(path.name for path in (place.folder / "out").iterdir())[0] == "candidate.bundle.zip"
    assert caveats(place) == {}


@pytest.mark.needs("perf")
def test_workload__children_that_outlive_it(place: Place) -> None:
    answer = place.run("gate", "--binary", acts(), "--instrument", "time", "--", "daemon")
    assert (answer.code, answer.said) == (0, "")
    (detail,) = caveats(place)["left_children"]
    assert detail.startswith("command (candidate): ")


def test_workload__children_that_multiply(place: Place) -> None:
    place.workload("timeout_seconds = 1", command=("{binary}", "hydra"))
    answer = place.run("record", "--binary", vandal(), "--instrument", "instructions")
    assert answer.code in (0, FAILED)


@pytest.mark.needs("valgrind")
def test_workload__floods_its_output(place: Place) -> None:
    """A gigabyte is digested while it comes; the command itself stays small."""
    smaller = 'instructions_command = ["{binary}", "flood", "1000"]'
    place.workload("timeout_seconds = 30", smaller, command=("{binary}", "flood", "1000000000"))
    largest_kib = 0
    with place.started("record", "--binary", acts(), "--instrument", "instructions") as running:
        while running.process.poll() is None:
            status = Path(f"/proc/{running.process.pid}/status").read_text(encoding="ascii")
            found = re.search(r"VmHWM:\s+(\d+) kB", status)
            largest_kib = max(largest_kib, int(found[1]) if found else 0)
            time.sleep(0.02)
    assert running.answer is not None
    assert (running.answer.code, running.answer.said) == (0, "")
    assert 10_000 < largest_kib < 400_000


def test_workload__says_what_a_terminal_would_obey(place: Place) -> None:
    answer = place.run("record", "--binary", vandal(), "--", "garbage")
    assert answer.code == FAILED
    assert "exit code 1 instead of 0; its last words: " in answer.said
    assert answer.said[:-1].isprintable()
    assert "##[error]" not in answer.said
    assert not any(line.lstrip().startswith("::") for line in answer.said.splitlines())


@pytest.mark.needs("valgrind")
def test_workload__reads_standard_input_without_any(place: Place) -> None:
    answer = place.run("record", "--binary", vandal(), "--instrument", "instructions", "--", "stdin", "0")
    assert (answer.code, answer.said) == (0, "")


@pytest.mark.needs("valgrind")
def test_workload__reads_standard_input(place: Place) -> None:
    (place.folder / "five").write_text("12345")
    place.workload('inputs = ["five"]', 'stdin = "five"', command=("{binary}", "stdin", "5"))
    answer = place.run("record", "--binary", vandal(), "--instrument", "instructions")
    assert (answer.code, answer.said) == (0, "")


@pytest.mark.needs("perf", "valgrind")
def test_workload__leaves_files_and_finds_none(place: Place) -> None:
    """In its working folder and its HOME: every start has fresh ones, and ours are not touched."""
    place.env["HOME"] = str(place.folder / "home")
    answer = place.run("record", "--binary", acts(), "--", "state")
    assert answer.code == 0
    assert answer.out == "recorded 1 workload of acts in out/candidate.bundle.zip\n"
    assert sorted(path.name for path in place.folder.iterdir()) == ["autoprof.toml", "out"]


@pytest.mark.needs("valgrind")
def test_workload__leaves_folders_that_forbid_their_removal(place: Place) -> None:
    answer = place.run("record", "--binary", vandal(), "--instrument", "instructions", "--", "locked")
    assert (answer.code, answer.said) == (0, "")


@pytest.mark.xfail(strict=True, reason="what the program forked lives on when the starter is killed")
def test_workload__kills_who_started_it(place: Place) -> None:
    place.workload("timeout_seconds = 5", command=("{binary}", "patricide"))
    answer = place.run("record", "--binary", vandal())
    assert answer.code == FAILED
    assert not (place.folder / "out").exists()


# --- two programs -----------------------------------------------------------------------------------------------------------


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("mode", ["newer", "garbage-before"])
def test_baseline__fails_where_the_candidate_does_not(mode: str, place: Place) -> None:
    sides = ("--binary", vandal(), "--baseline-binary", vandal("-DOLD"))
    answer = place.run("gate", *sides, "--instrument", "instructions", "--", mode, "1000")
    assert (answer.code, answer.said) == (0, "")
    verdict = json.loads((place.folder / "out/verdict.json").read_text())
    assert [(workload["name"], workload["state"]) for workload in verdict["workloads"]] == [("command", "new")]
    assert list(caveats(place)) == ["workload_fails_on_baseline"]
    again = place.run("compare", "--baseline", "out/baseline.bundle.zip", "--candidate", "out/candidate.bundle.zip")
    assert (again.code, again.said) == (0, "")


@pytest.mark.needs("valgrind")
def test_outputs__differ(place: Place) -> None:
    sides = ("--binary", vandal(), "--baseline-binary", vandal("-DOLD"))
    answer = place.run("gate", *sides, "--instrument", "instructions", "--", "says", "1000")
    assert (answer.code, answer.said) == (0, "")
    assert caveats(place) == {"output_differs": ["command"]}


def test_outputs__differ_where_they_must_not(place: Place) -> None:
    place.workload('expect_output = "same"', command=("{binary}", "says", "1000"))
    sentence = (
        "workload 'w': baseline and candidate print different output (4 bytes and 4 bytes), where `expect_output` is \"same\". "
        'If the change is meant, set `expect_output = "any"` in this pull request.'
    )
    assert_refused(place, place.run("gate", "--binary", vandal(), "--baseline-binary", vandal("-DOLD")), FAILED, sentence)


# --- what the workload asks for ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "code", "sentence"),
    [
        (
            ['inputs = ["gone"]'],
            USAGE,
            "workload 'w', inputs: 'gone' does not exist in {folder}. Correct the path, or make the file first.",
        ),
        (
            ['inputs = ["../secret"]'],
            USAGE,
            'autoprof.toml: workload[w].inputs[#1]: expected a path below this file\'s folder, without ".." and ".git", '
            'found "../secret". For example: `inputs = ["bench/input.json"]`.',
        ),
        (
            ['inputs = ["link"]'],
            USAGE,
            "workload 'w', inputs: 'link' is outside of the folder of the configuration. Name files beside it.",
        ),
        (
            ['setup = [["nosuchtool"]]'],
            USAGE,
            "workload 'w', setup[0]: 'nosuchtool' was not found in /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin. "
            "Write {{binary}}, or a path.",
        ),
        (
            ['env = { X = "{nope}" }'],
            USAGE,
            "workload 'w', env: the placeholder {{nope}} is unknown. Known are {{binary}}, {{scratch}}; write {{{{nope}}}} for "
            "the text itself.",
        ),
        (
            ['setup = [["{bin}"]]'],
            USAGE,
            "autoprof.toml: workload[w].setup[#1]: the placeholder {{bin}} is unknown. Did you mean {{binary}}?",
        ),
        (
            ["timeout_seconds = nan"],
            USAGE,
            "autoprof.toml: workload[w].timeout_seconds: expected a number of seconds, above 0 and at most 86400, found nan. "
            "The default is 60.",
        ),
        (
            ["max_regression_percent = 3"],
            USAGE,
            "autoprof.toml: workload[w].max_regression_percent: unknown key. Did you mean "
            "thresholds.time.max_regression_percent or thresholds.instructions.max_regression_percent or "
            "thresholds.memory.max_regression_percent?",
        ),
    ],
    ids=["input-missing", "input-outside", "input-links-outside", "setup-missing", "env", "placeholder", "nan", "unknown-key"],
)
def test_workload__asks_for_what_cannot_be(lines: list[str], code: int, sentence: str, place: Place) -> None:
    (place.folder / "link").symlink_to("/etc/hostname")
    place.workload(*lines, command=("{binary}", "work", "1000"))
    answer = place.run("gate", "--binary", acts())
    assert_refused(place, answer, code, sentence.format(folder=place.folder))


def test_workload__setup_fails(place: Place) -> None:
    place.workload('setup = [["true"], ["sh", "-c", "echo no such table >&2; exit 4"]]', command=("{binary}", "work", "1000"))
    answer = place.run("gate", "--binary", acts())
    assert answer.code == FAILED
    assert answer.said.startswith("autoprof-ci: setup of workload 'w' (candidate)")
    assert "exit code 4" in answer.said
    assert "no such table" in answer.said


def test_toml__two_workloads_of_one_name(place: Place) -> None:
    workload = '[[workload]]\nname = "w"\ncommand = ["{binary}"]\n'
    place.toml(workload * 2)
    answer = place.run("gate", "--binary", acts())
    assert (answer.code, answer.out) == (USAGE, "")
    assert answer.said.startswith("autoprof-ci: autoprof.toml: workload")
    assert answer.said.count("\n") == 1


def test_toml__without_a_workload(place: Place) -> None:
    answer = place.run("gate", "--binary", acts())
    assert (answer.code, answer.out) == (USAGE, "")
    assert answer.said == (
        "autoprof-ci: autoprof.toml: workload: the file has none. Add what the program is to be measured at:\n\n"
        '[[workload]]\nname = "first"\ncommand = ["{binary}", "--help"]\n'
    )
