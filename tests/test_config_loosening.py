from __future__ import annotations

from dataclasses import replace

import pytest

from autoprof_ci import config
from autoprof_ci.model import Instrument, Policy
from tests.test_config import EVERY_KEY

JSON_10 = '[[thresholds.override]]\nmatch = "serde_json::*"\ninstrument = "time"\nmax_regression_percent = 10.0\n'
JSON_DE_5 = '[[thresholds.override]]\nmatch = "serde_json::de::*"\ninstrument = "time"\nmax_regression_percent = 5.0\n'


def policy_of(text: str) -> Policy:
    return config.parse_settings(text, source="autoprof.toml").policy


@pytest.mark.parametrize(
    ("baseline", "candidate", "expected"),
    [
        ("", "", ()),
        ("false_alarm_rate = 0.01", "", ("false_alarm_rate 0.01 -> 0.001",)),
        ('fail_on = "inconclusive"', "", ("fail_on inconclusive -> regression",)),
        ("", 'fail_on = "never"', ("fail_on regression -> never",)),
        ("", "[thresholds.time]\nmax_regression_percent = 5", ("thresholds.time.max_regression_percent 3 -> 5",)),
        ("", "[thresholds.time]\nwarn_percent = 2.5", ("thresholds.time.warn_percent 1.5 -> 2.5",)),
        ("", "[thresholds.instructions]\nmin_share_percent = 5", ("thresholds.instructions.min_share_percent 1 -> 5",)),
        ('[[group]]\nname = "JSON"\nmatch = "serde_json::*"', "", ("group JSON removed",)),
        ("", JSON_10, ("max_regression_percent of serde_json::* (time 3 -> 10)",)),
        (JSON_10, JSON_10.replace("10.0", "12.5"), ("max_regression_percent of serde_json::* (time 10 -> 12.5)",)),
        (JSON_10.replace("10.0", "1.0"), "", ("max_regression_percent of serde_json::* (time 1 -> 3)",)),
        (JSON_DE_5 + JSON_10, JSON_10 + JSON_DE_5, ("max_regression_percent of serde_json::de::* (time 5 -> 10)",)),
        (
            "",
            JSON_10 + 'workload = "a"\nmetric = "self_time"\n',
            ("max_regression_percent of serde_json::* in a (time 3 -> 10)",),
        ),
        (
            "",
            JSON_10.replace('instrument = "time"\n', ""),
            ("max_regression_percent of serde_json::* (time 3 -> 10, instructions 1 -> 10, memory 1 -> 10)",),
        ),
        (
            JSON_10 + JSON_DE_5,
            "[thresholds.time]\nmax_regression_percent = 4\nwarn_percent = 1\n" + JSON_10 + JSON_DE_5,
            ("thresholds.time.max_regression_percent 3 -> 4",),
        ),
    ],
    ids=[
        "same",
        "rate",
        "not-inconclusive",
        "never",
        "limit",
        "warning",
        "share",
        "group-removed",
        "override-added",
        "override-raised",
        "strict-override-removed",
        "override-moved",
        "override-scoped",
        "override-of-all-instruments",
        "limit-under-overrides",
    ],
)
def test_loosened__what_and_from_where_to_where(baseline: str, candidate: str, expected: tuple[str, ...]) -> None:
    assert config.loosened(policy_of(baseline), policy_of(candidate)) == expected


@pytest.mark.parametrize(
    ("baseline", "candidate"),
    [
        ("", "false_alarm_rate = 0.01"),
        ("", 'fail_on = "inconclusive"'),
        ("", "[thresholds.time]\nmax_regression_percent = 2"),
        ("", JSON_10.replace("10.0", "1.0")),
        (JSON_10, ""),
        (JSON_10 + JSON_DE_5, JSON_DE_5 + JSON_10),
        ("", '[[group]]\nname = "JSON"\nmatch = "serde_json::*"'),
        ("", '[[accept]]\nmatch = "x"\nup_to_percent = 50\nreason = "y"\nexpires = 2027-01-31'),
    ],
)
def test_loosened__stricter_is_not_looser(baseline: str, candidate: str) -> None:
    assert config.loosened(policy_of(baseline), policy_of(candidate)) == ()


def test_loosened__policy_against_itself() -> None:
    assert config.loosened(policy_of(EVERY_KEY), policy_of(EVERY_KEY)) == ()


def test_loosened__policy_without_an_instrument() -> None:
    whole = policy_of(JSON_10)
    only_time = replace(whole, thresholds={Instrument.TIME: whole.thresholds[Instrument.TIME]})
    assert config.loosened(only_time, policy_of('[[thresholds.override]]\nmatch = "x"\nmax_regression_percent = 5')) == (
        "max_regression_percent of x (time 3 -> 5)",
    )
    assert config.loosened(policy_of(""), only_time) == ("max_regression_percent of serde_json::* (time 3 -> 10)",)


def test_loosened__a_thousand_overrides_are_told_briefly() -> None:
    many = "".join(f'[[thresholds.override]]\nmatch = "x{number}::*"\nmax_regression_percent = 9\n' for number in range(1000))
    told = config.loosened(policy_of(""), policy_of(many))
    assert len(told) == 13
    assert told[11] == "max_regression_percent of x11::* (time 3 -> 9, instructions 1 -> 9, memory 1 -> 9)"
    assert told[12] == "and more"
