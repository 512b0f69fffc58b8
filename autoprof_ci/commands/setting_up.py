"""The commands that set up: init, doctor, accept."""

from __future__ import annotations

import argparse
import math
import os
from datetime import date
from pathlib import Path

from autoprof_ci import config, starting_files
from autoprof_ci.commands import files, project
from autoprof_ci.commands.configuration import DEFAULT_NAME
from autoprof_ci.errors import ToolError, UsageError
from autoprof_ci.measure.capabilities import Capability, State, probe
from autoprof_ci.measure.program import check_program
from autoprof_ci.model import Accept, Instrument
from autoprof_ci.workloads import default_cache
from autoprof_ci.workloads.agent import Whereabouts, whereabouts

ACTION = "autoprof-ci/autoprof-ci@v1"
_MARKS = {State.OK: "ok      ", State.DEGRADED: "degraded", State.MISSING: "missing "}
WORKFLOW = Path(".github/workflows/autoprof.yml")


def init(options: argparse.Namespace) -> int:
    """Write ``autoprof.toml`` and a workflow, unless they exist."""
    here = Path.cwd()
    found = project.recognise(here, options.binary)
    if found is None:
        raise UsageError("Nothing here says which program to measure", "Name it: autoprof-ci init --binary PATH")
    content = {
        Path(DEFAULT_NAME): starting_files.toml_for(found),
        WORKFLOW: starting_files.workflow_for(found, action=ACTION),
    }
    existing = [str(path) for path in content if path.exists()]
    if existing and not options.force:
        raise UsageError(f"{' and '.join(existing)} exists already", "Keep it, or overwrite it with --force")
    for path, text in content.items():
        files.write(path, text.encode())
        print(f"wrote {path}")  # noqa: T201
    print(f"""
Next: say in {DEFAULT_NAME} what {found.binary} is to be measured at (the first workload only prints its help), then
  {starting_files.build_command(found)}
  autoprof-ci doctor                                     what can be measured on this machine
  autoprof-ci gate --baseline-binary OLD --binary NEW    two builds, of before and after some change

When that says what you want, commit both files and bring them to {found.base_branch}: the push there records the first
baseline, and every pull request is measured against it from then on.""")  # noqa: T201
    return 0


def doctor(options: argparse.Namespace) -> int:
    """Say what this machine can measure, and how to fix the rest. Exit code 3 when it can measure nothing."""
    answers = (*probe(), _agent(), _container())
    for answer in answers:
        print(f"{_MARKS[answer.state]} {answer.name}: {answer.detail}")  # noqa: T201
        if answer.fix:
            print(f"    {answer.fix}")  # noqa: T201
    if options.binary:
        facts = check_program(Path(options.binary))
        names = "has no symbols: build it without `strip`, or every function is one row" if facts.stripped else "has its symbols"
        print(f"{_MARKS[State.DEGRADED if facts.stripped else State.OK]} {options.binary}: can be started, and {names}")  # noqa: T201
        code = _machine_code(Path(options.binary))
        print(f"{_MARKS[code.state]} {code.name}: {code.detail}")  # noqa: T201
        if code.fix:
            print(f"    {code.fix}")  # noqa: T201
    deciding = [answer.state for answer in answers if answer.name.startswith((Instrument.TIME, Instrument.INSTRUCTIONS))]
    if all(state is State.MISSING for state in deciding):
        raise ToolError("Neither perf nor valgrind can be used: nothing can be measured", "Fix one of them, as said above")
    return 0


def _machine_code(binary: Path) -> Capability:
    """Whether a changed function can be told from one that lies elsewhere, and where it comes from."""
    # imported here: the other commands of this module need not wait for it
    from autoprof_ci.machine_code import UnreadableError, readable

    name = "machine code"
    try:
        found = readable(files.read(binary, "the program"))
    except UnreadableError as error:
        fix = "Changed code and mere placement cannot be told apart; all else works."
        return Capability(name=name, state=State.DEGRADED, detail=f"It cannot be compared: {error}", fix=fix)
    if not found.functions:
        return Capability(name=name, state=State.DEGRADED, detail="No function has a name", fix="Build it with symbols.")
    detail = f"{found.functions:,} functions can be compared with those of another build"
    if found.has_lines:
        return Capability(name=name, state=State.OK, detail=f"{detail}, and debug information names their lines")
    return Capability(
        name=name,
        state=State.DEGRADED,
        detail=f"{detail}, but no debug information names their lines",
        fix='Build it with lines: debug = "limited" in [profile.release] of Cargo.toml, or -g.',
    )


def _agent() -> Capability:
    """Only workloads with an `agent` need one."""
    name = "scripted agent (C compiler)"
    match whereabouts(default_cache()):
        case Whereabouts.BUILT:
            return Capability(name=name, state=State.OK, detail="Recorded sessions can be played to the program")
        case Whereabouts.TO_BE_COMPILED:
            detail = "Recorded sessions can be played to the program: what plays them is compiled when it is first needed"
            return Capability(name=name, state=State.OK, detail=detail)
        case Whereabouts.NO_COMPILER:
            detail = "There is no C compiler for what plays recorded sessions to the program"
            return Capability(name=name, state=State.DEGRADED, detail=detail, fix="apt-get install gcc libc6-dev")


def _container() -> Capability:
    """Only the Action needs one, and `sandbox = "container"`."""
    # imported here: the other commands of this module need not wait for the SDK
    from autoprof_ci.sandbox.engine import NoEngine, find_engine

    name, found = "sandbox (container)", find_engine(os.environ)
    if isinstance(found, NoEngine):
        detail = f"programs cannot be measured in a container of their own: {found.reason}"
        return Capability(name=name, state=State.DEGRADED, detail=detail, fix=found.next_step)
    return Capability(name=name, state=State.OK, detail=f"{found.name.capitalize()} {found.version} can hold measured programs")


def accept(options: argparse.Namespace) -> int:
    """Write a reasoned, expiring accept into the TOML; its comments and layout stay."""
    path = Path(options.config or DEFAULT_NAME)
    text = config.decode(files.read(path, "the configuration"), source=str(path))
    config.parse_settings(text, source=str(path))
    if not (math.isfinite(options.up_to) and options.up_to > 0):
        raise UsageError(f"--up-to {options.up_to:g}: a percentage above 0 is needed", "Try --up-to 12")
    try:
        expires = date.fromisoformat(options.expires)
    except ValueError:
        raise UsageError(f"--expires {options.expires}: that is no date", "Write it as 2027-01-31") from None
    if expires < date.today():
        raise UsageError(f"--expires {options.expires} is in the past", "An accept counts up to and including that day")
    entry = Accept(
        match=(options.subject,),
        up_to=options.up_to / 100,
        reason=options.reason,
        expires=expires,
        workload=options.workload,
        instrument=Instrument(options.instrument) if options.instrument else None,
    )
    updated = config.accept_entry(text, entry)
    config.parse_settings(updated, source=str(path))
    files.write(path, updated.encode())
    print(f"accepted in {path}: {options.subject} up to +{options.up_to:g} % until {expires}: {options.reason}")  # noqa: T201
    return 0
