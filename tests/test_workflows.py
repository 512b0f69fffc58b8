"""The workflows: those to copy, and our own. Checked by GitHub's schema, by zizmor, and for what only we know."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoprof_ci.actions import artifact_names
from autoprof_ci.commands.on_github.situation import FOLDER
from autoprof_ci.commands.setting_up import ACTION
from tests.image import ROOT

EXAMPLES = sorted((ROOT / "examples" / "workflows").glob("*.yml"))
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
each_example = pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
each_workflow = pytest.mark.parametrize("path", EXAMPLES + OURS, ids=lambda path: path.stem)

Yaml = dict[Any, Any]


def load(path: Path) -> Yaml:
    loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def example(name: str) -> Yaml:
    return load(ROOT / "examples" / "workflows" / f"{name}.yml")


def triggers(workflow: Yaml) -> Yaml:
    """`on:`, which YAML 1.1 reads as true."""
    on: Yaml = workflow[True]
    return on


def steps(workflow: Yaml) -> list[Yaml]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def with_action(workflow: Yaml) -> list[Yaml]:
    """The inputs of our own steps."""
    return [step["with"] for step in steps(workflow) if step.get("uses") in (ACTION, "./")]


def tool(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name(name)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=120)


def test_examples__are_those_that_the_documentation_names() -> None:
    names = ["comment", "ghes", "matrix", "minimal", "plain", "pull-request", "scheduled", "self-hosted"]
    assert [path.stem for path in EXAMPLES] == names


def test_workflows__are_what_github_takes() -> None:
    done = tool("check-jsonschema", "--builtin-schema", "vendor.github-workflows", *map(str, EXAMPLES + OURS))
    assert done.returncode == 0, done.stdout


def test_workflows__have_no_finding_of_zizmor() -> None:
    done = tool("zizmor", "--offline", "--quiet", "--config", ".github/zizmor.yml", ".github", "examples/workflows", "action.yml")
    assert done.returncode == 0, done.stdout + done.stderr


@each_workflow
def test_workflow__gives_every_job_its_own_rights_with_a_reason_and_an_end(path: Path) -> None:
    workflow = load(path)
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        assert 5 <= job["timeout-minutes"] <= 45, name
        assert job["permissions"], name
    granted = re.findall(r"^      [a-z-]+: (?:read|write)(.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert granted
    assert [rest for rest in granted if not rest.startswith(" # to ")] == []


@each_workflow
def test_workflow__leaves_no_token_in_the_checkout(path: Path) -> None:
    for step in steps(load(path)):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


def test_workflows__pin_every_action_to_one_commit() -> None:
    pins: dict[str, set[str]] = {}
    for path in EXAMPLES + OURS:
        for name, commit in re.findall(r"uses: ([\w/-]+)@(.+)$", path.read_text(encoding="utf-8"), re.MULTILINE):
            pins.setdefault(name, set()).add(commit)
    ours = pins.pop("autoprof-ci/autoprof-ci")
    assert ours == {"v1"}
    assert [commits for commits in pins.values() if len(commits) != 1] == []
    assert all(re.fullmatch(r"[0-9a-f]{40} # v\d+\.\d+\.\d+", commit) for commits in pins.values() for commit in commits)


@each_workflow
def test_workflow__uses_inputs_that_exist(path: Path) -> None:
    known = set(load(ROOT / "action.yml")["inputs"])
    for inputs in with_action(load(path)):
        assert set(inputs) <= known


@each_workflow
def test_workflow__has_scripts_that_bash_reads(path: Path) -> None:
    for step in steps(load(path)):
        if "run" in step:
            assert "${{" not in step["run"]
            done = subprocess.run(["bash", "-n"], input=step["run"], capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")


@each_example
def test_example__starts_the_program_only_where_a_stranger_gets_no_rights(path: Path) -> None:
    workflow = load(path)
    assert "pull_request_target" not in triggers(workflow)
    if "workflow_run" in triggers(workflow):
        assert [step for step in steps(workflow) if "run" in step or step["uses"].startswith("actions/checkout")] == []


def test_fork_pair__first_half_can_write_nothing() -> None:
    workflow = example("pull-request")
    rights = [right for job in workflow["jobs"].values() for right in job["permissions"].values()]
    assert set(rights) == {"read"}
    assert [inputs["comment"] for inputs in with_action(workflow)] == ["never"]


def test_fork_pair__second_half_follows_the_first() -> None:
    workflow = example("comment")
    assert triggers(workflow) == {"workflow_run": {"workflows": [example("pull-request")["name"]], "types": ["completed"]}}
    assert with_action(workflow) == [{"mode": "comment"}]
    assert workflow["jobs"]["comment"]["permissions"]["pull-requests"] == "write"


def test_plain_and_minimal__differ_in_what_the_token_may() -> None:
    rights = {name: example(name)["jobs"]["autoprof"]["permissions"] for name in ("plain", "minimal")}
    assert rights == {
        "plain": {"contents": "write", "actions": "read", "pull-requests": "write", "statuses": "write"},
        "minimal": {"contents": "read", "actions": "read", "pull-requests": "write"},
    }


def test_matrix__measures_every_shipped_workload_once() -> None:
    jobs = example("matrix")["jobs"]
    text = (ROOT / "autoprof_ci" / "workloads" / "autopilot.toml").read_text(encoding="utf-8")
    shipped = [workload["name"] for workload in tomllib.loads(text)["workload"]]
    named = [name.strip() for names in jobs["measure"]["strategy"]["matrix"]["workloads"] for name in names.split(",")]
    assert named == shipped
    assert [inputs["mode"] for inputs in with_action(example("matrix"))] == ["part", "merge"]
    assert jobs["verdict"]["needs"] == "measure"


def test_ghes__keeps_the_files_where_the_action_looks_for_them() -> None:
    uploads = [step["with"] for step in steps(example("ghes")) if "upload-artifact" in step.get("uses", "")]
    assert [(upload["name"], upload["path"]) for upload in uploads] == [
        (artifact_names.baseline(artifact_names.DEFAULT_KEY), f"{FOLDER}/candidate.bundle.zip"),
        ("autoprof-report-${{ github.run_attempt }}", FOLDER),
    ]
    assert artifact_names.report(artifact_names.DEFAULT_KEY, 3) == "autoprof-report-3"


@pytest.mark.needs("docker-engine", "act")
@each_example
def test_example__is_understood_by_act(path: Path, tmp_path: Path) -> None:
    actions = {ACTION: {name: (ROOT / name).read_text(encoding="utf-8") for name in ("action.yml", "Dockerfile")}}
    for step in steps(load(path)):
        if "upload-artifact" in step.get("uses", ""):
            actions[step["uses"]] = {"action.yml": "runs: {using: composite, steps: [{run: 'true', shell: sh}]}\n"}
    options = [f"--platform={label}=debian:trixie-slim" for label in ("ubuntu-24.04", "self-hosted", "linux", "perf")]
    for number, (name, files) in enumerate(actions.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text, encoding="utf-8")
        options.append(f"--local-repository={name}={folder}")
    project = tmp_path / "project"
    project.mkdir()
    # act removes the volumes of this workflow and job even on a dry run: a name of our own spares those of a real run beside us.
    workflow = project / path.name
    text = path.read_text(encoding="utf-8")
    workflow.write_text(re.sub("^name: .*", f"name: dry run {secrets.token_hex(8)}", text, flags=re.MULTILINE), encoding="utf-8")
    command = ["act", next(iter(triggers(load(path)))), "--dryrun", "--workflows", str(workflow), "--pull=false", *options]
    done = subprocess.run(
        [*command, "--action-offline-mode", f"--action-cache-path={tmp_path / 'cache'}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=project,
        timeout=120,
        env=os.environ | {"HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "Job failed" not in done.stdout
