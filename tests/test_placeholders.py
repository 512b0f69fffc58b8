from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoprof_ci import placeholders
from autoprof_ci.errors import ConfigError

VALUES = {"binary": "/p/autopilot", "data": "/d", "my_tool": "/p/my-tool"}


@pytest.mark.parametrize(
    ("argument", "expanded"),
    [
        ("{binary}", "/p/autopilot"),
        ("--in={data}/a/{data}", "--in=/d/a//d"),
        ("{my_tool}", "/p/my-tool"),
        ("{{binary}}", "{binary}"),
        ("{{{binary}}}", "{/p/autopilot}"),
        ("{{}}", "{}"),
        ("{}", "{}"),
        ('{"key": 1}', '{"key": 1}'),
        ('{{"key": {{"a": "{data}"}}}}', '{"key": {"a": "/d"}}'),
        ("{Binary}", "{Binary}"),
        ("{a1}", "{a1}"),
        ("{ data }", "{ data }"),
        ("{", "{"),
        ("}{", "}{"),
        ("", ""),
    ],
)
def test_expand__one_argument(argument: str, expanded: str) -> None:
    assert placeholders.expand([argument], VALUES) == (expanded,)


def test_expand__keeps_the_order() -> None:
    assert placeholders.expand(["{binary}", "x", "{data}"], VALUES) == ("/p/autopilot", "x", "/d")


def test_expand__never_looks_at_a_value_again() -> None:
    assert placeholders.expand(["{binary}"], {"binary": "{data}", "data": "x"}) == ("{data}",)


def test_expand__unknown_name() -> None:
    with pytest.raises(ConfigError) as caught:
        placeholders.expand(["{dat}"], VALUES)
    assert (
        str(caught.value)
        == "the placeholder {dat} is unknown. Known are {binary}, {data}, {my_tool}; write {{dat}} for the text itself."
    )


def test_unknown__each_once_in_order() -> None:
    assert placeholders.unknown(["{b}", "{binary}", "{a}{b}", "{{c}}", "{D}"], ["binary"]) == ("b", "a")


@pytest.mark.parametrize(
    ("argument", "lopsided"),
    [
        ('{"a": {"b": 1}}', True),
        ('{{"a": 1}', True),
        ('{{"a": {{"b": 1}}}}', False),
        ('{"a": {"b": 1} }', False),
        ("{{data}}{data}", False),
        ("", False),
    ],
)
def test_is_lopsided__braces_doubled_on_one_side(argument: str, lopsided: bool) -> None:
    assert placeholders.is_lopsided(argument) == lopsided


@given(st.lists(st.text("{}ab_ 1")))
def test_expand__is_possible_exactly_where_nothing_is_unknown(arguments: list[str]) -> None:
    values = {"a": "1", "b": "2"}
    if placeholders.unknown(arguments, values):
        with pytest.raises(ConfigError):
            placeholders.expand(arguments, values)
    else:
        assert len(placeholders.expand(arguments, values)) == len(arguments)


@given(st.text())
def test_expand__doubled_braces_give_any_text_back(text: str) -> None:
    assert placeholders.expand([text.replace("{", "{{").replace("}", "}}")], {}) == (text,)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("target/release/autopilotd", "autopilotd"),
        ("bin/My-Tool.exe", "my_tool_exe"),
        ("tool2", None),
        ("größe", None),
        ("a b", None),
        ("/", None),
    ],
)
def test_of_binary__base_name(path: str, name: str | None) -> None:
    assert placeholders.of_binary(path) == name
