"""The JSON Schema that ships says what the reader says; where the two cannot agree, this file names it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

import autoprof_ci
from autoprof_ci import config
from autoprof_ci.config import json_schema
from autoprof_ci.config.keys import FILE_KEYS
from autoprof_ci.config.shapes import Absent, Day, Key, ListOf, Names, Number, OneOf, OneOrMore, Shape, Table, Text, Whole
from tests import golden
from tests.test_config import EVERY_KEY
from tests.test_config_errors import CASES

SHIPPED = Path(autoprof_ci.__file__).parent / "autoprof.schema.json"

ONLY_THE_READER_REFUSES = {
    "runs_a_float": "to JSON Schema 10.0 is a whole number",
    "accept_day_in_quotes": "to JSON Schema a date is a string",
    "false_alarm_rate_nan": "JSON has no NaN",
    "threshold_nan": "JSON has no NaN",
}
RULES_BETWEEN_KEYS = {
    "empty_file", "only_comments", "extra_binaries_of_one_file_name", "extra_binary_named_as_the_binary",
    "extra_binary_named_as_a_placeholder", "extra_binaries_with_one_placeholder",
    "warn_above_max", "warn_above_the_default_max", "override_that_changes_nothing", "override_warn_above_its_max",
    "override_warn_above_one_instruments_max", "override_for_an_unknown_workload", "groups_of_one_name", "workloads_of_one_name",
    "command_with_an_empty_program", "command_with_json_that_would_lose_a_brace", "unknown_placeholder",
    "unknown_placeholder_like_no_other", "unknown_placeholder_in_setup", "stdin_not_among_the_inputs",
    "agent_that_is_a_folder", "agent_with_an_unknown_placeholder",
    "agent_with_data_inside", "agent_delays_without_an_agent", "accept_for_an_unknown_workload",
    "daemon_without_an_end", "daemon_without_a_sign", "daemon_with_instructions_of_a_duration", "daemon_keys_of_a_command",
    "daemon_with_an_unknown_placeholder_in_its_driver",
}  # fmt: skip


def whole_pattern(_: object, pattern: str, value: object, __: object) -> Iterator[ValidationError]:
    """`$` is the end of the text in JavaScript; in Python a line end could follow."""
    if isinstance(value, str) and not re.search(pattern.removesuffix("$") + r"\Z", value):
        yield ValidationError("pattern")


VALIDATOR = extend(Draft202012Validator, {"pattern": whole_pattern})(json_schema.schema())


def as_json(value: Any) -> Any:
    """A TOML value as an editor hands it to a JSON Schema."""
    if isinstance(value, Mapping):
        return {name: as_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, date) else value


def test_schema__shipped_file_is_up_to_date() -> None:
    golden.check(SHIPPED, json_schema.schema_text())


def test_schema__is_a_schema() -> None:
    Draft202012Validator.check_schema(json.loads(SHIPPED.read_text(encoding="utf-8")))


def test_schema__every_key_is_described() -> None:
    assert [path for path, key, _ in PLACES if not key.help.endswith(".")] == []


def test_schema__takes_the_file_with_every_key() -> None:
    assert VALIDATOR.is_valid(as_json(tomli.loads(EVERY_KEY)))


def test_schema__takes_a_daemon() -> None:
    text = EVERY_KEY.replace(
        'kind = "command"',
        'kind = "daemon"\nready = "up"\ndriver = ["{binary}"]\nduration_seconds = 3\nstop_signal = "SIGINT"',
    )
    assert VALIDATOR.is_valid(as_json(tomli.loads(text)))
    text = text.replace('instruments = ["instructions"]', 'instruments = ["memory"]')
    assert sum(workload.daemon is not None for workload in config.parse(text, source="autoprof.toml").workloads) == 1


@pytest.mark.parametrize(("name", "text"), [pytest.param(name, text, id=name) for name, text, _ in CASES])
def test_schema__refuses_what_the_reader_refuses(name: str, text: str) -> None:
    try:
        tables = tomli.loads(text)
    except tomli.TOMLDecodeError:
        return
    assert VALIDATOR.is_valid(as_json(tables)) == (name in ONLY_THE_READER_REFUSES or name in RULES_BETWEEN_KEYS)


JUNK = st.sampled_from(
    [None, True, False, 0, -1, 1, 4, 7, 0.5, -0.5, 1e9, "", "x", "time", " x", "[x", "a\n", "..", [], ["x"], [[]], {}, {"x": 1}]
)


def example_of(key: Key) -> Any:
    return tomli.loads(f"value = {key.example}")["value"]


def places(table: Table, around: Callable[[dict[str, Any]], dict[str, Any]]) -> Iterator[tuple[str, Key, Callable[[Any], Any]]]:
    """Every key: its path, itself, and how to make a file that is right but for the value of this key."""
    needed = {key.name: example_of(key) for key in table.keys if key.default is Absent.REQUIRED}

    def file_with(name: str) -> Callable[[Any], Any]:
        return lambda value: around({**needed, name: value})

    for key in table.keys:
        place = file_with(key.name)
        yield key.name, key, place
        inner = key.shape.item if isinstance(key.shape, ListOf) else key.shape
        if isinstance(inner, Table):
            listed = isinstance(key.shape, ListOf)
            deeper = (lambda entry, place=place: place([entry])) if listed else place
            yield from ((f"{key.name}.{path}", inner_key, at) for path, inner_key, at in places(inner, deeper))


PLACES = list(places(FILE_KEYS, lambda file: file))


def values_of(shape: Shape) -> st.SearchStrategy[Any]:
    """Values of a shape, right ones and ones just outside. No whole floats, and no days but where one belongs (see above)."""
    match shape:
        case Table():
            return st.fixed_dictionaries({}, optional={key.name: values_of(key.shape) for key in shape.keys[:3]})
        case Number():
            edges = [edge for edge in (shape.minimum, shape.above, shape.maximum) if edge is not None]
            return st.sampled_from([int(edge) for edge in edges if edge == int(edge)] + [0.25, 0.5, 1, 2.75, 101.5, 3e7 + 0.5])
        case Whole():
            return st.integers(shape.minimum - 2, shape.minimum + 3) | st.integers(shape.maximum - 3, shape.maximum + 2)
        case OneOf():
            return st.sampled_from([*shape.choices, "other"])
        case Day():
            return st.dates()
        case Text():
            return (
                st.from_regex(shape.pattern, fullmatch=True)
                | st.text("/.x\n\x00 [", max_size=6)
                | st.just("x" * (shape.longest + 1))
            )
        case ListOf():
            return st.lists(values_of(shape.item), max_size=3)
        case OneOrMore():
            return values_of(shape.many) | values_of(shape.many.item)
        case Names():
            return st.dictionaries(values_of(shape.name), values_of(shape.value), max_size=2)
    raise AssertionError(shape)


@pytest.mark.parametrize(("key", "place"), [pytest.param(key, place, id=path) for path, key, place in PLACES])
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_schema__agrees_with_the_reader_on_any_value(key: Key, place: Callable[[Any], Any], data: st.DataObject) -> None:
    tables = place(data.draw(values_of(key.shape) | JUNK))
    problems = list(FILE_KEYS.problems(tables, ""))
    assert VALIDATOR.is_valid(as_json(tables)) == (problems == []), problems


@pytest.mark.parametrize("place", [pytest.param(place, id=path) for path, key, place in PLACES if isinstance(key.shape, Table)])
def test_schema__refuses_an_unknown_key_anywhere(place: Callable[[Any], Any]) -> None:
    tables = place({"unknown": 1})
    assert [problem.what for problem in FILE_KEYS.problems(tables, "")] == ["unknown key"]
    assert not VALIDATOR.is_valid(tables)


@pytest.mark.parametrize(("key", "place"), [pytest.param(key, place, id=path) for path, key, place in PLACES])
def test_keys__example_and_default_are_right(key: Key, place: Callable[[Any], Any]) -> None:
    values = [example_of(key)] if key.example else []
    values += [] if isinstance(key.default, Absent) else [key.default]
    assert values or isinstance(key.shape, Table)
    assert [problem for value in values for problem in FILE_KEYS.problems(place(value), "")] == []
