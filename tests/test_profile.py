"""`autoprof-ci profile` around real programs: they must not notice it, and nobody may lose anything by it."""

from __future__ import annotations

import gzip
import os
import pty
import re
import select
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from autoprof_ci.archive import facts, names
from autoprof_ci.archive.names import Kind
from tests.as_a_user import LIMIT_S, ROOT, Place, assert_refused, can_hide_memory

UNTIL_STOP = ": > ready; while [ ! -e stop ]; do :; done; exit 9"
BUSY = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
SAVED = re.compile(
    r"autoprof-ci: (\S+/flamegraph-\d{8}-\d{6}(?:-\d+)?\.svg) \(\d[\d,]* samples?, .* of CPU; widest by itself: .+\)\n"
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place.make(tmp_path)


def archived(place: Place, folder: str = "docs/profiles") -> tuple[names.Entry, ...]:
    return names.entries(file.name for file in (place.folder / folder).iterdir())


def run_facts(place: Place, entry: names.Entry, folder: str = "docs/profiles") -> facts.Facts:
    name = entry.files[Kind.RUN]
    return facts.decode((place.folder / folder / name).read_bytes(), source=name)


def words(*command: str | Path, options: Sequence[str] = ()) -> list[str | Path]:
    return ["profile", *options, "--", *command]


def popen(place: Place, *command: str | Path, **streams: int) -> subprocess.Popen[bytes]:
    """As a shell starts it: with streams and signals of its own choice."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place.temporary), **place.env}
    line = [sys.executable, "-m", "autoprof_ci.cli", *map(str, words(*command))]
    return subprocess.Popen(line, cwd=place.folder, env=env, **streams)  # type: ignore[call-overload, no-any-return]


@pytest.mark.needs("perf")
def test_profile__a_run_is_archived(place: Place) -> None:
    answer = place.run(*words("sh", "-c", f"{BUSY}; echo out; echo err >&2; exit 7"))
    assert (answer.code, answer.out) == (7, "out\n")
    said = answer.said.removeprefix("err\n")
    assert SAVED.fullmatch(said), said
    (entry,) = archived(place)
    assert set(entry.files) == {Kind.FLAMEGRAPH, Kind.STACKS, Kind.RUN}
    known = run_facts(place, entry)
    assert known.command == ("sh", "-c", f"{BUSY}; echo out; echo err >&2; exit 7")
    assert (known.exit_code, known.signal, known.not_recorded) == (7, None, None)
    assert known.sampling is not None
    # By the clock: as many samples as the time that was computed, give or take what a busy machine delays.
    assert known.sampling.samples == pytest.approx(known.cpu_s * known.sampling.frequency_hz, rel=0.2, abs=5)
    folded = gzip.decompress((place.folder / "docs/profiles" / entry.files[Kind.STACKS]).read_bytes()).decode()
    counts = [int(line.rpartition(" ")[2]) for line in folded.splitlines()]
    assert sum(counts) == known.sampling.samples
    assert {line.partition(";")[0] for line in folded.splitlines()} <= {"dash", "bash", "sh", "[start]"}
    svg = (place.folder / "docs/profiles" / entry.files[Kind.FLAMEGRAPH]).read_text()
    assert svg.startswith("<svg ")
    assert ">sh -c " in svg
    assert (place.folder / "docs/profiles/.gitignore").read_text() == "*\n"


@pytest.mark.needs("perf")
@pytest.mark.parametrize("runs", [6, 1], ids=["the program", "its children"])
def test_profile__stacks_are_whole(place: Place, runs: int) -> None:
    """Where they end in the C library: perf must not look for them in that of the process before, at another address."""
    work = [sys.executable, "-I", "-S", "-c", "for i in range(300): b'x' * 3_000_000"]
    children = ["sh", "-c", "for i in 1 2 3 4 5 6; do " + shlex.join(work) + "; done"]
    for _ in range(runs):
        assert place.run(*words(*(work if runs > 1 else children))).code == 0
        entry = archived(place)[-1]
        text = gzip.decompress((place.folder / "docs/profiles" / entry.files[Kind.STACKS]).read_bytes()).decode()
        counts = {line.rpartition(" ")[0]: int(line.rpartition(" ")[2]) for line in text.splitlines()}
        broken = sum(count for stack, count in counts.items() if "[broken]" in stack)
        assert broken <= 0.05 * sum(counts.values()), text


@pytest.mark.needs("perf")
def test_profile__with_an_older_perf(place: Place) -> None:
    """One that does not know all options is asked with fewer."""
    real = shutil.which("perf")
    old = f'case "$*" in *--synth*) echo "Error: unknown option \\`synth\'" >&2; exit 129;; esac; exec {real} "$@"'
    place.tools(perf=old)
    answer = place.run(*words("/bin/sh", "-c", BUSY))
    assert SAVED.fullmatch(answer.said), answer.said


@pytest.mark.needs("perf")
def test_profile__children_stand_on_roots_of_their_own(place: Place) -> None:
    count = "BEGIN { for (i = 0; i < 3000000; i++) n += i }"
    assert place.run(*words("sh", "-c", f"{BUSY}; awk '{count}'; true")).code == 0
    (entry,) = archived(place)
    folded = gzip.decompress((place.folder / "docs/profiles" / entry.files[Kind.STACKS]).read_bytes()).decode()
    roots = {line.partition(";")[0] for line in folded.splitlines()}
    assert any("awk" in root for root in roots)
    assert roots & {"dash", "bash", "sh"}


def test_profile__input_and_output_are_the_programs_own(place: Place) -> None:
    data = bytes(range(256)) * 1000
    with popen(place, "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        out, _ = process.communicate(data, timeout=LIMIT_S)
    assert (process.returncode, out) == (0, data)


def test_profile__environment_folder_and_arguments_are_the_users(place: Place) -> None:
    place.env["A_WORD"] = "of mine"
    script = "import os, sys; print(os.getcwd(), os.environ['A_WORD'], sys.argv[1:], os.isatty(0))"
    answer = place.run(*words(sys.executable, "-c", script, "--", "-x", "a b", ""))
    assert answer.out == f"{place.folder} of mine ['--', '-x', 'a b', ''] False\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV, signal.SIGUSR1])
def test_profile__ends_by_the_signal_that_ended_the_program(place: Place, number: signal.Signals) -> None:
    answer = place.run(*words("sh", "-c", f"kill -{number} $$"))
    assert answer.code == -number
    (entry,) = archived(place)
    assert (run_facts(place, entry).exit_code, run_facts(place, entry).signal) == (None, number)
    assert not list(place.folder.glob("core*"))


@pytest.mark.needs("perf")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2])
def test_profile__hands_on_what_is_sent_to_it_alone(place: Place, number: signal.Signals) -> None:
    name = number.name.removeprefix("SIG")
    script = f"trap 'echo {name}; exit 5' {name}; : > ready; i=0; while [ $i -lt 30000000 ]; do i=$((i+1)); done"
    with popen(place, "sh", "-c", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(place.folder / "ready")
        process.send_signal(number)
        out, said = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (5, f"{name}\n".encode())
    assert SAVED.fullmatch(said.decode()), said


@pytest.mark.needs("perf")
def test_profile__ctrl_c_reaches_the_program_once_and_the_profile_is_saved(place: Place) -> None:
    script = "n=0; trap 'n=$((n+1))' INT; : > ready; while [ ! -e stop ]; do :; done; echo caught $n; exit 9"
    code, said = at_a_terminal(place, "sh", "-c", script)
    assert code == 9
    assert "caught 1" in said
    (entry,) = archived(place)
    assert run_facts(place, entry).exit_code == 9
    assert Kind.FLAMEGRAPH in entry.files


@pytest.mark.needs("perf")
def test_profile__ctrl_z_stops_both_and_fg_continues_both(place: Place) -> None:
    line = shlex.join([sys.executable, "-m", "autoprof_ci.cli", "profile", "--", "sh", "-c", UNTIL_STOP])
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(place.folder)
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place.temporary), "PS1": "$ "}
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"], env)
    os.write(master, f"{line}\n".encode())
    wait_for(place.folder / "ready")
    time.sleep(0.2)
    os.write(master, b"\x1a")
    read_until(master, "Stopped")
    os.write(master, b"fg\n")
    (place.folder / "stop").touch()
    read_until(master, " of CPU;")
    os.write(master, b"echo code=$?\n")
    read_until(master, "code=9")
    os.write(master, b"exit\n")
    os.waitpid(pid, 0)
    os.close(master)
    (entry,) = archived(place)
    assert run_facts(place, entry).exit_code == 9


def test_profile__ctrl_c_before_the_program_began(place: Place) -> None:
    """perf that never gets ready: the user gives up."""
    place.tools(perf=": > ready; exec /bin/sleep 60")
    with popen(place, "/bin/sh", "-c", "echo began", stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        wait_for(place.folder / "ready")
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=LIMIT_S)
    assert (process.returncode, out) == (130, b"")
    assert said.decode() == "autoprof-ci: Interrupted before anything was measured. Start it again when you are ready.\n"
    assert not list(place.temporary.iterdir())


def test_profile__without_perf(place: Place) -> None:
    place.tools()
    answer = place.run(*words("/bin/sh", "-c", "echo out; exit 3"))
    assert (answer.code, answer.out) == (3, "out\n")
    (entry,) = archived(place)
    told = "No profile was recorded: perf is not installed. Install it with: apt-get install linux-perf."
    file = Path("docs/profiles") / entry.files[Kind.RUN]
    assert answer.said == f"autoprof-ci: {told} What the run took is in {file}.\n"
    assert set(entry.files) == {Kind.RUN}
    assert run_facts(place, entry).not_recorded == told
    assert told in notes(place)


def test_profile__where_the_kernel_refuses_perf(place: Place) -> None:
    place.tools(perf="echo 'Error: Access to performance monitoring is limited (Operation not permitted)' >&2; exit 255")
    answer = place.run(*words("/bin/sh", "-c", "exit 4"))
    assert answer.code == 4
    sentence = r"autoprof-ci: No profile was recorded: the kernel refuses perf \(kernel.perf_event_paranoid = -?\d\)\. .+\n"
    assert re.fullmatch(sentence, answer.said), answer.said


def test_profile__where_perf_dies_under_way(place: Place) -> None:
    answer_and_die = "for word; do case $word in --control=fd:*) fds=${word#--control=fd:};; esac; done; "
    place.tools(perf=answer_and_die + "eval \"printf 'ack\\\\n' >&${fds#*,}\"; exit 1")
    answer = place.run(*words("/bin/sh", "-c", "echo out; exit 4"))
    assert (answer.code, answer.out) == (4, "out\n")
    assert answer.said.startswith("autoprof-ci: No profile was recorded: `perf script` failed on a recording"), answer.said
    assert "Traceback" not in answer.said


@pytest.mark.needs("heaptrack")
@pytest.mark.needs("cc")
def test_profile_memory__a_file_that_heaptrack_opens(place: Place) -> None:
    (place.folder / "a.c").write_text(
        "#include <stdlib.h>\n#include <stdio.h>\n"
        "int main(void) { for (int i = 0; i < 1000; i++) free(malloc(10)); volatile char *p = malloc(5000000); p[0] = 1;"
        ' puts("out"); return 3; }\n'
    )
    subprocess.run(["cc", "-O0", "-o", "a", "a.c"], cwd=place.folder, check=True)
    answer = place.run(*words("./a", options=["--memory"]))
    assert (answer.code, answer.out) == (3, "out\n")
    (entry,) = archived(place)
    assert set(entry.files) == {Kind.HEAPTRACK, Kind.RUN}
    heap = run_facts(place, entry).heap
    assert heap is not None
    assert heap.allocations == pytest.approx(1002, abs=5)
    assert heap.peak_bytes == pytest.approx(5_000_000, rel=0.03)
    assert heap.leaked_bytes == pytest.approx(5_000_000, rel=0.03)
    file = place.folder / "docs/profiles" / entry.files[Kind.HEAPTRACK]
    printed = subprocess.run(["heaptrack_print", "-f", str(file)], capture_output=True, text=True, check=True).stdout
    assert f"calls to allocation functions: {heap.allocations} " in printed
    assert "main" in printed
    saved = rf"autoprof-ci: {file.relative_to(place.folder)} \({heap.allocations:,} allocations, .+ never given back\)\n"
    assert re.fullmatch(saved, answer.said), answer.said
    assert f"[{file.name}]({file.name}), {heap.allocations:,} allocations, " in notes(place)


@pytest.mark.needs("heaptrack")
@pytest.mark.needs("cc")
def test_profile_memory__a_static_program_cannot_be_watched(place: Place) -> None:
    (place.folder / "a.c").write_text("int main(void) { return 3; }\n")
    subprocess.run(["cc", "-static", "-o", "a", "a.c"], cwd=place.folder, check=True)
    answer = place.run(*words("./a", options=["--memory"]))
    assert answer.code == 3
    told = (
        "autoprof-ci: No profile was recorded: heaptrack wrote nothing. It needs a program that is linked dynamically and ends by"
    )
    assert answer.said.startswith(told), answer.said
    (entry,) = archived(place)
    assert set(entry.files) == {Kind.RUN}


def test_profile_memory__without_heaptrack(place: Place) -> None:
    place.tools()
    answer = place.run(*words("/bin/sh", "-c", "echo out; exit 3", options=["--memory"]))
    assert (answer.code, answer.out) == (3, "out\n")
    told = "autoprof-ci: No profile was recorded: heaptrack is not installed. Install it with: apt-get install heaptrack."
    assert answer.said.startswith(told), answer.said


def test_profile_memory__takes_no_frequency(place: Place) -> None:
    answer = place.run(*words("true", options=["--memory", "--frequency", "99"]))
    sentence = "--frequency says how often time is sampled, and --memory records the heap instead. Leave one out."
    assert_refused(place, answer, 2, sentence)


def test_profile__no_such_program(place: Place) -> None:
    answer = place.run(*words("no-such-program"))
    assert_refused(place, answer, 2, "There is no program no-such-program. Check its name, and that it may be executed.")
    assert not (place.folder / "docs").exists()


def test_profile__a_program_that_the_system_will_not_start(place: Place) -> None:
    (place.folder / "broken").write_bytes(b"\x7fELF nonsense")
    (place.folder / "broken").chmod(0o755)
    answer = place.run(*words("./broken"))
    sentence = "./broken cannot be started: Exec format error. Name a program, as in: autoprof-ci profile -- PROGRAM."
    assert_refused(place, answer, 2, sentence)


@pytest.mark.parametrize("line", [["profile"], ["profile", "--", ""]])
def test_profile__without_a_command(place: Place, line: list[str | Path]) -> None:
    answer = place.run(*line)
    sentence = "There is no command to profile. Name it after --, as in: autoprof-ci profile -- autopilot run PROMPT."
    assert_refused(place, answer, 2, sentence)


def test_profile__an_impossible_frequency(place: Place) -> None:
    answer = place.run(*words("true", options=["--frequency", "0"]))
    assert_refused(place, answer, 2, "--frequency 0: between 1 and 20000 samples a second are possible. Try --frequency 499.")


@pytest.mark.needs("perf")
def test_profile__an_archive_that_cannot_be_written_to(place: Place) -> None:
    (place.folder / "docs").write_text("a file in the way")
    with place.started(*words("sh", "-c", f"{BUSY}; exit 6")) as running:
        pass
    assert running.answer is not None
    assert running.answer.code == 6
    elsewhere = re.fullmatch(
        r"autoprof-ci: The archive cannot be written to: .+\. Saved elsewhere instead: (\S+) \(.+\)\n", running.answer.said
    )
    assert elsewhere, running.answer.said
    assert Path(elsewhere[1]).is_relative_to(place.temporary)
    assert Path(elsewhere[1]).read_text().startswith("<svg ")


@pytest.mark.skipif(not can_hide_memory(), reason="needs the right to mount, get it as root")
@pytest.mark.needs("perf")
@pytest.mark.parametrize("options", ["size=8k", "size=1m,ro"])
def test_profile__a_disk_that_is_full_or_read_only(place: Place, options: str) -> None:
    folder = place.folder / "docs/profiles"
    folder.mkdir(parents=True)
    place.disks[folder] = options
    with place.started(*words("sh", "-c", f"{BUSY}; exit 6")) as running:
        pass
    assert running.answer is not None
    assert running.answer.code == 6
    assert running.answer.said.count("\n") == 1
    assert "Saved elsewhere instead: " in running.answer.said


@pytest.mark.skipif(not can_hide_memory(), reason="needs the right to mount, get it as root")
def test_profile__nothing_can_be_written_anywhere(place: Place) -> None:
    (place.folder / "docs").mkdir()
    for folder in (place.folder / "docs", place.temporary):
        place.disks[folder] = "ro"
    answer = place.run(*words("sh", "-c", f"{BUSY}; echo out; exit 6"))
    assert (answer.code, answer.out) == (6, "out\n")
    assert answer.said.count("\n") == 1


@pytest.mark.needs("perf")
def test_profile__several_at_once(place: Place) -> None:
    processes = [popen(place, "sh", "-c", BUSY, stderr=subprocess.PIPE) for _ in range(4)]
    said = [process.communicate(timeout=LIMIT_S)[1].decode() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    saved = {match[1] for match in map(SAVED.fullmatch, said) if match}
    assert len(saved) == 4
    entries = archived(place)
    assert len(entries) == 4
    assert all(set(entry.files) == {Kind.FLAMEGRAPH, Kind.STACKS, Kind.RUN} for entry in entries)
    assert notes(place).count("# Profiles of ") == 1
    assert notes(place).count("\n## ") == 4


def test_profile__what_somebody_wrote_stays(place: Place) -> None:
    place.tools()
    assert place.run(*words("/bin/true")).code == 0
    (file,) = (place.folder / "docs/profiles").glob("notes-*.md")
    own = file.read_text() + "The regex is compiled at every call."
    file.write_text(own)
    (place.folder / "docs/profiles/.gitignore").write_text("!*.md\n")
    assert place.run(*words("/bin/true")).code == 0
    assert notes(place).startswith(f"{own}\n\n## ")
    assert (place.folder / "docs/profiles/.gitignore").read_text() == "!*.md\n"


def test_profile__says_what_was_checked_out(place: Place) -> None:
    place.tools()
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@e", "-C", str(place.folder)]
    (place.folder / "file").write_text("1")
    for line in (["init", "-q", "-b", "topic"], ["add", "file"], ["commit", "-q", "-m", "m"]):
        subprocess.run([*git, *line], check=True)
    assert place.run(*words("/bin/true")).code == 0
    (place.folder / "file").write_text("2")
    assert place.run(*words("/bin/true")).code == 0
    commit = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
    clean, dirty = (run_facts(place, entry) for entry in archived(place))
    assert (clean.commit, clean.branch, clean.is_dirty) == (commit, "topic", False)
    assert (dirty.commit, dirty.branch, dirty.is_dirty) == (commit, "topic", True)
    # The archive does not show up in git.
    status = subprocess.run([*git, "status", "--porcelain", "docs"], capture_output=True, text=True, check=True).stdout
    assert status == ""


def notes(place: Place) -> str:
    (file,) = (place.folder / "docs/profiles").glob("notes-*.md")
    return file.read_text()


def wait_for(file: Path) -> None:
    for _ in range(round(LIMIT_S / 0.02)):
        if file.exists():
            return
        time.sleep(0.02)
    raise AssertionError(f"{file} never came")


def read_until(terminal: int, text: str) -> None:
    said = b""
    while text not in said.decode(errors="replace"):
        assert select.select([terminal], [], [], LIMIT_S)[0], said
        said += os.read(terminal, 4096)


def at_a_terminal(place: Place, *command: str) -> tuple[int, str]:
    """The command at a terminal where somebody types Ctrl-C once, and lets it go on after that."""
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(place.folder)
        env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(place.temporary)}
        os.execve(sys.executable, [sys.executable, "-m", "autoprof_ci.cli", *map(str, words(*command))], env)
    wait_for(place.folder / "ready")
    time.sleep(0.2)
    os.write(master, b"\x03")
    time.sleep(0.5)
    (place.folder / "stop").touch()
    said = b""
    while select.select([master], [], [], LIMIT_S)[0]:
        try:
            said += os.read(master, 4096)
        except OSError:  # all have closed it
            break
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()
