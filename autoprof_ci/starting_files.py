"""The files that ``autoprof-ci init`` writes: a first ``autoprof.toml`` and the workflow that runs the gate.

Knows how projects are built and what a reader wants to be told first. Finds nothing out and writes nothing: facts come in,
text goes out. Lines that begin with ``#`` and no blank are settings that may be switched on as they stand.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from autoprof_ci.config.accepting import toml_text


class ProjectKind(StrEnum):
    CARGO = "cargo"
    CMAKE = "cmake"
    GO = "go"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is known of the project. `binary`, `extra_binaries`: paths from the top of the repository, as the build makes them."""

    kind: ProjectKind
    binary: str
    extra_binaries: tuple[str, ...] = ()
    base_branch: str = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Habits:
    """How one kind of project is built, and a group that such programs often have."""

    build: str
    environment: Mapping[str, str]
    symbols: str
    group_name: str
    group_match: tuple[str, ...]
    hot_function: str


_C_BUILD = "cmake -B build -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS=-g1 -DCMAKE_CXX_FLAGS=-g1 && cmake --build build --parallel"

_HABITS = {
    ProjectKind.CARGO: _Habits(
        build="cargo build --release {bins}",
        environment={"CARGO_PROFILE_RELEASE_DEBUG": "line-tables-only", "CARGO_PROFILE_RELEASE_STRIP": "none"},
        symbols="names of functions and their source lines",
        group_name="JSON",
        group_match=("serde_json::*", "serde::*", "itoa::*"),
        hot_function="regex_automata::*",
    ),
    ProjectKind.CMAKE: _Habits(
        build=_C_BUILD,
        environment={},
        symbols="",
        group_name="Memory",
        group_match=("malloc", "free", "realloc", "operator new*", "operator delete*"),
        hot_function="parser::*",
    ),
    ProjectKind.GO: _Habits(
        build="go build -o {binary} .",
        environment={},
        symbols="",
        group_name="Garbage collection",
        group_match=("runtime.gc*", "runtime.scan*", "runtime.mark*"),
        hot_function="encoding/json.*",
    ),
    ProjectKind.OTHER: _Habits(
        build="make",
        environment={},
        symbols="",
        group_name="Memory",
        group_match=("malloc", "free", "realloc"),
        hot_function="parse_*",
    ),
}

_TOML = """\
# What autoprof-ci measures, and what is too slow. A first try, on this machine:
#
#     {build}
#     autoprof-ci doctor       what can be measured here, and what is missing
#     autoprof-ci calibrate    what this machine is able to see
#
# Everything left out has a default; docs/tuning.md of autoprof-ci explains every key.

binary = {binary}
{extra}
# A workload is a fixed task of the program. Half a second of real work says most; anything shorter is started again and again.
# The program first, then its arguments; no shell. It starts in an empty folder that holds nothing but the inputs: files and
# folders of this repository, under the same names, so that a command such as ["{{binary}}", "bench/input.json"] finds its own.
[[workload]]
name = "first"
command = ["{{binary}}", "--help"]
#inputs = ["bench/input.json"]
#timeout_seconds = 60

# A function fails the gate if it grew by more than this, beyond doubt: by time (what users feel) or by instructions (what
# can be counted exactly). Both are per cent.
[thresholds.time]
max_regression_percent = 3.0

[thresholds.instructions]
max_regression_percent = 1.0

# Some functions may grow more, or less. The first override that matches counts.
#[[thresholds.override]]
#match = {hot_function}
#max_regression_percent = 10.0

# Many small functions are seen best as one.
#[[group]]
#name = {group_name}
#match = [{group_match}]
"""

_WORKFLOW = """\
# Measures the program on every pull request, against the main branch, and comments on what became slower, and why.
# The first push to the main branch measures the first baseline. Settings, if any: autoprof.toml.
name: autoprof

on:
  push:
    branches: [{branch}]
  pull_request:
  workflow_dispatch:

permissions: {{}}

concurrency:
  group: autoprof-${{{{ github.ref }}}}
  cancel-in-progress: ${{{{ github.event_name == 'pull_request' }}}}

jobs:
  autoprof:
    runs-on: ubuntu-24.04 # one system, so that baselines stay comparable
    timeout-minutes: 30
    permissions:
      contents: write # to check the code out, and to keep the comment's charts on a branch of their own
      actions: read # to find the baseline
      pull-requests: write # to comment
      statuses: write # to say the verdict beside the commit
    steps:
      - uses: actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1 # v7.0.1
        with:
          persist-credentials: false
{build}
      - uses: {action}
        with:
          binary: {binary}
"""


def toml_for(project: Project) -> str:
    """The first ``autoprof.toml`` of a project. The parser takes it as it is."""
    habits = _HABITS[project.kind]
    extras = ", ".join(map(toml_text, project.extra_binaries))
    return _TOML.format(
        build=build_command(project),
        binary=toml_text(project.binary),
        extra=f"extra_binaries = [{extras}]\n" if extras else "",
        hot_function=toml_text(habits.hot_function),
        group_name=toml_text(habits.group_name),
        group_match=", ".join(map(toml_text, habits.group_match)),
    )


def workflow_for(project: Project, *, action: str) -> str:
    """``.github/workflows/autoprof.yml``. `action`: as ``uses:`` names it, such as ``owner/autoprof-ci@v1``."""
    return _WORKFLOW.format(
        branch=_yaml_text(project.base_branch),
        build="\n".join(_build_step(project)),
        action=action,
        binary=_yaml_text(project.binary),
    )


def build_command(project: Project) -> str:
    """The shell command that builds the program with its symbols; a first guess for projects of other kinds."""
    names = [PurePosixPath(path).name for path in (project.binary, *project.extra_binaries)]
    bins = " ".join(f"--bin {shlex.quote(name)}" for name in names)
    return _HABITS[project.kind].build.format(bins=bins, binary=shlex.quote(project.binary))


def _build_step(project: Project) -> list[str]:
    habits = _HABITS[project.kind]
    command = build_command(project)
    lines = [f"      - run: {command if re.fullmatch(_PLAIN_COMMAND, command) else json.dumps(command)}"]
    if project.kind is ProjectKind.OTHER:
        lines[0] += " # as you build a release, with symbols"
    if habits.environment:
        lines.append(f"        env: # {habits.symbols}")
        lines += [f"          {name}: {value}" for name, value in habits.environment.items()]
    return lines


def _yaml_text(text: str) -> str:
    """A plain scalar where that is safe, else a double-quoted one, which JSON's strings are."""
    return text if re.fullmatch(r"[A-Za-z][A-Za-z0-9/._-]*", text) and text.lower() not in _YAML_WORDS else json.dumps(text)


_YAML_WORDS = ("true", "false", "yes", "no", "on", "off", "null", "y", "n")
_PLAIN_COMMAND = r"[A-Za-z][A-Za-z0-9/._=& -]*"
