"""The keys of ``[[workload]]``; see `keys`."""

from __future__ import annotations

from autoprof_ci.config.shapes import Absent, Key, ListOf, Names, OneOf, Table, Whole
from autoprof_ci.config.values import ARGUMENT, COMMAND, INSIDE, INSTRUMENTS, NAME, REASON, RUNS, SECONDS, VARIABLE

WORKLOAD = Table(
    (
        Key(
            name="name",
            shape=NAME,
            default=Absent.REQUIRED,
            example='"analyze"',
            help="As the report and its files call it.",
        ),
        Key(
            name="command",
            shape=COMMAND,
            default=Absent.REQUIRED,
            example='["{binary}", "--help"]',
            help="The program and its arguments; no shell. Placeholders: {binary}, {NAME} of an extra binary, {data}, {scratch}.",
            trade="The closer to what users really run, the more its verdict means.",
        ),
        Key(
            name="inputs",
            shape=ListOf(item=INSIDE, words="a list of paths", unique=True),
            default=[],
            example='["bench/input.json"]',
            help="Files and folders beside this file that are copied into the fresh working folder; the program sees no other.",
        ),
        Key(
            name="instructions_command",
            shape=COMMAND,
            example='["{binary}", "small.json"]',
            default_words="command",
            help="A smaller task for callgrind, which is about 50 times slower.",
        ),
        Key(
            name="setup",
            shape=ListOf(item=COMMAND, words="a list of commands", longest=100),
            default=[],
            example='[["git", "init", "--quiet"]]',
            help="Commands run in the working folder before each start, outside of the recording.",
        ),
        Key(name="stdin", shape=INSIDE, example='"bench/input.json"', default_words="empty", help="A file among the inputs."),
        Key(
            name="env",
            shape=Names(name=VARIABLE, value=ARGUMENT, words="a table of texts"),
            default={},
            example='{ RUST_LOG = "off" }',
            help="Variables added to the clean environment.",
        ),
        Key(
            name="timeout_seconds",
            shape=SECONDS,
            default=60,
            help="The most one plain start may take (of a daemon: each of being ready, its driver, and stopping); "
            "a hundred times as long under callgrind.",
        ),
        Key(
            name="expect_exit",
            shape=Whole(words="a whole number from 0 to 255", minimum=0, maximum=255),
            default=0,
            help="The exit code of a start that did its work; any other is an error.",
        ),
        Key(
            name="expect_output",
            shape=OneOf(("any", "same")),
            default="any",
            help='"same": it is an error if baseline and candidate print different output; "any": it is only told.',
        ),
        Key(name="runs", shape=RUNS, example="20", default_words="measure.runs", help="Instead of measure.runs."),
        Key(
            name="instruments",
            shape=INSTRUMENTS,
            example='["instructions"]',
            default_words="measure.instruments",
            help="Instead of measure.instruments.",
        ),
        Key(
            name="agent",
            shape=INSIDE,
            example='"sessions/fix-bug.jsonl"',
            help="A recorded session that `claude` and `codex` play to the program (`autoprof-ci agent record`); "
            "{data}/... is a shipped one.",
            trade="A real issue says more than a made-up task; the agent's own work never counts.",
        ),
        Key(
            name="agent_delays",
            shape=OneOf(("none", "recorded")),
            default="none",
            help='How fast the agent plays: as fast as the program reads, or with "recorded" as slowly as the real one.',
            trade="Waiting is no work: recorded delays show what the program does meanwhile, and take as long as they took.",
        ),
        Key(
            name="kind",
            shape=OneOf(("command", "daemon")),
            default="command",
            help='"command" ends by itself; "daemon" is told to, and measured from when it is ready until its window ends.',
        ),
        Key(
            name="ready",
            shape=REASON,
            example='"listening"',
            help="Of a daemon: what a line of its output or errors holds once it is ready. Needed.",
        ),
        Key(
            name="driver",
            shape=COMMAND,
            example='["{binary}", "ping"]',
            help="The command that gives a daemon its work; the window ends with it.",
            trade="A fixed task, so that instructions can be counted too; needed for that.",
        ),
        Key(
            name="duration_seconds",
            shape=SECONDS,
            example="10",
            help="How long a daemon's window lasts; with a driver, at most. One of the two is needed.",
        ),
        Key(
            name="stop_signal",
            shape=OneOf(("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGKILL")),
            example='"SIGINT"',
            default_words="SIGTERM",
            help="How a daemon is told to stop when its window is over.",
        ),
    )
)
