"""``docs/profiling.md`` says nothing that the command line does not take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from autoprof_ci import cli
from autoprof_ci.archive.names import ENDINGS, entries

PAGE = Path(__file__).parents[1] / "docs/profiling.md"
TEXT = PAGE.read_text(encoding="utf-8")
SHELL = [line.strip() for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) for line in block.splitlines()]
LINKS = [target for target in re.findall(r"\]\(([^)#]+)\)", TEXT) if "://" not in target]


@pytest.mark.parametrize("line", [line for line in SHELL if line])
def test_profiling_page__commands_are_taken(line: str) -> None:
    program, *words = shlex.split(line)
    assert program == "autoprof-ci"
    cli.parse(words)


@pytest.mark.parametrize("target", LINKS)
def test_profiling_page__links_lead_somewhere(target: str) -> None:
    assert (PAGE.parent / target).exists()


def test_profiling_page__names_every_file_of_a_run() -> None:
    table = re.findall(r"^\| `([^`]+)` \|", TEXT, re.MULTILINE)
    kinds = {kind for entry in entries(table) for kind in entry.files}
    assert kinds == set(ENDINGS)


def test_profiling_page__the_headings_of_the_page_that_it_replaces() -> None:
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    assert headings == [
        "Quick start", "Understanding flamegraphs", "Best practices", "Memory", "Continuous profiling", "The archive"
    ]  # fmt: skip
