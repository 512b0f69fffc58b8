"""Whether a function of one program does the same as a function of another, also where names changed.

Knows bodies and the names of both programs. Knows nothing of what ran.

A renamed function changes the code of everybody who calls it, by the letter. So where two bodies differ only in the names they
refer to, and each of these names is known to one program only, it is asked whether what they stand for is the same: and so on,
down the calls, each pair once. Recursion is taken to be the same until something shows that it is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from autoprof_ci.machine_code.bodies import Body, read_bodies
from autoprof_ci.machine_code.image import BOUNDARY, Image
from autoprof_ci.machine_code.tables import Place

MOST_ASKED = 20_000
"""Pairs of names: beyond, names that differ are a difference."""
DEEPEST = 200


class Side:
    """One program's functions by their normalised names, their bodies read when they are asked for."""

    def __init__(self, images: Sequence[Image]) -> None:
        self._images = images
        self._read: dict[str, tuple[Body, ...]] = {}

    @cached_property
    def _raws(self) -> Mapping[str, tuple[tuple[Image, str], ...]]:
        found: dict[str, list[tuple[Image, str]]] = {}
        for image in self._images:
            for raw in image.functions:
                found.setdefault(image.names[raw], []).append((image, raw))
        return {name: tuple(each) for name, each in found.items()}

    @cached_property
    def names(self) -> frozenset[str]:
        """Of all symbols, variables too."""
        return frozenset(name for image in self._images for name in image.names.values())

    def bodies(self, name: str) -> tuple[Body, ...]:
        if name not in self._read:
            self._read[name] = tuple(
                body for image, raw in self._raws.get(name, ()) for each in read_bodies(image, (raw,)).values() for body in each
            )
        return self._read[name]


class Sameness:
    """Answers for one pair of programs. Remembers what it was asked."""

    def __init__(self, baseline: Side, candidate: Side) -> None:
        self._baseline, self._candidate = baseline, candidate
        self._known: dict[tuple[str, str], bool] = {}
        self._asked: list[tuple[str, str]] = []

    def matched(self, baseline: Sequence[Body], candidate: Sequence[Body]) -> bool:
        """Whether each body of the side that has fewer is also on the other one: more instances of a generic change none."""
        swapped = len(baseline) > len(candidate)
        fewer, more = (list(candidate), list(baseline)) if swapped else (list(baseline), list(candidate))
        for body in fewer:
            partner = next((o for o in more if (self._same(o, body) if swapped else self._same(body, o))), None)
            if partner is None:
                return False
            more.remove(partner)
        return bool(fewer)

    def _same(self, baseline: Body, candidate: Body) -> bool:
        if baseline.shape != candidate.shape or len(baseline.targets) != len(candidate.targets):
            return False
        pairs = list(zip(baseline.targets, candidate.targets, strict=True))
        return all(self._agree(one, other) or _is_end(one, other, pairs) for one, other in pairs)

    def _agree(self, one: Place, other: Place) -> bool:
        if one.detail != other.detail:
            return False
        if one.names == other.names or one.names & other.names:
            return True
        return self._is_renamed(one.names, other.names)

    def _is_renamed(self, baseline: frozenset[str], candidate: frozenset[str]) -> bool:
        """Names that only one program knows may stand for the same function."""
        if not baseline or not candidate or baseline & self._candidate.names or candidate & self._baseline.names:
            return False
        return self.stand_for_the_same(min(baseline), min(candidate))

    def stand_for_the_same(self, baseline: str, candidate: str) -> bool:
        """Whether the functions of these names do the same; ``False`` where one of them is no function."""
        pair = baseline, candidate
        if pair in self._known:
            return self._known[pair]
        if len(self._known) > MOST_ASKED or len(self._asked) > DEEPEST:
            return False
        since = len(self._known)
        self._known[pair] = True
        self._asked.append(pair)
        found = self.matched(self._baseline.bodies(baseline), self._candidate.bodies(candidate))
        self._asked.pop()
        if not found:
            # What was found equal meanwhile may have rested on this pair being equal.
            for asked in list(self._known)[since:]:
                if self._known[asked]:
                    del self._known[asked]
            self._known[pair] = False
        return found


def _is_end(one: Place, other: Place, all_of_them: Sequence[tuple[Place, Place]]) -> bool:
    """Whether both are the end of a variable that both functions also refer to, or of a table, whatever lies behind it."""
    ends = one.ends & other.ends
    if any(BOUNDARY.match(name) for name in ends):
        return True
    return bool(ends) and any(ends & before.names and ends & after.names for before, after in all_of_them)
