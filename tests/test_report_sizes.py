"""Which number of a finding counts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from autoprof_ci.model import Instrument, Reason, ReasonCode, Signal, Status
from autoprof_ci.report import sizes
from tests import factories_report as made


@pytest.mark.parametrize(
    ("detail", "expected"),
    [("a::b 0.96", ("a::b", 0.96)), ("<A as B>::c", ("<A as B>::c", None)), ("a", ("a", None)), ("", ("", None))],
)
def test_main_member__name_and_part(detail: str, expected: tuple[str, float | None]) -> None:
    assert sizes.main_member(Reason(code=ReasonCode.MEMBER_CHANGED, detail=detail)) == expected


def test_deciding__the_signal_before_the_instrument() -> None:
    finding = made.function("f", Status.REGRESSION, made.time_of(1, 1), made.instructions_of(1e6, 2e6, signal=Signal.MORE))
    shown = sizes.deciding(finding)
    assert shown is not None
    assert shown.estimate.instrument is Instrument.INSTRUCTIONS
    assert sizes.deciding(replace(finding, measurements=())) is None


def test_deciding__what_time_did_not_see_before_is_not_new() -> None:
    seen = made.instructions_of(8e3, 2.7e6, signal=Signal.MORE)
    finding = made.function("f", Status.REGRESSION, made.time_of(0.0, 0.75e-3, signal=Signal.MORE), seen)
    assert sizes.deciding(finding) == seen


def test_deciding__new_by_every_instrument() -> None:
    by_time = made.time_of(None, 0.75e-3, signal=Signal.MORE)
    finding = made.function("f", Status.REGRESSION, made.instructions_of(None, 2.7e6, signal=Signal.MORE), by_time)
    assert sizes.deciding(finding) == by_time
