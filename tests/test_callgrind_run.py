"""Counting: the command line, what failures become, and real counts of small programs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from autoprof_ci.errors import DataError, ProgramError, ToolError
from autoprof_ci.measure import runner
from autoprof_ci.measure.callgrind_folder import MAX_FILE_BYTES, ProcessLog, read_log
from autoprof_ci.measure.callgrind_run import (
    VALGRIND_OPTIONS,
    Counted,
    CountJob,
    complaint_in,
    count,
    setarch_command,
    tunables,
)
from autoprof_ci.measure.limit import Limit
from autoprof_ci.measure.runner import Start, StartResult
from autoprof_ci.model import BINARY_DSO, Function
from tests.golden import GOLDEN

RECORDED = GOLDEN / "callgrind"
BURN = Function("burn", BINARY_DSO)
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def ended(exit_code: int | None = 0, *, signal: int | None = None, said: str = "", timed_out: bool = False) -> StartResult:
    return StartResult(
        exit_code=exit_code,
        signal=signal,
        wall_s=1.0,
        user_s=1.0,
        system_s=0.0,
        stdout_sha256="",
        stdout_bytes=0,
        stderr_tail=said,
        timed_out=timed_out,
        left_children=0,
    )


@dataclass
class RecordedStarts:
    """Instead of running anything, `leave` writes a start's files into its folder; every start goes as `result` says."""

    leave: Callable[[Path], None]
    result: StartResult = field(default_factory=ended)
    seen: list[Start] = field(default_factory=list)

    def __call__(self, starts: Sequence[Start], *, outer: Sequence[str] = (), log_folder: Path) -> tuple[StartResult, ...]:
        assert outer == () and log_folder.is_dir()
        self.seen += starts
        for start in starts:
            out_file = next(word for word in start.argv if word.startswith("--callgrind-out-file="))
            self.leave(Path(out_file.partition("=")[2].replace("%%", "%")).parent)
        return tuple(self.result for _ in starts)


def leaving(case: str) -> Callable[[Path], None]:
    def leave(folder: Path) -> None:
        shutil.copytree(RECORDED / case, folder, dirs_exist_ok=True)

    return leave


def leaving_log(text: str) -> Callable[[Path], None]:
    def leave(folder: Path) -> None:
        (folder / "1.log").write_text(text)

    return leave


def leaving_an_empty_file(folder: Path) -> None:
    (folder / "1.out").touch()


def nothing(folder: Path) -> None:
    assert folder.is_dir()


def job(folder: Path, program: str, starts: int = 1, arguments: tuple[str, ...] = ()) -> CountJob:
    start = Start(argv=(program, *arguments), env=ENV, cwd=folder, timeout_s=2.0)
    return CountJob(workload="small", starts=(start,) * starts, dsos={program: BINARY_DSO}, folder=folder)


def run_starts(starts: Sequence[Start], *, outer: Sequence[str] = (), log_folder: Path) -> tuple[StartResult, ...]:
    with Limit(60.0) as limit:
        return runner.run_starts(starts, outer=outer, log_folder=log_folder, limit=limit)


@pytest.fixture
def valgrind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Something called valgrind on PATH, that nobody starts."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "valgrind").touch(0o755)
    monkeypatch.setenv("PATH", str(tools))
    return str(tools / "valgrind")


def test_count__command_line(tmp_path: Path, valgrind: str) -> None:
    run = RecordedStarts(leaving("recursion"))
    folder = tmp_path / "100% sure"
    folder.mkdir()
    count(job(folder, "/tmp/sample/recursion", arguments=("--fast",)), run)
    escaped = str(folder).replace("%", "%%")
    files = (f"--callgrind-out-file={escaped}/0/%p.out", f"--log-file={escaped}/0/%p.log")
    assert run.seen == [
        Start(
            argv=(valgrind, *VALGRIND_OPTIONS, *files, "--", "/tmp/sample/recursion", "--fast"),
            env={**ENV, "GLIBC_TUNABLES": tunables(None)},
            cwd=folder,
            timeout_s=200.0,
            grace_s=2.0,
        )
    ]


def test_count__processes_of_every_start(tmp_path: Path, valgrind: str) -> None:
    assert valgrind
    counted = count(job(tmp_path, "/tmp/sample/forks", starts=2), RecordedStarts(leaving("forks")))
    assert (counted.repeat.self_costs[BURN], counted.repeat.self_costs[Function("[helper]", "helper")]) == (13396, 48)
    assert (counted.uncounted_processes, counted.unreadable_lines, len(counted.results)) == (0, 0, 2)


def test_count__other_files_in_its_folder_are_not_its(tmp_path: Path, valgrind: str) -> None:
    def leave(folder: Path) -> None:
        leaving("recursion")(folder)
        (folder / "x.out").write_text("hello")
        (folder / "1.5.log").write_text("hello")
        (folder / "2.out").mkdir()

    assert valgrind
    assert count(job(tmp_path, "/tmp/sample/recursion"), RecordedStarts(leave)).repeat.self_costs[BURN] == 130


def test_count__file_of_absurd_size(tmp_path: Path, valgrind: str) -> None:
    def leave(folder: Path) -> None:
        (folder / "1.out").touch()
        os.truncate(folder / "1.out", MAX_FILE_BYTES + 1)

    assert valgrind
    with pytest.raises(DataError, match="has more than 512 MiB"):
        count(job(tmp_path, "/tmp/sample/recursion"), RecordedStarts(leave))


def test_count__no_longer_than_what_is_left(tmp_path: Path, valgrind: str) -> None:
    assert valgrind
    run = RecordedStarts(leaving("recursion"))
    count(replace(job(tmp_path, "/tmp/sample/recursion"), limit_s=30.0), run)
    assert [start.timeout_s for start in run.seen] == [30.0]


def test_count__killed_process_is_not_counted(tmp_path: Path, valgrind: str) -> None:
    def leave(folder: Path) -> None:
        leaving("forks")(folder)
        (folder / "3.out").unlink()

    assert valgrind
    counted = count(job(tmp_path, "/tmp/sample/forks"), RecordedStarts(leave))
    assert (counted.repeat.self_costs[BURN], counted.uncounted_processes) == (13396 - 184, 1)


def test_count__process_killed_while_callgrind_wrote(tmp_path: Path, valgrind: str) -> None:
    def leave(folder: Path) -> None:
        leaving("forks")(folder)
        cut = (folder / "3.out").read_text()
        (folder / "3.out").write_text(cut[: cut.index("totals")])

    assert valgrind
    left = RecordedStarts(leave, replace(ended(), left_children=1))
    counted = count(job(tmp_path, "/tmp/sample/forks"), left)
    assert (counted.repeat.self_costs[BURN], counted.uncounted_processes) == (13396 - 184, 1)
    shutil.rmtree(tmp_path / "0")
    with pytest.raises(DataError, match="process 3 is cut off"):
        count(job(tmp_path, "/tmp/sample/forks"), RecordedStarts(leave))


def test_count__fork_that_copied_its_parents_counts_is_not_counted(tmp_path: Path, valgrind: str) -> None:
    def leave(folder: Path) -> None:
        leaving("forks")(folder)
        shutil.copy(RECORDED / "recursion" / "1.out", folder / "1.out")  # one part: nothing was dumped before the fork

    assert valgrind
    counted = count(job(tmp_path, "/tmp/sample/recursion"), RecordedStarts(leave))
    assert (counted.repeat.self_costs[BURN], counted.uncounted_processes) == (130, 1)


SIGILL = """\
==7== Command: /p/tool
vex amd64->IR: unhandled instruction bytes: 0x62 0xF1 0x7C 0x48 0x28 0x5 0x0 0x0 0x0 0x0
==7== valgrind: Unrecognised instruction at address 0x401136.
==7== Process terminating with default action of signal 4 (SIGILL)
"""


@pytest.mark.parametrize(
    ("leave", "result", "error", "words"),
    [
        (
            leaving_log(SIGILL),
            ended(None, signal=4),
            ToolError,
            "valgrind does not know an instruction of the program (0x62 0xF1",
        ),
        (nothing, ended(1, said="valgrind: mkdir of /x failed\n"), ToolError, "valgrind cannot write its temporary files"),
        (nothing, ended(1, said="valgrind: failed to start tool 'callgrind'\n"), ToolError, "valgrind itself failed"),
        (nothing, ended(0), ToolError, "Callgrind wrote nothing for workload 'small'"),
        (
            leaving_log("==1== Command: x\n"),
            ended(3, said="no such file\n"),
            ProgramError,
            "exit code 3 instead of 0; its last words: no",
        ),
        (leaving_log("==1== Command: x\n"), ended(None, signal=11), ProgramError, "signal SIGSEGV"),
        (
            nothing,
            ended(None, timed_out=True),
            ProgramError,
            "did not end within 200 s. Give it a smaller task with `instructions_command`",
        ),
        (leaving_an_empty_file, ended(0), DataError, "of workload 'small', process 1 is empty"),
    ],
)
def test_count__failures(
    leave: Callable[[Path], None], result: StartResult, error: type[Exception], words: str, tmp_path: Path, valgrind: str
) -> None:
    assert valgrind
    with pytest.raises(error) as caught:
        count(job(tmp_path, "/p/tool"), RecordedStarts(leave, result))
    assert words in str(caught.value)


def test_count__without_valgrind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"valgrind is not installed\. Install it with: apt-get install valgrind"):
        count(job(tmp_path, "/p/tool"), RecordedStarts(nothing))


def test_read_log__executed_and_forked() -> None:
    first, forked = (RECORDED / "forks" / f"{number}.log" for number in (1, 2))
    assert read_log(first.read_text()).executed
    assert read_log(forked.read_text()) == ProcessLog(parent_pid=1, executed=False, text=forked.read_text())
    assert read_log("") == ProcessLog(parent_pid=None, executed=False, text="")


def test_complaint_in__nothing_to_complain_of() -> None:
    assert complaint_in("==1== Command: ./x\n==1== I refs: 5\nerror: wrong file") is None


def test_tunables__of_the_workload_come_last() -> None:
    assert tunables("glibc.malloc.check=3").endswith(":glibc.malloc.check=3")


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    threads = ("cc", "-O1", "-pthread", RECORDED / "programs" / "threads.c")
    subprocess.run((*threads, "-o", folder / "threads"), check=True)
    subprocess.run((*threads, "-static", "-o", folder / "threads-static"), check=True)
    (folder / "copies.c").write_text(COPIES)
    subprocess.run(("cc", "-O1", "-fno-builtin", "-o", folder / "copies", folder / "copies.c"), check=True)
    (folder / "illegal.c").write_text("int main(void) { __asm__ volatile(ILLEGAL); return 0; }\n")
    avx512 = '-DILLEGAL=".byte 0x62,0xf1,0x7c,0x48,0x28,0xc0"'
    subprocess.run(("cc", avx512, "-o", folder / "illegal", folder / "illegal.c"), check=True)
    return folder


COPIES = """\
#include <stdlib.h>
#include <string.h>
int main(int count, char **words) {
  size_t bytes = strtoul(words[1], 0, 10);
  char *from = calloc(1, bytes + count), *to = malloc(bytes);
  for (int i = 0; i < 100; i++) memcpy(to, from, bytes);
  return to[bytes / 2];
}
"""


def counted(folder: Path, program: Path, *arguments: str) -> Counted:
    folder.mkdir()
    prepared = job(folder, str(program), arguments=arguments)
    return count(prepared, run_starts)


@pytest.mark.needs("valgrind", "cc")
@pytest.mark.parametrize("name", ["threads", "threads-static"])
def test_count__threads_for_real(name: str, programs: Path, tmp_path: Path) -> None:
    first, second = (counted(tmp_path / number, programs / name) for number in "12")
    # Six instructions a round and a few around them; in both threads together 600 rounds.
    assert 600 * 3 <= first.repeat.self_costs[BURN] <= 600 * 8
    assert first.repeat.self_costs[BURN] == second.repeat.self_costs[BURN]
    assert first.repeat.calls[BURN] == 2
    # who waits for whom, and how often, differs: some hundred instructions of 30,000
    total, again = (sum(repeat.self_costs.values()) for repeat in (first.repeat, second.repeat))
    assert abs(again / total - 1) < 0.1
    assert (first.uncounted_processes, first.unreadable_lines) == (0, 0)


@pytest.mark.needs("valgrind", "cc")
def test_count__copies_cost_what_their_length_says(programs: Path, tmp_path: Path) -> None:
    """glibc's `rep movsb` from 8 KiB on would count an instruction a byte: 160 times as much for twice the length."""
    short, long = (
        sum(
            cost
            for function, cost in counted(tmp_path / size, programs / "copies", size).repeat.self_costs.items()
            if "mem" in function.name
        )
        for size in ("7000", "14000")
    )
    assert 1.5 < long / short < 2.5


@pytest.mark.skipif(platform.machine() != "x86_64", reason="the instruction is one of x86-64")
@pytest.mark.needs("valgrind", "cc")
def test_count__instruction_valgrind_does_not_know(programs: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="workload 'small' under callgrind: valgrind does not know an instruction of the program"):
        counted(tmp_path / "run", programs / "illegal")


@pytest.mark.needs("valgrind", "cc")
def test_count__fixed_addresses(programs: Path, tmp_path: Path) -> None:
    setarch = setarch_command()
    if subprocess.run((*setarch, "true"), capture_output=True, check=False).returncode != 0:
        pytest.skip("address randomisation may not be turned off here")
    start = Start(argv=(str(programs / "threads"),), env=ENV, cwd=tmp_path, timeout_s=5.0)
    fixed = CountJob(
        workload="small", starts=(start,), dsos={str(programs / "threads"): BINARY_DSO}, folder=tmp_path, setarch=setarch
    )
    assert count(fixed, run_starts).repeat.calls[BURN] == 2
