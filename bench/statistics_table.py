"""How often the rule is wrong, and what it finds: prints the tables of ``docs/statistics.md``.

python -m bench.statistics_table          all of it, under four minutes on two cores
python -m bench.statistics_table 0.1      a tenth of the reports
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import betaincinv

from autoprof_ci.model import Function
from bench import statistics_data, statistics_simulation
from bench.statistics_data import Recorded
from bench.statistics_rules import RULES, Flags, Judged, Sample, ours

SEED = 20261122
CONFIDENCE = 0.95
TOTAL = Function("[total]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Reports that raised an alarm, of how many."""

    alarms: int
    reports: int

    def __str__(self) -> str:
        return f"{self.alarms} of {self.reports:,} (< {100 * self.upper():.3g} %)"

    def upper(self) -> float:
        """Clopper and Pearson's one-sided upper bound of the rate."""
        return 1.0 if self.alarms >= self.reports else float(betaincinv(self.alarms + 1, self.reports - self.alarms, CONFIDENCE))


def resampled(
    recorded: Recorded, builds: tuple[str, str], runs: int, threshold: float, together: str
) -> Callable[[np.random.Generator], Sample]:
    """Draws rounds: the same for both builds if `together` names a session, else the baseline's from earlier rounds."""
    kept = np.flatnonzero(recorded.counts[builds[0]].mean(axis=1) + recorded.counts[builds[1]].mean(axis=1) > 2)
    functions = tuple(recorded.functions[row] for row in kept)
    sides = [recorded.counts[build][kept] for build in builds]

    def draw(rng: np.random.Generator) -> Sample:
        if together:
            early = late = rng.choice(recorded.rounds, runs, replace=False)
        else:
            split = recorded.rounds // 2
            early, late = (
                rng.choice(split, min(runs, split), replace=False),
                split + rng.choice(split, min(runs, split), replace=False),
            )
        return Sample(
            functions=functions, baseline=sides[0][:, early], candidate=sides[1][:, late], session=together, threshold=threshold
        )

    return draw


def slowed(draw: Callable[[np.random.Generator], Sample], factor: float, but: tuple[str, ...]) -> Callable[..., Sample]:
    """The same program with every function slower by `factor`, except those named in `but`."""

    def slower(rng: np.random.Generator) -> Sample:
        found = draw(rng)
        factors = np.array([1.0 if function.name in but else factor for function in found.functions])
        return replace(found, candidate=np.rint(found.candidate * factors[:, None]))

    return slower


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One cell or two of a table. `kind`: what is drawn; the rest are its arguments."""

    title: str
    kind: str
    builds: tuple[str, str]
    runs: int
    reports: int
    rule: str = "**autoprof-ci**"
    threshold: float = 0.02
    together: str = "together"
    functions: int = 0
    find: str = ""
    factor: float = 1.0
    unchanged: tuple[str, ...] = ()
    """Where everything is slower by `factor`: except these, and a regression of one of them is false."""

    def is_false(self, function: Function) -> bool:
        return function.name in self.unchanged if self.factor != 1 else function.name != self.find


def _drawing(job: Job) -> Callable[[np.random.Generator], Sample]:
    if job.kind in statistics_simulation.NOISES:
        noise = statistics_simulation.NOISES[job.kind]
        return lambda rng: statistics_simulation.sample(rng, noise, job.functions, job.runs)
    recorded = statistics_data.selftime() if job.kind == "sample" else statistics_data.autopilot(job.kind)
    draw = resampled(recorded, job.builds, job.runs, job.threshold, job.together)
    return slowed(draw, job.factor, job.unchanged) if job.factor != 1 else draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    job: Job
    failing: Tally
    significant: Tally
    found: Tally


def run(job: Job) -> Outcome:
    rng = np.random.default_rng([SEED, *job.title.encode(), job.runs])
    draw = _drawing(job)
    wanted = Function(job.find)
    failing = significant = found = 0
    for _ in range(job.reports):
        judged = _judge(job.rule, draw(rng))
        failing += any(flag for function, flag in judged.failing.items() if job.is_false(function))
        significant += any(flag for function, flag in judged.significant.items() if job.is_false(function))
        found += judged.failing.get(wanted, False)
    return Outcome(
        job=job,
        failing=Tally(alarms=failing, reports=job.reports),
        significant=Tally(alarms=significant, reports=job.reports),
        found=Tally(alarms=found, reports=job.reports),
    )


def _judge(rule: str, drawn: Sample) -> Judged:
    if rule == "**autoprof-ci**":
        return ours(drawn)
    flags: Flags = RULES[rule](drawn)
    return Judged(failing=flags, significant=flags)


EFFECTS = (
    ("json_parse:5", "miniauto::json_parse"), ("sha:3", "miniauto::sha"), ("redact:20", "miniauto::redact"),
    ("regex_match:10", "miniauto::regex_match"),
)  # fmt: skip


def rule_jobs(scale: float) -> Iterator[Job]:
    for rule in RULES:
        reports = max(20, int(scale * (500 if rule == "**autoprof-ci**" else 300)))
        for runs in (5, 10, 20):
            for together in ("together", ""):
                yield Job(title=rule, kind="sample", builds=("A", "A2"), runs=runs, reports=reports, rule=rule, together=together)
            for build, function in EFFECTS:
                yield Job(title=rule, kind="sample", builds=("A", build), runs=runs, reports=reports, rule=rule, find=function)


def null_jobs(scale: float) -> Iterator[Job]:
    for runs in (4, 5, 10, 20):
        yield Job(title="sample program, resampled", kind="sample", builds=("A", "A2"), runs=runs, reports=int(2500 * scale))
    for kind in statistics_simulation.NOISES:
        for runs in (3, 4, 10):
            yield Job(
                title=f"simulated, 12 functions: {kind}",
                kind=kind,
                builds=("", ""),
                runs=runs,
                functions=12,
                reports=int(1000 * scale),
            )
    for kind in ("calm", "heavy tails and outliers"):
        for runs in (4, 10):
            yield Job(
                title=f"simulated, 300 functions: {kind}",
                kind=kind,
                builds=("", ""),
                runs=runs,
                functions=300,
                reports=int(300 * scale),
            )
    for workload in ("analyze", "run"):
        for runs in (5, 10, 20):
            yield Job(
                title=f"autopilot `{workload}`, resampled",
                kind=workload,
                builds=("base", "base2"),
                runs=runs,
                reports=int(500 * scale),
            )


def power_jobs(scale: float) -> Iterator[Job]:
    for build, function in EFFECTS[:2]:
        title = build.replace(":", " +") + " %"
        yield Job(title=title, kind="sample", builds=("A", build), runs=10, reports=int(2500 * scale), find=function)
    for runs in (5, 10, 20):
        for function in (TOTAL.name, "miniauto::sha"):
            yield Job(
                title=f"+20 % everywhere, by {function.removeprefix('miniauto::')}",
                kind="sample",
                builds=("A", "A2"),
                runs=runs,
                reports=int(400 * scale),
                find=function,
                factor=1.2,
            )
    for runs in (4, 10):
        yield Job(
            title="+100 % in all but json_parse and regex_match, by sha",
            kind="sample",
            builds=("A", "A2"),
            runs=runs,
            reports=int(400 * scale),
            find="miniauto::sha",
            factor=2.0,
            unchanged=("miniauto::json_parse", "miniauto::regex_match"),
        )
    for build in ("place", "clone"):
        for runs in (5, 10, 20):
            yield Job(
                title=f"autopilot `analyze`, base against {build}",
                kind="analyze",
                builds=("base", build),
                runs=runs,
                reports=int(300 * scale),
            )


def main(scale: float) -> None:
    began = time.monotonic()
    jobs = [*rule_jobs(scale), *null_jobs(scale), *power_jobs(scale)]
    with ProcessPoolExecutor(max_workers=os.cpu_count()) as pool:
        outcomes = dict(zip(jobs, pool.map(run, jobs), strict=True))
    print(rules_table([outcomes[job] for job in rule_jobs(scale)]))
    print(null_table([outcomes[job] for job in null_jobs(scale)]))
    print(power_table([outcomes[job] for job in power_jobs(scale)]))
    reports = sum(job.reports for job in jobs)
    print(f"{reports:,} reports in {time.monotonic() - began:.0f} s; upper bounds: one-sided 95 %, Clopper-Pearson.")


def rules_table(outcomes: Sequence[Outcome]) -> str:
    heads = ["rule, threshold 2 %", "n", "red, nothing changed, interleaved", "same, base measured earlier"]
    heads += [f"finds {build.replace(':', ' +')} %" for build, _ in EFFECTS]
    lines = [_row(heads), _row(["---"] * len(heads))]
    for rule, runs in dict.fromkeys((o.job.rule, o.job.runs) for o in outcomes):
        mine = [o for o in outcomes if (o.job.rule, o.job.runs) == (rule, runs)]
        nulls = [f"{o.failing.alarms} of {o.failing.reports}" for o in mine if not o.job.find]
        found = [f"{100 * o.found.alarms / o.found.reports:.1f} %" for o in mine if o.job.find]
        lines.append(_row([rule, str(runs), *nulls, *found]))
    return "\n".join(lines) + "\n"


def null_table(outcomes: Sequence[Outcome]) -> str:
    lines = [_row(["nothing changed", "n", "reports with anything significant", "reports that fail"]), _row(["---"] * 4)]
    lines += [_row([o.job.title, str(o.job.runs), str(o.significant), str(o.failing)]) for o in outcomes]
    significant = Tally(alarms=sum(o.significant.alarms for o in outcomes), reports=sum(o.significant.reports for o in outcomes))
    failing = Tally(alarms=sum(o.failing.alarms for o in outcomes), reports=significant.reports)
    return "\n".join([*lines, _row(["**all**", "", str(significant), str(failing)])]) + "\n"


def power_table(outcomes: Sequence[Outcome]) -> str:
    lines = [_row(["really changed", "n", "found", "reports with a false regression"]), _row(["---"] * 4)]
    for o in outcomes:
        found = f"{100 * o.found.alarms / o.found.reports:.1f} %" if o.job.find else ""
        lines.append(_row([o.job.title, str(o.job.runs), found, f"{o.failing.alarms} of {o.failing.reports}"]))
    return "\n".join(lines) + "\n"


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
