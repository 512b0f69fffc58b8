"""What of a policy that anybody may have written is taken: its accepts, told to the reviewer, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from autoprof_ci.analysis import with_proposed
from autoprof_ci.model import Accept, Caveat, CaveatCode, FailOn
from tests import factories

OWN = factories.accept()
PROPOSED = Accept(match=("serde_json::*", "itoa::*"), up_to=0.3, reason="a safer parser", expires=date(2027, 1, 1))


def test_with_proposed__without_a_policy_nothing_changes() -> None:
    policy = factories.policy(accepts=(OWN,))
    assert with_proposed(policy, None) == (policy, ())


def test_with_proposed__new_accepts_count_and_are_told() -> None:
    policy = factories.policy(accepts=(OWN,))
    of_fork = factories.policy(accepts=(OWN, PROPOSED))
    told = Caveat(code=CaveatCode.ACCEPT_REVIEW, detail="serde_json::*, itoa::* by up to 30 %: a safer parser")
    assert with_proposed(policy, of_fork) == (replace(policy, accepts=(OWN, PROPOSED)), (told,))


def test_with_proposed__thresholds_and_the_rest_of_the_candidate_are_ignored() -> None:
    policy = factories.policy()
    loose = replace(
        policy,
        false_alarm_rate=0.4,
        fail_on=FailOn.NEVER,
        thresholds={name: replace(limit, max_regression=9.0) for name, limit in policy.thresholds.items()},
    )
    assert with_proposed(policy, loose) == (policy, ())


def test_with_proposed__another_reason_is_the_same_accept_and_another_day_is_not() -> None:
    policy = factories.policy(accepts=(OWN,))
    reworded, renewed = replace(OWN, reason="said otherwise"), replace(OWN, expires=date(2030, 1, 1))
    effective, told = with_proposed(policy, factories.policy(accepts=(reworded, renewed, renewed)))
    assert effective.accepts == (OWN, renewed)
    assert len(told) == 1


def test_with_proposed__no_more_than_fifty_and_the_rest_is_told() -> None:
    many = tuple(replace(PROPOSED, match=(f"f{number}",)) for number in range(60))
    effective, told = with_proposed(factories.policy(), factories.policy(accepts=many))
    assert effective.accepts == many[:50]
    assert len(told) == 51
    assert told[-1] == Caveat(code=CaveatCode.ACCEPT_REVIEW, detail="10 more left out, too many or not valid")


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PROPOSED, up_to=0.0),
        replace(PROPOSED, up_to=1_000_000.0),
        replace(PROPOSED, match=()),
        replace(PROPOSED, match=("",)),
        replace(PROPOSED, match=("f",) * 101),
        replace(PROPOSED, match=("f" * 10_001,)),
        replace(PROPOSED, reason=" \n"),
        replace(PROPOSED, reason="x" * 2_001),
    ],
    ids=["nothing", "too much", "no pattern", "empty pattern", "many patterns", "long pattern", "no reason", "long reason"],
)
def test_with_proposed__what_the_toml_would_not_allow_lets_nothing_pass(wrong: Accept) -> None:
    right = replace(PROPOSED, workload="replay")
    effective, told = with_proposed(factories.policy(), factories.policy(accepts=(wrong, right)))
    assert effective.accepts == (right,)
    assert [caveat.detail for caveat in told] == [
        "serde_json::*, itoa::* in replay by up to 30 %: a safer parser",
        "1 more left out, too many or not valid",
    ]
