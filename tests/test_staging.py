from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from autoprof_ci.errors import ConfigError, ProgramError, ToolError
from autoprof_ci.measure.failures import check_results
from autoprof_ci.measure.places import Needs, Places, find_places
from autoprof_ci.measure.plan import Plan, Program
from autoprof_ci.measure.runner import Start
from autoprof_ci.measure.staging import FIXED_BYTES, Stage, expand, padded
from autoprof_ci.model import MeasureSettings, Workload
from tests.programs import built

pytestmark = pytest.mark.needs("cc")


def plan(folder: Path, workload: Workload) -> Plan:
    baseline, candidate = folder / "old-name", folder / "acts"
    for file in (baseline, candidate):
        file.write_bytes(built("acts").read_bytes())
    programs = (Program(label="baseline", binary=baseline), Program(label="candidate", binary=candidate))
    return Plan(programs=programs, workloads=(workload,), settings=MeasureSettings(), data=Path("/data"), config_folder=folder)


def command(*words: str) -> tuple[str, ...]:
    return ("{binary}", *words)


def stack_bytes(start: Start) -> int:
    return sum(len(word) + 1 for word in start.argv) + sum(len(name) + len(text) + 2 for name, text in start.env.items())


def test_expand__unknown_placeholder_says_where() -> None:
    with pytest.raises(ConfigError, match=r"^here: the placeholder \{bianry\} is unknown"):
        expand(["x", "{bianry}"], {"binary": "/b"}, "here")


def test_padded__always_the_same_length() -> None:
    for length in range(200, 5000, 97):
        env = padded(["x" * length], {"HOME": "/h"})
        used = length + 1 + sum(len(name) + len(text) + 2 for name, text in env.items())
        assert used % FIXED_BYTES == 0


def test_prepare__both_programs_begin_alike(tmp_path: Path) -> None:
    workload = Workload(name="w", command=command("name"), env={"AGENT": "{scratch}/agent"})
    the_plan = plan(tmp_path, workload)
    seen = []
    with Stage(the_plan) as stage:
        for program in the_plan.programs:
            with stage.prepare(program, workload, 2, stage.lanes[0]) as starts:
                results = stage.run(starts, log_folder=stage.folder)
                check_results(starts, results, "here")
            seen.append(([(s.argv, dict(s.env), s.cwd) for s in starts], [r.stdout_sha256 for r in results]))
            assert {stack_bytes(start) % FIXED_BYTES for start in starts} == {0}
        paths = [str(stage.files(program)["binary"]) for program in the_plan.programs]
    assert seen[0] == seen[1]
    assert len(paths[0]) == len(paths[1]) and len(set(paths)) == 2


def test_prepare__only_the_white_list_is_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "secret")
    workload = Workload(name="w", command=command("name"))
    the_plan = plan(tmp_path, workload)
    with Stage(the_plan) as stage, stage.prepare(the_plan.judged, workload, 1, stage.lanes[0]) as (start,):
        assert set(start.env) == {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "AUTOPROF_PADDING"}


def test_prepare__every_start_is_the_first(tmp_path: Path) -> None:
    workload = Workload(name="w", command=command("state"))
    the_plan = plan(tmp_path, workload)
    with Stage(the_plan) as stage:
        for _ in range(2):
            with stage.prepare(the_plan.judged, workload, 3, stage.lanes[0]) as starts:
                check_results(starts, stage.run(starts, log_folder=stage.folder), "here")


def test_prepare__inputs_are_copied_and_setup_is_done(tmp_path: Path) -> None:
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "deep" / "a.txt").write_text("a")
    (tmp_path / "b.txt").write_text("b")
    workload = Workload(
        name="w", command=("cat",), inputs=("in", "b.txt"), stdin="b.txt", setup=(("sh", "-c", "cat in/deep/a.txt > made"),)
    )
    the_plan = plan(tmp_path, workload)
    with Stage(the_plan) as stage, stage.prepare(the_plan.judged, workload, 2, stage.lanes[0]) as starts:
        found = [sorted(str(p.relative_to(s.cwd)) for p in s.cwd.rglob("*") if p.is_file()) for s in starts]
        (first, _) = stage.run(starts, log_folder=stage.folder)
        assert found == [["b.txt", "in/deep/a.txt", "made"]] * 2
        assert first.stdout_bytes == 1
    assert (tmp_path / "b.txt").read_text() == "b"


def test_prepare__setup_that_fails(tmp_path: Path) -> None:
    workload = Workload(name="w", command=command("name"), setup=(("sh", "-c", "echo no disk >&2; exit 4"),))
    the_plan = plan(tmp_path, workload)
    expected = r"^setup of workload 'w' \(candidate\): start 1 of 1 ended with exit code 4 instead of 0; its last words: no disk"
    with (
        Stage(the_plan) as stage,
        pytest.raises(ProgramError, match=expected),
        stage.prepare(the_plan.judged, workload, 1, stage.lanes[0]),
    ):
        pass


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        (Workload(name="w", command=command(), inputs=("../x",)), "'../x' is outside of the folder of the configuration"),
        (Workload(name="w", command=command(), inputs=("none.txt",)), "'none.txt' does not exist"),
        (Workload(name="w", command=("no-such-tool",)), "'no-such-tool' was not found"),
        (Workload(name="w", command=command("{dta}")), r"the placeholder \{dta\} is unknown"),
    ],
)
def test_prepare__wrong_configuration(tmp_path: Path, workload: Workload, message: str) -> None:
    the_plan = plan(tmp_path, workload)
    with (
        Stage(the_plan) as stage,
        pytest.raises(ConfigError, match=message),
        stage.prepare(the_plan.judged, workload, 1, stage.lanes[0]),
    ):
        pass


def test_stage__nothing_is_left_even_of_what_forbids_its_removal(tmp_path: Path) -> None:
    script = "mkdir -p locked/in && touch locked/in/file && chmod 000 locked/in locked"
    workload = Workload(name="w", command=("sh", "-c", script))
    the_plan = plan(tmp_path, workload)
    with Stage(the_plan) as stage:
        with stage.prepare(the_plan.judged, workload, 1, stage.lanes[0]) as starts:
            check_results(starts, stage.run(starts, log_folder=stage.folder), "here")
        assert not stage.lanes[0].starts.exists()
    assert not stage.folder.exists() and not stage.programs.exists()


def test_stage__large_inputs_limit_what_is_prepared_at_once(tmp_path: Path) -> None:
    with (tmp_path / "large").open("wb") as file:
        os.truncate(file.fileno(), 200 << 20)
    workload = Workload(name="w", command=command(), inputs=("large",))
    with Stage(plan(tmp_path, workload)) as stage:
        assert stage.largest_batch(workload) == 2


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """A memory file system, as containers have it in place of /dev/shm."""
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("file systems can be mounted by root only")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_find_places__memory_for_all(tmp_path: Path) -> None:
    with mounted(tmp_path / "shm", "size=1g") as memory:
        assert find_places(Needs(program_bytes=1 << 20, executable_inputs=True), memory) == Places(programs=memory, work=memory)


def test_find_places__memory_that_may_not_be_executed(tmp_path: Path) -> None:
    temporary = Path(tempfile.gettempdir())
    with mounted(tmp_path / "shm", "size=1g,noexec") as memory:
        plain, executing = (find_places(Needs(program_bytes=1, executable_inputs=inputs), memory) for inputs in (False, True))
    assert plain == Places(programs=temporary, work=memory)
    assert executing == Places(programs=temporary, work=temporary)


@pytest.mark.parametrize("options", ["size=64m,noexec", "size=64m"])
def test_find_places__memory_of_docker_is_too_small(options: str, tmp_path: Path) -> None:
    temporary = Path(tempfile.gettempdir())
    with mounted(tmp_path / "shm", options) as memory:
        assert find_places(Needs(program_bytes=1, executable_inputs=False), memory) == Places(programs=temporary, work=temporary)


def test_find_places__no_memory(tmp_path: Path) -> None:
    temporary = Path(tempfile.gettempdir())
    needs = Needs(program_bytes=1, executable_inputs=False)
    assert find_places(needs, tmp_path / "missing") == Places(programs=temporary, work=temporary)


def test_find_places__programs_that_fit_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^Programs cannot be staged: no space left for 1048576 MiB in .* Free some space there"):
        find_places(Needs(program_bytes=1 << 40, executable_inputs=False), tmp_path / "missing")


def test_stage__programs_run_where_memory_may_not_be_executed(tmp_path: Path) -> None:
    workload = Workload(name="w", command=command("state"))
    the_plan = plan(tmp_path, workload)
    with mounted(tmp_path / "shm", "size=1g,noexec") as memory:
        places = find_places(Needs(program_bytes=1, executable_inputs=False), memory)
        with Stage(the_plan, places) as stage:
            assert stage.folder.is_relative_to(memory)
            with stage.prepare(the_plan.judged, workload, 2, stage.lanes[0]) as starts:
                check_results(starts, stage.run(starts, log_folder=stage.folder), "here")
        assert list(memory.iterdir()) == []
