"""``autoprof.toml``: text -> `Config`. Reads no file, no clock, no environment.

bytes ── decode ──► text ── tomli ──► tables ── shapes (keys) ── rules ──► Config
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import tomli

from autoprof_ci.config import rules
from autoprof_ci.config.keys import FILE_KEYS
from autoprof_ci.config.problems import Problem, joined
from autoprof_ci.config.shapes import Table
from autoprof_ci.errors import ConfigError
from autoprof_ci.model import (
    Accept,
    AgentDelays,
    Config,
    Daemon,
    ExpectOutput,
    FailOn,
    Group,
    Instrument,
    MeasureSettings,
    Network,
    Override,
    Policy,
    SandboxKind,
    Threshold,
    Workload,
)

LONGEST_FILE_BYTES = 1_000_000
MOST_PROBLEMS_SHOWN = 20
AD_HOC_WORKLOAD = "command"
ANYWHERE = "Every key is described in docs/tuning.md."
FIRST_WORKLOAD = """Add what the program is to be measured at:

[[workload]]
name = "first"
command = ["{binary}", "--help"]"""

Entry = Mapping[str, Any]


def decode(content: bytes, *, source: str) -> str:
    """The text of a file. Raises `ConfigError` for a file that is too large, or not UTF-8 (with line and column)."""
    if len(content) > LONGEST_FILE_BYTES:
        raise ConfigError(
            f"{source}: has {len(content):,} bytes, at most {LONGEST_FILE_BYTES:,} are read",
            "Is it the right file?",
        )
    try:
        return content.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        line = before.count(b"\n") + 1
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8")) + 1
        raise ConfigError(
            f"{source}: line {line}, column {column}: the byte 0x{error.object[error.start]:02x} is not UTF-8",
            "Save the file as UTF-8.",
        ) from None


def parse(text: str, *, source: str) -> Config:
    """A whole file with at least one workload. `source`: its name, for messages.

    Raises `ConfigError`: every problem with its key path, what was expected, and what to do.
    """
    config = parse_settings(text, source=source)
    if not config.workloads:
        raise ConfigError(f"{source}: workload: the file has none", FIRST_WORKLOAD)
    return config


def parse_settings(text: str, *, source: str) -> Config:
    """As `parse`, but a file without a workload is fine: for ``compare``, and for a command after ``--``."""
    completed = _checked(_tables(text, source), source)
    return Config(
        binary=completed["binary"],
        extra_binaries=completed["extra_binaries"],
        measure=_measure(completed["measure"]),
        policy=_policy(completed),
        workloads=tuple(map(_workload, completed["workload"])),
    )


def default_policy() -> Policy:
    """What is in force where no file says otherwise."""
    return parse_settings("", source="the defaults").policy


def default_measure() -> MeasureSettings:
    """How it is measured where no file says otherwise."""
    return parse_settings("", source="the defaults").measure


def ad_hoc(arguments: Sequence[str]) -> Config:
    """The defaults with one workload, ``{binary} ARGS...``. Raises `ConfigError` for an unknown placeholder."""
    workload = {"name": AD_HOC_WORKLOAD, "command": ["{binary}", *arguments]}
    completed = _checked({"workload": [workload]}, "the command after --")
    return Config(
        binary=None,
        extra_binaries=(),
        measure=_measure(completed["measure"]),
        policy=_policy(completed),
        workloads=tuple(map(_workload, completed["workload"])),
    )


def _tables(text: str, source: str) -> Entry:
    if len(text) > LONGEST_FILE_BYTES:
        raise ConfigError(
            f"{source}: has {len(text):,} characters, at most {LONGEST_FILE_BYTES:,} are read", "Is it the right file?"
        )
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        message = error.msg[0].lower() + error.msg[1:]
        raise ConfigError(
            f"{source}: line {error.lineno}, column {error.colno}: this is not TOML: {message}",
            "The language is described at https://toml.io.",
        ) from None
    except RecursionError:
        raise ConfigError(f"{source}: brackets or dots are nested too deeply", ANYWHERE) from None
    except ValueError:
        # The limit that Python sets to the digits of a number; tomli passes it on.
        raise ConfigError(f"{source}: a number has too many digits", ANYWHERE) from None


def _checked(tables: Entry, source: str) -> dict[str, Any]:
    """The file with all defaults, when nothing is wrong with it."""
    _raise_for(map(_looked_up_elsewhere, FILE_KEYS.problems(tables, "")), source)
    completed = FILE_KEYS.complete(tables)
    _raise_for(rules.problems(completed), source)
    return completed


def _raise_for(problems: Iterable[Problem], source: str) -> None:
    found = list(problems)
    if not found:
        return
    if len(found) == 1:
        raise ConfigError(f"{source}: {found[0].path}: {found[0].what}", found[0].hint or ANYWHERE)
    lines = [f"  {problem.path}: {problem.what}. {problem.hint}".rstrip() for problem in found[:MOST_PROBLEMS_SHOWN]]
    if len(found) > MOST_PROBLEMS_SHOWN:
        lines.append(f"  and {len(found) - MOST_PROBLEMS_SHOWN} more.")
    raise ConfigError(f"{source}: {len(found)} problems", "\n".join(["Correct them:", *lines]))


def _looked_up_elsewhere(problem: Problem) -> Problem:
    """An unknown key that is a known one of another table gets that one as its hint: `runs` -> `measure.runs`."""
    if problem.what != "unknown key" or problem.hint.startswith("Did you mean"):
        return problem
    name = problem.path.rpartition(".")[2]
    places = [path for path in _key_paths(FILE_KEYS, "") if path.rpartition(".")[2] == name]
    hint = f"Did you mean {' or '.join(places[:3])}?" if places else problem.hint
    return Problem(path=problem.path, what=problem.what, hint=hint)


def _key_paths(table: Table, path: str) -> Iterable[str]:
    for key in table.keys:
        yield joined(path, key.name)
        inner = getattr(key.shape, "item", key.shape)
        if isinstance(inner, Table):
            yield from _key_paths(inner, joined(path, key.name))


def _ratio(percent: float | None) -> float | None:
    return None if percent is None else percent / 100


def _measure(table: Entry) -> MeasureSettings:
    return MeasureSettings(
        instruments=tuple(map(Instrument, table["instruments"])),
        runs=table["runs"],
        more_runs=table["more_runs"],
        min_run_s=table["min_run_seconds"],
        frequency_hz=table["frequency_hz"],
        time_limit_s=table["time_limit_seconds"],
        sandbox=SandboxKind(table["sandbox"]),
        network=Network(table["network"]),
    )


def _policy(file: Entry) -> Policy:
    thresholds = file["thresholds"]
    return Policy(
        false_alarm_rate=file["false_alarm_rate"],
        fail_on=FailOn(file["fail_on"]),
        thresholds={instrument: Threshold(**_limits(thresholds[instrument])) for instrument in Instrument},
        overrides=tuple(map(_override, thresholds["override"])),
        groups=tuple(Group(name=group["name"], match=group["match"]) for group in file["group"]),
        accepts=tuple(map(_accept, file["accept"])),
    )


def _limits(table: Entry) -> dict[str, Any]:
    """`warn` is half of what fails, where only that is given: a limit that somebody moves takes its warning along."""
    limit, warn = _ratio(table["max_regression_percent"]), _ratio(table["warn_percent"])
    if warn is None and limit is not None:
        warn = limit / 2
    return {"max_regression": limit, "warn": warn, "min_share": _ratio(table["min_share_percent"])}


def _override(table: Entry) -> Override:
    return Override(
        match=table["match"],
        workload=table["workload"],
        instrument=Instrument(table["instrument"]) if table["instrument"] else None,
        metric=table["metric"],
        **_limits(table),
    )


def _accept(table: Entry) -> Accept:
    return Accept(
        match=table["match"],
        up_to=table["up_to_percent"] / 100,
        reason=table["reason"],
        expires=table["expires"],
        workload=table["workload"],
        instrument=Instrument(table["instrument"]) if table["instrument"] else None,
    )


def _workload(table: Entry) -> Workload:
    instruments = table["instruments"]
    return Workload(
        name=table["name"],
        command=table["command"],
        inputs=table["inputs"],
        instructions_command=table["instructions_command"],
        setup=table["setup"],
        stdin=table["stdin"],
        env=table["env"],
        timeout_s=table["timeout_seconds"],
        expect_exit=table["expect_exit"],
        expect_output=ExpectOutput(table["expect_output"]),
        runs=table["runs"],
        instruments=None if instruments is None else tuple(map(Instrument, instruments)),
        agent=table["agent"],
        agent_delays=AgentDelays(table["agent_delays"]),
        daemon=_daemon(table) if table["kind"] == "daemon" else None,
    )


def _daemon(table: Entry) -> Daemon:
    return Daemon(
        ready=table["ready"],
        driver=table["driver"],
        duration_s=table["duration_seconds"],
        stop_signal=table["stop_signal"] or "SIGTERM",
    )
