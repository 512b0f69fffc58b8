from __future__ import annotations

import re
from pathlib import Path

import pytest

from autoprof_ci import config, starting_files
from autoprof_ci.model import Config, MeasureSettings, Workload
from autoprof_ci.starting_files import Project, ProjectKind
from tests import golden

PROJECTS = {
    "cargo": Project(kind=ProjectKind.CARGO, binary="target/release/rg"),
    "cargo-two": Project(kind=ProjectKind.CARGO, binary="target/release/agent", extra_binaries=("target/release/agentd",)),
    "cmake": Project(kind=ProjectKind.CMAKE, binary="build/app", base_branch="master"),
    "go": Project(kind=ProjectKind.GO, binary="bin/app"),
    "other": Project(kind=ProjectKind.OTHER, binary="app"),
    "odd-names": Project(kind=ProjectKind.CARGO, binary='target/release/my "app"; x', base_branch="release: 2"),
}
each_project = pytest.mark.parametrize(
    ("name", "project"), [pytest.param(name, project, id=name) for name, project in PROJECTS.items()]
)


@each_project
def test_toml_for__is_what_somebody_found_good(name: str, project: Project) -> None:
    golden.check(Path(f"config/starting/{name}.toml"), starting_files.toml_for(project))


@each_project
def test_workflow_for__is_what_somebody_found_good(name: str, project: Project) -> None:
    golden.check(Path(f"config/starting/{name}.yml"), starting_files.workflow_for(project, action="owner/autoprof-ci@v1"))


def test_workflow_for__is_the_plain_example() -> None:
    project = Project(kind=ProjectKind.CARGO, binary="target/release/autopilot")
    plain = Path(__file__).parents[1] / "examples" / "workflows" / "plain.yml"
    assert starting_files.workflow_for(project, action="autoprof-ci/autoprof-ci@v1") == plain.read_text(encoding="utf-8")


@each_project
def test_toml_for__is_taken_as_it_is(name: str, project: Project) -> None:
    del name
    assert config.parse(starting_files.toml_for(project), source="autoprof.toml") == Config(
        binary=project.binary,
        extra_binaries=project.extra_binaries,
        measure=MeasureSettings(),
        policy=config.default_policy(),
        workloads=(Workload(name="first", command=("{binary}", "--help")),),
    )


@each_project
def test_toml_for__every_setting_may_be_switched_on(name: str, project: Project) -> None:
    del name
    text = re.sub(r"^#(?=\S)", "", starting_files.toml_for(project), flags=re.MULTILINE)
    switched_on = config.parse(text, source="autoprof.toml")
    assert switched_on.workloads[0].inputs == ("bench/input.json",)
    assert len(switched_on.policy.overrides) == len(switched_on.policy.groups) == 1


@each_project
def test_starting_files__have_lines_that_a_screen_shows(name: str, project: Project) -> None:
    del name
    for text in (starting_files.toml_for(project), starting_files.workflow_for(project, action="owner/autoprof-ci@v1")):
        assert [line for line in text.splitlines() if len(line) > 130 or line != line.rstrip()] == []
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


@pytest.mark.parametrize(
    ("project", "command"),
    [
        (PROJECTS["cargo"], "cargo build --release --bin rg"),
        (PROJECTS["cargo-two"], "cargo build --release --bin agent --bin agentd"),
        (PROJECTS["go"], "go build -o bin/app ."),
        (PROJECTS["other"], "make"),
        (PROJECTS["odd-names"], "cargo build --release --bin 'my \"app\"; x'"),
    ],
)
def test_build_command__by_kind(project: Project, command: str) -> None:
    assert starting_files.build_command(project) == command
