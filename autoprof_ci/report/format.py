"""Numbers and names as a reader wants them: three significant digits at most, the unit one thinks in.

Knows rounding, units and how to shorten a name. Knows nothing of verdicts, Markdown or HTML. Ratios come in, percent and factors
go out. Nothing here ever prints "+0.0 %" or "p = 0.000": a value that is not zero never looks like zero.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from decimal import ROUND_HALF_UP, Decimal

MINUS = "−"
ELLIPSIS = "…"
_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "s": ((1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s")),
    "bytes": ((1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")),
    "instructions": ((1.0, "instr."), (1e3, "k instr."), (1e6, "M instr."), (1e9, "G instr.")),
}
_COUNT_SCALES = ((1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"))
_EXACT_COUNT_BELOW = 10_000
_EXACT_ALLOCATIONS_BELOW = 1_000_000
_WORD_FROM = 1_000_000
_FACTOR_FROM_PERCENT = 100.0
_APART = 1000.0


def rounded(value: float, digits: int = 3) -> float:
    """`value` at `digits` significant digits; halves away from zero, as on paper."""
    if value == 0 or not math.isfinite(value):
        return value
    # repr is the shortest decimal that is this float, so that a half as written (1.005) is a half here and no hair below it
    exact = Decimal(repr(value))
    last_digit = Decimal((0, (1,), exact.adjusted() - digits + 1))
    return float(exact.quantize(last_digit, rounding=ROUND_HALF_UP))


def number(value: float, digits: int = 3) -> str:
    """At most `digits` significant digits, no trailing zeros, thousands apart: ``1,180``, ``61.2``, ``0.0021``."""
    value = rounded(value, digits)
    if value == 0:
        return "0"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{abs(value):,.{decimals}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return (MINUS if value < 0 else "") + text


def _scale_of(value: float, unit: str) -> tuple[float, str]:
    """The largest scale of `unit` in which `value`, once rounded, is at least one; the smallest for everything below."""
    size = abs(rounded(value))
    scales = _SCALES.get(unit)
    if scales is None:
        short = size < _EXACT_COUNT_BELOW
        scales = tuple((factor, f"{name} {unit}".strip()) for factor, name in (_COUNT_SCALES[:1] if short else _COUNT_SCALES))
    chosen = scales[0]
    for factor, name in scales:
        # the tolerance keeps 1 ms, which is 0.9999999 of 1e-3 in binary, in milliseconds
        if size >= factor * (1 - 1e-9):
            chosen = (factor, name)
    return chosen


def quantity(value: float, unit: str) -> str:
    """A value of `unit` in the reader's unit: ``2.1 ms``, ``1.23 M instr.``.

    `unit` is ``s``, ``bytes``, ``instructions``, or the name of any counted thing.
    """
    if unit == "allocations" and abs(value) < _EXACT_ALLOCATIONS_BELOW:
        return f"{_whole(value)} {unit}"
    factor, name = _scale_of(value, unit)
    return f"{number(rounded(value) / factor)} {name}".strip()


def _whole(value: float) -> str:
    """Counted one by one, and repeatable to the last: ``30,210``; a mean of runs that differ has decimals."""
    return f"{value:,.0f}" if value == int(value) or abs(value) >= _EXACT_COUNT_BELOW else number(value)


def change_of_quantity(baseline: float | None, candidate: float | None, unit: str) -> str:
    """Both sides in one unit: ``2.1 → 148 ms``; in two where they are a thousand apart; ``new: 3 ms``; one number where
    they look alike."""
    if baseline is None and candidate is None:
        return "not seen"
    if baseline is None:
        return f"new: {quantity(candidate or 0.0, unit)}"
    if candidate is None:
        return f"was {quantity(baseline, unit)}"
    if quantity(baseline, unit) == quantity(candidate, unit):
        return quantity(candidate, unit)
    small, large = sorted((abs(baseline), abs(candidate)))
    if unit == "allocations" and large < _EXACT_ALLOCATIONS_BELOW:
        return f"{_whole(baseline)} → {_whole(candidate)} {unit}"
    if small > 0 and large / small >= _APART:
        return f"{quantity(baseline, unit)} → {quantity(candidate, unit)}"
    factor, name = _scale_of(large, unit)
    return f"{number(rounded(baseline) / factor)} → {number(rounded(candidate) / factor)} {name}".strip()


def count(value: float) -> str:
    """How often: exact below ten thousand, then three digits: ``1,183``, ``51,200``, ``1.23 M``."""
    if abs(value) < _EXACT_COUNT_BELOW:
        if value == int(value):
            return (MINUS if value < 0 else "") + f"{abs(int(value)):,}"
        return number(value)
    return number(value) if abs(value) < _WORD_FROM else quantity(value, "")


def change_of_count(baseline: float, candidate: float) -> str:
    """``30 → 1,183``; one number where both sides are equal."""
    if baseline == candidate:
        return count(baseline)
    return f"{count(baseline)} → {count(candidate)}"


def _percent_digits(percent: float) -> str:
    size = abs(percent)
    if size < 0.001:
        return "0.001"
    if rounded(size, 2) >= 10:
        return number(math.floor(size + 0.5))
    return number(size, 1 if size < 0.1 else 2)


def percent(ratio: float) -> str:
    """Without a sign: ``3 %``, ``0.34 %``, ``31 %``; a value that is not zero is never shown as zero."""
    if ratio == 0:
        return "0 %"
    below = "below " if abs(ratio) * 100 < 0.001 else ""
    return f"{below}{MINUS if ratio < 0 else ''}{_percent_digits(ratio * 100)} %"


def is_factor(ratio: float) -> bool:
    """Whether a change of `ratio` is told as a factor: from a doubling on."""
    return rounded(ratio * 100, 3) >= _FACTOR_FROM_PERCENT or math.floor(ratio * 100 + 0.5) >= _FACTOR_FROM_PERCENT


def times(ratio: float) -> str:
    """``2.4``, ``70``: how many times the baseline, for a change of `ratio`."""
    value = 1 + ratio
    return number(value, 2) if rounded(value, 2) < 10 else number(math.floor(rounded(value) + 0.5))


def factor(ratio: float) -> str:
    """``×2.4``, ``×70``."""
    return f"×{times(ratio)}"


def change(ratio: float | None) -> str:
    """A signed change: ``+5.1 %``, ``−12 %``, from a doubling on ``×2.4``; ``new`` where there is nothing to compare with."""
    if ratio is None:
        return "new"
    if ratio == 0:
        return "0 %"
    if is_factor(ratio):
        return factor(ratio)
    sign = "+" if ratio > 0 else MINUS
    digits = _percent_digits(ratio * 100)
    if ratio < 0 and digits == "100" and ratio > -1:
        return f"below {MINUS}99 %"
    if abs(ratio) * 100 < 0.001:
        return f"below {sign}{digits} %"
    return f"{sign}{digits} %"


def interval(ratio: float | None, ci_low: float | None, ci_high: float | None) -> str:
    """The interval of a change in brackets, empty where it says nothing new: ``(±0.6)``, ``(+1.9 … +8.4)``, ``(×2.1 … ×2.7)``."""
    if ratio is None or ci_low is None or ci_high is None:
        return ""
    half = (ci_high - ci_low) / 2
    if half <= 0 or half < 0.05 * abs(ratio):
        return ""
    if is_factor(ratio):
        low, high = change(ci_low), change(ci_high)
        return "" if low == high else f"({low} … {high})"
    if abs((ci_high - ratio) - (ratio - ci_low)) <= 0.2 * half:
        return f"(±{_percent_digits(half * 100)})"
    return f"({_bare(ci_low)} … {_bare(ci_high)})"


def _bare(ratio: float) -> str:
    return change(ratio).removesuffix(" %")


def probability(p_value: float) -> str:
    """``p = 0.012``, ``p < 0.001``, ``p < 10⁻⁶``: never a zero."""
    if p_value >= 0.001:
        return f"p = {number(p_value, 2)}"
    if p_value >= 1e-6:
        return "p < 0.001"
    return "p < 10⁻⁶"


def one_in(rate: float) -> str:
    """``once in 1,000`` for a rate of 0.001."""
    return f"once in {number(1 / rate)}" if rate > 0 else "never"


def plural(n: int, one: str, many: str | None = None) -> str:
    """``1 function``, ``1,200 functions``."""
    return f"{n:,} {one if n == 1 else (many or one + 's')}"


def _segments(name: str) -> list[str]:
    """`name` at its ``::``, but not inside of brackets: ``<a::B as c::D>::e`` has two segments."""
    parts, depth, start = [], 0, 0
    for index, character in enumerate(name):
        if character in "<([{":
            depth += 1
        elif character in ">)]}":
            depth = max(0, depth - 1)
        elif character == ":" and depth == 0 and name.startswith("::", index) and index >= start:
            parts.append(name[start:index])
            start = index + 2
    parts.append(name[start:])
    return parts


def _shorter_forms(name: str) -> Iterator[str]:
    """Ever shorter forms of `name` that are still words: first the trait goes, then the modules, then the crate."""
    parts = _segments(name)
    if parts[0].startswith("<") and parts[0].endswith(">") and " as " in parts[0]:
        owner = parts[0][1:].split(" as ", 1)[0]
        rest = "::".join(parts[1:])
        words = _segments(owner)
        yield f"<{owner} as {ELLIPSIS}>::{rest}"
        if len(words) > 2:
            yield f"<{words[0]}::{ELLIPSIS}::{words[-1]}>::{rest}"
        yield f"<{ELLIPSIS}{words[-1]}>::{rest}"
    for kept in range(len(parts) - 2, 0, -1):
        yield "::".join([parts[0], ELLIPSIS, *parts[-kept:]])
    if len(parts) > 1:
        yield f"{ELLIPSIS}::{parts[-1]}"


def shorten(name: str, width: int = 48) -> str:
    """`name` in at most `width` characters, cut in the middle: the crate and the last words are what one recognises it by."""
    if len(name) <= width:
        return name
    for short in _shorter_forms(name):
        if len(short) <= width:
            return short
    head = max(1, (width - 1) // 3)
    tail = max(1, width - 1 - head)
    return name[:head] + ELLIPSIS + name[-tail:]


def last_words(name: str, width: int) -> str:
    """The longest end of `name` in whole words of at most `width` characters; empty where not even the last one fits."""
    parts = _segments(name)
    ends = ("::".join(parts[first:]) for first in range(len(parts)))
    return next((end for end in ends if len(end) <= width), "")


def labels(names: Sequence[str], width: int) -> tuple[str, ...]:
    """`names` shortened so that different ones stay different, as far as `width` allows: by the first word that differs."""
    short = [shorten(name, width) for name in names]
    made = []
    for name, label in zip(names, short, strict=True):
        alike = [other for other, its_label in zip(names, short, strict=True) if its_label == label and other != name]
        made.append(_told_apart(name, alike[0], width) if alike else label)
    return tuple(made)


def _told_apart(name: str, other: str, width: int) -> str:
    parts, others = _segments(name), _segments(other)
    differs = next(
        (i for i, (mine, its) in enumerate(zip(parts, others, strict=False)) if mine != its), min(len(parts), len(others)) - 1
    )
    form = f"{ELLIPSIS}::{parts[differs]}::{ELLIPSIS}::{parts[-1]}" if differs < len(parts) - 1 else f"{ELLIPSIS}::{parts[-1]}"
    if len(form) <= width:
        return form
    first = next((i for i, (mine, its) in enumerate(zip(name, other, strict=False)) if mine != its), 0)
    begin = max(0, first - width // 3)
    return (ELLIPSIS if begin else "") + name[begin : begin + width - 2] + (ELLIPSIS if begin + width - 2 < len(name) else "")
