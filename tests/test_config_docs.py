"""``docs/tuning.md`` and the code say the same. ``make bless`` writes the table of keys anew."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from autoprof_ci import config
from autoprof_ci.config.keys import FILE_KEYS, THRESHOLDS
from autoprof_ci.config.shapes import Absent, Key, ListOf, Table
from tests import golden

TUNING = Path(__file__).parent.parent / "docs/tuning.md"
TEXT = TUNING.read_text(encoding="utf-8")
BEGIN, END = "<!-- keys: begin -->\n", "<!-- keys: end -->\n"
TOML_BLOCKS = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
INSTRUMENTS = ("time", "instructions", "memory")


def default_of(key: Key) -> str:
    if key.default_words:
        return key.default_words
    if key.default is Absent.REQUIRED:
        return "required"
    if key.default is Absent.NOTHING:
        return "—"
    return f"`{as_toml(key.default)}`"


def as_toml(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    return f'"{value}"' if isinstance(value, str) else str(value)


def rows(table: Table) -> Iterator[tuple[Key, str]]:
    for key in table.keys:
        inner = key.shape.item if isinstance(key.shape, ListOf) else key.shape
        if not isinstance(inner, Table):
            yield key, default_of(key)


def threshold_rows() -> Iterator[tuple[Key, str]]:
    """The three instruments have the same keys: one row each, with the defaults side by side."""
    tables = [THRESHOLDS.by_name[name].shape for name in INSTRUMENTS]
    for columns in zip(*(rows(table) for table in tables if isinstance(table, Table)), strict=True):
        defaults = [default for _, default in columns]
        if columns[0][0].name == "warn_percent":
            defaults = ["half of max_regression_percent"]
        yield columns[0][0], " / ".join(defaults if len(set(defaults)) > 1 else defaults[:1])


def sections(table: Table, path: str) -> Iterator[tuple[str, Iterator[tuple[Key, str]]]]:
    yield (f"`[{path}]`" if path else "At the top"), rows(table)
    for key in table.keys:
        name = f"{path}.{key.name}" if path else key.name
        if key.shape is THRESHOLDS:
            yield ", ".join(f"`[thresholds.{instrument}]`" for instrument in INSTRUMENTS), threshold_rows()
            yield "`[[thresholds.override]]`", rows(table_of(THRESHOLDS.by_name["override"]))
        elif isinstance(key.shape, Table):
            yield from sections(key.shape, name)
        elif isinstance(key.shape, ListOf) and isinstance(key.shape.item, Table):
            yield f"`[[{name}]]`", rows(key.shape.item)


def table_of(key: Key) -> Table:
    assert isinstance(key.shape, ListOf)
    assert isinstance(key.shape.item, Table)
    return key.shape.item


def key_tables() -> str:
    lines = []
    for title, keys in sections(FILE_KEYS, ""):
        lines += ["", f"### {title}", "", "| key | value | default | what it is, and what it trades |", "|---|---|---|---|"]
        lines += [
            f"| `{key.name}` | {key.shape.words} | {default} | {f'{key.help} {key.trade}'.strip()} |" for key, default in keys
        ]
    return "\n".join([*lines[1:], ""])


def test_tuning__has_every_key_with_its_default() -> None:
    before, _, rest = TEXT.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert before
    assert after
    golden.check(TUNING, f"{before}{BEGIN}\n{key_tables()}\n{END}{after}")


def test_tuning__has_the_cases_it_promises() -> None:
    assert re.findall(r"^### (?!`|At)(.*)$", TEXT, re.MULTILINE) == [
        "A noisy runner",
        "A hot path that may grow",
        "An accepted regression",
    ]
    assert len(TOML_BLOCKS) == 5


@pytest.mark.parametrize("block", TOML_BLOCKS, ids=[block.split("\n")[0] for block in TOML_BLOCKS])
def test_tuning__toml_is_taken_by_the_reader(block: str) -> None:
    config.parse_settings(block, source="docs/tuning.md")


def test_tuning__begins_with_a_whole_file() -> None:
    assert config.parse(TOML_BLOCKS[0], source="docs/tuning.md").workloads[0].name == "convert"


def test_tuning__accept_is_what_the_command_writes() -> None:
    block = next(block for block in TOML_BLOCKS if block.startswith("[[accept]]"))
    entry = config.parse_settings(block, source="docs/tuning.md").policy.accepts[0]
    assert config.accept_entry("", entry) == block
    assert f'accept "{entry.match[0]}" --up-to 12 --reason "{entry.reason}" --expires {entry.expires}' in TEXT


def test_tuning__limits_of_the_hot_path_are_as_told() -> None:
    block = next(block for block in TOML_BLOCKS if "Parsing" in block)
    policy = config.parse_settings(block, source="docs/tuning.md").policy
    assert [(override.max_regression, override.warn) for override in policy.overrides] == [(0.1, 0.05), (0.03, 0.015)]
