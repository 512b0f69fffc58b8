"""Bad programs, workloads and machines, as a user meets them: one sentence that says what to do, the right exit code, nothing
half-written, nothing left behind. What can be lived with is measured, with a caveat.

Sentences are compared whole: they are what the user gets. What the parser of the TOML says is tested with the parser.
"""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from tests.as_a_user import MEMORY, Place, assert_refused, can_hide_memory
from tests.programs import built

pytestmark = pytest.mark.needs("cc")

USAGE, FAILED = 2, 3


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


def acts() -> Path:
    return built("acts")


def vandal(*options: str) -> Path:
    return built("vandal", *options)


def caveats(place: Place) -> dict[str, list[str]]:
    """Code -> details, of the verdict. What a busy or quick machine adds is left out: it is not what is tested."""
    passing = ("busy_machine", "coarse_sampling", "short_runs", "runs_disagree", "few_runs", "kernel_not_seen")
    found: dict[str, list[str]] = {}
    for caveat in json.loads((place.folder / "out/verdict.json").read_text())["caveats"]:
        if caveat["code"] not in passing:
            found.setdefault(caveat["code"], []).append(caveat["detail"])
    return found


def comment(place: Place) -> str:
    """What the gate says at length."""
    return (place.folder / "out/comment.md").read_text(encoding="utf-8").replace("`", "")


# --- the file that is named ------------------------------------------------------------------------------------------------


def patched(offset: int, content: bytes, folder: Path) -> Path:
    """The program with some bytes replaced."""
    data = bytearray(acts().read_bytes())
    data[offset : offset + len(content)] = content
    return executable(folder / "patched", bytes(data))


def executable(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    path.chmod(0o755)
    return path


def test_binary__missing(place: Place) -> None:
    sentence = "There is no program at gone. Build it first, or correct the path."
    assert_refused(place, place.run("gate", "--binary", "gone", "--", "work"), FAILED, sentence)


def test_binary__of_the_baseline_is_missing(place: Place) -> None:
    answer = place.run("gate", "--binary", acts(), "--baseline-binary", "gone", "--", "work")
    assert_refused(place, answer, FAILED, "There is no program at gone. Build it first, or correct the path.")


def test_binary__not_named_at_all(place: Place) -> None:
    sentence = "No program to measure is named. Name it with --binary PATH, or as `binary` in autoprof.toml."
    assert_refused(place, place.run("record", "--", "work"), USAGE, sentence)


def test_binary__folder(place: Place) -> None:
    (place.folder / "target").mkdir()
    answer = place.run("gate", "--binary", "target", "--", "work")
    assert_refused(place, answer, FAILED, "target is a folder, not a program. Name the program in it, such as target/target.")


def test_binary__not_executable(place: Place) -> None:
    shutil.copyfile(acts(), place.folder / "acts")
    answer = place.run("gate", "--binary", "acts", "--", "work")
    assert_refused(place, answer, FAILED, "acts may not be executed. Allow it: chmod +rx acts.")


@pytest.mark.parametrize("name", ["my program", "new\nline", "pr{og}\u00e9", "-x"])
def test_binary__name_that_a_bundle_cannot_keep(name: str, place: Place) -> None:
    executable(place.folder / name, acts().read_bytes())
    answer = place.run("gate", f"--binary={place.folder / name}", "--", "work")
    shown = str(place.folder / name).replace("\n", "\\x0a")
    sentence = f"{shown} has a name that a bundle cannot keep. Rename it, or name it by a link, with letters and digits only."
    assert_refused(place, answer, USAGE, sentence)


def test_binary__shell_script(place: Place) -> None:
    executable(place.folder / "run", b"#!/bin/sh\nexec ./real\n")
    sentence = "run is a script for /bin/sh, not a native program. Name the program it runs instead."
    assert_refused(place, place.run("gate", "--binary", "run", "--", "work"), FAILED, sentence)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="needs another architecture than the one it names, aarch64")
def test_binary__another_architecture(place: Place) -> None:
    patched(18, b"\xb7\x00", place.folder)
    sentence = "patched is built for aarch64, this machine is x86_64. Build it for x86_64."
    assert_refused(place, place.run("gate", "--binary", "patched", "--", "work"), FAILED, sentence)


def test_binary__cut_off(place: Place) -> None:
    whole = acts().read_bytes()
    executable(place.folder / "half", whole[:9000])
    sentence = f"half is cut off: it has 9000 bytes of {len(whole)}. Build it, or download it, again."
    assert_refused(place, place.run("gate", "--binary", "half", "--", "work"), FAILED, sentence)


def test_binary__shared_library_is_missing(place: Place) -> None:
    folder = place.folder
    (folder / "there.c").write_text("int there(void) { return 0; }\n")
    (folder / "main.c").write_text("int there(void); int main(void) { return there(); }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", "libthere.so", "there.c"], cwd=folder, check=True)
    subprocess.run(["cc", "-o", "needy", "main.c", "-L.", "-lthere"], cwd=folder, check=True)
    (folder / "libthere.so").unlink()
    sentence = (
        "needy needs the shared library libthere.so, which was not found in the system's library folders. "
        "Install the package that holds it, or link it statically."
    )
    assert_refused(place, place.run("gate", "--binary", "needy", "--", "work"), FAILED, sentence)


def test_binary__c_library_is_too_old(place: Place) -> None:
    """Its version of a symbol, in the table of names and by its hash, is made one that no C library has yet."""
    data = acts().read_bytes()
    versions = sorted({word for word in data.split(b"\0") if word.startswith(b"GLIBC_2.")}, key=len)
    old = versions[-1]
    new = b"GLIBC_9." + b"9" * (len(old) - len(b"GLIBC_9."))
    data = data.replace(b"\0" + old + b"\0", b"\0" + new + b"\0").replace(elf_hash(old), elf_hash(new))
    executable(place.folder / "modern", data)
    sentence = (
        f"modern needs {new.decode()} of a shared library, which is older on this machine. "
        "Build it on a system no newer than the one that measures."
    )
    assert_refused(place, place.run("gate", "--binary", "modern", "--", "work"), FAILED, sentence)


def elf_hash(name: bytes) -> bytes:
    """System V ABI, chapter 5, "Hash Table"; little endian."""
    value = 0
    for byte in name:
        value = (value << 4) + byte
        high = value & 0xF0000000
        value = (value ^ (high >> 24)) & ~high & 0xFFFFFFFF
    return value.to_bytes(4, "little")


@pytest.mark.needs("valgrind")
def test_binary__stripped_is_measured(place: Place) -> None:
    subprocess.run(["strip", "-o", place.folder / "bare", acts()], check=True)
    answer = place.run("gate", "--binary", "bare", "--instrument", "instructions", "--", "work", "1000")
    assert (answer.code, answer.said) == (0, "")
    assert caveats(place) == {"binary_stripped": ["bare"]}
    assert "The program has no symbols, so its functions have no names (bare). Build it with symbols: " in comment(place)


# --- what the program does -------------------------------------------------------------------------------------------------


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


# --- two programs ----------------------------------------------------------------------------------------------------------


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


# --- what the workload asks for --------------------------------------------------------------------------------------------


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


# --- the machine -----------------------------------------------------------------------------------------------------------

PERF = 'exec /usr/bin/perf "$@"'
VALGRIND = 'exec /usr/bin/valgrind "$@"'
REFUSING_PERF = """\
[ "$1" = --version ] && echo "perf version 6.1" && exit 0
cat >&2 <<'END'
Error:
Access to performance monitoring and observability operations is limited.
Consider adjusting /proc/sys/kernel/perf_event_paranoid setting to open
access to performance monitoring and observability operations for processes
without CAP_PERFMON, CAP_SYS_PTRACE or CAP_SYS_ADMIN Linux capability.
perf_event_paranoid setting is 4:
  -1: Allow use of (almost) all events by all users
>= 2: Disallow kernel profiling
To make the adjusted perf_event_paranoid setting permanent preserve it
in /etc/sysctl.conf (e.g. kernel.perf_event_paranoid = <setting>)
END
exit 255"""


def thrice() -> tuple[str | Path, ...]:
    """A gate whose candidate takes three times as long."""
    return ("gate", "--binary", vandal("-DTHRICE"), "--baseline-binary", vandal(), "--", "busy", "2000000")


@pytest.mark.needs("valgrind")
def test_machine__without_perf(place: Place) -> None:
    """Instructions alone decide."""
    place.tools(valgrind=VALGRIND)
    answer = place.run(*thrice())
    assert (answer.code, answer.said) == (1, "")
    assert list(caveats(place)) == ["time_unavailable"]
    (detail,) = caveats(place)["time_unavailable"]
    assert detail.startswith("perf is not installed")
    assert "Time could not be measured here" in comment(place)


@pytest.mark.needs("valgrind")
def test_machine__refuses_perf(place: Place) -> None:
    place.tools(valgrind=VALGRIND, perf=REFUSING_PERF)
    answer = place.run(*thrice())
    assert (answer.code, answer.said) == (1, "")
    assert list(caveats(place)) == ["time_unavailable"]
    (detail,) = caveats(place)["time_unavailable"]
    assert detail.startswith("the kernel refuses perf (kernel.perf_event_paranoid = ")
    assert "kernel.perf_event_paranoid=1" in detail or "--security-opt seccomp=unconfined" in detail


@pytest.mark.needs("perf")
def test_machine__without_valgrind(place: Place) -> None:
    """Time alone decides, and says what it cannot tell apart."""
    place.tools(perf=PERF)
    answer = place.run(*thrice())
    assert (answer.code, answer.said) == (1, "")
    assert sorted(caveats(place)) == ["instructions_unavailable", "placement_not_ruled_out"]
    assert "unchanged code at another address can be slower, and this cannot be told apart here" in comment(place)


def test_machine__without_any_tool(place: Place) -> None:
    place.tools()
    answer = place.run(*thrice())
    assert answer.code == FAILED
    assert "perf is not installed, and valgrind is not installed" in answer.said
    assert "apt-get install" in answer.said
    assert not (place.folder / "out").exists()


def test_machine__without_the_one_instrument_that_is_asked_for(place: Place) -> None:
    """The other tool is here; nobody may say that it is not."""
    place.tools(valgrind="exit 1", perf="exit 1")
    (place.folder.parent / "tools/perf").unlink()
    answer = place.run("record", "--binary", acts(), "--instrument", "time", "--", "work", "1000")
    assert answer.code == FAILED
    assert "perf is not installed" in answer.said
    assert "valgrind is not installed" not in answer.said


# --- where things are written ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["gate", "record"])
@pytest.mark.parametrize("out", ["mine", "mine/below"])
def test_out__is_a_file(command: str, out: str, place: Place) -> None:
    """Said before anything is measured."""
    (place.folder / "mine").write_text("mine")
    sentence = f"{out} cannot be written: mine is not a folder. Choose another folder with --out or correct its permissions."
    assert_refused(place, place.run(command, "--binary", acts(), "--out", out, "--", "hang"), USAGE, sentence)
    assert (place.folder / "mine").read_text() == "mine"


NEEDS_DISKS = pytest.mark.skipif(not can_hide_memory(), reason="needs to mount disks of its own: run as root, with unshare")


@NEEDS_DISKS
@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("command", ["record", "gate"])
def test_out__disk_is_full(command: str, place: Place) -> None:
    out = place.folder / "out"
    out.mkdir()
    place.disks[out] = "size=4k"
    answer = place.run(command, "--binary", acts(), "--instrument", "instructions", "--", "work", "1000")
    assert (answer.code, answer.out) == (FAILED, "")
    assert answer.said == (
        "autoprof-ci: The disk is full: out/candidate.bundle.zip could not be written. "
        "Free some space or choose another folder with --out.\n"
    )


@NEEDS_DISKS
@pytest.mark.parametrize(
    ("size", "said"),
    [
        ("16k", "autoprof-ci: Programs cannot be staged: no space left for 1 MiB in "),
        ("64k", "autoprof-ci: No space left for what is measured"),
    ],
    ids=["for-the-program", "for-what-is-measured"],
)
def test_scratch__disk_is_full(size: str, said: str, place: Place) -> None:
    for folder in (MEMORY, place.temporary, Path("/var/tmp")):
        place.disks[folder] = f"size={size}"
    answer = place.run("record", "--binary", acts(), "--", "work", "1000")
    assert (answer.code, answer.out) == (FAILED, "")
    assert answer.said.startswith(said)
    assert ". Free some space " in answer.said
    assert not (place.folder / "out").exists()


@NEEDS_DISKS
@pytest.mark.needs("valgrind")
@pytest.mark.parametrize("options", ["ro", "noexec"])
def test_scratch__memory_is_not_to_be_used(options: str, place: Place) -> None:
    """Then programs run in the temporary folder."""
    place.disks[MEMORY] = options
    answer = place.run("record", "--binary", acts(), "--instrument", "instructions", "--", "work", "1000")
    assert (answer.code, answer.said) == (0, "")


@pytest.mark.needs("valgrind")
def test_scratch__temporary_folder_is_not_there(place: Place) -> None:
    """Then another is found, as Python does."""
    place.env["TMPDIR"] = str(place.folder / "gone")
    answer = place.run("record", "--binary", acts(), "--instrument", "instructions", "--", "work", "1000")
    assert (answer.code, answer.said) == (0, "")
    assert not (place.folder / "gone").exists()
