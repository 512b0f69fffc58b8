"""What each caveat says, and what to do about it: every sentence in this one place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from autoprof_ci.model import Caveat, CaveatCode
from autoprof_ci.report import caveat_places
from autoprof_ci.report.phrase import Phrase, say

_COMMIT = re.compile(r"\b[0-9a-f]{40}\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """`says`: what is so, a sentence without its full stop. `next_step`: what helps. Names stand between backticks. ``None``
    where nothing is to be done."""

    says: str
    next_step: str | None = None


CAVEATS: Mapping[CaveatCode, Words] = {
    CaveatCode.ACCEPT_EXPIRED: Words(
        says="An accept has expired and no longer counts",
        next_step="Delete it from the TOML, or give it a new date and reason.",
    ),
    CaveatCode.ACCEPT_REVIEW: Words(
        says="This pull request itself accepts regressions", next_step="Please review the reason as you review the code."
    ),
    CaveatCode.BASELINE_INCOMPATIBLE: Words(
        says="The stored baseline numbers cannot be compared with this measurement",
        next_step="Give the baseline's program too, so that both are measured here, or record a new baseline.",
    ),
    CaveatCode.BASELINE_NEWER: Words(
        says="The baseline is of a commit that this pull request does not contain, so what changed on the base branch counts too",
        next_step="Merge the base branch into this one, and only its own changes are judged.",
    ),
    CaveatCode.BASELINE_NOT_NEAREST: Words(
        says="The run compared with another baseline of this repository than the nearest one",
        next_step="Ordinary if the nearest one was stored meanwhile; a new run takes it.",
    ),
    CaveatCode.BASELINE_NOT_RECOGNISED: Words(
        says="The run did not measure this repository's own baseline, so the numbers stored with that are compared instead",
        next_step="If a new run says so too, look at what the pull request changes in the workflow.",
    ),
    CaveatCode.BASELINE_SKIPPED: Words(
        says="A stored baseline could not be used, so an older one was taken",
        next_step="The next push to the base branch stores a new one.",
    ),
    CaveatCode.BASELINE_UNVERIFIED: Words(
        says="What the run calls the baseline could not be compared with a baseline of this repository",
        next_step="The next push to the base branch stores one.",
    ),
    CaveatCode.BINARY_STRIPPED: Words(
        says="The program has no symbols, so its functions have no names",
        next_step="Build it with symbols: `strip = false` in the release profile (debug information is not needed).",
    ),
    CaveatCode.BUSY_MACHINE: Words(
        says="Another program was using the processor while time was measured",
        next_step="Let the machine rest while it measures, or rely on instructions.",
    ),
    CaveatCode.COARSE_SAMPLING: Words(
        says="Few samples fell into each run, so small changes of time cannot be seen",
        next_step="Raise `min_run_seconds` or `frequency_hz`.",
    ),
    CaveatCode.DIFF_UNAVAILABLE: Words(
        says="What this pull request changes is not known, so the report points at no changed line",
        next_step="Nothing else depends on it; a job needs `pull-requests: read` for it, the command line takes `--diff FILE`.",
    ),
    CaveatCode.FEW_RUNS: Words(
        says="There were few runs on a side, so small changes of time cannot be seen",
        next_step="Raise `runs`, or `time_limit_seconds`.",
    ),
    CaveatCode.IDENTICAL_PROGRAMS: Words(
        says="Both programs do the same (at most build ids, notes, debug information and the line numbers of panic messages "
        "differ), so nothing was measured",
        next_step="On a laptop `autoprof-ci gate --force` measures them all the same.",
    ),
    CaveatCode.INSTRUCTIONS_ONCE: Words(
        says="Instructions were counted once only, so each function's own noise is assumed and not measured",
        next_step="Raise `time_limit_seconds`, or give the workload a smaller `instructions_command`.",
    ),
    CaveatCode.INSTRUCTIONS_SKIPPED: Words(
        says="Instructions were not counted, since the time limit was near",
        next_step="Raise `time_limit_seconds`, or give the workload a smaller `instructions_command`.",
    ),
    CaveatCode.INSTRUCTIONS_UNAVAILABLE: Words(
        says="Instructions could not be counted here", next_step="Install valgrind; `autoprof-ci doctor` says what is missing."
    ),
    CaveatCode.INSTRUMENT_LEFT_OUT: Words(
        says="The base branch's baseline was measured in more ways than this run",
        next_step="Look at what the pull request changes under `instruments`.",
    ),
    CaveatCode.INTERRUPTED: Words(
        says="Measuring was interrupted; the finished runs are judged", next_step="Run it again for the full sensitivity."
    ),
    CaveatCode.KERNEL_NOT_SEEN: Words(
        says="Time in the kernel could not be seen, and is left out of all shares",
        next_step="Allow it with `kernel.perf_event_paranoid` at 1 or lower, if kernel time matters to you.",
    ),
    CaveatCode.LEFT_CHILDREN: Words(
        says="The program left processes running when it ended; they were stopped",
        next_step="Let the workload wait for what it starts.",
    ),
    CaveatCode.LOOKED_AGAIN: Words(
        says="A function whose code changed seemed slower and the first runs could not tell, so more were made",
        next_step="Nothing to do; `more_runs` says how many there may be.",
    ),
    CaveatCode.LOOK_CUT_SHORT: Words(
        says="A function whose code changed seemed slower and the first runs could not tell; more could not be made",
        next_step="Raise `time_limit_seconds`, or start it again.",
    ),
    CaveatCode.LOST_SAMPLES: Words(says="perf lost samples", next_step="Lower `frequency_hz`."),
    CaveatCode.MACHINE_CODE_UNAVAILABLE: Words(
        says="The machine code of the programs could not be read, so changed code and mere placement cannot be told apart",
        next_step="Build with symbols for x86-64 or arm64; `autoprof-ci doctor --binary PATH` says what is wrong with it.",
    ),
    CaveatCode.MACHINE_DIFFERS: Words(
        says="The baseline was measured on another machine, so its times are advice and fail nothing",
        next_step="Give the baseline's program too, so that both are measured here.",
    ),
    CaveatCode.MEMORY_ONCE: Words(
        says="Memory was measured once only, so its noise is assumed and not measured", next_step="Raise `time_limit_seconds`."
    ),
    CaveatCode.MEMORY_SKIPPED: Words(
        says="Memory was not measured, since the time limit was near", next_step="Raise `time_limit_seconds`."
    ),
    CaveatCode.MEMORY_UNAVAILABLE: Words(
        says="Memory could not be measured here",
        next_step="The other instruments do not depend on it; docs/memory.md says what it needs.",
    ),
    CaveatCode.NETWORK_OPEN: Words(
        says="The measured program could reach the network",
        next_step="Measure with `sandbox = 'container'`, or say with `network = 'host'` that it is meant.",
    ),
    CaveatCode.NOT_INTERLEAVED: Words(
        says="Baseline and candidate were not measured in turns, so the machine may have changed between them",
        next_step="Give the baseline's program too, so that both are measured in turns.",
    ),
    CaveatCode.NO_FIXED_TASK: Words(
        says="The window of a daemon ends by the clock, so it holds no fixed task: only its time was measured",
        next_step="Give the workload a `driver` that ends by itself.",
    ),
    CaveatCode.NO_SANDBOX: Words(
        says="The measured program ran without a container, in a clean environment",
        next_step="Where its code is not trusted, measure with `sandbox = 'container'`, which needs a Docker engine.",
    ),
    CaveatCode.OUTPUT_DIFFERS: Words(
        says="The two programs gave different output, so they may not have done the same work",
        next_step="Check that the difference is meant; `expect_output = 'same'` turns it into an error.",
    ),
    CaveatCode.PLACEMENT_NOT_RULED_OUT: Words(
        says="Only time was measured: unchanged code at another address can be slower, and this cannot be told apart here",
        next_step="Measure instructions too.",
    ),
    CaveatCode.PROCESSES_NOT_COUNTED: Words(
        says="The instructions of some processes are missing: they were stopped, or forked by code without symbols",
        next_step="Let the workload wait for what it starts, and build it with symbols.",
    ),
    CaveatCode.RUNS_DISAGREE: Words(
        says="Runs of the same program disagree more than their samples explain",
        next_step="Look for input that changes from start to start, threads that race, or a noisy machine.",
    ),
    CaveatCode.SHORT_RUNS: Words(says="The runs were short for the sampling rate", next_step="Raise `min_run_seconds`."),
    CaveatCode.STACKS_UNAVAILABLE: Words(
        says="There is no flamegraph: stacks could not be recorded",
        next_step="What is judged does not need them; `autoprof-ci doctor` says what perf can do here.",
    ),
    CaveatCode.THRESHOLDS_LOOSENED: Words(
        says="This pull request loosens thresholds", next_step="Please review the change of the TOML."
    ),
    CaveatCode.THROTTLED: Words(says="The kernel throttled sampling", next_step="Lower `frequency_hz`."),
    CaveatCode.TIME_LIMIT: Words(
        says="The time limit ended the measuring; what was measured by then is judged",
        next_step="Raise `time_limit_seconds`, or measure fewer workloads in one job.",
    ),
    CaveatCode.TIME_UNAVAILABLE: Words(
        says="Time could not be measured here", next_step="Install perf, and let it sample; `autoprof-ci doctor` says how."
    ),
    CaveatCode.TOTALS_NOT_JUDGED: Words(
        says="A slowdown of everything at once could not be seen, since the two sides were not measured in turns",
        next_step="Measure both programs in turns, or say `--interleaved` if they were.",
    ),
    CaveatCode.UNREADABLE_LINES: Words(
        says="Lines of the input could not be read and were left out", next_step="Check how the profile was written."
    ),
    CaveatCode.WORKLOAD_CHANGED: Words(
        says="The workload itself changed in this pull request; both programs were measured on the new one",
    ),
    CaveatCode.WORKLOAD_FAILS_ON_BASELINE: Words(
        says="A workload does not run on the baseline's program, so it is new and nothing is compared",
        next_step="Nothing to do if it needs what this pull request adds.",
    ),
    CaveatCode.WORKLOAD_LEFT_OUT: Words(
        says="A workload of the base branch was not compared in this run",
        next_step="Measure it too. Whether it may go for good is for a reviewer to decide.",
    ),
}


def sentences(caveats: Iterable[Caveat], workloads: Sequence[str] = ()) -> tuple[Phrase, ...]:
    """One sentence or two for each code: what is so, of what (all details together), and what helps. `workloads`: all there
    are, so that what concerns each of them need not name them."""
    details: dict[CaveatCode, list[str]] = {}
    for caveat in caveats:
        known = details.setdefault(caveat.code, [])
        detail = _COMMIT.sub(lambda match: match.group()[:7], caveat.detail)
        if detail and detail not in known:
            known.append(detail)
    return tuple(_sentence(code, caveat_places.summary(known, workloads)) for code, known in details.items())


def _sentence(code: CaveatCode, details: str) -> Phrase:
    words = CAVEATS[code]
    says = say(words.says)
    detail = say(" ({detail})", detail=details) if details else ()
    if words.next_step is None:
        return say("{says}{detail}.", says=says, detail=detail)
    return say("{says}{detail}. {step}", says=says, detail=detail, step=say(words.next_step))


def short(caveat: Caveat) -> Phrase:
    """The caveat without the next step, to be part of a sentence."""
    says = CAVEATS[caveat.code].says
    return say(says[0].lower() + says[1:])
