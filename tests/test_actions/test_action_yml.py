"""``action.yml``, the code and the pages that describe it say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from autoprof_ci.actions import inputs, step_files
from autoprof_ci.actions.inputs import Inputs

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/action.md"
DEFAULTS = Inputs()


def action() -> dict[str, Any]:
    loaded = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    assert isinstance(loaded, dict)
    return loaded


def rows(name: str) -> list[tuple[str, ...]]:
    """The table of the page behind the marker `name`, without its head."""
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- {name} -->\n(.*?)\n\n?<!-- end {name} -->", text, re.DOTALL)
    assert found, f"no table between the markers of {name!r}"
    lines = found[1].splitlines()[2:]
    return [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]


def test_action_yml__is_valid() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-actions", "action.yml"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_action_yml__runs_as_a_container_built_here() -> None:
    assert action()["runs"] == {"using": "docker", "image": "Dockerfile"}


def test_action_yml__has_the_inputs_of_the_code() -> None:
    assert list(action()["inputs"]) == [field.name for field in fields(Inputs)]


def test_action_yml__has_the_defaults_of_the_code() -> None:
    given = {name: entry.get("default", "") for name, entry in action()["inputs"].items()}
    assert given.pop("github_token") == "${{ github.token }}"
    read = inputs.read({f"INPUT_{name.upper()}": value for name, value in given.items()})
    assert read == DEFAULTS == inputs.read({})
    stated = {name: value for name, value in given.items() if value}
    assert stated == {name: str(getattr(DEFAULTS, name)) for name in ("mode", "charts", "key", "comment")}


@pytest.mark.parametrize("name", inputs.WORDS)
def test_action_yml__names_every_word_of_a_choice(name: str) -> None:
    quoted = set(re.findall(r"`([a-z_]+)`", action()["inputs"][name]["description"]))
    assert {str(word) for word in inputs.WORDS[name]} <= quoted


def test_action_yml__has_the_outputs_of_the_code() -> None:
    assert tuple(action()["outputs"]) == step_files.OUTPUTS


def test_action_yml__describes_everything_in_a_sentence() -> None:
    described = [entry["description"] for kind in ("inputs", "outputs") for entry in action()[kind].values()]
    assert [text for text in described if not text.endswith(".") or "\n" in text] == []


def test_docs__the_table_of_inputs() -> None:
    expected = []
    for name, entry in action()["inputs"].items():
        default = entry.get("default", "")
        expected.append((f"`{name}`", f"`{default}`" if default else "", entry["description"]))
    assert rows("action inputs") == expected


def test_docs__the_table_of_outputs() -> None:
    expected = [(f"`{name}`", entry["description"]) for name, entry in action()["outputs"].items()]
    assert rows("action outputs") == expected


def steps(text: str) -> list[dict[str, Any]]:
    """Every step in a page's YAML that uses this action."""
    found = []
    for block in re.findall(r"```ya?ml\n(.*?)```", text, re.DOTALL):
        found += list(_steps(yaml.safe_load(block)))
    return found


def _steps(node: object) -> list[dict[str, Any]]:
    if isinstance(node, list):
        return [step for entry in node for step in _steps(entry)]
    if not isinstance(node, dict):
        return []
    if isinstance(node.get("uses"), str) and "/autoprof-ci@" in node["uses"]:
        return [node]
    return [step for entry in node.values() for step in _steps(entry)]


@pytest.mark.parametrize("page", ["README.md", "docs/action.md"])
def test_pages__use_known_inputs_with_values_that_are_read(page: str) -> None:
    for step in steps((ROOT / page).read_text(encoding="utf-8")):
        given = step.get("with", {})
        assert set(given) <= set(action()["inputs"])
        inputs.read({f"INPUT_{name.upper()}": _value(value) for name, value in given.items()})


def _value(value: object) -> str:
    """An expression may be anything; a word stands for it."""
    return re.sub(r"\$\{\{.*?\}\}", "x", str(value))


def test_docs__shows_the_step() -> None:
    found = steps(PAGE.read_text(encoding="utf-8"))
    assert {step["with"].get("mode", "auto") for step in found} == {"auto", "part", "merge", "comment"}


def test_docs__every_sentence_it_explains_is_one_that_is_said() -> None:
    sources = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "autoprof_ci").rglob("*.py")))
    said = re.sub(r'[\'"] *\n *f?[\'"]', "", sources)
    table = PAGE.read_text(encoding="utf-8").partition("## When it says …")[2]
    explained = re.findall(r"^\| \*(.+?)\* \|", table, re.MULTILINE)
    assert len(explained) >= 10
    pieces = [piece.strip() for sentence in explained for piece in re.split("…|`[^`]*`", sentence)]
    assert [piece for piece in pieces if len(piece) > 2 and piece not in said] == []
