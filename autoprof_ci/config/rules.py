"""Rules that tie several keys of ``autoprof.toml`` together.

Knows the meaning of keys; is given a file whose shapes are right, completed with the defaults (see `keys`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from autoprof_ci import placeholders
from autoprof_ci.config.problems import Problem, did_you_mean, entry_label, nearest, quoted

Entry = Mapping[str, Any]

OTHER_WORKLOADS = ("folded", "command")
"""Names of workloads that no file declares: folded stacks given to ``compare``, and the command after ``--``."""

DAEMON_KEYS = ("ready", "driver", "duration_seconds", "stop_signal")


def problems(file: Entry) -> Iterator[Problem]:
    """Everything that is wrong between the keys, table by table."""
    yield from _binaries(file)
    yield from _thresholds(file["thresholds"])
    yield from _names_twice(file["group"], "group")
    yield from _names_twice(file["workload"], "workload")
    known = known_placeholders(file["extra_binaries"])
    for path, workload in _labelled(file["workload"], "workload"):
        yield from _workload(workload, path, known)
    for path, entry in (*_labelled(file["thresholds"]["override"], "thresholds.override"), *_labelled(file["accept"], "accept")):
        yield from _scope(entry, path, [workload["name"] for workload in file["workload"]])


def known_placeholders(extra_binaries: Iterable[str]) -> tuple[str, ...]:
    """Names that commands may use in braces; the main binary is ``{binary}`` only, whatever its file is called."""
    extras = (placeholders.of_binary(path) for path in extra_binaries)
    return (*placeholders.BUILT_IN, *(name for name in extras if name is not None))


def _labelled(entries: Sequence[Entry], path: str) -> Iterator[tuple[str, Entry]]:
    for number, entry in enumerate(entries, start=1):
        yield f"{path}[{entry_label(entry, number)}]", entry


def _binaries(file: Entry) -> Iterator[Problem]:
    """Every executable has a base name of its own (the bundle keeps them by it), and a placeholder of its own."""
    taken = {PurePosixPath(file["binary"]).name: "binary"} if file["binary"] else {}
    meaning = dict.fromkeys(placeholders.BUILT_IN, "a path of the sandbox")
    for number, extra in enumerate(file["extra_binaries"], start=1):
        path = f"extra_binaries[#{number}]"
        name, placeholder = PurePosixPath(extra).name, placeholders.of_binary(extra)
        if name in taken:
            yield Problem(
                path=path, what=f"the file name {quoted(name)} is that of {taken[name]}", hint="Build it under another name."
            )
        elif placeholder in meaning:
            yield Problem(
                path=path,
                what=f"its placeholder {{{placeholder}}} is that of {meaning[placeholder]}",
                hint="Build it under another name.",
            )
        taken.setdefault(name, path)
        if placeholder is not None:
            meaning.setdefault(placeholder, path)


def _thresholds(thresholds: Entry) -> Iterator[Problem]:
    instruments = ("time", "instructions", "memory")
    for instrument in instruments:
        table = thresholds[instrument]
        if table["warn_percent"] is not None and table["warn_percent"] > table["max_regression_percent"]:
            yield _warn_above(f"thresholds.{instrument}", table["warn_percent"], table["max_regression_percent"])
    for path, override in _labelled(thresholds["override"], "thresholds.override"):
        warn, limit = override["warn_percent"], override["max_regression_percent"]
        if warn is None and limit is None and override["min_share_percent"] is None:
            yield Problem(path=path, what="changes nothing", hint="Give it a max_regression_percent, or remove it.")
        if warn is None:
            continue
        for instrument in instruments if override["instrument"] is None else (override["instrument"],):
            effective = limit if limit is not None else thresholds[instrument]["max_regression_percent"]
            if warn > effective:
                problem = _warn_above(path, warn, effective)
                if limit is None:
                    where = f"{problem.what} of thresholds.{instrument}"
                    problem = replace(problem, what=where, hint="Give it a max_regression_percent too, or an instrument.")
                yield problem
                break


def _warn_above(path: str, warn: float, limit: float) -> Problem:
    return Problem(
        path=f"{path}.warn_percent",
        what=f"{warn:g} is above {limit:g}, the max_regression_percent",
        hint="A warning comes before a failure: make it lower, or leave it out.",
    )


def _names_twice(entries: Sequence[Entry], path: str) -> Iterator[Problem]:
    first: dict[str, int] = {}
    for number, entry in enumerate(entries, start=1):
        earlier = first.setdefault(entry["name"], number)
        if earlier != number:
            yield Problem(
                path=f"{path}[#{number}].name",
                what=f"{quoted(entry['name'])} is the name of {path}[#{earlier}] too",
                hint="Give each a name of its own.",
            )


def _workload(workload: Entry, path: str, known: Sequence[str]) -> Iterator[Problem]:
    if workload["agent"] is not None:
        yield from _agent(workload["agent"], f"{path}.agent")
    elif workload["agent_delays"] != "none":
        yield Problem(
            path=f"{path}.agent_delays", what="there is no agent", hint='Name its session: agent = "sessions/NAME.jsonl"'
        )
    yield from _daemon(workload, path)
    commands = [("command", workload["command"]), ("instructions_command", workload["instructions_command"] or ())]
    commands += [("driver", workload["driver"] or ())]
    commands += [(f"setup[#{number}]", command) for number, command in enumerate(workload["setup"], start=1)]
    for key, command in commands:
        if command and not command[0]:
            yield Problem(path=f"{path}.{key}", what="the program to start has an empty name", hint='Begin with "{binary}".')
        for argument in filter(placeholders.is_lopsided, command):
            yield Problem(
                path=f"{path}.{key}",
                what=f"{{{{ and }}}} stand for one brace each, and do not pair up in {quoted(argument)}",
                hint="Double every brace of it that is no placeholder.",
            )
        for name in placeholders.unknown(command, known):
            near = nearest(name, known)
            yield Problem(
                path=f"{path}.{key}",
                what=f"the placeholder {{{name}}} is unknown",
                hint=f"Did you mean {{{near}}}?"
                if near
                else f"Known are {placeholders.in_words(known)}; write {{{{{name}}}}} for the text itself.",
            )
    stdin, inputs = workload["stdin"], workload["inputs"]
    # A file that `setup` makes cannot be known here.
    if stdin is not None and not workload["setup"] and not any(_is_in(stdin, given) for given in inputs):
        yield Problem(
            path=f"{path}.stdin", what=f"{quoted(stdin)} is not among the inputs", hint=f"Add it: inputs = [{quoted(stdin)}]"
        )


def _agent(session: str, path: str) -> Iterator[Problem]:
    """A file beside this one, or one of the data folder."""
    known = (placeholders.DATA,)
    for name in placeholders.unknown((session.removeprefix(f"{{{placeholders.DATA}}}/"),), ()):
        what = f"{{{name}}} does not stand at its beginning" if name in known else f"the placeholder {{{name}}} is unknown here"
        yield Problem(path=path, what=what, hint="Write a path below this file's folder, or one that begins with {data}/.")
    if session.endswith("/"):
        yield Problem(path=path, what=f"{quoted(session)} is a folder", hint="Name the file of one session.")


def _daemon(workload: Entry, path: str) -> Iterator[Problem]:
    if workload["kind"] != "daemon":
        for key in DAEMON_KEYS:
            if workload[key] is not None:
                hint = 'Write kind = "daemon", or remove the key.'
                yield Problem(path=f"{path}.{key}", what="is a key of daemons only", hint=hint)
        return
    if workload["ready"] is None:
        hint = 'Add what it prints once it is ready: ready = "listening"'
        yield Problem(path=f"{path}.ready", what="is missing: nobody would know when the daemon is ready", hint=hint)
    if workload["driver"] is None and workload["duration_seconds"] is None:
        hint = "Give it a driver, a duration_seconds, or both."
        yield Problem(path=path, what="says neither what the daemon is to do nor for how long", hint=hint)
    elif workload["driver"] is None and set(workload["instruments"] or ()) - {"time"}:
        hint = "Give it a driver, whose task is the same every time, or measure its time alone."
        yield Problem(path=f"{path}.instruments", what="instructions or memory of a mere duration say nothing", hint=hint)


def _is_in(path: str, folder: str) -> bool:
    return PurePosixPath(path).is_relative_to(PurePosixPath(folder))


def _scope(entry: Entry, path: str, workloads: Sequence[str]) -> Iterator[Problem]:
    """An entry for a workload that the file does not have would never do anything."""
    name = entry["workload"]
    if name is not None and workloads and name not in (*workloads, *OTHER_WORKLOADS):
        yield Problem(
            path=f"{path}.workload", what=f"there is no workload {quoted(name)}", hint=did_you_mean(name, tuple(workloads))
        )
