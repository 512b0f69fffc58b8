"""What a report could have seen: no more than the numbers say, and what a reader needs of it."""

from __future__ import annotations

from dataclasses import replace

from autoprof_ci.model import Finding, Instrument, Measurement, Outcome, Status, Verdict
from autoprof_ci.report import sensitivity, text
from tests import factories_report as made


def _seen(measurement: Measurement, smallest: float) -> Measurement:
    return replace(measurement, estimate=replace(measurement.estimate, smallest_detectable_change=smallest))


def _finding(name: str, by_time: float, by_instructions: float, share: float = 0.1, dso: str = made.BINARY_DSO) -> Finding:
    seconds = share * made.WORKLOAD_S
    measured = (_seen(made.time_of(seconds, seconds), by_time), _seen(made.instructions_of(1e6, 1e6), by_instructions))
    return made.function(name, Status.UNCHANGED, *measured, dso=dso)


def _verdict() -> Verdict:
    def total(by_time: float) -> Finding:
        found = made.total(0.520, 0.520, Status.UNCHANGED)
        return replace(found, measurements=tuple(_seen(m, by_time) for m in found.measurements[:1]))

    return made.verdict(
        Outcome.PASS,
        made.workload(
            "a",
            _finding("f", 0.06, 0.002),
            _finding("g", 0.08, 0.003),
            _finding("cold", 4.0, 0.004, share=0.02),
            _finding("_int_malloc", 0.07, 0.08, dso="libc.so.6"),
            _finding("[kernel]", 9.0, 0.9, dso="[kernel]"),
            total(0.02),
        ),
        made.workload("b", _finding("f", 0.01, 0.003), total(0.04)),
    )


def test_of_instrument__kinds_apart_and_nobodys_rows_left_out() -> None:
    assert sensitivity.of_instrument(_verdict(), Instrument.TIME) == sensitivity.Sensitivity(
        instrument=Instrument.TIME,
        tested=7,
        blind=5,
        totals=(0.02, 0.04),
        hot=(0.01, 0.06, 0.08, 4.0),
        large=(0.01, 0.06, 0.07, 0.08),
        allocators=(0.07,),
    )


def test_of_instrument__unknown() -> None:
    assert sensitivity.of_instrument(made.green(), Instrument.MEMORY) is None
    assert sensitivity.sentence(made.identical()) == ()


def test_sentence__what_is_typical_by_each_instrument() -> None:
    assert text.inline(sensitivity.sentence(_verdict())) == (
        "It could have seen by instructions +0.3 % in a typical hot function (+8 % in the allocator), "
        "and by time +4 % in the whole run and +7 % in a function above 5 %."
    )


def test_sentence__an_allocator_like_the_others_is_not_named() -> None:
    assert "allocator" not in text.inline(sensitivity.sentence(made.green()))


def test_ranges__count_no_more_than_there_are() -> None:
    seen = sensitivity.of_instrument(_verdict(), Instrument.TIME)
    assert seen is not None
    assert text.inline(sensitivity.ranges(seen)) == (
        "by time: the whole run of 2 workloads +2 % to +4 %, functions above 5 % +1 % to +8 %, hot functions +1 % to ×5, "
        "the allocator +7 %; its threshold was out of sight in 5 of 7 subjects"
    )
