"""Do two programs print the same? Pure.

Knows that a program may print something else at every start, which says nothing about the other program.
"""

from __future__ import annotations

from collections.abc import Sequence

from autoprof_ci.errors import ProgramError
from autoprof_ci.measure.runner import StartResult


def outputs_differ(results: Sequence[Sequence[StartResult]]) -> bool:
    """`results`: the starts of each program. True when each prints one thing always, and not the same thing."""
    digests = [{result.stdout_sha256 for result in of_one} for of_one in results if of_one]
    return all(len(of_one) == 1 for of_one in digests) and len(set().union(*digests)) > 1


def check_same_output(workload: str, results: Sequence[Sequence[StartResult]]) -> None:
    """Raise `ProgramError` when a workload that expects the same output does not get it."""
    if outputs_differ(results):
        sizes = " and ".join(f"{of_one[0].stdout_bytes} bytes" for of_one in results)
        raise ProgramError(
            f'workload {workload!r}: baseline and candidate print different output ({sizes}), where `expect_output` is "same"',
            'If the change is meant, set `expect_output = "any"` in this pull request.',
        )
