"""Every key of ``autoprof.toml``: its shape, its default, what it means, what it trades.

The one declaration that the reader, the JSON Schema (``autoprof.schema.json``) and the table in ``docs/tuning.md`` are made from.
Knows no other module of ours but the language it is written in; rules that tie several keys together are in ``rules``.
"""

from __future__ import annotations

from autoprof_ci.config.shapes import Absent, Day, Key, ListOf, Number, OneOf, Table, Whole
from autoprof_ci.config.values import (
    FILE,
    INSTRUMENT,
    INSTRUMENTS,
    MORE_RUNS,
    NAME,
    PATTERNS,
    PERCENT,
    REASON,
    RUNS,
    SECONDS,
    SHARE,
    TITLE_TEXT,
)
from autoprof_ci.config.workload_keys import WORKLOAD

MEASURE = Table(
    (
        Key(
            name="instruments",
            shape=INSTRUMENTS,
            default=["time", "instructions"],
            help='With what: "time" (perf samples), "instructions" (callgrind), "memory" (heaptrack; only where you ask for it).',
            trade="Instructions see small changes, at about 50 times the run time; time says whether a change matters; memory "
            "sees each allocation, at 2 to 3 times the processor time.",
        ),
        Key(
            name="runs",
            shape=RUNS,
            default=10,
            help="Recordings of each program; baseline and candidate take turns, so it is even.",
            trade="Twice as many see changes about 0.7 times as large, and take twice as long.",
        ),
        Key(
            name="more_runs",
            shape=MORE_RUNS,
            default=40,
            help="At most so many recordings more of a workload in which a function whose code changed seems slower while its "
            "instructions say nothing, and the first ones cannot tell; never more than four times `runs`; 0 for none.",
            trade="With 40 after 10 half as large a change is seen there; it takes four times as long, of that workload alone.",
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
            shape=Number(words="a number of seconds, from 1 to 86400", minimum=1, maximum=86_400),
            default=600,
            help="The most that all measuring may take.",
            trade="What is measured by then is judged, and the report says that it was cut short.",
        ),
        Key(
            name="sandbox",
            shape=OneOf(("auto", "container", "none")),
            default="auto",
            help='Where the program runs; its environment is clean everywhere. "auto" is a container in the Action and none on '
            'a laptop; "container" needs a Docker engine and the image of autoprof-ci.',
            trade="A container keeps a program that nobody has reviewed away from everything else.",
        ),
        Key(
            name="network",
            shape=OneOf(("none", "host")),
            default="none",
            help='What network the program sees: none, or with "host" the machine\'s own. Where it cannot be cut off, the report '
            "says so.",
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
            help="How much slower, once: when the next baseline has been measured with this entry, it counts no more. "
            "Of a new function: its share of the whole run.",
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
            help='When the gate is red: at a regression; with "inconclusive" also when noise hid a limit; with "never", never.',
            trade='"never" is for getting to know the gate, "inconclusive" for those who would rather measure again.',
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
