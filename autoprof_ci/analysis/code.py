"""Machine code of a subject, baseline against candidate: the same, changed, or not known.

Knows digests of functions, and which files both programs share. Knows no numbers and no verdict.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from autoprof_ci.model import Function, FunctionCode


class Code(Enum):
    """Machine code of a subject's functions, baseline against candidate."""

    SAME = auto()
    ALIKE = auto()
    """The same instructions in other registers, or in another order: as a compiler makes them when something else changed."""
    CHANGED = auto()
    NEW = auto()
    UNKNOWN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Codes:
    """What is known of both sides' functions. `own_files`: dsos that either program brought along to a session of both: every
    other file is the same one for both; ``None`` where it was not one session, and then only digests tell."""

    baseline: Mapping[Function, FunctionCode] = field(default_factory=dict)
    candidate: Mapping[Function, FunctionCode] = field(default_factory=dict)
    own_files: frozenset[str] | None = None

    def of(self, function: Function) -> Code:
        if self.own_files is not None and function.dso is not None and function.dso not in self.own_files:
            return Code.SAME
        before, after = self.baseline.get(function), self.candidate.get(function)
        if after is None or after.digest is None:
            return Code.UNKNOWN
        if before is None or before.digest is None:
            return Code.NEW if self.baseline and before is None else Code.UNKNOWN
        if before.digest == after.digest:
            return Code.SAME
        alike = [code.digest.partition(".")[2] for code in (before, after) if code.digest]
        return Code.ALIKE if alike[0] and alike[0] == alike[1] else Code.CHANGED

    def of_all(self, functions: Iterable[Function]) -> Code:
        """One that changed, or is new, makes all of them changed; else one that is not known makes them unknown."""
        found = {self.of(function) for function in functions}
        if not found:
            return Code.UNKNOWN
        if found & {Code.CHANGED, Code.NEW}:
            return Code.NEW if found == {Code.NEW} else Code.CHANGED
        return next(code for code in (Code.UNKNOWN, Code.ALIKE, Code.SAME) if code in found)
