"""Text of a fork that wants to be more than text."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

from markdown_it import MarkdownIt

from autoprof_ci.bundle import refusal
from autoprof_ci.model import (
    BINARY_DSO,
    Accept,
    Caveat,
    CaveatCode,
    Function,
)
from tests import factories, relayed
from tests.relayed import FLAT, SLOWER, THEIRS, Forked, Told, instructions, measured, zipped
from tests.test_actions import runner_parser

HOSTILE = (
    "<!-- autoprof-ci key=default --> --> <img src=x onerror=alert(1)> </details> @octocat #1 [x](javascript:alert(1)) "
    "| `a` ```\n::error::pwned\n##[error]pwned\n\x1b[31m\u202e$\\frac{1}{0$ ![](https://evil.example/x.png) GH-1 www.evil.example"
)


class _Tags(HTMLParser):
    """What a browser is given of a comment: its tags, and where they lead."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.comments: list[str] = []
        self.feed(MarkdownIt("commonmark", {"html": True}).enable(["table"]).render(markdown))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "srcset")]

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def _assert_harmless(told: Told, ours: str) -> None:
    """`ours`: how every address begins that may be in the comment."""
    shown = _Tags(told.body or "")
    assert shown.tags <= {"h3", "p", "a", "ul", "li", "code", "pre", "details", "summary", "em", "strong", "b", "br", "hr"} | {
        "table", "thead", "tbody", "tr", "th", "td"
    }  # fmt: skip
    assert [address for address in shown.addresses if not address.startswith(ours)] == []
    assert len([each for each in shown.comments if "autoprof-ci key=" in each]) == 1
    # an escaped backtick begins no code
    prose = re.sub(r"(`+).*?\1", "", (told.body or "").replace("\\`", ""), flags=re.DOTALL)
    assert not re.search(r"(?<![\w`])@octocat|(?<!\w)#1\b|GH-1\b", prose)
    for text in (told.body or "", told.log, told.summary, told.description or ""):
        assert not re.search("[\x00-\x08\x1b\u202e]", text)
    assert {each.name for each in runner_parser.found(told.log.encode())} <= {"add-mask", "notice", "warning"}


def test_relay__hostile_names_stay_names(forked: Forked) -> None:
    name = refusal.escape_line(HOSTILE)
    functions = (Function("main", BINARY_DSO), Function("mix", BINARY_DSO), Function(name[:400], BINARY_DSO))
    work = instructions("work", FLAT, functions), instructions("work", SLOWER, functions)
    ours = measured(work[0])
    forked.stored(ours)
    accept = Accept(match=(name[:300],), up_to=0.001, reason=name[:300], expires=date(2099, 1, 1))
    candidate = replace(
        measured(work[1], binaries=(THEIRS,)),
        policy=replace(factories.policy(), accepts=(accept,)),
        tool_version=name[:50],
        machine=replace(factories.machine(), cpu_model=name[:90], kernel=name[:90], sandbox=name[:90]),
    )
    candidate = replace(
        candidate,
        recording=replace(candidate.recording, caveats=tuple(Caveat(code=code, detail=name[:200]) for code in CaveatCode)),
    )
    forked.claims(replace(ours, commit=forked.base), candidate)
    told = forked.tell()
    assert (told.code, told.state) == (0, "failure")
    _assert_harmless(told, forked.github.url)


def test_relay__a_hostile_failure_stays_text(forked: Forked) -> None:
    said = {"schema": 1, "what": HOSTILE, "next_step": HOSTILE}
    forked.left(zipped(("failed.json", json.dumps(said).encode())))
    told = forked.tell()
    assert (told.code, told.state) == (0, "error")
    _assert_harmless(told, forked.github.url)
    assert "\u202e" not in (told.description or "")


def test_relay__names_for_pictures_are_not_formulas(forked: Forked) -> None:
    """The pictures' own language has formulas between dollars; and with `contents: write` pictures are drawn."""
    functions = (Function("main", BINARY_DSO), Function("$\\frac{1}{0$", BINARY_DSO), Function("$x^{$ \\", BINARY_DSO))
    ours = measured(instructions("work", FLAT, functions))
    forked.stored(ours)
    forked.claims(replace(ours, commit=forked.base), measured(instructions("work", SLOWER, functions), binaries=(THEIRS,)))
    told = forked.tell(permissions={**relayed.TRUSTED, "contents": "write"})
    assert (told.code, told.state) == (0, "failure")
    assert "<picture>" in (told.body or "")


def test_relay__ten_thousand_functions_and_absurd_numbers(forked: Forked) -> None:
    functions = factories.functions(10_000)
    huge = instructions("work", 9e17, functions)
    ours = measured(instructions("work", FLAT, functions))
    forked.stored(ours)
    forked.claims(replace(ours, commit=forked.base), measured(huge, binaries=(THEIRS,)))
    told = forked.tell()
    assert (told.code, told.state) == (0, "failure")
    assert len(told.body or "") < 65_536
    assert not any(math.isnan(value) for value in huge.inclusive)
    assert "nan" not in (told.description or "") and "inf" not in (told.description or "")
