"""The verdict as ``verdict.json`` and back. The format is fixed: what is unknown is absent, never 0 and never NaN.

Writing is exact, reading is strict, since the file may come from a fork's artifact: its size and depth are bounded, every
number is
finite, every word is one we know, and an unknown key is refused rather than dropped.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum

from autoprof_ci.errors import DataError
from autoprof_ci.model import (
    SCHEMA_VERSION,
    Calls,
    Cause,
    Caveat,
    CaveatCode,
    Estimate,
    Finding,
    Instrument,
    Measurement,
    Outcome,
    Reason,
    ReasonCode,
    Signal,
    Source,
    Status,
    SubjectKind,
    Verdict,
    WorkloadState,
    WorkloadVerdict,
)
from autoprof_ci.report.json_reader import Reader, parse

LARGEST_BYTES = 64_000_000
_OPTIONAL = (
    "baseline",
    "candidate",
    "baseline_share",
    "candidate_share",
    "change",
    "ci_low",
    "ci_high",
    "p_value",
    "p_adjusted",
    "smallest_detectable_change",
)
Json = dict[str, object]


def _known(values: Mapping[str, object]) -> Json:
    return {key: value for key, value in values.items() if value is not None}


def _measurement(measurement: Measurement) -> Json:
    e = measurement.estimate
    return _known(
        {
            "instrument": e.instrument.value,
            "metric": e.metric,
            "signal": measurement.signal.value,
            "baseline": e.baseline,
            "candidate": e.candidate,
            "unit": e.unit,
            "baseline_share": e.baseline_share,
            "candidate_share": e.candidate_share,
            "change": e.change,
            "ci_low": e.ci_low,
            "ci_high": e.ci_high,
            "p_value": e.p_value,
            "p_adjusted": e.p_adjusted,
            "smallest_detectable_change": e.smallest_detectable_change,
            "max_regression": measurement.max_regression,
            "warn": measurement.warn,
        }
    )


def _calls(calls: Calls | None) -> Json | None:
    return None if calls is None else {"baseline": calls.baseline, "candidate": calls.candidate}


def _source(source: Source | None) -> Json | None:
    return None if source is None else _known({"file": source.file, "line": source.line, "changed_here": source.changed_here})


def _cause(cause: Cause) -> Json:
    return _known({"subject": cause.subject, "dso": cause.dso, "calls": _calls(cause.calls), "source": _source(cause.source)})


def _coded(code: StrEnum, detail: str) -> Json:
    return _known({"code": code.value, "detail": detail or None})


def _finding(finding: Finding) -> Json:
    return _known(
        {
            "subject": finding.subject,
            "kind": finding.kind.value,
            "dso": finding.dso,
            "status": finding.status.value,
            "measurements": [_measurement(m) for m in finding.measurements],
            "calls": _calls(finding.calls),
            "reasons": [_coded(reason.code, reason.detail) for reason in finding.reasons],
            "caused_by": [_cause(cause) for cause in finding.caused_by],
            "source": _source(finding.source),
            "accepted_by": finding.accepted_by,
        }
    )


def _dumped(value: object) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False)


def _opened(values: Mapping[str, object]) -> str:
    """An object that is still open at its end, for one more key."""
    return _dumped(values)[:-1]


def _workload(workload: WorkloadVerdict) -> str:
    start = _opened({"name": workload.name, "state": workload.state.value, "tested_subjects": workload.tested_subjects})
    findings = ",\n".join(_dumped(_finding(finding)) for finding in workload.findings)
    return f'{start}, "findings": [\n{findings}\n]}}'


def encode(verdict: Verdict) -> str:
    """JSON text, one line a finding so that it can be read and compared by lines, with a final newline.

    Raises ValueError if a number in `verdict` is not finite: a slip of ours. The lines are joined here since the standard
    library's encoder is several times slower as soon as it indents.
    """
    start = _opened(
        _known(
            {
                "schema": SCHEMA_VERSION,
                "tool_version": verdict.tool_version,
                "outcome": verdict.outcome.value,
                "instruments": [instrument.value for instrument in verdict.instruments],
                "false_alarm_rate": verdict.false_alarm_rate,
                "baseline_commit": verdict.baseline_commit,
                "candidate_commit": verdict.candidate_commit,
                "session": verdict.session,
            }
        )
    )
    workloads = ",\n".join(_workload(workload) for workload in verdict.workloads)
    caveats = _dumped([_coded(caveat.code, caveat.detail) for caveat in verdict.caveats])
    return f'{start},\n"workloads": [{workloads}],\n"caveats": {caveats}}}\n'


def _read_estimate(reader: Reader) -> Estimate:
    numbers = {key: reader.optional_number(key) for key in _OPTIONAL}
    return Estimate(
        instrument=reader.word("instrument", Instrument),
        metric=reader.text("metric"),
        unit=reader.text("unit"),
        baseline=numbers["baseline"],
        candidate=numbers["candidate"],
        baseline_share=numbers["baseline_share"],
        candidate_share=numbers["candidate_share"],
        change=numbers["change"],
        ci_low=numbers["ci_low"],
        ci_high=numbers["ci_high"],
        p_value=numbers["p_value"],
        p_adjusted=numbers["p_adjusted"],
        smallest_detectable_change=numbers["smallest_detectable_change"],
    )


def _read_measurement(reader: Reader) -> Measurement:
    measurement = Measurement(
        estimate=_read_estimate(reader),
        signal=reader.word("signal", Signal),
        max_regression=reader.number("max_regression"),
        warn=reader.number("warn"),
    )
    reader.end()
    return measurement


def _read_calls(reader: Reader | None) -> Calls | None:
    if reader is None:
        return None
    calls = Calls(baseline=reader.number("baseline"), candidate=reader.number("candidate"))
    reader.end()
    return calls


def _read_source(reader: Reader | None) -> Source | None:
    if reader is None:
        return None
    source = Source(
        file=reader.text("file"), line=reader.optional_integer("line"), changed_here=reader.optional_truth("changed_here")
    )
    reader.end()
    return source


def _read_cause(reader: Reader) -> Cause:
    cause = Cause(
        subject=reader.text("subject"),
        dso=reader.optional_text("dso"),
        calls=_read_calls(reader.optional_object("calls")),
        source=_read_source(reader.optional_object("source")),
    )
    reader.end()
    return cause


def _read_reason(reader: Reader) -> Reason:
    reason = Reason(code=reader.word("code", ReasonCode), detail=reader.optional_text("detail") or "")
    reader.end()
    return reason


def _read_caveat(reader: Reader) -> Caveat:
    caveat = Caveat(code=reader.word("code", CaveatCode), detail=reader.optional_text("detail") or "")
    reader.end()
    return caveat


def _read_finding(reader: Reader) -> Finding:
    finding = Finding(
        subject=reader.text("subject"),
        kind=reader.word("kind", SubjectKind),
        dso=reader.optional_text("dso"),
        status=reader.word("status", Status),
        measurements=tuple(_read_measurement(r) for r in reader.objects("measurements")),
        calls=_read_calls(reader.optional_object("calls")),
        reasons=tuple(_read_reason(r) for r in reader.objects("reasons")),
        caused_by=tuple(_read_cause(r) for r in reader.objects("caused_by")),
        source=_read_source(reader.optional_object("source")),
        accepted_by=reader.optional_text("accepted_by"),
    )
    reader.end()
    return finding


def _read_workload(reader: Reader) -> WorkloadVerdict:
    workload = WorkloadVerdict(
        name=reader.text("name"),
        state=reader.word("state", WorkloadState),
        tested_subjects=reader.integer("tested_subjects"),
        findings=tuple(_read_finding(r) for r in reader.objects("findings")),
    )
    reader.end()
    return workload


def decode(text: str) -> Verdict:
    """The verdict in `text`. Raises DataError, with the path of the key, for anything that `encode` would not have written."""
    reader = parse(text, "verdict.json", LARGEST_BYTES)
    schema = reader.integer("schema")
    if schema != SCHEMA_VERSION:
        raise DataError(
            f"verdict.json has schema {schema}; this version reads {SCHEMA_VERSION}",
            "Use the version of autoprof-ci that wrote it.",
        )
    verdict = Verdict(
        tool_version=reader.text("tool_version"),
        outcome=reader.word("outcome", Outcome),
        instruments=reader.words("instruments", Instrument),
        false_alarm_rate=reader.number("false_alarm_rate"),
        baseline_commit=reader.optional_text("baseline_commit"),
        candidate_commit=reader.optional_text("candidate_commit"),
        session=reader.optional_text("session"),
        workloads=tuple(_read_workload(r) for r in reader.objects("workloads")),
        caveats=tuple(_read_caveat(r) for r in reader.objects("caveats")),
    )
    reader.end()
    return verdict
