from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autoprof_ci.report import format as fmt


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (0.125, "0.125"),
        (0.1255, "0.126"),
        (1.005, "1.01"),
        (61.25, "61.3"),
        (61.0, "61"),
        (99.95, "100"),
        (99.94, "99.9"),
        (999.4, "999"),
        (999.5, "1,000"),
        (1183, "1,180"),
        (-2.5, "−2.5"),
        (0.00214, "0.00214"),
        (1e-9, "0.000000001"),
    ],
)
def test_number__three_digits(value: float, expected: str) -> None:
    assert fmt.number(value) == expected


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (0.0, "s", "0 ns"),
        (4.2e-10, "s", "0.42 ns"),
        (9.994e-7, "s", "999 ns"),
        (9.996e-7, "s", "1 µs"),
        (0.0009994, "s", "999 µs"),
        (0.0009995, "s", "1 ms"),
        (0.0021, "s", "2.1 ms"),
        (0.99949, "s", "999 ms"),
        (0.9996, "s", "1 s"),
        (61.25, "s", "61.3 s"),
        (123456, "s", "123,000 s"),
        (999, "instructions", "999 instr."),
        (999.6, "instructions", "1 k instr."),
        (1234567, "instructions", "1.23 M instr."),
        (399206760, "instructions", "399 M instr."),
        (7.5e9, "instructions", "7.5 G instr."),
        (1500, "bytes", "1.5 kB"),
        (999_950, "bytes", "1 MB"),
        (3086, "samples", "3,090 samples"),
        (51_230, "samples", "51.2 k samples"),
        (12, "allocations", "12 allocations"),
    ],
)
def test_quantity__unit_after_rounding(value: float, unit: str, expected: str) -> None:
    assert fmt.quantity(value, unit) == expected


@pytest.mark.parametrize(
    ("baseline", "candidate", "unit", "expected"),
    [
        (0.0021, 0.148, "s", "2.1 → 148 ms"),
        (0.0098, 0.0103, "s", "9.8 → 10.3 ms"),
        (0.000_9, 0.0011, "s", "0.9 → 1.1 ms"),
        (2.1e-6, 0.148, "s", "2.1 µs → 148 ms"),
        (0.0, 0.003, "s", "0 → 3 ms"),
        (0.061, 0.061, "s", "61 ms"),
        (0.061, 0.06101, "s", "61 ms"),
        (None, 0.003, "s", "new: 3 ms"),
        (0.003, None, "s", "was 3 ms"),
        (None, None, "s", "not seen"),
        (399.2e6, 404.1e6, "instructions", "399 → 404 M instr."),
        (3086, 3261, "samples", "3,090 → 3,260 samples"),
    ],
)
def test_change_of_quantity__one_unit(baseline: float | None, candidate: float | None, unit: str, expected: str) -> None:
    assert fmt.change_of_quantity(baseline, candidate, unit) == expected


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (None, "new"),
        (0.0, "0 %"),
        (0.000001, "below +0.001 %"),
        (-0.000001, "below −0.001 %"),
        (0.00001, "+0.001 %"),
        (0.00016, "+0.02 %"),
        (0.00034, "+0.03 %"),
        (0.00094, "+0.09 %"),
        (0.00096, "+0.1 %"),
        (0.0034, "+0.34 %"),
        (0.0034999, "+0.35 %"),
        (0.051, "+5.1 %"),
        (0.0994, "+9.9 %"),
        (0.0996, "+10 %"),
        (0.115, "+12 %"),
        (0.31, "+31 %"),
        (0.994, "+99 %"),
        (0.995, "×2"),
        (0.9999, "×2"),
        (1.0, "×2"),
        (1.04, "×2"),
        (1.05, "×2.1"),
        (1.4, "×2.4"),
        (8.94, "×9.9"),
        (8.96, "×10"),
        (69.4, "×70"),
        (1182.6, "×1,180"),
        (-0.12, "−12 %"),
        (-0.994, "−99 %"),
        (-0.9999, "below −99 %"),
        (-1.0, "−100 %"),
    ],
)
def test_change__never_zero_unless_it_is(ratio: float | None, expected: str) -> None:
    assert fmt.change(ratio) == expected


@pytest.mark.parametrize(
    ("ratio", "low", "high", "expected"),
    [
        (0.051, 0.019, 0.084, "(±3.3)"),
        (0.051, 0.019, 0.2, "(+1.9 … +20)"),
        (0.051, -0.004, 0.2, "(−0.4 … +20)"),
        (0.051, 0.0505, 0.0515, ""),
        (0.051, None, 0.06, ""),
        (None, 0.1, 0.2, ""),
        (0.0, 0.0, 0.0, ""),
        (1.4, 1.1, 1.7, "(×2.1 … ×2.7)"),
        (1.4, 0.9, 1.9, "(+90 % … ×2.9)"),
    ],
)
def test_interval__only_where_it_informs(ratio: float | None, low: float | None, high: float | None, expected: str) -> None:
    assert fmt.interval(ratio, low, high) == expected


@pytest.mark.parametrize(
    ("p_value", "expected"),
    [(0.0123, "p = 0.012"), (0.001, "p = 0.001"), (0.00099, "p < 0.001"), (1e-7, "p < 10⁻⁶"), (0.0, "p < 10⁻⁶"), (1.0, "p = 1")],
)
def test_probability__never_zero(p_value: float, expected: str) -> None:
    assert fmt.probability(p_value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (30, "30"),
        (1183, "1,183"),
        (9999, "9,999"),
        (10_000, "10,000"),
        (51_234, "51,200"),
        (1_234_567, "1.23 M"),
        (1.5, "1.5"),
    ],
)
def test_count__exact_while_short(value: float, expected: str) -> None:
    assert fmt.count(value) == expected


@pytest.mark.parametrize(
    ("name", "width", "expected"),
    [
        ("sha", 10, "sha"),
        ("regex_automata::nfa::thompson::compiler::Compiler::c", 44, "regex_automata::…::compiler::Compiler::c"),
        ("regex_automata::nfa::thompson::compiler::Compiler::c", 31, "regex_automata::…::Compiler::c"),
        ("<serde_json::read::StrRead as serde_json::read::Read>::parse_str", 44, "<serde_json::read::StrRead as …>::parse_str"),
        ("<serde_json::read::StrRead as serde_json::read::Read>::parse_str", 40, "<serde_json::…::StrRead>::parse_str"),
        ("<serde_json::read::StrRead as serde_json::read::Read>::parse_str", 24, "<…StrRead>::parse_str"),
        ("aho_corasick::dfa::Builder::build_from_noncontiguous", 32, "…::build_from_noncontiguous"),
        ("a_long_c_function_name_without_any_modules", 20, "a_long…t_any_modules"),
        ("core::iter::Iterator<a::b::C>::next", 30, "core::…::next"),
    ],
)
def test_shorten__keeps_what_one_recognises(name: str, width: int, expected: str) -> None:
    assert fmt.shorten(name, width) == expected


@pytest.mark.parametrize("width", range(4, 60))
def test_shorten__never_wider(width: int) -> None:
    name = "<alloc::vec::Vec<T,A> as core::iter::FromIterator<u8>>::from_iter::{{closure}}"
    assert len(fmt.shorten(name, width)) <= width


def test_one_in__false_alarm_rate() -> None:
    assert fmt.one_in(0.001) == "once in 1,000"


def test_plural__one_and_many() -> None:
    assert (fmt.plural(1, "run"), fmt.plural(0, "run"), fmt.plural(1200, "query", "queries")) == (
        "1 run",
        "0 runs",
        "1,200 queries",
    )


_NUMBERS = st.floats(min_value=1e-12, max_value=1e15, allow_nan=False)


def _significant_digits(text: str) -> int:
    digits = re.sub(r"[^0-9]", "", text).lstrip("0")
    return len(digits.rstrip("0") if "." not in text else digits)


@given(_NUMBERS)
def test_number__never_more_than_three_digits_and_never_zero(value: float) -> None:
    for text in (fmt.number(value), fmt.number(-value)):
        assert 1 <= _significant_digits(text) <= 3


@given(_NUMBERS)
def test_number__is_near(value: float) -> None:
    assert abs(float(fmt.number(value).replace(",", "")) - value) <= 0.00501 * value


@given(_NUMBERS, st.sampled_from(["s", "bytes", "instructions", "samples"]))
def test_quantity__never_zero_never_a_thousand_of_a_unit_with_a_larger_one(value: float, unit: str) -> None:
    text = fmt.quantity(value, unit)
    assert 1 <= _significant_digits(text.split(" ")[0]) <= 3
    assert not re.match(r"1,000 (ns|µs|ms|B|kB|MB|instr|k|M)\b(?! samples)", text)


@given(st.floats(min_value=-1, max_value=1e6, allow_nan=False))
def test_change__zero_only_for_zero(ratio: float) -> None:
    text = fmt.change(ratio)
    assert (text == "0 %") == (ratio == 0)


@given(st.text(max_size=120), st.integers(min_value=4, max_value=60))
def test_shorten__any_text_fits(name: str, width: int) -> None:
    assert len(fmt.shorten(name, width)) <= max(width, 0)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=6), st.integers(min_value=8, max_value=40))
def test_labels__any_texts_fit(names: list[str], width: int) -> None:
    labels = fmt.labels(names, width)
    assert len(labels) == len(names)
    assert all(len(label) <= width for label in labels)


@pytest.mark.parametrize(
    ("name", "width", "end"),
    [
        ("regex_automata::nfa::compiler::Compiler::c", 11, "Compiler::c"),
        ("regex_automata::nfa::compiler::Compiler::c", 10, "c"),
        ("<a::B as c::D>::parse", 7, "parse"),
        ("sqlite3VdbeExec", 15, "sqlite3VdbeExec"),
        ("sqlite3VdbeExec", 14, ""),
    ],
)
def test_last_words__whole_words_that_fit(name: str, width: int, end: str) -> None:
    assert fmt.last_words(name, width) == end
