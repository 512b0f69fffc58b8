"""The command line as a user meets it: words, exit codes, one sentence for each mistake, nothing half-written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from autoprof_ci import bundle, cli
from autoprof_ci.model import Recording
from tests import factories

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    code: int
    out: str
    err: str


def run(*words: str | Path, cwd: Path, env: dict[str, str] | None = None) -> Answer:
    """The command in a process of its own, as a user starts it."""
    done = subprocess.run(
        [sys.executable, "-m", "autoprof_ci.cli", *map(str, words)],
        cwd=cwd,
        env={**os.environ, "COLUMNS": "100", "PYTHONPATH": str(ROOT), **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Answer(code=done.returncode, out=done.stdout, err=done.stderr)


def folded(folder: Path, side: str, runs: list[dict[str, int]]) -> list[Path]:
    paths = [folder / f"{side}-{number}.folded" for number in range(len(runs))]
    for path, counts in zip(paths, runs, strict=True):
        path.write_text("".join(f"main;{name} {count}\n" for name, count in counts.items()))
    return paths


CALM = [{"parse": 5000 + wobble, "render": 3000 - wobble, "wait": 2000} for wobble in (0, 20, -15, 8, -4, 11)]
SLOW = [{**counts, "parse": int(counts["parse"] * 1.5)} for counts in CALM]


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], *([name, "--help"] for name in ("gate", "record", "compare", "merge"))]
)
def test_help__answers(words: list[str], tmp_path: Path) -> None:
    answer = run(*words, cwd=tmp_path)
    assert answer.code == 0
    assert answer.out


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["gat"], "invalid choice: 'gat'"),
        (["gate", "--bin", "x"], "unrecognized arguments: --bin x"),
        (["gate", "--runs", "many"], "argument --runs: invalid int value: 'many'"),
        (["doctor", "--", "x"], "doctor takes nothing after --"),
        (["gate", "--"], "after -- there must be the arguments of one command"),
        (
            ["compare", "--baseline", "a", "--candidate", "b", "--json", "-", "--markdown", "-"],
            "cannot both write to standard output",
        ),
    ],
)
def test_usage__is_explained(words: list[str], sentence: str, tmp_path: Path) -> None:
    answer = run(*words, cwd=tmp_path)
    assert (answer.code, answer.out) == (2, "")
    assert sentence in answer.err


def test_gate__without_a_configuration_says_what_to_do(tmp_path: Path) -> None:
    answer = run("gate", "--binary", "/bin/true", cwd=tmp_path)
    assert answer.code == 2
    assert answer.err == (
        "autoprof-ci: There is no autoprof.toml here. Run `autoprof-ci init` to write one, or name a command after `--`: "
        "autoprof-ci gate --binary PATH -- ARGS.\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--config", "nowhere.toml"], "the configuration nowhere.toml does not exist. Check the path."),
        (["--config", "."], "the configuration . is a folder. Name the file itself."),
        (["--runs", "5", "--", "x"], "--runs 5: the number of runs a side must be even and at least 4. Try --runs 10."),
        (["--workload", "x", "--", "y"], "--workload x: there is no workload of that name. Known are: command."),
        (["--baseline", "none.zip", "--", "x"], "the baseline bundle none.zip does not exist. Check the path."),
        (["--diff", "none.diff", "--", "x"], "the diff none.diff does not exist. Check the path."),
    ],
)
def test_gate__a_mistake_is_one_sentence(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    answer = run("gate", "--binary", "/bin/true", *arguments, cwd=tmp_path)
    assert (answer.code, answer.out, answer.err) == (2, "", f"autoprof-ci: {sentence}\n")
    assert not list(tmp_path.iterdir())


def test_gate__no_program_is_named(tmp_path: Path) -> None:
    answer = run("gate", "--", "x", cwd=tmp_path)
    assert (answer.code, answer.err) == (
        2,
        "autoprof-ci: No program to measure is named. Name it with --binary PATH, or as `binary` in autoprof.toml.\n",
    )


def test_compare__slower_folded_stacks_fail_and_every_file_is_written(tmp_path: Path) -> None:
    baseline, candidate = folded(tmp_path, "baseline", CALM), folded(tmp_path, "candidate", SLOW)
    answer = run(
        "compare",
        "--baseline",
        *baseline,
        "--candidate",
        *candidate,
        "--json",
        "v.json",
        "--markdown",
        "-",
        "--out",
        "out",
        cwd=tmp_path,
    )
    assert answer.code == 1
    assert answer.out.startswith("<!-- autoprof-ci key=")
    assert "`parse`" in answer.out
    assert '"outcome": "fail"' in (tmp_path / "v.json").read_text()
    written = {str(path.relative_to(tmp_path / "out")) for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert {"verdict.json", "comment.md", "report.html", "baseline.bundle.zip", "candidate.bundle.zip"} <= written


def test_compare__the_same_folded_stacks_do_not_fail(tmp_path: Path) -> None:
    baseline, candidate = folded(tmp_path, "baseline", CALM), folded(tmp_path, "candidate", CALM)
    answer = run("compare", "--baseline", *baseline, "--candidate", *candidate, "--interleaved", cwd=tmp_path)
    assert answer.code == 0
    assert not (tmp_path / "out").exists()


def test_compare__two_bundles(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(bundle.encode(factories.bundle()))
    answer = run("compare", "--baseline", "b.zip", "--candidate", "b.zip", "--json", "-", cwd=tmp_path)
    assert answer.code == 0
    assert answer.out.startswith("{")
    assert answer.err


def test_compare__takes_a_diff_and_no_other_file_for_one(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(bundle.encode(factories.bundle()))
    sides = ["--baseline", "b.zip", "--candidate", "b.zip"]
    (tmp_path / "change.diff").write_text("--- a/x.rs\n+++ b/x.rs\n@@ -1 +1 @@\n-1\n+2\n")
    assert run("compare", *sides, "--diff", "change.diff", cwd=tmp_path).code == 0
    answer = run("compare", *sides, "--diff", "b.zip", cwd=tmp_path)
    assert answer.code == 3
    assert answer.err.startswith("autoprof-ci: b.zip is not a unified diff")
    assert answer.err.endswith("Write it with `git diff BASE`, and pass it on as it is.\n")


@pytest.mark.parametrize(
    ("sides", "sentence"),
    [
        ((1, 3), "--baseline: 1 of the at least 3 folded-stacks files that it takes to see the noise."),
        ((3, 2), "--candidate: 2 of the at least 3 folded-stacks files that it takes to see the noise."),
        ((4, 3), "--interleaved: 4 baseline and 3 candidate files do not make pairs."),
    ],
)
def test_compare__too_few_files(sides: tuple[int, int], sentence: str, tmp_path: Path) -> None:
    baseline, candidate = folded(tmp_path, "b", CALM[: sides[0]]), folded(tmp_path, "c", CALM[: sides[1]])
    answer = run("compare", "--baseline", *baseline, "--candidate", *candidate, "--interleaved", cwd=tmp_path)
    assert answer.code == 2
    assert answer.err.startswith(f"autoprof-ci: {sentence}")


def test_compare__a_bundle_and_folded_stacks(tmp_path: Path) -> None:
    (tmp_path / "b.zip").write_bytes(bundle.encode(factories.bundle()))
    answer = run("compare", "--baseline", "b.zip", "--candidate", *folded(tmp_path, "c", CALM), cwd=tmp_path)
    assert (answer.code, answer.err) == (
        2,
        "autoprof-ci: One side is a bundle, the other folded stacks. Compare two bundles, or folded stacks with folded stacks.\n",
    )


def test_compare__fail_on_never_shows_and_passes(tmp_path: Path) -> None:
    (tmp_path / "autoprof.toml").write_text('fail_on = "never"\n')
    baseline, candidate = folded(tmp_path, "b", CALM), folded(tmp_path, "c", SLOW)
    answer = run("compare", "--baseline", *baseline, "--candidate", *candidate, "--json", "v.json", cwd=tmp_path)
    assert answer.code == 0
    assert '"outcome": "fail"' in (tmp_path / "v.json").read_text()


def test_merge__parts_that_measured_the_same_workload(tmp_path: Path) -> None:
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
        (tmp_path / part / "candidate.bundle.zip").write_bytes(bundle.encode(factories.bundle()))
    answer = run("merge", "one", "two", cwd=tmp_path)
    assert answer.code == 2
    assert "was measured by more than one part. Give every job its own workloads.\n" in answer.err


def part(folder: Path, name: str, side: str, slower: float) -> None:
    """The output folder of a job that measured one workload."""
    counts = [[1000.0 * slower + wobble, 600.0, 400.0, 50.0] for wobble in (0.0, 4.0, -3.0, 1.0, 2.0, -2.0)]
    samples = factories.samples(factories.workload_samples(counts, name=name))
    made = replace(
        factories.bundle(), session=f"session of {name}", workload_digests={name: "d"}, recording=Recording(samples=samples)
    )
    folder.mkdir(exist_ok=True)
    (folder / f"{side}.bundle.zip").write_bytes(bundle.encode(made))


def test_merge__decides_once_for_all_parts(tmp_path: Path) -> None:
    for name, slower in (("analyze", 1.0), ("replay", 1.5)):
        part(tmp_path / name, name, "baseline", 1.0)
        part(tmp_path / name, name, "candidate", slower)
    answer = run("merge", "analyze", "replay", "--json", "v.json", cwd=tmp_path)
    assert answer.code == 1, answer.err
    verdict = json.loads((tmp_path / "v.json").read_text())
    failing = {(w["name"], f["subject"]) for w in verdict["workloads"] for f in w["findings"] if f["status"] == "regression"}
    assert {w["name"] for w in verdict["workloads"]} == {"analyze", "replay"}
    assert {workload for workload, _ in failing} == {"replay"}
    assert (tmp_path / "out/report.html").exists()


def test_output__a_full_disk_is_said(tmp_path: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, a device of Linux")
    files = folded(tmp_path, "b", CALM)
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "autoprof_ci.cli", "compare", "--baseline", *files, "--candidate", *files],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert "Traceback" not in done.stderr
    assert done.returncode == 3
    assert "The disk is full" in done.stderr


def test_accept__writes_an_entry_that_the_parser_takes(tmp_path: Path) -> None:
    path = tmp_path / "autoprof.toml"
    path.write_text('# thresholds of ours\nbinary = "target/release/x"\n')
    words = ["accept", "x::parse::*", "--up-to", "12", "--reason", "reads two more formats", "--expires", "2099-01-31"]
    assert run(*words, cwd=tmp_path).code == 0
    text = path.read_text()
    assert text.startswith("# thresholds of ours\n")
    assert 'match = "x::parse::*"' in text
    assert "expires = 2099-01-31" in text


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--up-to", "nan", "--up-to nan: a percentage above 0 is needed"),
        ("--up-to", "-3", "--up-to -3: a percentage above 0 is needed"),
        ("--expires", "soon", "--expires soon: that is no date"),
        ("--expires", "2020-01-01", "--expires 2020-01-01 is in the past"),
        ("--reason", "", "reason"),
    ],
)
def test_accept__refuses_and_leaves_the_file_alone(option: str, value: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "autoprof.toml"
    path.write_text('binary = "x"\n')
    values = {"--up-to": "12", "--reason": "why", "--expires": "2099-01-31", option: value}
    answer = run("accept", "x", *(f"{name}={given}" for name, given in values.items()), cwd=tmp_path)
    assert answer.code == 2
    assert sentence in answer.err
    assert path.read_text() == 'binary = "x"\n'


def test_init__writes_what_the_parser_takes_and_never_overwrites(tmp_path: Path) -> None:
    (tmp_path / "Cargo.toml").write_text('[package]\nname = "counter"\nversion = "0.1.0"\nedition = "2021"\n')
    (tmp_path / "src").mkdir()
    (tmp_path / "src/main.rs").write_text("fn main() {}\n")
    assert run("init", cwd=tmp_path).code == 0
    assert 'binary = "target/release/counter"' in (tmp_path / "autoprof.toml").read_text()
    assert (tmp_path / ".github/workflows/autoprof.yml").exists()
    again = run("init", cwd=tmp_path)
    assert again.code == 2
    assert "exists already. Keep it, or overwrite it with --force." in again.err


def test_init__nothing_to_recognise(tmp_path: Path) -> None:
    answer = run("init", cwd=tmp_path)
    assert (answer.code, answer.err) == (
        2,
        "autoprof-ci: Nothing here says which program to measure. Name it: autoprof-ci init --binary PATH.\n",
    )


def test_doctor__names_every_tool(tmp_path: Path) -> None:
    answer = run("doctor", cwd=tmp_path)
    assert answer.code in (0, 3)
    for name in ("time (perf)", "instructions (valgrind)"):
        assert f" {name}: " in answer.out


@pytest.mark.needs("cc")
@pytest.mark.parametrize(
    ("option", "says"),
    [
        ("-g", "ok       machine code: "),
        ("-g0", "degraded machine code: "),
        ("-s", "degraded machine code: "),
    ],
)
def test_doctor__says_what_a_build_lacks(tmp_path: Path, option: str, says: str) -> None:
    source = tmp_path / "p.c"
    source.write_text("int twice(int n) { return 2 * n; }\nint main(int n, char **v) { (void)v; return twice(n) - 2; }\n")
    subprocess.run(["cc", "-O1", option, "-o", tmp_path / "p", source], check=True)
    answer = run("doctor", "--binary", "p", cwd=tmp_path)
    assert [line for line in answer.out.splitlines() if line.startswith(says)]
    assert ("Build it with lines" in answer.out) == (option == "-g0")


def test_parse__options_after_two_dashes_belong_to_the_program() -> None:
    options = cli.parse(["gate", "--binary", "x", "--", "--json", "-", "--", "y"])
    assert (options.arguments, options.json) == (["--json", "-", "--", "y"], None)


@pytest.mark.skipif(shutil.which("head") is None, reason="needs head, of coreutils")
def test_output__a_reader_that_has_gone(tmp_path: Path) -> None:
    files = " ".join(map(str, folded(tmp_path, "b", CALM)))
    line = f"{sys.executable} -m autoprof_ci.cli compare --baseline {files} --candidate {files} --json - | head -c 1"
    done = subprocess.run(
        line, shell=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr
