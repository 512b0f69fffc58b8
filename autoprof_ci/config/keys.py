"""Every key of ``autoprof.toml``: its shape, its default, what it means, what it trades.

The one declaration that the reader, the JSON Schema (``autoprof.schema.json``) and the table in ``docs/tuning.md`` are made from.
Knows no other module of ours but the language it is written in; rules that tie several keys together are in ``rules``.
"""

from __future__ import annotations

from autoprof_ci.config.shapes import Absent, Day, Key, ListOf, Names, Number, OneOf, OneOrMore, Table, Text, Whole

TITLE = "autoprof.toml"
NO_CONTROL = r"[^\x00-\x1f\x7f]+"
SEGMENT = r"(?!\.{1,2}(?:/|$))(?!\.git(?:/|$))[^/\x00-\x1f\x7f]+"

PERCENT = Number(words="a number above 0 and at most 100000", above=0, maximum=100_000)
SHARE = Number(words="a number above 0 and at most 100", above=0, maximum=100)
RUNS = Whole(words="an even whole number from 4 to 1000", minimum=4, maximum=1000, step=2)
SECONDS = Number(words="a number above 0 and at most 86400", above=0, maximum=86_400)
FILE = Text(words="a path", pattern=NO_CONTROL)
INSIDE = Text(
    words='a path below this file\'s folder, without ".." and ".git"',
    pattern=rf"(?:\./)*{SEGMENT}(?:/{SEGMENT})*/?",
)
NAME = Text(
    words='a name of letters, digits, ".", "_" and "-" that begins with a letter or digit',
    pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    longest=64,
)
"""Becomes part of file names and of the names in the pyperf suite."""
TITLE_TEXT = Text(
    words='a name on one line that does not begin with "[" or a blank', pattern=r"[^\x00-\x20\x7f\[][^\x00-\x1f\x7f]*", longest=80
)
PATTERN = Text(words='a pattern such as "serde_json::*"', pattern=NO_CONTROL)
REASON = Text(words="a text on one line", pattern=NO_CONTROL)
ARGUMENT = Text(words="a text", pattern=r"[^\x00]*", longest=100_000)
VARIABLE = Text(words="a variable name of letters, digits and _", pattern=r"[A-Za-z_][A-Za-z0-9_]*", longest=200)

PATTERNS = OneOrMore(ListOf(item=PATTERN, words="at least one pattern", shortest=1))
COMMAND = ListOf(item=ARGUMENT, words="a list of texts, the program first", shortest=1)
INSTRUMENT = OneOf(("time", "instructions", "memory"))
INSTRUMENTS = ListOf(item=INSTRUMENT, words='a list of "time" and "instructions"', shortest=1, unique=True)

MEASURE = Table(
    (
        Key(
            name="instruments",
            shape=INSTRUMENTS,
            default=["time", "instructions"],
            help='With what: "time" (perf samples), "instructions" (callgrind); "memory" (heaptrack) is not available yet.',
            trade="Instructions see small changes, at about 50 times the run time; time says whether a change matters.",
        ),
        Key(
            name="runs",
            shape=RUNS,
            default=10,
            help="Recordings of each program; baseline and candidate take turns, so it is even.",
            trade="Twice as many see changes about 0.7 times as large, and take twice as long.",
        ),
        Key(
            name="min_run_seconds",
            shape=SECONDS,
            default=1.0,
            help="A shorter command is started again and again until one run lasts this long.",
            trade="Longer runs hold more samples, so colder functions can be judged; they take longer.",
        ),
        Key(
            name="frequency_hz",
            shape=Whole(words="a whole number from 50 to 25000", minimum=50, maximum=25_000),
            default=1999,
            help="Samples a second.",
            trade="A sample costs 20 to 40 µs on a virtual machine: above 5000 the program is slowed, and no more is found.",
        ),
        Key(
            name="time_limit_seconds",
            shape=Number(words="a number from 1 to 86400", minimum=1, maximum=86_400),
            default=600,
            help="The most that all measuring may take.",
            trade="What is measured by then is judged, and the report says that it was cut short.",
        ),
        Key(
            name="sandbox",
            shape=OneOf(("auto", "container", "none")),
            default="auto",
            help="Where the program runs: in a container of its own in the Action, with a clean environment everywhere.",
            trade='"none" starts a little sooner and trusts the program.',
        ),
        Key(
            name="network",
            shape=OneOf(("none", "host")),
            default="none",
            help='What network the program sees; "host" is the machine\'s.',
            trade="Waiting for a network makes runs differ, and a program with a network can carry things away.",
        ),
    )
)


def _thresholds(max_regression_percent: float, warn_percent: float) -> Table:
    return Table(
        (
            Key(
                name="max_regression_percent",
                shape=PERCENT,
                default=max_regression_percent,
                help="A function, group or total that grew by more than this, beyond doubt, fails the gate.",
                trade="Lower catches smaller regressions where the instrument can see them, and asks for more runs.",
            ),
            Key(
                name="warn_percent",
                shape=PERCENT,
                example=f"{warn_percent}",
                default_words=f"half of max_regression_percent ({warn_percent})",
                help="From here on a change is shown as a warning; half of max_regression_percent if you leave it out.",
                trade="A warning never fails the gate; too low and nobody reads them.",
            ),
            Key(
                name="min_share_percent",
                shape=SHARE,
                default=1.0,
                help="Functions below this share, on both sides, are not tested alone; they count in groups and in the total.",
                trade="Lower tests more functions, and each must then be surer: the false-alarm rate is that of the report.",
            ),
        )
    )


WORKLOAD_FILTER = Key(name="workload", shape=NAME, example='"analyze"', help="Only for this workload.")
INSTRUMENT_FILTER = Key(name="instrument", shape=INSTRUMENT, example='"time"', help="Only for this instrument.")

OVERRIDE = Table(
    (
        Key(
            name="match",
            shape=PATTERNS,
            default=Absent.REQUIRED,
            example='"serde_json::*"',
            help='What it is for: a pattern, or a list, of function names, group names or "[total]".',
            trade="The first override that matches counts, and no other.",
        ),
        WORKLOAD_FILTER,
        INSTRUMENT_FILTER,
        Key(
            name="metric",
            shape=OneOf(("self_time", "instructions", "allocations", "temporary_allocations", "peak_bytes", "leaked_bytes")),
            example='"self_time"',
            help="Only for this metric of an instrument.",
        ),
        Key(name="max_regression_percent", shape=PERCENT, example="10.0", help="Instead of the instrument's."),
        Key(
            name="warn_percent",
            shape=PERCENT,
            example="5.0",
            default_words="half of max_regression_percent, where that is given",
            help="Instead of the instrument's; half of max_regression_percent where only that is given.",
        ),
        Key(name="min_share_percent", shape=SHARE, example="0.5", help="Instead of the instrument's."),
    )
)

THRESHOLDS = Table(
    (
        Key(name="time", shape=_thresholds(3.0, 1.5), default={}, help="Limits for self time."),
        Key(name="instructions", shape=_thresholds(1.0, 0.5), default={}, help="Limits for counted instructions."),
        Key(name="memory", shape=_thresholds(1.0, 0.5), default={}, help="Limits for allocations and bytes."),
        Key(
            name="override",
            shape=ListOf(item=OVERRIDE, words="a list of tables"),
            default=[],
            help="Other limits for some functions, groups or totals; the first that matches counts.",
        ),
    )
)

GROUP = Table(
    (
        Key(name="name", shape=TITLE_TEXT, default=Absent.REQUIRED, example='"JSON"', help="As the report shows it."),
        Key(
            name="match",
            shape=PATTERNS,
            default=Absent.REQUIRED,
            example='["serde_json::*", "itoa::*"]',
            help="A pattern, or a list. A function is in one group: the first in the file that matches.",
            trade="A group sees what is spread over many cold functions; it does not say which of them.",
        ),
    )
)

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
            help="The most one plain start may take; a hundred times as long under callgrind.",
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
            help="Not available yet: a recorded session that a scripted agent plays.",
        ),
        Key(
            name="kind",
            shape=OneOf(("command", "daemon")),
            default="command",
            help='"command" starts and ends by itself; "daemon" is not available yet.',
        ),
        Key(name="ready", shape=REASON, example='"listening"', help="Not available yet: what a daemon prints when it is ready."),
        Key(
            name="driver",
            shape=COMMAND,
            example='["{binary}", "ping"]',
            help="Not available yet: the command that gives a daemon work.",
        ),
        Key(name="duration_seconds", shape=SECONDS, example="10", help="Not available yet: how long a daemon is watched."),
        Key(
            name="stop_signal",
            shape=OneOf(("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGKILL")),
            example='"SIGTERM"',
            help="Not available yet: how a daemon is told to stop.",
        ),
    )
)

ACCEPT = Table(
    (
        Key(
            name="match",
            shape=PATTERNS,
            default=Absent.REQUIRED,
            example='"autopilot::redact::*"',
            help='What may be slower: a pattern, or a list, of function names, group names or "[total]".',
        ),
        WORKLOAD_FILTER,
        INSTRUMENT_FILTER,
        Key(
            name="up_to_percent",
            shape=PERCENT,
            default=Absent.REQUIRED,
            example="12",
            help="How much slower, once: when the next baseline has been measured with this entry, it counts no more.",
        ),
        Key(
            name="reason",
            shape=REASON,
            default=Absent.REQUIRED,
            example='"scrubs two more key formats"',
            help="Why. The report quotes it.",
        ),
        Key(
            name="expires",
            shape=Day(),
            default=Absent.REQUIRED,
            example="2027-01-31",
            help="The last day it counts; afterwards it is ignored, and the report says so.",
        ),
    )
)

FILE_KEYS = Table(
    (
        Key(
            name="binary",
            shape=FILE,
            example='"target/release/NAME"',
            default_words="the option --binary",
            help="The program to measure, as it was built.",
        ),
        Key(
            name="extra_binaries",
            shape=ListOf(item=FILE, words="a list of paths", longest=100, unique=True),
            default=[],
            example='["target/release/NAMEd"]',
            help="Other executables of the program: staged, kept in the bundle, counted; placeholder {NAME}.",
        ),
        Key(
            name="false_alarm_rate",
            shape=Number(words="a number above 0 and at most 0.5", above=0, maximum=0.5),
            default=0.001,
            help="How often a whole report of unchanged programs may call anything changed.",
            trade="Higher finds smaller changes, and cries wolf more often.",
        ),
        Key(
            name="fail_on",
            shape=OneOf(("regression", "inconclusive", "never")),
            default="regression",
            help='What makes the gate red: a regression; with "inconclusive" also a change that could not have been seen; "never".',
            trade='"never" is for getting to know it.',
        ),
        Key(name="measure", shape=MEASURE, default={}, help="How to measure."),
        Key(name="thresholds", shape=THRESHOLDS, default={}, help="What is too slow."),
        Key(
            name="group",
            shape=ListOf(item=GROUP, words="a list of tables", longest=200),
            default=[],
            help="Functions that are summed, shown and gated as one.",
        ),
        Key(
            name="workload",
            shape=ListOf(item=WORKLOAD, words="a list of tables", longest=200),
            default=[],
            help="A fixed task of the program.",
        ),
        Key(
            name="accept",
            shape=ListOf(item=ACCEPT, words="a list of tables"),
            default=[],
            help="A regression that somebody answers for, up to a size and a day.",
        ),
    )
)
