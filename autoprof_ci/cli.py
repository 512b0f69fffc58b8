"""The command line: which words it takes, which command they start, and how errors and exit codes come out.

The only place that catches errors. Imports nothing heavy before a command is chosen: ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from autoprof_ci import __version__
from autoprof_ci.errors import AutoprofError, InterruptedByUserError, ToolError

INSTRUMENTS = ("time", "instructions", "memory")

ARCHIVE = "docs/profiles"

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

EPILOG = """\
exit codes: 0 pass (also with warnings, without a baseline, or when it cannot be told); 1 a regression;
2 a mistake in the command line or in autoprof.toml; 3 a tool or a file failed; 130 interrupted.
`profile` ends as the program ended that it ran.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Says what went wrong in one sentence on standard error."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = parse(words)
    for number in STOPPING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, a background job
            signal.signal(number, _stop)
    try:
        return _command(options.command)(options)
    except AutoprofError as error:
        print(f"autoprof-ci: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    except KeyboardInterrupt:
        stopped = InterruptedByUserError("Interrupted before anything was measured", "Start it again when you are ready")
        print(f"autoprof-ci: {stopped}", file=sys.stderr)  # noqa: T201
        return stopped.exit_code
    except BrokenPipeError:
        # The reader of our output (head, less) has gone. Python would complain once more while it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        failed = _system_error(error)
        print(f"autoprof-ci: {failed}", file=sys.stderr)  # noqa: T201
        return failed.exit_code


def parse(words: Sequence[str]) -> argparse.Namespace:
    """The options; what follows ``--`` is in `arguments` (``None`` without ``--``)."""
    words = list(words)
    after = None
    if "--" in words:
        after = words[words.index("--") + 1 :]
        words = words[: words.index("--")]
    parser = _parser()
    options = parser.parse_args(words)
    if after is not None and not hasattr(options, "arguments"):
        parser.error(f"{options.command} takes nothing after --")
    if after is not None and not after:
        parser.error("after -- there must be the arguments of one command; to start the program without any, write -- ''")
    if after is not None:
        options.arguments = [] if after == [""] else after
    if getattr(options, "json", None) == "-" and getattr(options, "markdown", None) == "-":
        parser.error("--json - and --markdown - cannot both write to standard output")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="autoprof-ci",
        description="Stops performance regressions of native programs before they are merged.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"autoprof-ci {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=summary, description=summary, allow_abbrev=False)

    gate = add("gate", "The main job: measure baseline and candidate in turns, compare, decide, write the report.")
    gate.add_argument("--baseline", metavar="BUNDLE", help="bundle of the baseline; holds its program and its numbers")
    gate.add_argument("--baseline-binary", metavar="PATH", help="the baseline's program, where there is no bundle of it")
    _add_diff(gate, "default: git's, against the baseline's commit or the merge base, with what is not committed yet")
    gate.add_argument("--force", action="store_true", help="measure even when both programs are the same")
    _add_measuring(gate)
    _add_deciding(gate)
    gate.set_defaults(arguments=None)

    record = add("record", "Measure one program into a bundle.")
    record.add_argument("--bundle", metavar="FILE", help="where to write it (default: candidate.bundle.zip in the output folder)")
    _add_measuring(record)
    record.set_defaults(arguments=None)

    compare = add("compare", "Measure nothing: compare two bundles, or folded stacks of any profiler, one file a run.")
    compare.add_argument(
        "--baseline", metavar="FILE", nargs="+", required=True, help="one bundle, or at least three folded-stacks files"
    )
    compare.add_argument("--candidate", metavar="FILE", nargs="+", required=True, help="the same for the candidate")
    compare.add_argument("--interleaved", action="store_true", help="folded stacks: file i of both sides ran together")
    compare.add_argument(
        "--config", metavar="FILE", help="thresholds and groups (default: autoprof.toml here, else those that were measured with)"
    )
    _add_diff(compare, "without it no line is pointed at")
    compare.add_argument("--out", metavar="DIR", help="also write the whole report into this folder")
    _add_deciding(compare)

    merge = add("merge", "Join the output folders of parallel jobs and decide once.")
    merge.add_argument("folders", metavar="DIR", nargs="+", help="output folder of a gate")
    merge.add_argument(
        "--config", metavar="FILE", help="thresholds and groups (default: autoprof.toml here, else those that were measured with)"
    )
    _add_diff(merge, "without it no line is pointed at")
    merge.add_argument("--out", metavar="DIR", default="out", help="output folder (default: out)")
    _add_deciding(merge)

    calibrate = add(
        "calibrate", "Measure a program against itself: false alarms, smallest detectable change, suggested thresholds."
    )
    _add_measuring(calibrate)
    calibrate.set_defaults(arguments=None)

    profile = add("profile", "Continuous profiling: run anything as it is, keep its flamegraph and notes in an archive.")
    profile.usage = "autoprof-ci profile [options] -- CMD..."
    profile.add_argument("--archive", metavar="DIR", default=ARCHIVE, help=f"where profiles are kept (default: {ARCHIVE})")
    profile.add_argument("--frequency", metavar="HZ", type=int, help="samples a second of CPU time (default: 499)")
    profile.add_argument(
        "--memory", action="store_true", help="record the heap with heaptrack instead: the two at once would disturb each other"
    )
    profile.set_defaults(arguments=None)

    archive = add("archive", "The archive of profiles: list, show, compare, follow functions over time, remove old ones.")
    _add_archive(archive)

    init = add("init", "Write autoprof.toml and a workflow for this project.")
    init.add_argument("--binary", metavar="PATH", help="the program to measure (default: found from Cargo.toml)")
    init.add_argument("--force", action="store_true", help="overwrite files that exist")

    doctor = add("doctor", "Say what this machine can measure, and how to fix the rest.")
    doctor.add_argument("--binary", metavar="PATH", help="also check this program")

    accept = add("accept", "Accept a regression up to a size and a day: writes an [[accept]] into the TOML.")
    accept.add_argument("subject", metavar="SUBJECT", help="a function, a pattern, a group or [total]")
    accept.add_argument("--up-to", metavar="PERCENT", type=float, required=True)
    accept.add_argument("--reason", metavar="TEXT", required=True)
    accept.add_argument("--expires", metavar="DATE", required=True, help="the last day it counts, as 2027-01-31")
    accept.add_argument("--workload", metavar="NAME")
    accept.add_argument("--instrument", choices=INSTRUMENTS)
    accept.add_argument("--config", metavar="FILE", help="the file to write to (default: autoprof.toml)")

    agent = add("agent", "Recorded sessions of an agent, for workloads that play them (`agent` in autoprof.toml).")
    agent.set_defaults(command="agent")
    sessions = agent.add_subparsers(dest="agent_command", required=True, metavar="COMMAND")
    summary = "Make a session that can be played, and published, of a real one: scrubbed of secrets, with its delays."
    recording = sessions.add_parser("record", help=summary, description=summary, allow_abbrev=False)
    recording.add_argument(
        "file",
        metavar="FILE",
        help="what the agent printed with --output-format stream-json, or autopilot's trajectory file (.json)",
    )
    recording.add_argument("--out", metavar="FILE", help="where to write it (default: sessions/NAME.jsonl)")
    recording.add_argument("--force", action="store_true", help="overwrite a file that exists")

    add("action", "What the step of a workflow runs: inputs come from the runner's environment.")
    return parser


def _add_archive(parser: argparse.ArgumentParser) -> None:
    questions = parser.add_subparsers(dest="question", required=True, metavar="QUESTION")

    def add(name: str, summary: str) -> argparse.ArgumentParser:
        question = questions.add_parser(name, help=summary, description=summary, allow_abbrev=False)
        question.add_argument("--archive", metavar="DIR", default=ARCHIVE, help=f"where the profiles are (default: {ARCHIVE})")
        return question

    add("list", "All profiles, oldest first; also flamegraphs that cargo flamegraph put there.")
    show = add("show", "One profile: what was run, what it took, its widest functions, its tallest stacks.")
    show.add_argument("id", metavar="ID", nargs="?", help="as `archive list` names it, or how that begins (default: the last)")
    trend = add("trend", "How functions' shares went over the profiles of what the last one did.")
    trend.add_argument("function", metavar="FUNCTION", nargs="?", help="a function or a pattern (default: the widest ones)")
    diff = add("diff", "Two profiles: which functions' shares moved by more than chance.")
    diff.add_argument("baseline", metavar="ID", help="the earlier one")
    diff.add_argument("candidate", metavar="ID", nargs="?", help="the later one (default: the last)")
    diff.add_argument("--out", metavar="FILE", help="also write the difference as a flamegraph: red grew, blue shrank")
    prune = add("prune", "Remove old profiles, without asking; the notes stay.")
    prune.add_argument("--keep", metavar="N", type=int, help="keep the last N")
    prune.add_argument("--older-than", metavar="DAYS", type=float, help="remove only those that are older")
    prune.add_argument("--dry-run", action="store_true", help="only say what would be removed")


def _add_measuring(parser: argparse.ArgumentParser) -> None:
    parser.usage = f"autoprof-ci {parser.prog.split()[-1]} [options] [-- ARGS...]"
    parser.add_argument("--binary", metavar="PATH", help="the program to measure (default: `binary` of the TOML)")
    parser.add_argument("--config", metavar="FILE", help="the configuration (default: autoprof.toml)")
    parser.add_argument("--workload", metavar="NAME", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--instrument", choices=INSTRUMENTS, action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--runs", metavar="N", type=int, help="runs a side, even, at least 4 (default: the TOML's, 10)")
    parser.add_argument("--out", metavar="DIR", default="out", help="output folder (default: out)")


def _add_diff(parser: argparse.ArgumentParser, otherwise: str) -> None:
    parser.add_argument("--diff", metavar="FILE", help=f"unified diff of the change, to say where in it ({otherwise})")


def _add_deciding(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="also write the verdict as JSON; - is standard output")
    parser.add_argument("--markdown", metavar="FILE", help="also write the comment as Markdown; - is standard output")


def _command(name: str) -> Callable[[argparse.Namespace], int]:
    home = {
        "gate": "measuring", "record": "measuring", "calibrate": "calibrating",
        "compare": "deciding", "merge": "deciding",
        "profile": "profiling", "archive": "archiving",
        "init": "setting_up", "doctor": "setting_up", "accept": "setting_up",
        "agent": "agents", "action": "on_github.run",
    }[name]  # fmt: skip
    command: Callable[[argparse.Namespace], int] = getattr(import_module(f"autoprof_ci.commands.{home}"), name)
    return command


def _stop(*_: object) -> None:
    """Whatever ends us ends us like Ctrl-C: children die, finished runs are kept. Once: putting things in order takes a moment
    in which a second signal would only lose what the first one spares."""
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _system_error(error: OSError) -> AutoprofError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return ToolError(f"The disk is full{_where(error)}", "Free some space, or point TMPDIR and --out elsewhere")
    return ToolError(f"The system refused{_where(error)}: {error.strerror or error}", "Correct that and start again")


def _where(error: OSError) -> str:
    return f" at {error.filename}" if error.filename else ""


if __name__ == "__main__":
    sys.exit(main())
