"""What the user asked for in the step's ``with:``, and what follows from it here.

Knows the inputs' names, words and defaults (``action.yml`` repeats them, a test keeps both in step), and which mode fits which
event. Starts nothing and asks nobody.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import TypeVar

from autoprof_ci.actions.context import Context, Event, TriggeringRun
from autoprof_ci.actions.paths import workspace_path
from autoprof_ci.errors import UsageError
from autoprof_ci.model import FailOn

__all__ = [
    "DEFAULT_KEY",
    "MEASURING",
    "WORDS",
    "ChartsWhere",
    "CommentWhen",
    "Inputs",
    "Mode",
    "read",
    "resolve_mode",
    "workspace_path",
]

DEFAULT_KEY = "default"
MAX_KEY_CHARACTERS = 40
MAX_WORKLOADS = 100


class Mode(StrEnum):
    AUTO = "auto"
    GATE = "gate"
    RECORD = "record"
    PART = "part"
    MERGE = "merge"
    COMMENT = "comment"


class CommentWhen(StrEnum):
    ALWAYS = "always"
    ON_CHANGE = "on_change"
    NEVER = "never"


class ChartsWhere(StrEnum):
    AUTO = "auto"
    BRANCH = "branch"
    TEXT = "text"
    NONE = "none"


MEASURING = frozenset({Mode.GATE, Mode.RECORD, Mode.PART})
"""The modes that start the program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """The step's ``with:``, checked; ``None`` where nothing was given."""

    binary: str | None = None
    config: str | None = None
    baseline: str | None = None
    mode: Mode = Mode.AUTO
    charts: ChartsWhere = ChartsWhere.AUTO
    key: str = DEFAULT_KEY
    workloads: tuple[str, ...] = ()
    github_token: str | None = field(default=None, repr=False)
    comment: CommentWhen = CommentWhen.ALWAYS
    fail_on: FailOn | None = None


WORDS: Mapping[str, type[StrEnum]] = {"mode": Mode, "charts": ChartsWhere, "comment": CommentWhen, "fail_on": FailOn}
"""Inputs that are one word of a closed set."""


def read(env: Mapping[str, str]) -> Inputs:
    """The inputs as the runner hands them over: ``INPUT_NAME``, empty where not given.

    Raises `UsageError` that names the input, what was expected, and the nearest known word.
    """
    given = {name: env.get(f"INPUT_{name.upper()}", "").strip() for name in Inputs.__dataclass_fields__}
    return Inputs(
        binary=_line("binary", given),
        config=_line("config", given),
        baseline=_line("baseline", given),
        mode=_word("mode", given, Mode) or Mode.AUTO,
        charts=_word("charts", given, ChartsWhere) or ChartsWhere.AUTO,
        key=_key(given["key"]),
        workloads=_workloads(given["workloads"]),
        github_token=given["github_token"] or None,
        comment=_word("comment", given, CommentWhen) or CommentWhen.ALWAYS,
        fail_on=_word("fail_on", given, FailOn),
    )


_Word = TypeVar("_Word", bound=StrEnum)


def _word(name: str, given: Mapping[str, str], words: type[_Word]) -> _Word | None:
    value = given[name]
    if not value:
        return None
    known = [str(word) for word in words]
    if value not in known:
        near = get_close_matches(value[:40].lower(), known, n=1)
        hint = f'Did you mean "{near[0]}"?' if near else "Leave it out for the default"
        raise UsageError(f'The input "{name}" is {_shown(value)}, not one of {", ".join(known)}', hint)
    return words(value)


def _line(name: str, given: Mapping[str, str]) -> str | None:
    value = given[name]
    if any(not character.isprintable() for character in value):
        raise UsageError(f'The input "{name}" is {_shown(value)}, not one printable line', "Give one path")
    return value or None


def _key(value: str) -> str:
    if value and not re.fullmatch(rf"[A-Za-z0-9_-]{{1,{MAX_KEY_CHARACTERS}}}", value):
        raise UsageError(
            f'The input "key" is {_shown(value)}, not at most {MAX_KEY_CHARACTERS} letters, digits, "-" and "_"',
            "It becomes part of artifact names, so choose a short word for each program or platform",
        )
    return value or DEFAULT_KEY


def _workloads(value: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(name.strip() for name in re.split(r"[,\r\n]", value) if name.strip()))
    if len(names) > MAX_WORKLOADS:
        raise UsageError(f'The input "workloads" has {len(names)} names', f"Give at most {MAX_WORKLOADS}, or none for all")
    for name in names:
        if not name.isprintable():
            raise UsageError(f'The input "workloads" has the name {_shown(name)}', "Separate names by commas or line breaks")
    return names


def _shown(value: str) -> str:
    return ascii(value if len(value) <= 60 else f"{value[:59]}…").replace("'", '"')


def resolve_mode(inputs: Inputs, context: Context) -> Mode:
    """What to do here: never AUTO. Raises `UsageError` where the mode asked for cannot work, or must not, on this event."""
    mode = inputs.mode if inputs.mode is not Mode.AUTO else _fitting(context)
    if mode is Mode.COMMENT:
        if context.event is not Event.WORKFLOW_RUN:
            raise UsageError(
                f'The mode "comment" writes what a finished run measured, and the event here is {context.event_name}',
                "Use it in a workflow with `on: workflow_run`; everywhere else the modes gate and merge comment by themselves",
            )
    elif mode in MEASURING:
        _refuse_strange_code(mode, context)
    return mode


def _fitting(context: Context) -> Mode:
    match context.event:
        case Event.PULL_REQUEST | Event.PULL_REQUEST_TARGET | Event.MERGE_GROUP:
            return Mode.GATE
        case Event.PUSH | Event.SCHEDULE | Event.WORKFLOW_DISPATCH:
            return Mode.RECORD if _on_base_branch(context) else Mode.GATE
        case Event.WORKFLOW_RUN:
            return Mode.COMMENT
        case Event.OTHER:
            raise UsageError(
                f'The mode "auto" has no answer to the event {_shown(context.event_name)}',
                "Say `mode: gate` to judge or `mode: record` to make a baseline, or run on push and pull_request",
            )


def _on_base_branch(context: Context) -> bool:
    """Whether what is measured here becomes a baseline. A tag called like the branch is not the branch."""
    branch = context.branch
    if branch is None or branch.startswith("gh-readonly-queue/"):
        return False
    known = {context.default_branch} if context.default_branch else {"main", "master"}
    return context.ref_protected or branch in known


def _refuse_strange_code(mode: Mode, context: Context) -> None:
    """Code of a stranger is never started where the job's token can write."""
    instead = (
        "Measure on `pull_request`, and let a second workflow on `workflow_run` with `mode: comment` write the comment "
        "(examples/workflows/ has the pair)"
    )
    if context.event is Event.PULL_REQUEST_TARGET:
        raise UsageError(
            f'The mode "{mode}" would start the program of a pull request on pull_request_target, '
            "where it runs beside a token that can write and the secrets of this repository",
            instead,
        )
    run = context.run
    if context.event is Event.WORKFLOW_RUN and (run is None or _of_strangers(run, context)):
        raise UsageError(
            f'The mode "{mode}" would start the program of a pull request on workflow_run, where the token can write', instead
        )


def _of_strangers(run: TriggeringRun, context: Context) -> bool:
    ours = run.head_repository is not None and run.head_repository.lower() == context.repository.lower()
    return not ours or run.event not in {Event.PUSH, Event.SCHEDULE, Event.WORKFLOW_DISPATCH}
