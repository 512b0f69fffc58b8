"""The README says nothing that the command line does not take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from autoprof_ci import cli, config

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = [line for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines() if line.strip()]
TOML = re.findall(r"```toml\n(.*?)```", TEXT, re.DOTALL)
LINKS = [target for target in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in target]


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("autoprof-ci ")])
def test_readme__commands_are_taken(line: str) -> None:
    cli.parse(shlex.split(line, comments=True)[1:])


@pytest.mark.parametrize("line", [line for line in SHELL if line.startswith("make ")])
def test_readme__make_has_the_target(line: str) -> None:
    target = shlex.split(line, comments=True)[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_readme__other_lines_are_none() -> None:
    assert all(line.startswith(("autoprof-ci ", "make ")) for line in SHELL)


@pytest.mark.parametrize("text", TOML)
def test_readme__settings_are_read(text: str) -> None:
    config.parse(text, source="README.md")


@pytest.mark.parametrize("target", LINKS)
def test_readme__links_lead_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_readme__lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.parse(["--help"])
    commands = set(re.findall(r"^    (\w+)\b", capsys.readouterr().out, re.MULTILINE))
    assert commands == {name for row in re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
