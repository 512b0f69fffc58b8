"""The sample program does what the shipped workloads ask, has autopilot's kind of profile, and its slow variant is slower."""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from autoprof_ci import config
from autoprof_ci.measure.callgrind_file import read_callgrind
from autoprof_ci.measure.callgrind_table import InstructionsRepeat, fold
from autoprof_ci.model import BINARY_DSO, Function, Workload
from autoprof_ci.patterns import matcher
from autoprof_ci.workloads import SHIPPED_CONFIG, ensure_data
from tests.players import installed
from tests.sample import Variant, program

SHIPPED = config.parse(SHIPPED_CONFIG, source="autopilot.toml")
WORKLOADS = {workload.name: workload for workload in SHIPPED.workloads}

pytestmark = pytest.mark.needs("cargo")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ensure_data(tmp_path_factory.mktemp("cache")).path


def run(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """In an empty home, as every start of a workload has it; an agent that lies in there is found."""
    environment = {"HOME": str(folder), "PATH": f"{folder}/agent:{os.environ['PATH']}", "TMPDIR": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)


def succeed(command: list[str | Path], folder: Path) -> str:
    done = run(command, folder)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def filled(command: tuple[str, ...], binary: Path, data: Path) -> list[str | Path]:
    values = {"{binary}": str(binary), "{data}": str(data), "{scratch}": "."}
    return [functools.reduce(lambda text, name: text.replace(name, values[name]), values, argument) for argument in command]


def with_agent(workload: Workload, data: Path, folder: Path) -> Path:
    if workload.agent is not None:
        installed(folder / "agent", Path(workload.agent.replace("{data}", str(data))).read_bytes())
    return folder


@pytest.mark.parametrize("workload", SHIPPED.workloads, ids=lambda workload: workload.name)
def test_shipped_workload__both_variants_print_the_same_again_and_again(workload: Workload, tmp_path: Path, data: Path) -> None:
    printed = set()
    for count, variant in enumerate((Variant.PLAIN, Variant.PLAIN, Variant.SLOW)):
        folder = tmp_path / str(count)
        folder.mkdir()
        done = run(filled(workload.command, program(variant), data), with_agent(workload, data, folder))
        # A run says on standard error where its recording is, which holds the time of day.
        recorded = re.fullmatch(r"Recorded in \./logs/\d{6}-[a-z-]+\.json\n", done.stderr) is not None
        assert (done.returncode, recorded, done.stderr == "") == (0, workload.agent is not None, workload.agent is None)
        printed.add(done.stdout)
    assert len(printed) == 1


def test_analyze__counts_what_is_in_the_files(tmp_path: Path, data: Path) -> None:
    printed = succeed([program(Variant.PLAIN), "analyze", data / "sessions", "--aggregate", "--json"], tmp_path)
    report = json.loads(printed)
    files = [json.loads(path.read_text(encoding="utf-8")) for path in (data / "sessions").iterdir()]
    steps = [step for file in files for step in file["steps"]]
    assert report["trajectory_count"] == 60
    assert report["total_tool_calls"] == sum(step["type"] == "tool_call" for step in steps)
    assert sum(count for _, count in report["top_error_tools"]) == sum(step.get("success") is False for step in steps)
    assert report["overall_success_rate"] == sum(file["result"]["success"] for file in files) / 60
    assert report["secrets"]["github_token"] > 0


def test_analyze__one_file(tmp_path: Path, data: Path) -> None:
    report = json.loads(succeed([program(Variant.PLAIN), "analyze", data / "session-a.json", "--json"], tmp_path))
    steps = json.loads((data / "session-a.json").read_text(encoding="utf-8"))["steps"]
    assert report["tool_usage"]["calls_by_tool"] == Counter(step["tool"] for step in steps if step["type"] == "tool_call")


def test_analyze__empty_folder_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    assert succeed([program(Variant.PLAIN), "analyze", tmp_path / "none"], tmp_path) == (
        f"No trajectory files found in {tmp_path}/none\n"
    )


def test_analyze__file_that_is_no_session(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    done = run([program(Variant.PLAIN), "analyze", tmp_path / "other.json"], tmp_path)
    assert done.returncode == 1
    assert f"{tmp_path}/other.json is no trajectory" in done.stderr


def test_replay__one_line_a_step_and_no_secret(tmp_path: Path, data: Path) -> None:
    printed = succeed([program(Variant.PLAIN), "replay", data / "session-a.json", "--mode", "list"], tmp_path)
    assert sum(re.match(r"\[\d+\] [A-Z]+ ", line) is not None for line in printed.splitlines()) == 980
    assert "[redacted " in printed
    assert re.search(r"nsec1[0-9a-z]{58}", printed) is None


def test_issues__go_in_and_come_out_again(tmp_path: Path, data: Path) -> None:
    binary, backlog = program(Variant.PLAIN), data / "issues/backlog-small.json"
    assert succeed([binary, "issue", "import", "-i", backlog], tmp_path) == "Imported 300, updated 0, skipped 0\n"
    assert succeed([binary, "issue", "import", "-i", backlog], tmp_path) == "Imported 0, updated 0, skipped 300\n"
    assert succeed([binary, "issue", "import", "-i", backlog, "--force"], tmp_path) == "Imported 0, updated 300, skipped 0\n"
    succeed([binary, "issue", "export", "-o", "out.json", "--include-completed"], tmp_path)
    assert json.loads((tmp_path / "out.json").read_text()) == json.loads(backlog.read_text(encoding="utf-8"))


def test_issues__are_worked_off(tmp_path: Path) -> None:
    issue: list[str | Path] = [program(Variant.PLAIN), "issue"]
    succeed([*issue, "create", "Later", "-p", "low"], tmp_path)
    succeed([*issue, "create", "Now", "-p", "urgent", "-t", "bug", "-a", "codex", "-d", "at once"], tmp_path)
    succeed([*issue, "create", "Never", "-p", "high"], tmp_path)
    assert succeed([*issue, "ready"], tmp_path) == "Next: #2 Now (urgent, bug)\nat once\n"
    succeed([*issue, "claim", "2", "-r", "run-1"], tmp_path)
    succeed([*issue, "block", "3", "no idea"], tmp_path)
    assert succeed([*issue, "ready"], tmp_path) == "Next: #1 Later (low, task)\n\n"
    succeed([*issue, "complete", "2"], tmp_path)
    assert [line.split()[:4] for line in succeed([*issue, "list"], tmp_path).splitlines()[1:]] == [
        ["1", "open", "low", "claude"],
        ["2", "done", "urgent", "codex"],
        ["3", "open", "high", "claude"],
    ]
    assert run([*issue, "complete", "2"], tmp_path).returncode == 1


@pytest.mark.slow
def test_sample__passes_its_own_tests() -> None:
    folder = program(Variant.PLAIN).parents[2]
    cargo = ["cargo", "test", "--release", "--quiet", "--locked"]
    done = subprocess.run(cargo, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert ["22 passed; 0 failed" in done.stdout, "4 passed; 0 failed" in done.stdout] == [True, True]


def count_instructions(variant: Variant, workload: Workload, data: Path, folder: Path) -> InstructionsRepeat:
    binary = program(variant)
    out = folder / f"{variant.name}.callgrind"
    command = filled(workload.instructions_command or workload.command, binary, data)
    with_agent(workload, data, folder)
    done = run(["valgrind", "--tool=callgrind", "--separate-recs=2", f"--callgrind-out-file={out}", *command], folder)
    assert done.returncode == 0, done.stderr
    return fold([read_callgrind(out.read_bytes(), out.name)], {str(binary): BINARY_DSO}, 1)


@pytest.mark.needs("valgrind")
def test_slow_variant__is_slower_where_it_should_be(tmp_path: Path, data: Path) -> None:
    counted = [count_instructions(variant, WORKLOADS["analyze-sessions"], data, tmp_path) for variant in Variant]
    totals = [sum(repeat.self_costs.values()) for repeat in counted]
    assert 1.3 < totals[1] / totals[0] < 2.2
    slow = Function("autopilot::redact::redact_command", BINARY_DSO)
    calls = [repeat.calls[slow] for repeat in counted]
    assert calls[0] == calls[1] > 300
    caused = [repeat.inclusive[slow] for repeat in counted]
    assert caused[1] - caused[0] == pytest.approx(totals[1] - totals[0], rel=0.05)


@pytest.mark.needs("valgrind")
def test_slow_variant__is_as_fast_elsewhere(tmp_path: Path, data: Path) -> None:
    counted = [count_instructions(variant, WORKLOADS["replay"], data, tmp_path) for variant in Variant]
    totals = [sum(repeat.self_costs.values()) for repeat in counted]
    assert totals[1] == pytest.approx(totals[0], rel=0.001)


# Hot functions that rightly are in no group: loading the program, time stamps, hashing, comparing, the sample's own code (a
# thread's whole body has the name of what the standard library puts around it).
UNGROUPED = matcher(
    (
        *("chrono::*", "core::hash::*", "hashbrown::*", "memcmp", "strlen", "strcmp", "autopilot::*", "clap*::*", "core::fmt::*"),
        *(
            "core::str::*",
            "core::num::*",
            "std::sys::backtrace::__rust_begin_short_backtrace",
            "std_detect::*",
            "_dl_*",
            "do_lookup_x",
            "check_match",
            "intel_check_word",
            "handle_intel",
        ),
    )
)


@pytest.mark.needs("valgrind")
@pytest.mark.parametrize(
    ("workload", "large_groups", "ungrouped_share"),
    [
        ("analyze-sessions", {"JSON serialization", "Regex matching", "Memory"}, 0.15),
        ("replay", {"JSON serialization", "Regex matching", "Memory"}, 0.20),
        ("compare", {"JSON serialization", "Memory"}, 0.20),
        ("issue-import", {"Database", "Memory", "JSON serialization"}, 0.20),
    ],
)
def test_groups__hold_what_is_hot(
    workload: str, large_groups: set[str], ungrouped_share: float, tmp_path: Path, data: Path
) -> None:
    costs = count_instructions(Variant.PLAIN, WORKLOADS[workload], data, tmp_path).self_costs
    total = sum(costs.values())
    groups = [(group.name, matcher(group.match)) for group in SHIPPED.policy.groups]
    shares: Counter[str] = Counter()
    strays = {}
    for function, cost in costs.items():
        group = next((name for name, matches in groups if matches(function.name)), "none")
        shares[group] += round(1_000_000 * cost / total)
        if group == "none" and cost > 0.01 * total and not UNGROUPED(function.name):
            strays[function] = cost / total
    assert strays == {}
    ungrouped = shares.pop("none")
    assert ungrouped / 1_000_000 < ungrouped_share
    assert {name for name, share in shares.items() if share > 50_000} == large_groups
