"""The policy as the manifest of schema 1 keeps it: the thresholds, groups and accepts in force when it was measured."""

from __future__ import annotations

import datetime

import msgspec

from autoprof_ci.bundle import archive
from autoprof_ci.bundle.refusal import RefusedError, escape_line
from autoprof_ci.bundle.schema_1.fields import Line, Prose, Rate, Ratio, Record, Share, Symbol, optional_line, prose
from autoprof_ci.model import Accept, FailOn, Group, Instrument, Override, Policy, Threshold

# A policy in force is complete, and a subject without a threshold could never fail.
_ALWAYS = (Instrument.TIME, Instrument.INSTRUCTIONS)
Patterns = tuple[Symbol, ...]


class ThresholdRecord(Record):
    max_regression: Ratio
    warn: Ratio
    min_share: Share


class OverrideRecord(Record):
    match: Patterns
    workload: Line | None
    instrument: Instrument | None
    metric: Line | None
    max_regression: Ratio | None
    warn: Ratio | None
    min_share: Share | None


class GroupRecord(Record):
    name: Symbol
    match: Patterns


class AcceptRecord(Record):
    match: Patterns
    up_to: Ratio
    reason: Prose
    expires: datetime.date
    workload: Line | None
    instrument: Instrument | None


class PolicyRecord(Record):
    false_alarm_rate: Rate
    fail_on: FailOn
    thresholds: dict[Instrument, ThresholdRecord]
    overrides: tuple[OverrideRecord, ...]
    groups: tuple[GroupRecord, ...]
    accepts: tuple[AcceptRecord, ...]


def record_of_policy(policy: Policy) -> PolicyRecord:
    return PolicyRecord(
        false_alarm_rate=policy.false_alarm_rate,
        fail_on=policy.fail_on,
        thresholds={
            instrument: ThresholdRecord(max_regression=limit.max_regression, warn=limit.warn, min_share=limit.min_share)
            for instrument, limit in sorted(policy.thresholds.items())
        },
        overrides=tuple(_record_of_override(override) for override in policy.overrides),
        groups=tuple(GroupRecord(name=escape_line(group.name), match=_lines(group.match)) for group in policy.groups),
        accepts=tuple(_record_of_accept(accept) for accept in policy.accepts),
    )


def policy_from_record(record: PolicyRecord) -> Policy:
    for instrument in _ALWAYS:
        if instrument not in record.thresholds:
            raise RefusedError(f"{archive.MANIFEST}, policy.thresholds: {instrument} is missing")
    return Policy(
        false_alarm_rate=record.false_alarm_rate,
        fail_on=record.fail_on,
        thresholds={instrument: Threshold(**msgspec.structs.asdict(limit)) for instrument, limit in record.thresholds.items()},
        overrides=tuple(Override(**msgspec.structs.asdict(override)) for override in record.overrides),
        groups=tuple(Group(**msgspec.structs.asdict(group)) for group in record.groups),
        accepts=tuple(Accept(**msgspec.structs.asdict(accept)) for accept in record.accepts),
    )


def _record_of_override(override: Override) -> OverrideRecord:
    return OverrideRecord(
        match=_lines(override.match),
        workload=optional_line(override.workload),
        instrument=override.instrument,
        metric=optional_line(override.metric),
        max_regression=override.max_regression,
        warn=override.warn,
        min_share=override.min_share,
    )


def _record_of_accept(accept: Accept) -> AcceptRecord:
    return AcceptRecord(
        match=_lines(accept.match),
        up_to=accept.up_to,
        reason=prose(accept.reason),
        expires=accept.expires,
        workload=optional_line(accept.workload),
        instrument=accept.instrument,
    )


def _lines(texts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(escape_line(text) for text in texts)
