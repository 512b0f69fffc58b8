"""How the runner and act find commands in what a step prints, written down again from their sources, as tolerant as they are.

The runner splits at CR, LF and CRLF, tries ``::name key=value::data`` after trimming, then ``##[name key=value]data`` anywhere.
Its comparisons are those of a culture: characters without weight do not count, which `weighted` stands for.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

REGISTERED = {
    "add-mask",
    "add-matcher",
    "add-path",
    "debug",
    "echo",
    "endgroup",
    "error",
    "group",
    "notice",
    "remove-matcher",
    "save-state",
    "set-env",
    "set-output",
    "stop-commands",
    "warning",
    "internal-set-repo-path",
    "section",
    "command",
}


@dataclass(frozen=True)
class Command:
    name: str
    properties: tuple[tuple[str, str], ...]
    data: str


def lines(output: bytes) -> list[str]:
    return re.split(r"\r\n|\r|\n", output.decode("utf-8", errors="replace"))


def weighted(text: str) -> str:
    """`text` as a comparison by culture sees it."""
    return "".join(c for c in text if unicodedata.category(c) not in {"Cf", "Cc", "Cs"} and not _ignorable(ord(c)))


def _ignorable(code: int) -> bool:
    return (
        code in {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0}
        or 0x180B <= code <= 0x180F
        or 0xFE00 <= code <= 0xFE0F
        or 0xE0000 <= code <= 0xE0FFF
    )


def parse(line: str, registered: set[str]) -> Command | None:
    return _second(line, registered) or _first(line, registered)


def _second(line: str, registered: set[str]) -> Command | None:
    line = line.lstrip()
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    name, _, rest = line[2:end].partition(" ")
    if name.lower() not in registered:
        return None
    pairs = [pair.split("=", 1) for pair in rest.strip().split(",") if "=" in pair]
    return Command(name.lower(), tuple((k, _unescaped_property(v)) for k, v in pairs), _unescaped(line[end + 2 :]))


def _first(line: str, registered: set[str]) -> Command | None:
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    name, _, rest = line[start + 3 : end].partition(" ")
    if name.lower() not in registered:
        return None
    pairs = [pair.split("=", 1) for pair in rest.split(";") if "=" in pair]
    return Command(name.lower(), tuple((k, v) for k, v in pairs), line[end + 1 :])


def _unescaped(data: str) -> str:
    return data.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def _unescaped_property(value: str) -> str:
    return _unescaped(value.replace("%3A", ":").replace("%2C", ","))


def found(output: bytes) -> list[Command]:
    """Every command that anybody could see in `output`: as it is, without weightless characters, at every kind of break."""
    everything = output.decode("utf-8", errors="replace")
    candidates = [*lines(output), *everything.splitlines(), *weighted_lines(everything)]
    return [command for line in candidates if (command := parse(line, REGISTERED))]


def weighted_lines(text: str) -> list[str]:
    return [weighted(line) for line in text.splitlines()]


def obeyed(output: bytes) -> list[Command]:
    """The commands that the runner carries out, in order, ``stop-commands`` and its end among them."""
    registered = set(REGISTERED)
    token: str | None = None
    done = []
    for line in lines(output):
        command = parse(line, registered)
        if command is None or (token is not None and command.name != token.lower()):
            continue
        done.append(command)
        if token is not None:
            registered.remove(token.lower())
            token = None
        elif command.name == "stop-commands":
            token = command.data
            assert token
            assert token.lower() not in registered, "the runner refuses such a token"
            registered.add(token.lower())
    return done
