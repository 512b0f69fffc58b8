"""Scripts and styles that reports carry inside of them, as files of their own so that they can be read and checked as such."""

from __future__ import annotations

from importlib.resources import files


def read(name: str) -> str:
    """The text of one asset. Part of the package: the one file a report reads."""
    return (files(__name__) / name).read_text(encoding="utf-8").rstrip()
