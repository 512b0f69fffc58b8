"""Takes out of a session what nobody should publish, and leaves its work as it was.

A secret is replaced letter by letter by one of its kind: ``sk-ant-Ab3-x`` becomes ``sk-ant-Xx0-x``. So it keeps its length, and
expressions that look for such secrets still find one. Knows JSON values, not what they mean; what a secret looks like is in
`secret_patterns`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from autoprof_ci.agent_sessions.secret_patterns import HOMES, NOBODY, PATTERNS, RANDOM, SECRET_FIELD, Pattern

HOME_NAMES = "names of home folders"
RANDOM_WORDS = "long random words"
SHORTEST_NAME, SHORTEST_SECRET = 3, 4
"""A shorter name is replaced in paths only: as a word it stands anywhere."""

WORDS_OF_THE_PROTOCOL = frozenset((
    "assistant", "user", "system", "result", "text", "thinking", "tool_use", "tool_result", "init", "status",
    "success", "error", "message", "none", "default", "control_request", "control_response", "type", "role",
    "content", "model", "allow", "deny", "initialize", "interrupt", "image", "base64", "stream_event", "keep_alive",
    "autoprof_delay", "completed", "pending",
))  # fmt: skip
"""Never taken for somebody's name."""

KEPT_FIELDS = frozenset((
    "type", "subtype", "role", "id", "uuid", "session_id", "tool_use_id", "parent_tool_use_id", "request_id",
    "thread_id", "apiKeySource", "permissionMode",
))  # fmt: skip
"""Names and numbers of the protocol: what refers to them would no longer find them."""
RANDOM_BY_NATURE = frozenset(("signature", "data"))
"""Signs of thoughts and pictures: random words, and no keys."""


@dataclass(slots=True)
class Scrubber:
    """`names`: of people, from their home folders. `found`: how many of which kind were replaced."""

    names: frozenset[str] = frozenset()
    found: Counter[str] = field(default_factory=Counter)
    _done: set[str] = field(default_factory=set)
    """What this text has of masked keys, with what says whose they are: a wider pattern would mask that too."""

    def value(self, value: Any, key: str = "") -> Any:
        """The same JSON value without secrets; the very same object where there are none. `key`: of the field it stands in."""
        if isinstance(value, str):
            is_secret = key not in KEPT_FIELDS and SECRET_FIELD.fullmatch(key)
            return self._secret_field(value) if is_secret else self.text(value, key)
        if isinstance(value, list):
            items = [self.value(item, key) for item in value]
            return items if any(new is not old for new, old in zip(items, value, strict=True)) else value
        if isinstance(value, Mapping):
            entries = {self._known(name): self.value(item, name) for name, item in value.items()}
            same = entries.keys() == value.keys() and all(entries[name] is item for name, item in value.items())
            return value if same else entries
        return value

    def text(self, text: str, key: str = "") -> str:
        scrubbed = self._known(text)
        if key not in KEPT_FIELDS:
            if self.names:
                scrubbed = _as_words(self.names).sub(self._name, scrubbed)
            if key not in RANDOM_BY_NATURE:
                scrubbed = RANDOM.sub(self._random, scrubbed)
        return text if scrubbed == text else scrubbed

    def _known(self, text: str) -> str:
        scrubbed, small_letters = text, text.lower()
        self._done.clear()
        for pattern in PATTERNS:
            if pattern.may_be_in(small_letters):
                scrubbed = self._without(pattern, scrubbed)
        scrubbed = HOMES.sub(self._home, scrubbed)
        return text if scrubbed == text else scrubbed

    def _without(self, pattern: Pattern, text: str) -> str:
        return pattern.expression.sub(lambda match: self._replaced(match, pattern.kind), text)

    def _secret_field(self, text: str) -> str:
        masked = mask(text)
        if len(text) < SHORTEST_SECRET or masked == text:
            return text
        self.found["secrets by their names"] += 1
        return masked

    def _replaced(self, match: re.Match[str], kind: str) -> str:
        """The match with its groups called ``secret…`` masked."""
        spans = [match.span(name) for name in match.re.groupindex if name.startswith("secret") and match[name] is not None]
        whole, start = match[0], match.start()
        for begin, end in spans:
            secret = whole[begin - start : end - start]
            masked = self._masked(secret)
            if masked != secret:
                self.found[kind] += 1
            whole = whole[: begin - start] + masked + whole[end - start :]
        if "secret" not in match.re.groupindex:
            self._done.add(whole)
        return whole

    def _masked(self, text: str) -> str:
        """`mask`, but for what is done."""
        done = [piece for piece in self._done if piece in text]
        if not done:
            return mask(text)
        pieces = re.split(f"({'|'.join(map(re.escape, sorted(done, key=len, reverse=True)))})", text)
        return "".join(piece if index % 2 else mask(piece) for index, piece in enumerate(pieces))

    def _home(self, match: re.Match[str]) -> str:
        name = _person(match)
        if name is None:
            return match[0]
        self.found[HOME_NAMES] += 1
        at = match.start(match.lastgroup or 0) - match.start()
        return match[0][:at] + mask(name) + match[0][at + len(name) :]

    def _name(self, match: re.Match[str]) -> str:
        self.found[HOME_NAMES] += 1
        return mask(match[0])

    def _random(self, match: re.Match[str]) -> str:
        return self._replaced(match, RANDOM_WORDS) if _looks_random(match["secret"]) else match[0]


def mask(text: str) -> str:
    """As long, and of the same kinds of letters: capitals become ``X``, small ones ``x``, digits ``0``; signs stay."""
    return "".join(_masked(letter) for letter in text)


def _masked(letter: str) -> str:
    if letter.isdigit():
        return "0"
    if letter.isalpha():
        return "X" if letter.isupper() else "x"
    return letter


def names_in(values: Iterable[Any]) -> frozenset[str]:
    """Names of people in JSON values, as their home folders are called, that may be replaced wherever they stand as words."""
    names = {_person(match) for value in values for text in _texts(value) for match in HOMES.finditer(text)}
    return frozenset(
        name for name in names if name is not None and len(name) >= SHORTEST_NAME and name not in WORDS_OF_THE_PROTOCOL
    )


def _person(match: re.Match[str]) -> str | None:
    """Whose home folder it is; ``None`` where it is nobody's, or masked already. Its last dot may be the sentence's."""
    name = match[match.lastgroup or 0].rstrip(".$-")
    return None if not name or name.lower() in NOBODY or mask(name) == name else name


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        yield from value
        for item in value.values():
            yield from _texts(item)


_compiled: dict[frozenset[str], re.Pattern[str]] = {}


def _as_words(names: frozenset[str]) -> re.Pattern[str]:
    if names not in _compiled:
        longest_first = sorted(names, key=lambda name: (-len(name), name))
        _compiled[names] = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(map(re.escape, longest_first))})(?![A-Za-z0-9])")
    return _compiled[names]


def _looks_random(word: str) -> bool:
    """Capitals, small letters and digits well mixed, as names in programs and words hardly are."""
    kinds = [_masked(letter) for letter in word]
    changes = sum(one != other for one, other in pairwise(kinds))
    return min(kinds.count("X"), kinds.count("x"), kinds.count("0")) >= 3 and changes >= 0.35 * len(word)
