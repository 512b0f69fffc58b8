"""A small language to declare what a file may hold, once: the reader, the JSON Schema and the key table come from it.

Knows shapes of values and how to say what is wrong with one. Knows no key of ours, no file format, no dataclass of the model.

Why our own: timed were pydantic 2.14 (strict types, key paths, a schema; 0.08 to 0.13 s to import before a first model is built,
where ``--help`` has 0.15 s and a whole comparison 1 s), msgspec 0.22 (0.03 s, but it stops at the first problem and words it
itself) and jsonschema 4.26 (0.08 s; its messages quote the schema, and a TOML NaN or date means something else to it). None says
"did you mean", and for each the key table of the documentation would be a second declaration. This takes 0.02 s.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import Enum
from typing import Any, Protocol

from autoprof_ci.config.problems import Problem, did_you_mean, entry_label, joined, nearest, shown


class Shape(Protocol):
    """What a value may be. `words` completes "expected …"."""

    @property
    def words(self) -> str: ...

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        """Everything that is wrong with `value`, in its own order."""
        ...

    def complete(self, value: Any) -> Any:
        """A value without problems, with the defaults of its missing keys; a list becomes a tuple."""
        ...

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema, draft 2020-12."""
        ...


def wrong(shape: Shape, value: object, path: str) -> Problem:
    return Problem(path=path, what=f"expected {shape.words}, found {shown(value)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A finite number between bounds. `words` names the bounds."""

    words: str
    minimum: float | None = None
    above: float | None = None
    maximum: float

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if isinstance(value, bool) or not isinstance(value, int | float) or not self._inside(value):
            yield wrong(self, value, path)

    def _inside(self, value: float) -> bool:
        if isinstance(value, float) and not math.isfinite(value):
            return False
        return (
            (self.minimum is None or value >= self.minimum)
            and (self.above is None or value > self.above)
            and value <= self.maximum
        )

    def complete(self, value: float) -> float:
        return float(value)

    def schema(self) -> dict[str, Any]:
        bounds = {"minimum": self.minimum, "exclusiveMinimum": self.above, "maximum": self.maximum}
        return {"type": "number", **{name: bound for name, bound in bounds.items() if bound is not None}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A whole number between bounds, a multiple of `step`."""

    words: str
    minimum: int
    maximum: int
    step: int = 1

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if type(value) is not int or not self.minimum <= value <= self.maximum or value % self.step:
            yield wrong(self, value, path)

    def complete(self, value: int) -> int:
        return value

    def schema(self) -> dict[str, Any]:
        step = {"multipleOf": self.step} if self.step != 1 else {}
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum, **step}


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A string that `pattern` matches as a whole; `pattern` is in the part of the language that Python and JavaScript share."""

    words: str
    pattern: str
    longest: int = 500

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if not isinstance(value, str):
            yield wrong(self, value, path)
        elif len(value) > self.longest:
            yield Problem(path=path, what=f"expected {self.words}, of at most {self.longest} characters, found {len(value)}")
        elif not re.fullmatch(self.pattern, value) or any("\ud800" <= character <= "\udfff" for character in value):
            # Half a character (how Python carries bytes of the command line that are no UTF-8) could not be stored again.
            yield wrong(self, value, path)

    def complete(self, value: str) -> str:
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$", "maxLength": self.longest}


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few words."""

    choices: tuple[str, ...]

    @property
    def words(self) -> str:
        quotes = [f'"{choice}"' for choice in self.choices]
        return quotes[0] if len(quotes) == 1 else f"{', '.join(quotes[:-1])} or {quotes[-1]}"

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if not isinstance(value, str) or value not in self.choices:
            near = nearest(value, self.choices) if isinstance(value, str) else None
            hint = f'Did you mean "{near}"?' if near else ""
            yield replace(wrong(self, value, path), hint=hint)

    def complete(self, value: str) -> str:
        return value

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.choices)}


@dataclass(frozen=True, slots=True)
class Day:
    """A calendar day: a TOML date without quotes and without a time."""

    words: str = "a date without quotes and without a time"

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if not isinstance(value, date) or isinstance(value, datetime):
            yield wrong(self, value, path)

    def complete(self, value: date) -> date:
        return value

    def schema(self) -> dict[str, Any]:
        # Editors see a TOML date as a string of this form; the quotes that TOML must not have are beyond JSON Schema.
        return {"type": "string", "format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOf:
    """A list of one shape. `unique`: no value twice."""

    item: Shape
    words: str
    shortest: int = 0
    longest: int = 1000
    unique: bool = False

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if not isinstance(value, list | tuple):
            tables = isinstance(self.item, Table) and isinstance(value, Mapping)
            yield replace(wrong(self, value, path), hint=f"Write [[{path}]], with two brackets." if tables else "")
            return
        if not self.shortest <= len(value) <= self.longest:
            found = "an empty list" if not value else f"{len(value)} of them"
            bound = f", at most {self.longest}" if len(value) > self.longest else ""
            yield Problem(path=path, what=f"expected {self.words}{bound}, found {found}")
            return
        if isinstance(self.item, ListOf) and value and all(isinstance(item, str) for item in value):
            yield Problem(path=path, what=f"expected {self.words}, each in brackets of its own, found a list of texts")
            return
        for number, item in enumerate(value, start=1):
            yield from self.item.problems(item, f"{path}[{entry_label(item, number)}]")
        if self.unique and all(isinstance(item, str) for item in value) and len(set(value)) < len(value):
            twice = next(item for item in value if value.count(item) > 1)
            yield Problem(path=path, what=f"{shown(twice)} stands there twice", hint="Remove one of them.")

    def complete(self, value: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(self.item.complete(item) for item in value)

    def schema(self) -> dict[str, Any]:
        unique = {"uniqueItems": True} if self.unique else {}
        return {"type": "array", "items": self.item.schema(), "minItems": self.shortest, "maxItems": self.longest, **unique}


@dataclass(frozen=True, slots=True)
class OneOrMore:
    """One value, or a list of at least one."""

    many: ListOf

    @property
    def words(self) -> str:
        return f"{self.many.item.words}, or a list of them"

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if isinstance(value, list | tuple):
            yield from self.many.problems(value, path)
        elif isinstance(value, str):
            yield from self.many.item.problems(value, path)
        else:
            yield wrong(self, value, path)

    def complete(self, value: Any) -> tuple[Any, ...]:
        return self.many.complete(value if isinstance(value, list | tuple) else [value])

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.many.item.schema(), self.many.schema()]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """A table whose keys are free names of one shape, and its values of another."""

    name: Text
    value: Text
    words: str
    longest: int = 200

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield wrong(self, value, path)
            return
        if len(value) > self.longest:
            yield Problem(path=path, what=f"expected {self.words}, at most {self.longest}, found {len(value)} of them")
            return
        for name, item in value.items():
            if any(self.name.problems(name, path)):
                yield Problem(path=path, what=f"expected {self.name.words}, found {shown(name)}")
            else:
                yield from self.value.problems(item, f"{path}.{name}")

    def complete(self, value: Mapping[str, str]) -> dict[str, str]:
        return dict(value)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "propertyNames": self.name.schema(),
            "additionalProperties": self.value.schema(),
            "maxProperties": self.longest,
        }


class Absent(Enum):
    """What a key without a default is when the file does not have it."""

    REQUIRED = "required"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One key of a table. `help`: what it is; `trade`: what a larger or another value buys and costs. `example`: as TOML."""

    name: str
    shape: Shape
    default: Any = Absent.NOTHING
    help: str = ""
    trade: str = ""
    example: str = ""
    default_words: str = ""
    """How the documentation names a default that is not a constant."""

    @property
    def hint(self) -> str:
        if self.example:
            return f"For example: `{self.name} = {self.example}`."
        return "" if isinstance(self.default, Absent | list | dict) else f"The default is {shown(self.default)}."


@dataclass(frozen=True, slots=True)
class Table:
    """A table of known keys; any other key is a problem."""

    keys: tuple[Key, ...]
    words: str = "a table"
    by_name: Mapping[str, Key] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_name", {key.name: key for key in self.keys})

    def problems(self, value: object, path: str) -> Iterator[Problem]:
        if not isinstance(value, Mapping):
            yield replace(wrong(self, value, path), hint=f"Write [{path}], with one bracket on each side." if path else "")
            return
        for name, item in value.items():
            key = self.by_name.get(name)
            if key is None:
                yield Problem(path=joined(path, name), what="unknown key", hint=did_you_mean(name, tuple(self.by_name), path))
                continue
            for problem in key.shape.problems(item, joined(path, name)):
                yield problem if problem.hint else replace(problem, hint=key.hint)
        for key in self.keys:
            if key.default is Absent.REQUIRED and key.name not in value:
                yield Problem(path=joined(path, key.name), what="is missing", hint=key.hint)

    def complete(self, value: Mapping[str, Any]) -> dict[str, Any]:
        completed: dict[str, Any] = {}
        for key in self.keys:
            given = value.get(key.name, key.default)
            completed[key.name] = None if isinstance(given, Absent) else key.shape.complete(given)
        return completed

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": {key.name: key_schema(key) for key in self.keys},
            "required": [key.name for key in self.keys if key.default is Absent.REQUIRED],
            "additionalProperties": False,
        }


def key_schema(key: Key) -> dict[str, Any]:
    description = {"description": f"{key.help} {key.trade}".strip()} if key.help else {}
    default = {} if isinstance(key.default, Absent) or isinstance(key.shape, Table) else {"default": key.default}
    return {**description, **default, **key.shape.schema()}
