"""``time.json``: the hot functions' times as a suite of pyperf's, so that ``python -m pyperf compare_to`` reads a bundle.

For other people's eyes and tools; the gate never loads it. Knows pyperf's file format through pyperf's own classes only.
"""

from __future__ import annotations

import io

from autoprof_ci.bundle.refusal import escape_line
from autoprof_ci.model import TOTAL_NAME, Bundle, Function, Instrument, Samples, WorkloadSamples

DEFAULT_MIN_SHARE = 0.005


def time_suite(bundle: Bundle) -> bytes | None:
    """A pyperf ``BenchmarkSuite`` as JSON, one value a run, in seconds per start; ``None`` where there is no time to tell.

    Benchmarks: ``WORKLOAD/[total]``, and ``WORKLOAD/DSO/FUNCTION`` for functions of at least the policy's `min_share` whose
    every run is positive (pyperf refuses zeros, and a suite of all functions takes it seconds to load).
    """
    samples = bundle.recording.samples
    if samples is None or samples.period_s is None:
        return None
    # pyperf takes 0.07 s to import, which reading a bundle need not pay.
    import pyperf

    benchmarks = [
        # Nothing is collected from the machine that writes: it need not be the one that measured.
        pyperf.Benchmark(
            [pyperf.Run([value_s], metadata=_metadata(name, bundle), collect_metadata=False) for value_s in values_s]
        )
        for name, values_s in _positive_seconds(samples, _min_share(bundle)).items()
    ]
    if not benchmarks:
        return None
    text = io.StringIO()
    pyperf.BenchmarkSuite(benchmarks).dump(text)
    return text.getvalue().encode()


def _metadata(name: str, bundle: Bundle) -> dict[str, str]:
    told = {"autoprof_ci_version": bundle.tool_version, "commit_id": bundle.commit or ""}
    # pyperf refuses empty values and such with line breaks.
    return {"name": name, "unit": "second"} | {key: escape_line(value) for key, value in told.items() if value.strip()}


def _positive_seconds(samples: Samples, min_share: float) -> dict[str, list[float]]:
    assert samples.period_s is not None
    named: dict[str, list[float]] = {}
    for workload in samples.workloads:
        seconds_per_count = samples.period_s / workload.starts
        for name, counts in _hot_counts(workload, min_share):
            seconds = [count * seconds_per_count for count in counts]
            if min(seconds) > 0:
                named[name] = seconds
    return named


def _hot_counts(workload: WorkloadSamples, min_share: float) -> list[tuple[str, list[float]]]:
    """The name in the suite and the counts by run: first the total, then the hot functions in their order."""
    if not workload.runs:
        return []
    totals = [sum(run.counts) for run in workload.runs]
    least = min_share * sum(totals)
    by_function = zip(*(run.counts for run in workload.runs), strict=True)
    return [(f"{workload.name}/{TOTAL_NAME}", totals)] + [
        (_benchmark_name(workload.name, function), list(counts))
        for function, counts in zip(workload.functions, by_function, strict=True)
        if sum(counts) >= least
    ]


def _benchmark_name(workload: str, function: Function) -> str:
    return escape_line("/".join((workload, function.dso or "?", function.name))).strip()


def _min_share(bundle: Bundle) -> float:
    threshold = bundle.policy.thresholds.get(Instrument.TIME) if bundle.policy is not None else None
    return DEFAULT_MIN_SHARE if threshold is None else threshold.min_share
