"""Jobs of a matrix and the one that joins them, with parts that are written by hand: what is judged, and what is said instead."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import pytest

from autoprof_ci import bundle
from autoprof_ci.actions import artifact_names
from autoprof_ci.commands.on_github import run
from autoprof_ci.model import Accept, Bundle, Caveat, CaveatCode, Recording
from tests import factories, relayed, step
from tests.fake_github import FakeGithub, Repository
from tests.relayed import FLAT, OURS, SLOWER, THEIRS, Told, instructions, measured, zipped

RUN = 5
TOML = """
binary = "bin/worker"
[[workload]]
name = "work"
command = ["{binary}"]
[[workload]]
name = "again"
command = ["{binary}"]
"""
RED = "### 🔴 `worker` executes 25 % more instructions in `again`: each call of `check` is 50 % dearer"


@dataclass(kw_only=True)
class Matrix:
    """``octo/app`` with a baseline of its first commit, and pull request 7 of its own."""

    github: FakeGithub
    folder: Path
    repository: Repository
    base: str
    head: str

    def stored(self, ours: Bundle) -> int:
        pushed = self.repository.run(1, event="push", head_branch="main", head_sha=self.base)
        return self.repository.artifact("autoprof-baseline", bundle.encode(replace(ours, commit=self.base)), pushed)

    def environment(self, event: str = "pull_request", *, attempt: int = 1, **inputs: str) -> dict[str, str]:
        tmp = self.folder / f"job-{len(list(self.folder.iterdir()))}"
        (tmp / "workspace").mkdir(parents=True)
        if toml := inputs.pop("toml", TOML):
            (tmp / "workspace" / "autoprof.toml").write_text(toml)
        return self.repository.environment(
            tmp,
            event=event,
            run_id=RUN,
            pull=7 if event == "pull_request" else None,
            token=self.github.token(permissions=relayed.TRUSTED),
            inputs={"mode": "merge", **inputs},
            attempt=attempt,
        )

    def part(self, candidate: Bundle | bytes, baseline: Bundle | None = None, *, attempt: int = 1, key: str = "default") -> int:
        """What a job of this run has left."""
        if RUN not in self.repository.runs:
            self.repository.run(RUN, event="pull_request", head_branch="feature", head_sha=self.head, conclusion=None)
        if isinstance(candidate, bytes):
            return self.repository.artifact(artifact_names.part(key, ["again"], attempt), candidate, RUN)
        candidate = replace(candidate, commit=candidate.commit or self.head)
        members = [("candidate.bundle.zip", bundle.encode(candidate))]
        if baseline is not None:
            members.append(("baseline.bundle.zip", bundle.encode(replace(baseline, commit=baseline.commit or self.base))))
        name = artifact_names.part(key, [*candidate.workload_digests], attempt)
        return self.repository.artifact(name, zipped(*members), RUN)

    def merge(self, event: str = "pull_request", *, without: tuple[str, ...] = (), **inputs: str) -> Told:
        """The job that joins, or whichever `mode` is given, `without` some variables."""
        attempt = int(inputs.pop("attempt", "1"))
        env = self.environment(event, attempt=attempt, **inputs)
        for name in without:
            del env[name]
        stream = io.StringIO()
        code = run.step(dict(env), stream, relayed.PATIENCE)
        return self.told(code, stream.getvalue(), env)

    def told(self, code: int, log: str, env: Mapping[str, str]) -> Told:
        comments = [str(each["body"]) for each in self.repository.comments(7)]
        states = self.repository.statuses(self.head)
        assert len(comments) <= 1
        return Told(
            code=code,
            log=log,
            body=comments[0] if comments else None,
            state=str(states[-1]["state"]) if states else None,
            description=str(states[-1]["description"]) if states else None,
            outputs=step.outputs(Path(env["GITHUB_OUTPUT"])),
            summary=Path(env["GITHUB_STEP_SUMMARY"]).read_text(),
        )


@pytest.fixture
def matrix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Matrix]:
    monkeypatch.chdir(tmp_path)  # a step goes into its workspace: afterwards we are where we were
    with FakeGithub() as github:
        repository = github.repository("octo/app")
        base = repository.commit("first", branch="main")
        head = repository.commit("change", parents=(base,))
        repository.pull(7, head)
        yield Matrix(github=github, folder=tmp_path, repository=repository, base=base, head=head)


def old(name: str, **more: object) -> Bundle:
    return measured(instructions(name, FLAT), **{"session": f"in-{name}", **more})


def new(name: str, check: float = FLAT, **more: object) -> Bundle:
    return measured(instructions(name, check), **{"session": f"in-{name}", "binaries": (THEIRS,), **more})


def both_parts(matrix: Matrix, check: float = SLOWER) -> None:
    matrix.part(new("work"), old("work"))
    matrix.part(new("again", check), old("again"))


# --- joined --------------------------------------------------------------------------------------------------------------


def test_merge__judges_all_parts_once(matrix: Matrix) -> None:
    stored = matrix.stored(measured(instructions("work", FLAT), instructions("again", FLAT)))
    both_parts(matrix)
    told = matrix.merge()
    assert (told.code, told.first_line, told.state) == (1, RED, "failure")
    assert f"Against `{matrix.base[:7]}` (merge base), both programs measured on this machine." in told.visible
    assert told.outputs["baseline_artifact_id"] == str(stored)
    verdict = json.loads((matrix.folder / "job-0" / "workspace" / told.outputs["verdict_path"]).read_text())
    assert {each["name"]: each["state"] for each in verdict["workloads"]} == {"again": "compared", "work": "compared"}


def test_merge__says_how_far_behind_the_baseline_is(matrix: Matrix) -> None:
    matrix.stored(measured(instructions("work", FLAT), instructions("again", FLAT)))
    second = matrix.repository.commit("second", branch="main")
    matrix.head = matrix.repository.commit("change", parents=(second,))
    matrix.repository.push(7, matrix.head)
    both_parts(matrix)
    assert f"Against `{matrix.base[:7]}` (1 commit before the merge base)" in matrix.merge().visible


def test_merge__names_workloads_that_changed(matrix: Matrix) -> None:
    """A part does not hold what its job was told of the stored baseline."""
    matrix.stored(measured(instructions("work", FLAT), instructions("again", FLAT), workload_digests={"again": "d9" * 32}))
    both_parts(matrix, FLAT)
    told = matrix.merge()
    assert told.code == 0
    assert (
        "- The workload itself changed in this pull request; both programs were measured on the new one (again)." in told.visible
    )


def test_merge__without_baselines_it_is_a_first_run(matrix: Matrix) -> None:
    matrix.part(new("work"))
    matrix.part(new("again"))
    told = matrix.merge()
    assert (told.code, told.first_line) == (0, "### ⚪ First run: no baseline yet to compare `worker` with.")


def test_merge__a_baseline_that_came_too_late_is_said(matrix: Matrix) -> None:
    matrix.stored(measured(instructions("work", FLAT), instructions("again", FLAT)))
    matrix.part(new("work"))
    matrix.part(new("again"))
    told = matrix.merge()
    assert told.code == 0
    assert "A baseline was stored after the jobs had looked for one. Run them again to compare with it." in told.visible


def test_merge__a_github_that_does_not_answer_costs_words_only(matrix: Matrix) -> None:
    """The parts hold their baselines already."""
    both_parts(matrix)
    matrix.github.fail("GET", r"/actions/artifacts", status=500, times=50)
    told = matrix.merge()
    assert (told.code, told.first_line) == (1, RED)
    assert "::warning::" in told.log


def test_merge__equal_programs_have_nothing_to_measure(matrix: Matrix) -> None:
    for name in ("work", "again"):
        unmeasured = replace(old(name), recording=Recording())
        matrix.part(unmeasured, unmeasured)
    told = matrix.merge()
    assert told.code == 0
    assert told.first_line is not None and told.first_line.startswith("### 🟢 Nothing to measure: `worker` does the same as")


def test_merge__on_the_base_branch_stores_one_baseline(matrix: Matrix) -> None:
    matrix.repository.run(RUN, event="push", head_branch="main", head_sha=matrix.base, conclusion=None)
    matrix.part(replace(old("work"), commit=matrix.base))
    matrix.part(replace(old("again"), commit=matrix.base))
    told = matrix.merge("push")
    assert (told.code, told.body) == (0, None)
    data = matrix.repository.artifact_data(int(told.outputs["baseline_artifact_id"]))
    assert data is not None
    read = bundle.decode(data, source="the artifact")
    assert (read.commit, sorted(read.workload_digests), read.binaries[0].sha256) == (matrix.base, ["again", "work"], OURS.sha256)
    assert sorted(each.name for each in read.recording.instructions) == ["again", "work"]


def test_merge__keys_keep_parts_apart(matrix: Matrix) -> None:
    both_parts(matrix)
    matrix.part(new("work"), old("work"), key="arm")
    matrix.part(new("again"), old("again"), key="arm")
    assert matrix.merge(key="arm").code == 0
    assert "<!-- autoprof-ci key=arm -->" in (matrix.repository.comments(7)[0]["body"])  # type: ignore[operator]


def test_merge__the_newer_attempt_of_a_part_counts(matrix: Matrix) -> None:
    matrix.part(new("work"), old("work"))
    matrix.part(new("again", SLOWER), old("again"), attempt=9)
    matrix.part(new("again", FLAT), old("again"), attempt=10)
    assert matrix.merge(attempt="10").code == 0


def test_merge__a_part_with_the_same_program_built_twice(matrix: Matrix) -> None:
    """Two builds of one commit differ in what nobody executes: here, in an appended note."""
    code = step.program(100)
    packed = [bundle.pack_binary("worker", data) for data in (code, code + b"built at noon")]
    assert packed[0].sha256 != packed[1].sha256
    matrix.part(new("work", binaries=(packed[0],)), old("work"))
    matrix.part(new("again", SLOWER, binaries=(packed[1],)), old("again"))
    told = matrix.merge()
    assert (told.code, told.first_line) == (1, RED)


# --- not joined ----------------------------------------------------------------------------------------------------------


def _failed(what: str) -> bytes:
    said = {"schema": 1, "what": what, "next_step": "Look at its stderr"}
    return zipped(("failed.json", json.dumps(said).encode()))


def test_merge__a_workload_of_no_part_is_named(matrix: Matrix) -> None:
    matrix.part(new("work"), old("work"))
    told = matrix.merge()
    assert (told.code, told.state) == (2, "error")
    assert told.first_line == "### ⚪ Not measured: no part measured again."
    assert "Name every workload in the `workloads` of some part, or run failed jobs again." in told.log


def test_merge__what_is_shipped_for_autopilot_is_complete_or_not(matrix: Matrix) -> None:
    """There is no TOML that could name the workloads."""
    autopilot = (replace(THEIRS, name="autopilot"),)
    matrix.part(new("work", binaries=autopilot), old("work", binaries=autopilot))
    told = matrix.merge(toml="")
    assert (told.code, told.state) == (2, "error")
    assert "::error::No part measured " in told.log and "analyze-sessions" in told.log


def test_merge__without_any_configuration_the_parts_know(matrix: Matrix) -> None:
    matrix.part(new("work", SLOWER), old("work"))
    told = matrix.merge(toml="")
    assert (told.code, told.state) == (1, "failure")
    matrix.part(_failed("The runner was lost"))
    told = matrix.merge(toml="")
    assert (told.code, told.first_line) == (3, "### ⚪ Not measured: a job of the matrix measured nothing: The runner was lost.")


def test_merge__a_part_that_failed_says_why(matrix: Matrix) -> None:
    matrix.part(new("work"), old("work"))
    matrix.part(_failed("The workload again exited with 3 instead of 0"))
    told = matrix.merge()
    assert (told.code, told.state) == (3, "error")
    assert told.first_line == "### ⚪ Not measured: no part measured again: The workload again exited with 3 instead of 0."
    assert "Look at its stderr." in told.visible


def test_merge__every_part_failed(matrix: Matrix) -> None:
    matrix.part(_failed("The program is missing"))
    told = matrix.merge()
    assert (told.code, told.first_line) == (3, "### ⚪ Not measured: no part measured work, again: The program is missing.")


def test_merge__a_failure_that_a_later_attempt_made_good_is_forgotten(matrix: Matrix) -> None:
    matrix.part(new("work"), old("work"))
    matrix.part(_failed("The runner was lost"))
    matrix.part(new("again", SLOWER), old("again"), attempt=2)
    assert matrix.merge(attempt="2").first_line == RED


def test_merge__a_cancelled_part_is_none(matrix: Matrix) -> None:
    matrix.part(new("work"), old("work"))
    broken_off = new("again")
    stopped = replace(broken_off.recording, caveats=(Caveat(code=CaveatCode.INTERRUPTED),))
    matrix.part(replace(broken_off, recording=stopped), old("again"))
    told = matrix.merge()
    assert (told.code, told.state) == (3, "error")
    assert told.first_line == "### ⚪ Not measured: no part measured again: The job that measures again was cancelled."


DISAGREEING: dict[str, tuple[Bundle, Bundle | None, str]] = {
    "programs": (
        new("again", binaries=(replace(THEIRS, sha256="0d" * 32, packed=None),)),
        old("again"),
        "The parts measured different programs",
    ),
    "commits": (
        new("again", commit="e" * 40),
        old("again"),
        "The parts measured different commits ({head} and eeeeeee)",
    ),
    "baselines": (
        new("again"),
        old("again", commit="f" * 40, binaries=(replace(OURS, sha256="0e" * 32),)),
        "The parts were held against different baselines ({base} and fffffff)",
    ),
    "baseline-programs": (
        new("again"),
        old("again", binaries=(replace(OURS, sha256="0e" * 32),)),
        "The parts were held against different baselines",
    ),
    "only-one-baseline": (new("again"), None, "Some parts had a baseline and these had none: the part with again"),
    "workload-twice": (
        measured(instructions("again", FLAT), instructions("work", FLAT), binaries=(THEIRS,)),
        old("work"),
        "Workload work was measured by more than one part",
    ),
}


@pytest.mark.parametrize("case", DISAGREEING)
def test_merge__parts_that_do_not_belong_together(matrix: Matrix, case: str) -> None:
    candidate, baseline, sentence = DISAGREEING[case]
    matrix.part(new("work"), old("work"))
    matrix.part(candidate, baseline)
    told = matrix.merge()
    assert (told.code, told.state) == (2, "error")
    assert f"::error::{sentence.format(head=matrix.head[:7], base=matrix.base[:7])}. " in told.log


def test_merge__nothing_to_merge(matrix: Matrix) -> None:
    told = matrix.merge()
    assert (told.code, told.state) == (2, "error")
    assert "::error::There is nothing to merge: no job of this run left a part. Let jobs with `mode: part`" in told.log


@pytest.mark.parametrize(
    "data", [b"no zip", zipped(("comment.md", b"")), zipped(("candidate.bundle.zip", b"PK")), zipped(("failed.json", b"["))]
)
def test_merge__a_part_that_cannot_be_read_is_said(matrix: Matrix, data: bytes) -> None:
    matrix.part(new("work"), old("work"))
    matrix.part(data)
    told = matrix.merge()
    assert (told.code, told.state) == (3, "error")
    assert told.first_line is not None and told.first_line.startswith("### ⚪ Not measured: ")


def test_merge__without_an_artifact_service(matrix: Matrix) -> None:
    told = matrix.merge(without=("ACTIONS_RUNTIME_TOKEN",))
    assert told.code == 3
    assert "::error::The parts cannot be fetched: this job has no artifact service. Fetch them with" in told.log


def test_merge__the_settings_are_those_of_the_workspace(matrix: Matrix) -> None:
    """What a part says of accepts is what its job found in the same file; the file counts."""
    accept = Accept(match=("*",), up_to=2.0, reason="of the part", expires=date(2099, 1, 1))
    lenient = factories.policy(accepts=(accept,))
    matrix.part(new("work", policy=lenient), old("work"))
    matrix.part(new("again", SLOWER, policy=lenient), old("again"))
    assert matrix.merge().code == 1


# --- a job of the matrix -------------------------------------------------------------------------------------------------


def test_part__that_fails_leaves_its_reason_and_no_comment(matrix: Matrix) -> None:
    standing = matrix.repository.comment(7, "<!-- autoprof-ci key=default -->\n### 🟢 as it was")
    told = matrix.merge(mode="part", workloads="again")
    assert (told.code, told.state) == (3, None)
    [comment] = matrix.repository.comments(7)
    assert (comment["id"], comment["body"]) == (standing, "<!-- autoprof-ci key=default -->\n### 🟢 as it was")
    [left] = matrix.repository.artifacts.values()
    assert left.name == artifact_names.part("default", ["again"], 1)


def test_part__that_failed_is_told_by_the_merge(matrix: Matrix) -> None:
    matrix.part(new("work"), old("work"))
    failed = matrix.merge(mode="part", workloads="again")
    told = matrix.merge()
    why = re.search(r"::error::(.{20})", failed.log)
    assert (failed.code, told.code) == (3, 3)
    assert why is not None and f"::error::No part measured again: {why.group(1)}" in told.log
