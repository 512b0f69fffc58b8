"""Which subjects a workload has, and which of them are hot enough to be tested.

Knows shares, groups and the policy's limits. Knows no test; above all, hotness never looks at the difference of the two sides
in a way that the family of tests does not account for (`Subjects.family`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from autoprof_ci import limits, patterns
from autoprof_ci.analysis.tables import Table, is_helper, is_kernel
from autoprof_ci.limits import Measure
from autoprof_ci.model import TOTAL_NAME, Function, Instrument, Policy, SubjectKind

METRICS = {Instrument.TIME: "self_time", Instrument.INSTRUCTIONS: "instructions", Instrument.MEMORY: "allocations"}
"""By which functions are tested, and found hot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """Something to be compared. `members`: the functions it sums, itself for a function."""

    name: str
    kind: SubjectKind
    dso: str | None
    members: tuple[Function, ...]
    gated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Subjects:
    """`family`: how many subjects could have been tested, whatever the difference of the two sides: at least those that are.

    A subject is tested if it is hot on either side. Which ones are then depends on the difference, so that counting only them
    would flatter the p-values. Whoever is hot on one side has at least half of the limit on average over both sides, which does
    not depend on the difference: all of those count.
    """

    tested: tuple[Subject, ...]
    shown: tuple[Subject, ...]
    """Helpers, and the kernel where one side could not see it: no test."""
    family: int
    hot_in_memory: frozenset[Subject] = frozenset()
    """Those of `tested` that ask for memory often enough: a function that runs long and asks three times is not tested for a
    fourth."""


USER_TOTAL = Subject(name="[total] without [kernel]", kind=SubjectKind.TOTAL, dso=None, members=(), gated=False)
"""Tested where the kernel is in the total: the kernel fails nobody, and so not through the total either. Never shown."""


WITH_MEMORY = "instructions_with_memory"
"""The metric of a function's instructions with those that it asked of allocators and for copying."""


def with_memory(subject: Subject) -> Subject:
    """What stands for `subject` where its instructions are counted so. Never shown beside it."""
    return replace(subject, gated=False)


def find(workload: str, tables: Mapping[Instrument, Table], policy: Policy) -> Subjects:
    """Hot functions, hot groups, the total and the kernel of one workload; hot in any instrument is hot."""
    shares_of: dict[Instrument, dict[Function, tuple[float, float]]] = {}
    functions: dict[Function, None] = {}
    warm: set[Function] = set()
    """Who may be hot under some limit: of thousands of functions the few that are worth a closer look."""
    for instrument, table in tables.items():
        low, high = table.shares()
        least = _smallest_limit(policy, instrument)
        warm.update(table.functions[row] for row in np.flatnonzero(2 * np.maximum(low, high) >= least))
        shares_of[instrument] = dict(zip(table.functions, zip(low.tolist(), high.tolist(), strict=True), strict=True))
        functions.update(dict.fromkeys(table.functions))

    candidates = [
        Subject(name=f.name, kind=SubjectKind.FUNCTION, dso=f.dso, members=(f,), gated=not is_kernel(f))
        for f in functions
        if (f in warm or is_kernel(f)) and not is_helper(f)
    ]
    candidates += _groups(tuple(functions), policy)
    unseen_kernel = any(is_kernel(f) and not table.total[i] for table in tables.values() for i, f in enumerate(table.functions))
    tested, shown, family = [], [], 0
    asking: set[Subject] = set()
    for subject in candidates:
        if unseen_kernel and is_kernel(subject.members[0]):
            shown.append(subject)
            continue
        hot = maybe = False
        for instrument in tables:
            members = [shares_of[instrument].get(f, (0.0, 0.0)) for f in subject.members]
            shares = [sum(side) for side in zip(*members, strict=True)]
            measure = Measure(workload=workload, instrument=instrument, metric=METRICS[instrument])
            least = limits.threshold(policy, subject.name, measure).min_share
            hot_here = max(shares) > 0 and max(shares) >= least
            hot = hot or hot_here
            if hot_here and instrument is Instrument.MEMORY:
                asking.add(subject)
            maybe = maybe or (sum(shares) > 0 and sum(shares) >= least)
        family += maybe
        if hot:
            tested.append(subject)
    shown += [
        Subject(name=f.name, kind=SubjectKind.FUNCTION, dso=f.dso, members=(f,), gated=False) for f in functions if is_helper(f)
    ]
    total = Subject(name=TOTAL_NAME, kind=SubjectKind.TOTAL, dso=None, members=(), gated=True)
    return Subjects(tested=(*tested, total), shown=tuple(shown), family=family + 1, hot_in_memory=frozenset((*asking, total)))


def _smallest_limit(policy: Policy, instrument: Instrument) -> float:
    own = policy.thresholds.get(instrument, limits.NO_THRESHOLD)
    return min([own.min_share, *(o.min_share for o in policy.overrides if o.min_share is not None)])


def _groups(functions: tuple[Function, ...], policy: Policy) -> list[Subject]:
    """Each function in the first group that matches it; kernel and helpers in none."""
    matchers = [(group.name, patterns.matcher(group.match)) for group in policy.groups]
    members: dict[str, list[Function]] = {group.name: [] for group in policy.groups}
    for function in functions:
        if is_kernel(function) or is_helper(function):
            continue
        name = next((name for name, matches in matchers if matches(function.name)), None)
        if name is not None:
            members[name].append(function)
    return [
        Subject(name=name, kind=SubjectKind.GROUP, dso=None, members=tuple(found), gated=True)
        for name, found in members.items()
        if found
    ]
