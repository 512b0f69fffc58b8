"""Two recordings of one workload side by side: one row a function that either side saw, one column a run.

Knows how recordings are laid out and which rows belong to the program. Knows nothing of tests or thresholds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoprof_ci.model import KERNEL, Function, WorkloadInstructions, WorkloadMemory, WorkloadSamples, helper_row

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_HELPER_NAME = helper_row("").name


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """`counts` (functions, runs) as recorded; `starts`, `candidate` (which side), `blocks`: (runs,).

    `total` (functions,) says which rows make the program's total: no helper, and the kernel only where both sides saw it.
    """

    functions: tuple[Function, ...]
    counts: Floats
    starts: Floats
    candidate: Bools
    blocks: NDArray[np.int64]
    total: Bools

    def per_start(self) -> Floats:
        return self.counts / self.starts

    def means(self) -> tuple[Floats, Floats]:
        """Mean count of each function per side, baseline first."""
        return self.counts[:, ~self.candidate].mean(axis=1), self.counts[:, self.candidate].mean(axis=1)

    def shares(self) -> tuple[Floats, Floats]:
        """Of the program's total per side, baseline first; a helper's and an unseen kernel's is its ratio to that total too.

        inf where the total is nothing beside it.
        """
        with np.errstate(over="ignore"):
            baseline, candidate = (side / max(float(side[self.total].sum()), 1e-300) for side in self.means())
        return baseline, candidate


def is_helper(function: Function) -> bool:
    return function.name == _HELPER_NAME


def is_kernel(function: Function) -> bool:
    return function == KERNEL


def of_samples(baseline: WorkloadSamples, candidate: WorkloadSamples) -> Table:
    functions, sides = _aligned(
        (baseline.functions, [run.counts for run in baseline.runs]), (candidate.functions, [run.counts for run in candidate.runs])
    )
    runs = baseline.runs + candidate.runs
    starts = np.repeat([float(max(1, side.starts)) for side in (baseline, candidate)], [len(baseline.runs), len(candidate.runs)])
    blocks = np.array([run.block for run in runs], dtype=np.int64)
    return _table(functions, np.concatenate(sides, axis=1), starts, len(baseline.runs), blocks)


def of_instructions(baseline: WorkloadInstructions, candidate: WorkloadInstructions) -> Table:
    """One column a repeat."""
    functions, sides = _aligned((baseline.functions, baseline.repeats), (candidate.functions, candidate.repeats))
    counts = np.concatenate(sides, axis=1)
    columns = counts.shape[1]
    return _table(functions, counts, np.ones(columns), len(baseline.repeats), np.zeros(columns, dtype=np.int64))


def of_memory(baseline: WorkloadMemory, candidate: WorkloadMemory, column: str) -> Table:
    """One column a repeat. `column`: a field of `MemoryRepeat`."""
    sides = [[getattr(repeat, column) for repeat in side.repeats] for side in (baseline, candidate)]
    functions, counts = _aligned((baseline.functions, sides[0]), (candidate.functions, sides[1]))
    repeats = len(sides[0]) + len(sides[1])
    return _table(functions, np.concatenate(counts, axis=1), np.ones(repeats), len(sides[0]), np.zeros(repeats, dtype=np.int64))


def _table(
    functions: tuple[Function, ...], counts: Floats, starts: Floats, baseline_runs: int, blocks: NDArray[np.int64]
) -> Table:
    candidate = np.arange(counts.shape[1]) >= baseline_runs
    kernel = np.array([is_kernel(f) for f in functions], dtype=bool)
    total = ~np.array([is_helper(f) for f in functions], dtype=bool)
    if not kernel_seen_by_both(counts, candidate, kernel):
        total &= ~kernel
    return Table(functions=functions, counts=counts, starts=starts, candidate=candidate, blocks=blocks, total=total)


def kernel_seen_by_both(counts: Floats, candidate: Bools, kernel: Bools) -> bool:
    return bool(counts[kernel][:, candidate].any() and counts[kernel][:, ~candidate].any())


def _aligned(
    *sides: tuple[tuple[Function, ...], list[tuple[float, ...]] | tuple[tuple[float, ...], ...]],
) -> tuple[tuple[Function, ...], list[Floats]]:
    """Functions of either side in order of first appearance; what a side did not see is 0; rows of one name are summed."""
    index: dict[Function, int] = {}
    for functions, _ in sides:
        for function in functions:
            index.setdefault(function, len(index))
    matrices = []
    for functions, columns in sides:
        matrix = np.zeros((len(index), len(columns)))
        rows = np.array([index[function] for function in functions], dtype=np.intp)
        if len(columns) and len(rows):
            np.add.at(matrix, rows, np.array(columns, dtype=np.float64).T)
        matrices.append(matrix)
    return tuple(index), matrices
