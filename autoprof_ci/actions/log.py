"""EDGE: the job's log, and the commands that a step gives to the runner by printing them.

Knows how commands are written, escaped and limited. Knows nothing of what is said. Whatever is printed through here cannot
be a command unless it is one of ours.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import TextIO

from autoprof_ci.actions import harmless

MAX_ANNOTATIONS = 10
"""Of one level, in one step; the runner drops the rest without a word."""
MAX_MESSAGE_CHARACTERS = 4096
MAX_TITLE_CHARACTERS = 255


class Level(StrEnum):
    NOTICE = "notice"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where an annotation is shown; `file` is relative to the repository's root, lines count from 1."""

    file: str
    line: int | None = None


class Log:
    """Writes to `stream`, which the runner reads line by line."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._annotations: Counter[Level] = Counter()

    def notice(self, text: str, *, place: Place | None = None, title: str = "") -> None:
        self._annotate(Level.NOTICE, text, place, title)

    def warning(self, text: str, *, place: Place | None = None, title: str = "") -> None:
        self._annotate(Level.WARNING, text, place, title)

    def error(self, text: str, *, place: Place | None = None, title: str = "") -> None:
        self._annotate(Level.ERROR, text, place, title)

    def mask(self, secret: str) -> None:
        """From now on the runner shows `secret` as ``***``, each of its lines by itself."""
        for part in secret.splitlines():
            if part.strip():
                self._write(f"::add-mask::{_escaped(part)}\n")

    def say(self, text: str) -> None:
        """Plain words of ours, perhaps with names from outside in them."""
        self._write("".join(f"{each}\n" for each in harmless.lines(text)))

    def _annotate(self, level: Level, text: str, place: Place | None, title: str) -> None:
        self._annotations[level] += 1
        if self._annotations[level] > MAX_ANNOTATIONS:
            where = f"{place.file}:{place.line}: " if place and place.line else f"{place.file}: " if place else ""
            self.say(f"{level}: {where}{text}")
            return
        properties = {"title": _clipped(harmless.line(title), MAX_TITLE_CHARACTERS)} if title else {}
        if place:
            properties["file"] = harmless.line(place.file)
            if place.line:
                properties["line"] = str(place.line)
        given = ",".join(f"{name}={_escaped_property(value)}" for name, value in properties.items() if value)
        self._command(f"{level} {given}" if given else level, _clipped(harmless.data(text), MAX_MESSAGE_CHARACTERS))

    def _command(self, head: str, data: str) -> None:
        self._write(f"::{head}::{_escaped(data)}\n")

    def _write(self, text: str) -> None:
        # in one piece, so that nothing of another thread's comes in between
        self._stream.write(text)
        self._stream.flush()


def _clipped(text: str, max_characters: int) -> str:
    return text if len(text) <= max_characters else f"{text[: max_characters - 1]}…"


def _escaped(data: str) -> str:
    return data.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(value: str) -> str:
    return _escaped(value).replace(":", "%3A").replace(",", "%2C")
