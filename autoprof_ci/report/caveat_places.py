"""Where a caveat holds, in few words: eight places with nearly the same number are one clause.

Knows how the details of caveats are written (``WORKLOAD``, ``WORKLOAD (SIDE)`` or ``WORKLOAD (SIDE): 1.7 processors``) and
nothing of what they mean; a detail of another form is shown as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from autoprof_ci.report import format as fmt

_SHOWN = 3
_PLACE = re.compile(r"(?P<workload>.+) \((?P<side>baseline|candidate)\)(?:: (?P<what>.+))?", re.DOTALL)
_NUMBER = re.compile(r"±?(?P<value>\d+(?:\.\d+)?)(?P<unit> .+)")


def _listed(items: Sequence[str]) -> str:
    shown = list(items[:_SHOWN])
    if len(items) > len(shown):
        shown.append(f"and {len(items) - len(shown):,} more")
    return ", ".join(shown)


def _where(places: Sequence[tuple[str, str]], workloads: Sequence[str]) -> str:
    named = list(dict.fromkeys(workload for workload, _ in places))
    sides = {side for _, side in places if side}
    of_side = f" of the {next(iter(sides))}" if len(sides) == 1 else ""
    if len(named) > 1 and set(named) >= set(workloads):
        every = "both" if len(named) == 2 else f"all {len(named)}"
        return f"in {every} workloads{of_side}"
    return f"in {_listed(named)}{of_side}"


def _rounded(value: float, unit: str) -> str:
    # how busy a machine was is no more exact than this
    if unit.strip() == "processors":
        whole = max(1, int(value + 0.5))
        return f"about {fmt.plural(whole, 'processor')}"
    return f"{fmt.number(value)}{unit}"


def _amounts(whats: Sequence[str]) -> str:
    """The numbers from the smallest to the largest where all have one unit; else the texts."""
    found = [_NUMBER.fullmatch(what) for what in whats]
    numbers = sorted((float(m["value"]), m["unit"]) for m in found if m is not None)
    if len(numbers) < len(whats) or len({unit for _, unit in numbers}) != 1:
        return _listed(list(dict.fromkeys(whats)))
    unit = numbers[0][1]
    low, high = _rounded(*numbers[0]), _rounded(*numbers[-1])
    sign = "±" if any(what.startswith("±") for what in whats) else ""
    return f"{sign}{low}" if low == high else f"{sign}{low.removesuffix(unit)} to {sign}{high}"


def summary(details: Sequence[str], workloads: Sequence[str]) -> str:
    """All `details` of one caveat as one clause; empty where there is none."""
    if not details:
        return ""
    placed = [_PLACE.fullmatch(detail) for detail in details]
    known = [place for place in placed if place is not None]
    if len(known) == len(details):
        where = _where([(place["workload"], place["side"]) for place in known], workloads)
        whats = [place["what"] for place in known if place["what"]]
        return f"{_amounts(whats)} {where}" if whats else where
    if workloads and len(details) > 1 and set(details) == set(workloads):
        return "in both workloads" if len(details) == 2 else f"in all {len(details)} workloads"
    return _listed(details)
