"""Verdicts and bundles as they come out of real reports: the cases a reader meets, made by hand and deterministic."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from autoprof_ci.model import (
    BINARY_DSO,
    TOTAL_NAME,
    Accept,
    Bundle,
    Calls,
    Cause,
    Caveat,
    CaveatCode,
    Estimate,
    FailOn,
    Finding,
    Function,
    Group,
    Instrument,
    Machine,
    Measurement,
    Outcome,
    Policy,
    Reason,
    ReasonCode,
    Recording,
    Run,
    Samples,
    Signal,
    Source,
    Status,
    SubjectKind,
    Threshold,
    Verdict,
    WorkloadSamples,
    WorkloadState,
    WorkloadVerdict,
)
from autoprof_ci.report import ChartKind, Charts, Details
from autoprof_ci.report.phrase import Span

BASELINE_COMMIT = "1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"
CANDIDATE_COMMIT = "9f8e7d6c5b4a39281706f5e4d3c2b1a09f8e7d6c"
WORKLOAD_S = 0.520
COMPILER = "regex_automata::nfa::thompson::compiler::Compiler::c"
REDACT = "autopilot::redact::redact_secrets"


def details(kind: ChartKind = ChartKind.TEXT) -> Details:
    return Details(
        program="autopilot",
        config_name="autoprof.toml",
        runs=10,
        charts=Charts(kind=kind, folder_url="https://raw.example/charts/"),
        reproduce="autoprof-ci gate --binary target/release/autopilot --baseline baseline.bundle.zip --workload run-fix-bug",
        report_url="https://github.example/o/r/actions/runs/1#artifacts",
        source_url="https://github.example/o/r/blob/9f8e7d6/",
    )


def time_of(
    baseline_s: float | None, candidate_s: float | None, *, half: float = 0.01, signal: Signal = Signal.SAME
) -> Measurement:
    """A measurement of time; `half`: half the width of the interval of the change."""
    change = None if not baseline_s or candidate_s is None else candidate_s / baseline_s - 1
    estimate = Estimate(
        instrument=Instrument.TIME,
        metric="self_time",
        unit="s",
        baseline=baseline_s,
        candidate=candidate_s,
        baseline_share=None if baseline_s is None else baseline_s / WORKLOAD_S,
        candidate_share=None if candidate_s is None else candidate_s / WORKLOAD_S,
        change=change,
        ci_low=None if change is None else change - half,
        ci_high=None if change is None else change + half * 1.05,
        p_value=None if change is None else (0.41 if signal is Signal.SAME else 1.2e-7),
        p_adjusted=None if change is None else (1.0 if signal is Signal.SAME else 9.1e-6),
        smallest_detectable_change=round(half * 2.1, 6),
    )
    return Measurement(estimate=estimate, signal=signal, max_regression=0.03, warn=0.015)


def instructions_of(
    baseline: float | None, candidate: float | None, *, half: float = 0.0005, signal: Signal = Signal.SAME, total: float = 323e6
) -> Measurement:
    change = None if not baseline or candidate is None else candidate / baseline - 1
    estimate = Estimate(
        instrument=Instrument.INSTRUCTIONS,
        metric="instructions",
        unit="instructions",
        baseline=baseline,
        candidate=candidate,
        baseline_share=None if baseline is None else baseline / total,
        candidate_share=None if candidate is None else candidate / total,
        change=change,
        ci_low=None if change is None else change - half,
        ci_high=None if change is None else change + half,
        p_value=None if change is None else (0.5 if signal is Signal.SAME else 1e-12),
        p_adjusted=None if change is None else (1.0 if signal is Signal.SAME else 1e-10),
        smallest_detectable_change=half * 4,
    )
    return Measurement(estimate=estimate, signal=signal, max_regression=0.01, warn=0.005)


def function(
    name: str, status: Status, *measurements: Measurement, dso: str | None = BINARY_DSO, kind: SubjectKind = SubjectKind.FUNCTION
) -> Finding:
    return Finding(subject=name, kind=kind, dso=dso, status=status, measurements=measurements)


HOT = (
    ("serde_json::ser::format_escaped_str_contents", 0.0610),
    ("regex_automata::hybrid::search::find_fwd", 0.0480),
    ("<serde_json::read::StrRead as serde_json::read::Read>::parse_str", 0.0410),
    ("core::str::converts::from_utf8", 0.0390),
    ("sqlite3VdbeExec", 0.0310),
    ("aho_corasick::packed::teddy::generic::Teddy::find", 0.0240),
    ("memchr::arch::x86_64::avx2::memchr::One::find_raw", 0.0220),
    ("chrono::format::parse::parse_internal", 0.0150),
    ("autopilot::analyze::analyze_trajectory", 0.0120),
    ("hashbrown::map::HashMap<K,V,S>::insert", 0.0101),
)


def quiet_functions(seed: int = 7) -> tuple[Finding, ...]:
    """The hot functions of a real session, none of them changed."""
    generator = random.Random(seed)
    found = []
    for name, seconds in HOT:
        candidate = seconds * (1 + generator.gauss(0, 0.004))
        found.append(
            function(
                name,
                Status.UNCHANGED,
                time_of(seconds, round(candidate, 6), half=round(0.02 + 0.0006 / seconds, 5)),
                instructions_of(seconds * 600e6, seconds * 600e6),
            )
        )
    return tuple(found)


def total(baseline_s: float, candidate_s: float, status: Status, signal: Signal = Signal.SAME, *, half: float = 0.01) -> Finding:
    return function(
        TOTAL_NAME,
        status,
        time_of(baseline_s, candidate_s, half=half, signal=signal),
        instructions_of(323e6, 323e6 * candidate_s / baseline_s, signal=signal),
        dso=None,
        kind=SubjectKind.TOTAL,
    )


def group(name: str, status: Status, *measurements: Measurement, members: Sequence[str] = ()) -> Finding:
    reasons = tuple(Reason(code=ReasonCode.MEMBER_CHANGED, detail=member) for member in members)
    return replace(function(name, status, *measurements, dso=None, kind=SubjectKind.GROUP), reasons=reasons)


def workload(name: str, *findings: Finding, state: WorkloadState = WorkloadState.COMPARED) -> WorkloadVerdict:
    return WorkloadVerdict(name=name, state=state, tested_subjects=len(findings), findings=findings)


def verdict(outcome: Outcome, *workloads: WorkloadVerdict, caveats: tuple[Caveat, ...] = ()) -> Verdict:
    return Verdict(
        tool_version="0.1.0",
        outcome=outcome,
        instruments=(Instrument.TIME, Instrument.INSTRUCTIONS),
        false_alarm_rate=0.001,
        baseline_commit=BASELINE_COMMIT,
        candidate_commit=CANDIDATE_COMMIT,
        session="5d0c3f1e",
        workloads=workloads,
        caveats=caveats,
    )


def green() -> Verdict:
    return verdict(
        Outcome.PASS,
        workload(
            "run-fix-bug",
            *quiet_functions(),
            total(0.520, 0.5215, Status.UNCHANGED),
            group("JSON", Status.UNCHANGED, time_of(0.102, 0.1021), instructions_of(61e6, 61e6)),
        ),
        workload("analyze-sessions", *quiet_functions(8), total(0.520, 0.519, Status.UNCHANGED)),
    )


REDACT_SOURCE = Source(file="src/redact.rs", line=152, changed_here=True)


def regex_in_a_loop() -> tuple[Finding, ...]:
    """A regular expression compiled at every call: one cause, several functions, a group and the total."""
    cause = Cause(subject=REDACT, dso=BINARY_DSO, calls=Calls(baseline=40_800, candidate=40_800), source=REDACT_SOURCE)
    compiler = replace(
        function(
            COMPILER,
            Status.REGRESSION,
            time_of(0.0021, 0.148, half=3.0, signal=Signal.MORE),
            instructions_of(1.1e6, 77.2e6, signal=Signal.MORE),
        ),
        calls=Calls(baseline=30, candidate=1183),
        reasons=(Reason(code=ReasonCode.MORE_CALLS),),
        caused_by=(cause,),
    )
    builder = replace(
        function(
            "aho_corasick::dfa::Builder::build_from_noncontiguous",
            Status.REGRESSION,
            time_of(0.0008, 0.0061, half=0.5, signal=Signal.MORE),
            instructions_of(0.4e6, 3.1e6, signal=Signal.MORE),
        ),
        calls=Calls(baseline=5, candidate=1365),
        reasons=(Reason(code=ReasonCode.MORE_CALLS),),
        caused_by=(cause,),
    )
    return (
        compiler,
        builder,
        group(
            "Regex matching",
            Status.REGRESSION,
            time_of(0.061, 0.214, half=0.04, signal=Signal.MORE),
            instructions_of(36e6, 112e6, signal=Signal.MORE),
            members=(f"{COMPILER} 0.95",),
        ),
        total(0.520, 0.681, Status.REGRESSION, Signal.MORE, half=0.012),
    )


def dearer_calls() -> Finding:
    finding = function(
        "autopilot::rlog::step_to_line",
        Status.WARNING,
        time_of(0.0098, 0.0103, half=0.032, signal=Signal.MORE),
        instructions_of(5.9e6, 6.2e6, signal=Signal.MORE),
    )
    return replace(
        finding,
        calls=Calls(baseline=980, candidate=980),
        reasons=(Reason(code=ReasonCode.DEARER_CALLS), Reason(code=ReasonCode.CODE_CHANGED)),
        source=Source(file="src/rlog.rs", line=88, changed_here=True),
    )


def improvements() -> tuple[Finding, ...]:
    return (
        replace(
            function("sqlite3RunParser", Status.IMPROVEMENT, time_of(0.0113, 0.0091, half=0.03, signal=Signal.LESS)),
            calls=Calls(baseline=812, candidate=640),
            reasons=(Reason(code=ReasonCode.FEWER_CALLS),),
        ),
        replace(
            function("autopilot::json::copy", Status.IMPROVEMENT, instructions_of(4.1e6, 3.9e6, signal=Signal.LESS)),
            reasons=(Reason(code=ReasonCode.CHEAPER_CALLS),),
        ),
    )


def moved() -> tuple[Finding, ...]:
    return (
        replace(
            function("chrono::format::scan::number", Status.PLACEMENT, time_of(0.0081, 0.0098, half=0.03, signal=Signal.MORE)),
            reasons=(Reason(code=ReasonCode.PLACEMENT),),
        ),
        replace(
            function("autopilot::redact::apply_pattern", Status.COST_SHIFT, instructions_of(None, 4.2e6, signal=Signal.MORE)),
            calls=Calls(baseline=0, candidate=40_800),
            reasons=(Reason(code=ReasonCode.COST_MOVED, detail=REDACT),),
        ),
        replace(
            function("malloc_consolidate", Status.PLACEMENT, instructions_of(2.2e6, 2.3e6, signal=Signal.MORE), dso="libc.so.6"),
            reasons=(Reason(code=ReasonCode.ALLOCATOR_LAYOUT),),
        ),
    )


def red() -> Verdict:
    return verdict(
        Outcome.FAIL,
        workload("run-fix-bug", *regex_in_a_loop(), dearer_calls(), *improvements(), *moved(), *quiet_functions()),
        workload("analyze-sessions", *quiet_functions(8), total(0.520, 0.519, Status.UNCHANGED)),
        caveats=(
            Caveat(code=CaveatCode.NO_SANDBOX),
            Caveat(code=CaveatCode.WORKLOAD_CHANGED, detail="analyze-sessions"),
            Caveat(code=CaveatCode.THRESHOLDS_LOOSENED, detail="thresholds.time.max_regression_percent 3 to 5"),
        ),
    )


def red_one_function() -> Verdict:
    """One function is slower and the total is flat."""
    finding = replace(dearer_calls(), status=Status.REGRESSION)
    return verdict(Outcome.FAIL, workload("run-fix-bug", finding, *quiet_functions(), total(0.520, 0.5205, Status.UNCHANGED)))


def red_uniform() -> Verdict:
    """Everything is slower, and no function stands out."""
    return verdict(
        Outcome.FAIL, workload("analyze-sessions", *quiet_functions(), total(0.520, 0.624, Status.REGRESSION, Signal.MORE))
    )


def red_instructions_only() -> Verdict:
    finding = replace(
        function("autopilot::index::IndexMap::clone", Status.REGRESSION, instructions_of(None, 15.6e6, signal=Signal.MORE)),
        calls=Calls(baseline=0, candidate=2974),
        reasons=(Reason(code=ReasonCode.NEW_FUNCTION),),
        caused_by=(Cause(subject="autopilot::analyze::load", dso=BINARY_DSO, source=Source(file="src/analyze.rs", line=41)),),
    )
    judged = verdict(
        Outcome.FAIL,
        workload("analyze-sessions", finding),
        caveats=(Caveat(code=CaveatCode.TIME_UNAVAILABLE, detail="perf_event_paranoid is 4"),),
    )
    return replace(judged, instruments=(Instrument.INSTRUCTIONS,))


def red_many(count: int = 60) -> Verdict:
    """So many causes that the comment has to fold and to cut."""
    findings = tuple(
        replace(
            function(
                f"autopilot::generated::module_{i:02}::Handler<alloc::string::String,core::option::Option<u64>>::process_everything",
                Status.REGRESSION if i % 3 else Status.WARNING,
                time_of(0.001 + i * 1e-4, (0.001 + i * 1e-4) * (1.04 + i / 50), half=0.02, signal=Signal.MORE),
                instructions_of(6e5 * (i + 1), 6.4e5 * (i + 1), signal=Signal.MORE),
            ),
            reasons=(Reason(code=ReasonCode.DEARER_CALLS),),
        )
        for i in range(count)
    )
    return verdict(Outcome.FAIL, workload("run-fix-bug", *findings, *quiet_functions()))


HOSTILE_NAMES = (
    "a|b::<c>`d``e`",
    "@octocat please merge #123 GH-7",
    "--> <script>alert(1)</script>",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png)",
    "line\nbreak\r\n# heading\n- item",
    "https://evil.example www.evil.example",
    "\u202egnp.exe\x1b[31m\x00",
    "| a | b |\n| - | - |",
    "</details></table><h1>$x^2$",
    "`",
    "<!-- autoprof-ci key=default -->",
    "",
)


def hostile() -> Verdict:
    """Names an attacker would choose, everywhere a name can stand."""
    findings = tuple(
        replace(
            function(text, Status.REGRESSION, time_of(0.010, 0.011 + i / 1e3, half=0.01, signal=Signal.MORE)),
            reasons=(Reason(code=ReasonCode.COST_MOVED, detail=text), Reason(code=ReasonCode.CODE_CHANGED)),
            source=Source(file=f"src/{text}.rs", line=3, changed_here=True),
        )
        for i, text in enumerate(HOSTILE_NAMES)
    )
    return verdict(
        Outcome.FAIL,
        workload("w|`@x`", *findings),
        caveats=tuple(Caveat(code=CaveatCode.OUTPUT_DIFFERS, detail=text) for text in HOSTILE_NAMES),
    )


def first_run() -> Verdict:
    found = tuple(
        replace(f, status=Status.ADDED, measurements=(time_of(None, f.measurements[0].estimate.candidate),))
        for f in quiet_functions()
    )
    judged = verdict(Outcome.NO_BASELINE, workload("run-fix-bug", *found, state=WorkloadState.NEW))
    return replace(judged, baseline_commit=None, session=None)


def inconclusive() -> Verdict:
    unsure = tuple(
        function(name, Status.INCONCLUSIVE, time_of(seconds, seconds * 1.02, half=0.05, signal=Signal.UNSEEN))
        for name, seconds in HOT[:4]
    )
    judged = verdict(
        Outcome.INCONCLUSIVE,
        workload("run-fix-bug", *unsure, *(replace(f, measurements=f.measurements[:1]) for f in quiet_functions()[4:])),
        caveats=(Caveat(code=CaveatCode.INSTRUCTIONS_UNAVAILABLE, detail="valgrind is not installed"),),
    )
    return replace(judged, instruments=(Instrument.TIME,))


def never_failing() -> Verdict:
    """A regression where the settings let the job pass: see `candidate_of`."""
    return red_one_function()


def redact_command_compiles() -> tuple[Finding, ...]:
    """A cold function runs a regular expression's compiler: allocators grow most, and tell least."""
    cause = Cause(subject="autopilot::redact::redact_command", dso=BINARY_DSO, calls=Calls(baseline=0, candidate=678))
    closure = Cause(subject="core::ops::function::FnOnce::call_once", dso=BINARY_DSO, calls=Calls(baseline=61, candidate=60))

    def often(name: str, seconds: tuple[float, float], calls: tuple[int, int], dso: str = BINARY_DSO) -> Finding:
        measured = (
            time_of(*seconds, half=0.6, signal=Signal.MORE),
            instructions_of(seconds[0] * 2e9 + 8e3, seconds[1] * 2e9, signal=Signal.MORE),
        )
        return replace(
            function(name, Status.REGRESSION, *measured, dso=dso),
            calls=Calls(baseline=calls[0], candidate=calls[1]),
            reasons=(Reason(code=ReasonCode.MORE_CALLS, detail=f"{calls[1] / calls[0]:.6g}"),),
            caused_by=(cause, closure),
        )

    return (
        often("_int_malloc", (4.96e-3, 12.3e-3), (33_822, 76_221), "libc.so.6"),
        often("_int_free", (2.05e-3, 7.19e-3), (57_568, 194_017), "libc.so.6"),
        often("regex_automata::hybrid::dfa::Lazy::init_cache", (0.033e-3, 0.956e-3), (63, 739)),
        often("regex_automata::nfa::thompson::builder::Builder::build", (0.12e-3, 2.24e-3), (63, 739)),
        often("regex_automata::dfa::onepass::InternalBuilder::shuffle_states", (0.0, 0.75e-3), (1, 339)),
        group("Regex matching", Status.REGRESSION, time_of(23.2e-3, 47.8e-3, half=0.2, signal=Signal.MORE)),
        replace(group("Memory", Status.REGRESSION, time_of(20.2e-3, 51.1e-3, half=0.2, signal=Signal.MORE)), caused_by=(cause,)),
        replace(total(99.3e-3, 174e-3, Status.REGRESSION, Signal.MORE, half=0.046), caused_by=(cause,)),
    )


def red_cause() -> Verdict:
    """One cause in two workloads, and another one."""
    busy = tuple(
        Caveat(code=CaveatCode.BUSY_MACHINE, detail=f"{workload} ({side}): 1.{tenth} processors")
        for tenth, workload in enumerate(("analyze-sessions", "replay"), 6)
        for side in ("candidate", "baseline")
    )
    small = next(f for f in redact_command_compiles() if f.subject == "_int_free")
    other = replace(dearer_calls(), status=Status.REGRESSION)
    return verdict(
        Outcome.FAIL,
        workload("analyze-sessions", *redact_command_compiles(), *quiet_functions(4)),
        workload("replay", small, other, *improvements()),
        caveats=busy,
    )


def red_dearer() -> Verdict:
    """One function is so much dearer that the whole run is, by its own doing."""
    finding = replace(
        dearer_calls(),
        status=Status.REGRESSION,
        measurements=(
            time_of(0.0098, 0.0420, half=0.1, signal=Signal.MORE),
            instructions_of(5.9e6, 25.1e6, signal=Signal.MORE),
        ),
    )
    return verdict(
        Outcome.FAIL,
        workload("run-fix-bug", finding, *quiet_functions(), total(0.520, 0.553, Status.REGRESSION, Signal.MORE, half=0.012)),
    )


def red_total_cause() -> Verdict:
    """No function is hot enough, and the whole run has a known cause."""
    cause = Cause(subject=REDACT, dso=BINARY_DSO, calls=Calls(baseline=10, candidate=400), source=REDACT_SOURCE)
    slower = replace(total(0.520, 0.560, Status.REGRESSION, Signal.MORE), caused_by=(cause,))
    return verdict(Outcome.FAIL, workload("run-fix-bug", slower, *quiet_functions()))


def identical() -> Verdict:
    return verdict(Outcome.PASS, caveats=(Caveat(code=CaveatCode.IDENTICAL_PROGRAMS, detail=BASELINE_COMMIT),))


ACCEPT = Accept(match=("autopilot::redact::*",), up_to=0.12, reason="scrubs two more key formats", expires=date(2027, 1, 31))


def accepted() -> Verdict:
    finding = replace(
        function(REDACT, Status.ACCEPTED, time_of(0.0102, 0.0112, half=0.02, signal=Signal.MORE)),
        accepted_by=ACCEPT.reason,
        reasons=(Reason(code=ReasonCode.DEARER_CALLS),),
    )
    callee = replace(
        finding, subject="autopilot::redact::scrub", measurements=(time_of(0.004, 0.0043, half=0.02, signal=Signal.MORE),)
    )
    whole = total(0.520, 0.5215, Status.UNCHANGED)
    return verdict(Outcome.PASS, workload("run-fix-bug", finding, callee, *quiet_functions(), whole))


def watched() -> Verdict:
    return verdict(
        Outcome.PASS, workload("run-fix-bug", dearer_calls(), *quiet_functions(), total(0.520, 0.5215, Status.UNCHANGED))
    )


def folded() -> Verdict:
    """Two sets of folded stacks: samples without a duration, no dso."""
    more = function("sha", Status.REGRESSION, time_of(3086.0, 3261.0, half=0.01, signal=Signal.MORE), dso=None)
    same = function("json_escape", Status.UNCHANGED, time_of(1634.0, 1640.5, half=0.012), dso=None)
    in_samples = tuple(
        replace(f, measurements=tuple(replace(m, estimate=replace(m.estimate, unit="samples")) for m in f.measurements))
        for f in (more, same)
    )
    judged = verdict(
        Outcome.FAIL,
        workload("folded", *in_samples),
        caveats=(Caveat(code=CaveatCode.PLACEMENT_NOT_RULED_OUT), Caveat(code=CaveatCode.TOTALS_NOT_JUDGED)),
    )
    return replace(judged, instruments=(Instrument.TIME,), baseline_commit=None, candidate_commit=None, session=None)


MACHINE = Machine(
    architecture="x86_64",
    cpu_model="AMD EPYC 7763 64-Core Processor",
    cpu_features="51ab",
    cpus=2,
    kernel="6.8.0",
    libc="glibc 2.41",
    perf="6.12.43",
    valgrind="3.24.0",
)
POLICY = Policy(
    false_alarm_rate=0.001,
    fail_on=FailOn.REGRESSION,
    thresholds={
        Instrument.TIME: Threshold(max_regression=0.03, warn=0.015, min_share=0.01),
        Instrument.INSTRUCTIONS: Threshold(max_regression=0.01, warn=0.005, min_share=0.01),
    },
    groups=(Group(name="Regex matching", match=("regex*::*",)),),
    accepts=(ACCEPT,),
)
_PERIOD_S = 1 / 1999
_STARTS = 3


def _counts(generator: random.Random, seconds: float, speed: float) -> float:
    expected = seconds * speed * _STARTS / _PERIOD_S
    return float(max(0, round(generator.gauss(expected, (0.3 * expected) ** 0.5))))


def bundle(judged: Verdict, side: str, *, runs: int = 10, with_time: bool = True) -> Bundle:
    """What was measured so that `judged` came out of it; `side`: ``baseline`` or ``candidate``."""
    generator = random.Random(side)
    workloads = []
    stacks = {}
    for one in judged.workloads:
        functions = [f for f in one.findings if f.kind is SubjectKind.FUNCTION]
        sizes = [
            getattr(f.measurements[0].estimate, side) if f.measurements[0].estimate.unit == "s" else 0.004 for f in functions
        ]
        every = []
        for number in range(runs):
            speed = 1 + generator.gauss(0, 0.03)
            position = (number % 2) * 3 if side == "baseline" else 1 + number % 2
            counts = tuple(_counts(generator, size or 0.0, speed) for size in sizes)
            every.append(Run(block=number // 2, position=position, wall_s=sum(counts) * _PERIOD_S, counts=counts))
        names = tuple(Function(f.subject, f.dso) for f in functions)
        workloads.append(WorkloadSamples(name=one.name, starts=_STARTS, functions=names, runs=tuple(every)))
        stacks[one.name] = folded_stacks([(f.subject, size or 0.0) for f, size in zip(functions, sizes, strict=True)])
    return Bundle(
        session="5d0c3f1e",
        tool_version="0.1.0",
        created_at="2026-11-22T20:00:00Z",
        commit=BASELINE_COMMIT if side == "baseline" else CANDIDATE_COMMIT,
        ref="refs/heads/main",
        machine=MACHINE,
        policy=POLICY,
        recording=Recording(
            samples=Samples(event="cpu-clock", period_s=_PERIOD_S, workloads=tuple(workloads)) if with_time else None,
            stacks=stacks,
        ),
    )


def folded_stacks(functions: Sequence[tuple[str, float]]) -> str:
    """A plausible call tree with these functions as leaves."""
    lines = []
    for index, (name, seconds) in enumerate(functions):
        frames = ["autopilot", "main", "autopilot::main", "tokio::runtime::Runtime::block_on", f"autopilot::phase_{index % 3}"]
        if index % 2:
            frames += ["autopilot::session::step", "core::ops::function::FnOnce::call_once"]
        count = round(seconds * 1999 * 10)
        if count:
            lines.append(";".join([*frames, name.replace(";", ":").replace("\n", " ")]) + f" {count}")
    return "\n".join(lines) + "\n"


CASES = {
    "red": red,
    "red-one-function": red_one_function,
    "red-uniform": red_uniform,
    "red-instructions-only": red_instructions_only,
    "red-cause": red_cause,
    "red-dearer": red_dearer,
    "red-total-cause": red_total_cause,
    "red-many": red_many,
    "hostile": hostile,
    "never-failing": never_failing,
    "green": green,
    "watched": watched,
    "first-run": first_run,
    "inconclusive": inconclusive,
    "identical": identical,
    "accepted": accepted,
    "folded": folded,
}


def baseline_of(name: str, judged: Verdict) -> Bundle | None:
    return None if name == "first-run" else bundle(judged, "baseline")


def candidate_of(name: str, judged: Verdict) -> Bundle:
    measured = bundle(judged, "candidate")
    return replace(measured, policy=replace(POLICY, fail_on=FailOn.NEVER)) if name == "never-failing" else measured


def phrase_text(phrase: Sequence[Span]) -> str:
    return "".join(span.text for span in phrase)


def escaped(text: str) -> str:
    """As a Markdown renderer writes text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
