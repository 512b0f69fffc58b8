"""Placeholders in commands: ``{name}`` of lower-case letters and ``_`` stands for a path, ``{{`` and ``}}`` for braces.

Knows how they are written; not what they stand for. Any other brace stands for itself. JSON that ends in ``}}`` would lose a
brace by that: such braces, doubled on one side only, are told (`is_lopsided`) and never guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath

from autoprof_ci.errors import ConfigError

BINARY = "binary"
DATA = "data"
SCRATCH = "scratch"
BUILT_IN = (BINARY, DATA, SCRATCH)

_TOKEN = re.compile(r"\{\{|\}\}|\{([a-z_]+)\}")


def expand(arguments: Sequence[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments with every placeholder replaced by its value, once: a value is never looked at again.

    Raises `ConfigError` for a name that `values` does not have; `config.parse` finds those before anything runs.
    """

    def replaced(token: re.Match[str]) -> str:
        name = token.group(1)
        if name is None:
            return token.group()[0]
        if name not in values:
            raise ConfigError(
                f"the placeholder {{{name}}} is unknown",
                f"Known are {in_words(values)}; write {{{{{name}}}}} for the text itself.",
            )
        return values[name]

    return tuple(_TOKEN.sub(replaced, argument) for argument in arguments)


def unknown(arguments: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The names of placeholders in `arguments` that are not `known`: each once, in the order they stand there."""
    names = (token.group(1) for argument in arguments for token in _TOKEN.finditer(argument))
    return tuple(dict.fromkeys(name for name in names if name is not None and name not in known))


def is_lopsided(argument: str) -> bool:
    """Whether ``{{`` and ``}}`` stand in it unequally often: hardly meant as single braces, as in ``{"a": {"b": 1}}``."""
    tokens = [token.group() for token in _TOKEN.finditer(argument)]
    return tokens.count("{{") != tokens.count("}}")


def of_binary(path: str) -> str | None:
    """The placeholder of an extra binary, from its base name: ``bin/my-tool`` -> ``my_tool``; ``None`` if it cannot be one.

    Letters become lower-case, ``-`` and ``.`` become ``_``; a base name with other characters (``tool2``) has no placeholder.
    """
    name = PurePosixPath(path).name.lower().replace("-", "_").replace(".", "_")
    return name if re.fullmatch(r"[a-z_]+", name) else None


def in_words(names: Collection[str]) -> str:
    return ", ".join(f"{{{name}}}" for name in names)
