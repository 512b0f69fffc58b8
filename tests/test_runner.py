from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from autoprof_ci.errors import ProgramError, ToolError
from autoprof_ci.measure import runner
from autoprof_ci.measure.failures import check_results, failure
from autoprof_ci.measure.limit import Limit, TimeIsUpError
from autoprof_ci.measure.runner import STARTER, Start, StartResult
from tests.programs import built

pytestmark = pytest.mark.needs("cc")


def start(folder: Path, *words: str, timeout_s: float = 20.0) -> Start:
    program = str(built("acts"))
    return Start(argv=(program, *words), env={"HOME": str(folder)}, cwd=folder, timeout_s=timeout_s)


def run_starts(
    starts: Sequence[Start], *, outer: Sequence[str] = (), log_folder: Path, limit_s: float = 60.0
) -> tuple[StartResult, ...]:
    with Limit(limit_s) as limit:
        return runner.run_starts(starts, outer=outer, log_folder=log_folder, limit=limit)


def one(folder: Path, *words: str) -> tuple[Start, StartResult]:
    begun = start(folder, *words)
    (result,) = run_starts([begun], log_folder=folder)
    return begun, result


def processes_with(word: str) -> list[str]:
    found = subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return [line for line in found.splitlines() if word in line and line.startswith(str(built("acts")))]


def wait_for_two(word: str) -> None:
    deadline = time.monotonic() + 20
    while len(processes_with(word)) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(processes_with(word)) == 2


def test_run_starts__all_end_well(tmp_path: Path) -> None:
    results = run_starts([start(tmp_path, "work", "1000")] * 3, log_folder=tmp_path)
    assert [(r.exit_code, r.signal, r.timed_out, r.left_children, r.error) for r in results] == [(0, None, False, 0, None)] * 3
    assert len({result.stdout_sha256 for result in results}) == 1
    assert all(0 < result.wall_s < 10 for result in results)


def test_run_starts__phase_is_not_the_programs_time(tmp_path: Path) -> None:
    late = replace(start(tmp_path, "exit", "0"), phase_s=0.5)
    results = run_starts([late] * 4, log_folder=tmp_path)
    assert max(result.user_s for result in results) < 0.05
    assert max(result.wall_s for result in results) < 0.25


def test_run_starts__crash_names_the_signal_and_the_last_words(tmp_path: Path) -> None:
    assert failure(*one(tmp_path, "crash")) == "was ended by signal SIGSEGV; its last words: about to crash"


def test_run_starts__other_exit_code(tmp_path: Path) -> None:
    begun, result = one(tmp_path, "exit", "3")
    assert failure(begun, result) == "ended with exit code 3 instead of 0; its last words: cannot open the thing"
    assert failure(replace(begun, expect_exit=3), result) is None


def test_run_starts__stops_after_the_first_failure(tmp_path: Path) -> None:
    starts = [start(tmp_path, "work", "10"), start(tmp_path, "exit", "3"), start(tmp_path, "work", "10")]
    results = run_starts(starts, log_folder=tmp_path)
    assert [result.exit_code for result in results] == [0, 3]
    with pytest.raises(ProgramError, match=r"^here: start 2 of 3 ended with exit code 3"):
        check_results(starts, results, "here")


def test_run_starts__hang_is_killed_with_its_children(tmp_path: Path) -> None:
    hanging = start(tmp_path, "hang", str(tmp_path), timeout_s=0.3)
    (result,) = run_starts([hanging], log_folder=tmp_path)
    assert failure(hanging, result) == "did not end within 0.3 s and was killed; its last words: waiting for godot"
    assert processes_with(str(tmp_path)) == []


def test_run_starts__limit_ends_what_hangs(tmp_path: Path) -> None:
    begun = time.monotonic()
    with pytest.raises(
        TimeIsUpError, match=r"^The time limit of 0.2 s for all measuring has passed\. Raise `time_limit_seconds`"
    ):
        run_starts([start(tmp_path, "hang", str(tmp_path))], log_folder=tmp_path, limit_s=0.2)
    assert time.monotonic() - begun < 6
    assert processes_with(str(tmp_path)) == []


def test_run_starts__nothing_begins_after_the_limit(tmp_path: Path) -> None:
    with pytest.raises(TimeIsUpError):
        run_starts([start(tmp_path, "work", "1")], log_folder=tmp_path, limit_s=0.0)
    assert list(tmp_path.glob("results.json")) == []


def test_run_starts__stopped_from_another_thread(tmp_path: Path) -> None:
    with Limit(60.0) as limit:
        timer = threading.Timer(0.3, limit.stop)
        timer.start()
        begun = time.monotonic()
        with pytest.raises(TimeIsUpError):
            runner.run_starts([start(tmp_path, "hang", str(tmp_path))], log_folder=tmp_path, limit=limit)
        assert time.monotonic() - begun < 6
        timer.join()
    assert processes_with(str(tmp_path)) == []


def test_run_starts__grace_for_children(tmp_path: Path) -> None:
    late = replace(start(tmp_path), argv=("/bin/sh", "-c", "sleep 0.5 &"))
    left = [run_starts([replace(late, grace_s=grace_s)], log_folder=tmp_path)[0].left_children for grace_s in (0.0, 5.0)]
    assert left == [1, 0]


def test_run_starts__children_that_outlive_a_start_are_counted_and_killed(tmp_path: Path) -> None:
    begun, result = one(tmp_path, "daemon", str(tmp_path))
    assert (failure(begun, result), result.left_children) == (None, 2)
    assert processes_with(str(tmp_path)) == []


def test_run_starts__flood_is_digested(tmp_path: Path) -> None:
    _, result = one(tmp_path, "flood", "50000000")
    assert (result.stdout_bytes, result.stdout_sha256) == (50_000_000, sha256(bytes(50_000_000)).hexdigest())


def test_run_starts__no_such_program(tmp_path: Path) -> None:
    missing = replace(start(tmp_path), argv=("/nowhere/autopilot",))
    (result,) = run_starts([missing], log_folder=tmp_path)
    assert failure(missing, result) == "could not be begun: /nowhere/autopilot: No such file or directory"


def test_run_starts__missing_library_is_named(tmp_path: Path) -> None:
    library = tmp_path / "libthere.so"
    source = tmp_path / "there.c"
    source.write_text("int there(void) { return 0; }\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
    (tmp_path / "main.c").write_text("int there(void); int main(void) { return there(); }\n")
    program = tmp_path / "needy"
    subprocess.run(["cc", "-o", str(program), str(tmp_path / "main.c"), str(library)], check=True)
    library.unlink()
    needy = replace(start(tmp_path), argv=(str(program),))
    (result,) = run_starts([needy], log_folder=tmp_path)
    assert failure(needy, result) == f"lacks the shared library {library}"


def test_run_starts__tool_that_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^sh ended with exit code 7 before the measured program was started: no permission"):
        run_starts([start(tmp_path)], outer=("sh", "-c", "echo no permission >&2; exit 7"), log_folder=tmp_path)


def test_run_starts__interrupted_leaves_nothing_running(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from autoprof_ci.measure.runner import *;"
        f"run_starts([Start(argv=({str(built('acts'))!r}, 'hang', {str(tmp_path)!r}), env={{}}, cwd=Path('/'))],"
        f"log_folder=Path({str(tmp_path)!r}), limit=Limit(60))"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    wait_for_two(f"hang {tmp_path}")
    process.send_signal(signal.SIGINT)
    process.wait(20)
    assert processes_with(f"hang {tmp_path}") == []


def test_run_starts__killed_caller_leaves_nothing_running(tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    job.write_text(
        f'[{{"argv": ["{built("acts")}", "hang", "{tmp_path}"], "env": {{}}, "cwd": "/", "stdin": null, "timeout_s": 60,'
        ' "expect_exit": 0, "phase_s": 0, "grace_s": 0.1}]'
    )
    read, write = os.pipe()
    process = subprocess.Popen([sys.executable, "-I", "-S", str(STARTER), str(job), str(tmp_path / "results")], stdin=read)
    os.close(read)
    wait_for_two(f"hang {tmp_path}")
    os.close(write)
    assert process.wait(20) == 0
    assert processes_with(f"hang {tmp_path}") == []


def test_limit__a_signal_that_stops_nothing_ends_no_wait() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
    try:
        with subprocess.Popen(["sleep", "1"]) as process, Limit(60) as limit:
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            used_s = time.process_time()
            assert limit.wait_for(process, 30)
            assert process.wait(0.5) == 0
        assert heard == [signal.SIGUSR1]
        assert time.process_time() - used_s < 0.2
    finally:
        signal.signal(signal.SIGUSR1, before)
