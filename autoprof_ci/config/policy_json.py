"""A `Policy` as the bundle stores it. Strict on the way in: a bundle comes from outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from autoprof_ci.config.shapes import Absent, Key, ListOf, Number, OneOf, Table, Text
from autoprof_ci.config.values import NAME, PATTERN, REASON, TITLE_TEXT
from autoprof_ci.errors import DataError
from autoprof_ci.model import Accept, FailOn, Group, Instrument, Override, Policy, Threshold

RATIO = Number(words="a ratio above 0 and at most 1000", above=0, maximum=1000)
RATE = Number(words="a rate above 0 and at most 0.5", above=0, maximum=0.5)
MATCH = ListOf(item=PATTERN, words="a list of patterns", shortest=1)
DAY = Text(words="a date such as 2027-01-31", pattern=r"\d{4}-\d{2}-\d{2}")
INSTRUMENT = OneOf(tuple(Instrument))
METRIC = Text(words="a metric", pattern=r"[a-z_]+", longest=60)


def _required(**shapes: Any) -> tuple[Key, ...]:
    return tuple(Key(name=name, shape=shape, default=Absent.REQUIRED) for name, shape in shapes.items())


def _optional(**shapes: Any) -> tuple[Key, ...]:
    return tuple(Key(name=name, shape=shape) for name, shape in shapes.items())


SCOPE = _optional(workload=NAME, instrument=INSTRUMENT)
THRESHOLD = Table(_required(max_regression=RATIO, warn=RATIO, min_share=RATIO))
OVERRIDE = Table((*_required(match=MATCH), *SCOPE, *_optional(metric=METRIC, max_regression=RATIO, warn=RATIO, min_share=RATIO)))
GROUP = Table(_required(name=TITLE_TEXT, match=MATCH))
ACCEPT = Table((*_required(match=MATCH, up_to=RATIO, reason=REASON, expires=DAY), *SCOPE))
POLICY = Table(
    _required(
        false_alarm_rate=RATE,
        fail_on=OneOf(tuple(FailOn)),
        thresholds=Table(_optional(**dict.fromkeys(Instrument, THRESHOLD))),
        overrides=ListOf(item=OVERRIDE, words="a list"),
        groups=ListOf(item=GROUP, words="a list"),
        accepts=ListOf(item=ACCEPT, words="a list"),
    )
)


def policy_to_dict(policy: Policy) -> dict[str, Any]:
    """A form that JSON can hold: ratios, lists, an ISO date; what is not given is left out."""
    return {
        "false_alarm_rate": policy.false_alarm_rate,
        "fail_on": policy.fail_on.value,
        "thresholds": {instrument.value: _limits(threshold) for instrument, threshold in policy.thresholds.items()},
        "overrides": [
            {"match": list(entry.match), **_scope(entry), **_given(metric=entry.metric), **_limits(entry)}
            for entry in policy.overrides
        ],
        "groups": [{"name": group.name, "match": list(group.match)} for group in policy.groups],
        "accepts": [
            {
                "match": list(entry.match),
                **_scope(entry),
                "up_to": entry.up_to,
                "reason": entry.reason,
                "expires": entry.expires.isoformat(),
            }
            for entry in policy.accepts
        ],
    }


def policy_from_dict(data: object) -> Policy:
    """The policy that `policy_to_dict` wrote. Raises `DataError` for anything it could not have written."""
    for problem in POLICY.problems(data, "policy"):
        raise DataError(f"{problem.path}: {problem.what}", "The file is damaged, or of another version of autoprof-ci.")
    completed = POLICY.complete(_as_table(data))
    return Policy(
        false_alarm_rate=completed["false_alarm_rate"],
        fail_on=FailOn(completed["fail_on"]),
        thresholds={
            Instrument(name): Threshold(**limits) for name, limits in completed["thresholds"].items() if limits is not None
        },
        overrides=tuple(Override(**_with_instrument(entry)) for entry in completed["overrides"]),
        groups=tuple(Group(**entry) for entry in completed["groups"]),
        accepts=tuple(
            Accept(**{**_with_instrument(entry), "expires": _day(entry["expires"], f"policy.accepts[#{number}].expires")})
            for number, entry in enumerate(completed["accepts"], start=1)
        ),
    )


def _as_table(data: object) -> Mapping[str, Any]:
    assert isinstance(data, Mapping)  # its shape has been checked
    return data


def _with_instrument(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {**entry, "instrument": Instrument(entry["instrument"]) if entry["instrument"] else None}


def _day(text: str, path: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise DataError(
            f'{path}: there is no day "{text}"', "The file is damaged, or of another version of autoprof-ci."
        ) from None


def _given(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _scope(entry: Override | Accept) -> dict[str, Any]:
    return _given(workload=entry.workload, instrument=entry.instrument.value if entry.instrument else None)


def _limits(entry: Threshold | Override) -> dict[str, Any]:
    return _given(max_regression=entry.max_regression, warn=entry.warn, min_share=entry.min_share)
